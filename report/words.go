package report

import (
	"math"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// tone is how serious something is; it picks colours and never stands alone.
type tone string

const (
	toneBad  tone = "bad"
	toneWarn tone = "warn"
	toneGood tone = "good"
	toneInfo tone = "info"
	toneMute tone = "mute"
)

// badge is a status: an icon and a word, so that colour is never the only cue.
type badge struct {
	Icon string
	Word string
	Tone tone
}

// wording is how a verdict reads.
type wording struct {
	badge
	Proposed string // as a proposal
}

var verdictWords = map[decide.Verdict]wording{
	decide.Rollback: {badge{"←", "Roll back", toneBad}, "Proposed: roll back"},
	decide.Hold:     {badge{"‖", "Hold", toneWarn}, "Proposed: hold"},
	decide.Ramp:     {badge{"↑", "Ramp up", toneInfo}, "Proposed: ramp up"},
	decide.Ship:     {badge{"✓", "Ship", toneGood}, "Proposed: ship"},
	decide.Continue: {badge{"→", "Keep going", toneInfo}, "Proposed: keep going"},
	decide.Review:   {badge{"?", "Needs review", toneWarn}, "Proposed: review"},
}

// verdictBadge is the badge of a verdict; one that is not known shows as it is.
func verdictBadge(v decide.Verdict) badge {
	if w, known := verdictWords[v]; known {
		return w.badge
	}
	if v == "" {
		return badge{"?", "No verdict", toneWarn}
	}
	return badge{"?", shorten(clean(string(v)), 24), toneWarn}
}

// decisionBadge is verdictBadge, saying where the verdict is only proposed.
func decisionBadge(d *decide.Decision) badge {
	b := verdictBadge(d.Verdict)
	if ended(d) {
		return badge{"■", "Ended", toneMute}
	}
	if w, known := verdictWords[d.Verdict]; known && d.Proposal {
		b.Word = w.Proposed
	}
	return b
}

// roles are the roles of a metric in the order in which they are shown.
var roles = []struct {
	Role, Title, Lead string
}{
	{"goal", "Goals", "What the change is meant to improve."},
	{"guardrail", "Guardrails", "What must not get worse: harm beyond the margin rolls back."},
	{"secondary", "Secondary metrics", "Shown for understanding; they decide nothing."},
}

// qualities is the order of the quality dimensions; others follow by name.
var qualities = []string{
	"correctness", "relevance", "safety", "task_completion", "behaviour", "cost", "latency",
}

// before ends the word for what an earlier look of the same version established: it
// holds on.
const before = " at an earlier look"

// standing is a comparison's status as the reader is told it.
func standing(look *ledger.Look, m *ledger.MetricResult, v *ledger.Versus) badge {
	switch {
	case v.Harmed:
		return badge{"✕", "harmed", toneBad}
	case latched(v):
		return badge{"✕", "harmed" + before, toneBad}
	case blindTo(look, m):
		return badge{"?", "cannot say: " + unmatched(look, m.Source), toneWarn}
	case v.Status != stats.StatusOK:
		return badge{"?", "cannot say: " + whyNot(v), toneWarn}
	case m.Role == "goal":
		return goalStanding(v, look.Spec.Alpha.Goals)
	case v.NonInferior && v.Design.Margin.Value > 0:
		return badge{"✓", "non-inferior", toneGood}
	case v.NonInferior:
		return badge{"▲", "better", toneGood}
	case v.Within && v.Design.Margin.Value > 0:
		return badge{"✓", "non-inferior" + before, toneGood}
	case v.Within:
		return badge{"▲", "better" + before, toneGood}
	case v.Design.Harm == "":
		return badge{"○", "shown only", toneMute}
	}
	return badge{"○", "not harmed so far", toneInfo}
}

func goalStanding(v *ledger.Versus, alpha float64) badge {
	if v.Adjusted != nil && *v.Adjusted <= alpha && goodSide(v) {
		return badge{"▲", "better", toneGood}
	}
	return badge{"○", "not better so far", toneInfo}
}

// correctionWords are the ways to correct over goals, by their names in a look.
var correctionWords = map[string]string{
	"": "Holm", "holm": "Holm", "bh": "Benjamini-Hochberg (at one fixed time only)", "ebh": "e-BH",
}

// correctionNote says what a goal's p-value has been corrected by and what it
// has to reach.
func correctionNote(look *ledger.Look, n numbers) string {
	word, known := correctionWords[look.Spec.GoalCorrection]
	if !known {
		word = shorten(clean(look.Spec.GoalCorrection), 24)
	}
	return "after " + word + ", at most " + n.general(look.Spec.Alpha.Goals, 3) + " needed"
}

func goodSide(v *ledger.Versus) bool {
	switch v.Design.Harm {
	case stats.SideUp:
		return v.Absolute < 0
	case stats.SideDown:
		return v.Absolute > 0
	}
	return false
}

// latched tells whether an earlier look of this version established the harm.
func latched(v *ledger.Versus) bool {
	return v.Latched
}

// speaks tells whether a comparison has evidence of harm to show: an answer,
// or harm that an earlier look established, in a direction that is declared.
func speaks(v *ledger.Versus) bool {
	return v.Design.Harm != "" && (v.Status == stats.StatusOK || latched(v))
}

// blindTo tells whether a metric's source does not meet the exposed units: its
// zeros are then not zeros.
func blindTo(look *ledger.Look, m *ledger.MetricResult) bool {
	for _, s := range look.Health.Sources {
		if s.Source == m.Source && s.Blind {
			return true
		}
	}
	return false
}

// unmatched says why a blind source shows nothing of the exposed units.
func unmatched(look *ledger.Look, source string) string {
	for _, p := range look.Health.Problems {
		if p.Source != source {
			continue
		}
		if why := decide.Unmatched(p.Code, name(source)); why != "" {
			return why
		}
	}
	return decide.Unmatched("source_blind", name(source))
}

// whyNot says why there is no answer.
func whyNot(v *ledger.Versus) string {
	if v.Note != "" {
		return shorten(clean(v.Note), 300)
	}
	if why := decide.CannotSay(v.Status); why != "" {
		return why
	}
	if v.Status == "" {
		return "not compared"
	}
	return name(string(v.Status))
}

// hasRelative tells whether a comparison says anything on the relative scale.
func hasRelative(v *ledger.Versus) bool {
	return v.Status == stats.StatusOK && (v.Relative.Known || bounded(v.RelativeInterval))
}

// bounded tells whether an interval has an end and is not simply unset.
func bounded(i stats.Interval) bool {
	unset := i == stats.Interval{}
	open := math.IsInf(i.Lower, 0) && math.IsInf(i.Upper, 0)
	return !unset && !open
}

// marginRelative is the margin as a share of control's value, nil where that
// cannot be said.
func marginRelative(v *ledger.Versus) *float64 {
	m := v.Design.Margin
	if !m.Absolute {
		return &m.Value
	}
	base := math.Abs(v.Control.Value)
	if base == 0 {
		return nil
	}
	x := m.Value / base
	return &x
}

// towardsHarm is +1 where an increase hurts, -1 where a decrease does, else 0.
func towardsHarm(s stats.Side) float64 {
	switch s {
	case stats.SideUp:
		return 1
	case stats.SideDown:
		return -1
	}
	return 0
}

// knownGood is the name of the variation that a rollback serves to everybody.
func knownGood(look *ledger.Look) string {
	for _, v := range look.Spec.Variations {
		if v.KnownGood {
			return v.ID
		}
	}
	return look.Allocation.KnownGood
}
