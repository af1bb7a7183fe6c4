package peers

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"assay/stats"
)

// betaBinomial is the two-sided beta-binomial mixture martingale of a coin with
// probability p of success (Howard, Ramdas, McAuliffe & Sekhon 2021,
// "two-sided beta-binomial mixture"): a beta prior of concentration kappa
// centred at p.
type betaBinomial struct{ p, kappa float64 }

// tunedKappa is the concentration at which the mixture is tightest after tOpt
// trials at level alphaOpt, never under a thousandth.
func tunedKappa(tOpt, alphaOpt float64) float64 {
	return max(tOpt/stats.Rho2(alphaOpt, 1)-1, 1e-3)
}

// logE is the log of the martingale after successes and failures, neither of
// which need be whole.
func (m betaBinomial) logE(successes, failures float64) float64 {
	a, b := m.kappa*m.p, m.kappa*(1-m.p)
	return logBeta(a+successes, b+failures) - logBeta(a, b) -
		successes*math.Log(m.p) - failures*math.Log1p(-m.p)
}

// ProportionDesign tunes the beta-binomial mixture: it is tightest after TOpt > 0
// trials at level AlphaOpt in (0,1). The tuning never affects validity.
type ProportionDesign struct{ TOpt, AlphaOpt float64 }

// BernoulliInterval is the confidence sequence of a success probability after
// successes among trials, at every number of trials at once with error alpha in
// (0,1): the probabilities that the beta-binomial mixture does not reject
// (Howard et al. 2021; confseq, bernoulli_confidence_interval). It lies within
// [0, 1]; the log of the mixture is good to about trials times 1e-15. Degenerate
// input, over 1e10 trials among it: [0, 1] and a status.
func BernoulliInterval(successes, trials, alpha float64, d ProportionDesign) (stats.Interval, stats.Status) {
	i := stats.Interval{Lower: 0, Upper: 1}
	if s := amount(trials); s != stats.StatusOK {
		return i, s
	}
	if !inside(alpha) || !inside(d.AlphaOpt) || !positive(d.TOpt) || !(successes >= 0 && successes <= trials) {
		return i, stats.StatusBadQuestion
	}
	if max(trials, d.TOpt) > greatestGamma {
		return i, stats.StatusNotFinite
	}
	kappa, failures := tunedKappa(d.TOpt, d.AlphaOpt), trials-successes
	rejects := func(p float64) bool {
		return betaBinomial{p, kappa}.logE(successes, failures) >= -math.Log(alpha)
	}
	share := successes / trials
	if successes > 0 {
		i.Lower = bisect(0, share, func(p float64) bool { return !rejects(p) })
	}
	if failures > 0 {
		i.Upper = bisect(share, 1, rejects)
	}
	return i, stats.StatusOK
}

// GammaExponential is the gamma-exponential mixture of Howard et al. (2021,
// "gamma-exponential mixture"; confseq, gamma_exponential_mixture_bound), for
// sums that are sub-exponential with scale C > 0: with C the range of bounded
// values it makes an empirical-Bernstein bound. It is tightest at variance VOpt
// > 0 (in squared units of the sum) and level AlphaOpt in (0, 1/2). The log of
// the mixture is good to about v/C² ln(v/C²) times 1e-16; beyond v/C² of 1e10
// there is no answer.
type GammaExponential struct{ VOpt, C, AlphaOpt float64 }

// Bound is the sum that stays unreached at all variances v >= 0 at once with
// error alpha in (0,1). Degenerate input: +Inf and a status.
func (m GammaExponential) Bound(v, alpha float64) (bound float64, status stats.Status) {
	if !m.sound() || !inside(alpha) || !(v >= 0) {
		return never(), stats.StatusBadQuestion
	}
	if !finite(m.logE(0, v)) {
		return never(), stats.StatusNotFinite
	}
	target := -math.Log(alpha)
	reached := func(s float64) bool { return m.logE(s, v) >= target }
	high := max(m.C, math.Sqrt(v))
	for !reached(high) {
		high *= 2
		if !(high*m.C < math.MaxFloat64) {
			return never(), stats.StatusNotFinite
		}
	}
	return bisect(0, high, reached), stats.StatusOK
}

// LogE is the log e-value of a sum s >= 0 at variance v >= 0 against "the mean
// is not positive". Degenerate input: 0 and a status.
func (m GammaExponential) LogE(s, v float64) (logE float64, status stats.Status) {
	if !m.sound() || !(v >= 0) || !(s >= 0) {
		return 0, stats.StatusBadQuestion
	}
	if l := m.logE(s, v); finite(l) {
		return l, stats.StatusOK
	}
	return 0, stats.StatusNotFinite
}

func (m GammaExponential) sound() bool {
	return positive(m.VOpt) && positive(m.C) && m.AlphaOpt > 0 && m.AlphaOpt < 0.5
}

// logE is the log of the mixture: that of an exponential martingale over a gamma
// prior cut off at 1/C.
func (m GammaExponential) logE(s, v float64) float64 {
	c2 := m.C * m.C
	prior := m.VOpt / stats.Rho2(2*m.AlphaOpt, 1) / c2
	post, moved := prior+v/c2, s/m.C+v/c2
	return logGammaMass(post, prior+moved) - logGammaMass(prior, prior) + moved
}

// logGammaMass is the log of the integral of t^(a-1) e^(-x t) over t in (0, 1).
func logGammaMass(a, x float64) float64 {
	if !positive(a) || !positive(x) || a > greatestGamma {
		return math.NaN() // Never leaves this file.
	}
	g, _ := math.Lgamma(a)
	return g + math.Log(mathext.GammaIncReg(a, x)) - a*math.Log(x)
}

// Stitching is the polynomial stitched boundary of Howard et al. (2021, eq. 10;
// confseq, poly_stitching_bound): the rate of the law of the iterated logarithm
// in closed form. VMin > 0 is the variance from which it is tight, C >= 0 the
// scale of the sub-gamma tail (0: sub-Gaussian), S > 1 and Eta > 1 its shape
// (1.4 and 2 are usual).
type Stitching struct{ VMin, C, S, Eta float64 }

// Bound is the sum that stays unreached at all variances v >= 0 at once with
// error alpha in (0,1). Degenerate input: +Inf and a status.
func (b Stitching) Bound(v, alpha float64) (bound float64, status stats.Status) {
	shaped := b.S > 1 && b.Eta > 1 && positive(b.S) && positive(b.Eta)
	if !shaped || !positive(b.VMin) || !(b.C >= 0) || !inside(alpha) || !(v >= 0) {
		return never(), stats.StatusBadQuestion
	}
	v = max(v, b.VMin)
	root := math.Sqrt(math.Sqrt(b.Eta))
	k1, k2 := (root+1/root)/math.Sqrt2, (root*root+1)/2
	ell := b.S*math.Log(math.Log(b.Eta*(v/b.VMin))) - math.Log(alpha) +
		math.Log(mathext.Zeta(b.S, 1)) - b.S*math.Log(math.Log(b.Eta))
	tail := k2 * b.C * ell
	bound = math.Hypot(k1*math.Sqrt(v*ell), tail) + tail
	if !positive(bound) {
		return never(), stats.StatusNotFinite
	}
	return bound, stats.StatusOK
}
