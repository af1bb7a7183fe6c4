package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rule is one row of the table: what it looks for and what it does. A row that
// does not match gives no reasons.
type rule struct {
	number int
	match  func(Evidence, Policy) []Reason
}

// rules is the table of decisions. Every row that matches is listed as a
// reason; the first one decides.
var rules = []rule{
	{0, alreadyDecided},
	{1, guardrailHarmed},
	{2, dataStale},
	{3, sourceBlind},
	{4, splitUnhealthy},
	{5, stepDue},
	{6, experimentWon},
	{7, rolloutUnharmed},
	{8, endReached},
	{9, collecting},
}

// Decide applies the table to the evidence of one look.
func Decide(e Evidence, p Policy) Decision {
	var d Decision
	for _, r := range rules {
		if r.number == 9 && len(d.Reasons) > 0 {
			continue
		}
		for _, reason := range r.match(e, p) {
			reason.Rule = r.number
			d.Reasons = append(d.Reasons, reason)
		}
	}
	d.Reasons = rollbackFirst(d.Reasons)
	first := d.Reasons[0]
	d.Verdict, d.Summary = first.Verdict, first.Text
	d.Target, d.Winner = target(e, p, first)
	d.Proposal = d.Target != nil && proposable[first.Rule] && (!p.AutoRollback || slices.Contains(p.Approval, first.Verdict))
	d.WouldChange = wouldChange(e, p, d)
	return d
}

// proposable are the rows that a policy can turn into proposals. The
// fail-safe of rows 2 to 4 is not among them: nobody may be there to read it.
var proposable = map[int]bool{1: true, 5: true, 6: true, 7: true}

// rollbackFirst lets a rollback decide where bad data (rows 2 to 4) would
// otherwise hold for another reason: the stricter of two policies wins.
func rollbackFirst(reasons []Reason) []Reason {
	bad := func(r Reason) bool { return r.Rule >= 2 && r.Rule <= 4 }
	if !bad(reasons[0]) {
		return reasons
	}
	i := slices.IndexFunc(reasons, func(r Reason) bool { return bad(r) && r.Verdict == Rollback })
	if i <= 0 {
		return reasons
	}
	first := reasons[i]
	return slices.Insert(slices.Delete(reasons, i, i+1), 0, first)
}

// target is the state the flag should have after the deciding reason; nil
// leaves it as it is.
func target(e Evidence, p Policy, r Reason) (state *Allocation, winner string) {
	var next Allocation
	switch r.Verdict {
	case Rollback:
		next = e.Allocation.All(e.Allocation.KnownGood)
	case Ramp:
		next = e.Open.Covering(*e.Step.Next)
	case Ship:
		winner = r.Variation
		next = e.Allocation.All(winner)
	case Hold:
		if r.Rule == 0 {
			return nil, ""
		}
		return stepBack(e, p, r.Rule), ""
	case Continue, Review:
		return nil, ""
	}
	return &next, winner
}

func alreadyDecided(e Evidence, _ Policy) []Reason {
	if e.Terminal == nil {
		return nil
	}
	what := map[Verdict]string{Rollback: "rolled back", Ship: "shipped"}[e.Terminal.Verdict]
	return []Reason{{
		Code: "already_decided", Verdict: Hold,
		Text: fmt.Sprintf("Already %s by %s on %s; nothing more is sent, unless a person begins anew with assay clear.", what, e.Terminal.By, day(e.Terminal.At)),
	}}
}

func guardrailHarmed(e Evidence, _ Policy) []Reason {
	var out []Reason
	for _, j := range e.guards() {
		if j.harmed() {
			out = append(out, Reason{
				Code: "guardrail_harmed", Verdict: Rollback, Text: harmText(j),
				Metric: j.Metric, Variation: j.Variation, Source: j.Source,
			})
		}
	}
	return out
}

func dataStale(e Evidence, p Policy) []Reason      { return troubles(e, p, e.Stale, 2) }
func sourceBlind(e Evidence, p Policy) []Reason    { return troubles(e, p, e.Blind, 3) }
func splitUnhealthy(e Evidence, p Policy) []Reason { return troubles(e, p, e.Unhealthy, 4) }

