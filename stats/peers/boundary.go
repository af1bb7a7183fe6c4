package peers

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"assay/stats"
)

// The numbers of units that boundaries are tightest at, as the products ship them.
const (
	GrowthBookPlanned = 5000.0
	EppoPlanned       = 10000.0
)

// never is a critical value that nothing reaches.
func never() float64 { return math.Inf(1) }

// information is n rho² of a normal mixture at n units, tuned to nStar units and
// to the level tuned of a two-sided sequence.
func information(n, nStar, tuned float64) (x float64, status stats.Status) {
	if !(tuned > 0 && tuned < 2) || !positive(nStar) {
		return 0, stats.StatusBadQuestion
	}
	if s := amount(n); s != stats.StatusOK {
		return 0, s
	}
	x = n * stats.Rho2(tuned, nStar)
	if !positive(x) {
		return 0, stats.StatusNotFinite
	}
	return x, stats.StatusOK
}

// ExactTuning is the rho² that makes the two-sided normal mixture of level alpha
// tightest at nStar > 0 units, as drconfseq has it: (-W(-alpha²/e) - 1) / nStar
// with W the lower branch of Lambert's function. stats.Rho2 is its closed
// approximation, which widens a boundary by less than a thousandth. Degenerate
// input: 0 and a status.
func ExactTuning(nStar, alpha float64) (rho2 float64, status stats.Status) {
	if !(alpha > 0 && alpha < 1) || !positive(nStar) {
		return 0, stats.StatusBadQuestion
	}
	// With W = -(1+y) that is y - ln(1+y) = 2 ln(1/alpha): Newton's steps, from
	// above the root of a convex function.
	l := -2 * math.Log(alpha)
	y := l + math.Log1p(l) + 1
	for range 100 {
		step := (y - math.Log1p(y) - l) * (1 + y) / y
		y -= step
		if math.Abs(step) <= 1e-16*y {
			break
		}
	}
	return y / nStar, stats.StatusOK
}

// GrowthBookOneSided is the critical value, in standard errors, of GrowthBook's
// one-sided sequential interval, which its safe rollouts decide by: the closed
// form of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024, eq. 134). n > 0
// is units in both arms, nStar > 0 the units it is tuned to (GrowthBookPlanned),
// alpha in (0,1) the one-sided level. The tuning is stats.Rho2's: above a level
// of 1/4 it is that of 1/4, and nStar counts as at least 1. The value is at least
// stats.OneSided's, tuned alike. Degenerate input: +Inf and a status.
func GrowthBookOneSided(n, nStar, alpha float64) (critical float64, status stats.Status) {
	x, s := information(n, nStar, 2*alpha)
	if s != stats.StatusOK {
		return never(), s
	}
	return math.Sqrt(2 * (1 + 1/x) * math.Log1p(math.Sqrt(x+1)/(2*alpha))), stats.StatusOK
}

// GrowthBookOneSidedP is the p-value of an effect of z standard errors that
// agrees with GrowthBookOneSided: the least level, at the tuning of alpha, whose
// critical value z reaches. GrowthBook itself searches for it to 1e-6 in the
// metric's unit and clamps it to [1e-5, 0.4999]; this is the closed form. It
// takes the parameters of GrowthBookOneSided. Degenerate input: 1 and a status.
func GrowthBookOneSidedP(z, n, nStar, alpha float64) (p float64, status stats.Status) {
	x, s := information(n, nStar, 2*alpha)
	switch {
	case s != stats.StatusOK:
		return 1, s
	case !finite(z):
		return 1, stats.StatusNotFinite
	case z <= 0:
		return 1, stats.StatusOK
	}
	return probability(math.Sqrt(x+1) / (2 * math.Expm1(x/(x+1)*z*z/2))), stats.StatusOK
}

