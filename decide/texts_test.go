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
		"1e-07": 1e-7, "999": 999.4, "1000": 999.999999999999999, "1235": 1234.56, "3639024": 3639023.7, "1e+15": 1e15, "+Inf": math.Inf(1),
	} {
		if got := number(x); got != want {
			t.Errorf("number(%g) = %q, want %q", x, got, want)
		}
	}
	for want, logE := range map[string]float64{"0": math.Inf(-1), "1": 0, "0.368": -1, "148": 5, "1202604": 14, "10^6": 14.1, "10^434": 1000} {
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
			rollout(guard(harmed)), "errors of treatment is harmed beyond the margin of 10 %: 2.1 % against 2 %; e-value 148, bound 54.6.",
			[]string{"no rollback, had the e-value of errors stayed below 54.6 (it is 148)", "assay clear opens a new epoch with fresh evidence"},
		},
		"rollback for an earlier look": {
			rollout(guard(latched)), "errors of treatment was harmed beyond the margin of 10 % at an earlier look of this version.",
			[]string{"assay clear opens a new epoch with fresh evidence"},
		},
		"ended": {
			rollout(func(e *Evidence) { e.Terminal = &Terminal{Ship, at(2), "a person"} }),
			"Already shipped by a person on 2026-11-03; nothing is sent until it is cleared.",
			[]string{"assay clear opens a new epoch with fresh evidence"},
		},
		"hold": {
			rollout(both, stale("hold"), skewed("hold")), "Old.",
			[]string{"not held, once this is mended: stale_source", "not held, once this is mended: sample_ratio", "rollback, if the e-value of latency reached 54.6 (it is 20.1)"},
		},
		"ramp": {
			rollout(both), "The step to 50 % was due on 2026-11-02 09:35Z, and every guardrail has at least 100 complete units per arm from this step; none is harmed.",
			[]string{
				"rollback, if the e-value of latency reached 54.6 (it is 20.1)", "ramp to 50 %, from 2026-11-02 09:35Z with 100 complete units per arm from this step",
				"ship, at full coverage from 2026-11-15 00:00Z, if no guardrail is harmed and each is within its margin",
			},
		},
		"not judged": {
			rollout(guard(broken)), "The step to 50 % is due, but errors cannot be judged (not_finite).",
			[]string{
				"ramp to 50 %, from 2026-11-02 09:35Z with 100 complete units per arm from this step",
				"ship, at full coverage from 2026-11-15 00:00Z, if no guardrail is harmed and each is within its margin",
			},
		},
		"ship": {
			rollout(experiment, func(e *Evidence) { e.Judgements = []Judgement{judged(), judged(winner)} }),
			"tasks of treatment is better: 50 % against 40 %, +25 % (+10 % to ∞); p = 0.01 after correction over goals, and no guardrail is harmed.",
			[]string{"rollback, if the e-value of errors reached 54.6 (it is 1)", "hold, if the data were stale or the split broken"},
		},
		"experiment that goes on": {
			rollout(experiment), "No guardrail is harmed and nothing is due.",
			[]string{
				"rollback, if the e-value of errors reached 54.6 (it is 1)",
				"ship, from 2026-11-08 00:00Z, if a goal is better after correction (p at most 0.05) and each guardrail is within its margin",
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
