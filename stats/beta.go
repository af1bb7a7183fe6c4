package stats

import "math"

// stirling is the remainder of Stirling's formula: lnGamma(x) less
// (x-1/2) ln x - x + ln(2 pi)/2, for x > 0. Differences of log gammas built
// from it keep their digits where the log gammas themselves are huge.
func stirling(x float64) float64 {
	if x < 10 {
		// Gamma(y) = x (x+1) ... (y-1) Gamma(x), for the first y of at least 10.
		product, y := x, x+1
		for ; y < 10; y++ {
			product *= y
		}
		return stirling(y) + (y-0.5)*math.Log(y) - (y - x) - math.Log(product) - (x-0.5)*math.Log(x)
	}
	r := 1 / (x * x)
	return (1.0/12 - r*(1.0/360-r*(1.0/1260-r*(1.0/1680-r/1188)))) / x
}

// deviance is x ln(x/m) + m - x for x >= 0 and m > 0, without cancellation
// where x is near m (Loader 2000, "Fast and accurate computation of binomial
// probabilities").
func deviance(x, m float64) float64 {
	d := x - m
	if math.Abs(d) >= 0.1*(x+m) {
		if x == 0 {
			return m
		}
		return x*(math.Log(x)-math.Log(m)) - d
	}
	v := d / (x + m)
	sum, term := d*v, 2*x*v
	for k := 3.0; k < 40; k += 2 { // v² < 0.01 gains two digits a term.
		term *= v * v
		next := sum + term/k
		if next == sum {
			break
		}
		sum = next
	}
	return sum
}

// logBetaTails returns the logs of the regularised incomplete beta function
// I_x(a, b) and of 1 - I_x(a, b), for a, b > 0 and y = 1 - x. Neither
// underflows: the power term is Loader's saddle point in logs, and the smaller
// tail is a continued fraction, or for very large a and b Temme's expansion.
func logBetaTails(a, b, x, y float64) (lower, upper float64) {
	switch {
	case x <= 0 || y <= 0:
		return edgeTails(x)
	case math.Min(a, b) > largeBeta:
		return temmeTails(a, b, x, y)
	}
	return fractionTails(a, b, x, y, logBetaPower(a, b, x, y))
}

// fractionTails are the tails by the continued fraction, given the log of the
// power term.
func fractionTails(a, b, x, y, power float64) (lower, upper float64) {
	if x*(a+b+2) < a+1 {
		lower = math.Min(power-logBetaFraction(a, b, x, y), 0)
		return lower, logComplement(lower)
	}
	upper = math.Min(power-logBetaFraction(b, a, y, x), 0)
	return logComplement(upper), upper
}

// logBetaPower is the log of x^a y^b / B(a, b), Loader's saddle point: the
// density of the log odds of a beta variable at ln(x/y).
func logBetaPower(a, b, x, y float64) float64 {
	n := a + b
	return 0.5*(math.Log(a)+math.Log(b/n)) - lnSqrt2Pi +
		stirling(n) - stirling(a) - stirling(b) - deviance(a, n*x) - deviance(b, n*y)
}

// betaLogit is the log odds below which a beta variable with a, b >= 1 lies with
// the log probability l, given the normal score z >= 0 of that lower tail. The
// approximation of Abramowitz & Stegun (1964), 26.5.22, is bettered by steps on
// the log of the tail, which is concave in the log odds.
func betaLogit(a, b, z, l float64) float64 {
	ra, rb := 1/(2*a-1), 1/(2*b-1)
	h, lambda := 2/(ra+rb), (z*z-3)/6
	w := z*math.Sqrt(h+lambda)/h - (rb-ra)*(lambda+5.0/6-2/(3*h))
	v := math.Log(a/b) - 2*w
	near := 10 * cubicSettled * math.Sqrt(1/a+1/b) // In its standard deviations the log tail is nearly a parabola.
	for range 100 {
		x, y := odds(v)
		if x == 0 || y == 0 {
			break
		}
		tail, logSlope := betaSlope(a, b, x, y)
		slope := math.Exp(logSlope)
		step := cubicStep(tail-l, slope, slope*(slope-a*y+b*x))
		v += step
		if math.Abs(step) <= near {
			break
		}
	}
	return v
}

