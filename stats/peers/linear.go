package peers

import (
	"math"

	"assay/stats"
)

// regressed is the status of a regression on n units with df degrees of freedom
// and a prior of g.
func regressed(n, df, g float64) stats.Status {
	s := amount(n)
	switch {
	case s != stats.StatusOK:
		return s
	case !positive(g) || math.IsNaN(df) || df > n:
		return stats.StatusBadQuestion
	case df <= 0:
		return stats.StatusTooFew
	default:
		return stats.StatusOK
	}
}

// AVLMRadius is the critical |t| of anytime-valid linear models (Lindon, Ham,
// Tingley & Bojinov 2022; R package avlm, t_radius): exact for normal errors of
// unknown variance. n > k is units, k >= 0 the coefficients of the regression
// (2 for a difference of means), g > 0 the prior's precision in units (avlm's
// default is 1; see AVLMOptimalG), alpha in (0,1) two-sided. Where n is too
// small for any t to reject, and for degenerate input: +Inf and a status.
func AVLMRadius(n, k, g, alpha float64) (radius float64, status stats.Status) {
	df := n - k
	if s := regressed(n, df, g); s != stats.StatusOK {
		return never(), s
	}
	if !inside(alpha) {
		return never(), stats.StatusBadQuestion
	}
	missing := -math.Expm1((2*math.Log(alpha) - math.Log1p(n/g)) / (df + 1)) // 1 - w.
	room := n/(g+n) - missing                                                // w - r.
	if !(room > 0) {
		return never(), stats.StatusTooFew
	}
	return math.Sqrt(df * (missing / room)), stats.StatusOK
}

// AVLMLogE is the log e-value of a t statistic with df degrees of freedom from n
// units under the prior g (Lindon et al. 2022; avlm, log_G_t). It takes the
// parameters of AVLMRadius, and reaches ln(1/alpha) where |t| does the radius.
// Degenerate input: 0 and a status.
func AVLMLogE(t, df, n, g float64) (logE float64, status stats.Status) {
	if s := regressed(n, df, g); s != stats.StatusOK {
		return 0, s
	}
	if !(math.Abs(t) < greatestZ) {
		return 0, stats.StatusNotFinite
	}
	r, a := g/(g+n), t*t/df
	logE = (df+1)/2*math.Log1p(a*(n/(g+n))/(1+r*a)) - math.Log1p(n/g)/2
	if !finite(logE) {
		return 0, stats.StatusNotFinite
	}
	return logE, stats.StatusOK
}

// AVLMOptimalG is the g at which AVLMRadius is least at n units with k
// coefficients (avlm, optimal_g, which searches for it); alpha in (0,1). The
// optimum is flat: it is the root of
//
//	c r^(df/(df+1)) - r df/(df+1) - 1/(df+1), c = alpha^(-2/(df+1)),
//
// in r = g/(g+n), where the derivative of the radius vanishes; it is the only
// one, as the expression rises in r. Degenerate input: +Inf and a status.
func AVLMOptimalG(n, k, alpha float64) (g float64, status stats.Status) {
	df := n - k
	if s := regressed(n, df, 1); s != stats.StatusOK {
		return never(), s
	}
	if !inside(alpha) {
		return never(), stats.StatusBadQuestion
	}
	part := df / (df + 1)
	odds := bisect(-700, 700, func(v float64) bool { // In ln(g/n).
		logR := -math.Log1p(math.Exp(-v))
		return math.Exp(part*logR-2*math.Log(alpha)/(df+1))-part*math.Exp(logR) > 1/(df+1)
	})
	if g = n * math.Exp(odds); !positive(g) {
		return never(), stats.StatusNotFinite
	}
	return g, stats.StatusOK
}
