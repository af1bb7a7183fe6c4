package main

import (
	"fmt"

	"assay/decide"
	"assay/stats"
)

// judge watches one replication, look by look.
type judge interface {
	// stop tells whether this look, the k-th from 1, ends the watch.
	stop(k int, now *life) bool
}

// teller is a judge that says a number after the last look.
type teller interface{ tell() stats.Optional }

// method is a way to judge that runs in a cell.
type method struct {
	name string
	// level is the most that it may ever stop a harmless change, in (0,1); 0 where
	// nothing is promised.
	level float64
	// ready makes what all replications share, and from it a judge for each.
	ready func(c *cell) (func() judge, error)
}

// guardrail is a metric that must not rise.
type guardrail struct {
	metric int
	kind   string // as in a spec: proportion or mean
	base   float64
	scale  stats.Scale
	margin stats.Size
	mde    stats.Size
}

// design is what the product fixes for a guardrail before data, see job.
func (g guardrail) design(p *plan, capped bool, alpha float64) (stats.Design, error) {
	d := stats.Design{
		Kind: stats.Kind(g.kind), Harm: stats.SideUp, Margin: g.margin, MDE: g.mde, Alpha: alpha,
		Planned: float64(p.units), Share: p.share, Scale: g.scale, BaseRate: g.base, MinUnits: minUnits,
	}
	q := stats.Question{Kind: g.kind, Asked: "auto", Scale: g.scale, Share: p.share, Capped: capped, Planned: d.Planned}
	if g.base > 0 {
		q.BaseRate = &g.base
	}
	d.Method, d.Reason = stats.Route(q)
	if d.Method == "" {
		return d, fmt.Errorf("route of %s: %s", g.kind, d.Reason)
	}
	return d, nil
}

// minUnits is the default of a spec: units per arm that a normal method needs.
const minUnits = 20

// ours is the product's judgement of several guardrails at one family-wise
// error: stats.Route, stats.SplitAlpha, the boundary, stats.Compare and
// decide.Decide.
func ours(name string, capped bool, ask asked, rails ...guardrail) method {
	return method{name: name, level: alpha, ready: func(c *cell) (func() judge, error) {
		panel := panel{ask: ask, plan: &c.plan}
		weights := make([]float64, len(rails))
		for i := range weights {
			weights[i] = 1
		}
		for i, share := range stats.SplitAlpha(alpha, weights) {
			d, err := rails[i].design(&c.plan, capped, share)
			if err != nil {
				return nil, err
			}
			panel.seats = append(panel.seats, seat{metric: rails[i].metric, design: d})
		}
		panel.share(c)
		return func() judge { return panel.start() }, nil
	}}
}

// alpha is the error over all guardrails, the default of a spec.
const alpha = 0.05

// asked is what a panel is asked at each look.
type asked int

// The questions.
const (
	askVerdict asked = iota // whether the decision is to roll back
	askWithin               // whether harm is shown to be within the margin
	askMiss                 // nothing until the end, and then the chance of a miss
)

// panel judges the guardrails of one experiment.
type panel struct {
	ask   asked
	plan  *plan
	seats []seat
	desk  desk
	miss  stats.Optional
}

// seat is one guardrail with its boundary.
type seat struct {
	metric int
	design stats.Design
	// shared are the boundaries of all looks where they are the same for every
	// replication; otherwise spending makes them as data come.
	shared   []stats.Look
	spending *stats.Spending
}

// share computes the boundaries that do not depend on data, once: those of the
// normal methods, which take from data only how many units there are.
func (p *panel) share(c *cell) {
	if c.plan.drawn || c.plan.traffic {
		return
	}
	known := map[float64][]stats.Look{}
	for i := range p.seats {
		s := &p.seats[i]
		if s.design.Method != stats.MethodCalibrated {
			continue
		}
		if known[s.design.Alpha] == nil {
			known[s.design.Alpha] = boundaries(c, s.design)
		}
		s.shared = known[s.design.Alpha]
	}
}

// boundaries are those of a design at every look of a cell.
func boundaries(c *cell, d stats.Design) []stats.Look {
	now, spending := newLife(1), stats.NewSpending(d, nil)
	r := stream(c.key(), -1)
	var out []stats.Look
	for k := 1; k <= c.plan.looks; k++ {
		b := c.plan.next(r, k)
		now.add(0, b, onlyUnits(b.control), onlyUnits(b.treatment))
		look, _ := spending.Next(c.plan.time(k), now.strata[0])
		out = append(out, look)
	}
	return out
}

// onlyUnits are moments of which nothing but the number of units is meant.
func onlyUnits(n int) stats.Moments { return stats.Moments{N: int64(n), M2: float64(n)} }

// time of a look as a share of the duration.
func (p *plan) time(k int) float64 { return float64(k) / float64(p.looks) }

// start is a panel for one replication.
func (p *panel) start() *panel {
	out := &panel{ask: p.ask, plan: p.plan, seats: append([]seat(nil), p.seats...), desk: newDesk(p.plan, len(p.seats))}
	for i := range out.seats {
		s := &out.seats[i]
		if s.shared == nil && s.design.Method.Spends() {
			s.spending = stats.NewSpending(s.design, nil)
		}
	}
	return out
}

// look is the boundary of a seat.
func (s *seat) look(k int, time float64, strata []stats.Stratum) stats.Look {
	switch {
	case s.shared != nil:
		return s.shared[k-1]
	case s.spending != nil:
		look, _ := s.spending.Next(time, strata)
		return look
	}
	return stats.Look{} // The method needs none.
}

// looks are those that spent error so far.
func (s *seat) looks() []stats.Look {
	if s.spending != nil {
		return s.spending.Looks
	}
	var out []stats.Look
	for _, l := range s.shared {
		if !l.Held && !l.IsZero() {
			out = append(out, l)
		}
	}
	return out
}

func (p *panel) stop(k int, now *life) bool {
	time, within := p.plan.time(k), true
	for i := range p.seats {
		s := &p.seats[i]
		strata := now.strata[s.metric]
		c := stats.Compare(s.design, strata, s.look(k, time, strata))
		if p.ask == askMiss && k == p.plan.looks {
			p.miss = c.Outlook(s.looks(), time).Miss
		}
		within = within && c.NonInferior
		p.desk.file(i, c)
	}
	switch p.ask {
	case askWithin:
		return within
	case askMiss:
		return false
	case askVerdict:
		return p.desk.decide(k) == decide.Rollback
	}
	return false
}

func (p *panel) tell() stats.Optional { return p.miss }

// ratioCheck is the sample-ratio test at a level, at every look.
func ratioCheck(declared float64) method {
	return method{name: "assay", level: ratioAlpha, ready: func(c *cell) (func() judge, error) {
		planned := float64(c.plan.units)
		return func() judge {
			return watch(func(_ int, now *life) bool {
				return stats.TestSampleRatio(now.arms(), []float64{1 - declared, declared}, planned, ratioAlpha).Failed
			})
		}, nil
	}}
}

// ratioAlpha is the error of the sample ratio, the default of a spec.
const ratioAlpha = 0.01

// watch is a judge without memory.
type watch func(k int, now *life) bool

func (w watch) stop(k int, now *life) bool { return w(k, now) }

// arms are the units of control and treatment over all epochs.
func (l *life) arms() []int64 {
	out := make([]int64, 2)
	for _, s := range l.strata[0] {
		out[0] += s.Control.N
		out[1] += s.Treatment.N
	}
	return out
}
