package decide

import (
	"strings"
	"testing"
	"time"

	"assay/stats"
)

var (
	start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end   = start.Add(14 * 24 * time.Hour)
)

func at(days float64) time.Time { return start.Add(time.Duration(days * 24 * float64(time.Hour))) }

func covering(coverage float64) Allocation {
	return Allocation{Coverage: coverage, KnownGood: "control", Arms: []Arm{{"control", 0.5}, {"treatment", 0.5}}}
}

// judged is a guardrail that is fine; change makes it otherwise.
func judged(change ...func(*Judgement)) Judgement {
	j := Judgement{
		Metric: "errors", Role: RoleGuardrail, Variation: "treatment", Source: "responses", StepUnits: 500,
		Comparison: stats.Comparison{
			Status: stats.StatusOK, Bound: 4, NonInferior: true,
			Design:  stats.Design{Kind: stats.KindProportion, Margin: stats.Size{Value: 0.1}, MDE: stats.Size{Value: 0.2}},
			Control: stats.ArmValue{Value: 0.02}, Treatment: stats.ArmValue{Value: 0.021},
		},
	}
	for _, c := range change {
		c(&j)
	}
	return j
}

func harmed(j *Judgement)   { j.Comparison.Harmed, j.Comparison.LogE = true, 5 }
func latched(j *Judgement)  { j.Latched = true }
func unproven(j *Judgement) { j.Comparison.NonInferior = false }
func thin(j *Judgement)     { j.StepUnits = 99 }
func broken(j *Judgement)   { j.Comparison.Status = stats.StatusNotFinite }
func winning(j *Judgement)  { j.Role, j.Better, j.WinP = RoleGoal, true, 0.01 }
func losing(j *Judgement)   { j.Role, j.Better, j.WinP = RoleGoal, false, 0.01 }

// rollout is at 25 % on day 2.5, when the step to 50 % is due.
func rollout(change ...func(*Evidence)) Evidence {
	next := 0.5
	e := Evidence{
		AsOf: at(2.5), Start: start, End: end, Rollout: true, Treatments: []string{"treatment"},
		Allocation: covering(0.25), Open: covering(0.25), Rungs: []float64{0.1, 0.25, 0.5, 0.75, 1},
		Judgements: []Judgement{judged()}, Healthy: 0.25,
		Step: Step{Index: 1, Coverage: 0.25, Next: &next, Since: at(1), Due: at(1.4)},
	}
	for _, c := range change {
		c(&e)
	}
	return e
}

func full(e *Evidence) {
	e.Allocation, e.Open, e.Healthy = covering(1), covering(1), 1
	e.Step = Step{Index: 4, Coverage: 1, Since: at(4), LastRung: true}
}

func over(e *Evidence) { e.AsOf = end }

func guard(change ...func(*Judgement)) func(*Evidence) {
	return func(e *Evidence) { e.Judgements = []Judgement{judged(change...)} }
}

func stale(action string) func(*Evidence) {
	return func(e *Evidence) {
		e.Stale = []Trouble{{Code: "stale_source", Text: "Old.", Action: action}}
		e.BlindSince = e.AsOf
	}
}

func skewed(action string) func(*Evidence) {
	return func(e *Evidence) {
		e.Unhealthy = append(e.Unhealthy, Trouble{Code: "sample_ratio", Text: "Skewed.", Action: action})
		e.BlindSince = e.AsOf
	}
}

func since(days float64) func(*Evidence) {
	return func(e *Evidence) { e.BlindSince = e.AsOf.Add(-time.Duration(days * 24 * float64(time.Hour))) }
}

func experiment(e *Evidence) {
	e.Rollout, e.Rungs, e.Step = false, nil, Step{Coverage: 1, LastRung: true}
	e.Allocation, e.Open, e.Healthy, e.AsOf = covering(1), covering(1), 1, at(8)
}

var policy = Policy{AutoRollback: true, MinStepUnits: 100, MinDuration: 7 * 24 * time.Hour, MaxBlind: 24 * time.Hour, AlphaGoals: 0.05}

