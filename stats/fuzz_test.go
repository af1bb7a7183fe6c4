package stats

import (
	"math"
	"testing"
)

var methods = [...]Method{
	MethodExact, MethodExactSpending, MethodMixture, MethodScaleMixture, MethodDelayedStart, MethodCalibrated,
}

// FuzzCompare: whatever is finite gives no NaN and no panic, infinities only as
// ends of intervals, and JSON that comes back as it was.
func FuzzCompare(f *testing.F) {
	f.Add(uint8(0), 0.05, 5000.0, 0.02, 0.1, 0.5, 0.5, 0.3, int64(1000), int64(20), 0.02, 19.6, int64(900), int64(30), 0.03, 29.0)
	f.Add(uint8(1), 1e-12, 1e6, 0.0, 0.0, 0.1, 0.9, 0.9, int64(100), int64(0), 0.0, 0.0, int64(100), int64(100), 1.0, 0.0)
	f.Add(uint8(6), 0.5, 1.0, 1e300, 1e300, 1e300, 1e-9, 0.5, int64(2), int64(2), -1e300, 1e300, int64(2), int64(1), 1e300, 1e-300)
	f.Add(uint8(77), 0.9, 1e-3, 3.0, 2.0, 0.0, 0.2, 0.2, int64(1)<<60, int64(1)<<59, 1e12, 1e12, int64(1)<<60, int64(1), 1e-12, 1e12)
	f.Fuzz(func(t *testing.T, kind uint8, alpha, planned, base, margin, mde, share, share2 float64,
		n, k int64, mean, m2 float64, n2, k2 int64, mean2, m22 float64,
	) {
		for _, x := range []float64{alpha, planned, base, margin, mde, share, share2, mean, m2, mean2, m22} {
			if !isFinite(x) {
				t.Skip()
			}
		}
		d := Design{
			Kind:   [...]Kind{KindProportion, KindMean, KindRatio}[kind%3],
			Method: methods[int(kind)%len(methods)],
			Harm:   [...]Side{SideUp, SideDown}[kind/6%2],
			Margin: Size{margin, kind/12%2 == 1}, MDE: Size{mde, kind/24%2 == 1},
			Alpha: alpha, Planned: planned, BaseRate: base, MinUnits: int64(kind % 5),
		}
		control := Moments{N: n, Any: k, Mean: mean, M2: m2, DenMean: mean2, DenM2: m22, Co: m2 / 2}
		treatment := Moments{N: n2, Any: k2, Mean: mean2, M2: m22, DenMean: mean, DenM2: m2, Co: -m22 / 2}
		strata := []Stratum{{Share: share, Control: control, Treatment: treatment}}
		if kind >= 128 {
			strata = append(strata, Stratum{Epoch: 1, Share: share2, Control: treatment, Treatment: control})
		}
		past, why := NextLook(d, nil, 0.3, strata[:1])
		var looks []Look
		if why == "" {
			looks = append(looks, past)
		}
		now, why := NextLook(d, looks, math.Mod(math.Abs(share2)*4, 2), strata)
		if why == "" {
			looks = append(looks, now)
		}
		c := Compare(d, strata, now)
		c.Miss, c.Reach = c.Outlook(looks, 0.5).Miss, c.Outlook(looks, 0.5).Reach
		mustBeClean(t, c)
		if c.Status == StatusOK && c.Harmed != (c.ExcessBound > 0) {
			t.Fatalf("harmed %v, bound %g", c.Harmed, c.ExcessBound)
		}
		if c.Miss.Known && !(c.Miss.Value >= 0 && c.Miss.Value <= 1) {
			t.Fatalf("miss %g", c.Miss.Value)
		}
	})
}

// FuzzSampleRatio: no NaN, no panic, whatever the counts.
func FuzzSampleRatio(f *testing.F) {
	f.Add(int64(44700), int64(45489), int64(0), 0.5, 0.5, 0.0, 90189.0, 0.01)
	f.Add(int64(1), int64(1)<<60, int64(3), 1e-300, 1e300, 1.0, 1e300, 1e-12)
	f.Fuzz(func(t *testing.T, a, b, c int64, x, y, z, planned, alpha float64) {
		r := CombineRatios([]RatioGroup{{[]int64{a, b, c}, []float64{x, y, z}}, {[]int64{b, a, c}, []float64{y, x, z}}}, planned, alpha)
		if !isFinite(r.LogE) || !isFinite(r.ChiStat) || r.ChiP != nil && !(*r.ChiP >= 0 && *r.ChiP <= 1) {
			t.Fatalf("%+v", r)
		}
		if r.Failed && r.Status != StatusOK || math.IsNaN(r.Bound) {
			t.Fatalf("%+v", r)
		}
	})
}
