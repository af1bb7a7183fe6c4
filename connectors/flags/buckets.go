package flags

import (
	"math"
	"slices"

	"assay/decide"
)

// uncovered is the variant that units outside the coverage get. Its value is
// that of the known-good variation; its name tells clients that no exposure is
// to be logged.
const uncovered = "uncovered"

// totalWeight is what the weights that assay writes sum to; flagd allows up to
// 2^31-1.
const totalWeight = 100_000

// bucket is one entry of a fractional list.
type bucket struct {
	variant string
	weight  int64
}

// layout lists the buckets of an allocation. Each arm has a region of the
// hash's range whose size depends on its weight alone. Inside it the covered
// part lies at the low end, for the known-good arm, which comes last, at the
// high end. So coverage grows by moving the borders inside the regions, and no
// unit ever changes its arm; with two arms the list is treatment, uncovered,
// control. Empty buckets are left out.
func layout(a decide.Allocation) []bucket { return layoutOf(a, totalWeight) }

// layoutOf is layout with weights that sum to total.
func layoutOf(a decide.Allocation, total int64) []bucket {
	arms := slices.Clone(a.Arms)
	slices.SortStableFunc(arms, func(x, y decide.Arm) int { return lastIf(a.KnownGood, x) - lastIf(a.KnownGood, y) })
	weights := make([]float64, len(arms))
	for i, arm := range arms {
		weights[i] = arm.Weight
	}
	regions := apportion(weights, total)
	covered := within(regions, int64(math.Round(a.Coverage*float64(total))))
	var list []bucket
	for i, arm := range arms {
		inside, outside := bucket{arm.Variation, covered[i]}, bucket{uncovered, regions[i] - covered[i]}
		if arm.Variation == a.KnownGood {
			inside, outside = outside, inside
		}
		list = append(list, inside, outside)
	}
	return merge(list)
}

func lastIf(knownGood string, arm decide.Arm) int {
	if arm.Variation == knownGood {
		return 1
	}
	return 0
}

// merge drops empty buckets and joins neighbours of the same variant.
func merge(list []bucket) []bucket {
	var merged []bucket
	for _, b := range list {
		switch n := len(merged); {
		case b.weight == 0:
		case n > 0 && merged[n-1].variant == b.variant:
			merged[n-1].weight += b.weight
		default:
			merged = append(merged, b)
		}
	}
	return merged
}

// within splits total, at most the sum of the regions, into covered parts of
// the regions: exactly total in all, and no part ever shrinks when total grows.
// Largest remainders do not have the second property (the Alabama paradox);
// highest averages do. This is the method of Webster (1832): each further unit
// goes to the region with the largest size/(2*part+1), the first of equals.
func within(regions []int64, total int64) []int64 {
	sum := int64(0)
	for _, r := range regions {
		sum += r
	}
	parts := make([]int64, len(regions))
	left := total
	for i, r := range regions {
		// Webster's part is never this far below the quota, so starting here
		// gives the same as starting from 0.
		parts[i] = max(0, r*total/sum-int64(len(regions)))
		left -= parts[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i, r := range regions {
			if r*(2*parts[best]+1) > regions[best]*(2*parts[i]+1) {
				best = i
			}
		}
		parts[best]++
	}
	return parts
}
