package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// placed is the order statistic at a place in (0,1); x is sorted.
func placed(x []float64, place float64) float64 {
	return x[min(int(math.Ceil(place*float64(len(x))))-1, len(x)-1)]
}

// quantileOf is the Quantile of clusters of values.
func quantileOf(clusters [][]float64, nu float64) Quantile {
	var all []float64
	for _, c := range clusters {
		all = append(all, c...)
	}
	slices.Sort(all)
	q := Quantile{N: int64(len(all)), Nu: nu, Value: placed(all, nu)}
	lower, upper, _ := QuantileEnds(q.N, nu)
	q.Lower, q.Upper = placed(all, lower), placed(all, upper)
	if len(clusters) == len(all) {
		return q
	}
	units := make([]unit, len(clusters))
	for i, c := range clusters {
		for _, v := range c {
			units[i].y += float64(count(v <= q.Value))
		}
		units[i].d = float64(len(c))
	}
	q.Below = momentsOf(units)
	q.Below.M3 = 0
	return q
}

// clusters are n units of 1 to most lognormal values that share a unit's own
// level with correlation icc.
func clusters(r *rand.Rand, n, most int, icc float64) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		own := r.NormFloat64()
		for range 1 + r.IntN(most) {
			out[i] = append(out[i], math.Exp(math.Sqrt(icc)*own+math.Sqrt(1-icc)*r.NormFloat64()))
		}
	}
	return out
}

// The standard error of a quantile is the spread of the quantile between
// samples, of units and of events of units; ignoring the units is far off.
func TestQuantileErrors(t *testing.T) {
	long(t)
	const runs = 3000
	r := rand.New(rand.NewPCG(51, 1))
	for _, c := range []struct {
		name     string
		n, most  int
		icc, nu  float64
		z        float64 // of the true quantile
		inflates float64
	}{
		{"median of units", 400, 1, 0, 0.5, 0, 1},
		{"p90 of units", 900, 1, 0, 0.9, 1.2815515655446004, 1},
		{"median of events", 400, 9, 0.5, 0.5, 0, 2.5},
		{"p90 of events", 900, 9, 0.5, 0.9, 1.2815515655446004, 2},
	} {
		squares, naive, out := 0.0, 0.0, 0
		for range runs {
			q := quantileOf(clusters(r, c.n, c.most, c.icc), c.nu)
			m, status, note := q.Moments()
			if status != StatusOK {
				t.Fatalf("%s: %s (%s)", c.name, status, note)
			}
			v, _ := m.Variance()
			off := q.Value - math.Exp(c.z)
			squares += off * off / (v / float64(m.N)) / runs
			z := tToZ(math.Abs(off)/math.Sqrt(v/float64(m.N)), m.df())
			out += count(z > 2.5758293035489004)
			naive += off * off / (v / float64(m.N)) * q.ClusterFactor() / runs
		}
		t.Logf("%s: mean z² %.3f, as if independent %.3f; beyond 1 %%: %.4f", c.name, squares, naive, float64(out)/runs)
		if math.Abs(squares-1) > 0.15 || math.Abs(float64(out)/runs-0.01) > 0.006 || naive < 0.85*c.inflates {
			t.Errorf("%s: mean z² %g, as if independent %g", c.name, squares, naive)
		}
	}
}

func TestQuantileEnds(t *testing.T) {
	lower, upper, ok := QuantileEnds(10000, 0.95)
	if h := 1.959963984540054 * math.Sqrt(0.95*0.05/10000); !ok || !near(lower, 0.95-h, 1e-14, 0) || !near(upper, 0.95+h, 1e-14, 0) {
		t.Errorf("%g, %g, %v", lower, upper, ok)
	}
	// 3.84 * 19 = 72.99.
	for n, want := range map[int64]bool{-1: false, 0: false, 1: false, 72: false, 73: true, 1e15: true} {
		for _, nu := range []float64{0.95, 0.05} {
			if _, _, ok := QuantileEnds(n, nu); ok != want {
				t.Errorf("%g of %d values: %v", nu, n, ok)
			}
		}
	}
	for _, nu := range []float64{0, 1, -1, math.NaN(), math.Inf(1)} {
		if _, _, ok := QuantileEnds(100, nu); ok {
			t.Errorf("the quantile %g has ends", nu)
		}
	}
}

