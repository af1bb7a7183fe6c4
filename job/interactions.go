package job

import (
	"context"
	"maps"
	"slices"
	"time"

	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// Interaction is what another experiment on the same units does to one: whether
// the two assign independently, and whether the effects depend on the other's
// variation.
type Interaction struct {
	With       string   `json:"with"`
	Variations []string `json:"variations"` // of the other
	Units      int64    `json:"units"`      // of the experiment
	Shared     int64    `json:"shared"`     // of these, those in one variation of the other
	// Counts are shared units by the other's variation and the experiment's own.
	Counts [][]int64 `json:"counts"`
	// Assignments test the experiment's own split among the units of each of the
	// other's variations.
	Assignments []stats.SampleRatio `json:"assignments"`
	Effects     []EffectChange      `json:"effects"`
	// Failed is why there is nothing; "" = there is.
	Failed string `json:"failed,omitempty"`
}

// EffectChange is how an effect among units in one variation of the other
// experiment differs from that among units in its known-good one.
type EffectChange struct {
	Metric    string `json:"metric"`
	Variation string `json:"variation"`
	Among     string `json:"among"`   // variation of the other
	Against   string `json:"against"` // its known-good one
	stats.Interaction
	// Adjusted is P after Holm over all that are asked of all others.
	Adjusted *float64 `json:"adjusted,omitempty"`
}

// Depends tells whether the experiment's split differs from the intended one
// among the units of some variation of the other.
func (i *Interaction) Depends() bool {
	return slices.ContainsFunc(i.Assignments, func(r stats.SampleRatio) bool { return r.Detected })
}

// Clear tells whether the change is beyond chance, at an error rate over all that
// are asked.
func (c EffectChange) Clear(alpha float64) bool { return c.Adjusted != nil && *c.Adjusted <= alpha }

// Interactions looks at the experiments that run on the same identifier at the
// same time. It takes a look for each of them, and records none.
func (j *Job) Interactions(ctx context.Context, e *spec.Experiment, asOf time.Time) ([]Interaction, error) {
	var out []Interaction
	for _, other := range overlapping(j.Project, e, asOf) {
		found, err := j.interaction(ctx, e, other, asOf)
		if err != nil {
			return nil, err
		}
		out = append(out, *found)
	}
	adjustChanges(out)
	return out, nil
}

// overlapping are the other experiments on the same identifier that began before
// as-of and did not end before e began.
func overlapping(p *spec.Project, e *spec.Experiment, asOf time.Time) []*spec.Experiment {
	identifier := func(e *spec.Experiment) string { return p.Config.Assignments[e.Assignment].Identifier }
	var out []*spec.Experiment
	for i := range p.Experiments {
		other := &p.Experiments[i]
		if other.Name != e.Name && identifier(other) == identifier(e) && other.Start.Before(asOf) && other.End().After(e.Start.Time) {
			out = append(out, other)
		}
	}
	return out
}

// interaction slices the units of e by the variations of another experiment.
func (j *Job) interaction(ctx context.Context, e, other *spec.Experiment, asOf time.Time) (*Interaction, error) {
	sql, err := queries.OtherVariations(j.Project, other, asOf, j.Warehouse.Dialect())
	if err != nil {
		return nil, err
	}
	trait := queries.TraitName(other.Name)
	p := *j.Project
	p.Config.Traits = maps.Clone(p.Config.Traits)
	if p.Config.Traits == nil {
		p.Config.Traits = map[string]spec.Trait{}
	}
	p.Config.Traits[trait] = spec.Trait{Identifier: p.Config.Assignments[other.Assignment].Identifier, SQL: sql}
	sliced := *e
	sliced.Slices = []string{trait}
	past, err := recall(j.Ledger, e.Name, asOf, "")
	if err != nil {
		return nil, errLedger{err}
	}
	at := newVantage(&p, &sliced, past, Options{AsOf: asOf})
	at.dry = true
	ev, err := j.gather(ctx, at)
	if err != nil {
		return nil, err
	}
	out := &Interaction{With: other.Name, Variations: variationIDs(other), Effects: []EffectChange{}}
	if ev.failure != nil {
		out.Failed = oneLine(ev.failure)
		return out, nil
	}
	out.Units = total(ev.health.ByVariation)
	byValue := shared(ev, other)
	out.Counts, out.Shared = cross(at, byValue)
	out.Assignments = assignments(at, byValue)
	for _, q := range questions(at) {
		out.Effects = append(out.Effects, changes(at, ev, q, other, byValue)...)
	}
	return out, nil
}

func variationIDs(e *spec.Experiment) []string {
	out := make([]string, len(e.Variations))
	for i, v := range e.Variations {
		out[i] = v.ID
	}
	return out
}

// shared are the slices of units by the other's variations, in their order; nil
// where nobody is in one. Units that are in none of them are left out.
func shared(ev *evidence, other *spec.Experiment) []*sliced {
	out := make([]*sliced, len(other.Variations))
	for i := range ev.sliced {
		s := &ev.sliced[i]
		if k := slices.IndexFunc(other.Variations, func(v spec.Variation) bool { return v.ID == s.value }); k >= 0 {
			out[k] = s
		}
	}
	return out
}

// cross counts shared units by the other's variation and the experiment's own.
func cross(at *vantage, byValue []*sliced) (counts [][]int64, shared int64) {
	for _, s := range byValue {
		row := make([]int64, len(at.experiment.Variations))
		if s != nil {
			for _, arms := range s.strata {
				for arm := range arms {
					row[arm] += arms[arm].units
					shared += arms[arm].units
				}
			}
		}
		counts = append(counts, row)
	}
	return counts, shared
}

// assignments test, among the units of each of the other's variations, whether
// the experiment's own split is the intended one; corrected for their number.
// Where that fails among some and holds over all, one assignment follows the other.
func assignments(at *vantage, byValue []*sliced) []stats.SampleRatio {
	checks := make([]stats.SampleRatio, len(byValue))
	for k, s := range byValue {
		var groups []stats.RatioGroup
		for i, epoch := range at.dataEpochs() {
			if _, sole := epoch.allocation.Sole(); sole || s == nil {
				continue
			}
			counts := make([]int64, len(at.experiment.Variations))
			for arm := range counts {
				counts[arm] = s.strata[i][arm].units
			}
			if total(counts) > 0 {
				groups = append(groups, stats.RatioGroup{Counts: counts, Expected: weights(epoch.allocation, at.experiment.Variations)})
			}
		}
		checks[k] = stats.SampleRatio{Status: stats.StatusNoUnits}
		if len(groups) > 0 {
			checks[k] = stats.CombineRatios(groups, plannedUnits(at.experiment), at.experiment.Policy.Alpha.SampleRatio)
		}
	}
	return stats.CorrectRatios(checks, len(checks))
}

// changes are the differences of one effect between the other's variations and
// its known-good one.
func changes(at *vantage, ev *evidence, q question, other *spec.Experiment, byValue []*sliced) []EffectChange {
	data := ev.metrics[q.use.Metric]
	base := controlOf(other)
	if data == nil || data.failed || len(data.slices) == 0 || byValue[base] == nil {
		return nil
	}
	d := design(at, q)
	d.Margin = stats.Size{}
	var out []EffectChange
	for i, s := range byValue {
		if i == base || s == nil {
			continue
		}
		of := func(s *sliced) []stats.Stratum { return sliceStrata(at, ev, data.slices[s.key], s, q.treatment) }
		out = append(out, EffectChange{
			Metric: q.use.Metric, Variation: at.experiment.Variations[q.treatment].ID,
			Among: other.Variations[i].ID, Against: other.Variations[base].ID,
			Interaction: stats.DifferenceOfDifferences(d, of(byValue[base]), of(s)),
		})
	}
	return out
}

// adjustChanges corrects for the number of differences that are asked for.
func adjustChanges(list []Interaction) {
	var p []float64
	var to []*EffectChange
	for i := range list {
		for k := range list[i].Effects {
			if c := &list[i].Effects[k]; c.P.Known {
				p, to = append(p, c.P.Value), append(to, c)
			}
		}
	}
	for i, adjusted := range stats.Holm(p) {
		to[i].Adjusted = &adjusted
	}
}
