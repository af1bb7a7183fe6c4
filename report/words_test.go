package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// TestUnbroken: dates and short identifiers do not break at their hyphens, and
// nothing gets past the escaping.
func TestUnbroken(t *testing.T) {
	span := func(s string) string { return `<span class="moment">` + s + `</span>` }
	for s, want := range map[string]string{
		"":                              "",
		"ended on 2026-11-15 and":       "ended on " + span("2026-11-15") + " and",
		"like u-999999, not acct-9999.": "like " + span("u-999999") + ", not " + span("acct-9999") + ".",
		"at 2026-11-02T10:00Z":          "at " + span("2026-11-02T10:00Z"),
		"read-back of a one-sided test": "read-back of a one-sided test",
		"-3.59 of a-1<b>":               "-3.59 of " + span("a-1") + "&lt;b&gt;",
		"x&a-1;'\"":                     "x&amp;" + span("a-1") + ";&#39;&#34;",
		"0123456789-0123456789-0123456": "0123456789-0123456789-0123456",
	} {
		if got := string(unbroken(s)); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
	parsed(t, "<p>"+string(unbroken(message(evil+" a-1 "+evil)))+"</p>")
}

// TestSaid: what a store says is shown where it adds to the outcome.
func TestSaid(t *testing.T) {
	for _, c := range []struct {
		outcome    Outcome
		text, want string
	}{
		{Verified, "written and read back", ""},
		{Verified, "the flag was in this state already", "the flag was in this state already"},
		{Unverified, "written and read back", "written and read back"},
		{Refused, "no such flag", "no such flag"},
	} {
		if got := said(c.outcome, c.text); got != c.want {
			t.Errorf("%s, %q: %q", c.outcome, c.text, got)
		}
	}
	d := Delivered{Store: "live", FlagKey: "f", Outcome: Verified, Attempts: []Attempt{{Outcome: Verified, Message: "written and read back"}}}
	if v := newDeliveryView(d); v.Message != "" || v.Attempts != nil {
		t.Errorf("one try is told twice: %+v", v)
	}
	d.Attempts = append(d.Attempts, d.Attempts[0])
	if v := newDeliveryView(d); len(v.Attempts) != 2 || v.Attempts[0].Message != "" {
		t.Errorf("two tries: %+v", v.Attempts)
	}
}

func TestSpaced(t *testing.T) {
	for s, want := range map[string]string{"1d": "1\u202fd", "1h30m": "1\u202fh30\u202fm", "none": "none", "": ""} {
		if got := spaced(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestShortRevision(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 4)
	for s, want := range map[string]string{
		long[:40]: "0123456789ab", long: "0123456789ab", long[:40] + "-dirty": "0123456789ab-dirty",
		"4e1c2ab": "4e1c2ab", "v1.2.3": "v1.2.3", "": "",
	} {
		if got := shortRevision(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// TestEvidenceLineBreaks: the line of evidence does not go on over looks that had
// none to spend, and a look between two such ones is a dot.
func TestEvidenceLineBreaks(t *testing.T) {
	at := func(day int) time.Time { return start.AddDate(0, 0, day) }
	draw := func(proofs ...float64) string {
		s := sequence{From: at(0), To: at(len(proofs)), Label: web.relativeTick}
		for i, x := range proofs {
			p := seqPoint{At: at(i), Known: true, Upper: 1}
			if x >= 0 {
				p.Proof = stats.Some(x)
			}
			s.Points = append(s.Points, p)
		}
		return string(sequenceChart(picture{ID: "s"}, s))
	}
	for _, c := range []struct {
		svg           string
		lines, single int
	}{
		{draw(0.1, 0.2, 0.3), 1, 0},
		{draw(0.1, 0.2, -1, -1, 0.3), 1, 1},
		{draw(0.1, 0.2, -1, 0.3, 0.4), 2, 0},
		{draw(-1, 0.1, -1), 0, 1},
	} {
		if got := strings.Count(c.svg, `class="strip"`); got != c.lines {
			t.Errorf("%d lines, want %d:\n%s", got, c.lines, c.svg)
		}
		if got := strings.Count(c.svg, `class="single"`); got != c.single {
			t.Errorf("%d paths of dots, want %d:\n%s", got, c.single, c.svg)
		}
	}
}

// TestUnmatchedMetrics: why a metric of a source that meets nobody says nothing is
// that, whatever its numbers lack; and the newest row is of anybody.
func TestUnmatchedMetrics(t *testing.T) {
	look := blind().look
	source := &look.Health.Sources[0]
	for _, status := range []stats.Status{stats.StatusNoUnits, stats.StatusNoVariance, stats.StatusNoEvents} {
		m := &ledger.MetricResult{Name: "clicks", Source: source.Source, Role: "guardrail"}
		v := &ledger.Versus{}
		v.Status = status
		if got := standing(look, m, v).Word; got != "cannot say: searches cannot be matched to the exposed units" {
			t.Errorf("%s: %q", status, got)
		}
		v.Latched = true
		if got := standing(look, m, v).Word; got != "harmed at an earlier look" {
			t.Errorf("%s, harmed before: %q", status, got)
		}
	}
	look.Health.Problems = []ledger.Finding{{Code: "missing_day", Source: "searches"}, {Code: "source_empty", Source: "other"}, {Code: "source_fading", Source: "searches"}}
	if got := unmatched(look, "searches"); got != "searches has lost most of the exposed units" {
		t.Errorf("fading: %q", got)
	}
	when := start
	source.Newest, source.Alignment.Newest = nil, &when
	if got := newestRow(source); got != &when {
		t.Errorf("newest row %v", got)
	}
	other := start.Add(time.Hour)
	source.Newest = &other
	if got := newestRow(source); got != &other {
		t.Errorf("newest row %v", got)
	}
}

func TestMonitoring(t *testing.T) {
	look := base("tone", 3, 100)
	look.Spec.Start, look.Spec.End, look.AsOf = start, start.AddDate(0, 0, 14), start.AddDate(0, 0, 3)
	const span = "2026-11-01 to 2026-11-15"
	is := func(want string) {
		t.Helper()
		if got := strings.ReplaceAll(monitoring(look), "\u202f", " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	is(span + " (3 d of 14 d)")
	look.Standing.Ended = &decide.Terminal{At: start.AddDate(0, 0, 2)}
	is(span + " (ended 2026-11-03)")
	look.AsOf = start.AddDate(0, 0, 20)
	is(span + " (ended 2026-11-03)")
	look.Standing.Ended.At = look.Spec.End
	is(span + " (over)")
	look.AsOf = start.AddDate(0, 0, -1)
	is(span)
}

// TestEstablishedBefore: what an earlier look of the version has shown holds on at a
// look that may not judge.
func TestEstablishedBefore(t *testing.T) {
	look := base("tone", 3, 100)
	m := &ledger.MetricResult{Name: "errors", Source: "responses", Role: "guardrail"}
	is := func(v *ledger.Versus, word, short string) {
		t.Helper()
		b := standing(look, m, v)
		if b.Word != word || shortStanding(b).Word != short {
			t.Errorf("%q, short %q; want %q, %q", b.Word, shortStanding(b).Word, word, short)
		}
	}
	v := &ledger.Versus{Within: true}
	v.Status, v.Design.Harm = stats.StatusOK, stats.SideUp
	is(v, "better at an earlier look", "better")
	v.Design.Margin.Value = 0.1
	is(v, "non-inferior at an earlier look", "non-inferior")
	v.NonInferior = true
	is(v, "non-inferior", "non-inferior")
	v.Latched = true
	is(v, "harmed at an earlier look", "harmed earlier")
}

// TestIntervalBeyondTheMargin: a verdict of the test of one side beside an interval
// that seems to say otherwise is told.
func TestIntervalBeyondTheMargin(t *testing.T) {
	const mark = "shown to be within the margin by a one-sided test; the interval has two sides and is longer"
	for name, c := range map[string]struct {
		harm         stats.Side
		absolute     bool
		lower, upper float64
		want         bool
	}{
		"beyond": {stats.SideUp, false, -0.2, 0.11, true}, "inside": {stats.SideUp, false, -0.2, 0.09, false},
		"down, beyond": {stats.SideDown, false, -0.11, 0.5, true}, "down, inside": {stats.SideDown, false, -0.09, 0.5, false},
		"absolute": {stats.SideUp, true, -0.2, 0.11, true},
	} {
		v := &ledger.Versus{}
		v.NonInferior, v.Design.Harm, v.Design.Margin = true, c.harm, stats.Size{Value: 0.1, Absolute: c.absolute}
		v.RelativeInterval = stats.Interval{Lower: c.lower, Upper: c.upper}
		if c.absolute {
			v.AbsoluteInterval, v.RelativeInterval = v.RelativeInterval, stats.Interval{}
		}
		if got := slices.Contains(marksOf(&ledger.MetricResult{}, v, quantity{numbers: web}), mark); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWindowsOver: units whose window is still open are no units without facts.
func TestWindowsOver(t *testing.T) {
	look := base("tone", 3, 1000)
	source := &ledger.SourceHealth{Source: "responses", Units: []int64{500, 500}, Present: []int64{440, 450}}
	metric := func(kind string, complete bool, control, treatment int64) ledger.MetricResult {
		v := ledger.Versus{}
		v.Control.N, v.Treatment.N = control, treatment
		return ledger.MetricResult{Source: "responses", Kind: kind, CompleteOnly: complete, Comparisons: []ledger.Versus{v}}
	}
	for name, c := range map[string]struct {
		metrics []ledger.MetricResult
		want    int64
	}{
		"open windows":      {[]ledger.MetricResult{metric("proportion", true, 450, 460), metric("mean", true, 300, 300)}, 910},
		"all are over":      {[]ledger.MetricResult{metric("proportion", true, 500, 500)}, 0},
		"one counts others": {[]ledger.MetricResult{metric("proportion", true, 450, 460), metric("count", false, 500, 500)}, 0},
		"only those with":   {[]ledger.MetricResult{metric("mean", true, 300, 300)}, 0},
		"more are present":  {[]ledger.MetricResult{metric("proportion", true, 400, 400)}, 0},
		"none":              {nil, 0},
	} {
		look.Metrics = c.metrics
		if got := windowsOver(look, source); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	look.Metrics, look.Health.Sources = []ledger.MetricResult{metric("proportion", true, 440, 450)}, []ledger.SourceHealth{*source}
	if got := presenceText(look); got != "Exposed users that have facts: 100.0\u202f% in responses (of those whose window is over)." {
		t.Error(got)
	}
	look.Spec.Activation = "opened"
	if got := windowsOver(look, source); got != 0 {
		t.Errorf("with an activation: %d", got)
	}
}

// TestNotToBeJudged: the guardrail nearest to its limit says nothing of one that has
// no limit at this look.
func TestNotToBeJudged(t *testing.T) {
	look := base("tone", 3, 1000)
	guard := func(name string, z, needed stats.Optional) ledger.MetricResult {
		v := ledger.Versus{Variation: "treatment"}
		v.Status, v.Design.Harm, v.Design.Method, v.Bound = stats.StatusOK, stats.SideUp, stats.MethodExactSpending, 4
		v.Z, v.Critical = z, needed
		v.Control.N, v.Treatment.N, v.Treatment.Any = 500, 500, 2
		return ledger.MetricResult{Name: name, Role: "guardrail", Kind: "proportion", Source: "responses", Comparisons: []ledger.Versus{v}}
	}
	look.Metrics = []ledger.MetricResult{guard("errors", stats.Some(0.5), stats.Some(3.0)), guard("unsafe", stats.Some(1.2), stats.Optional{})}
	got := newTurning(look, nil, term)
	if got == nil || got.Metric != "errors" || !strings.HasPrefix(got.Besides, "Not to be judged at this look: unsafe in treatment against control, ") {
		t.Fatalf("%+v", got)
	}
	if !strings.HasSuffix(got.sentence(), ". "+got.Besides) {
		t.Error(got.sentence())
	}
	look.Metrics[1].Comparisons[0].Latched = true
	if got := unbounded(look, term); got != "" {
		t.Errorf("harmed before: %q", got)
	}
}
