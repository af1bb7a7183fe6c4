package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// batch are the Moments of values and denominators in two passes.
func batch(x, d []float64) Moments {
	m := Moments{N: int64(len(x))}
	n := float64(len(x))
	for i := range x {
		m.Mean += (x[i] - x[0]) / n
		m.DenMean += (d[i] - d[0]) / n
		if x[i] != 0 {
			m.Any++
		}
	}
	m.Mean += x[0]
	m.DenMean += d[0]
	for i := range x {
		a, b := x[i]-m.Mean, d[i]-m.DenMean
		m.M2 += a * a
		m.DenM2 += b * b
		m.Co += a * b
	}
	return m
}

// one are the Moments of a single unit.
func one(x, d float64) Moments {
	return Moments{N: 1, Any: int64(count(x != 0)), Mean: x, DenMean: d}
}

func sameMoments(a, b Moments, rel, sd float64) bool {
	return a.N == b.N && a.Any == b.Any && near(a.Mean, b.Mean, 0, sd*rel) && near(a.DenMean, b.DenMean, 0, sd*rel) &&
		near(a.M2, b.M2, rel, 0) && near(a.DenM2, b.DenM2, rel, 0) && near(a.Co, b.Co, rel, rel*math.Sqrt(a.M2*a.DenM2))
}

// Merging one unit at a time, in halves or in another order is the batch, also
// where the mean is 1e8 standard deviations.
func TestMergeEqualsBatch(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	for _, centre := range []float64{0, 1, 1e8} {
		x, d := make([]float64, 5000), make([]float64, 5000)
		for i := range x {
			d[i] = centre + r.NormFloat64()
			x[i] = centre + r.NormFloat64() + 0.5*(d[i]-centre)
		}
		want := batch(x, d)
		var byOne, shuffled Moments
		for i := range x {
			byOne = Merge(byOne, one(x[i], d[i]))
		}
		for _, i := range r.Perm(len(x)) {
			shuffled = Merge(one(x[i], d[i]), shuffled)
		}
		cut := 1234
		halves := Merge(batch(x[:cut], d[:cut]), batch(x[cut:], d[cut:]))
		for name, got := range map[string]Moments{"one by one": byOne, "shuffled": shuffled, "halves": halves} {
			// The values themselves are rounded to 1e-8 sd at the largest centre.
			if !sameMoments(got, want, 1e-6, 1) || centre < 1e8 && !sameMoments(got, want, 1e-12, 1) {
				t.Errorf("%s at %g: got %+v, want %+v", name, centre, got, want)
			}
		}
	}
}

func TestMergeShiftAndScale(t *testing.T) {
	a, b := FromWarehouse(700, 700, 3, 4), FromWarehouse(300, 300, 5, 9)
	plain := Merge(a, b)
	a.Mean, b.Mean = a.Mean+1e7, b.Mean+1e7
	if got := Merge(a, b); !near(got.M2, plain.M2, 1e-12, 0) || got.Mean != plain.Mean+1e7 {
		t.Errorf("shift: %+v, want %+v", got, plain)
	}
	c, d := FromWarehouse(700, 700, 3e5, 4e10), FromWarehouse(300, 300, 5e5, 9e10)
	if got := Merge(c, d); !near(got.M2, 1e10*plain.M2, 1e-14, 0) {
		t.Errorf("scale: %+v, want %+v", got, plain)
	}
}

func TestWithZeros(t *testing.T) {
	x, d := []float64{1e8, 1e8 + 1, 1e8 + 3}, []float64{2, 3, 7}
	got := WithZeros(batch(x, d), 4)
	want := batch(append(x, 0, 0, 0, 0), append(d, 0, 0, 0, 0))
	if !sameMoments(got, want, 1e-14, 1e8) || got.Any != 3 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := WithZeros(Moments{}, 5); got != (Moments{N: 5}) {
		t.Errorf("only zeros: %+v", got)
	}
	if got := WithZeros(want, -1); got != want {
		t.Errorf("fewer than none: %+v", got)
	}
}

func TestFromWarehouse(t *testing.T) {
	m := FromWarehouse(5, 3, 2, 4).WithDenominator(10, 9, -1)
	if m != (Moments{N: 5, Any: 3, Mean: 2, M2: 16, DenMean: 10, DenM2: 36, Co: -4}) {
		t.Errorf("got %+v", m)
	}
	if v, ok := m.Variance(); v != 4 || !ok {
		t.Errorf("variance %g, %v", v, ok)
	}
	if _, ok := FromWarehouse(1, 1, 2, 0).Variance(); ok {
		t.Error("one unit has no variance")
	}
	if m := FromWarehouse(0, 0, 7, 7).WithDenominator(1, 1, 1); m != (Moments{}) {
		t.Errorf("no units: %+v", m)
	}
}
