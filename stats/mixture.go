package stats

import (
	"fmt"
	"math"
)

// mixture judges by the normal mixture on Welch's statistic, taken from t to z
// so that small samples keep their level. The one-sided test of harm is tuned
// to half of the planned units, where an early harm is found soonest; the
// one-sided test of non-inferiority and the two-sided interval, which decide at
// the end, to all of them.
func (c *Comparison) mixture(strata []Stratum) {
	v := c.Design.view()
	a := estimate(&c.Design, strata)
	status, note := c.measured(v, &a)
	if status != StatusNotFinite && status != StatusNoBase {
		c.show(&a)
	}
	if status != StatusOK {
		c.cannot(status, note)
		return
	}
	diff, excess := a.difference(), a.beyond(c.Design.Harm, c.Design.Margin)
	switch {
	case !isFinite(diff.estimate) || !isFinite(diff.se) || !isFinite(excess.estimate) || !isFinite(excess.se):
		c.cannot(StatusNotFinite, "the effect overflows")
		return
	case diff.se == 0 || excess.se == 0:
		c.unvaried(&a, strata)
		return
	}
	c.epochsLeftOut(a.left, "fewer than two units in an arm")
	if a.note != "" {
		c.remark(a.note)
	}
	c.twoSided(&a, diff)
	c.oneSided(&a, excess)
	c.judge()
}

// show fills in the arms.
func (c *Comparison) show(a *arms) {
	c.Control, c.Treatment = a.show()
}

// measured tells whether both arms have a value and enough units.
func (c *Comparison) measured(v view, a *arms) (Status, string) {
	fewest, least := min(a.control.N, a.treatment.N), max(c.Design.MinUnits, 2)
	switch {
	case fewest == 0:
		return StatusTooFew, "no epoch has two units in both arms"
	case v == viewRatio && (a.control.den == 0 || a.treatment.den == 0):
		return StatusNoBase, "the denominator of an arm is zero"
	case !a.control.finite() || !a.treatment.finite():
		return StatusNotFinite, "the moments overflow"
	case fewest < least:
		return StatusTooFew, fmt.Sprintf("%d comparable units in the smaller arm, %d needed", fewest, least)
	default:
		return StatusOK, ""
	}
}

// twoSided fills in the effect and its confidence sequences.
func (c *Comparison) twoSided(a *arms, diff contrast) {
	s := TwoSided{X: a.units() * Rho2(c.Design.Alpha, c.Design.Planned)}
	z := tToZ(diff.estimate/diff.se, diff.df)
	t := zToT(s.Critical(c.Design.Alpha), diff.df)
	c.Absolute = diff.estimate
	c.AbsoluteInterval = around(diff.estimate, t*diff.se)
	c.LogETwoSided = s.LogE(z)
	c.Relative, c.RelativeInterval = a.lift(c.Design.Lift, t)
}

// oneSided fills in the harm beyond the margin. LogE, bound and verdict come
// from one z, and the bound goes back to t, so that they agree.
func (c *Comparison) oneSided(a *arms, excess contrast) {
	d := &c.Design
	harm := OneSided{X: a.units() * Rho2(2*d.Alpha, d.Planned/2)}
	within := OneSided{X: a.units() * Rho2(2*d.Alpha, d.Planned)}
	z := tToZ(excess.estimate/excess.se, excess.df)
	t := zToT(harm.Critical(d.Alpha), excess.df)
	c.Excess = excess.estimate
	c.ExcessBound = excess.estimate - t*excess.se
	c.LogE = harm.LogE(z)
	c.LogEWithin = within.LogE(-z)
	c.Miss = d.missMixture(a.control.Value, excess.se, t)
}

// unvaried answers where nothing varies inside the arms. If the arms differ in
// which units have any value at all, and in the same direction as their means,
// the exact test weighs that: a total breakage is still caught. Under the null
// two constant arms that differ are themselves all but impossible, so that this
// change of method costs no error.
func (c *Comparison) unvaried(a *arms, strata []Stratum) {
	diff := a.difference()
	noise := 1e-9 * max(math.Abs(a.control.Value), math.Abs(a.treatment.Value))
	shares := standardise(viewAny, strata)
	shift := shares.difference().estimate
	switch {
	case diff.se > 0:
		c.cannot(StatusNoVariance, "nothing varies in the arm that the margin leaves to compare")
	case math.Abs(diff.estimate) <= noise:
		c.cannot(StatusNoVariance, "nothing varies in either arm, and the arms agree")
	case shift*diff.estimate <= 0:
		c.cannot(StatusNoVariance, "nothing varies inside either arm, so that their difference cannot be weighed")
	default:
		c.fallBack(strata)
	}
}

// fallBack asks the exact method instead.
func (c *Comparison) fallBack(strata []Stratum) {
	d := c.Design
	d.Method = MethodExact
	if d.Kind == KindRatio {
		d.Kind = KindMean
	}
	exact := Compare(d, strata, Look{})
	if exact.Status != StatusOK {
		c.cannot(StatusNoVariance, "nothing varies inside either arm, and the exact test cannot judge: "+exact.Note)
		return
	}
	exact.Design.Kind = c.Design.Kind
	exact.remark("exact test on units with any instead of the mixture: nothing varies inside either arm")
	*c = exact
}