// GrowthBookTwoSided is the critical |z| of GrowthBook's two-sided sequential
// interval (Waudby-Smith et al. 2024, eq. 9 and 161), the two-sided normal
// mixture of Robbins (1970). It takes the parameters of GrowthBookOneSided, with
// alpha two-sided. Degenerate input: +Inf and a status.
func GrowthBookTwoSided(n, nStar, alpha float64) (critical float64, status stats.Status) {
	x, s := information(n, nStar, alpha)
	switch {
	case !inside(alpha):
		return never(), stats.StatusBadQuestion
	case s != stats.StatusOK:
		return never(), s
	}
	return stats.TwoSided{X: x}.Critical(alpha), stats.StatusOK
}

// GrowthBookTwoSidedP is the p-value min(1, 1/E) of an effect of z standard
// errors that agrees with GrowthBookTwoSided (Waudby-Smith et al. 2024, eq.
// 155). Degenerate input: 1 and a status.
func GrowthBookTwoSidedP(z, n, nStar, alpha float64) (p float64, status stats.Status) {
	x, s := information(n, nStar, alpha)
	switch {
	case !inside(alpha):
		return 1, stats.StatusBadQuestion
	case s != stats.StatusOK:
		return 1, s
	case !finite(z):
		return 1, stats.StatusNotFinite
	}
	return fromLogE(stats.TwoSided{X: x}.LogE(z)), stats.StatusOK
}

// Eppo is the critical |z| of Eppo's sequential interval: GrowthBookTwoSided
// tuned to EppoPlanned units (Eppo's documentation, "sequential"). n > 0 is
// units in both arms, alpha in (0,1) two-sided. Degenerate input: +Inf and a
// status.
func Eppo(n, alpha float64) (critical float64, status stats.Status) {
	return GrowthBookTwoSided(n, EppoPlanned, alpha)
}

// Arms are the per-unit variances (in the metric's unit squared) and the numbers
// of units of the two arms.
type Arms struct{ VarT, VarC, NT, NC float64 }

// StatsigTwoSided is the critical |z| of Statsig's sequential test (Statsig's
// documentation, after Zhao, Liu & Deng 2019): the two one-sided tests at
// alpha/2. alpha in (0,1). Degenerate input: +Inf and a status.
func StatsigTwoSided(a Arms, alpha float64) (critical float64, status stats.Status) {
	return StatsigOneSided(a, alpha/2)
}

// StatsigOneSided is the critical z of Statsig's one-sided sequential test:
// a mixture whose prior variance is z(1-alpha)² (VarT+VarC)/(NT+NC), so that it
// shrinks with the data and the critical value depends on the split and the
// ratio of variances only, not on the number of units. Nothing in theory bounds
// how often a constant is crossed. The prior vanishes as alpha nears 1/2, so that
// from about 0.15 the critical value rises with alpha. alpha in (0, 1/2). Degenerate input, no
// variance in either arm among it: +Inf and a status.
func StatsigOneSided(a Arms, alpha float64) (critical float64, status stats.Status) {
	switch {
	case !(alpha > 0 && alpha < 0.5) || !(a.VarT >= 0) || !(a.VarC >= 0):
		return never(), stats.StatusBadQuestion
	case math.IsInf(a.VarT+a.VarC, 1):
		return never(), stats.StatusNotFinite
	}
	if s := amount(min(a.NT, a.NC)); s != stats.StatusOK {
		return never(), s
	}
	top := max(a.VarT, a.VarC)
	if top == 0 {
		return never(), stats.StatusNoVariance
	}
	t, c, n := a.VarT/top, a.VarC/top, a.NT+a.NC
	z := mathext.NormalQuantile(alpha)
	x := z * z * (t + c) / (t/(a.NT/n) + c/(a.NC/n))
	if !positive(x) {
		return never(), stats.StatusNotFinite
	}
	return stats.TwoSided{X: x}.Critical(alpha), stats.StatusOK
}

// MSPRT is the critical |z| of the mixture sequential probability ratio test
// (Johari, Pekelis & Walsh 2015) with a normal prior of standard deviation tau
// on the effect; se is the effect's standard error, both in the metric's unit
// and positive, alpha in (0,1) two-sided. Degenerate input: +Inf and a status.
func MSPRT(se, tau, alpha float64) (critical float64, status stats.Status) {
	x, s := msprtInformation(se, tau)
	if !inside(alpha) {
		s = stats.StatusBadQuestion
	}
	if s != stats.StatusOK {
		return never(), s
	}
	return stats.TwoSided{X: x}.Critical(alpha), stats.StatusOK
}

