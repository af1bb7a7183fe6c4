package job

import (
	"fmt"
	"math"
	"slices"

	"assay/connectors"
	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

// rowsOf are the moments of the exposures that the units of a stratum have.
func rowsOf(rows *connectors.Rows, row int, units int64) stats.Moments {
	mean, _ := rows.Float(row, "rows_mean")
	variance, _ := rows.Float(row, "rows_var")
	cube, _ := rows.Float(row, "rows_third")
	return stats.FromWarehouse(units, units, mean, variance).WithThird(cube)
}

// repeats tests whether the units of each treatment are exposed as often as
// those of the known-good variation. The units that a split is made of do not
// depend on it; how an exposure is logged shows in it first.
func (g *gatherer) repeats() {
	e := g.at.experiment
	alpha := e.Policy.Alpha.SampleRatio / float64(len(e.Variations)-1)
	for i, v := range e.Variations {
		if v.KnownGood {
			continue
		}
		strata := g.pairs(i, func(epoch, arm int) stats.Moments { return g.ev.strata[epoch][arm].rows })
		c := alike(e, i, stats.KindMean, alpha, strata)
		check := ledger.RepeatCheck{
			Variation: v.ID, Status: c.Status, Note: c.Note, Control: c.Control.Value, Treatment: c.Treatment.Value,
			LogE: c.LogETwoSided, Bound: c.Bound, Failed: c.LogETwoSided >= c.Bound && c.Bound > 0,
		}
		if c.Status == stats.StatusNoUnits {
			continue
		}
		t := g.traffic()
		t.Repeats = append(t.Repeats, check)
		if check.Failed {
			g.find("repeats_differ", fmt.Sprintf("Units of %s are exposed %.2f times, those of %s %.2f times: "+
				"the exposure is logged at different moments (at every render, at every retry) or by different clients in the two, or units of one come back more often. "+
				"Units count once, so that the split is not touched.",
				v.ID, c.Treatment.Value, e.KnownGood().ID, c.Control.Value), v.ID)
		}
	}
}

// pairs are the epochs in which a treatment and the known-good variation both
// had weight, with some moments of both.
func (g *gatherer) pairs(treatment int, moments func(epoch, arm int) stats.Moments) []stats.Stratum {
	e, control := g.at.experiment, controlOf(g.at.experiment)
	var out []stats.Stratum
	for i, epoch := range g.at.dataEpochs() {
		w := weights(epoch.allocation, e.Variations)
		if w[control] == 0 || w[treatment] == 0 {
			continue
		}
		out = append(out, stats.Stratum{
			Epoch: i + 1, Share: w[treatment] / (w[treatment] + w[control]),
			Control: moments(i, control), Treatment: moments(i, treatment),
		})
	}
	return out
}

// alike tests, at every look at once, whether means do not differ: the two-sided
// normal mixture, in LogETwoSided against Bound. Where nothing varies inside
// either arm and yet the arms differ, the chance of that is that of the labels
// falling so, one in the number of ways to deal them.
func alike(e *spec.Experiment, treatment int, kind stats.Kind, alpha float64, strata []stats.Stratum) stats.Comparison {
	weight := e.Variations[treatment].Weight + e.KnownGood().Weight
	c := stats.Compare(stats.Design{
		Kind: kind, Method: stats.MethodMixture, Harm: stats.SideUp, Alpha: alpha,
		Planned: plannedUnits(e) * weight, MinUnits: max(e.Policy.MinUnits, leastUnits),
	}, strata, stats.Look{})
	if c.Status != stats.StatusUnweighed || len(strata) == 0 || kind == stats.KindRatio {
		return c
	}
	for _, s := range strata {
		nc, nt := float64(s.Control.N), float64(s.Treatment.N)
		if s.Control.M2+s.Treatment.M2 == 0 && s.Control.Mean != s.Treatment.Mean && nc > 0 && nt > 0 {
			c.LogETwoSided += ways(nc, nt)
		}
	}
	c.Note = "nothing varies inside either arm, and the arms differ"
	return c
}

// ways is the log of the number of ways to deal a and b labels.
func ways(a, b float64) float64 {
	lgamma := func(x float64) float64 { y, _ := math.Lgamma(x); return y }
	return lgamma(a+b+1) - lgamma(a+1) - lgamma(b+1)
}

// balance tests whether metrics with a covariate were the same in all arms before
// the exposure, when no variation could have moved them. The family is that of all
// such metrics and treatments, known before data.
func (g *gatherer) balance() {
	e := g.at.experiment
	names := g.covariates()
	family := float64(len(names) * (len(e.Variations) - 1))
	for _, name := range names {
		data := g.ev.metrics[name]
		for i, v := range e.Variations {
			if v.KnownGood || data.failed {
				continue
			}
			kind := stats.KindMean
			if data.measure.Kind == "ratio" {
				kind = stats.KindRatio
			}
			strata := g.pairs(i, func(epoch, arm int) stats.Moments { return unexposed(data.moments[epoch][arm]) })
			c := alikeBefore(e, i, kind, e.Policy.Alpha.SampleRatio/family, strata)
			check := ledger.BalanceCheck{
				Metric: name, Variation: v.ID, Status: c.Status, Note: c.Note, Control: c.Control.Value, Treatment: c.Treatment.Value,
				LogE: c.LogETwoSided, Bound: c.Bound, Failed: c.LogETwoSided >= c.Bound && c.Bound > 0,
			}
			t := g.traffic()
			t.Balance = append(t.Balance, check)
			if check.Failed {
				g.find("pre_exposure_differs", fmt.Sprintf("%s differed before anybody was exposed: %s %.4g, %s %.4g. "+
					"Units did not come into the arms by chance: usually a hash that an earlier experiment used, units that changed arms or were lost by who they are, "+
					"or an exposure that is logged only after the change has done something. Effects carry this difference with them.",
					name, e.KnownGood().ID, c.Control.Value, v.ID, c.Treatment.Value), name)
			}
		}
	}
}

// covariates are the metrics whose covariate is known of every unit that counts.
// Where a unit is absent without a fact of its own, it was the variation that
// decided whose past is seen.
func (g *gatherer) covariates() []string {
	var names []string
	for name, data := range g.ev.metrics {
		if data.measure.Covariate && data.measure.Zeros {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// unexposed are the moments of the covariate by itself.
func unexposed(m stats.Moments) stats.Moments {
	return stats.Moments{N: m.N, Mean: m.Pre.Mean, M2: m.Pre.M2, DenMean: m.Pre.DenMean, DenM2: m.Pre.DenM2, Co: m.Pre.Co}
}

// leastUneven is how many units the smaller of two arms of different size needs
// before their pasts are compared. The third moment of a covariate does not come
// back, which would tell how far a heavy tail feigns a difference between such arms.
const leastUneven = 100

// alikeBefore is alike for covariates. As long as they are alike the arms have one
// variance, that of both together; in a small arm that has missed its tail by luck
// its own is too small just when its mean is.
func alikeBefore(e *spec.Experiment, treatment int, kind stats.Kind, alpha float64, strata []stats.Stratum) stats.Comparison {
	var control, treated int64
	for i := range strata {
		control, treated = control+strata[i].Control.N, treated+strata[i].Treatment.N
		together(&strata[i])
	}
	fewest, most := min(control, treated), max(control, treated)
	if fewest > 0 && float64(most) > mostUneven*float64(fewest) && fewest < leastUneven {
		return stats.Comparison{Status: stats.StatusTooFew, Note: fmt.Sprintf("arms of different size need %d units each before their pasts are compared", leastUneven)}
	}
	return alike(e, treatment, kind, alpha, strata)
}

// mostUneven is how many times larger an arm may be that still counts as of the
// same size.
const mostUneven = 1.5

// together gives both arms of an epoch the variance of all its units around the
// means of their arms.
func together(s *stats.Stratum) {
	c, t := &s.Control, &s.Treatment
	free := float64(c.N + t.N - 2)
	if c.N < 2 || t.N < 2 {
		return
	}
	nc, nt := float64(c.N-1)/free, float64(t.N-1)/free
	m2, den, co := c.M2+t.M2, c.DenM2+t.DenM2, c.Co+t.Co
	c.M2, c.DenM2, c.Co = m2*nc, den*nc, co*nc
	t.M2, t.DenM2, t.Co = m2*nt, den*nt, co*nt
}
