package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// The looks that the tests render are built here by hand; their numbers are
// plausible, not computed by package stats.

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// dayOf is the instant that many days after the start.
func dayOf(n int) time.Time { return start.AddDate(0, 0, n) }

func ptr[T any](x T) *T { return &x }

func allocation(coverage, treatment float64) decide.Allocation {
	return decide.Allocation{
		Coverage: coverage, KnownGood: "control",
		Arms: []decide.Arm{{Variation: "control", Weight: 1 - treatment}, {Variation: "treatment", Weight: treatment}},
	}
}

func onlyControl() decide.Allocation { return allocation(1, 0) }

const goodPrompt = `You answer questions about orders.

Use only the records below.
Cite the record number of every fact.
If the records do not say, say so.

Records:
{{records}}

Question: {{question}}

Keep it under 120 words.
Use plain words.
Never guess a date.
Answer in the language of the question.
`

const newPrompt = `You answer questions about orders, quickly.

Use the records below.
If the records do not say, give your best guess.

Records:
{{records}}

Question: {{question}}

Keep it under 60 words.
Use plain words.
Never guess a date.
Answer in the language of the question.
`

func prompts() []ledger.Variation {
	return []ledger.Variation{
		{ID: "control", KnownGood: true, Weight: 0.5, Prompt: &ledger.Prompt{
			Name: "answer", Version: "sha256:3b1f0c55a9d2", Model: "large-2", Template: goodPrompt,
			Parameters: map[string]any{"temperature": 0.2, "max_tokens": 400.0, "stop": []any{"</a>"}},
		}},
		{ID: "treatment", Weight: 0.5, Prompt: &ledger.Prompt{
			Name: "answer", Version: "sha256:90ce7d10b4e8", Model: "large-2", Template: newPrompt,
			Parameters: map[string]any{"temperature": 0.7, "max_tokens": 200.0},
		}},
	}
}

// base is a healthy look of a rollout at that day with that many units an arm.
func base(experiment string, n int, units int64) *ledger.Look {
	look := &ledger.Look{
		ID: fmt.Sprintf("%s-%02d", experiment, n), Experiment: experiment, AsOf: dayOf(n),
		Digest: "sha256:5f2d9a70c1", Version: 1, PlanDigest: "sha256:77aa01be42", Number: n, Tool: "assay 1.0.0", Revision: "4e1c2ab",
		Spec: ledger.SpecInfo{
			Type: "rollout", Description: "A shorter answer prompt that may guess.", Owner: "answers@example.com",
			Tags: []string{"llm", "answers"}, Identifier: "user_id", Assignment: "exposures", Start: start, End: dayOf(14),
			Cadence: "24h", PlannedUnits: 60000, Ladder: []float64{0.1, 0.25, 0.5, 0.75, 1}, Variations: prompts(),
			FlagKey: experiment, Alpha: ledger.Alphas{Guardrails: 0.05, Goals: 0.05, SampleRatio: 0.01},
		},
		Allocation: allocation(0.25, 0.5), AllocationSource: "local",
		Step: decide.Step{Index: 1, Coverage: 0.25, Next: ptr(0.5), Since: dayOf(1), Due: dayOf(2)},
		Epochs: []ledger.Epoch{
			{Index: 1, Start: start, Settled: start, Allocation: allocation(0.1, 0.5), Units: []int64{units / 3, units / 3}},
			{Index: 2, Start: dayOf(1), Settled: dayOf(1).Add(10 * time.Minute), Allocation: allocation(0.25, 0.5), Units: []int64{units - units/3, units - units/3}, Settling: 41},
		},
		Health: healthy(units, n),
		Statements: []ledger.Statement{
			{Name: "exposures", Purpose: "one row per unit", Rows: 2 * units, SQL: "SELECT user_id, MIN(exposed_at) AS first\nFROM exposures\nWHERE exposed_at < TIMESTAMP '2026-11-03 00:00:00'\nGROUP BY user_id"},
			{Name: "responses", Purpose: "moments of 3 metrics", Rows: 12, SQL: "SELECT variation, COUNT(*) AS n\nFROM units\nGROUP BY variation"},
		},
	}
	for i := range n {
		d := units / int64(n)
		look.Daily = append(look.Daily, ledger.DayCount{Day: dayOf(i), Units: []int64{d + int64(i*7%13), d - int64(i*5%11)}})
	}
	return look
}

