package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// drawn are moments of n units from a normal distribution.
func drawn(rng *rand.Rand, n int, mean, sd float64) Moments {
	var m Moments
	for range n {
		m = Merge(m, Moments{N: 1, Any: 1, Mean: mean + sd*rng.NormFloat64()})
	}
	return m
}

// TestDifferenceOfDifferences: the error holds where effects are alike, and a
// difference of four standard errors is found.
func TestDifferenceOfDifferences(t *testing.T) {
	const runs, n = 2000, 60
	d := Design{Kind: KindMean, Method: MethodMixture, Harm: SideUp, Alpha: 0.05}
	for name, c := range map[string]struct{ more, least, most float64 }{
		"alike":     {0, 0.03, 0.066}, // 5 % and three standard errors, and more
		"different": {4 * math.Sqrt(2*(1+4)/float64(n)), 0.95, 1},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		found := 0
		for range runs {
			// The groups differ in level and spread, which is no interaction.
			here := []Stratum{{Epoch: 1, Share: 0.5, Control: drawn(rng, n, 1, 1), Treatment: drawn(rng, n, 1.3, 1)}}
			there := []Stratum{{Epoch: 1, Share: 0.5, Control: drawn(rng, n, 5, 2), Treatment: drawn(rng, n, 5.3+c.more, 2)}}
			got := DifferenceOfDifferences(d, here, there)
			if got.Status != StatusOK {
				t.Fatalf("%+v", got)
			}
			outside := got.Interval.Lower > 0 || got.Interval.Upper < 0
			if outside != (got.P.Value < 0.05) {
				t.Fatalf("interval and p disagree: %+v", got)
			}
			if outside {
				found++
			}
		}
		if rate := float64(found) / runs; rate < c.least || rate > c.most {
			t.Errorf("%s: found in %.3f", name, rate)
		}
	}
}

// TestDifferenceOfDifferencesDegenerate: what cannot be told is not told.
func TestDifferenceOfDifferencesDegenerate(t *testing.T) {
	d := Design{Kind: KindMean, Method: MethodMixture, Harm: SideUp, Alpha: 0.05}
	full := []Stratum{{Epoch: 1, Share: 0.5, Control: Moments{N: 9, Any: 9, Mean: 1, M2: 3}, Treatment: Moments{N: 9, Any: 9, Mean: 2, M2: 3}}}
	flat := []Stratum{{Epoch: 1, Share: 0.5, Control: Moments{N: 9, Any: 9, Mean: 1}, Treatment: Moments{N: 9, Any: 9, Mean: 2}}}
	for name, groups := range map[string][2][]Stratum{
		"nobody":         {full, nil},
		"nothing varies": {flat, flat},
		"one unit":       {full, {{Epoch: 1, Share: 0.5, Control: Moments{N: 1, Any: 1, Mean: 1}, Treatment: Moments{N: 1, Any: 1, Mean: 1}}}},
	} {
		if got := DifferenceOfDifferences(d, groups[0], groups[1]); got.Status == StatusOK || got.P.Known {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
