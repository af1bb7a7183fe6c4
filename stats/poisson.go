package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// largePoisson is the count from which the leading terms of the uniform
// expansion are exact to 1e-7 and series far from the mean take thousands of
// terms.
const largePoisson = 1e5

// poissonBelow is P(X < k) for X Poisson with that mean: the regularised
// incomplete gamma function Q(k, mean). The count k is whole, the mean in
// [0, greatest float].
func poissonBelow(k, mean float64) float64 {
	switch {
	case k <= 0:
		return 0
	case mean <= 0:
		return 1
	case k > largePoisson:
		below, _ := temmePoisson(k, mean)
		return below
	}
	return probability(mathext.GammaIncRegComp(k, mean))
}

// poissonFrom is P(X >= k), which keeps its digits where it is small.
func poissonFrom(k, mean float64) float64 {
	switch {
	case k <= 0:
		return 1
	case mean <= 0:
		return 0
	case k > largePoisson:
		_, from := temmePoisson(k, mean)
		return from
	}
	return probability(mathext.GammaIncReg(k, mean))
}

// probability cuts off what rounding leaves outside [0, 1].
func probability(p float64) float64 { return min(max(p, 0), 1) }

// temmePoisson are P(X < k) and P(X >= k) for large k: the leading terms of
// Temme's uniform expansion (DLMF 8.12.3 and 8.12.4, with c0 of 8.12.9), with
// an error of order 1/k of the smaller.
func temmePoisson(k, mean float64) (below, from float64) {
	w := math.Sqrt(2 * deviance(k, mean))
	if mean < k {
		w = -w
	}
	eta := w / math.Sqrt(k)
	c := -1.0 / 3
	if math.Abs(eta) > 1e-5 {
		c = k/(mean-k) - 1/eta
	}
	shift := c * math.Exp(-w*w/2-lnSqrt2Pi) / math.Sqrt(k)
	below = probability(0.5*math.Erfc(w/math.Sqrt2) + shift)
	from = probability(0.5*math.Erfc(-w/math.Sqrt2) - shift)
	return below, from
}

// poissonReach is a count that X Poisson with that mean exceeds with a
// probability below 1e-20 (Bernstein's inequality).
func poissonReach(mean float64) float64 {
	return math.Ceil(mean + 10*math.Sqrt(mean) + 60)
}

// poissonLow is the greatest count k with P(X < k) <= risk, and that chance.
func poissonLow(mean, risk float64) (k, chance float64) {
	over := firstCount(poissonReach(mean), func(k float64) bool { return poissonBelow(k, mean) > risk })
	k = max(0, over-1)
	return k, poissonBelow(k, mean)
}

// poissonHigh is the least count k with P(X > k) <= risk, and that chance.
func poissonHigh(mean, risk float64) (k, chance float64) {
	over := firstCount(poissonReach(mean), func(k float64) bool { return poissonFrom(k, mean) <= risk })
	return max(0, over-1), poissonFrom(over, mean)
}

// firstCount is the least whole number in [0, n] from which on holds is true;
// n+1 if it never is.
func firstCount(n float64, holds func(float64) bool) float64 {
	low, high := -1.0, n+1
	for high-low > 1 {
		middle := math.Floor(low + (high-low)/2)
		if middle <= low || middle >= high {
			break // Counts beyond 2^53 have no halves.
		}
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}
