package peers

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mathext"

	"assay/stats"
)

// QuantileTest is the sequential two-sample test of equal quantiles of Howard &
// Ramdas (2022, the test for A/B experiments; confseq, quantile_ab_p_value).
// Quantile in (1e-6, 1-1e-6) is which one; TOpt > 0 and AlphaOpt in (0,1) tune it to that
// many values per arm and that level, and never affect validity.
type QuantileTest struct{ Quantile, TOpt, AlphaOpt float64 }

// P is the two-sided p-value of two samples of independent values, valid at any
// look. If the arms share the quantile, some value x is it in both, and both
// mixtures at x are martingales: 1/P is their product at the x where that is
// least. Where values are tied, x takes the share below it that suits it best.
// The samples are copied and sorted. Degenerate input, an empty arm or a value
// that is no number among it: 1 and a status.
func (q QuantileTest) P(a, b []float64) (p float64, status stats.Status) {
	switch {
	case !(math.Abs(q.Quantile-0.5) < 0.499999) || !inside(q.AlphaOpt) || !positive(q.TOpt):
		return 1, stats.StatusBadQuestion
	case len(a) == 0 || len(b) == 0:
		return 1, stats.StatusNoUnits
	case q.TOpt > greatestGamma || slices.ContainsFunc(a, math.IsNaN) || slices.ContainsFunc(b, math.IsNaN):
		return 1, stats.StatusNotFinite
	}
	m := betaBinomial{q.Quantile, tunedKappa(q.TOpt, q.AlphaOpt)}
	first, second := m.sample(a), m.sample(b)
	low, high := min(first.best, second.best), max(first.best, second.best)
	least := math.Inf(1)
	for _, arm := range [2]*sample{&first, &second} {
		from, _ := arm.below(low)
		_, to := arm.below(high)
		for _, x := range arm.sorted[from:to] {
			least = min(least, first.logE(x)+second.logE(x))
		}
	}
	return fromLogE(least), stats.StatusOK
}

// sample is one arm's values, with the number below the quantile at which its
// mixture is least, and the value that number points at.
type sample struct {
	mixture betaBinomial
	sorted  []float64
	least   float64 // in (0, n)
	best    float64
}

func (m betaBinomial) sample(values []float64) sample {
	s := sample{mixture: m, sorted: slices.Clone(values)}
	slices.Sort(s.sorted)
	n := float64(len(values))
	s.least = m.least(n)
	s.best = s.sorted[min(int(s.least), len(values)-1)]
	return s
}

// least is the number of successes among n trials at which the mixture, convex
// in it, is least.
func (m betaBinomial) least(n float64) float64 {
	a, b := m.kappa*m.p, m.kappa*(1-m.p)
	slope := math.Log1p(-m.p) - math.Log(m.p)
	return bisect(0, n, func(s float64) bool {
		return slope+mathext.Digamma(a+s)-mathext.Digamma(b+n-s) > 0
	})
}

// below is the number of values below x and the number at most x.
func (s *sample) below(x float64) (less, most int) {
	less = sort.SearchFloat64s(s.sorted, x)
	return less, less + sort.Search(len(s.sorted)-less, func(i int) bool { return s.sorted[less+i] > x })
}

// logE is the least log of the mixture if x is the quantile.
func (s *sample) logE(x float64) float64 {
	less, most := s.below(x)
	at := min(max(s.least, float64(less)), float64(most))
	return s.mixture.logE(at, float64(len(s.sorted))-at)
}
