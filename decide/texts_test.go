package decide

import (
	"math"
	"slices"
	"strings"
	"testing"

	"assay/stats"
)

func TestNumbers(t *testing.T) {
	for want, x := range map[string]float64{
		"0": 0, "1": 1, "-3": -3, "0.05": 0.05, "0.333": 1.0 / 3, "12.3": 12.34, "-0.667": -2.0 / 3,
		"1e-07": 1e-7, "999": 999.4, "1000": 999.999999999999999, "1235": 1234.56, "12,346": 12345.6, "3,639,024": 3639023.7, "-999,999,999,999": -999999999999, "1e+15": 1e15, "+Inf": math.Inf(1),
	} {
		if got := number(x); got != want {
			t.Errorf("number(%g) = %q, want %q", x, got, want)
		}
	}
	for want, logE := range map[string]float64{"0": math.Inf(-1), "1": 0, "0.368": -1, "148": 5, "1,202,604": 14, "10^6": 14.1, "10^434": 1000} {
		if got := evalue(logE); got != want {
			t.Errorf("evalue(%g) = %q, want %q", logE, got, want)
		}
	}
}

// winner is a goal that got better.
func winner(j *Judgement) {
	relative := 0.25
	winning(j)
	j.Metric, j.Comparison.Control.Value, j.Comparison.Treatment.Value = "tasks", 0.4, 0.5
	j.Comparison.Relative = stats.Some(relative)
	j.Comparison.RelativeInterval = stats.Interval{Lower: 0.1, Upper: math.Inf(1)}
}

// near is unharmed, and closer to a rollback than others.
func near(j *Judgement) { j.Metric, j.Comparison.LogE = "latency", 3 }

// TestWouldChange: each verdict says what it rests on and what would have led to
// another one.
func TestWouldChange(t *testing.T) {
	both := func(e *Evidence) { e.Judgements = []Judgement{judged(), judged(near)} }
	for name, c := range map[string]struct {
		evidence Evidence
		summary  string
		would    []string
	}{
		"rollback": {
			rollout(guard(harmed)), "errors of treatment is harmed beyond the margin of 10 %: 2.1 % against 2 %; E = 148, needed 54.6.",
			[]string{"no rollback, had the E of errors stayed below 54.6 (it is 148)", anew},
		},
		"rollback for an earlier look": {
			rollout(guard(latched)), "errors of treatment was harmed beyond the margin of 10 % at an earlier look of this version.",
			[]string{anew},
		},
		"ended": {
			rollout(func(e *Evidence) { e.Terminal = &Terminal{Ship, at(2), "a person"} }),
			"Already shipped by a person on 2026-11-03; nothing more is sent, unless a person begins anew with assay clear.",
			[]string{anew},
		},
		"hold": {
			rollout(both, stale("hold"), skewed("hold")), "Old.",
			[]string{"not held, once newer rows of the source are loaded", "not held, once the traffic splits as intended", "rollback, if the E of latency reached 54.6 (it is 20.1)"},
		},
		"ramp": {
			rollout(both), "The step to 50 % was due on 2026-11-02 09:35Z, and every guardrail has at least 100 complete units per arm from this step; none is harmed.",
			[]string{
				"rollback, if the E of latency reached 54.6 (it is 20.1)",
				"ship, at full coverage from 2026-11-15 00:00Z, if no guardrail is harmed and each that has a margin is shown to be within it",
			},
		},
		"not judged": {
			rollout(guard(broken)), "The step to 50 % is due, but errors cannot be judged (the numbers are too large to compare).",
			[]string{
				"ramp to 50 %, from 2026-11-02 09:35Z with 100 complete units per arm from this step",
				"ship, at full coverage from 2026-11-15 00:00Z, if no guardrail is harmed and each that has a margin is shown to be within it",
			},
		},
		"ship": {
			rollout(experiment, func(e *Evidence) { e.Judgements = []Judgement{judged(), judged(winner)} }),
			"tasks of treatment is better: 50 % against 40 %, +25 % (+10 % to ∞); p = 0.01 after correction over goals, and no guardrail is harmed.",
			[]string{"rollback, if the E of errors reached 54.6 (it is 1)", "hold, if the data were stale or the split broken"},
		},
		"experiment that goes on": {
			rollout(experiment), "No guardrail is harmed and nothing is due.",
			[]string{
				"rollback, if the E of errors reached 54.6 (it is 1)",
				"ship, from 2026-11-08 00:00Z, if a goal is better after correction (p at most 0.05) and each guardrail that has a margin is shown to be within it",
			},
		},
	} {
		d := Decide(c.evidence, policy)
		if d.Summary != c.summary {
			t.Errorf("%s:\ngot  %s\nwant %s", name, d.Summary, c.summary)
		}
		if !slices.Equal(d.WouldChange, c.would) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, strings.Join(d.WouldChange, "\n     "), strings.Join(c.would, "\n     "))
		}
	}
}

