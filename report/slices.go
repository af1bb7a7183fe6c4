package report

import (
	"assay/ledger"
	"assay/stats"
)

// slicesView is the effects of one metric by one dimension.
type slicesView struct {
	Metric, Dimension  string
	KnownGood, Heading string
	Rows               []slicedRow
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
	return out
}

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
		out[k].Rows = append(out[k].Rows, newSlicedRow(look, m, s))
	}
	return out
}

func newSlicedRow(look *ledger.Look, m *ledger.MetricResult, s *ledger.SliceResult) slicedRow {
	v := sliceVersus(s)
	q := quantityOf(web, m, &v.Comparison)
	row := slicedRow{
		Value: sliceName(s), Control: armCell(m, s.Control, q), Treatment: armCell(m, s.Treatment, q),
		Relative: relativeCell(&v, q), Absolute: absoluteCell(&v, q),
	}
	if s.Status != stats.StatusOK {
		row.Note = cannotSay[s.Status]
		if row.Note == "" {
			row.Note = message(s.Note)
		}
	}
	if len(treatments(look)) > 1 {
		row.Versus = name(s.Variation)
	}
	return row
}

// sliceVersus is a slice as a comparison, of which it has what is shown.
func sliceVersus(s *ledger.SliceResult) ledger.Versus {
	return ledger.Versus{Variation: s.Variation, Comparison: stats.Comparison{
		Status: s.Status, Note: s.Note, Control: s.Control, Treatment: s.Treatment,
		Absolute: s.Absolute, AbsoluteInterval: s.AbsoluteInterval, Relative: s.Relative, RelativeInterval: s.RelativeInterval,
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
