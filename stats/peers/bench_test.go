package peers

import (
	"math"
	"testing"

	"assay/stats"
)

// sink keeps results alive.
var sink float64

// What a simulation calls once a look: about a microsecond each, and nothing
// allocated.
func BenchmarkLook(b *testing.B) {
	for _, c := range []struct {
		name string
		f    func(n float64) (float64, stats.Status)
	}{
		{"GrowthBookOneSided", func(n float64) (float64, stats.Status) { return GrowthBookOneSided(n, GrowthBookPlanned, 0.05) }},
		{"GrowthBookOneSidedP", func(n float64) (float64, stats.Status) { return GrowthBookOneSidedP(3, n, GrowthBookPlanned, 0.05) }},
		{"GrowthBookTwoSided", func(n float64) (float64, stats.Status) { return GrowthBookTwoSided(n, GrowthBookPlanned, 0.05) }},
		{"Eppo", func(n float64) (float64, stats.Status) { return Eppo(n, 0.05) }},
		{"StatsigOneSided", func(n float64) (float64, stats.Status) { return StatsigOneSided(Arms{1, 2, n, 3 * n}, 0.05) }},
		{"MSPRT", func(n float64) (float64, stats.Status) { return MSPRT(math.Sqrt(4/n), 0.05, 0.05) }},
		{"AVLMRadius", func(n float64) (float64, stats.Status) { return AVLMRadius(n, 2, 100, 0.05) }},
		{"AVLMLogE", func(n float64) (float64, stats.Status) { return AVLMLogE(3, n-2, n, 100) }},
		{"FixedTwoSidedP", func(n float64) (float64, stats.Status) { return FixedTwoSidedP(3 + 1/n) }},
		{"MaxSPRT", func(n float64) (float64, stats.Status) { return MaxSPRT(n/2+10, n/2, 0.5) }},
		{"Stitching", func(n float64) (float64, stats.Status) { return Stitching{100, 1, 1.4, 2}.Bound(n, 0.05) }},
		{"GrowthBookProportions", func(n float64) (float64, stats.Status) {
			effect, se, status := GrowthBookProportions(Counts{20, int64(n)}, Counts{30, int64(n)})
			return effect / se, status
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				sink, _ = c.f(float64(1000 + i&1023))
			}
		})
	}
	b.Run("Hedge", func(b *testing.B) {
		b.ReportAllocs()
		c := Hedge{0.1, 0.05, 0.5, 0.5}.Start()
		for i := range b.N {
			c.Add(float64(i & 1))
			sink, _ = c.LogE()
		}
	})
	b.Run("SafeProportions", func(b *testing.B) {
		b.ReportAllocs()
		s := NewSafeProportions(SafePrior)
		for i := range b.N {
			s.Add(Counts{int64(i & 1), 10}, Counts{int64(i & 3), 10})
			sink, _ = s.LogE()
		}
	})
}

// What inverts or sorts.
func BenchmarkSearch(b *testing.B) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i * 7919 % 1000)
	}
	for _, c := range []struct {
		name string
		f    func() (float64, stats.Status)
	}{
		{"AVLMOptimalG", func() (float64, stats.Status) { return AVLMOptimalG(1e4, 2, 0.05) }},
		{"GammaExponential", func() (float64, stats.Status) { return GammaExponential{100, 1, 0.05}.Bound(100, 0.05) }},
		{"MaxSPRTCritical", func() (float64, stats.Status) { return MaxSPRTCritical(120, 0.05, 0.5) }},
		{"QuantileTest", func() (float64, stats.Status) { return QuantileTest{0.95, 1000, 0.05}.P(values, values[:900]) }},
		{"GrowthBookSampleRatio", func() (float64, stats.Status) {
			return GrowthBookSampleRatio([]int64{5100, 4900}, []float64{1, 1})
		}},
		{"BernoulliInterval", func() (float64, stats.Status) {
			i, status := BernoulliInterval(20, 1000, 0.05, ProportionDesign{1000, 0.05})
			return i.Lower, status
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				sink, _ = c.f()
			}
		})
	}
}

// TestLooksAllocateNothing holds the per-look calls to their promise.
func TestLooksAllocateNothing(t *testing.T) {
	capital, safe := Hedge{0.1, 0.05, 0.5, 0.5}.Start(), NewSafeProportions(SafePrior)
	if n := testing.AllocsPerRun(100, func() {
		sink, _ = GrowthBookOneSided(1000, GrowthBookPlanned, 0.05)
		sink, _ = GrowthBookTwoSidedP(3, 1000, GrowthBookPlanned, 0.05)
		sink, _ = StatsigTwoSided(Arms{1, 2, 500, 500}, 0.05)
		sink, _ = MSPRTLogE(3, 0.1, 0.05)
		sink, _ = AVLMRadius(1000, 2, 100, 0.05)
		sink, _ = MaxSPRT(30, 10, 0.5)
		capital.Add(1)
		safe.Add(Counts{1, 5}, Counts{2, 5})
		i, _ := BernoulliInterval(20, 1000, 0.05, ProportionDesign{1000, 0.05})
		sink = i.Lower
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