func TestTable(t *testing.T) {
	half := covering(0.5)
	tenth := covering(0.1)
	none := covering(0.25).All("control")
	all := covering(1).All("treatment")
	for name, c := range map[string]struct {
		evidence Evidence
		policy   func(*Policy)
		rule     int
		code     string
		verdict  Verdict
		target   *Allocation
	}{
		"0 ended":                       {rollout(func(e *Evidence) { e.Terminal = &Terminal{Rollback, at(1), "assay"} }, guard(harmed)), nil, 0, "already_decided", Hold, nil},
		"1 harm":                        {rollout(guard(harmed)), nil, 1, "guardrail_harmed", Rollback, &none},
		"1 harm at an earlier look":     {rollout(guard(latched)), nil, 1, "guardrail_harmed", Rollback, &none},
		"1 harm while data are stale":   {rollout(stale("hold"), guard(harmed)), nil, 1, "guardrail_harmed", Rollback, &none},
		"1 harm while the split fails":  {rollout(skewed("hold"), guard(harmed)), nil, 1, "guardrail_harmed", Rollback, &none},
		"1 a goal that rolls back":      {rollout(guard(harmed, func(j *Judgement) { j.Role, j.Rollback = RoleGoal, true })), nil, 1, "guardrail_harmed", Rollback, &none},
		"a goal that does not":          {rollout(guard(harmed, func(j *Judgement) { j.Role = RoleGoal })), nil, 5, "step_due", Ramp, &half},
		"2 stale":                       {rollout(stale("hold")), nil, 2, "stale_source", Hold, nil},
		"2 rollback by policy":          {rollout(stale("rollback")), nil, 2, "stale_source", Rollback, &none},
		"2 warned of":                   {rollout(stale("warn")), nil, 5, "step_due", Ramp, &half},
		"2 a day later":                 {rollout(stale("hold"), since(1)), nil, 2, "stale_source", Hold, &tenth},
		"2 a day later, rolls back":     {rollout(stale("hold"), since(1)), func(p *Policy) { p.BlindRollback = true }, 2, "stale_source", Rollback, &none},
		"2 a day later, healthy before": {rollout(full, stale("hold"), since(1), func(e *Evidence) { e.Healthy = 0.5 }), nil, 2, "stale_source", Hold, &half},
		"2 a day later, lowest rung":    {rollout(stale("hold"), since(1), func(e *Evidence) { e.Allocation, e.Healthy = covering(0.1), 0.1 }), nil, 2, "stale_source", Hold, &none},
		"2 a day later, experiment":     {rollout(experiment, stale("hold"), since(1)), nil, 2, "stale_source", Hold, &none},
		"2 a day later, nobody exposed": {rollout(stale("hold"), since(3), func(e *Evidence) { e.Allocation = none }), nil, 2, "stale_source", Hold, nil},
		"3 blind":                       {rollout(func(e *Evidence) { e.Blind = []Trouble{{Code: "source_blind", Text: "Blind."}} }), nil, 3, "source_blind", Hold, nil},
		"4 skewed":                      {rollout(skewed("hold")), nil, 4, "sample_ratio", Hold, nil},
		"4 skewed for a day":            {rollout(experiment, skewed("hold"), since(2)), nil, 4, "sample_ratio", Hold, nil},
		"4 the stricter policy":         {rollout(stale("hold"), skewed("rollback")), nil, 4, "sample_ratio", Rollback, &none},
		"5 step due":                    {rollout(), nil, 5, "step_due", Ramp, &half},
		"5 not yet":                     {rollout(func(e *Evidence) { e.AsOf = at(1.2) }), nil, 9, "collecting", Continue, nil},
		"5 too few units":               {rollout(guard(thin)), nil, 9, "collecting", Continue, nil},
		"5 not judged":                  {rollout(guard(broken)), nil, 9, "collecting", Continue, nil},
		"5 nothing judged":              {rollout(func(e *Evidence) { e.Judgements = nil }), nil, 9, "collecting", Continue, nil},
		"5 a flag that is not open": {rollout(func(e *Evidence) {
			next := 0.1
			e.Allocation, e.Step = none, Step{Index: -1, Next: &next}
		}), nil, 5, "not_open", Ramp, &tenth},
		"5 never after the end":          {rollout(over), nil, 8, "end_reached", Review, nil},
		"6 goal better":                  {rollout(experiment, func(e *Evidence) { e.Judgements = append(e.Judgements, judged(winning)) }), nil, 6, "goal_better", Ship, &all},
		"6 too early":                    {rollout(experiment, func(e *Evidence) { e.AsOf = at(6); e.Judgements = append(e.Judgements, judged(winning)) }), nil, 9, "collecting", Continue, nil},
		"6 goal worse":                   {rollout(experiment, func(e *Evidence) { e.Judgements = append(e.Judgements, judged(losing)) }), nil, 9, "collecting", Continue, nil},
		"6 margin unproven":              {rollout(experiment, func(e *Evidence) { e.Judgements = []Judgement{judged(unproven), judged(winning)} }), nil, 9, "collecting", Continue, nil},
		"7 window over":                  {rollout(full, over), nil, 7, "window_over_unharmed", Ship, &all},
		"7 margin unproven":              {rollout(full, over, guard(unproven)), nil, 8, "end_reached", Review, nil},
		"7 nobody seen at full cover":    {rollout(full, over, guard(thin)), nil, 8, "end_reached", Review, nil},
		"8 experiment without an answer": {rollout(experiment, over), nil, 8, "end_reached", Review, nil},
		"9 before the start":             {rollout(func(e *Evidence) { e.AsOf = at(-1) }), nil, 9, "collecting", Continue, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := policy
			if c.policy != nil {
				c.policy(&p)
			}
			d := Decide(c.evidence, p)
			first := d.Reasons[0]
			if first.Rule != c.rule || first.Code != c.code || d.Verdict != c.verdict {
				t.Fatalf("row %d %s: %s, want row %d %s: %s (%v)", first.Rule, first.Code, d.Verdict, c.rule, c.code, c.verdict, d.Reasons)
			}
			if (d.Target == nil) != (c.target == nil) {
				t.Fatalf("target %+v, want %+v", d.Target, c.target)
			}
			if d.Target != nil && (d.Target.Coverage != c.target.Coverage || d.Target.Arms[0] != c.target.Arms[0] || d.Target.Arms[1] != c.target.Arms[1]) {
				t.Errorf("target %+v, want %+v", *d.Target, *c.target)
			}
			if d.Summary != first.Text || d.Summary == "" || d.Proposal || len(d.WouldChange) == 0 {
				t.Errorf("decision %+v", d)
			}
		})
	}
}

