package report

import (
	"assay/ledger"
	"assay/stats"
)

// marksOf are the words that stand on a comparison whose number is not the plain
// one: adjusted, capped, on another scale, latched.
func marksOf(m *ledger.MetricResult, v *ledger.Versus, q quantity) []string {
	var out []string
	if v.Kept.Known {
		out = append(out, "CUPED: "+q.share(v.Kept.Value, 0)+" of the variance left")
	}
	for _, limit := range m.Caps {
		switch {
		case limit > 0 && m.Kind == "ratio":
			out = append(out, "a part capped at "+q.general(limit, 5))
		case limit > 0:
			out = append(out, "capped at "+q.value(limit))
		}
	}
	if v.Design.Scale == stats.ScaleLog {
		out = append(out, "of logarithms")
	}
	if v.NonInferior && reachesBeyond(v) {
		out = append(out, "shown to be within the margin by a one-sided test; the interval has two sides and is longer")
	}
	return out
}

// reachesBeyond tells whether the interval goes beyond the margin.
func reachesBeyond(v *ledger.Versus) bool {
	interval := v.RelativeInterval
	if v.Design.Margin.Absolute {
		interval = v.AbsoluteInterval
	}
	switch {
	case v.Design.Margin.Value == 0 || !bounded(interval):
		return false
	case v.Design.Harm == stats.SideUp:
		return interval.Upper > v.Design.Margin.Value
	}
	return interval.Lower < -v.Design.Margin.Value
}

// thin is the fixed interval of the relative effect, or of the absolute one where
// a look knows no other; "" where there is none.
func thin(v *ledger.Versus, q quantity) string {
	switch {
	case v.Status != stats.StatusOK:
		return ""
	case bounded(v.OneLook.Relative):
		return q.relativeInterval(v.OneLook.Relative)
	}
	return ""
}

// marginCell is how much harm is tolerated, and which way harm is.
func marginCell(v *ledger.Versus, q quantity) cell {
	switch {
	case v.Design.Harm == "":
		return cell{Main: dash, Note: "no direction"}
	case v.Design.Margin.Value == 0:
		return cell{Main: "0", Note: "harmful if " + string(v.Design.Harm)}
	}
	return cell{Main: q.size(v.Design.Margin), Note: "harmful if " + string(v.Design.Harm)}
}
