package stats

import "math"

// SplitChange is where counts in order of time most likely go over from one
// split to another.
type SplitChange struct {
	// At is how many cells are still of the old split, from 0 to their number;
	// Earliest and Latest are the ends of those positions that are not 20 times less
	// likely.
	At       int `json:"at"`
	Earliest int `json:"earliest"`
	Latest   int `json:"latest"`
	// LogLR is the log of the likelihood ratio of At against the stated position;
	// 0 = the counts do not contradict it.
	LogLR float64 `json:"logLR"`
}

const (
	// DecisiveSplit is the LogLR from which on a stated position is given up. Were it
	// right, the likelihood ratio of the positions after it, taken one after the
	// other, would be a martingale that begins at 1, and so would that of the
	// positions before it: either ever exceeds 1000 with a chance of at most 1 in 1000
	// (Ville 1939), however many positions there are and however often one looks.
	DecisiveSplit = 6.907755278982137 // ln 1000
	// splitSupport is ln 20, how much less likely a position may be than the best.
	splitSupport = 2.995732273553991
	// straySplit is the share that an arm without any is taken to have: units that
	// somebody put there by hand come in ones and twos, and must decide nothing.
	straySplit = 0.05
)

// FindSplitChange finds the position at which cells of counts by arm go over from
// the shares before to the shares after (any positive scales, by arm) by maximum
// likelihood, and holds it against the stated one, in [0, len(cells)]. Of positions
// that are equally likely the one nearest to the stated one is taken. It knows
// exposures only, never what came of them. A question that cannot be answered (no
// cells, shares that are none, arms that do not fit) leaves the stated position.
func FindSplitChange(cells [][]int64, before, after []float64, stated int) SplitChange {
	stated = min(max(stated, 0), len(cells))
	c := SplitChange{At: stated, Earliest: stated, Latest: stated}
	p, q := floored(before), floored(after)
	if p == nil || q == nil || len(p) != len(q) {
		return c
	}
	logs := make([]float64, len(cells)+1)
	for i, cell := range cells {
		if len(cell) != len(p) {
			return c
		}
		logs[i+1] = logs[i]
		for arm, n := range cell {
			logs[i+1] += float64(max(n, 0)) * (p[arm] - q[arm])
		}
	}
	for i, l := range logs {
		if top := logs[c.At]; l > top || l == top && max(i-stated, stated-i) < max(c.At-stated, stated-c.At) {
			c.At = i
		}
	}
	c.Earliest, c.Latest = c.At, c.At
	for i, l := range logs {
		if l >= logs[c.At]-splitSupport {
			c.Earliest, c.Latest = min(c.Earliest, i), max(c.Latest, i)
		}
	}
	c.LogLR = bounded(logs[c.At] - logs[stated])
	return c
}

// floored are the logs of shares that sum to 1, none of them 0; nil where they are
// no shares.
func floored(shares []float64) []float64 {
	total := 0.0
	for _, s := range shares {
		if !(s >= 0) || !isFinite(s) {
			return nil
		}
		total += s
	}
	if !(total > 0) || !isFinite(total) {
		return nil
	}
	logs, sum := make([]float64, len(shares)), 0.0
	for i, s := range shares {
		if logs[i] = s / total; s == 0 {
			logs[i] = straySplit
		}
		sum += logs[i]
	}
	for i := range logs {
		logs[i] = math.Log(logs[i] / sum)
	}
	return logs
}

// LogUnrisen is the log of the likelihood ratio of "as many as before" against
// "rise times as many", rise > 1, for a Poisson count n beside the count before of
// an equal time: given their sum n is binomial, whatever the traffic. Positive:
// they are rather as many as before. 0 where the question is none.
func LogUnrisen(n, before int64, rise float64) float64 {
	if n < 0 || before < 0 || !(rise > 1) || !isFinite(rise) {
		return 0
	}
	return bounded((float64(n)+float64(before))*(math.Log1p(rise)-math.Ln2) - float64(n)*math.Log(rise))
}