// Every row that matches is listed, in the order of the table.
func TestAllReasons(t *testing.T) {
	e := rollout(guard(harmed), stale("hold"), skewed("hold"))
	e.Blind = []Trouble{{Code: "source_blind", Text: "Blind."}}
	var rows []int
	for _, r := range Decide(e, policy).Reasons {
		rows = append(rows, r.Rule)
	}
	if len(rows) != 4 || rows[0] != 1 || rows[1] != 2 || rows[2] != 3 || rows[3] != 4 {
		t.Errorf("rows %v, want 1 2 3 4", rows)
	}
}

// auto_rollback: false makes proposals of rows 1 and 5 to 7, approval of the
// verdicts that it names; neither of the fail-safe.
func TestProposals(t *testing.T) {
	none, all, some := policy, policy, policy
	all.AutoRollback = false
	some.Approval = []Verdict{Ramp, Ship}
	everything := policy
	everything.Approval = []Verdict{Rollback, Ramp, Ship}
	for name, c := range map[string]struct {
		evidence          Evidence
		all, some, listed bool
	}{
		"rollback":  {rollout(guard(harmed)), true, false, true},
		"ramp":      {rollout(), true, true, true},
		"ship":      {rollout(full, over), true, true, true},
		"fail-safe": {rollout(stale("hold"), since(2)), false, false, false},
		"bad data":  {rollout(stale("rollback")), false, false, false},
		"hold":      {rollout(stale("hold")), false, false, false},
	} {
		for _, p := range []struct {
			policy Policy
			want   bool
		}{{none, false}, {all, c.all}, {some, c.some}, {everything, c.listed}} {
			if d := Decide(c.evidence, p.policy); d.Proposal != p.want {
				t.Errorf("%s, automatic %v, approval %v: proposal %v, want %v", name, p.policy.AutoRollback, p.policy.Approval, d.Proposal, p.want)
			}
		}
	}
}

