package stats

import (
	"cmp"
	"math"
	"slices"
)

// SplitAlpha splits the error alpha of a family, in (0,1), by weight (weighted
// Bonferroni). With the split fixed before data, the chance that any true null
// is ever rejected at its share is at most alpha: at any stopping time, under
// any dependence of the metrics. A weight that is not positive and finite gets
// nothing; if none is, all get the same.
func SplitAlpha(alpha float64, weights []float64) []float64 {
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

// Holm adjusts p-values in [0,1] so that rejecting those at most alpha keeps the
// family-wise error (Holm 1979); valid at any stopping time for sequential
// p-values.
func Holm(p []float64) []float64 {
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
	out := make([]float64, len(p))
	last := 1.0
	for rank, i := range slices.Backward(ascending(p)) {
		last = min(last, float64(len(p))/float64(rank+1)*p[i])
		out[i] = last
	}
	return out
}

// EBH rejects by log e-values at the false discovery rate alpha in (0,1), under
// any dependence (Wang & Ramdas 2022): indices in increasing order.
func EBH(logE []float64, alpha float64) []int {
	order := ascending(logE)
	slices.Reverse(order)
	reject := 0
	for rank, i := range order {
		if logE[i] >= math.Log(float64(len(logE)))-math.Log(alpha)-math.Log(float64(rank+1)) {
			reject = rank + 1
		}
	}
	out := order[:reject]
	slices.Sort(out)
	return out
}

// EClosedMean adjusts log e-values for the family by closed testing with the
// mean (Vovk & Wang 2021, "e-Holm"): the least mean over the sets that hold the
// index. Rejecting those of at least ln(1/alpha) keeps the family-wise error
// under any dependence. Give current values, never running maxima: a mean of
// maxima controls nothing.
func EClosedMean(logE []float64) []float64 {
	out := make([]float64, len(logE))
	order := ascending(logE)
	for rank, i := range order {
		// Only smaller ones lower the mean; the least come first.
		sum, least := 1.0, 1.0
		for k, j := range order[:rank] {
			sum += math.Exp(logE[j] - logE[i])
			least = min(least, sum/float64(k+2))
		}
		out[i] = logE[i] + math.Log(least)
	}
	return out
}