// MSPRTLogE is the log e-value of an effect of z standard errors under MSPRT;
// min(1, 1/E) is its always-valid p-value. Degenerate input: 0 and a status.
func MSPRTLogE(z, se, tau float64) (logE float64, status stats.Status) {
	x, s := msprtInformation(se, tau)
	if s == stats.StatusOK && !(math.Abs(z) < greatestZ) {
		s = stats.StatusNotFinite
	}
	if s != stats.StatusOK {
		return 0, s
	}
	return stats.TwoSided{X: x}.LogE(z), stats.StatusOK
}

// greatestZ bounds |z|, so that its square stays finite.
const greatestZ = 1e150

// msprtInformation is (tau/se)².
func msprtInformation(se, tau float64) (x float64, status stats.Status) {
	switch {
	case se == 0:
		return 0, stats.StatusNoVariance
	case !positive(se) || !positive(tau):
		return 0, stats.StatusBadQuestion
	}
	x = tau / se * (tau / se)
	if !positive(x) {
		return 0, stats.StatusNotFinite
	}
	return x, stats.StatusOK
}

// FixedOneSided is the critical z of a one-sided test at one look only, with no
// protection against peeking: the normal quantile. alpha in (0, 1/2). Degenerate
// input: +Inf and a status.
func FixedOneSided(alpha float64) (critical float64, status stats.Status) {
	if !(alpha > 0 && alpha < 0.5) {
		return never(), stats.StatusBadQuestion
	}
	return -mathext.NormalQuantile(alpha), stats.StatusOK
}

// FixedTwoSided is the critical |z| of a two-sided test at one look only. alpha
// in (0,1). Degenerate input: +Inf and a status.
func FixedTwoSided(alpha float64) (critical float64, status stats.Status) {
	return FixedOneSided(alpha / 2)
}

// FixedOneSidedP is the p-value of z at one look only: the upper normal tail.
// Degenerate input: 1 and a status.
func FixedOneSidedP(z float64) (p float64, status stats.Status) {
	if !finite(z) {
		return 1, stats.StatusNotFinite
	}
	return probability(math.Erfc(z/math.Sqrt2) / 2), stats.StatusOK
}

// FixedTwoSidedP is the p-value of |z| at one look only. Degenerate input: 1 and
// a status.
func FixedTwoSidedP(z float64) (p float64, status stats.Status) {
	if !finite(z) {
		return 1, stats.StatusNotFinite
	}
	return probability(math.Erfc(math.Abs(z) / math.Sqrt2)), stats.StatusOK
}

// Counts are the units of one arm and those with the event.
type Counts struct{ Events, Units int64 }

// variance is the per-unit variance p(1-p).
func (c Counts) variance() float64 {
	n := float64(c.Units)
	return float64(c.Events) / n * (float64(c.Units-c.Events) / n)
}

// GrowthBookProportions is the difference of two proportions (treatment less
// control, in [-1, 1]) and its standard error as GrowthBook computes them, with
// variances p(1-p). Where an arm has no event, or every unit has one, GrowthBook
// has no result, however strong the evidence: 0, 0 and StatusNoVariance.
// Degenerate input: 0, 0 and a status.
func GrowthBookProportions(control, treatment Counts) (effect, se float64, status stats.Status) {
	for _, c := range [2]Counts{control, treatment} {
		switch {
		case c.Events < 0 || c.Units < c.Events:
			return 0, 0, stats.StatusBadQuestion
		case c.Units == 0:
			return 0, 0, stats.StatusNoUnits
		}
	}
	vc, vt := control.variance(), treatment.variance()
	if vc == 0 || vt == 0 {
		return 0, 0, stats.StatusNoVariance
	}
	nc, nt := float64(control.Units), float64(treatment.Units)
	effect = float64(treatment.Events)/nt - float64(control.Events)/nc
	return effect, math.Sqrt(vc/nc + vt/nt), stats.StatusOK
}
