package report

import (
	"math"

	"assay/ledger"
	"assay/stats"
)

// enrich gives the metrics of a look what the pages can also show: moments by arm
// and epoch, a fixed relative interval, a covariate, a cap, and slices with these
// values.
func enrich(look *ledger.Look, dimension string, values ...string) {
	look.Spec.Policy = map[string]string{"freshness": "1d", "max_multiple": "0.01", "max_unknown": "0.01"}
	for i := range look.Metrics {
		m := &look.Metrics[i]
		m.Arms = nil
		for j := range m.Comparisons {
			v := &m.Comparisons[j]
			v.OneLook.Relative = stats.Interval{Lower: v.RelativeInterval.Lower * 0.6, Upper: v.RelativeInterval.Upper * 0.6}
			for epoch := 1; epoch <= 2; epoch++ {
				m.Arms = append(m.Arms, armMoments(look, v.Control, epoch, knownGood(look)), armMoments(look, v.Treatment, epoch, v.Variation))
			}
			sliced(m, v, dimension, values)
			byDay(m, v, 14)
		}
	}
	if len(look.Metrics) > 4 {
		look.Metrics[1].Comparisons[0].Kept = stats.Some(0.64)
		look.Metrics[3].Caps = []float64{4200}
		look.Metrics[4].Caps = []float64{0, 12}
	}
}

func armMoments(look *ledger.Look, a stats.ArmValue, epoch int, variation string) ledger.ArmMoments {
	n := a.N / 2
	sd := a.SE * math.Sqrt(float64(a.N))
	m := stats.FromWarehouse(n, a.Any/2, a.Value, sd*sd).WithDenominator(1, 0.5, 0)
	return ledger.ArmMoments{Variation: variation, Epoch: look.Epochs[epoch-1].Index, Moments: m}
}

// effectOf is a comparison as an effect among some of the units.
func effectOf(v *ledger.Versus) ledger.Effect {
	return ledger.Effect{
		Variation: v.Variation, Status: v.Status, Control: v.Control, Treatment: v.Treatment,
		Absolute: v.Absolute, AbsoluteInterval: v.AbsoluteInterval, Relative: v.Relative, RelativeInterval: v.RelativeInterval,
	}
}

// byDay is a comparison by day, of which the first has the effect, and later ones
// ever fewer units and less of it.
func byDay(m *ledger.MetricResult, v *ledger.Versus, days int) {
	for day := range days {
		d := ledger.DayResult{Day: day, Effect: effectOf(v)}
		left := int64(days - day)
		d.Control.N, d.Treatment.N = d.Control.N*left/int64(days), d.Treatment.N*left/int64(days)
		wider, fades := math.Sqrt(float64(days)/float64(left)), float64(left)/float64(days)
		if d.Relative.Known {
			half := (v.RelativeInterval.Upper - v.RelativeInterval.Lower) / 2 * wider
			d.Relative.Value *= fades
			d.RelativeInterval = stats.Interval{Lower: d.Relative.Value - half, Upper: d.Relative.Value + half}
		}
		m.Days = append(m.Days, d)
	}
	if days > 0 {
		m.Days[len(m.Days)-1].Status = stats.StatusTooFew
	}
}

// sliced splits a comparison into slices around the whole effect.
func sliced(m *ledger.MetricResult, v *ledger.Versus, dimension string, values []string) {
	for k, value := range values {
		shift := 0.01 * float64(k-len(values)/2)
		s := ledger.SliceResult{
			Dimension: dimension, Value: value, Effect: effectOf(v),
		}
		s.Control.N, s.Control.Any, s.Treatment.N, s.Treatment.Any = s.Control.N/3, s.Control.Any/3, s.Treatment.N/3, s.Treatment.Any/3
		if s.Relative.Known {
			s.Relative.Value += shift
			s.RelativeInterval = stats.Interval{Lower: s.RelativeInterval.Lower*1.7 + shift, Upper: s.RelativeInterval.Upper*1.7 + shift}
		}
		m.Slices = append(m.Slices, s)
	}
	if len(values) > 0 {
		m.Slices = append(m.Slices, ledger.SliceResult{Dimension: dimension, Rest: true, Effect: ledger.Effect{Variation: v.Variation, Status: stats.StatusTooFew}})
	}
}
