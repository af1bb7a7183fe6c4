package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// settled is the relative step after which Newton's next one, which squares the
// error, would be lost in rounding.
const settled = 1e-9

// log1p is ln(1+x) for x >= 0 to the last digits but one or two, several times
// as fast as math.Log1p (Goldberg 1991, theorem 4: the rounding of 1+x is undone
// by the quotient).
func log1p(x float64) float64 {
	w := 1 + x
	if w == 1 || math.IsInf(w, 1) {
		return x
	}
	return math.Log(w) * (x / (w - 1))
}

const (
	lnSqrt2Pi = 0.91893853320467274178 // ln of the square root of 2 pi
	// farTail is where the complementary error function nears underflow and its
	// asymptotic series has become exact to rounding.
	farTail = -36.0
)

// logPhi is the log of the standard normal distribution function at z.
func logPhi(z float64) float64 {
	switch {
	case z > 0:
		return math.Log1p(-0.5 * math.Erfc(z/math.Sqrt2))
	case z > farTail:
		return math.Log(0.5 * math.Erfc(-z/math.Sqrt2))
	default:
		return scaledLogPhi(z) - z*z/2
	}
}

// scaledLogPhi is z²/2 + ln Phi(z). Far in the lower tail, where the two terms
// cancel, it is the asymptotic series of Abramowitz & Stegun (1964), 26.2.12.
func scaledLogPhi(z float64) float64 {
	if z > farTail {
		return z*z/2 + logPhi(z)
	}
	r := 1 / (z * z)
	return math.Log1p(-r*(1-3*r*(1-5*r*(1-7*r)))) - lnSqrt2Pi - math.Log(-z)
}

// hazard is phi(z) / Phi(z), the derivative of ln Phi at z.
func hazard(z float64) float64 { return math.Exp(-lnSqrt2Pi - scaledLogPhi(z)) }

// upperQuantile is the z whose upper tail probability has the log l; l in
// (-Inf, ln 1/2], z >= 0. The tail is inverted in logs, so that it holds far
// beyond the smallest float.
func upperQuantile(l float64) float64 {
	if l >= -math.Ln2 {
		return 0
	}
	if l > -600 {
		return -mathext.NormalQuantile(math.Exp(l)) // Wichura (1988), to the last digits.
	}
	z := math.Sqrt(-2 * l)
	for range 20 {
		step := (logPhi(-z) - l) / hazard(-z)
		z += step
		if math.Abs(step) <= settled*z {
			break
		}
	}
	return z
}
