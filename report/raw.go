package report

import (
	"math"

	"assay/ledger"
	"assay/stats"
)

// rawRow is what one variation's units came to in one metric: what the effects
// are made of.
type rawRow struct {
	Metric, Variation                               string
	Units, Numerator, Denominator, Mean, Spread, SE string
}

// newRaw are the rows of all metrics, in the order of the effects.
func newRaw(look *ledger.Look) []rawRow {
	var out []rawRow
	for _, r := range roles {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role != r.Role || blindTo(look, m) {
				continue
			}
			for _, v := range look.Spec.Variations {
				if moments, ok := pooled(m, v.ID); ok {
					out = append(out, newRawRow(m, v.ID, &moments))
				}
			}
		}
	}
	return out
}

// pooled are a variation's moments over all epochs; not ok where there are none.
func pooled(m *ledger.MetricResult, variation string) (stats.Moments, bool) {
	var all stats.Moments
	ok := false
	for i := range m.Arms {
		if a := &m.Arms[i]; a.Variation == variation {
			all, ok = stats.Merge(all, a.Moments), true
		}
	}
	return all, ok && all.N > 0
}

func newRawRow(m *ledger.MetricResult, variation string, a *stats.Moments) rawRow {
	row := rawRow{
		Metric: name(m.Name), Variation: name(variation), Units: web.count(a.N),
		Numerator: dash, Denominator: dash, Mean: web.general(a.Mean, 5), Spread: dash, SE: dash,
	}
	if summable(m) {
		row.Numerator, row.Denominator = numeratorOf(m, a), denominatorOf(m, a)
	}
	if variance, ok := a.Variance(); ok {
		row.Spread = web.general(math.Sqrt(variance), 4)
		row.SE = web.general(math.Sqrt(variance/float64(a.N)), 3)
	}
	if m.Kind == "ratio" {
		row.Mean = dash
		if a.DenMean != 0 {
			row.Mean = web.general(a.Mean/a.DenMean, 5)
		}
		row.Spread, row.SE = dash, dash // They are those of the numerator, not of the ratio.
	}
	return row
}

// summable tells whether a metric's moments are of sums: those of a quantile and
// of logarithms are not.
func summable(m *ledger.MetricResult) bool {
	if m.Kind == "quantile" {
		return false
	}
	for i := range m.Comparisons {
		if m.Comparisons[i].Design.Scale == stats.ScaleLog {
			return false
		}
	}
	return true
}

// numeratorOf is the sum over the units, or how many have any.
func numeratorOf(m *ledger.MetricResult, a *stats.Moments) string {
	if counted(m) {
		return web.count(a.Any)
	}
	return web.total(a.Mean * float64(a.N))
}

// denominatorOf is the number of units, or of a ratio the sum of its denominator.
func denominatorOf(m *ledger.MetricResult, a *stats.Moments) string {
	if m.Kind == "ratio" {
		return web.total(a.DenMean * float64(a.N))
	}
	return web.count(a.N)
}

// total writes a sum: whole where it is one but for rounding, else with about
// five digits.
func (n numbers) total(x float64) string {
	if whole := math.Round(x); math.Abs(whole) < 1e15 && math.Abs(x-whole) <= 1e-9*math.Max(1, math.Abs(x)) {
		return n.count(int64(whole))
	}
	return n.general(x, 5)
}

// shareText is the numerator over the denominator of an arm, "" where there is
// none to tell.
func shareText(m *ledger.MetricResult, variation string) string {
	a, ok := pooled(m, variation)
	if !ok || !summable(m) || counted(m) {
		return ""
	}
	return numeratorOf(m, &a) + " / " + denominatorOf(m, &a)
}
