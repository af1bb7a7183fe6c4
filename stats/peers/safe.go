package peers

import (
	"math"

	"assay/stats"
)

// SafePrior is the pseudo-count of successes and of failures that safestats
// gives each arm.
const SafePrior = 0.18

// SafeProportions is the safe test of two proportions (Turner, Ly & Grünwald
// 2024; safestats, safeTwoProportionsTest with plug-in estimates): in each block
// it bets on the shares estimated from the blocks before, against their average
// weighted by the block's sizes. It is exact for any block sizes and needs no
// declared split. The first block pays nothing.
type SafeProportions struct {
	prior              float64
	status             stats.Status
	control, treatment Counts
	logE               float64
}

// NewSafeProportions starts a test with a prior of 1e-9 to 1e9 pseudo-counts
// (SafePrior). Any other makes it a bad question.
func NewSafeProportions(prior float64) SafeProportions {
	if !(prior >= 1e-9 && prior <= 1e9) {
		return SafeProportions{status: stats.StatusBadQuestion}
	}
	return SafeProportions{prior: prior, status: stats.StatusNoUnits}
}

// Add takes the next block, its new units and new events; an empty one changes
// nothing. A block with more events than units makes the whole test a bad
// question.
func (s *SafeProportions) Add(control, treatment Counts) {
	units := control.Units + treatment.Units
	switch {
	case s.status == stats.StatusBadQuestion || !control.sound() || !treatment.sound():
		s.status = stats.StatusBadQuestion
		return
	case units == 0:
		return
	}
	pc, pt := s.estimate(s.control), s.estimate(s.treatment)
	weight := float64(treatment.Units) / float64(units)
	pooled := odds{hit: pc.hit + weight*(pt.hit-pc.hit), miss: pc.miss + weight*(pt.miss-pc.miss)}
	s.logE += control.logRatio(pc, pooled) + treatment.logRatio(pt, pooled)
	s.control.add(control)
	s.treatment.add(treatment)
	s.status = stats.StatusOK
}

// LogE is the log e-value against equal proportions. Degenerate input, no unit
// at all among it: 0 and a status.
func (s *SafeProportions) LogE() (logE float64, status stats.Status) {
	if s.status != stats.StatusOK {
		return 0, s.status
	}
	return s.logE, stats.StatusOK
}

// odds are the estimated shares with and without the event; both are kept, so
// that neither rounds to zero.
type odds struct{ hit, miss float64 }

// estimate is an arm's odds before the block; even before the first.
func (s *SafeProportions) estimate(c Counts) odds {
	n := float64(c.Units) + 2*s.prior
	return odds{hit: (float64(c.Events) + s.prior) / n, miss: (float64(c.Units-c.Events) + s.prior) / n}
}

func (c Counts) sound() bool { return c.Events >= 0 && c.Events <= c.Units }

func (c *Counts) add(more Counts) {
	c.Events += more.Events
	c.Units += more.Units
}

// logRatio is the log likelihood ratio of the odds p against null.
func (c Counts) logRatio(p, null odds) float64 {
	return float64(c.Events)*math.Log(p.hit/null.hit) + float64(c.Units-c.Events)*math.Log(p.miss/null.miss)
}