func healthy(units int64, n int) ledger.Health {
	asOf := dayOf(n)
	return ledger.Health{
		Units: 2 * units, Exposures: 3*units + 17, ByVariation: []int64{units + 20, units - 20}, Multiple: 12, NullRows: 3,
		Settling: 41, NewestExposure: ptr(asOf.Add(-42 * time.Second)),
		SampleRatio: []ledger.RatioCheck{
			{Slice: "overall", SampleRatio: split(units+20, units-20, false)},
			{Slice: "epoch 2", SampleRatio: split(units/2, units/2+9, false)},
			{Slice: "platform = ios", SampleRatio: split(units/4, units/4-13, false)},
		},
		Sources: []ledger.SourceHealth{
			{
				Source: "responses", Present: []int64{units * 97 / 100, units * 96 / 100}, Units: []int64{units + 20, units - 20},
				Presence: split(units, units, false), Newest: ptr(asOf.Add(-3 * time.Minute)),
			},
			{
				Source: "feedback", Present: []int64{units / 9, units / 9}, Units: []int64{units + 20, units - 20},
				Presence: split(units/9, units/9, false), Newest: ptr(asOf.Add(-2 * time.Hour)),
				Join: &ledger.JoinHealth{Join: "conversations", Links: 12031, FannedOut: 214},
			},
		},
	}
}

func split(a, b int64, failed bool) stats.SampleRatio {
	s := stats.SampleRatio{
		Status: stats.StatusOK, Counts: []int64{a, b}, Expected: []float64{0.5, 0.5}, LogE: -3.2, Bound: math.Log(100), Failed: failed, ChiP: ptr(0.62), ChiStat: 0.25,
	}
	if failed {
		s.LogE, s.ChiP, s.ChiStat = 21.4, ptr(3e-15), 62
		s.Detected, s.Floor, s.Deviation = true, 0.001, math.Abs(float64(a-b))/float64(a+b)/2
	}
	return s
}

// offSince is a split that is off since a day, by the counts before and since.
func offSince(n int, before, since []int64) *ledger.RatioSince {
	even := []float64{0.5, 0.5}
	return &ledger.RatioSince{
		RatioChange: stats.RatioChange{
			Status: stats.ChangeFound, From: n, To: n + 2, Earliest: n, Latest: n + 1, LogE: 21.4, LogLR: 25,
			Before: &stats.RatioGroup{Counts: before, Expected: even}, Since: &stats.RatioGroup{Counts: since, Expected: even},
		},
		Day: dayOf(n), EarliestDay: dayOf(n), LatestDay: dayOf(n + 1),
	}
}

// rate compares two shares of events, in the manner of the exact method.
type rate struct {
	c, nc, t, nt int64
	margin, logE float64
}

func (r rate) versus() ledger.Versus {
	pc, pt := float64(r.c)/float64(r.nc), float64(r.t)/float64(r.nt)
	v := ledger.Versus{Variation: "treatment", MaxLogE: math.Max(r.logE, 0)}
	v.Status = stats.StatusOK
	v.Design = stats.Design{
		Kind: stats.KindProportion, Method: stats.MethodExact, Reason: "base rate 4 % is rare", Harm: stats.SideUp,
		Margin: stats.Size{Value: r.margin}, MDE: stats.Size{Value: 0.25}, Alpha: 0.0125, Planned: 60000, BaseRate: 0.04, MinUnits: 20,
	}
	v.Control = stats.ArmValue{N: r.nc, Any: r.c, Value: pc, SE: math.Sqrt(pc * (1 - pc) / float64(r.nc))}
	v.Treatment = stats.ArmValue{N: r.nt, Any: r.t, Value: pt, SE: math.Sqrt(pt * (1 - pt) / float64(r.nt))}
	v.Absolute = pt - pc
	half := 3.3 * math.Hypot(v.Control.SE, v.Treatment.SE)
	v.AbsoluteInterval = stats.Interval{Lower: v.Absolute - half, Upper: v.Absolute + half}
	v.OneLook.Interval = stats.Interval{Lower: v.Absolute - half*0.6, Upper: v.Absolute + half*0.6}
	v.OneLook.P = stats.Some(math.Erfc(math.Abs(v.Absolute) / half * 3.3 / math.Sqrt2))
	v.OneLook.Posterior = believed(v.Absolute, half/3.3, pc, v.Design.Harm)
	v.RelativeInterval = stats.Interval{Lower: -1, Upper: math.Inf(1)}
	if r.c > 0 {
		v.Relative = stats.Some(pt/pc - 1)
		log := 3.3 * math.Sqrt(1/float64(max(r.t, 1))+1/float64(r.c))
		v.RelativeInterval = stats.Interval{Lower: pt/pc*math.Exp(-log) - 1, Upper: pt/pc*math.Exp(log) - 1}
	} else if r.t > 0 {
		v.RelativeInterval.Lower = 2.4
	}
	v.LogE, v.Bound, v.P = r.logE, math.Log(80), math.Min(1, math.Exp(-r.logE))
	v.Harmed = v.LogE >= v.Bound
	v.Miss = stats.Some(0.184)
	return v
}

