package peers

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"assay/stats"
)

// Plan is a test of a lift with equal arms, planned for one look: the mean of
// control (not 0) and the variance per unit (> 0) in the metric's unit, the
// units per arm (> 0), a two-sided Alpha in (0,1) and a Power in (1/2, 1).
type Plan struct{ Mean, Variance, UnitsPerArm, Alpha, Power float64 }

// MDE is the smallest relative effect (share of control's mean, 0.05 = 5 %) that
// the plan finds with its power, as GrowthBook computes it (GrowthBook's
// documentation, "power technical"): the variance of a lift d grows with it, so
// that d solves d² = c (1 + (1+d)²) with c = (z(1-alpha/2) + z(power))² Variance
// / (UnitsPerArm Mean²). With so few units that no effect solves it, and for
// degenerate input: +Inf and a status.
func (p Plan) MDE() (mde float64, status stats.Status) {
	switch {
	case !inside(p.Alpha) || !(p.Power > 0.5 && p.Power < 1) || !(p.Variance >= 0) || math.IsNaN(p.Mean):
		return never(), stats.StatusBadQuestion
	case p.Mean == 0:
		return never(), stats.StatusNoBase
	case p.Variance == 0:
		return never(), stats.StatusNoVariance
	}
	if s := amount(p.UnitsPerArm); s != stats.StatusOK {
		return never(), s
	}
	k := mathext.NormalQuantile(1-p.Power) + mathext.NormalQuantile(p.Alpha/2)
	share := k / p.Mean
	c := share * share * (p.Variance / p.UnitsPerArm)
	switch {
	case !positive(c) || math.IsInf(p.Mean, 0):
		return never(), stats.StatusNotFinite
	case c >= 1:
		return never(), stats.StatusTooFew
	}
	return (c + math.Sqrt(c*(2-c))) / (1 - c), stats.StatusOK
}
