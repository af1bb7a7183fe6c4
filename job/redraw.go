package job

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"assay/connectors/flags"
	"assay/decide"
	"assay/ledger"
)

// drawn is a sampled unit with what may have been hashed.
type drawn struct {
	variation  string
	allocation decide.Allocation
	attributes []string // the identifier first, then the dimensions
}

// What it takes for a way to draw to explain the logged variations: of nearly
// every unit, or of far more than would agree by chance.
const (
	explained  = 0.98
	farBeyond  = 6.0 // standard errors
	leastDrawn = 100
)

// redraw asks known clients for the variations of a sample of units.
func (c *checkup) redraw(ctx context.Context) error {
	units, err := c.sample(ctx)
	if err != nil {
		return err
	}
	r := &ledger.Redrawn{Units: int64(len(units)), Verdict: "few"}
	c.out.Redrawn = r
	if len(units) < leastDrawn {
		return nil
	}
	names := []string{c.at.project.Config.Assignments[c.at.experiment.Assignment].Identifier}
	for _, d := range c.script.Dimensions {
		names = append(names, d.Name)
	}
	var ways []way
	for i, name := range names {
		for _, seed := range c.seeds() {
			for _, d := range flags.Draws() {
				for _, reversed := range []bool{false, true} {
					if !reversed || d.Ordered() {
						ways = append(ways, way{d, seed, name, i, reversed})
					}
				}
			}
		}
	}
	// Two that agree alike are told by the first: on plain ASCII both clients of
	// GrowthBook are one.
	all, best := make([]ledger.DrawnBy, len(ways)), 0
	for i, w := range ways {
		if all[i] = w.agree(units); all[i].Agree > all[best].Agree {
			best = i
		}
	}
	for i, a := range all {
		if i == best || beyondChance(a, len(units)) {
			r.Draws = append(r.Draws, a)
		}
	}
	slices.SortStableFunc(r.Draws, func(a, b ledger.DrawnBy) int { return cmp.Compare(b.Agree, a.Agree) })
	r.Draws = slices.CompactFunc(r.Draws, func(a, b ledger.DrawnBy) bool {
		return a.Agree == b.Agree && a.Seed == b.Seed && a.Attribute == b.Attribute && a.Reversed == b.Reversed
	})
	c.judgeDraw(r, ways[best], units)
	return nil
}

// seeds are what an experiment may be hashed with.
func (c *checkup) seeds() []string {
	e := c.at.experiment
	var out []string
	for _, s := range []string{e.Flag.Key, e.ExperimentID, e.Name} {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func (c *checkup) sample(ctx context.Context) ([]drawn, error) {
	rows, err := c.job.run(ctx, c.session, c.script.Sample)
	if err != nil {
		return nil, err
	}
	epochs, arms := c.at.dataEpochs(), int64(len(c.out.Variations))
	var out []drawn
	for row := range rows.Len() {
		code, _ := rows.Int(row, "assay_stratum")
		id, _ := rows.Text(row, "unit_id")
		u := drawn{c.arm(code % arms), epochs[code/arms].allocation, []string{id}}
		for _, d := range c.script.Dimensions {
			value, _ := rows.Text(row, d.Column)
			u.attributes = append(u.attributes, value)
		}
		if _, sole := u.allocation.Sole(); !sole {
			out = append(out, u)
		}
	}
	return out, nil
}

// way is one way to draw.
type way struct {
	draw      flags.Draw
	seed      string
	attribute string
	column    int
	reversed  bool
}

func (w way) of(u drawn) string {
	a := u.allocation
	if w.reversed {
		a = flags.Reversed(a)
	}
	return w.draw.Redraw(w.seed, u.attributes[w.column], a)
}

// agree counts the units with the variation that this way gives, and what share
// would agree by chance.
func (w way) agree(units []drawn) ledger.DrawnBy {
	out := ledger.DrawnBy{Draw: string(w.draw), Seed: w.seed, Attribute: w.attribute, Reversed: w.reversed}
	logged, again := map[string]float64{}, map[string]float64{}
	for _, u := range units {
		is := w.of(u)
		logged[u.variation]++
		again[is]++
		if is == u.variation {
			out.Agree++
		}
	}
	n := float64(len(units))
	for v := range logged {
		out.Chance += logged[v] / n * again[v] / n
	}
	return out
}

func beyondChance(a ledger.DrawnBy, units int) bool {
	n := float64(units)
	// An attribute with few values draws few times: its agreement is no more than
	// their luck. At least a tenth of the units must be explained beyond chance.
	return float64(a.Agree) > n*a.Chance+farBeyond*math.Sqrt(n*a.Chance*(1-a.Chance)) && float64(a.Agree) > n*(a.Chance+0.1*(1-a.Chance))
}

func (c *checkup) judgeDraw(r *ledger.Redrawn, best way, units []drawn) {
	top := best.agree(units)
	share := 100 * float64(top.Agree) / float64(len(units))
	how := string(best.draw) + " on " + best.attribute + " with seed " + best.seed
	if best.reversed {
		how += ", the variations in the other order than in the spec,"
	}
	distinct := map[string]bool{}
	for _, u := range units {
		distinct[u.attributes[best.column]] = true
	}
	switch {
	case !beyondChance(top, len(units)) || len(distinct) < leastDrawn:
		r.Verdict = "none"
		// That another client assigns is no fault: it is said, and nobody is accused.
	case share >= 100*explained:
		r.Verdict = "all"
		if best.column > 0 {
			c.find("hashed_by_other", best.attribute, "The variations are drawn by %s, not by the identifier that units are counted by (%s, %.1f %% of %d units): one unit may get several variations.", best.attribute, how, share, len(units))
		}
	default:
		r.Verdict = "part"
		r.Slices = c.drawnFor(best, units)
		where := ""
		for _, s := range r.Slices[:min(2, len(r.Slices))] {
			if float64(s.Agree) < explained*float64(s.Units) {
				where += " Where " + s.Dimension + " is " + quoted(s.Value) + " it is " + percent(s.Agree, s.Units) + "."
			}
		}
		c.find("partly_redrawn", "", "%s draws what was logged for %.1f %% of %d sampled units, by chance it would be %.1f %%: the others are assigned by another client, attribute or rule (an override, a sticky bucket, an old split).%s",
			how, share, len(units), 100*top.Chance, where)
	}
}

// drawnFor is the agreement by value of each dimension, the worst first.
func (c *checkup) drawnFor(best way, units []drawn) []ledger.DrawnFor {
	var out []ledger.DrawnFor
	for i, d := range c.script.Dimensions {
		byValue := map[string]*ledger.DrawnFor{}
		for _, u := range units {
			value := u.attributes[i+1]
			if byValue[value] == nil {
				byValue[value] = &ledger.DrawnFor{Dimension: d.Name, Value: value}
			}
			byValue[value].Units++
			if best.of(u) == u.variation {
				byValue[value].Agree++
			}
		}
		for _, s := range byValue {
			if s.Units >= leastUnits {
				out = append(out, *s)
			}
		}
	}
	slices.SortFunc(out, func(a, b ledger.DrawnFor) int {
		return cmp.Or(cmp.Compare(float64(a.Agree)/float64(a.Units), float64(b.Agree)/float64(b.Units)),
			cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Value, b.Value))
	})
	return out
}

func quoted(s string) string { return `"` + s + `"` }

func percent(part, whole int64) string {
	return strconv.FormatFloat(math.Round(1000*float64(part)/float64(max(1, whole)))/10, 'f', -1, 64) + " %"
}
