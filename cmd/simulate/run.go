package main

import (
	"fmt"
	"math"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/stat"

	"assay/stats"
)

// outcome is how one replication went for one method.
type outcome struct {
	look  int // at which it stopped; 0 = never
	units int // seen when it stopped
	said  stats.Optional
}

// line is a method in a cell, over all replications.
type line struct {
	cell   *cell
	method string
	level  float64
	reps   int
	hits   int
	byLook []int   // hits up to each look
	mean   float64 // units when it stopped, those that never did counted as planned, as a share of the planned
	meanSE float64 // standard error of mean
	said   []float64
}

// rate of replications that stopped.
func (l *line) rate() float64 { return float64(l.hits) / float64(l.reps) }

// block is how many replications a worker takes at once.
const block = 25

// play runs the replications of a cell on some workers. What comes out does
// not depend on their number: every replication has a stream and a place of its
// own.
func play(c *cell, workers int) ([]line, error) {
	starts := make([]func() judge, len(c.methods))
	outcomes := make([][]outcome, len(c.methods))
	for i, m := range c.methods {
		start, err := m.ready(c)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.key(), m.name, err)
		}
		starts[i], outcomes[i] = start, make([]outcome, c.reps)
	}
	var next atomic.Int64
	var group errgroup.Group
	for range workers {
		group.Go(func() error {
			for {
				from := int(next.Add(block)) - block
				if from >= c.reps {
					return nil
				}
				for rep := from; rep < min(from+block, c.reps); rep++ {
					c.replicate(rep, starts, outcomes)
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	lines := make([]line, len(c.methods))
	for i, m := range c.methods {
		lines[i] = c.sum(m, outcomes[i])
	}
	return lines, nil
}

// replicate lives one life and lets every method watch it until it stops.
func (c *cell) replicate(rep int, starts []func() judge, outcomes [][]outcome) {
	r, now := stream(c.key(), rep), newLife(c.world.metrics())
	judges := make([]judge, len(starts))
	for i, start := range starts {
		judges[i] = start()
	}
	watching := len(judges)
	for k := 1; k <= c.plan.looks && watching > 0; k++ {
		b := c.plan.next(r, k)
		c.world.grow(r, b, now)
		now.units += int64(b.control + b.treatment)
		for i := range judges {
			out := &outcomes[i][rep]
			if out.look == 0 && judges[i].stop(k, now) {
				*out = outcome{look: k, units: int(now.units)}
				watching--
			}
		}
	}
	for i := range judges {
		if t, ok := judges[i].(teller); ok {
			outcomes[i][rep].said = t.tell()
		}
	}
}

// sum of the replications of a method, in their order.
func (c *cell) sum(m method, list []outcome) line {
	out := line{cell: c, method: m.name, level: m.level, reps: len(list), byLook: make([]int, c.plan.looks)}
	units := make([]float64, len(list))
	for i, o := range list {
		units[i] = 1
		if o.said.Known {
			out.said = append(out.said, o.said.Value)
		}
		if o.look > 0 {
			out.hits++
			out.byLook[o.look-1]++
			units[i] = float64(o.units) / float64(c.plan.units)
		}
	}
	for k := 1; k < len(out.byLook); k++ {
		out.byLook[k] += out.byLook[k-1]
	}
	mean, deviation := stat.MeanStdDev(units, nil)
	out.mean, out.meanSE = mean, deviation/math.Sqrt(float64(len(list)))
	return out
}

// playAll runs all cells, telling after each how far it is.
func playAll(cells []cell, workers int, tell func(done int, c *cell)) (results, error) {
	var out results
	for i := range cells {
		lines, err := play(&cells[i], workers)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
		tell(i+1, &cells[i])
	}
	return out, nil
}

// results are the lines of all cells, in the order of the cells.
type results []line

// find the line of a method in a cell.
func (r results) find(cell, method string) (*line, error) {
	for i := range r {
		if r[i].cell.key() == cell && r[i].method == method {
			return &r[i], nil
		}
	}
	return nil, fmt.Errorf("no line %q, %q", cell, method)
}
