package stats

import "math"

// Prior is what is believed of the relative effect (0.05 = +5 %) before data: a
// normal distribution. The zero value believes nothing: it is flat.
type Prior struct {
	Mean float64 `json:"mean"` // finite; 0 where flat
	SD   float64 `json:"sd"`   // finite and positive; 0 = flat
}

// Flat tells whether nothing is believed before data.
func (p Prior) Flat() bool { return p.SD == 0 }

// Contradiction says what is wrong with a prior; empty if nothing is.
func (p Prior) Contradiction() string {
	switch {
	case !isFinite(p.Mean):
		return "the mean of the prior is not finite"
	case !(p.SD >= 0) || !isFinite(p.SD):
		return "the standard deviation of the prior is negative or not finite"
	case p.Flat() && p.Mean != 0:
		return "a flat prior has no mean"
	default:
		return ""
	}
}

// Posterior is what Design.Prior and the data of one look say together of
// treatment - control, in the metric's unit: a normal distribution. It is not
// safe under peeking and decides nothing. Where Status is not ok the interval
// is open and the rest 0 or unknown.
type Posterior struct {
	Status Status  `json:"status"`
	Note   string  `json:"note,omitempty"` // explains a Status other than ok
	Mean   float64 `json:"mean"`
	SD     float64 `json:"sd"`
	// Interval is the central one that holds 1 - Design.Alpha.
	Interval Interval `json:"interval"`
	// Win is the chance that treatment is better: the effect is on the side that
	// is not Design.Harm. It lies inside (0,1), however far the tail.
	Win Optional `json:"win,omitzero"`
	// Loss is in the metric's unit, RelativeLoss is Loss over the magnitude of
	// control (0.05 = 5 % of it): unknown where control is zero.
	Loss         Loss `json:"loss"`
	RelativeLoss Loss `json:"relativeLoss"`
}

// Loss is what one unit loses on average by a choice, positive: nothing where
// the choice is the better one, the distance where it is not.
type Loss struct {
	Ship Optional `json:"ship,omitzero"` // of treatment for everybody
	Keep Optional `json:"keep,omitzero"` // of control for everybody
}

// posterior updates the prior with the difference of the arms. The likelihood
// is that of the difference, so that under a flat prior the chance to win is one
// less the one-sided normal p-value; a prior on the relative effect is taken to
// the metric's unit by the magnitude of control. With LiftDelta it is that of
// the relative effect by the delta method, whose standard error grows with the
// effect.
func (d *Design) posterior(v view, a *arms) Posterior {
	diff := a.difference()
	if status, note := d.believable(v, a, diff); status != StatusOK {
		return unbelieved(status, note)
	}
	base := math.Abs(a.control.Value)
	b := belief{mean: diff.estimate, sd: diff.se}
	if d.Lift == LiftDelta {
		b.sd = math.Hypot(a.treatment.SE, a.control.SE*math.Abs(a.treatment.Value/a.control.Value))
	}
	if !d.Prior.Flat() {
		b = b.with(belief{mean: d.Prior.Mean * base, sd: d.Prior.SD * base})
	}
	if !b.proper() {
		return unbelieved(StatusNotFinite, "prior and data are too far apart in size to be weighed")
	}
	return d.read(b, base)
}

// unbelieved is a posterior without an answer.
func unbelieved(status Status, note string) Posterior {
	return Posterior{Status: status, Note: note, Interval: openInterval()}
}

// believable tells whether the arms have a difference with a spread, and a
// scale where one is needed.
func (d *Design) believable(v view, a *arms, diff contrast) (Status, string) {
	if note := d.Prior.Contradiction(); note != "" {
		return StatusBadQuestion, note
	}
	c := Comparison{Design: *d}
	if status, note := c.measured(v, a); status != StatusOK {
		return status, note
	}
	some, all := a.control.Any+a.treatment.Any, a.control.N+a.treatment.N
	switch {
	case !isFinite(diff.estimate) || !isFinite(diff.se):
		return StatusNotFinite, "the effect overflows"
	case v == viewAny && some == 0:
		return StatusNoEvents, "no unit of either arm has any event yet"
	case v == viewAny && some == all:
		return StatusNoVariance, "every unit of both arms has an event"
	case diff.se == 0:
		return StatusNoVariance, "nothing varies in either arm"
	case a.control.Value == 0 && (!d.Prior.Flat() || d.Lift == LiftDelta):
		return StatusNoBase, "control is zero, so that a relative effect has no size"
	default:
		return StatusOK, ""
	}
}

// read says what a belief means for the two choices.
func (d *Design) read(b belief, base float64) Posterior {
	good := 1.0
	if d.Harm == SideUp {
		good = -1
	}
	gain := good * b.mean
	ship, keep := shortfall(gain, b.sd), shortfall(-gain, b.sd)
	return Posterior{
		Status: StatusOK, Mean: b.mean, SD: b.sd,
		Interval:     around(b.mean, b.sd*upperQuantile(math.Log(d.Alpha)-math.Ln2)),
		Win:          Some(inside(math.Exp(logPhi(gain / b.sd)))),
		Loss:         Loss{Ship: Some(ship), Keep: Some(keep)},
		RelativeLoss: Loss{Ship: Some(ship / base), Keep: Some(keep / base)},
	}
}

// inside keeps a probability off 0 and 1, which rounding would give it.
func inside(p float64) float64 {
	return min(max(p, math.SmallestNonzeroFloat64), math.Nextafter(1, 0))
}

// belief is a normal distribution of the effect.
type belief struct{ mean, sd float64 }

// proper tells whether a belief can be read: its spread is positive and all is
// finite.
func (b belief) proper() bool { return isFinite(b.mean) && isFinite(b.sd) && b.sd > 0 }

// with weighs a belief with another, independent one by their precisions
// (conjugate normal, e.g. Gelman et al. 2013, 2.5), in shares of the longer
// spread so that no square overflows.
func (b belief) with(other belief) belief {
	whole := math.Hypot(b.sd, other.sd)
	own, others := other.sd/whole, b.sd/whole
	return belief{mean: own*own*b.mean + others*others*other.mean, sd: b.sd * own}
}

// farGain is the gain, in standard deviations, from which a shortfall is summed
// as a series: its terms fall until the fiftieth, and the closed form loses
// digits with the square.
const farGain = 10.0

// shortfall is E[max(-X, 0)] for X normal with that mean and sd > 0:
// sd phi(z) - mean Phi(-z), z = mean/sd. Far in the tail, where the two terms
// cancel, it is sd phi(z)/z² times the asymptotic series that follows from
// Abramowitz & Stegun (1964), 26.2.12, in logs. Never 0.
func shortfall(mean, sd float64) float64 {
	z := mean / sd
	if z < farGain {
		density := math.Exp(-z*z/2 - lnSqrt2Pi)
		return max(sd*density-mean*0.5*math.Erfc(z/math.Sqrt2), math.SmallestNonzeroFloat64)
	}
	r, series := 1/z/z, 1.0
	for k := 51.0; k >= 3; k -= 2 {
		series = 1 - k*r*series
	}
	l := math.Log(sd) - z*z/2 - lnSqrt2Pi - 2*math.Log(z) + math.Log(series)
	return max(math.Exp(l), math.SmallestNonzeroFloat64)
}
