package report

import (
	"bytes"
	"strings"
	"testing"

	"assay/ledger"
	"assay/stats"
)

// textOf is a look on a wide terminal.
func textOf(t *testing.T, look *ledger.Look) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, look, TextOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page and the text name the correction; one that is not known is shown
// as text.
func TestCorrectionIsNamed(t *testing.T) {
	for correction, want := range map[string]string{
		"": "after Holm, at most 0.05 needed", "holm": "after Holm, at most 0.05 needed",
		"ebh":     "after e-BH, at most 0.05 needed",
		"bh":      "after Benjamini-Hochberg (at one fixed time only), at most 0.05 needed",
		"<b>\x1b": "after <b>",
	} {
		look := shipped().look
		look.Spec.GoalCorrection = correction
		if got := textOf(t, look); !strings.Contains(got, want) || strings.Contains(got, "\x1b") {
			t.Errorf("%q: no %q in\n%s", correction, want, got)
		}
		var page bytes.Buffer
		if err := Page(&page, look, nil, Since{}); err != nil {
			t.Fatal(err)
		}
		if got := page.String(); !strings.Contains(got, strings.ReplaceAll(want, "<b>", "&lt;b&gt;")) {
			t.Errorf("%q: the page does not say %q", correction, want)
		}
	}
}

// A goal that is harmed shows the harm, not its p-value.
func TestProofOfAHarmedGoal(t *testing.T) {
	look := shipped().look
	m := &look.Metrics[5]
	v := &m.Comparisons[0]
	if got := proof(look, m, v, term); got != "p < 0.0001 after Holm, at most 0.05 needed" {
		t.Error(got)
	}
	v.LogE, v.Harmed = v.Bound+1, true
	if got := proof(look, m, v, term); !strings.HasPrefix(got, "E = ") {
		t.Error(got)
	}
}

func TestPosteriorText(t *testing.T) {
	q := quantity{numbers: term, factor: 100, step: " pp"}
	some := func(win, ship, keep float64) stats.Posterior {
		return stats.Posterior{
			Status: stats.StatusOK, Win: stats.Some(win),
			Loss: stats.Loss{Ship: stats.Some(ship), Keep: stats.Some(keep)},
		}
	}
	relative := some(0.969, 0.001, 0.2)
	relative.RelativeLoss = stats.Loss{Ship: stats.Some(0.00456), Keep: stats.Some(0.712)}
	for _, c := range []struct {
		posterior stats.Posterior
		want      string
	}{
		{relative, "chance to win 96.9 %, expected loss 0.46 % of control if shipped, 71 % if not"},
		{some(0.5, 0.0123, 4e-6), "chance to win 50.0 %, expected loss 1.2 pp if shipped, 0.0004 pp if not"},
		{some(1-1e-16, 5e-324, 1), "chance to win > 99.9 %, expected loss < 10^-9 pp if shipped, 100 pp if not"},
		{some(1e-300, 1, 1), "chance to win < 0.1 %, expected loss 100 pp if shipped, 100 pp if not"},
		{stats.Posterior{Status: stats.StatusOK, Win: stats.Some(0.3)}, "chance to win 30.0 %"},
		{stats.Posterior{Status: stats.StatusNoVariance}, ""},
		{stats.Posterior{}, ""},
	} {
		if got := posteriorText(&c.posterior, q); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := priorText(stats.Prior{Mean: 0.02, SD: 0.3}, q); got != "prior of the relative effect: mean 2 %, standard deviation 30 %" {
		t.Error(got)
	}
}

// What must not be acted upon is never shown without its label.
func TestOneLookIsLabelled(t *testing.T) {
	for _, s := range stories() {
		text := textOf(t, s.look)
		if i := strings.Index(text, "chance to win"); i >= 0 && !strings.Contains(text[:i], "\n"+oneLookLabel+"\n") {
			t.Errorf("%s: no label before the chance to win", s.name)
		}
		var page bytes.Buffer
		if err := Page(&page, s.look, s.history, s.since); err != nil {
			t.Fatal(err)
		}
		for _, before := range strings.SplitAfter(page.String(), "chance to win") {
			if strings.HasSuffix(before, "chance to win") && !strings.Contains(before, oneLookLabel) {
				t.Errorf("%s: a chance to win without its label", s.name)
			}
		}
	}
}
