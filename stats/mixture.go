package stats

import (
	"fmt"
	"math"
)

// mixture judges by a normal boundary on Welch's statistic, taken from t to z so
// that small samples keep their level. Of the mixtures, the one-sided test of
// harm is tuned to half of the planned units, where an early harm is found
// soonest; the one-sided test of non-inferiority and the two-sided interval,
// which decide at the end, to all of them.
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
	c.Theta, c.Kept, c.Skew = a.theta, a.kept, excess.skew
	c.Info = c.Design.information(strata)
	if c.oneSided(&a, excess) {
		z := c.twoSided(&a, diff)
		c.judge()
		if c.Design.Method == MethodDelayedStart {
			c.PTwoSided = c.Design.delay(c.Info).P(z)
		}
	}
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

// twoSided fills in the effect and its confidence sequences, and returns |z|.
// Skewness may feign an effect on either side, and is taken off on both.
func (c *Comparison) twoSided(a *arms, diff contrast) (z float64) {
	c.Absolute = diff.estimate
	c.Relative, _ = a.lift(c.Design.Lift, 0)
	s, lambda := c.Design.twoSidedAt(c.Info), math.Abs(diff.skew.Value)
	critical := c.twoSidedCritical(&s, c.Info)
	if a.feigns(lambda, critical, 1) || a.feigns(lambda, critical, -1) {
		c.remark("no interval: " + tooSkewed(diff.skew))
		return 0
	}
	t := withSkew(zToT(critical, diff.df), -lambda)
	z = max(0, tToZ(less(math.Abs(diff.estimate)/diff.se, -lambda), diff.df))
	c.LogETwoSided = s.logE(z)
	c.AbsoluteInterval = around(diff.estimate, t*diff.se)
	_, c.RelativeInterval = a.lift(c.Design.Lift, t)
	return z
}

// twoSidedCritical is the |z| of the interval: of the mixture, or of the delayed
// start where that judges. Before the start there is none.
func (c *Comparison) twoSidedCritical(s *scales, info float64) float64 {
	if c.Design.Method != MethodDelayedStart {
		return s.critical(c.Design.Alpha)
	}
	if delay := c.Design.delay(info); delay.ready() {
		return delay.TwoSided(c.Design.Alpha)
	}
	return math.Inf(1)
}

// oneSided fills in the harm beyond the margin. Verdicts come from one z, and
// the bounds go back to t, so that they agree. Not ok where skewness leaves
// nothing to say of harm.
func (c *Comparison) oneSided(a *arms, excess contrast) (ok bool) {
	d, info := &c.Design, c.Info
	t, lambda := excess.estimate/excess.se, excess.skew.Value
	z, zWithin := tToZ(less(t, lambda), excess.df), tToZ(less(-t, -lambda), excess.df)
	harm, within := d.oneSidedAt(info, 0.5), d.oneSidedAt(info, 1)
	up, down := c.criticals(&harm, &within, info)
	if a.feigns(-lambda, up, d.towards()) {
		c.cannot(StatusSkewed, tooSkewed(excess.skew))
		return false
	}
	c.LogE, c.LogEWithin = harm.logE(z), within.logE(zWithin)
	if a.feigns(lambda, down, -d.towards()) {
		c.remark("not shown to be within the margin: " + tooSkewed(excess.skew))
		c.LogEWithin, down = 0, math.Inf(1)
	}
	c.Z, c.Excess = Some(z), excess.estimate
	open := !c.Look.Held // Whether this look may decide.
	c.Harmed, c.NonInferior = open && z >= up, open && zWithin >= down
	if !math.IsInf(up, 0) {
		c.Critical = Some(up)
	}
	tUp := withSkew(zToT(up, excess.df), lambda)
	c.ExcessBound = excess.estimate - tUp*excess.se
	c.ExcessUpper = excess.estimate + withSkew(zToT(down, excess.df), -lambda)*excess.se
	c.MDEz = d.mdeIn(a.control.Value, excess.se)
	c.Miss = d.missMixture(c.MDEz, tUp)
	return true
}

// towards is the arm whose upper tail is harm: 1 = treatment, -1 = control.
func (d *Design) towards() float64 {
	if d.Harm == SideDown {
		return -1
	}
	return 1
}

// criticals are the z at which harm, and on the other side its absence, are
// established; infinite where that cannot be at this look.
func (c *Comparison) criticals(harm, within *scales, info float64) (up, down float64) {
	d := &c.Design
	switch d.Method {
	case MethodMixture, MethodScaleMixture:
		return harm.critical(d.Alpha), within.critical(d.Alpha)
	case MethodDelayedStart:
		if delay := d.delay(info); delay.ready() {
			z := delay.OneSided(d.Alpha)
			return z, z
		}
	case MethodCalibrated:
		if !c.Look.IsZero() {
			return c.Look.Z, c.Look.Z
		}
	case MethodExact, MethodExactSpending: // They have no normal scale.
	}
	return math.Inf(1), math.Inf(1)
}

// delay is the delayed start of a design at an information: a tenth of the
// planned units, and never fewer than the least in both arms.
func (d *Design) delay(info float64) DelayedStart {
	return DelayedStart{N: info, M: max(d.Planned/10, 2*float64(max(d.MinUnits, 20)))}
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
		c.cannot(StatusUnweighed, "nothing varies in the arm that the margin leaves to compare")
	case math.Abs(diff.estimate) <= noise:
		c.cannot(StatusNoVariance, "nothing varies in either arm, and the arms agree")
	case shift*diff.estimate <= 0 || c.Design.Scale == ScaleLog:
		c.cannot(StatusUnweighed, "nothing varies inside either arm, so that their difference cannot be weighed")
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
		c.cannot(StatusUnweighed, "nothing varies inside either arm, and the exact test cannot judge: "+exact.Note)
		return
	}
	exact.Design.Kind = c.Design.Kind
	exact.remark("exact test on units with any instead of the mixture: nothing varies inside either arm")
	*c = exact
}
