package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSplitAlpha(t *testing.T) {
	for _, c := range []struct{ weights, want []float64 }{
		{[]float64{1, 1, 2}, []float64{0.0125, 0.0125, 0.025}},
		{[]float64{3, 0, -1, math.NaN(), math.Inf(1)}, []float64{0.05, 0, 0, 0, 0}},
		{[]float64{0, 0}, []float64{0.025, 0.025}},
		{[]float64{1e308, 1e308}, []float64{0.025, 0.025}},
		{nil, []float64{}},
	} {
		got := SplitAlpha(0.05, c.weights)
		if len(got) != len(c.want) {
			t.Fatalf("%v: %v", c.weights, got)
		}
		for i := range c.want {
			if !near(got[i], c.want[i], 1e-14, 0) {
				t.Errorf("%v: %v, want %v", c.weights, got, c.want)
			}
		}
	}
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005, 1})
	for i, want := range []float64{0.04, 0.09, 0.09, 0.025, 1} {
		if !near(got[i], want, 1e-14, 0) {
			t.Errorf("got %v", got)
		}
	}
}

// Closed testing by brute force over all sets.
func TestEClosedMeanBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for range 200 {
		logE := make([]float64, 1+r.IntN(7))
		for i := range logE {
			logE[i] = 4 * r.NormFloat64()
		}
		got := EClosedMean(logE)
		for i := range logE {
			least := math.Inf(1)
			for set := range 1 << len(logE) {
				sum, size := 0.0, 0.0
				for j := range logE {
					if set>>j&1 == 1 {
						sum += math.Exp(logE[j])
						size++
					}
				}
				if set>>i&1 == 1 {
					least = min(least, sum/size)
				}
			}
			if !near(got[i], math.Log(least), 1e-12, 1e-12) {
				t.Fatalf("%v: %v, want %g at %d", logE, got, math.Log(least), i)
			}
		}
	}
	huge := EClosedMean([]float64{1e300, -1e300, 700})
	if slices.ContainsFunc(huge, math.IsNaN) {
		t.Errorf("huge: %v", huge)
	}
}

// The least alpha of a fine grid at which the definition of e-BH rejects.
func TestAdjustEBHBruteForce(t *testing.T) {
	const steps = 2000
	rejects := func(logE []float64, i int, alpha float64) bool {
		n, most := float64(len(logE)), 0.0
		for k := 1.0; k <= n; k++ {
			reach := 0.0
			for _, l := range logE {
				if math.Exp(l) >= n/(alpha*k) {
					reach++
				}
			}
			if reach >= k {
				most = k
			}
		}
		return most > 0 && math.Exp(logE[i]) >= n/(alpha*most)
	}
	r := rand.New(rand.NewPCG(11, 3))
	for range 60 {
		logE := make([]float64, 1+r.IntN(6))
		for i := range logE {
			logE[i] = 3 + 3*r.NormFloat64()
		}
		if len(logE) > 2 {
			logE[2] = logE[0] // A tie.
		}
		got := AdjustEBH(logE)
		for i := range logE {
			least := 1.0
			for step := steps; step > 0; step-- {
				if alpha := float64(step) / steps; rejects(logE, i, alpha) {
					least = alpha
				}
			}
			if got[i] > least+1e-12 || got[i] < least-1.0/steps-1e-12 {
				t.Fatalf("%v: %v, want %g at %d", logE, got, least, i)
			}
		}
		for _, alpha := range []float64{0.01, 0.05, 0.2, 0.9} {
			var want []int
			for i := range logE {
				if rejects(logE, i, alpha) {
					want = append(want, i)
				}
			}
			if rejected := EBH(logE, alpha); !slices.Equal(rejected, want) {
				t.Fatalf("%v at %g: %v, want %v", logE, alpha, rejected, want)
			}
		}
	}
}

