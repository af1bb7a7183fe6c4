package stats

import (
	"fmt"
	"math"
)

// Compare judges a treatment against control on one metric over the epochs of
// a comparison. It never errs: a question without an answer has a Status that
// says why.
//
// Stratum.Share is taken as given. Where an epoch's sample ratio fails, the
// declared split is not the one that was used: give the observed share
// nT/(nT+nC) instead. The exact method then conditions on the arms' sizes; the
// labels of the events are hypergeometric, which is less spread than binomial
// in convex order (Hoeffding 1963, theorem 4), and an e-value of the exact
// method is convex in the number of events, so its mean stays at most 1 at
// every look.
//
// now is the boundary that NextLook gave for this look; a method that does not
// spend its error needs none, and one that spends cannot establish harm without.
func Compare(d Design, strata []Stratum, now Look) Comparison {
	c := Comparison{
		Status: StatusOK, Design: d, P: 1, PWithin: 1, PTwoSided: 1,
		AbsoluteInterval: openInterval(), RelativeInterval: openInterval(), Look: now,
	}
	if status, note := question(&d, strata); status != StatusOK {
		c.cannot(status, note)
		return c
	}
	c.Bound = -math.Log(d.Alpha)
	if d.Method.exact() {
		c.exact(strata)
	} else {
		c.mixture(strata)
	}
	return c
}

// cannot records why there is no answer.
func (c *Comparison) cannot(status Status, note string) {
	c.Status, c.Note = status, note
}

// remark adds to the note.
func (c *Comparison) remark(text string) {
	if c.Note != "" {
		c.Note += "; "
	}
	c.Note += text
}

const (
	leastShare = 1e-9 // of an arm, for the exact method
	mostMargin = 1e9  // relative, for the exact method
)

// question checks what Compare was asked.
func question(d *Design, strata []Stratum) (Status, string) {
	if note := d.contradiction(); note != "" {
		return StatusBadQuestion, note
	}
	for i := range strata {
		s := &strata[i]
		if !s.Control.finite() || !s.Treatment.finite() {
			return StatusNotFinite, fmt.Sprintf("the moments of epoch %d are not finite", s.Epoch)
		}
		if !s.Control.consistent() || !s.Treatment.consistent() {
			return StatusBadQuestion, fmt.Sprintf("the moments of epoch %d contradict themselves", s.Epoch)
		}
		split := s.Share >= leastShare && s.Share <= 1-leastShare
		if d.Method.exact() && !split && viewAny.counts(s) {
			return StatusBadQuestion, fmt.Sprintf("the share of treatment in epoch %d is not inside (0, 1)", s.Epoch)
		}
	}
	return compared(strata)
}

// compared tells whether any epoch has units in both arms.
func compared(strata []Stratum) (Status, string) {
	control, treatment := false, false
	for i := range strata {
		c, t := strata[i].Control.N > 0, strata[i].Treatment.N > 0
		if c && t {
			return StatusOK, ""
		}
		control, treatment = control || c, treatment || t
	}
	switch {
	case control && treatment:
		return StatusNoUnits, "no epoch has units in both arms"
	case control:
		return StatusNoUnits, "the treatment arm has no units"
	case treatment:
		return StatusNoUnits, "the control arm has no units"
	default:
		return StatusNoUnits, "neither arm has units"
	}
}

// contradiction says what is wrong with a design; empty if nothing is.
func (d *Design) contradiction() string {
	for _, rule := range [...]struct {
		broken bool
		text   string
	}{
		{!(d.Alpha > 0 && d.Alpha < 1), "alpha is not between 0 and 1"},
		{d.Method.Spends() && d.Alpha > 0.5, "alpha is above one half"},
		{!(d.Planned >= 0) || !isFinite(d.Planned), "planned units are negative or not finite"},
		{!(d.Margin.Value >= 0) || !isFinite(d.Margin.Value), "the margin is negative or not finite"},
		{!(d.MDE.Value >= 0) || !isFinite(d.MDE.Value), "the smallest effect of interest is negative or not finite"},
		{!(d.BaseRate >= 0) || !isFinite(d.BaseRate), "the base rate is negative or not finite"},
		{d.Harm != SideUp && d.Harm != SideDown, "the side of harm is neither up nor down"},
		{d.Kind != KindProportion && d.Kind != KindMean && d.Kind != KindRatio, "the kind of metric is unknown"},
		{!d.Method.known(), "the method is unknown"},
		{d.Method.exact() && d.Kind == KindRatio, "the exact method cannot judge a ratio"},
		{!d.Scale.known(), "the scale is unknown"},
		{!d.Lift.known(), "the way to the relative effect is unknown"},
	} {
		if rule.broken {
			return rule.text
		}
	}
	switch {
	case d.Method.exact():
		return d.exactContradiction()
	case d.Scale == ScaleLog:
		return d.logContradiction()
	}
	return ""
}

