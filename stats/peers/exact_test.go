package peers

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/stats"
)

// The size is the weight of all paths that signal, counted one by one.
func TestMaxSPRTSizeByEnumeration(t *testing.T) {
	const n = 14
	for _, c := range []struct{ critical, share float64 }{{1, 0.5}, {2.5, 0.5}, {1.7, 0.1}, {0.4, 0.8}, {3, 0.37}} {
		want := 0.0
		for path := range uint(1 << n) {
			hits, weight, signalled := 0.0, 1.0, false
			for i := range n {
				if path>>i&1 == 1 {
					hits++
					weight *= c.share
				} else {
					weight *= 1 - c.share
				}
				llr, _ := MaxSPRT(hits, float64(i+1)-hits, c.share)
				signalled = signalled || llr >= c.critical
			}
			if signalled {
				want += weight
			}
		}
		got, status := MaxSPRTSize(n, c.critical, c.share)
		if status != stats.StatusOK || !near(got, want, 1e-11) {
			t.Errorf("%v: %.15g (%s), by enumeration %.15g", c, got, status, want)
		}
	}
}

// The critical value keeps the level, and any smaller one breaks it.
func TestMaxSPRTCritical(t *testing.T) {
	for _, events := range []int{6, 30, 200} {
		for _, share := range []float64{0.1, 0.5, 0.9} {
			for _, alpha := range []float64{0.01, 0.05} {
				critical, status := MaxSPRTCritical(events, alpha, share)
				if all := math.Pow(share, float64(events)); all > alpha {
					if status != stats.StatusTooFew || !math.IsInf(critical, 1) {
						t.Errorf("%d events, share %g, alpha %g: %g (%s)", events, share, alpha, critical, status)
					}
					continue
				}
				size, _ := MaxSPRTSize(events, critical, share)
				below, _ := MaxSPRTSize(events, critical-3e-9*max(1, critical), share)
				if status != stats.StatusOK || !(size <= alpha && below > alpha) {
					t.Errorf("%d events, share %g, alpha %g: %g (%s), size %g, below it %g",
						events, share, alpha, critical, status, size, below)
				}
			}
		}
	}
	if size, status := MaxSPRTSize(5, 10, 0.5); size != 0 || status != stats.StatusTooFew {
		t.Errorf("size %g (%s) where nothing can signal", size, status)
	}
}

// The likelihood ratio is the greatest over all shares at or above the null's.
func TestMaxSPRTIsTheGreatestLikelihoodRatio(t *testing.T) {
	for _, c := range []struct{ t, c, share float64 }{{7, 3, 0.5}, {3, 7, 0.5}, {3, 7, 0.1}, {4, 0, 0.9}, {0, 4, 0.2}} {
		want := 0.0
		for p := c.share; p < 1; p += 1e-5 {
			want = max(want, c.t*math.Log(p/c.share)+c.c*math.Log((1-p)/(1-c.share)))
		}
		if got, _ := MaxSPRT(c.t, c.c, c.share); math.Abs(got-want) > 1e-4 {
			t.Errorf("%v: %g, by search %g", c, got, want)
		}
	}
}

// The product of the two martingales at every value and every share that ties
// allow, by search.
func TestQuantileTestBySearch(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 28))
	draw := func(n int, shift float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = math.Round(10*(r.ExpFloat64()+shift)) / 10 // Rounded, so that values tie.
		}
		return x
	}
	for _, c := range []struct {
		q, shift float64
		na, nb   int
	}{{0.5, 0, 30, 41}, {0.5, 1, 60, 50}, {0.9, 0.7, 200, 80}, {0.05, 0.4, 90, 90}, {0.5, 2, 1, 300}} {
		a, b := draw(c.na, 0), draw(c.nb, c.shift)
		test := QuantileTest{Quantile: c.q, TOpt: 100, AlphaOpt: 0.05}
		m := betaBinomial{c.q, tunedKappa(test.TOpt, test.AlphaOpt)}
		best := math.Inf(1)
		for _, x := range append(slices.Clone(a), b...) {
			best = min(best, searched(m, a, x)+searched(m, b, x))
		}
		want := min(1, math.Exp(-best))
		got, status := test.P(a, b)
		turned, _ := test.P(b, a)
		if status != stats.StatusOK || !near(got, want, 1e-4) || !near(turned, got, 1e-12) {
			t.Errorf("%v: %.9g (%s), turned %.9g, by search %.9g", c, got, status, turned, want)
		}
	}
}

