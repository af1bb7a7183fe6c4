package stats

import "math"

// skew fills in the third central moment of a side's mean: that of the units,
// over n², with the epochs' weights cubed. It stays unknown where the moments
// of an epoch do not tell it.
func (v view) skew(out *side, strata []Stratum, total float64, arm func(*Stratum) *Moments) {
	var room Moments
	sum := 0.0
	for i := range strata {
		if !v.counts(&strata[i]) {
			continue
		}
		m := v.moments(arm(&strata[i]), &room)
		m3, ok := m.third()
		if !ok {
			return
		}
		w := units(&strata[i]) / total
		sum += w * w * w * cubeless(m) * m3
	}
	out.third = Some(sum)
}

// cubeless takes the sum of cubed deviations of n units to the third central
// moment of their mean: the unbiased n/((n-1)(n-2)) (Fisher 1930) over n².
func cubeless(m *Moments) float64 {
	n := float64(m.N)
	return 1 / (n * max(n-1, 1) * max(n-2, 1))
}

// skew is the skewness of t times treatment plus c times control, where that
// has variance 1; unknown where an arm's is.
func (a *arms) skew(t, c float64) Optional {
	if !a.treatment.third.Known || !a.control.third.Known {
		return Optional{}
	}
	return Some(t*t*t*a.treatment.third.Value + c*c*c*a.control.third.Value)
}

// skewness is lambda, the skewness of the sampling distribution of the
// difference: (m3T/nT² - m3C/nC²)/se³ with m3 the third central moment of a
// unit. A small arm with a long upper tail rules it: negative if that is
// control. Unknown without third moments, for ratios and with a covariate.
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
// (Johnson 1978; Hall 1992a, section 2.6): a long lower tail of the difference
// inflates the upper tail of t. Undoing it by the expansion itself, t + lambda
// (2t² + 1)/6, turns back for large t; the cubic
//
//	t + lambda t²/3 + lambda² t³/27 + lambda/6 = ((1 + lambda t/3)³ - 1)/lambda + lambda/6
//
// agrees with it to that order and has the derivative (1 + lambda t/3)² >= 0
// (Hall 1992b, "On the removal of skewness by transformation", section 3).
func unskew(t, lambda float64) float64 {
	u := lambda * t / 3
	return bounded(math.FMA(t, 1+u+u*u/3, lambda/6))
}