// troubles holds, rolls back where the policy says so, and lets the fail-safe
// act once the hold has lasted too long.
func troubles(e Evidence, p Policy, list []Trouble, row int) []Reason {
	var out []Reason
	for _, t := range list {
		r := Reason{Code: t.Code, Verdict: Hold, Text: t.Text, Source: t.Source}
		switch {
		case t.Action == "warn":
			continue
		case t.Action == "rollback" || tooLong(e, p) && p.BlindRollback:
			r.Verdict = Rollback
		}
		if tooLong(e, p) {
			r.Text += " " + failSafeText(e, p, row)
		}
		out = append(out, r)
	}
	return out
}

// tooLong tells whether the data have been bad for longer than the policy
// tolerates while people are exposed.
func tooLong(e Evidence, p Policy) bool {
	_, sole := e.Allocation.Sole()
	return !sole && !e.BlindSince.IsZero() && e.AsOf.Sub(e.BlindSince) >= p.MaxBlind
}

// stepBack is where the fail-safe goes: to the last rung that was seen healthy,
// one rung down where that is the present one, and below the first rung to the
// known-good variation for everybody, until the data are good again. A split
// that fails (row 4) hides no harm, since the tests then condition on the sizes
// of the arms: it only goes down the ladder.
func stepBack(e Evidence, p Policy, row int) *Allocation {
	if !tooLong(e, p) || p.BlindRollback {
		return nil
	}
	lower := 0.0
	for _, rung := range e.Rungs {
		if rung < e.Allocation.Coverage-1e-9 {
			lower = rung
		}
	}
	if e.Healthy > 0 && e.Healthy < e.Allocation.Coverage-1e-9 {
		lower = e.Healthy
	}
	var next Allocation
	switch {
	case lower > 0:
		next = e.Open.Covering(lower)
	case row < 4:
		next = e.Allocation.All(e.Allocation.KnownGood)
	default:
		return nil
	}
	return &next
}

func failSafeText(e Evidence, p Policy, row int) string {
	since := fmt.Sprintf("This has lasted since %s, at least %s:", instant(e.BlindSince), span(p.MaxBlind))
	back := stepBack(e, p, row)
	switch {
	case p.BlindRollback:
		return since + " everybody goes back to " + e.Allocation.KnownGood + "."
	case back == nil:
		return since + " there is no smaller rung to go back to."
	}
	if sole, ok := back.Sole(); ok {
		return fmt.Sprintf("%s everybody gets %s until the data are good again.", since, sole)
	}
	return fmt.Sprintf("%s coverage goes back to %s.", since, percent(back.Coverage))
}

func stepDue(e Evidence, p Policy) []Reason {
	if closed(e) {
		return []Reason{{
			Code: "not_open", Verdict: Ramp,
			Text: fmt.Sprintf("Everybody gets %s; exposure starts at %s.", e.Allocation.KnownGood, percent(*e.Step.Next)),
		}}
	}
	due := e.Rollout && e.Step.Next != nil && !e.AsOf.Before(e.Step.Due) && e.AsOf.Before(e.End)
	if !due || len(e.Judgements) == 0 || len(guardrailHarmed(e, p)) > 0 || len(notReady(e, p)) > 0 {
		return nil
	}
	return []Reason{{
		Code: "step_due", Verdict: Ramp,
		Text: fmt.Sprintf("The step to %s was due on %s, and every guardrail has at least %s complete units per arm from this step; none is harmed.",
			percent(*e.Step.Next), instant(e.Step.Due), Count(p.MinStepUnits)),
	}}
}

// closed tells whether the start has come, nobody is exposed yet and nothing
// was decided: a flag that is not open, or one that was cleared.
func closed(e Evidence) bool {
	return e.Terminal == nil && e.Step.Index < 0 && e.Step.Next != nil && !e.AsOf.Before(e.Start) && e.AsOf.Before(e.End)
}

// notReady says which guardrails keep a step from being taken: those that lack
// units of this step or cannot be judged.
func notReady(e Evidence, p Policy) []string {
	var out []string
	for _, j := range e.guardrails() {
		why := e.blindTo(j)
		switch {
		case why != "":
			out = append(out, fmt.Sprintf("%s cannot be judged (%s)", j.Metric, why))
		case j.StepUnits < p.MinStepUnits:
			out = append(out, fmt.Sprintf("%s has %s complete units in its smaller arm from this step; %s are needed",
				j.Metric, Count(j.StepUnits), Count(p.MinStepUnits)))
		case !j.judged():
			out = append(out, unjudged(j))
		case j.Comparison.Pressing():
			out = append(out, pressing(j))
		}
	}
	return out
}