// searched is the least log of the mixture of an arm whose quantile is x.
func searched(m betaBinomial, values []float64, x float64) float64 {
	less, most := 0.0, 0.0
	for _, v := range values {
		if v < x {
			less++
		}
		if v <= x {
			most++
		}
	}
	n, least := float64(len(values)), math.Inf(1)
	for i := range 2001 {
		s := less + (most-less)*float64(i)/2000
		least = min(least, m.logE(s, n-s))
	}
	return least
}

// The test sees ranks only, and strong evidence in a shifted arm.
func TestQuantileTestIsOfRanks(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 28))
	var a, b, ea, eb []float64
	for range 1000 {
		x, y := r.NormFloat64(), r.NormFloat64()+0.5
		a, b, ea, eb = append(a, x), append(b, y), append(ea, math.Exp(3*x)), append(eb, math.Exp(3*y))
	}
	test := QuantileTest{Quantile: 0.5, TOpt: 1000, AlphaOpt: 0.05}
	p, _ := test.P(a, b)
	moved, _ := test.P(ea, eb)
	same, _ := test.P(a, a)
	if p != moved || p > 1e-3 || same != 1 {
		t.Errorf("p %g, on another scale %g, of equal arms %g", p, moved, same)
	}
}

// At one degree of freedom chi-square is a squared normal.
func TestChiSquareTails(t *testing.T) {
	counts := []int64{5100, 4700}
	p, status := GrowthBookSampleRatio(counts, []float64{1, 1})
	s := 200.0 * 200 / 4900 * 2
	if want := math.Erfc(math.Sqrt(s / 2)); status != stats.StatusOK || !near(p, want, 1e-11) {
		t.Errorf("p %g (%s), want %g", p, status, want)
	}
	d := AssignmentDependence([][]int64{{30, 50}, {45, 40}, {0, 0}})
	odds := 30.0*40 - 50*45
	want := odds * odds * 165 / (80 * 85 * 75 * 90)
	if d.Status != stats.StatusOK || d.DF != 1 || !near(d.Statistic, want, 1e-13) || !near(d.P, math.Erfc(math.Sqrt(want/2)), 1e-11) {
		t.Errorf("%+v, want %g", d, want)
	}
	few, status := GrowthBookSampleRatio([]int64{7, 900}, []float64{1, 1})
	if few != 1 || status != stats.StatusTooFew {
		t.Errorf("seven units: %g, %s", few, status)
	}
	certain, status := GrowthBookSampleRatio([]int64{50, 50, 9}, []float64{1, 1, 0})
	if !(certain > 0 && certain < 1e-300) || status != stats.StatusOK {
		t.Errorf("units in an arm without a share: %g, %s", certain, status)
	}
}

// The shipped concentration is far too strong for small tests.
func TestSSRMIsSlowInSmallTests(t *testing.T) {
	counts, even := []int64{2650, 2350}, []float64{0.5, 0.5}
	theirs, tuned := SSRM(counts, even, 0.01), stats.TestSampleRatio(counts, even, 5000, 0.01)
	a, n := SSRMConcentration/2, 5000.0
	want := logBeta(a+2650, a+2350) - logBeta(a, a) + n*math.Ln2
	if math.Abs(theirs.LogE-want) > 1e-7 || theirs.Failed || !tuned.Failed {
		t.Errorf("log e-value %.9g (want %.9g), failed %v; tuned failed %v", theirs.LogE, want, theirs.Failed, tuned.Failed)
	}
}

// At the effect found, its distance from zero in its own standard errors is
// what level and power need; more units find less, and too few find nothing.
func TestMDE(t *testing.T) {
	for _, p := range []Plan{{1, 4, 2000, 0.05, 0.8}, {-3, 100, 5000, 0.01, 0.9}, {0.02, 0.0196, 1e6, 0.1, 0.6}} {
		d, status := p.MDE()
		se := math.Sqrt(p.Variance / p.UnitsPerArm / (p.Mean * p.Mean) * (1 + (1+d)*(1+d)))
		level, _ := FixedTwoSided(p.Alpha)
		power, _ := FixedOneSided(1 - p.Power)
		if status != stats.StatusOK || !near(d/se, level+power, 1e-12) {
			t.Errorf("%v: %g (%s), %g standard errors, want %g", p, d, status, d/se, level+power)
		}
		p.UnitsPerArm *= 4
		if more, _ := p.MDE(); !(more < d) {
			t.Errorf("%v: %g, no less than %g", p, more, d)
		}
	}
	if d, status := (Plan{1, 4, 31, 0.05, 0.8}).MDE(); !math.IsInf(d, 1) || status != stats.StatusTooFew {
		t.Errorf("31 units: %g (%s)", d, status)
	}
}
