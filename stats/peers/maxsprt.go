package peers

import (
	"math"

	"assay/stats"
)

// MaxSPRT is the log likelihood ratio of the binomial maximised sequential
// probability ratio test (Kulldorff, Davis, Kolczak, Lewis, Lieu & Platt 2011)
// that treatment has a higher rate: given that an event happened it is
// treatment's with probability shareT in (0,1) under the hypothesis of equal
// rates. eventsT and eventsC >= 0. It is 0 where treatment has no more than its
// share. Degenerate input: 0 and a status.
func MaxSPRT(eventsT, eventsC, shareT float64) (llr float64, status stats.Status) {
	n := eventsT + eventsC
	switch {
	case !inside(shareT) || !(eventsT >= 0) || !(eventsC >= 0):
		return 0, stats.StatusBadQuestion
	case n == 0:
		return 0, stats.StatusNoEvents
	case math.IsInf(n, 1):
		return 0, stats.StatusNotFinite
	}
	return maxLLR(eventsT, n, shareT), stats.StatusOK
}

// maxLLR is the log likelihood ratio at s of n events.
func maxLLR(s, n, share float64) float64 {
	if s <= n*share {
		return 0
	}
	llr := s * math.Log(s/(n*share))
	if s < n {
		llr += (n - s) * math.Log((n-s)/(n*(1-share)))
	}
	return max(llr, 0)
}

// MaxSPRTSize is the exact chance, in [0,1), that MaxSPRT reaches critical > 0
// at any of the first maxEvents >= 1 events, a look after each, when the rates
// are equal (Kulldorff et al. 2011). It takes time in the square of maxEvents.
// Where no outcome can signal: 0 and StatusTooFew. Degenerate input: 0 and a
// status.
func MaxSPRTSize(maxEvents int, critical, shareT float64) (size float64, status stats.Status) {
	switch {
	case !inside(shareT) || !positive(critical) || maxEvents < 0:
		return 0, stats.StatusBadQuestion
	case maxEvents == 0:
		return 0, stats.StatusNoEvents
	}
	size = crossing(make([]float64, maxEvents+2), critical, shareT)
	if size == 0 {
		return 0, stats.StatusTooFew
	}
	return size, stats.StatusOK
}

// crossing is the chance of a signal; alive, of two more than the events, is
// room for the chances of s events of treatment without a signal so far.
func crossing(alive []float64, critical, share float64) (size float64) {
	clear(alive)
	alive[0] = 1
	signal := 1 // Least number of treatment's events that signals; it never falls.
	for n := 1; n < len(alive)-1; n++ {
		for s := min(n, signal); s > 0; s-- {
			alive[s] = alive[s]*(1-share) + alive[s-1]*share
		}
		alive[0] *= 1 - share
		for signal <= n && maxLLR(float64(signal), float64(n), share) < critical {
			signal++
		}
		if signal <= n {
			size += alive[signal]
			alive[signal] = 0
		}
	}
	return size
}

// MaxSPRTCritical is the least critical value of MaxSPRT, to 1e-9 (relative
// above 1), whose size
// over maxEvents >= 1 events is at most alpha in (0,1). Where even the most
// extreme outcome is likelier than alpha, and for degenerate input: +Inf and a
// status.
func MaxSPRTCritical(maxEvents int, alpha, shareT float64) (critical float64, status stats.Status) {
	switch {
	case !inside(shareT) || !inside(alpha) || maxEvents < 0:
		return never(), stats.StatusBadQuestion
	case maxEvents == 0:
		return never(), stats.StatusNoEvents
	}
	alive := make([]float64, maxEvents+2)
	low, high := 0.0, -float64(maxEvents)*math.Log(shareT)*(1-1e-12) // Only all of treatment signal there.
	if crossing(alive, high, shareT) > alpha {
		return never(), stats.StatusTooFew
	}
	for high-low > 1e-9*max(1, high) {
		mid := (low + high) / 2
		if crossing(alive, mid, shareT) <= alpha {
			high = mid
		} else {
			low = mid
		}
	}
	return high, stats.StatusOK
}