// logContradiction says why a comparison cannot be made on the log scale.
func (d *Design) logContradiction() string {
	_, margin := d.logMargin(d.Margin)
	_, mde := d.logMargin(d.MDE)
	switch {
	case d.Kind != KindMean:
		return "only a mean has a log scale"
	case !margin || !mde:
		return "the log scale takes relative sizes, and no loss of everything"
	}
	return ""
}

// exactContradiction says why the exact method cannot use the margin.
func (d *Design) exactContradiction() string {
	margin, ok := d.relative(d.Margin)
	switch {
	case !ok:
		return "an absolute margin needs a base rate for the exact method"
	case margin > mostMargin:
		return "the margin is beyond any rate ratio"
	case d.Harm == SideDown && margin >= 1:
		return "a margin of 100 % or more tolerates the loss of every event"
	default:
		return ""
	}
}

// relative is a size as a share of the control value: an absolute one is
// divided by the declared base rate. Not ok if there is none.
func (d *Design) relative(s Size) (share float64, ok bool) {
	switch {
	case !s.Absolute || s.Value == 0:
		return s.Value, true
	case d.BaseRate > 0:
		return s.Value / d.BaseRate, true
	default:
		return 0, false
	}
}

// judge turns log e-values into p-values, and reconciles the bounds of the
// excess with the verdicts where rounding parts the two.
func (c *Comparison) judge() {
	c.LogE, c.LogEWithin, c.LogETwoSided = bounded(c.LogE), bounded(c.LogEWithin), bounded(c.LogETwoSided)
	c.P, c.PWithin, c.PTwoSided = fromLogE(c.LogE), fromLogE(c.LogEWithin), fromLogE(c.LogETwoSided)
	c.ExcessBound, c.ExcessUpper = bounded(orElse(c.ExcessBound, math.Inf(-1))), bounded(orElse(c.ExcessUpper, math.Inf(1)))
	if c.Harmed {
		c.ExcessBound = max(c.ExcessBound, math.SmallestNonzeroFloat64)
	} else {
		c.ExcessBound = min(c.ExcessBound, 0)
	}
	if c.NonInferior {
		c.ExcessUpper = min(c.ExcessUpper, -math.SmallestNonzeroFloat64)
	} else {
		c.ExcessUpper = max(c.ExcessUpper, 0)
	}
}

// Proof is the evidence of harm in the measure that the method judges by, and
// what it takes: z-values where z is true, natural logs of e-values elsewhere.
// Not ok where the method has no bound at this look.
func (c *Comparison) Proof() (value, needed float64, z, ok bool) {
	if c.Design.Method.Spends() || c.Design.Method == MethodDelayedStart {
		return c.Z.Value, c.Critical.Value, true, c.Z.Known && c.Critical.Known && !c.Look.Held
	}
	return c.LogE, c.Bound, false, c.Bound > 0
}

// Pressing tells whether harm is beyond the last boundary at a look that may not
// establish it: no reason to roll back, and every reason not to ship.
func (c *Comparison) Pressing() bool {
	return c.Status == StatusOK && c.Look.Held && c.Z.Known && c.Critical.Known && c.Z.Value >= c.Critical.Value
}

// orElse is x, or what to take where rounding has left no number.
func orElse(x, otherwise float64) float64 {
	if math.IsNaN(x) {
		return otherwise
	}
	return x
}

// bounded is x cut off at the greatest float.
func bounded(x float64) float64 {
	return min(max(x, -math.MaxFloat64), math.MaxFloat64)
}

// epochsLeftOut notes epochs that had no weight.
func (c *Comparison) epochsLeftOut(left int, why string) {
	if left > 0 {
		c.remark(fmt.Sprintf("%d %s left out: %s", left, plural(left, "epoch", "epochs"), why))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