// believed is the posterior of a difference, in the manner of the one under a
// flat prior; none where no direction is good.
func believed(effect, sd, base float64, harm stats.Side) stats.Posterior {
	if harm == "" || sd == 0 {
		return stats.Posterior{}
	}
	gain := effect
	if harm == stats.SideUp {
		gain = -gain
	}
	win := 0.5 * math.Erfc(-gain/sd/math.Sqrt2)
	ship := math.Max(sd*math.Exp(-gain*gain/sd/sd/2)/math.Sqrt(2*math.Pi)-gain*(1-win), 0)
	p := stats.Posterior{Status: stats.StatusOK, Mean: effect, SD: sd, Win: stats.Some(win)}
	p.Loss = stats.Loss{Ship: stats.Some(ship), Keep: stats.Some(ship + gain)}
	p.RelativeLoss = stats.Loss{Ship: stats.Some(ship / base), Keep: stats.Some((ship + gain) / base)}
	return p
}

// mean compares two means, in the manner of the normal mixture.
type mean struct {
	c, t, se float64
	n        int64
	harm     stats.Side
	margin   stats.Size
	logE     float64
	within   float64
}

func (m mean) versus() ledger.Versus {
	v := ledger.Versus{Variation: "treatment", MaxLogE: math.Max(m.logE, 0)}
	v.Status = stats.StatusOK
	v.Design = stats.Design{
		Kind: stats.KindMean, Method: stats.MethodMixture, Reason: "values vary continuously", Harm: m.harm,
		Margin: m.margin, MDE: stats.Size{Value: 0.05}, Alpha: 0.0125, Planned: 60000, MinUnits: 20,
	}
	v.Control = stats.ArmValue{N: m.n, Any: m.n, Value: m.c, SE: m.se}
	v.Treatment = stats.ArmValue{N: m.n, Any: m.n, Value: m.t, SE: m.se}
	v.Absolute = m.t - m.c
	half := 3.3 * math.Sqrt2 * m.se
	v.AbsoluteInterval = stats.Interval{Lower: v.Absolute - half, Upper: v.Absolute + half}
	v.Relative = stats.Some(m.t/m.c - 1)
	v.RelativeInterval = stats.Interval{Lower: (v.Absolute - half) / m.c, Upper: (v.Absolute + half) / m.c}
	v.OneLook.Interval = stats.Interval{Lower: v.Absolute - half*0.6, Upper: v.Absolute + half*0.6}
	v.OneLook.P = stats.Some(math.Erfc(math.Abs(v.Absolute) / half * 3.3 / math.Sqrt2))
	v.OneLook.Posterior = believed(v.Absolute, half/3.3, m.c, m.harm)
	v.LogE, v.Bound, v.P = m.logE, math.Log(80), math.Min(1, math.Exp(-m.logE))
	v.Harmed = v.LogE >= v.Bound
	v.LogEWithin, v.NonInferior = m.within, m.within >= v.Bound
	v.Miss = stats.Some(0.031)
	return v
}

func guardrail(name, quality, kind string, vs ...ledger.Versus) ledger.MetricResult {
	m := ledger.MetricResult{
		Name: name, Role: "guardrail", Kind: kind, Source: "responses", Quality: quality, Direction: "down",
		Window: "facts within 6 h of first exposure", Comparisons: vs,
	}
	if len(vs) > 0 {
		m.Margin, m.MDE = &vs[0].Design.Margin, &vs[0].Design.MDE
	}
	return m
}

