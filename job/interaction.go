package job

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"assay/ledger"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// mostOthers is how many other experiments are asked about at the most: each
// scans the fact sources once.
const mostOthers = 8

// leastCell is how many units each arm needs in a variation of the other
// experiment before effects are compared.
const leastCell = 100

// interactions asks about every other experiment on the same identifier that runs
// at the same time.
func (c *checkup) interactions(ctx context.Context) error {
	others := c.others()
	for _, other := range others[:min(mostOthers, len(others))] {
		i, err := c.interaction(ctx, other, len(others))
		if err != nil {
			return err
		}
		c.out.Interactions = append(c.out.Interactions, *i)
	}
	return nil
}

// others are the experiments whose dates overlap, by name.
func (c *checkup) others() []*spec.Experiment {
	p, e := c.at.project, c.at.experiment
	var out []*spec.Experiment
	for i := range p.Experiments {
		o := &p.Experiments[i]
		same := p.Config.Assignments[o.Assignment].Identifier == p.Config.Assignments[e.Assignment].Identifier
		if o.Name != e.Name && same && o.Start.Before(c.until()) && o.End().After(e.Start.Time) {
			out = append(out, o)
		}
	}
	return out
}

func (c *checkup) until() time.Time {
	if end := c.at.experiment.End(); end.Before(c.at.asOf) {
		return end
	}
	return c.at.asOf
}

// beside is the vantage of the experiment with the other one's variations for a
// dimension, so that a look at it counts and weighs them as slices.
func (c *checkup) beside(other *spec.Experiment) *vantage {
	at, p, e := *c.at, *c.at.project, *c.at.experiment
	name := "variation of " + other.Name
	p.Config.Traits = maps.Clone(p.Config.Traits)
	if p.Config.Traits == nil {
		p.Config.Traits = map[string]spec.Trait{}
	}
	p.Config.Traits[name] = queries.OtherArms(&p, other, e.Start.Time, c.until(), c.job.Warehouse.Dialect())
	e.Slices, e.Secondary, e.DaysSinceExposure = []string{name}, nil, 0
	at.project, at.experiment, at.previous, at.beside = &p, &e, nil, true
	return &at
}

func (c *checkup) interaction(ctx context.Context, other *spec.Experiment, others int) (*ledger.Interaction, error) {
	at := c.beside(other)
	out := &ledger.Interaction{Experiment: other.Name}
	ev, err := c.job.gather(ctx, at)
	if err != nil {
		return nil, err
	}
	if ev.failure != nil || len(ev.sliced) == 0 {
		out.Failed = "the units could not be brought together"
		if ev.failure != nil {
			out.Failed = oneLine(ev.failure)
		}
		return out, nil
	}
	// Units that are not in the other one have no variation of it.
	both := slices.DeleteFunc(slices.Clone(ev.sliced), func(s sliced) bool { return s.value == "" })
	c.cross(at, both, out, others)
	c.effects(at, ev, both, out, others)
	return out, nil
}

// cross tests whether who is in which variation of the other experiment depends
// on the variation of this one, given how many are in each.
func (c *checkup) cross(at *vantage, both []sliced, out *ledger.Interaction, others int) {
	arms := len(at.experiment.Variations)
	epochs := len(at.dataEpochs())
	margins := make([][]int64, epochs)
	for i := range margins {
		margins[i] = make([]int64, arms)
		for _, s := range both {
			for arm := range arms {
				margins[i][arm] += s.strata[i][arm].units
			}
		}
	}
	alpha := at.experiment.Policy.Alpha.SampleRatio
	var checks []stats.SampleRatio
	for _, s := range both {
		row := ledger.CrossRow{Other: s.value, Units: make([]int64, arms)}
		var groups []stats.RatioGroup
		for i := range epochs {
			group := stats.RatioGroup{Counts: make([]int64, arms), Expected: shares(margins[i])}
			for arm := range arms {
				group.Counts[arm] = s.strata[i][arm].units
				row.Units[arm] += group.Counts[arm]
			}
			if total(margins[i]) > 0 {
				groups = append(groups, group)
			}
		}
		out.Shared += total(row.Units)
		check := stats.SampleRatio{Status: stats.StatusNoUnits}
		if len(groups) > 0 && len(both) > 1 {
			check = stats.CombineRatios(groups, plannedUnits(at.experiment)/float64(len(both)), alpha)
		}
		checks = append(checks, check)
		out.Cross = append(out.Cross, row)
	}
	off := false
	for i, check := range stats.CorrectRatios(checks, len(both)*others) {
		out.Cross[i].Check = check
		off = off || check.Detected
	}
	if off {
		c.find("arms_depend", out.Experiment, "Which variation units get in %s depends on the one they have here (%d units are in both): the two share a hash and seed, or one asks for the other. Their effects cannot be told apart.", out.Experiment, out.Shared)
	}
}

