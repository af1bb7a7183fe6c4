package flags

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"assay/decide"
)

const (
	// defaultUnit is 1/1000 of a percent, the finest that stores in use express.
	defaultUnit = 1e-5
	// coarsestUnit bounds what a store may claim, so that a claim cannot make
	// different states equal.
	coarsestUnit = 0.01
	sumTolerance = 1e-6
	maxNameBytes = 200
)

// valid tells whether an allocation is one.
func valid(a decide.Allocation) error {
	if !(a.Coverage >= 0 && a.Coverage <= 1) {
		return errors.New("coverage is not in [0,1]")
	}
	if len(a.Arms) == 0 {
		return errors.New("it has no arms")
	}
	sum, seen := 0.0, map[string]bool{}
	for _, arm := range a.Arms {
		if arm.Variation == "" || len(arm.Variation) > maxNameBytes || seen[arm.Variation] {
			return errors.New("a variation has no name, one that is too long, or one that another has")
		}
		if !(arm.Weight >= 0 && arm.Weight <= 1) {
			return errors.New("a weight is not in [0,1]")
		}
		sum += arm.Weight
		seen[arm.Variation] = true
	}
	if math.Abs(sum-1) > sumTolerance {
		return errors.New("the weights do not sum to 1")
	}
	if len(a.KnownGood) > maxNameBytes {
		return errors.New("the name of the known-good variation is too long")
	}
	return nil
}

// shares are the shares of all units, in [0,1], that are covered and get each
// variation.
func shares(a decide.Allocation) map[string]float64 {
	got := make(map[string]float64, len(a.Arms))
	for _, arm := range a.Arms {
		got[arm.Variation] += a.Coverage * arm.Weight
	}
	return got
}

// Same tells whether two states serve the same, up to rounding to unit, a
// share of all units in (0,1). The order of arms means nothing, a missing arm
// has weight 0, the split of an empty coverage means nothing, and two states
// that give everybody the known-good variation are the same.
func Same(a, b decide.Allocation, unit float64) bool {
	knownGood := cmp.Or(a.KnownGood, b.KnownGood)
	// A store may round the region of an arm and the covered part of it.
	near := 2*unit + sumTolerance
	if allKnownGood(a, knownGood, near) && allKnownGood(b, knownGood, near) {
		return true
	}
	uncovered := math.Max(1-a.Coverage, 1-b.Coverage) > near
	if uncovered && a.KnownGood != "" && b.KnownGood != "" && a.KnownGood != b.KnownGood {
		return false
	}
	left, right := shares(a), shares(b)
	for variation, share := range left {
		if math.Abs(share-right[variation]) > near {
			return false
		}
		delete(right, variation)
	}
	for _, share := range right {
		if share > near {
			return false
		}
	}
	return math.Abs(a.Coverage-b.Coverage) <= near*float64(max(len(a.Arms), len(b.Arms)))
}

func allKnownGood(a decide.Allocation, knownGood string, near float64) bool {
	if knownGood == "" || (a.KnownGood != "" && a.KnownGood != knownGood) {
		return false
	}
	return 1-a.Coverage+shares(a)[knownGood] >= 1-near
}

// Conform writes a state that was read from a store in the terms of another
// one, usually the spec's: its arms in that order, those that the store does
// not mention with weight 0, strangers last. Where nothing is covered the
// split is that of like. The known-good variation is like's: what a store's note
// says of it may stem from an earlier experiment on the same flag.
func Conform(a, like decide.Allocation) decide.Allocation {
	out := decide.Allocation{Coverage: a.Coverage, KnownGood: cmp.Or(like.KnownGood, a.KnownGood)}
	if a.Coverage == 0 {
		out.Arms = slices.Clone(like.Arms)
		return out
	}
	weights := map[string]float64{}
	for _, arm := range a.Arms {
		weights[arm.Variation] = arm.Weight
	}
	for _, arm := range like.Arms {
		out.Arms = append(out.Arms, decide.Arm{Variation: arm.Variation, Weight: weights[arm.Variation]})
		delete(weights, arm.Variation)
	}
	for _, arm := range a.Arms {
		if _, stranger := weights[arm.Variation]; stranger {
			out.Arms = append(out.Arms, arm)
		}
	}
	return out
}

// percent is the part of all units, in percent with three decimals, that gets
// each variation, the uncovered ones with the known-good; it sums to 100. It is
// for receivers that know nothing of coverage.
func percent(a decide.Allocation) map[string]float64 {
	got := shares(a)
	if a.KnownGood != "" {
		got[a.KnownGood] += 1 - a.Coverage
	}
	names := make([]string, 0, len(got))
	for name := range got {
		names = append(names, name)
	}
	slices.Sort(names)
	parts := make([]float64, len(names))
	for i, name := range names {
		parts[i] = got[name]
	}
	for i, n := range apportion(parts, 100_000) {
		got[names[i]] = float64(n) / 1000
	}
	return got
}

// apportion splits total into whole parts proportional to parts by the largest
// remainder (Hamilton, 1792); of equal remainders the first gets the unit.
func apportion(parts []float64, total int64) []int64 {
	sum := 0.0
	for _, p := range parts {
		sum += p
	}
	whole, rest := make([]int64, len(parts)), make([]float64, len(parts))
	order := make([]int, len(parts))
	left := total
	for i, p := range parts {
		quota := p / sum * float64(total)
		whole[i] = int64(math.Floor(quota + sumTolerance))
		rest[i] = quota - float64(whole[i])
		order[i] = i
		left -= whole[i]
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(rest[j], rest[i]) })
	for _, i := range order[:max(0, min(left, int64(len(order))))] {
		whole[i]++
	}
	return whole
}

// Describe is an allocation in words: "coverage 10 %: control 50 %, treatment
// 50 %"; what stores named is quoted where it is not plain.
func Describe(a decide.Allocation) string { return describe(a) }

// describe is an allocation in words: "coverage 10 %: control 50 %, treatment 50 %".
func describe(a decide.Allocation) string {
	arms := make([]string, len(a.Arms))
	for i, arm := range a.Arms {
		arms[i] = printable(arm.Variation) + " " + inPercent(arm.Weight)
	}
	return "coverage " + inPercent(a.Coverage) + ": " + strings.Join(arms, ", ")
}

func inPercent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e5)/1e3, 'f', -1, 64) + " %"
}

// printable shows a name that may come from a store: quoted where it has
// anything but letters, digits and a few marks, and never long.
func printable(name string) string {
	const most = 64
	if len(name) > most {
		name = name[:most]
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return notIDRune(r) && r != '.' }) {
		return fmt.Sprintf("%+q", name)
	}
	return name
}
