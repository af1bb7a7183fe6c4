package decide

import (
	"slices"
	"time"

	"assay/stats"
)

// Terminal is an end that was reached before: rolled back or shipped.
type Terminal struct {
	Verdict Verdict   `json:"verdict"`
	At      time.Time `json:"at"`
	By      string    `json:"by"` // "assay" or "a person"
}

// Trouble is why data cannot be trusted.
type Trouble struct {
	Code   string // stale_data, warehouse_failed, over_budget, source_blind, sample_ratio, ...
	Text   string
	Source string
	// Action is what the policy does about it: hold, rollback or warn.
	Action string
}

// Evidence of one look.
type Evidence struct {
	AsOf, Start, End time.Time
	Rollout          bool
	Allocation       Allocation // present state of the flag
	Open             Allocation // its arms are the split while units are exposed
	Treatments       []string
	Terminal         *Terminal
	Stale            []Trouble // row 2: failed or old
	Blind            []Trouble // row 3: sources that meet nobody
	Unhealthy        []Trouble // row 4
	Judgements       []Judgement
	Step             Step
	// BlindSince is the as-of of the first of the unbroken run of looks, this
	// one included, that held for rows 2 to 4; zero = data are good.
	BlindSince time.Time
	// Healthy is the coverage of the last look with good data; zero = none yet.
	Healthy float64
	// Rungs are the steps of the ladder, rising; empty = no ladder.
	Rungs []float64
}

// Policy is what the spec says about deciding.
type Policy struct {
	AutoRollback bool
	// Approval are the verdicts that a person has to apply.
	Approval     []Verdict
	MinStepUnits int64
	MinDuration  time.Duration
	MaxBlind     time.Duration
	// BlindRollback: the fail-safe rolls back instead of stepping back.
	BlindRollback bool
	// AlphaGoals is the error rate over all goals, in (0,1).
	AlphaGoals float64
}

// Roles of a judgement.
const (
	RoleGuardrail = "guardrail"
	RoleGoal      = "goal"
	RoleSecondary = "secondary"
)

// blindTo says why a judgement's source shows nothing of the exposed units; "" = it does.
func (e Evidence) blindTo(j Judgement) string {
	for _, t := range e.Blind {
		if why := Unmatched(t.Code, t.Source); t.Source == j.Source && t.Action != "warn" && why != "" {
			return why
		}
	}
	return ""
}

// guards are the judgements that can roll back.
func (e Evidence) guards() []Judgement {
	return filter(e.Judgements, func(j Judgement) bool { return j.Role == RoleGuardrail || j.Rollback })
}

func (e Evidence) guardrails() []Judgement {
	return filter(e.Judgements, func(j Judgement) bool { return j.Role == RoleGuardrail })
}

func (e Evidence) goals() []Judgement {
	return filter(e.Judgements, func(j Judgement) bool { return j.Role == RoleGoal })
}

func filter(list []Judgement, keep func(Judgement) bool) []Judgement {
	return slices.DeleteFunc(slices.Clone(list), func(j Judgement) bool { return !keep(j) })
}

// harmed tells whether harm beyond the margin was established, now or at an
// earlier look of this version.
func (j Judgement) harmed() bool { return j.Comparison.Harmed || j.Latched }

// judged tells whether there were units to judge. No event in either arm, or
// nothing that varies, is an answer as long as units were there.
func (j Judgement) judged() bool {
	switch j.Comparison.Status {
	case stats.StatusOK:
		// A test that has never had error to spend has judged nothing.
		return !j.Comparison.Design.Method.Spends() || !j.Comparison.Look.IsZero()
	case stats.StatusNoEvents, stats.StatusNoVariance:
		return true
	case stats.StatusNoUnits, stats.StatusTooFew, stats.StatusSkewed, stats.StatusUnweighed, stats.StatusNoBase, stats.StatusNotFinite, stats.StatusBadQuestion:
		return false
	}
	return false
}

// within tells whether harm was shown to be within the margin, now or at an
// earlier look of this version. What was shown earlier is of an effect that
// stays as it is: an estimate beyond the margin contradicts it.
func (j Judgement) within() bool {
	return j.Comparison.NonInferior || j.Within && j.Comparison.Excess <= 0
}

// hasMargin tells whether some harm is tolerated.
func (j Judgement) hasMargin() bool { return j.Comparison.Design.Margin.Value > 0 }

// All serves one variation to everybody.
func (a Allocation) All(variation string) Allocation {
	out := Allocation{Coverage: 1, KnownGood: a.KnownGood}
	for _, arm := range a.Arms {
		weight := 0.0
		if arm.Variation == variation {
			weight = 1
		}
		out.Arms = append(out.Arms, Arm{Variation: arm.Variation, Weight: weight})
	}
	return out
}

// Covering keeps the split and sets the coverage.
func (a Allocation) Covering(coverage float64) Allocation {
	return Allocation{Coverage: coverage, Arms: slices.Clone(a.Arms), KnownGood: a.KnownGood}
}

// Sole returns the variation that everybody gets, if there is one.
func (a Allocation) Sole() (variation string, ok bool) {
	for _, arm := range a.Arms {
		if arm.Weight == 1 && (a.Coverage == 1 || arm.Variation == a.KnownGood) {
			return arm.Variation, true
		}
	}
	if a.Coverage == 0 && a.KnownGood != "" {
		return a.KnownGood, true
	}
	return "", false
}