// effects tests whether the effect of each treatment is another one in another
// variation of the other experiment.
func (c *checkup) effects(at *vantage, ev *evidence, both []sliced, out *ledger.Interaction, others int) {
	if len(both) < 2 {
		return
	}
	slices.SortStableFunc(both, func(a, b sliced) int { return int(a.key.code - b.key.code) })
	asked := questions(at)
	tests := float64(len(asked) * (len(both) - 1) * others)
	alpha := at.experiment.Policy.Alpha.SampleRatio / tests
	for _, q := range asked {
		data := ev.metrics[q.use.Metric]
		if data == nil || data.failed || len(data.slices) == 0 {
			continue
		}
		base := sliceEffect(at, ev, q, &both[0])
		for k := range both[1:] {
			s := &both[k+1]
			e := differs(base, sliceEffect(at, ev, q, s), plannedUnits(at.experiment), alpha)
			e.Metric, e.Variation, e.Base, e.Other = q.use.Metric, at.experiment.Variations[q.treatment].ID, both[0].value, s.value
			out.Effects = append(out.Effects, e)
			if e.Failed {
				c.find("interaction", q.use.Metric, "The effect of %s on %s is another one where units are in %s of %s than in %s: by %.4g, in the metric's unit. Judge the two experiments together, or one after the other.",
					e.Variation, e.Metric, e.Other, out.Experiment, e.Base, e.Difference)
			}
		}
	}
}

// sliceEffect is the effect among the units of a slice.
func sliceEffect(at *vantage, ev *evidence, q question, s *sliced) stats.Comparison {
	d := design(at, q)
	d.Margin, d.Method, d.MinUnits, d.Covariate = stats.Size{}, stats.MethodMixture, leastCell, false
	return stats.Compare(d, strataAmong(at, ev, ev.metrics[q.use.Metric].slices[s.key], s.strata, q.treatment), stats.Look{})
}

// differs is the difference of two effects on units of their own, tested by the
// two-sided normal mixture, so that it may be asked as often as one likes.
func differs(a, b stats.Comparison, planned, alpha float64) ledger.InteractionEffect {
	out := ledger.InteractionEffect{Bound: -math.Log(alpha)}
	if a.Status != stats.StatusOK || b.Status != stats.StatusOK {
		out.Note = fmt.Sprintf("cannot say: %s", firstNote(a, b))
		return out
	}
	out.Difference = b.Absolute - a.Absolute
	out.SE = math.Sqrt(a.Control.SE*a.Control.SE + a.Treatment.SE*a.Treatment.SE + b.Control.SE*b.Control.SE + b.Treatment.SE*b.Treatment.SE)
	if !(out.SE > 0) {
		out.Note = "cannot say: nothing varies"
		return out
	}
	n := float64(a.Control.N + a.Treatment.N + b.Control.N + b.Treatment.N)
	mixture := stats.TwoSided{X: n * stats.Rho2(alpha, planned/2)}
	out.LogE = mixture.LogE(out.Difference / out.SE)
	out.Failed = out.LogE >= out.Bound
	return out
}

func firstNote(a, b stats.Comparison) string {
	for _, c := range []stats.Comparison{a, b} {
		if c.Status != stats.StatusOK {
			if c.Note != "" {
				return c.Note
			}
			return string(c.Status)
		}
	}
	return ""
}