// usual are the metrics of a look with units an arm and errors events in
// treatment.
func usual(units, errors int64, logE float64) []ledger.MetricResult {
	u := float64(units)
	latency := mean{812 + 40/math.Sqrt(u), 826, 520 / math.Sqrt(u), units, stats.SideUp, stats.Size{Value: 0.05}, -2.1, math.Log(u) - 5}.versus()
	cost := mean{0.0123, 0.0109, 0.011 / math.Sqrt(u), units, stats.SideUp, stats.Size{}, -6, 8}.versus()
	correctness := mean{0.831, 0.829, 0.21 / math.Sqrt(u), units, stats.SideDown, stats.Size{Value: 0.02, Absolute: true}, -1.2, 1.9}.versus()
	thumbs := rate{units / 60, units, units/60 + 6, units, 0.1, -0.4}.versus()
	done := mean{0.412, 0.418, 0.49 / math.Sqrt(u), units, stats.SideDown, stats.Size{}, -2, 1}.versus()
	done.Adjusted = ptr(0.21)
	metrics := []ledger.MetricResult{
		guardrail("error_rate", "correctness", "proportion", rate{units / 25, units, errors, units, 0.05, logE}.versus()),
		guardrail("correctness", "correctness", "mean", correctness),
		guardrail("thumbs_down_rate", "behaviour", "proportion", thumbs),
		guardrail("latency_ms", "latency", "mean", latency),
		guardrail("cost_per_response", "cost", "ratio", cost),
		guardrail("task_completion", "task_completion", "proportion", done),
		guardrail("retries", "behaviour", "count", mean{0.31, 0.315, 0.7 / math.Sqrt(u), units, "", stats.Size{}, 0, 0}.versus()),
	}
	metrics[0].Description = "Users with any error."
	metrics[3].Unit, metrics[4].Unit = "ms", "USD"
	metrics[5].Role, metrics[6].Role = "goal", "secondary"
	return metrics
}

// story is an experiment with its past.
type story struct {
	name    string
	look    *ledger.Look
	history []ledger.Look
	since   Since
}

func (s *story) past(n int, units func(day int) int64, metrics func(units int64, day int) []ledger.MetricResult) {
	for i := 1; i < n; i++ {
		h := base(s.look.Experiment, i, units(i))
		h.Metrics = metrics(units(i), i)
		h.Decision = decide.Decision{Verdict: decide.Continue, Summary: "No guardrail is harmed so far; the next step is not due."}
		s.history = append(s.history, *h)
	}
	s.history = append(s.history, *s.look)
}

func stories() []story {
	return []story{
		harmful(), ramping(), shipped(), blind(), skewed(), safety(), afterwards(), empty(), nothing(), hostile(),
	}
}

func harmful() story {
	look := base("answer-v2", 4, 3200)
	look.Metrics = usual(3200, 231, 11.4)
	target := onlyControl()
	look.Decision = decide.Decision{
		Verdict: decide.Rollback,
		Summary: "error_rate is harmed in treatment: +80.5 % (+29.4 % to +151.6 %) against control, beyond the margin of 5 %; E = 89,322, needed 80 at look 4, as of 2026-11-05 00:00 UTC.",
		Reasons: []decide.Reason{
			{Rule: 1, Code: "guardrail_harmed", Verdict: decide.Rollback, Text: "error_rate is harmed beyond its margin of 5 %.", Metric: "error_rate", Variation: "treatment"},
			{Rule: 5, Code: "step_due", Verdict: decide.Ramp, Text: "The step to 50 % is due and every guardrail has its minimum of units."},
			{Rule: 9, Code: "otherwise", Verdict: decide.Continue, Text: "Monitoring goes on until 2026-11-15."},
		},
		Target:      &target,
		WouldChange: []string{"148 or fewer users with an error in treatment (231 were seen) would have let the rollout go on.", "A margin of 42 % or more on error_rate would have tolerated this harm."},
	}
	look.Deliveries = []ledger.Delivery{{ID: "msg_2Kq", Store: "local", FlagKey: "answer-v2", Expected: look.Allocation, Target: target}}
	s := story{name: "rollback", look: look}
	s.past(4, func(d int) int64 { return int64(800 * d) }, func(u int64, d int) []ledger.MetricResult {
		return usual(u, u/25+u*int64(d)/130, float64(d)*0.9)
	})
	s.since = Since{
		Deliveries: []Delivered{{
			ID: "msg_2Kq", Store: "local", FlagKey: "answer-v2", Target: target, Outcome: Verified, At: dayOf(4).Add(125 * time.Second), Tries: 2,
			Attempts: []Attempt{{At: dayOf(4).Add(121 * time.Second), Outcome: Unavailable, Message: "503 Service Unavailable"}, {At: dayOf(4).Add(125 * time.Second), Outcome: Verified}},
		}},
		Changes: []Change{{At: dayOf(4).Add(126 * time.Second), Store: "local", From: allocation(0.25, 0.5), To: target, Message: "by assay"}},
	}
	return s
}

