package job

import (
	"context"
	"fmt"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/stats"
)

// sliceKey is one slice: of which dimension, and which of its values.
type sliceKey struct {
	dimension int
	code      int64
}

// sliced is a slice with its units.
type sliced struct {
	key    sliceKey
	value  string // "" also for the rest
	strata [][]counts
}

// sliceUnits gives units their slices. They decide nothing: where they cannot be
// told there are none, and the look goes on.
func (g *gatherer) sliceUnits(ctx context.Context) (ok bool, err error) {
	s := g.script.Sliced
	if s == nil {
		return true, nil
	}
	if _, ok, err = g.undecided(ctx, s.Statement, noSlices, withoutSlices); ok || err != nil {
		return ok, err
	}
	g.unsliced = true
	_, ok, err = g.run(ctx, s.Without)
	return ok, err
}

// The finding where slices cannot be told.
const (
	noSlices      = "no_slices"
	withoutSlices = "Effects by dimension are not shown: %s."
)

// undecided runs a statement that nothing depends on: where it fails a finding
// says so, in text with the reason filled in.
func (g *gatherer) undecided(ctx context.Context, s queries.Statement, code, text string) (rows *connectors.Rows, ok bool, err error) {
	rows, err = g.try(ctx, s)
	switch {
	case err == nil:
		return rows, true, nil
	case canceled(err):
		return nil, false, err
	}
	g.find(code, fmt.Sprintf(text, oneLine(err)), s.Name)
	return nil, false, nil
}

// slice counts the units of each slice of a dimension.
func (g *gatherer) slice(ctx context.Context, dimension int, s queries.Slice) error {
	if g.unsliced {
		return nil
	}
	rows, ok, err := g.undecided(ctx, s.Statement, noSlices, withoutSlices)
	if !ok {
		return err
	}
	for row := range rows.Len() {
		code, _ := rows.Int(row, "assay_slice")
		at := len(g.ev.sliced) - 1
		if key := (sliceKey{dimension, code}); at < 0 || g.ev.sliced[at].key != key {
			value, _ := rows.Text(row, "value")
			g.ev.sliced = append(g.ev.sliced, sliced{key: key, value: value, strata: newStrata(len(g.ev.strata), len(g.at.experiment.Variations))})
			at++
		}
		stratum, _ := rows.Int(row, "assay_stratum")
		epoch, arm := g.script.Stratum(stratum)
		c := &g.ev.sliced[at].strata[epoch][arm]
		c.units, _ = rows.Int(row, "units")
		g.closed(rows, row, c)
	}
	return nil
}

// closed reads how many units have a closed window, for each metric.
func (g *gatherer) closed(rows *connectors.Rows, row int, c *counts) {
	for _, m := range g.script.Measures() {
		if m.Closed != "" {
			c.closed[m.Closed], _ = rows.Int(row, m.Closed)
		}
	}
}

// sliceOf is the slice that a row of facts is about; not ok where it is about
// all of them.
func (g *gatherer) sliceOf(rows *connectors.Rows, row int, l layout) (key sliceKey, ok bool) {
	if !l.slices {
		return key, false
	}
	for i, s := range g.script.Slices {
		if code, _ := rows.Int(row, s.Column); code != queries.SliceAll {
			return sliceKey{i, code}, true
		}
	}
	return key, false
}

// alphaSlices is the error of the intervals of all slices of a dimension and all
// treatments together, of one metric. They decide nothing.
const alphaSlices = 0.05

// bySlice are the effects of one question by slice, by intervals that hold at
// every look and over all values of a dimension.
func bySlice(at *vantage, ev *evidence, q question) []ledger.SliceResult {
	data := ev.metrics[q.use.Metric]
	if data == nil || data.failed || len(data.slices) == 0 {
		return nil
	}
	// As many as there can ever be, so that no value that appears later changes
	// what was said.
	family := float64((queries.SliceRest + 1) * (len(at.experiment.Variations) - 1))
	var out []ledger.SliceResult
	for i := range ev.sliced {
		s := &ev.sliced[i]
		out = append(out, ledger.SliceResult{
			Dimension: at.experiment.Slices[s.key.dimension], Value: s.value, Rest: s.key.code == queries.SliceRest,
			Effect: effectAmong(at, ev, q, data.slices[s.key], s.strata, alphaSlices/family),
		})
	}
	return out
}

// effectAmong is the effect of one question among some of the units, of which
// strata has the numbers, by an interval of error alpha that needs no record of
// the looks before.
func effectAmong(at *vantage, ev *evidence, q question, moments [][]stats.Moments, strata [][]counts, alpha float64) ledger.Effect {
	d := design(at, q)
	d.Alpha = alpha
	d.Margin, d.Method = stats.Size{}, sliceMethod(d)
	c := stats.Compare(d, strataAmong(at, ev, moments, strata, q.treatment), stats.Look{})
	return ledger.Effect{
		Variation: at.experiment.Variations[q.treatment].ID, Status: c.Status, Note: c.Note,
		Control: c.Control, Treatment: c.Treatment,
		Absolute: c.Absolute, AbsoluteInterval: c.AbsoluteInterval, Relative: c.Relative, RelativeInterval: c.RelativeInterval,
	}
}

// sliceMethod is a method that holds however long one looks and needs no record
// of the looks before.
func sliceMethod(d stats.Design) stats.Method {
	if d.Method == stats.MethodExact || d.Method == stats.MethodExactSpending {
		return stats.MethodExact
	}
	return stats.MethodScaleMixture
}

func strataAmong(at *vantage, ev *evidence, moments [][]stats.Moments, strata [][]counts, treatment int) []stats.Stratum {
	control := controlOf(at.experiment)
	var out []stats.Stratum
	for i, epoch := range at.dataEpochs() {
		w := weights(epoch.allocation, at.experiment.Variations)
		if w[control] == 0 || w[treatment] == 0 || moments == nil {
			continue
		}
		share := w[treatment] / (w[treatment] + w[control])
		nc, nt := strata[i][control].units, strata[i][treatment].units
		if bySize(at, ev, i) && nc > 0 && nt > 0 {
			share = float64(nt) / float64(nt+nc)
		}
		out = append(out, stats.Stratum{Epoch: i + 1, Share: share, Control: moments[i][control], Treatment: moments[i][treatment]})
	}
	return out
}

// unitsOf are the units of a slice; nil where it has none.
func (g *gatherer) unitsOf(key sliceKey) [][]counts {
	for i := range g.ev.sliced {
		if g.ev.sliced[i].key == key {
			return g.ev.sliced[i].strata
		}
	}
	return nil
}
