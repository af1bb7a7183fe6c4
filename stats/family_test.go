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
		{nil, nil},
	} {
		got := SplitAlpha(0.05, c.weights)
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
