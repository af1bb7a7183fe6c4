package main

import (
	"math"
	"math/rand/v2"

	"assay/stats"
)

// world makes the data of one batch; the units and arms of it are given.
type world interface {
	// metrics is how many values a unit has.
	metrics() int
	// grow adds a batch to what was seen.
	grow(r *rand.Rand, b batch, now *life)
}

// gaussian is one normal value of variance 1 a unit.
type gaussian struct {
	effect float64 // of treatment, in standard deviations
	trend  float64 // of the mean of both arms over the duration
	each   bool    // unit by unit, so that the third moment is told
}

func (gaussian) metrics() int { return 1 }

func (g gaussian) grow(r *rand.Rand, b batch, now *life) {
	base := g.trend * b.time
	draw := normalBatch
	if g.each {
		draw = normalUnits
	}
	now.add(0, b, draw(r, b.control, base), draw(r, b.treatment, base+g.effect))
}

// normalUnits is normalBatch unit by unit, with the third moment.
func normalUnits(r *rand.Rand, n int, mean float64) stats.Moments {
	s := sums{shift: mean}
	for range n {
		s.add(mean + r.NormFloat64())
	}
	return s.moments()
}

// errorEvents is a value that is 1 with a small probability, an error, and else 0.
type errorEvents struct {
	control, treatment float64 // rates at the start, in (0,1)
	growth             float64 // both rates at the end, as a multiple of the start; 0 = 1
}

func (errorEvents) metrics() int { return 1 }

func (e errorEvents) grow(r *rand.Rand, b batch, now *life) {
	trend := 1.0
	if e.growth > 0 {
		trend += (e.growth - 1) * b.time
	}
	control := share01(b.control, binomial(r, b.control, e.control*trend))
	treatment := share01(b.treatment, binomial(r, b.treatment, e.treatment*trend))
	now.add(0, b, control, treatment)
}

// correlated is several normal values of variance 1 a unit, each two of which
// have the correlation rho.
type correlated struct {
	rho     float64
	effects []float64 // of treatment, one a metric
}

func (c correlated) metrics() int { return len(c.effects) }

func (c correlated) grow(r *rand.Rand, b batch, now *life) {
	control, treatment := make([]stats.Moments, len(c.effects)), make([]stats.Moments, len(c.effects))
	correlatedBatch(r, b.control, c.rho, make([]float64, len(c.effects)), control)
	correlatedBatch(r, b.treatment, c.rho, c.effects, treatment)
	for i := range control {
		now.add(i, b, control[i], treatment[i])
	}
}

// copula is several values a unit, in turn a normal one and an error, whose
// normal scores have the pairwise correlation rho.
type copula struct {
	rho  float64
	rate float64 // of the errors
	n    int     // metrics
}

func (c copula) metrics() int { return c.n }

// fails tells whether a metric is an error rate.
func (c copula) fails(metric int) bool { return metric%2 == 1 }

func (c copula) grow(r *rand.Rand, b batch, now *life) {
	control, treatment := c.draw(r, b.control), c.draw(r, b.treatment)
	for i := range control {
		now.add(i, b, control[i].moments(), treatment[i].moments())
	}
}

func (c copula) draw(r *rand.Rand, n int) []sums {
	out := make([]sums, c.n)
	least := normalQuantile(1 - c.rate)
	common, own := math.Sqrt(c.rho), math.Sqrt(1-c.rho)
	for range n {
		factor := common * r.NormFloat64()
		for i := range out {
			x := factor + own*r.NormFloat64()
			if c.fails(i) {
				x = indicator(x > least)
			}
			out[i].add(x)
		}
	}
	return out
}

// The views of a lognormal value, in the order of its metrics.
const (
	viewLog    = iota // its logarithm
	viewOver          // whether it is above the 95th percentile
	viewCapped        // the value, capped at the 99th percentile
	viewRaw           // the value
	views
)

// lognormal is a latency: exp of a normal value. All percentiles are those of
// control, fixed beforehand.
type lognormal struct {
	sigma float64
	scale float64 // of treatment, as a multiple; 0 = 1
	tail  float64 // probability that a treated unit's value is four times as large
}

func (lognormal) metrics() int { return views }

func (l lognormal) grow(r *rand.Rand, b batch, now *life) {
	control, treatment := l.arm(r, b.control, lognormal{}), l.arm(r, b.treatment, l)
	for i := range control {
		now.add(i, b, control[i].moments(), treatment[i].moments())
	}
}

// arm draws n units with the harm of another; only its scale and tail count.
func (l lognormal) arm(r *rand.Rand, n int, harm lognormal) (out [views]sums) {
	limit, most := math.Exp(l.sigma*normalQuantile(0.95)), math.Exp(l.sigma*normalQuantile(0.99))
	out[viewCapped].shift, out[viewRaw].shift = math.Exp(l.sigma*l.sigma/2), math.Exp(l.sigma*l.sigma/2)
	shift := 0.0
	if harm.scale > 0 {
		shift = math.Log(harm.scale)
	}
	for range n {
		x := shift + l.sigma*r.NormFloat64()
		if harm.tail > 0 && r.Float64() < harm.tail {
			x += math.Log(4)
		}
		value := math.Exp(x)
		out[viewLog].add(x)
		out[viewOver].add(indicator(value > limit))
		out[viewCapped].add(min(value, most))
		out[viewRaw].add(value)
	}
	return out
}

// counts is units without any value: for the sample ratio.
type counts struct{}

func (counts) metrics() int { return 1 }

func (counts) grow(_ *rand.Rand, b batch, now *life) {
	now.add(0, b, stats.Moments{N: int64(b.control)}, stats.Moments{N: int64(b.treatment)})
}

func indicator(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
