package peers

import (
	"math"

	"assay/stats"
)

// Hedge is a two-sided betting test of the mean of values in [0, 1]
// (Waudby-Smith & Ramdas 2024, hedged capital; confseq, betting_mart): it bets
// both ways with predictable plug-in empirical-Bernstein bets. Mean in (0,1) is
// the hypothesis, Alpha in (0,1) the level that the bets are tuned to, Theta in
// (0,1) the share of capital that bets on a higher mean, Trunc in (0,1) the
// share of the greatest bet that is never exceeded (1/2 is usual for both).
type Hedge struct{ Mean, Alpha, Theta, Trunc float64 }

// Capital is what a Hedge has won after the values so far. It depends on their
// order; a copy of it continues on its own.
type Capital struct {
	hedge         Hedge
	status        stats.Status
	t             float64 // values so far
	sum           float64 // of the values, and of the prior's mean as one more
	squares       float64 // of deviations from running means, and the prior's variance
	higher, lower float64 // log capitals
}

// Start is the capital before the first value: none won. A hedge whose fields
// are out of range says so as the status of LogE.
func (h Hedge) Start() Capital {
	c := Capital{hedge: h, status: stats.StatusNoUnits, sum: 0.5, squares: 0.25}
	if !inside(h.Mean) || !inside(h.Alpha) || !inside(h.Theta) || !inside(h.Trunc) {
		c.status = stats.StatusBadQuestion
	}
	return c
}

// Add bets on the next value x in [0, 1]. One that is not makes the whole test
// a bad question.
func (c *Capital) Add(x float64) {
	if c.status == stats.StatusBadQuestion || !(x >= 0 && x <= 1) {
		c.status = stats.StatusBadQuestion
		return
	}
	h := &c.hedge
	variance := c.squares / (c.t + 1)
	c.t++
	bet := math.Sqrt(2 * (math.Ln2 - math.Log(h.Alpha)) / (variance * c.t * math.Log1p(c.t)))
	c.higher += math.Log1p(min(bet, h.Trunc/h.Mean) * (x - h.Mean))
	c.lower += math.Log1p(-min(bet, h.Trunc/(1-h.Mean)) * (x - h.Mean))
	c.sum += x
	d := x - c.sum/(c.t+1)
	c.squares += d * d
	c.status = stats.StatusOK
}

// LogE is the log of the hedged capital, an e-value against the mean: the
// greater of the two bets. Degenerate input, no value at all among it: 0 and a
// status.
func (c *Capital) LogE() (logE float64, status stats.Status) {
	if c.status != stats.StatusOK {
		return 0, c.status
	}
	return max(math.Log(c.hedge.Theta)+c.higher, math.Log1p(-c.hedge.Theta)+c.lower), stats.StatusOK
}
