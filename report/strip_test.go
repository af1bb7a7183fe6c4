package report

import (
	"strings"
	"testing"

	"assay/decide"
	"assay/ledger"
)

// checkOf is a check of a look by its title.
func checkOf(t *testing.T, look *ledger.Look, title string) checkView {
	t.Helper()
	for _, c := range newChecks(look, []ledger.Look{*look}) {
		if c.Title == title {
			return c
		}
	}
	t.Fatalf("no check %q", title)
	return checkView{}
}

// Each finding opens the check that it belongs to, and no other.
func TestFindingsOpenTheirCheck(t *testing.T) {
	for title, code := range map[string]string{
		"Identifiers": "source_fading", "Split": "sample_ratio_dimension", "One variation each": "multiple_exposure",
		"Freshness": "stale_exposures", "Volume": "exposures_collapsed",
	} {
		look := base("x", 3, 900)
		look.Health.Problems = []ledger.Finding{{Code: code, Text: "it is so"}}
		for _, c := range newChecks(look, nil) {
			if want := c.Title == title; c.Open != want || (c.Badge.Tone == toneGood) == want {
				t.Errorf("%s: %q is open: %v, %+v", code, c.Title, c.Open, c.Badge)
			}
		}
	}
}

func TestChecksInWords(t *testing.T) {
	look := base("x", 3, 900)
	look.Spec.Policy = map[string]string{"freshness": "1d"}
	if got := checkOf(t, look, "Identifiers").Text; !strings.Contains(got, "in responses") || !strings.Contains(got, "in feedback") {
		t.Error(got)
	}
	if got := checkOf(t, look, "Freshness").Text; !strings.Contains(got, "42 s before as-of") || !strings.Contains(got, "At most 1\u202fd") {
		t.Error(got)
	}
	look.Health.Sources[1].Blind, look.Health.Sources[1].Present = true, []int64{0, 0}
	if got := checkOf(t, look, "Identifiers"); got.Badge.Tone != toneBad || !got.Open || !strings.Contains(got.Text, "have facts: none in feedback") {
		t.Errorf("%+v", got)
	}
	look.Standing.Ended = &decide.Terminal{Verdict: decide.Rollback}
	if got := checkOf(t, look, "Freshness"); got.Badge.Word != "fresh" { // It ends with this look.
		t.Errorf("%+v", got)
	}
	look.Decision = decide.Decision{Verdict: decide.Hold, Reasons: []decide.Reason{{Rule: 0}}}
	if got := checkOf(t, look, "Freshness"); got.Badge.Word != "ended" || strings.Contains(got.Text, "At most") {
		t.Errorf("%+v", got)
	}
}

// The sample ratio is drawn over the looks that could tell it.
func TestSampleRatioOverTheLooks(t *testing.T) {
	s := skewed()
	split := checkOf(t, s.look, "Split").Split
	if split.Chart != "" || len(split.Course) != 0 {
		t.Error("one look is no course")
	}
	split = newChecks(s.look, s.history)[1].Split
	if len(split.Course) != len(s.history) || parsed(t, string(split.Chart))[".hit"] != 1 {
		t.Errorf("%d of %d looks", len(split.Course), len(s.history))
	}
}

// The verdict names the comparison that it turns on: the one that decided, that
// of the look that ended the experiment, or the guardrail nearest to harm.
func TestTurning(t *testing.T) {
	for _, c := range []struct {
		story        story
		lead, metric string
	}{
		{harmful(), "Decided by", "error_rate"},
		{afterwards(), "Decided at look 4 of plan version 2", "error_rate"},
		{ramping(), "The guardrail nearest to its limit is", "thumbs_down_rate"},
	} {
		got := newTurning(c.story.look, c.story.history, web)
		if got == nil || !strings.HasPrefix(got.Lead, c.lead) || got.Metric != c.metric || got.Effect == "" || got.E == "" {
			t.Errorf("%s: %+v", c.story.name, got)
		}
	}
	if got := newTurning(nothing().look, nil, web); got != nil {
		t.Errorf("out of nothing: %+v", got)
	}
}

// What a store was told stands with what became of it; a page that cannot know
// does not pretend to.
func TestTold(t *testing.T) {
	s := harmful()
	if got := newTold(s.look, &s.since); len(got) != 1 || got[0].Outcome == nil || got[0].Outcome.Tone != toneGood {
		t.Errorf("%+v", got)
	}
	if got := newTold(s.look, nil); len(got) != 1 || got[0].Outcome != nil {
		t.Errorf("%+v", got)
	}
	s = afterwards()
	if got := newTold(s.look, &s.since); len(got) != 1 || got[0].Lead != "Last told" || got[0].State != "everybody gets control" {
		t.Errorf("%+v", got)
	}
	if got := newTold(s.look, nil); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