func TestQuantileWithoutAnswer(t *testing.T) {
	good := Quantile{N: 1000, Nu: 0.9, Value: 5, Lower: 4.8, Upper: 5.3}
	below := Moments{N: 200, Any: 200, Mean: 4.5, M2: 300, DenMean: 5, DenM2: 300, Co: 290}
	change := func(f func(*Quantile)) Quantile { q := good; f(&q); return q }
	for _, c := range []struct {
		name string
		q    Quantile
		want Status
	}{
		{"good", good, StatusOK},
		{"of events", change(func(q *Quantile) { q.Below = below }), StatusOK},
		{"sample", change(func(q *Quantile) { q.Sample = 800 }), StatusOK},
		{"none", Quantile{Nu: 0.9}, StatusTooFew},
		{"34 of p90", change(func(q *Quantile) { q.N = 34 }), StatusTooFew},
		{"35 of p90", change(func(q *Quantile) { q.N = 35 }), StatusOK},
		{"clusters that are alike", change(func(q *Quantile) {
			q.Below = Moments{N: 20, Any: 18, Mean: 45, M2: 4500, DenMean: 50, DenM2: 0, Co: 0}
		}), StatusTooFew},
		{"tied", change(func(q *Quantile) { q.Lower, q.Upper = 5, 5 }), StatusNoVariance},
		{"every unit alike", change(func(q *Quantile) { q.Below = Moments{N: 200, DenMean: 5, Mean: 4.5} }), StatusNoVariance},
		{"infinite", change(func(q *Quantile) { q.Upper = math.Inf(1) }), StatusNotFinite},
		{"overflows", change(func(q *Quantile) { q.Upper = 1e300 }), StatusNotFinite},
		{"outside", change(func(q *Quantile) { q.Value = 6 }), StatusBadQuestion},
		{"nu", change(func(q *Quantile) { q.Nu = 95 }), StatusBadQuestion},
		{"NaN", change(func(q *Quantile) { q.Nu = math.NaN() }), StatusBadQuestion},
		{"negative", change(func(q *Quantile) { q.N = -5 }), StatusBadQuestion},
		{"other events", change(func(q *Quantile) { q.Below = below; q.N = 900 }), StatusBadQuestion},
	} {
		m, status, note := c.q.Moments()
		if status != c.want || (note == "") != (status == StatusOK) || (m == Moments{}) != (status != StatusOK) {
			t.Errorf("%s: %s (%s), want %s: %+v", c.name, status, note, c.want, m)
		}
		d := mixtureDesign()
		x := CompareQuantiles(d, []QuantileStratum{{Share: 0.5, Control: c.q, Treatment: c.q}}, Look{})
		if x.Status != c.want && (c.want != StatusTooFew || x.Status != StatusNoUnits) {
			t.Errorf("%s: compared with itself %s (%s)", c.name, x.Status, x.Note)
		}
		mustBeClean(t, x)
	}
}

// Quantiles are compared as their moments are; an epoch without an answer is
// left out.
func TestCompareQuantiles(t *testing.T) {
	d := mixtureDesign()
	control, treatment := Quantile{N: 4000, Nu: 0.9, Value: 5, Lower: 4.9, Upper: 5.1}, Quantile{N: 4000, Nu: 0.9, Value: 5.5, Lower: 5.3, Upper: 5.7}
	few := Quantile{N: 10, Nu: 0.9, Value: 9, Lower: 9, Upper: 9}
	c := CompareQuantiles(d, []QuantileStratum{
		{Epoch: 0, Share: 0.5, Control: few, Treatment: control},
		{Epoch: 1, Share: 0.5, Control: control, Treatment: treatment},
		{Epoch: 2, Share: 0.5},
	}, Look{})
	se := math.Hypot(0.2, 0.4) / (2 * 1.959963984540054)
	if c.Status != StatusOK || !near(c.Absolute, 0.5, 1e-12, 0) || !near(math.Hypot(c.Control.SE, c.Treatment.SE), se, 1e-12, 0) || !c.Harmed {
		t.Errorf("se %g, want %g: %+v", math.Hypot(c.Control.SE, c.Treatment.SE), se, c)
	}
	if want := "1 epoch left out: 10 independent values are too few for the quantile 0.9"; c.Note != want {
		t.Errorf("note %q, want %q", c.Note, want)
	}
}
