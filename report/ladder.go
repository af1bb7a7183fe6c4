package report

import (
	"math"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

// rung is one step of the ladder.
type rung struct {
	Coverage string
	Badge    badge
	Note     string
}

// ladder says of each step when it was applied and, where since is known, how.
func ladder(look *ledger.Look, since *Since, n numbers) []rung {
	var out []rung
	for i, coverage := range look.Spec.Ladder {
		r := newRung(look, i, coverage, since)
		r.Coverage = n.exactShare(coverage)
		out = append(out, r)
	}
	return out
}

func newRung(look *ledger.Look, i int, coverage float64, since *Since) rung {
	var r rung
	step := &look.Step
	over := ended(&look.Decision)
	switch {
	case over || look.Standing.Ended != nil && i > step.Index:
		r.Badge = badge{"○", "not reached", toneMute}
		if r.Note = applied(look, coverage, since); r.Note != "" {
			r.Badge = badge{"✓", "was served", toneMute}
		}
	case i < step.Index:
		r.Badge = badge{"✓", "done", toneMute}
		r.Note = applied(look, coverage, since)
	case i == step.Index:
		r.Badge = badge{"●", "at this look", toneInfo}
		if r.Note = applied(look, coverage, since); r.Note == "" && !step.Since.IsZero() {
			r.Note = "since " + instant(step.Since)
		}
	case i == step.Index+1:
		r.Badge = badge{"○", "next", toneMute}
		if look.Decision.Verdict == decide.Ramp {
			r.Note = "decided at this look"
		} else if !step.Due.IsZero() {
			r.Note = "not before " + instant(step.Due)
		}
	default:
		r.Badge = badge{"○", "later", toneMute}
	}
	return r
}

// applied says when a coverage was reached and by whom; empty = not known.
func applied(look *ledger.Look, coverage float64, since *Since) string {
	i := slices.IndexFunc(look.Epochs, func(e ledger.Epoch) bool {
		_, sole := e.Allocation.Sole()
		return !sole && near(e.Allocation.Coverage, coverage)
	})
	if i < 0 {
		return ""
	}
	start, span := look.Epochs[i].Start, "since "
	text := instant(start)
	if i+1 < len(look.Epochs) {
		span, text = "from ", text+" to "+instant(look.Epochs[i+1].Start)
	}
	return joined(span+text, ", ", setBy(since, start, look.Epochs[i].Allocation))
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// around is how far the instant at which an allocation counts from may be from
// that at which a store took it.
const around = time.Hour

// setBy says who set an allocation that holds from an instant: a decision that was
// delivered, or a person; empty = the ledger does not know.
func setBy(since *Since, from time.Time, to decide.Allocation) string {
	if since == nil {
		return ""
	}
	for _, d := range slices.Backward(since.Deliveries) {
		if d.took() && alike(d.Target, to) && within(d.At, from) {
			return "by " + d.decidedBy()
		}
	}
	for _, c := range slices.Backward(since.Changes) {
		if alike(c.To, to) && within(c.At, from) {
			return "by a person, in " + name(c.Store)
		}
	}
	return ""
}

func within(a, b time.Time) bool {
	return !a.IsZero() && a.Sub(b).Abs() <= around
}

// took tells whether the store has the state that was sent.
func (d *Delivered) took() bool { return d.Outcome == Verified || d.Outcome == Unverified }

// decidedBy names the decision that a delivery carried out, and who approved it.
func (d *Delivered) decidedBy() string {
	text := "assay"
	if d.Verdict != "" {
		text += ": " + name(string(d.Verdict))
	}
	if !d.AsOf.IsZero() {
		text += " of the look as of " + instant(d.AsOf)
	}
	if d.Approved {
		text += ", applied by " + personName(d.By)
	}
	return text
}

// personName is a person as the ledger names them.
func personName(by string) string {
	if by == "" {
		return "a person"
	}
	return name(by)
}

// alike tells whether two allocations give everybody the same.
func alike(a, b decide.Allocation) bool {
	return slices.EqualFunc(received(a), received(b), func(x, y decide.Arm) bool {
		return x.Variation == y.Variation && near(x.Weight, y.Weight)
	})
}

// received is the share of everybody that each variation is given, by its id.
func received(a decide.Allocation) []decide.Arm {
	shares := map[string]float64{}
	for _, arm := range a.Arms {
		shares[arm.Variation] += a.Coverage * arm.Weight
	}
	shares[a.KnownGood] += 1 - a.Coverage
	var out []decide.Arm
	for id, share := range shares {
		if share > 0 {
			out = append(out, decide.Arm{Variation: id, Weight: share})
		}
	}
	slices.SortFunc(out, func(x, y decide.Arm) int {
		if x.Variation < y.Variation {
			return -1
		}
		return 1
	})
	return out
}