func experimentWon(e Evidence, p Policy) []Reason {
	if e.Rollout || e.AsOf.Before(e.Start.Add(p.MinDuration)) {
		return nil
	}
	var best *Judgement
	for _, j := range e.goals() {
		if !j.Better || j.WinP > p.AlphaGoals || !safe(e, j.Variation) {
			continue
		}
		if best == nil || j.WinP < best.WinP {
			best = &j
		}
	}
	if best == nil {
		return nil
	}
	return []Reason{{
		Code: "goal_better", Verdict: Ship, Metric: best.Metric, Variation: best.Variation, Source: best.Source,
		Text: winText(*best),
	}}
}

func rolloutUnharmed(e Evidence, p Policy) []Reason {
	if !e.Rollout || e.AsOf.Before(e.End) || !e.Step.LastRung || len(e.guardrails()) == 0 || len(notReady(e, p)) > 0 {
		return nil
	}
	treatment := e.Treatments[0]
	if !safe(e, treatment) {
		return nil
	}
	return []Reason{{
		Code: "window_over_unharmed", Verdict: Ship, Variation: treatment,
		Text: fmt.Sprintf("The monitoring window ended on %s and no guardrail is harmed%s.", day(e.End), missText(e)),
	}}
}

// safe tells whether a treatment's guardrails are all judged, unharmed and,
// where they have a margin, shown to be within it.
func safe(e Evidence, variation string) bool {
	for _, j := range e.guards() {
		if j.Variation != variation {
			continue
		}
		if !j.judged() || j.harmed() || j.Comparison.Pressing() || j.Role == RoleGuardrail && j.hasMargin() && !j.within() {
			return false
		}
	}
	return true
}

func endReached(e Evidence, p Policy) []Reason {
	if e.AsOf.Before(e.End) || len(experimentWon(e, p)) > 0 || len(rolloutUnharmed(e, p)) > 0 || len(guardrailHarmed(e, p)) > 0 {
		return nil
	}
	return []Reason{{
		Code: "end_reached", Verdict: Review,
		Text: fmt.Sprintf("The end was reached on %s without an answer: %s.", day(e.End), openQuestions(e, p)),
	}}
}

// goalsOpen says of goals that do not ship whether their sources met anybody at all.
func goalsOpen(e Evidence) []string {
	var out []string
	seen := 0
	for _, j := range e.goals() {
		if why := e.blindTo(j); why != "" {
			out = append(out, fmt.Sprintf("%s cannot be judged (%s)", j.Metric, why))
			continue
		}
		seen++
	}
	if seen > 0 || len(out) == 0 {
		out = append(out, "no goal is better after correction")
	}
	return slices.Compact(out)
}

// openQuestions says what keeps a finished experiment from being shipped.
func openQuestions(e Evidence, p Policy) string {
	var out []string
	for _, j := range e.guards() {
		why := e.blindTo(j)
		switch {
		case why != "":
			out = append(out, fmt.Sprintf("%s cannot be judged (%s)", j.Metric, why))
		case !j.judged():
			out = append(out, unjudged(j))
		case j.Comparison.Pressing():
			out = append(out, pressing(j))
		case j.Role == RoleGuardrail && j.hasMargin() && !j.within():
			out = append(out, fmt.Sprintf("%s is not shown to be within its margin", j.Metric))
		}
	}
	if !e.Rollout && len(experimentWon(e, p)) == 0 {
		out = append(out, goalsOpen(e)...)
	}
	if e.Rollout && !e.Step.LastRung {
		out = append(out, "full coverage was not reached")
	}
	if e.Rollout && e.Step.LastRung {
		for _, text := range notReady(e, p) {
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	if e.Rollout && len(e.guardrails()) == 0 {
		out = append(out, "no guardrail is declared")
	}
	if len(out) == 0 {
		return "a person has to decide"
	}
	return strings.Join(out, "; ")
}

func collecting(e Evidence, p Policy) []Reason {
	text := "No guardrail is harmed and nothing is due."
	if e.AsOf.Before(e.Start) {
		text = fmt.Sprintf("It starts on %s.", instant(e.Start))
	} else if open := notReady(e, p); e.Rollout && e.Step.Next != nil && !e.AsOf.Before(e.Step.Due) && len(open) > 0 {
		text = fmt.Sprintf("The step to %s is due, but %s.", percent(*e.Step.Next), open[0])
	}
	return []Reason{{Code: "collecting", Verdict: Continue, Text: text + futileText(e)}}
}

func day(t time.Time) string     { return t.UTC().Format("2006-01-02") }
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