// What is no number has a named answer.
func TestFamilyOfAnything(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	adjust := map[string]func([]float64) []float64{
		"Holm": Holm, "BenjaminiHochberg": BenjaminiHochberg, "AdjustEBH": AdjustEBH, "EClosedMean": EClosedMean,
	}
	for _, c := range []struct {
		name     string
		in, want []float64
	}{
		{"Holm", []float64{nan, 0.01, -1, 2}, []float64{1, 0.04, 1, 1}},
		{"BenjaminiHochberg", []float64{nan, 0.01, -1, inf}, []float64{1, 0.04, 1, 1}},
		{"AdjustEBH", []float64{nan, inf, -inf, math.Log(100)}, []float64{1, 0, 1, 0.02}},
		{"AdjustEBH", []float64{math.MaxFloat64, -math.MaxFloat64}, []float64{0, 1}},
		{
			"EClosedMean",
			[]float64{nan, inf, math.MaxFloat64},
			[]float64{-math.MaxFloat64, math.MaxFloat64, math.MaxFloat64},
		},
		{"EClosedMean", []float64{-inf}, []float64{-math.MaxFloat64}},
	} {
		got := adjust[c.name](c.in)
		for i := range c.want {
			if !near(got[i], c.want[i], 1e-13, 0) {
				t.Errorf("%s %v: %v, want %v", c.name, c.in, got, c.want)
			}
		}
	}
	for name, f := range adjust {
		if got := f(nil); got == nil || len(got) != 0 {
			t.Errorf("%s of nothing: %v", name, got)
		}
	}
	for _, alpha := range []float64{nan, 0, -1, 1, inf} {
		if got := SplitAlpha(alpha, []float64{1, 2}); got[0] != 0 || got[1] != 0 {
			t.Errorf("alpha %g is split into %v", alpha, got)
		}
		if got := EBH([]float64{1e3}, alpha); got != nil {
			t.Errorf("alpha %g rejects %v", alpha, got)
		}
	}
}

// FuzzFamily: outputs are in [0,1] and in the order of the inputs, whatever
// these are, and no input is changed.
func FuzzFamily(f *testing.F) {
	f.Add(0.01, 0.04, 0.03, 0.05)
	f.Add(math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64)
	f.Add(math.Copysign(0, -1), 1e-320, 745.2, -1e300)
	f.Fuzz(func(t *testing.T, a, b, c, alpha float64) {
		in := []float64{a, b, c, a}
		kept := slices.Clone(in)
		byP, byE := probabilities(in), evidences(in)
		closed := EClosedMean(in)
		for _, out := range [][]float64{Holm(in), BenjaminiHochberg(in), AdjustEBH(in), SplitAlpha(alpha, in)} {
			for _, x := range out {
				if !(x >= 0 && x <= 1) {
					t.Fatalf("%v: %v", in, out)
				}
			}
		}
		holm, bh, ebh := Holm(in), BenjaminiHochberg(in), AdjustEBH(in)
		for i := range in {
			if holm[i] < byP[i] || bh[i] < byP[i] || bh[i] > holm[i]*(1+1e-15) || ebh[i] < fromLogE(byE[i])*(1-1e-12) || !isFinite(closed[i]) || closed[i] > byE[i] {
				t.Fatalf("%v: Holm %v, BH %v, e-BH %v, closed %v", in, holm, bh, ebh, closed)
			}
			for j := range in {
				if byP[i] < byP[j] && (holm[i] > holm[j] || bh[i] > bh[j]) || byE[i] > byE[j] && (ebh[i] > ebh[j] || closed[i] < closed[j]-1e-9) {
					t.Fatalf("%v: Holm %v, BH %v, e-BH %v, closed %v", in, holm, bh, ebh, closed)
				}
			}
		}
		for i := range in {
			if math.Float64bits(in[i]) != math.Float64bits(kept[i]) {
				t.Fatalf("input changed: %v, was %v", in, kept)
			}
		}
	})
}
