package main

import (
	"math"
	"math/rand/v2"

	"assay/stats"
)

// plan is when units come and how they are split.
type plan struct {
	looks   int
	units   int     // planned, of both arms together
	share   float64 // of treatment, in (0,1); of the first stage where there are several
	stages  []stage // nil: one stage that lasts
	drawn   bool    // arm sizes are binomial; otherwise units times share, rounded
	traffic bool    // the units of a look are random too
}

// stage is a span of the duration with its own traffic and split.
type stage struct {
	until float64 // share of the duration at which it ends, in (0,1]
	rate  float64 // of units, on any scale
	share float64 // of treatment
}

// batch is what comes between two looks.
type batch struct {
	epoch              int
	share              float64 // of treatment, in (0,1)
	time               float64 // middle of the batch, as a share of the duration
	control, treatment int     // units
}

// at is the stage at the k-th look, from 1.
func (p *plan) at(k int) (epoch int, s stage) {
	if p.stages == nil {
		return 1, stage{until: 1, rate: 1, share: p.share}
	}
	time := (float64(k) - 0.5) / float64(p.looks)
	for i, s := range p.stages {
		if time < s.until {
			return i + 1, s
		}
	}
	return len(p.stages), p.stages[len(p.stages)-1]
}

// upTo is the number of units that have come by the k-th look, if traffic is as
// planned.
func (p *plan) upTo(k int) int {
	if p.stages == nil {
		return p.units * k / p.looks
	}
	sum, all := 0.0, 0.0
	for i := 1; i <= p.looks; i++ {
		_, s := p.at(i)
		all += s.rate
		if i <= k {
			sum += s.rate
		}
	}
	return int(math.Round(float64(p.units) * sum / all))
}

// next is the batch of the k-th look, from 1.
func (p *plan) next(r *rand.Rand, k int) batch {
	epoch, s := p.at(k)
	from, to := p.upTo(k-1), p.upTo(k)
	b := batch{epoch: epoch, share: s.share, time: (float64(k) - 0.5) / float64(p.looks)}
	n := to - from
	if p.traffic {
		n = int(float64(n) * r.ExpFloat64())
	}
	if p.drawn {
		b.treatment = binomial(r, n, s.share)
	} else {
		// Rounding the running total keeps the split right over many small batches.
		b.treatment = int(math.Round(s.share*float64(to)) - math.Round(s.share*float64(from)))
	}
	b.control = n - b.treatment
	return b
}

// life is what one replication has seen up to a look.
type life struct {
	strata [][]stats.Stratum // by metric, by epoch
	units  int64
}

func newLife(metrics int) *life { return &life{strata: make([][]stats.Stratum, metrics)} }

// add takes in a batch of one metric.
func (l *life) add(metric int, b batch, control, treatment stats.Moments) {
	list := l.strata[metric]
	if len(list) == 0 || list[len(list)-1].Epoch != b.epoch {
		list = append(list, stats.Stratum{Epoch: b.epoch, Share: b.share})
		l.strata[metric] = list
	}
	s := &list[len(list)-1]
	s.Control, s.Treatment = merge(s.Control, control), merge(s.Treatment, treatment)
}