func ramping() story {
	look := base("summary-tone", 2, 2400)
	look.Metrics = usual(2400, 98, -0.8)
	target := allocation(0.5, 0.5)
	look.Decision = decide.Decision{
		Verdict: decide.Ramp, Proposal: true,
		Summary: "The step to 50 % is due, and every guardrail has at least 100 complete units an arm from this step; none is harmed.",
		Reasons: []decide.Reason{{Rule: 5, Code: "step_due", Verdict: decide.Ramp, Text: "The step to 50 % is due and every guardrail has its minimum of units."}},
		Target:  &target, WouldChange: []string{"Fewer than 100 complete units an arm from this step would have kept it at 25 %."},
	}
	s := story{name: "ramp", look: look, since: Since{Deliveries: []Delivered{{ID: "msg_9", Store: "local", FlagKey: "summary-tone", Target: target, Proposal: true, Outcome: Unavailable, Tries: 3, Message: "connection refused", At: dayOf(2).Add(time.Minute)}}}}
	s.past(2, func(d int) int64 { return int64(1200 * d) }, func(u int64, _ int) []ledger.MetricResult { return usual(u, u/24, -0.5) })
	return s
}

func shipped() story {
	look := base("short-titles", 14, 29800)
	look.Spec.Type, look.Spec.Ladder, look.Spec.Description = "experiment", nil, ""
	look.Allocation = allocation(1, 0.5)
	look.Metrics = usual(29800, 1190, -3.1)
	goal := mean{0.412, 0.437, 0.0029, 29800, stats.SideDown, stats.Size{}, -7, 9}.versus()
	goal.Adjusted = ptr(0.0000021)
	look.Metrics[5].Comparisons = []ledger.Versus{goal}
	target := allocation(1, 1)
	look.Decision = decide.Decision{
		Verdict: decide.Ship, Winner: "treatment", Target: &target,
		Summary: "task_completion is better in treatment: +6.1 % (+2.8 % to +9.3 %), and no guardrail is harmed after 14 days.",
		Reasons: []decide.Reason{{Rule: 6, Code: "goal_better", Verdict: decide.Ship, Text: "task_completion is better after correction over goals.", Metric: "task_completion", Variation: "treatment"}},
	}
	look.Standing.VerdictSince = look.AsOf
	enrich(look, "platform", "ios", "android", "web")
	s := story{name: "ship", look: look}
	s.past(14, func(d int) int64 { return int64(2100 * d) }, func(u int64, d int) []ledger.MetricResult {
		if d == 6 {
			return nil // A look that could not say anything leaves a gap.
		}
		return usual(u, u/25+int64(d%3), -1)
	})
	s.history = append(s.history[:2:2], s.history[4:]...) // Thinned.
	return s
}

func blind() story {
	look := base("search-rerank", 6, 19459)
	look.Health.Units, look.Health.ByVariation = 38919, []int64{19480, 19439}
	look.Spec.Type, look.Spec.Ladder = "experiment", nil
	look.Allocation = allocation(1, 0.5)
	look.Health.Sources[0] = ledger.SourceHealth{
		Source: "searches", Present: []int64{0, 0}, Units: []int64{19480, 19439}, Presence: stats.SampleRatio{Status: stats.StatusNoEvents, Bound: math.Log(100)},
		Newest: ptr(dayOf(6).Add(-time.Minute)), Blind: true,
		Alignment: &ledger.Alignment{Rows: 120455, NullRows: 17, IDs: 38112, Newest: ptr(dayOf(6).Add(-time.Minute)), UnitShape: "u-99999", FactShape: "aaaa-9999"},
		Diagnosis: &ledger.Diagnosis{AsOf: dayOf(6), Causes: []ledger.Diagnosed{
			{
				Code: "join", Text: "The column user_id of searches holds account_ids; the declared join accounts says whose they are, and is not used.", After: ptr(0.998),
				Mend: "Call the column of searches what it is, account_id: it is then joined through accounts.", Paste: Paste([]ledger.Edit{
					{File: "assay.yaml", Path: []string{"facts", "searches", "identifiers"}, Old: "user_id", New: []string{"account_id"}},
					{File: "assay.yaml", Path: []string{"facts", "searches", "sql"}, New: "SELECT user_id AS account_id, ts AS timestamp\nFROM searches\nWHERE ts < {{end}}"},
				}),
			},
			{Code: "late", Text: "The newest row is old."},
		}},
	}
	look.Health.Problems = []ledger.Finding{{Code: "source_blind", Source: "searches", Since: dayOf(1), Text: "searches meets none of 38,919 exposed users."}}
	none := ledger.Versus{Variation: "treatment"}
	none.Status, none.Note = stats.StatusNoEvents, "no exposed unit appears in searches"
	none.Design = stats.Design{Harm: stats.SideDown, Method: stats.MethodExact, Alpha: 0.05}
	none.Bound = math.Log(20)
	none.Control, none.Treatment = stats.ArmValue{N: 19480}, stats.ArmValue{N: 19439}
	look.Metrics = []ledger.MetricResult{guardrail("click_rate", "relevance", "proportion", none)}
	look.Metrics[0].Source = "searches"
	look.Decision = decide.Decision{
		Verdict: decide.Hold, Summary: "The source searches meets none of 38,919 exposed users, so click_rate is blind.",
		Reasons:     []decide.Reason{{Rule: 3, Code: "source_blind", Verdict: decide.Hold, Text: "searches meets no exposed unit.", Source: "searches"}},
		WouldChange: []string{"Identifiers of searches that match user_id."},
	}
	s := story{name: "blind", look: look}
	s.past(6, func(d int) int64 { return int64(3200 * d) }, func(int64, int) []ledger.MetricResult { return nil })
	return s
}