// What can hardly be shown any more is said where nothing else decides, and
// changes no verdict.
func TestFutility(t *testing.T) {
	guard := Judgement{Metric: "latency", Role: RoleGuardrail, StepUnits: 1000}
	guard.Comparison.Status, guard.Comparison.Design.Margin.Value, guard.Comparison.Reach = stats.StatusOK, 0.1, stats.Some(0.03)
	goal := Judgement{Metric: "clicks", Role: RoleGoal, WinP: 1}
	goal.Comparison.Status, goal.Comparison.Reach = stats.StatusOK, stats.Some(0.5)
	e := Evidence{Judgements: []Judgement{guard, goal}}
	if got := futileText(e); got != " latency can hardly be shown to be within its margin by the end (chance 3 %)." {
		t.Errorf("%q", got)
	}
	e.Judgements[0].Comparison.NonInferior, e.Judgements[1].Comparison.Reach = true, stats.Some(0.001)
	if got := futileText(e); got != " clicks can hardly be shown to be better by the end (chance 0.1 %)." {
		t.Errorf("%q", got)
	}
	e.Judgements[1].Comparison.Reach = stats.Optional{}
	if got := futileText(e); got != "" {
		t.Errorf("%q", got)
	}
}

// TestMended: a hold says in words, and with the source, when it ends.
func TestMended(t *testing.T) {
	for want, r := range map[string]Reason{
		"the identifiers of searches meet those of the exposures": {Code: "source_blind", Source: "searches"},
		"newer rows of the source are loaded":                     {Code: "stale_source"},
		"the traffic splits as intended":                          {Code: "sample_ratio", Source: "platform"},
		"this is mended: Something is off":                        {Code: "unheard_of", Text: "Something is off."},
	} {
		if got := mended(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for code := range mends {
		if got := mended(Reason{Code: code, Source: "100%d"}); strings.Contains(got, "%!") || strings.Contains(got, code) {
			t.Errorf("%s: %q", code, got)
		}
	}
}

func TestCount(t *testing.T) {
	for want, n := range map[string]int64{
		"0": 0, "-7": -7, "9999": 9999, "10,000": 10000, "-38,919": -38919, "-9,223,372,036,854,775,808": math.MinInt64,
	} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestNoStepAfterAnEnd: that everybody gets the known-good variation is the end, and no
// reason to begin anew.
func TestNoStepAfterAnEnd(t *testing.T) {
	next := 0.1
	back := func(e *Evidence) {
		e.Step.Index, e.Step.Next, e.Allocation = -1, &next, e.Allocation.All("control")
	}
	has := func(e Evidence) bool {
		return slices.ContainsFunc(Decide(e, policy).Reasons, func(r Reason) bool { return r.Code == "not_open" })
	}
	if !has(rollout(back)) || has(rollout(back, func(e *Evidence) { e.Terminal = &Terminal{Rollback, at(1), "assay"} })) {
		t.Error("a flag that is not open is opened where nothing was decided, and nowhere else")
	}
}

func TestZeroHasNoSign(t *testing.T) {
	for want, z := range map[string]float64{"0.00": -2.7e-14, "-0.01": -0.006, "4.76": 4.756} {
		if got := fixed(z); got != want {
			t.Errorf("%v: %q, want %q", z, got, want)
		}
	}
}
