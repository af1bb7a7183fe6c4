package main

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// normalQuantile is the z below which a standard normal value is with
// probability p in (0,1).
func normalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }

// atLeast is the chance of k or more hits in n replications of probability p.
func atLeast(k, n int, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n:
		return 0
	}
	return mathext.RegIncBeta(float64(k), float64(n-k+1), p)
}

// mostHits is the greatest number of hits that n replications of a test of
// level alpha may show: more come by chance with a probability of at most risk.
func mostHits(n int, alpha, risk float64) int {
	low, high := 0, n // The chance of more than low exceeds risk, of more than high it does not.
	for low < high {
		middle := (low + high) / 2
		if atLeast(middle+1, n, alpha) <= risk {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// interval is the two-sided interval of a probability after hits in n
// replications, at confidence 1 - risk (Clopper & Pearson 1934).
func interval(hits, n int, risk float64) (low, high float64) {
	k, all := float64(hits), float64(n)
	low, high = 0, 1
	if hits > 0 {
		low = mathext.InvRegIncBeta(k, all-k+1, risk/2)
	}
	if hits < n {
		high = mathext.InvRegIncBeta(k+1, all-k, 1-risk/2)
	}
	return low, high
}

// standardError of a rate after n replications.
func standardError(rate float64, n int) float64 { return math.Sqrt(rate * (1 - rate) / float64(n)) }