func skewed() story {
	look := base("onboarding-split", 5, 6000)
	look.Health.ByVariation = []int64{5640, 6360}
	look.Health.SampleRatio[0].SampleRatio = split(5640, 6360, true)
	look.Health.SampleRatio[0].Since = offSince(3, []int64{3592, 3608}, []int64{2048, 2752})
	look.Health.SampleRatio[1].SampleRatio = split(3400, 3820, true)
	ios := &look.Health.SampleRatio[2]
	ios.Bound, ios.LogE, ios.Corrected, ios.Detected, ios.Deviation, ios.Floor = math.Log(100), 8.1, ptr(5.2), true, 0.0004, 0.001
	look.Health.Unknown, look.Health.UnknownNames = 31, []string{"beta", "treatmnet"}
	look.Health.Problems = []ledger.Finding{
		{Code: "sample_ratio", Since: dayOf(3), Text: "5,640 and 6,360 units where half and half was declared; E = 2.0 x 10^9, needed 100."},
		{Code: "stale_data", Source: "feedback", Since: dayOf(5), Text: "feedback has no fact newer than 30 h before as-of."},
	}
	look.Health.Sources[1].Stale = true
	look.Failed = "moments of feedback: connection reset"
	look.Health.Sources[1].Presence.Failed = true
	look.Metrics = usual(6000, 244, -1.4)
	look.Decision = decide.Decision{
		Verdict: decide.Hold, Summary: "Traffic did not split as declared: 47.0 % and 53.0 % where 50 % and 50 % was intended.",
		Reasons: []decide.Reason{
			{Rule: 2, Code: "stale_data", Verdict: decide.Hold, Text: "feedback is older than 24 h.", Source: "feedback"},
			{Rule: 4, Code: "sample_ratio", Verdict: decide.Hold, Text: "Sample ratio mismatch since 2026-11-04."},
		},
	}
	s := story{name: "skewed", look: look}
	s.past(5, func(d int) int64 { return int64(1200 * d) }, func(u int64, _ int) []ledger.MetricResult { return usual(u, u/25, -1) })
	return s
}

func safety() story {
	look := base("safety-filter", 5, 980)
	unsafe := rate{0, 980, 20, 975, 0, 13.1}.versus()
	look.Metrics = []ledger.MetricResult{guardrail("unsafe_rate", "safety", "proportion", unsafe)}
	look.Metrics[0].Unit = ""
	target := onlyControl()
	look.Decision = decide.Decision{
		Verdict: decide.Rollback, Target: &target,
		Summary: "unsafe_rate is harmed in treatment: 20 of 975 users against 0 of 980.",
		Reasons: []decide.Reason{{Rule: 1, Code: "guardrail_harmed", Verdict: decide.Rollback, Text: "unsafe_rate is harmed.", Metric: "unsafe_rate", Variation: "treatment"}},
	}
	s := story{name: "safety", look: look}
	s.past(5, func(d int) int64 { return int64(200 * d) }, func(u int64, d int) []ledger.MetricResult {
		v := rate{0, u, int64(d), u, 0, float64(d) * 0.7}.versus()
		if d == 1 {
			v.Status, v.Note = stats.StatusNoEvents, ""
		}
		return []ledger.MetricResult{guardrail("unsafe_rate", "safety", "proportion", v)}
	})
	s.since = Since{
		Deliveries: []Delivered{{ID: "msg_s", Store: "local", FlagKey: "safety-filter", Target: target, Outcome: Conflict, Tries: 1, At: dayOf(5).Add(time.Minute), Message: "the flag was changed at 2026-11-05 23:40 UTC"}},
		Changes:    []Change{{At: dayOf(5).Add(-20 * time.Minute), Store: "local", From: allocation(0.25, 0.5), To: allocation(1, 1)}},
		Clears:     []Clear{{At: dayOf(6), By: "dana", Message: "filter rebuilt"}},
	}
	return s
}

