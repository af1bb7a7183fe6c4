package job

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// ratios checks the split: overall, which decides, and per epoch.
func (g *gatherer) ratios() {
	var groups []stats.RatioGroup
	var perEpoch []ledger.RatioCheck
	for i := range g.at.dataEpochs() {
		units := make([]int64, len(g.at.experiment.Variations))
		for arm := range units {
			units[arm] = g.ev.strata[i][arm].exposed
		}
		group, ok := g.group(i, units)
		if !ok {
			continue
		}
		g.stray(units, group.Expected)
		groups = append(groups, group)
		check := g.ratio(group)
		g.ev.broken[i] = check.Detected
		perEpoch = append(perEpoch, ledger.RatioCheck{Slice: fmt.Sprintf("epoch %d", i+1), SampleRatio: check})
	}
	overall := ledger.RatioCheck{Slice: "overall", SampleRatio: g.ratio(groups...)}
	if overall.Detected {
		// However small it is, the declared split is not the one that ran.
		for i := range g.ev.broken {
			g.ev.broken[i] = true
		}
		overall.Since = g.since()
	}
	g.ev.health.SampleRatio = []ledger.RatioCheck{overall}
	if len(perEpoch) > 1 {
		g.ev.health.SampleRatio = append(g.ev.health.SampleRatio, perEpoch...)
	}
	g.offBalance(overall.SampleRatio)
}

// offBalance makes a mismatch a trouble, or a finding where it is below the floor.
func (g *gatherer) offBalance(overall stats.SampleRatio) {
	e := g.at.experiment
	switch {
	case overall.Failed:
		g.trouble(&g.ev.unhealthy, "sample_ratio", e.Policy.OnSampleRatio, "", ratioText(overall, e.Variations))
	case overall.Detected:
		g.find("sample_ratio_small", smallText(overall), "")
	}
}

// activated checks that the source of the activation metric can be trusted, and
// that the arms' units are activated alike. Where they are not, the change itself
// decides who is looked at, and no comparison of those is fair. Epochs are
// compared one by one: in a ramp the arms' shares and the time to be activated
// both move.
func (g *gatherer) activated(ctx context.Context) error {
	h := &g.ev.health
	if h.Activated == nil || total(h.ByVariation) == 0 {
		return nil
	}
	var groups []stats.RatioGroup
	for _, epoch := range g.ev.strata {
		active, exposed := make([]int64, len(epoch)), make([]int64, len(epoch))
		for arm := range epoch {
			active[arm], exposed[arm] = epoch[arm].units, epoch[arm].exposed
		}
		if total(exposed) > 0 {
			groups = append(groups, stats.RatioGroup{Counts: active, Expected: shares(exposed)})
		}
	}
	units, alpha := g.planned()
	check := stats.CombineRatios(groups, units, alpha).WithFloor(g.floor())
	h.SampleRatio = append(h.SampleRatio, ledger.RatioCheck{Slice: "activated", SampleRatio: check})
	g.activatedAlike(check)
	return g.activationHealth(ctx)
}

func (g *gatherer) activatedAlike(check stats.SampleRatio) {
	h, e := &g.ev.health, g.at.experiment
	if !check.Failed {
		return
	}
	parts := make([]string, len(e.Variations))
	for i, v := range e.Variations {
		parts[i] = fmt.Sprintf("%s %s of %s", v.ID, decide.Count(h.Activated[i]), decide.Count(h.ByVariation[i]))
	}
	g.trouble(&g.ev.unhealthy, "activation_differs", e.Policy.OnSampleRatio, "", fmt.Sprintf(
		"Units are not activated alike by %s: %s. The change itself moves who is compared; compare all exposed units, or activate by what happens before the change shows.",
		e.Activation, strings.Join(parts, ", ")))
}

// activationHealth judges the source of the activation metric as others are: a
// stale or foreign one leaves nobody to compare, and would pass for no harm.
func (g *gatherer) activationHealth(ctx context.Context) error {
	a := g.script.Activation
	health := ledger.SourceHealth{
		Source: a.Source, Activation: true,
		Units: slices.Clone(g.ev.health.ByVariation), Present: slices.Clone(g.ev.health.Activated),
	}
	if g.newest > 0 {
		at := time.UnixMicro(g.newest).UTC()
		health.Newest = &at
	}
	err := g.sourceHealth(ctx, *a, &health)
	g.ev.health.Sources = append(g.ev.health.Sources, health)
	return err
}

// planned are what the checks of the split are tuned to, and their error.
func (g *gatherer) planned() (units, alpha float64) {
	return plannedUnits(g.at.experiment), g.at.experiment.Policy.Alpha.SampleRatio
}

// ratio is the check of some groups, with the floor of the policy.
func (g *gatherer) ratio(groups ...stats.RatioGroup) stats.SampleRatio {
	if len(groups) == 0 {
		return stats.SampleRatio{Status: stats.StatusNoUnits, Note: "the flag has served one variation only"}
	}
	units, alpha := g.planned()
	return stats.CombineRatios(groups, units, alpha).WithFloor(g.floor())
}

func (g *gatherer) floor() float64 {
	if floor := g.at.experiment.Policy.SampleRatioFloor; floor != nil {
		return *floor
	}
	return 0
}

