package stats

import "math"

// logMasses are the logs of the integrals of the likelihood over the log rate
// ratios above u and below it. The likelihood is log-concave; every label must
// have some weight, which a prior among the groups sees to.
func (l labels) logMasses(u float64) (above, below float64) {
	peak := l.peak()
	if u >= peak {
		above = l.logTail(u, 1)
		left := l.logTail(peak, -1)
		return above, logDifference(logSum(left, l.logTail(peak, 1)), above)
	}
	below = l.logTail(u, -1)
	right := l.logTail(peak, 1)
	return logDifference(logSum(right, l.logTail(peak, -1)), below), below
}

// logTail is the log of the integral from a point at or beyond the peak away
// from it (direction 1 or -1), where the likelihood only falls: the
// double-exponential rule for a half line (Takahasi & Mori 1974), scaled to
// where the likelihood has fallen by about a factor of e.
func (l labels) logTail(from, direction float64) float64 {
	const step, reach = 1.0 / 16, 3.8
	top, slope, information := l.logLikelihood(from)
	scale := 1 / (math.Abs(slope) + math.Sqrt(information))
	sum := 0.0
	for t := -reach; t <= reach; t += step {
		x := scale * math.Exp(math.Pi/2*math.Sinh(t))
		value, _, _ := l.logLikelihood(from + direction*x)
		term := x * math.Cosh(t) * math.Exp(min(value-top, 0))
		sum += term
		if t > 0 && term < 1e-18*sum {
			break
		}
	}
	return top + math.Log(sum*step*math.Pi/2)
}

// logSum is ln(e^a + e^b).
func logSum(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + log1p(math.Exp(b-a))
}

// logDifference is ln(e^a - e^b), for a at least b but for rounding.
func logDifference(a, b float64) float64 { return a + logComplement(min(b-a, 0)) }
