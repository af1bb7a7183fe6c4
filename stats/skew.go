package stats

import (
	"fmt"
	"math"
)

// shape is the skewness of a unit's value within its arm and epoch, pooled over
// both arms and all epochs that count. Unknown where the moments of one do not
// tell it, and for ratios.
//
// Pooled, because a small arm cannot tell its own: where it has by luck missed
// its tail, its mean, its variance and its third moment are all too small at
// once, and just then the test is wrong. The arms have one shape if nothing is
// different, and the larger one has seen more of it.
func (v view) shape(strata []Stratum) Optional {
	var room Moments
	n, squares, cubes := 0.0, 0.0, 0.0
	for i := range strata {
		if v == viewRatio || !v.counts(&strata[i]) {
			continue
		}
		for _, arm := range [...]*Moments{&strata[i].Control, &strata[i].Treatment} {
			m := v.moments(arm, &room)
			m3, ok := m.third()
			if !ok {
				return Optional{}
			}
			n, squares, cubes = n+float64(m.N), squares+m.M2, cubes+m3
		}
	}
	sd := math.Sqrt(squares / n)
	return Some(cubes / n / sd / sd / sd)
}

// skew is the skewness of a contrast in which treatment and control have the
// shares t and c of the standard error, with the signs of their weights;
// unknown where that of a unit is. Cumulants add: with gamma for a unit's
// skewness and s for its standard deviation that of the difference is
//
//	lambda = gamma (sT³/nT² - sC³/nC²) / se³
//
// so that a small arm with a long upper tail rules it: negative if that is
// control.
func (a *arms) skew(t, c float64) Optional {
	if !a.shape.Known {
		return Optional{}
	}
	return Some(a.shape.Value * (t*t*t*a.treatment.lean + c*c*c*a.control.lean))
}

// skewness is that of the difference, treatment less control.
func (a *arms) skewness() Optional { return a.difference().skew }

// unskew takes a studentised statistic to one that is normal up to terms of
// order lambda²; lambda is the skewness of its contrast. It increases in t.
//
// The numerator U = (estimate - truth)/sigma has cumulants 0, 1, lambda. The
// variance in the denominator moves with it: cov(U, se²/sigma²) = lambda too,
// in two arms as in one, since both are (m3T/nT² - m3C/nC²)/sigma³. Hence
// t = U (1 - (se²/sigma² - 1)/2) has mean -lambda/2 and third cumulant
// -2 lambda, and by Edgeworth's expansion
//
//	P(t > z) = 1 - Phi(z) - lambda (2z² + 1)/6 phi(z)
//
// (Johnson 1978; Hall 1992, "The Bootstrap and Edgeworth Expansion"): a long
// lower tail of the difference inflates the upper tail of t. Undoing it by the
// expansion itself, t + lambda (2t² + 1)/6, turns back for large t; the cubic
//
//	t + lambda t²/3 + lambda² t³/27 + lambda/6 = ((1 + lambda t/3)³ - 1)/lambda + lambda/6
//
// agrees with it to that order and has the derivative (1 + lambda t/3)² >= 0
// (Hall 1992, "On the removal of skewness by transformation").
//
// A test takes no more than t of it, see less. It is enough for lognormal units of sigma 1 from some 100
// in the smaller of two arms 90 to 10, of sigma 1.5 from some 500; with fewer no
// sample tells how long its tail is.
func unskew(t, lambda float64) float64 {
	t = max(-greatestT, min(t, greatestT))
	u := lambda * t / 3
	return bounded(math.FMA(t, 1+u+u*u/3, lambda/6))
}

// less is the statistic of an upper tail without what skewness adds to it: the
// correction may take an effect away, never make one. lambda 0 is unknown too.
func less(t, lambda float64) float64 {
	if lambda == 0 {
		return t
	}
	return min(t, unskew(t, lambda))
}

// withSkew is the inverse: the statistic that less takes to t, for t >= 0.
func withSkew(t, lambda float64) float64 {
	if lambda == 0 || math.IsInf(t, 1) {
		return t
	}
	return max(t, 3*(math.Cbrt(1+lambda*(t-lambda/6))-1)/lambda)
}

const (
	// mostSkew is the skewness of a difference, towards the tail that is tested,
	// times the square of the boundary, beyond which taking it off is no longer
	// enough: what is left of it grows with the boundary.
	mostSkew = 1.0
	// someSkew is a skewness that is too much already while the smaller arm has
	// fewer than tailUnits: too few to know their own tail.
	someSkew  = 0.1
	tailUnits = 500
)

// feigns tells whether skewness of a difference, towards the tail that is
// tested, is too strong to be taken off at a boundary of z: lognormal units of
// sigma 1 and 1.5 in arms of 90 to 10 keep the level over 100 looks inside these
// limits, and exceed it outside. towards is 1 where that tail is treatment's and
// -1 where it is control's.
//
// The skewness counts as it is and as it would be if both arms spread alike: a
// small arm that has missed its tail has a variance that is too small as well,
// and seems to have no part in the difference.
func (a *arms) feigns(lambda, z, towards float64) bool {
	lambda = max(lambda, -towards*a.alike())
	return isFinite(z) && lambda*z*z > mostSkew || lambda > someSkew && a.fewest() < tailUnits
}

// alike is the skewness of the difference if both arms had one variance; 0
// where it is unknown.
func (a *arms) alike() float64 {
	t, c := 1/float64(a.treatment.N), 1/float64(a.control.N)
	return a.shape.Value * (t*t - c*c) / math.Pow(t+c, 1.5)
}

// tooSkewed says what can be done.
func tooSkewed(skew Optional) string {
	return fmt.Sprintf("the arms are too unequal for values this skewed (the difference has skewness %.2f); "+
		"a log scale, a cap or the share over a threshold can be judged", skew.Value)
}
