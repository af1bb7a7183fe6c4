package stats

import (
	"cmp"
	"math"
	"slices"
)

// Every function here answers any numbers at all, in the order it was asked,
// and an empty family with an empty answer. A p-value that is NaN or outside of
// [0,1] is none and counts as 1; a log e-value that is NaN counts as one of 0,
// which is no evidence at all, and beyond the greatest float as that.

// SplitAlpha splits the error alpha of a family, in (0,1), by weight (weighted
// Bonferroni). With the split fixed before data, the chance that any true null
// is ever rejected at its share is at most alpha: at any stopping time, under
// any dependence of the metrics. A weight that is not positive and finite gets
// nothing; if none is, all get the same. Of an alpha outside of (0,1) all get 0.
func SplitAlpha(alpha float64, weights []float64) []float64 {
	if !(alpha > 0 && alpha < 1) {
		return make([]float64, len(weights))
	}
	out := make([]float64, len(weights))
	top := 0.0
	for _, w := range weights {
		if isFinite(w) {
			top = max(top, w)
		}
	}
	total := 0.0
	for i, w := range weights {
		switch {
		case top == 0:
			out[i] = 1
		case w > 0 && isFinite(w):
			out[i] = w / top
		}
		total += out[i]
	}
	for i := range out {
		out[i] *= alpha / total
	}
	return out
}

// ascending is the order of indices from the smallest value to the largest.
func ascending(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(x[i], x[j]) })
	return order
}

// probabilities are p-values with those that are none replaced by 1.
func probabilities(p []float64) []float64 {
	out := slices.Clone(p)
	for i, x := range out {
		if !(x >= 0 && x <= 1) {
			out[i] = 1
		}
	}
	return out
}

// evidences are log e-values, finite.
func evidences(logE []float64) []float64 {
	out := slices.Clone(logE)
	for i, x := range out {
		if out[i] = bounded(x); math.IsNaN(x) {
			out[i] = -math.MaxFloat64
		}
	}
	return out
}

// Holm adjusts p-values in [0,1] so that rejecting those at most alpha keeps the
// family-wise error (Holm 1979); valid at any stopping time for sequential
// p-values.
func Holm(p []float64) []float64 {
	p = probabilities(p)
	out := make([]float64, len(p))
	last := 0.0
	for rank, i := range ascending(p) {
		last = max(last, min(1, float64(len(p)-rank)*p[i]))
		out[i] = last
	}
	return out
}

// BenjaminiHochberg adjusts p-values in [0,1] so that rejecting those at most q
// keeps the false discovery rate at one fixed time, under positive dependence
// (Benjamini & Hochberg 1995).
func BenjaminiHochberg(p []float64) []float64 {
	p = probabilities(p)
	out := make([]float64, len(p))
	last := 1.0
	for rank, i := range slices.Backward(ascending(p)) {
		last = min(last, float64(len(p))/float64(rank+1)*p[i])
		out[i] = last
	}
	return out
}

// AdjustEBH is, for every log e-value, the least alpha at which EBH rejects it,
// at most 1: with e_(1) >= e_(2) >= ... >= e_(n), that of the r-th is the least
// n/(k e_(k)) over k >= r. Rejecting those at most alpha keeps the false
// discovery rate under any dependence (Wang & Ramdas 2022), at any stopping time
// where all are taken at it: give current values, never running maxima.
func AdjustEBH(logE []float64) []float64 {
	logE = evidences(logE)
	out := make([]float64, len(logE))
	last := 1.0
	n := float64(len(logE))
	for i, at := range ascending(logE) {
		k := n - float64(i)
		last = min(last, math.Exp(math.Log(n/k)-logE[at]))
		out[at] = last
	}
	return out
}

// EBH rejects by log e-values at the false discovery rate alpha in (0,1), under
// any dependence (Wang & Ramdas 2022): indices in increasing order. Outside of
// (0,1) it rejects none.
func EBH(logE []float64, alpha float64) []int {
	var out []int
	if !(alpha > 0 && alpha < 1) {
		return out
	}
	for i, least := range AdjustEBH(logE) {
		if least <= alpha {
			out = append(out, i)
		}
	}
	return out
}

// EClosedMean adjusts log e-values for the family by closed testing with the
// mean (Vovk & Wang 2021, "e-Holm"): the least mean over the sets that hold the
// index. Rejecting those of at least ln(1/alpha) keeps the family-wise error
// under any dependence. Give current values, never running maxima: a mean of
// maxima controls nothing.
func EClosedMean(logE []float64) []float64 {
	logE = evidences(logE)
	out := make([]float64, len(logE))
	order := ascending(logE)
	for rank, i := range order {
		// Only smaller ones lower the mean; the least come first.
		sum, least := 1.0, 1.0
		for k, j := range order[:rank] {
			sum += math.Exp(logE[j] - logE[i])
			least = min(least, sum/float64(k+2))
		}
		out[i] = bounded(logE[i] + math.Log(least))
	}
	return out
}