// group is units with the shares that their epoch intends, but for units in an
// arm without weight; ok is false where the epoch has no split.
func (g *gatherer) group(epoch int, units []int64) (group stats.RatioGroup, ok bool) {
	allocation := g.at.dataEpochs()[epoch].allocation
	if _, sole := allocation.Sole(); sole {
		return stats.RatioGroup{}, false
	}
	group = stats.RatioGroup{Counts: slices.Clone(units), Expected: weights(allocation, g.at.experiment.Variations)}
	for arm, share := range group.Expected {
		if share == 0 {
			group.Counts[arm] = 0
		}
	}
	return group, true
}

// stray names units that are in an arm without weight, as after a person
// emptied it: no chance is asked about them.
func (g *gatherer) stray(units []int64, expected []float64) {
	for arm := range units {
		if expected[arm] > 0 || units[arm] == 0 {
			continue
		}
		v := g.at.experiment.Variations[arm].ID
		g.find("empty_arm", fmt.Sprintf("%s units are in %s, which has no weight at present; they are left out of the sample ratio.", decide.Count(units[arm]), v), v)
	}
}

// weights are the expected shares of the covered units, by variation.
func weights(a decide.Allocation, variations []spec.Variation) []float64 {
	out := make([]float64, len(variations))
	for i, v := range variations {
		for _, arm := range a.Arms {
			if arm.Variation == v.ID {
				out[i] += arm.Weight
			}
		}
	}
	return out
}

func ratioText(r stats.SampleRatio, variations []spec.Variation) string {
	total := total(r.Counts)
	decimals := 1
	if r.Deviation < 0.01 {
		decimals = 2
	}
	parts := make([]string, len(r.Counts))
	for i, n := range r.Counts {
		parts[i] = fmt.Sprintf("%s %s (%.*f %%, intended %.*f %%)", variations[i].ID, decide.Count(n),
			decimals, 100*float64(n)/float64(max(1, total)), decimals, 100*r.Expected[i])
	}
	return "The traffic did not split as intended: " + strings.Join(parts, ", ") + "; a split this far off would not come by chance."
}

// smallText tells of a split that is off by less than the floor.
func smallText(r stats.SampleRatio) string {
	return fmt.Sprintf("The traffic split is off by %.2g percentage points: detected, but below the floor of %.2g, too small to matter.",
		100*r.Deviation, 100*r.Floor)
}

// dimension counts the units of every value of a dimension, and checks the
// split of each; what fails is known once all dimensions are counted.
func (g *gatherer) dimension(ctx context.Context, d queries.Dimension) error {
	rows, ok, err := g.run(ctx, d.Statement)
	if !ok {
		return err
	}
	byValue := map[string][][]int64{}
	for row := range rows.Len() {
		value, _ := rows.Text(row, "value")
		code, _ := rows.Int(row, "assay_stratum")
		epoch, arm := g.script.Stratum(code)
		if byValue[value] == nil {
			byValue[value] = make([][]int64, len(g.ev.strata))
			for i := range byValue[value] {
				byValue[value][i] = make([]int64, len(g.at.experiment.Variations))
			}
		}
		byValue[value][epoch][arm], _ = rows.Int(row, "units")
	}
	for _, value := range slices.Sorted(maps.Keys(byValue)) {
		g.ev.slices = append(g.ev.slices, slice{d.Name, value, g.valueRatio(byValue[value])})
	}
	return nil
}

// slice is the check of one value of a dimension.
type slice struct {
	dimension, value string
	check            stats.SampleRatio
}

// fewerUnits is how many times fewer units the check of a value is tuned to than
// that of everybody. It suits values with a half to a twentieth of the units,
// and the larger evidence that the correction asks for.
const fewerUnits = 8

func (g *gatherer) valueRatio(byEpoch [][]int64) stats.SampleRatio {
	var groups []stats.RatioGroup
	for i, units := range byEpoch {
		if group, ok := g.group(i, units); ok {
			groups = append(groups, group)
		}
	}
	if len(groups) == 0 {
		return g.ratio()
	}
	units, alpha := g.planned()
	return stats.CombineRatios(groups, units/fewerUnits, alpha).WithFloor(g.floor())
}

// dimensionRatios corrects the checks of all values of all dimensions for their
// number. The family is as large as it can ever be: the values that a statement
// counts at the most, for each declared dimension, whether they have appeared or
// not. Where a dimension has more values than are counted, those that enter
// among the largest later come on top of it.
func (g *gatherer) dimensionRatios() {
	var checks []stats.SampleRatio
	for _, s := range g.ev.slices {
		checks = append(checks, s.check)
	}
	for i, check := range stats.CorrectRatios(checks, len(g.script.Dimensions)*queries.DimensionValues) {
		g.ev.slices[i].check = check
	}
	slices.SortStableFunc(g.ev.slices, func(a, b slice) int {
		return cmp.Or(cmp.Compare(a.dimension, b.dimension), cmp.Compare(b.check.LogE, a.check.LogE), cmp.Compare(a.value, b.value))
	})
	for _, s := range g.ev.slices {
		about := s.dimension + " = " + s.value
		g.ev.health.SampleRatio = append(g.ev.health.SampleRatio, ledger.RatioCheck{Slice: about, SampleRatio: s.check})
		where := fmt.Sprintf("Where %s is %q: ", s.dimension, s.value)
		switch {
		case s.check.Failed:
			g.find("sample_ratio_dimension", where+ratioText(s.check, g.at.experiment.Variations), about)
		case s.check.Detected:
			g.find("sample_ratio_small", where+smallText(s.check), about)
		}
	}
}
