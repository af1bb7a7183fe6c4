// Package peers holds sequential and fixed methods of other products and of the
// literature. They decide nothing: they are what stats is compared with, as
// oracles in tests and as rivals that run beside it in simulations.
//
// In: effects in standard errors, counts or values, and the level. Out: a
// critical value, a p-value or a log e-value beside a stats.Status. Where the
// status is not ok the value rejects nothing: a critical value or a bound is
// +Inf, a p-value 1, a log e-value 0, an interval open. Nothing is ever NaN, and
// a p-value below the smallest float is the smallest float.
package peers

import (
	"math"

	"assay/stats"
)

// positive tells whether x is a positive finite number.
func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }

// inside tells whether x is a probability strictly between 0 and 1.
func inside(x float64) bool { return x > 0 && x < 1 }

// finite tells whether x is a number.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// amount is the status of a number of units.
func amount(n float64) stats.Status {
	switch {
	case n == 0:
		return stats.StatusNoUnits
	case !(n > 0):
		return stats.StatusBadQuestion
	case math.IsInf(n, 1):
		return stats.StatusNotFinite
	default:
		return stats.StatusOK
	}
}

// probability keeps a p-value within (0, 1]: one that underflows is the
// smallest float.
func probability(p float64) float64 { return min(1, max(p, math.SmallestNonzeroFloat64)) }

// fromLogE is the p-value min(1, 1/E) of a log e-value (Vovk & Wang 2021).
func fromLogE(logE float64) float64 { return probability(math.Exp(-logE)) }

// greatestGamma is the argument of a log gamma beyond which differences of them
// keep too few digits to answer with.
const greatestGamma = 1e10

// logBeta is the log of the beta function, from log gammas; its absolute error
// is about (a+b) ln(a+b) times 1e-16.
func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}

// bisect narrows [low, high] to neighbouring floats, at the higher of which
// above is true; above is false, then true.
func bisect(low, high float64, above func(x float64) bool) float64 {
	for {
		mid := low + (high-low)/2
		if mid <= low || mid >= high {
			return high
		}
		if above(mid) {
			high = mid
		} else {
			low = mid
		}
	}
}