// afterwards is a backfilled look of an experiment that was rolled back before,
// whose harm an earlier look established.
func afterwards() story {
	look := base("answer-v1", 6, 3300)
	look.Allocation, look.Backfill, look.Version = onlyControl(), true, 2
	look.Metrics = usual(3300, 171, 2.1)
	look.Metrics[0].Comparisons[0].MaxLogE = 7.7
	look.Metrics[0].Comparisons[0].Latched = true
	look.Decision = decide.Decision{
		Verdict: decide.Hold, Summary: "Already rolled back by assay on 2026-11-05; nothing more is sent, unless a person begins anew with assay clear.",
		Reasons: []decide.Reason{
			{Rule: 0, Code: "already_decided", Verdict: decide.Hold, Text: "Already rolled back by assay on 2026-11-05; nothing more is sent, unless a person begins anew with assay clear."},
			{Rule: 1, Code: "guardrail_harmed", Verdict: decide.Rollback, Text: "error_rate was harmed at an earlier look.", Metric: "error_rate", Variation: "treatment"},
		},
		WouldChange: []string{"a fresh start, if a person runs assay clear; then only units exposed after it count"},
	}
	end := base("answer-v1", 4, 3200)
	end.Version, end.Decision = 2, harmful().look.Decision
	end.Metrics = usual(3200, 231, 11.4)
	look.Standing.Ended = &decide.Terminal{Verdict: decide.Rollback, At: end.AsOf, By: "assay"}
	look.Standing.VerdictSince = dayOf(5)
	return story{name: "ended", look: look, history: []ledger.Look{*end, *look}, since: Since{Deliveries: []Delivered{
		{ID: "msg_old", Store: "local", FlagKey: "answer-v1", Target: onlyControl(), Outcome: Verified, At: dayOf(4).Add(2 * time.Minute), Tries: 1, Message: "written and read back"},
		{ID: "msg_older", Store: "local", FlagKey: "answer-v1", Target: allocation(0.5, 0.5), Outcome: Superseded},
	}}}
}

// empty is a first look before anybody was exposed.
func empty() story {
	look := base("greeting", 1, 0)
	look.Daily, look.Health = nil, ledger.Health{ByVariation: []int64{0, 0, 0}}
	look.Spec.Variations = []ledger.Variation{{ID: "control", KnownGood: true, Weight: 0.5}, {ID: "warm", Weight: 0.3}, {ID: "brief", Weight: 0.2}}
	look.Health.SampleRatio = []ledger.RatioCheck{{Slice: "overall", SampleRatio: stats.SampleRatio{Status: stats.StatusNoUnits, Counts: []int64{0, 0, 0}, Expected: []float64{0.5, 0.3, 0.2}, Bound: math.Log(100)}}}
	look.Health.Problems = []ledger.Finding{{Code: "no_exposures", Text: "No exposure was found.", Since: dayOf(1)}}
	var vs []ledger.Versus
	for _, id := range []string{"warm", "brief"} {
		v := ledger.Versus{Variation: id}
		v.Status, v.Bound, v.Design.Harm, v.Design.Alpha = stats.StatusNoUnits, math.Log(80), stats.SideUp, 0.0125
		vs = append(vs, v)
	}
	look.Metrics = []ledger.MetricResult{guardrail("error_rate", "", "proportion", vs...), guardrail("idle", "", "mean")}
	look.Decision = decide.Decision{Verdict: decide.Hold, Summary: "No exposure was found.", Reasons: []decide.Reason{{Rule: 3, Code: "no_exposures", Verdict: decide.Hold, Text: "No exposure was found."}}}
	return story{name: "empty", look: look}
}

// nothing is a look with every field at its zero.
func nothing() story { return story{name: "nothing", look: &ledger.Look{}} }

// evil is put into every text field: markup, quotes, bidirectional controls,
// NUL, escape sequences, template syntax.
const evil = "<script>alert(1)</script>\"'`&\u202eevil\u202c\x00\x1b[31m{{.}}</style></title><!--\u05e9\u05dc\u05d5\u05dd"