// betaSlope is the log of the lower tail and the log of its slope in the log
// odds, which is the continued fraction.
func betaSlope(a, b, x, y float64) (tail, logSlope float64) {
	power := logBetaPower(a, b, x, y)
	switch {
	case math.Min(a, b) > largeBeta:
		tail, _ = temmeTails(a, b, x, y)
	case x*(a+b+2) < a+1:
		logSlope = logBetaFraction(a, b, x, y)
		return math.Min(power-logSlope, 0), logSlope
	default:
		tail, _ = fractionTails(a, b, x, y, power)
	}
	return tail, power - tail
}

// cubicStep is the step to where the parabola through a concave function f, with
// its slope and its bend (minus the second derivative), is zero (Euler's method, which cubes the
// error); Newton's where the parabola has no zero.
func cubicStep(f, slope, bend float64) float64 {
	root := slope*slope + 2*max(bend, 0)*f
	if !(root > 0) {
		return -f / slope
	}
	return -2 * f / (slope + math.Sqrt(root))
}

// cubicSettled is the step, in the scale of the problem, after which the next
// cubic one would be lost in rounding.
const cubicSettled = 1e-4

// largeBeta is the least parameter from which Temme's expansion is exact to
// 1e-10 and the continued fraction takes thousands of terms.
const largeBeta = 3e6

// edgeTails are the tails where x or 1-x has underflowed to zero.
func edgeTails(x float64) (lower, upper float64) {
	if x <= 0 {
		return -math.MaxFloat64, 0
	}
	return 0, -math.MaxFloat64
}

// logComplement is ln(1 - e^l) for l <= 0, cut off at the smallest float.
func logComplement(l float64) float64 {
	var c float64
	if l > -math.Ln2 {
		c = math.Log(-math.Expm1(l))
	} else {
		c = math.Log1p(-math.Exp(l))
	}
	return math.Max(c, -math.MaxFloat64)
}

// logBetaFraction is the log of the continued fraction F with
// I_x(a, b) = x^a y^b / (B(a, b) F), by forward recurrence (Didonato & Morris
// 1992, ACM TOMS 18, algorithm 708, the even part). It
// converges where x is below the mean.
func logBetaFraction(a, b, x, y float64) float64 {
	p0, q0 := 1.0, 0.0
	r := 1 / (a + 1)
	p1, q1 := a*(a*y-b*x+1)*r, 1.0
	for m := 1.0; m < 1e5; m++ {
		s := r * (a + m - 1) * r // The divisors a+2m-1 are r's reciprocals.
		numer := s * (a + b + m - 1) * m * (b - m) * x * x
		denom := m + m*(b-m)*x*r
		r = 1 / (a + 2*m + 1)
		denom += (a + m) * (a*y - b*x + 1 + m*(1+y)) * r
		p0, p1 = p1, denom*p1+numer*p0
		q0, q1 = q1, denom*q1+numer*q0
		if !(math.Abs(p1*q0-p0*q1) > 1e-15*math.Abs(p1*q0)) {
			break
		}
		if p1 > 1e100 || q1 > 1e100 {
			p0, p1, q0, q1 = p0*1e-100, p1*1e-100, q0*1e-100, q1*1e-100
		}
	}
	return math.Log(p1 / q1)
}

// temmeTails are the tails of I_x(a, b) for large a and b: the leading terms
// of Temme's uniform expansion (DLMF 8.18(ii)), relative error of order
// n^(-3/2).
func temmeTails(a, b, x, y float64) (lower, upper float64) {
	n := a + b
	mean := a / n
	sd := math.Sqrt(mean * (b / n))
	w := math.Sqrt(2 * (deviance(a, n*x) + deviance(b, n*y)))
	eta := w / math.Sqrt(n)
	if x < mean {
		w, eta = -w, -eta
	}
	c := (1 - 2*mean) / (3 * sd)
	if math.Abs(eta) > 1e-5 {
		c = 1/eta - sd/(x-mean)
	}
	// The correction in units of the tails: c phi(w) / (sqrt(n) Phi(w)).
	c /= math.Sqrt(n)
	lower = logPhi(w) + math.Log1p(math.Max(c*hazard(w), -0.5))
	upper = logPhi(-w) + math.Log1p(math.Max(-c*hazard(-w), -0.5))
	return math.Min(lower, 0), math.Min(upper, 0)
}
