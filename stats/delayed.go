package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// DelayedStart is the normal boundary of Robbins & Siegmund (1970) that starts
// after M observations: before them no look counts; from then on it holds at
// every look, and in the limit of large M exactly (Bibaut, Kallus & Lindon 2022;
// Waudby-Smith, Kennedy & Ramdas 2023). N >= M > 0 are in one unit. It is
// tightest near M.
type DelayedStart struct{ N, M float64 }

// ready tells whether the start is behind.
func (s DelayedStart) ready() bool { return s.N >= s.M && s.M > 0 }

// TwoSided is the |z| at which "no effect" is rejected at alpha in (0,1): z² is
// the upper quantile of chi-square with three degrees of freedom, plus
// ln(N/M).
func (s DelayedStart) TwoSided(alpha float64) float64 {
	return math.Sqrt(chi3Quantile(alpha) + math.Log(s.N/s.M))
}

// P is the sequential p-value of an observed |z| against "no effect"; 1 before
// the start.
func (s DelayedStart) P(z float64) float64 {
	if !s.ready() {
		return 1
	}
	x := z*z - math.Log(s.N/s.M)
	if x <= 0 {
		return 1
	}
	return chi3Tail(x)
}

// OneSided is the z at which "the effect is not positive" is rejected at alpha
// in (0,1/2): z²/2 + ln Phi(z) has grown by ln(N/M)/2 since the start, where it
// was that of z1 with alpha = 1 - Phi(z1) + z1 phi(z1) + phi(z1)²/Phi(z1).
func (s DelayedStart) OneSided(alpha float64) float64 {
	z1 := startOfDelay(alpha)
	target := scaledLogPhi(z1) + math.Log(s.N/s.M)/2
	return descend(func(z float64) (float64, float64) { return scaledLogPhi(z), z + hazard(z) },
		math.Sqrt(2*math.Max(target, 0)+2*math.Ln2)+z1, target)
}

// startOfDelay is z1: the root of a falling function of z.
func startOfDelay(alpha float64) float64 {
	low, high := -1.0, 40.0
	for range 200 {
		z := (low + high) / 2
		if high-low <= 1e-15*math.Max(1, math.Abs(z)) {
			break
		}
		phi := math.Exp(-z*z/2 - lnSqrt2Pi)
		if 0.5*math.Erfc(z/math.Sqrt2)+z*phi+phi*hazard(z) > alpha {
			low = z
		} else {
			high = z
		}
	}
	return (low + high) / 2
}

// chi3Tail is the upper tail of chi-square with three degrees of freedom, in
// closed form.
func chi3Tail(x float64) float64 {
	return probability(math.Erfc(math.Sqrt(x/2)) + math.Sqrt(2*x/math.Pi)*math.Exp(-x/2))
}

// chi3Quantile is the x with that upper tail, for alpha in (0,1).
func chi3Quantile(alpha float64) float64 {
	if alpha > 1e-10 {
		return 2 * mathext.GammaIncRegCompInv(1.5, alpha)
	}
	// Far out the log of the tail is all but a line.
	x := -2 * math.Log(alpha)
	for range 60 {
		tail := -x/2 + math.Log(2*x/math.Pi)/2
		step := 2 * (tail - math.Log(alpha))
		x += step
		if math.Abs(step) < 1e-12*x {
			break
		}
	}
	return x
}