// The sentences name what a person needs: metric, estimate, interval, e-value,
// bound, margin.
func TestTexts(t *testing.T) {
	relative, miss := 1.5, 0.031
	loud := func(j *Judgement) {
		harmed(j)
		j.Comparison.Treatment.Value, j.Comparison.Relative = 0.05, stats.Some(relative)
		j.Comparison.RelativeInterval = stats.Interval{Lower: 0.4, Upper: 3}
	}
	missed := func(j *Judgement) { j.Comparison.Miss, j.Comparison.Design.Margin.Value = stats.Some(miss), 0 }
	for want, e := range map[string]Evidence{
		"no guardrail is harmed; it is shown to be within the margin.":                                                              rollout(full, over),
		"errors of treatment is harmed beyond the margin of 10 %: 5 % against 2 %, +150 % (+40 % to +300 %); E = 148, needed 54.6.": rollout(guard(loud)),
		"a harm of 20 % in errors would have been missed with a chance of at most 3.1 %.":                                           rollout(full, over, guard(missed)),
		"The step to 50 % is due, but errors has 99 complete units in its smaller arm from this step; 100 are needed.":              rollout(guard(thin)),
		"The step to 50 % is due, but errors cannot be judged (the numbers are too large to compare).":                              rollout(guard(broken)),
		"Old. This has lasted since 2026-11-02 12:00Z, at least 24h: coverage goes back to 10 %.":                                   rollout(stale("hold"), since(1)),
		"Old. This has lasted since 2026-11-08 00:00Z, at least 24h: everybody gets control until the data are good again.":         rollout(experiment, stale("hold"), since(1)),
		"Skewed. This has lasted since 2026-11-08 00:00Z, at least 24h: there is no smaller rung to go back to.":                    rollout(experiment, skewed("hold"), since(1)),
		"The end was reached on 2026-11-15 without an answer: errors is not shown to be within its margin.":                         rollout(full, over, guard(unproven)),
		"The end was reached on 2026-11-15 without an answer: errors cannot be judged (the numbers are too large to compare).":      rollout(full, over, guard(broken)),
		"The end was reached on 2026-11-15 without an answer: full coverage was not reached.":                                       rollout(over),
		"It starts on 2026-11-01 00:00Z.": rollout(func(e *Evidence) { e.AsOf = at(-1) }),
	} {
		if got := Decide(e, policy).Summary; !strings.HasSuffix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// Of a source that shows nobody that is the reason why nothing can be said, whatever
// its numbers lack.
func TestUnmatchedTexts(t *testing.T) {
	blind := func(code string) func(*Evidence) {
		return func(e *Evidence) {
			e.Blind = []Trouble{{Code: code, Text: "Blind.", Action: "hold", Source: "responses"}}
		}
	}
	for code, want := range map[string]string{
		"source_blind":         "errors cannot be judged (responses cannot be matched to the exposed units)",
		"source_empty":         "errors cannot be judged (responses has no rows)",
		"source_out_of_window": "errors cannot be judged (no row of responses lies in a window)",
		"source_fading":        "errors cannot be judged (responses has lost most of the exposed units)",
		"not_finite":           "errors cannot be judged (the numbers are too large to compare)",
	} {
		d := Decide(rollout(full, over, guard(broken), blind(code)), policy)
		if got := d.Reasons[len(d.Reasons)-1]; d.Verdict != Hold || !strings.HasSuffix(got.Text, "without an answer: "+want+".") {
			t.Errorf("%s: %s, %+v", code, d.Verdict, got)
		}
	}
	both := func(e *Evidence) {
		blind("not_finite")(e)
		e.Blind = append(e.Blind, Trouble{Code: "source_empty", Text: "Empty.", Action: "hold", Source: "responses"})
	}
	if got := Decide(rollout(full, over, guard(broken), both), policy).Reasons; !strings.Contains(got[len(got)-1].Text, "(responses has no rows)") {
		t.Errorf("after another trouble: %+v", got)
	}
	elsewhere := func(e *Evidence) { blind("source_blind")(e); e.Blind[0].Source = "other" }
	if got := Decide(rollout(full, over, guard(unproven), elsewhere), policy).Reasons; !strings.Contains(got[len(got)-1].Text, "errors is not shown to be within its margin") {
		t.Errorf("another source: %+v", got)
	}
}

// A size of a share is in percentage points where it is absolute.
func TestSizes(t *testing.T) {
	c := stats.Comparison{Design: stats.Design{Kind: stats.KindProportion}}
	for want, s := range map[string]stats.Size{"0.1 pp": {Value: 0.001, Absolute: true}, "5 %": {Value: 0.05}} {
		if got := size(c, s); got != want {
			t.Errorf("%v: %q, want %q", s, got, want)
		}
	}
	c.Design.Kind = stats.KindMean
	if got := size(c, stats.Size{Value: 0.001, Absolute: true}); got != "0.001" {
		t.Errorf("of a mean: %q", got)
	}
}

// A look that may not establish harm does not clear anybody either: beyond the
// last bound nothing is ramped or shipped, and at the end a person is asked.
func TestLookThatMayNotDecide(t *testing.T) {
	held := func(j *Judgement) {
		c := &j.Comparison
		c.Design.Method, c.Look = stats.MethodCalibrated, stats.Look{Time: 0.5, Z: 2.5, Held: true}
		c.Z, c.Critical = stats.Some(23.5), stats.Some(2.5)
	}
	calm := func(j *Judgement) { held(j); j.Comparison.Z = stats.Some(1) }
	never := func(j *Judgement) { j.Comparison.Design.Method = stats.MethodExactSpending }
	apart := func(j *Judgement) { j.Comparison.Status = stats.StatusUnweighed }
	for name, c := range map[string]struct {
		evidence Evidence
		want     Verdict
		says     string
	}{
		"a step is due":        {rollout(guard(held)), Continue, "errors looks harmed (z = 23.50, needed at the last look 2.50), but this look may not establish it"},
		"calm":                 {rollout(guard(calm)), Ramp, "none is harmed"},
		"never a look":         {rollout(guard(never)), Continue, "errors has had no look yet that may decide"},
		"constant, apart":      {rollout(guard(apart)), Continue, "errors cannot be judged (nothing varies inside either arm, and they differ)"},
		"the end":              {rollout(full, over, guard(held)), Review, "errors looks harmed (z = 23.50, needed at the last look 2.50)"},
		"the end, calm":        {rollout(full, over, guard(calm)), Ship, "no guardrail is harmed"},
		"the end, never":       {rollout(full, over, guard(never)), Review, "errors has had no look yet"},
		"the end, apart":       {rollout(full, over, guard(apart)), Review, "errors cannot be judged (nothing varies inside either arm, and they differ)"},
		"a goal is better":     {rollout(experiment, guard(held), won), Continue, ""},
		"better, and all calm": {rollout(experiment, guard(calm), won), Ship, ""},
	} {
		d := Decide(c.evidence, policy)
		if d.Verdict != c.want || !strings.Contains(d.Summary, c.says) {
			t.Errorf("%s: %s (%s), want %s", name, d.Verdict, d.Summary, c.want)
		}
	}
}

// won adds a goal that is better.
func won(e *Evidence) {
	e.Judgements = append(e.Judgements, judged(winning, func(j *Judgement) { j.Role = RoleGoal }))
}

// What was shown to be within its margin once stays so, unless harm is found or
// the estimate lies beyond the margin now.
func TestWithinIsKept(t *testing.T) {
	once := func(j *Judgement) { j.Comparison.NonInferior, j.Within = false, true }
	if d := Decide(rollout(full, over, guard(once)), policy); d.Verdict != Ship {
		t.Errorf("%s (%s)", d.Verdict, d.Summary)
	}
	if d := Decide(rollout(full, over, guard(once, harmed)), policy); d.Verdict != Rollback {
		t.Errorf("%s (%s)", d.Verdict, d.Summary)
	}
	grown := func(j *Judgement) { j.Comparison.Excess = 0.01 }
	if d := Decide(rollout(full, over, guard(once, grown)), policy); d.Verdict != Review {
		t.Errorf("an estimate beyond the margin: %s (%s)", d.Verdict, d.Summary)
	}
	not := func(j *Judgement) { j.Comparison.NonInferior = false }
	if d := Decide(rollout(full, over, guard(not)), policy); d.Verdict != Review {
		t.Errorf("%s (%s)", d.Verdict, d.Summary)
	}
}