func hostile() story {
	long := evil + strings.Repeat("long<b> ", 1280)
	look := base(evil, 3, 3000)
	look.ID, look.Digest, look.PlanDigest, look.Tool, look.Revision, look.AllocationSource = evil, evil, evil, evil, evil, evil
	look.Failed = long
	look.Spec.Type, look.Spec.Description, look.Spec.Owner, look.Spec.Tags = evil, long, long, []string{evil, long}
	look.Spec.Identifier, look.Spec.Assignment, look.Spec.Cadence, look.Spec.FlagKey = evil, evil, evil, long
	ids := []string{evil, long}
	for i := range look.Spec.Variations {
		v := &look.Spec.Variations[i]
		v.ID = ids[i]
		v.Prompt = &ledger.Prompt{Name: evil, Version: long, Model: evil, Template: fmt.Sprintf("%s\nline %d\n%s", evil, i, long), Parameters: map[string]any{evil: long, "a": evil, "n": map[string]any{evil: evil}}}
	}
	bad := decide.Allocation{Coverage: 0.3, KnownGood: evil, Arms: []decide.Arm{{Variation: evil, Weight: 0.5}, {Variation: long, Weight: 0.5}}}
	look.Allocation = bad
	for i := range look.Epochs {
		look.Epochs[i].Allocation = bad
	}
	hostileHealth(&look.Health, long)
	look.Metrics = usual(3000, 140, 1)
	for i := range look.Metrics {
		m := &look.Metrics[i]
		m.Name, m.Source, m.Description, m.Quality, m.Direction, m.Unit, m.Window = long, evil, evil, evil, evil, evil, long
		v := &m.Comparisons[0]
		v.Variation, v.Note, v.Design.Reason, v.Design.Method = long, long, long, evil
	}
	enrich(look, evil, evil, long)
	look.Spec.Policy = map[string]string{"freshness": long, "max_multiple": evil, "max_unknown": evil}
	look.Standing.VerdictSince, look.Standing.Ended = dayOf(1), &decide.Terminal{Verdict: evil, By: evil}
	look.Metrics[2].Comparisons[0].Status = evil
	look.Metrics[3].Comparisons[0].Status, look.Metrics[3].Comparisons[0].Note = evil, ""
	look.Decision = decide.Decision{
		Verdict: evil, Summary: long, Winner: long, Target: &bad, WouldChange: []string{evil, long},
		Reasons: []decide.Reason{{Rule: 1, Code: evil, Verdict: evil, Text: long, Metric: long, Variation: long, Source: evil}},
	}
	look.Deliveries = []ledger.Delivery{{ID: evil, Store: evil, FlagKey: long, Expected: bad, Target: bad}}
	for i := range look.Statements {
		look.Statements[i] = ledger.Statement{Name: evil, Purpose: long, SQL: long, Rows: 1}
	}
	return story{name: "hostile", look: look, history: []ledger.Look{*look}, since: Since{
		Deliveries: []Delivered{{ID: evil, Store: evil, FlagKey: long, Target: bad, Outcome: evil, Message: long, Attempts: []Attempt{{Outcome: evil, Message: evil}}}},
		Changes:    []Change{{Store: evil, From: bad, To: bad, Message: long}},
		Clears:     []Clear{{By: long, Message: evil}},
	}}
}

func hostileHealth(h *ledger.Health, long string) {
	h.UnknownNames = []string{evil, long}
	h.Problems = []ledger.Finding{{Code: evil, Text: long, Source: evil}, {Code: evil}}
	h.SampleRatio[0].Detected, h.SampleRatio[0].Since = true, offSince(2, []int64{1, 2}, []int64{3, 4})
	h.SampleRatio[1].Slice, h.SampleRatio[1].Status = long, evil
	s := &h.Sources[0]
	s.Source, s.Blind = long, true
	s.Alignment = &ledger.Alignment{Rows: 4, IDs: 2, UnitShape: evil, FactShape: long}
	h.Sources[1].Source, h.Sources[1].Join.Join = evil, long
}

// large is the size that the bound is for: 20 metrics and 60 looks.
func large() story {
	metrics := func(u int64, d int) []ledger.MetricResult {
		var out []ledger.MetricResult
		for i := range 20 {
			m := usual(u, u/25+int64(i)+int64(d*7%23), -1-float64(d%5)/7)[i%5]
			m.Name = fmt.Sprintf("%s_%02d", m.Name, i)
			out = append(out, m)
		}
		return out
	}
	look := base("large", 60, 20000)
	look.Spec.End = dayOf(60)
	look.Metrics = metrics(20000, 60)
	enrich(look, "platform", "ios", "android", "web")
	look.Decision = decide.Decision{Verdict: decide.Review, Summary: "The end is reached and a guardrail was not judged."}
	s := story{name: "large", look: look}
	s.past(60, func(d int) int64 { return int64(333 * d) }, metrics)
	return s
}
