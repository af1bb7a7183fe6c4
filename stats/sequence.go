package stats

import "math"

// Rho2 is the tuning of a normal mixture, rho² > 0: its boundary is tightest
// where nStar units have been seen (Waudby-Smith, Arbour, Sinha, Kennedy &
// Ramdas 2024, eq. 161, closed form). alpha in (0,1) is the error of a
// two-sided sequence; a one-sided one takes twice its own. It only tunes:
// whatever it is, the level holds, so alpha is capped at 1/2, and nStar is at
// least 1.
func Rho2(alpha, nStar float64) float64 {
	l := -math.Log(min(alpha, 0.5))
	return (2*l + log1p(2*l)) / max(nStar, 1)
}

// TwoSided is the two-sided normal mixture at one look (Robbins 1970;
// Waudby-Smith et al. 2024, eq. 9 and 155): X = n rho² > 0.
type TwoSided struct{ X float64 }

// LogE is the log e-value of a standardised effect z against "no effect".
func (s TwoSided) LogE(z float64) float64 {
	return s.X/(s.X+1)*z*z/2 - log1p(s.X)/2
}

// Critical is the |z| at which LogE reaches ln(1/alpha), for alpha in (0,1).
func (s TwoSided) Critical(alpha float64) float64 {
	return math.Sqrt((1 + 1/s.X) * (log1p(s.X) - 2*math.Log(alpha)))
}

// OneSided is the one-sided normal mixture at one look, the exact form with a
// half-normal prior (Howard, Ramdas, McAuliffe & Sekhon 2021, "one-sided
// normal mixture"): X = n rho² > 0.
type OneSided struct{ X float64 }

// LogE is the log e-value of a standardised effect z against "the effect is
// not positive"; it increases in z.
func (s OneSided) LogE(z float64) float64 {
	return scaledLogPhi(z*s.shrink()) + math.Ln2 - log1p(s.X)/2
}

// Critical is the z at which LogE reaches ln(1/alpha), for alpha in (0,1).
// Halley's steps go on from the slightly wider closed form of Waudby-Smith et al.
// (2024, eq. 134).
func (s OneSided) Critical(alpha float64) float64 {
	target := log1p(s.X)/2 - math.Ln2 - math.Log(alpha)
	u := math.Sqrt(2 * softplus(target))
	for range 50 {
		at := scaledLogPhi(u)
		h := math.Exp(-lnSqrt2Pi - at)
		f, slope := at-target, u+h
		step := f / (slope - f*(1-h*slope)/(2*slope))
		u -= step
		if math.Abs(step) <= cubicSettled*u {
			break
		}
	}
	return u / s.shrink()
}

// shrink is sqrt(X / (X+1)).
func (s OneSided) shrink() float64 { return math.Sqrt(s.X / (s.X + 1)) }

// fromLogE is the p-value of a log e-value: min(1, 1/E) (Vovk & Wang 2021).
func fromLogE(logE float64) float64 { return min(1, math.Exp(-logE)) }
