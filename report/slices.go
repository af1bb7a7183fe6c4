package report

import (
	"html/template"
	"strconv"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// slicesView is the effects of one metric by one dimension.
type slicesView struct {
	Metric, Dimension  string
	KnownGood, Heading string
	Rows               []slicedRow
	Chart              template.HTML // "" where there is nothing to compare, or no room
	drawn              []forestRow
}

// slicedRow is one slice against the known-good variation.
type slicedRow struct {
	Value, Versus      string
	Control, Treatment cell
	Relative, Absolute cell
	Note               string // why there is no interval
}

// newSlices are the tables of all metrics, in the order of the effects.
func newSlices(look *ledger.Look) []slicesView {
	var out []slicesView
	for _, r := range roles {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role == r.Role {
				out = append(out, slicesOf(look, m)...)
			}
		}
	}
	room := slicesDrawn
	for i := range out {
		s := &out[i]
		if len(s.drawn) < 2 || len(s.drawn) > room {
			continue
		}
		room -= len(s.drawn)
		s.Chart = forest(picture{
			ID: "slices-" + strconv.Itoa(i), Title: "Relative effect on " + s.Metric + " by " + s.Dimension,
			Desc: "One line a value, zero marked, harm beyond the margin tinted. The table beside it holds the numbers.",
		}, s.drawn, sliceLayout)
	}
	return out
}

// slicesDrawn is the most slices that a page draws: the tables have them all.
const slicesDrawn = 100

// slicesOf are the tables of a metric, one a dimension.
func slicesOf(look *ledger.Look, m *ledger.MetricResult) []slicesView {
	var out []slicesView
	at := map[string]int{}
	for i := range m.Slices {
		s := &m.Slices[i]
		k, known := at[s.Dimension]
		if !known {
			k = len(out)
			at[s.Dimension] = k
			out = append(out, slicesView{
				Metric: name(m.Name), Dimension: name(s.Dimension),
				KnownGood: name(knownGood(look)), Heading: treatmentHeading(look),
			})
		}
		row := newSlicedRow(look, m, s)
		out[k].Rows = append(out[k].Rows, row)
		if v := effectVersus(&s.Effect); hasRelative(&v) {
			out[k].drawn = append(out[k].drawn, sliceForest(m, row, &v))
		}
	}
	return out
}

func newSlicedRow(look *ledger.Look, m *ledger.MetricResult, s *ledger.SliceResult) slicedRow {
	v := effectVersus(&s.Effect)
	q := quantityOf(web, m, &v.Comparison)
	row := slicedRow{
		Value: sliceName(s), Control: armCell(m, s.Control, q), Treatment: armCell(m, s.Treatment, q),
		Relative: relativeCell(&v, q), Absolute: absoluteCell(&v, q),
	}
	if s.Status != stats.StatusOK {
		row.Note = decide.CannotSay(s.Status)
		if row.Note == "" {
			row.Note = message(s.Note)
		}
	}
	if len(treatments(look)) > 1 {
		row.Versus = name(s.Variation)
	}
	return row
}

// sliceForest is a slice as a line of the plot; the margin is that of the whole
// comparison.
func sliceForest(m *ledger.MetricResult, row slicedRow, v *ledger.Versus) forestRow {
	f := forestRow{
		Label: joined(row.Value, ", ", row.Versus), Estimate: v.Relative, Drawn: true,
		Lower: v.RelativeInterval.Lower, Upper: v.RelativeInterval.Upper, Status: badge{Tone: toneInfo},
	}
	if whole := versus(m, v.Variation); whole != nil {
		f.Harm, f.Margin = towardsHarm(whole.Design.Harm), marginRelative(whole)
	}
	return f
}

// effectVersus is an effect among some units as a comparison.
func effectVersus(e *ledger.Effect) ledger.Versus {
	return ledger.Versus{Variation: e.Variation, Comparison: stats.Comparison{
		Status: e.Status, Note: e.Note, Control: e.Control, Treatment: e.Treatment,
		Absolute: e.Absolute, AbsoluteInterval: e.AbsoluteInterval, Relative: e.Relative, RelativeInterval: e.RelativeInterval,
	}}
}

// sliceName is what a slice is called.
func sliceName(s *ledger.SliceResult) string {
	switch {
	case s.Rest:
		return "all others"
	case s.Value == "":
		return "(none)"
	default:
		return name(s.Value)
	}
}
