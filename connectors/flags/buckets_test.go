package flags

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/murmur3"

	"assay/decide"
)

// alloc makes an allocation with the known-good variation "control".
func alloc(coverage float64, arms ...decide.Arm) decide.Allocation {
	return decide.Allocation{Coverage: coverage, Arms: arms, KnownGood: "control"}
}

func arm(variation string, weight float64) decide.Arm {
	return decide.Arm{Variation: variation, Weight: weight}
}

func half(coverage float64) decide.Allocation {
	return alloc(coverage, arm("control", 0.5), arm("treatment", 0.5))
}

func TestLayout(t *testing.T) {
	third := []decide.Arm{arm("a", 1.0/3), arm("control", 1.0/3), arm("b", 1.0/3)}
	for name, c := range map[string]struct {
		a    decide.Allocation
		want []bucket
	}{
		"10 %":             {half(0.1), []bucket{{"treatment", 5000}, {uncovered, 90_000}, {"control", 5000}}},
		"25 %":             {half(0.25), []bucket{{"treatment", 12_500}, {uncovered, 75_000}, {"control", 12_500}}},
		"100 %":            {half(1), []bucket{{"treatment", 50_000}, {"control", 50_000}}},
		"nobody":           {half(0), []bucket{{uncovered, 100_000}}},
		"shipped":          {alloc(1, arm("control", 0), arm("treatment", 1)), []bucket{{"treatment", 100_000}}},
		"rolled back":      {alloc(1, arm("control", 1), arm("treatment", 0)), []bucket{{"control", 100_000}}},
		"odd split":        {alloc(0.5, arm("control", 0.9), arm("treatment", 0.1)), []bucket{{"treatment", 5000}, {uncovered, 50_000}, {"control", 45_000}}},
		"three arms":       {alloc(0.1, third...), []bucket{{"a", 3334}, {uncovered, 30_000}, {"b", 3333}, {uncovered, 60_000}, {"control", 3333}}},
		"three, all of it": {alloc(1, third...), []bucket{{"a", 33_334}, {"b", 33_333}, {"control", 33_333}}},
	} {
		if diff := cmp.Diff(c.want, layout(c.a), cmp.AllowUnexported(bucket{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// randomArms are two to six arms; control stands anywhere among them.
func randomArms(random *rand.Rand) []decide.Arm {
	arms, sum := make([]decide.Arm, 2+random.IntN(5)), 0.0
	for i := range arms {
		arms[i] = arm(string(rune('a'+i)), math.Pow(random.Float64(), 3)+1e-3)
		sum += arms[i].Weight
	}
	arms[random.IntN(len(arms))].Variation = "control"
	for i := range arms {
		arms[i].Weight /= sum
	}
	return arms
}

func weightOf(list []bucket, variant string) (sum int64) {
	for _, b := range list {
		if b.variant == variant {
			sum += b.weight
		}
	}
	return sum
}

func TestLayoutIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		arms := randomArms(random)
		for _, coverage := range []float64{0, 0.1, 0.25, 0.5, 0.75, 1, random.Float64()} {
			list := layout(alloc(coverage, arms...))
			want := int64(math.Round(coverage * totalWeight))
			sum := int64(0)
			for _, b := range list {
				sum += b.weight
			}
			if got := sum - weightOf(list, uncovered); sum != totalWeight || got != want {
				t.Fatalf("%v at %v: %d of %d covered, want %d of %d", arms, coverage, got, sum, want, totalWeight)
			}
			for _, a := range arms {
				if off := float64(weightOf(list, a.Variation)) - a.Weight*coverage*totalWeight; math.Abs(off) > 2 {
					t.Fatalf("%v at %v: %s is off by %v", arms, coverage, a.Variation, off)
				}
			}
		}
	}
}

// serve is how flagd picks a bucket: the hash scaled to the total weight.
func serve(list []bucket, hash uint32) string {
	total := int64(0)
	for _, b := range list {
		total += b.weight
	}
	at := int64(uint64(hash) * uint64(total) >> 32)
	for _, b := range list {
		if at -= b.weight; at < 0 {
			return b.variant
		}
	}
	panic("beyond the last bucket")
}

// TestNoUnitChangesItsArm grows the coverage of random allocations: whoever is
// covered stays in the same arm.
func TestNoUnitChangesItsArm(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		arms := randomArms(random)
		coverages := []float64{random.Float64(), random.Float64(), random.Float64(), 1}
		slices.Sort(coverages)
		// Borders are where it can go wrong: ask on both sides of each of them.
		hashes := []uint32{0, math.MaxUint32}
		for _, coverage := range coverages {
			at := int64(0)
			for _, b := range layout(alloc(coverage, arms...)) {
				at += b.weight
				border := uint64(at) << 32 / totalWeight
				hashes = append(hashes, uint32(min(border, math.MaxUint32)), uint32(min(border+1, math.MaxUint32)), uint32(border-1))
			}
		}
		for _, hash := range hashes {
			was := uncovered
			for _, coverage := range coverages {
				is := serve(layout(alloc(coverage, arms...)), hash)
				if was != uncovered && is != was {
					t.Fatalf("%v: hash %d goes from %s to %s at %v", arms, hash, was, is, coverage)
				}
				was = is
			}
		}
	}
}

// TestNestedUnderFlagdsHash does the same with flagd's own hash and units by name.
func TestNestedUnderFlagdsHash(t *testing.T) {
	// Reference value of MurmurHash3 x86 32 with seed 0.
	if got := murmur3.StringSum32("hello"); got != 0x248bfa47 {
		t.Fatalf("another hash: %#x", got)
	}
	const units = 40_000
	ladder := []float64{0.1, 0.25, 0.5, 0.75, 1}
	for _, flagKey := range []string{"answer-v2", "summary-tone"} {
		was := make([]string, units)
		for _, coverage := range ladder {
			list := layout(half(coverage))
			counts := map[string]float64{}
			for i := range units {
				is := serve(list, murmur3.StringSum32(flagKey+fmt.Sprintf("u-%06d", i)))
				counts[is]++
				if was[i] != "" && was[i] != uncovered && is != was[i] {
					t.Fatalf("%s: unit %d goes from %s to %s at %v", flagKey, i, was[i], is, coverage)
				}
				was[i] = is
			}
			for _, variation := range []string{"control", "treatment"} {
				p := coverage / 2
				if z := (counts[variation]/units - p) / math.Sqrt(p*(1-p)/units); math.Abs(z) > 4.5 {
					t.Errorf("%s at %v: %v units in %s (z = %.1f)", flagKey, coverage, counts[variation], variation, z)
				}
			}
		}
	}
}

func TestWithin(t *testing.T) {
	// Largest remainders give {2, 4, 4} of 10 and {1, 5, 5} of 11 here: the first
	// part shrinks.
	regions := []int64{15, 39, 39}
	last := make([]int64, len(regions))
	for total := range int64(94) {
		parts := within(regions, total)
		sum := int64(0)
		for i, p := range parts {
			sum += p
			if p < last[i] || p > regions[i] {
				t.Errorf("total %d: part %d goes from %d to %d of %d", total, i, last[i], p, regions[i])
			}
		}
		if sum != total {
			t.Errorf("total %d: parts %v", total, parts)
		}
		last = parts
	}
	if !slices.Equal(last, regions) {
		t.Errorf("all of it is %v, want %v", last, regions)
	}
}
