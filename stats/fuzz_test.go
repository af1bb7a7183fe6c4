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
		if kind%7 == 0 {
			d.Scale = ScaleLog
		}
		d.Lift = [...]Lift{LiftFieller, LiftLog, LiftDelta}[kind%3]
		d.Share = [...]float64{0, 0.5, share}[kind/3%3]
		if kind%5 == 0 {
			control.M3, treatment.M3 = mean*m2, -mean2*m22
		}
		if kind%11 == 0 {
			d.Covariate = true
			control.Pre = PreMoments{Mean: mean2, M2: m22, Value: m2 / 3, DenMean: mean, DenM2: m2}
			treatment.Pre = PreMoments{Mean: mean, M2: m2, Value: -m22 / 3, DenMean: mean2, DenM2: m22}
		}
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

// FuzzMerge: parts of finite moments merge and compare with no NaN, no infinity
// and no panic, by every lift, on both scales and with a covariate; the order of
// parts does not matter.
func FuzzMerge(f *testing.F) {
	f.Add(uint8(0), int64(1000), int64(300), int64(7), 3.0, 9.0, 1.0, 2.0, 0.5, 0.7, 4.0, 1.5)
	f.Add(uint8(9), int64(2), int64(2), int64(0), -1e300, 1e300, 1e300, 1e-300, -1e300, 1e150, 1e150, 0.0)
	f.Add(uint8(22), int64(50), int64(1)<<52, int64(1)<<40, 1e-300, 1e-300, 0.0, 0.0, 0.0, 5e-324, 1e-200, -1e-300)
	f.Add(uint8(47), int64(20), int64(20), int64(5), 700.0, 400.0, -900.0, 1.0, 1.0, 1.0, 1.0, 1.0)
	f.Fuzz(func(t *testing.T, kind uint8, n, n2, zeros int64, mean, m2, m3, den, co, pre, pre2, with float64) {
		for _, x := range []float64{mean, m2, m3, den, co, pre, pre2, with} {
			if !isFinite(x) {
				t.Skip()
			}
		}
		p := PreMoments{pre, pre2, den, m2, co, with, co, with, -co}
		a := Moments{N: n, Any: n, Mean: mean, M2: m2, DenMean: den, DenM2: pre2, Co: co, M3: m3, Pre: p}
		b := FromWarehouse(n2, n2, with, pre2).WithDenominator(mean, m2, co).WithThird(m3).WithCovariate(p)
		ab, ba := Merge(a, b), Merge(b, a)
		if n > 0 && n2 > 0 && n != n2 && ab != ba && ab.finite() {
			t.Fatalf("order matters: %+v and %+v", ab, ba)
		}
		d := Design{
			Kind: [...]Kind{KindMean, KindRatio}[kind%2], Method: MethodMixture, Harm: [...]Side{SideUp, SideDown}[kind/2%2],
			Margin: Size{Value: math.Abs(co), Absolute: kind/4%2 == 1}, Alpha: 0.05, Planned: 1000,
			Scale: [...]Scale{ScaleLinear, ScaleLog}[kind/8%2], Lift: [...]Lift{LiftFieller, LiftLog, LiftDelta}[kind/16%3],
			Covariate: kind/48%2 == 0,
		}
		strata := []Stratum{{Control: WithZeros(a, zeros), Treatment: b}, {Epoch: int(kind / 96), Control: b, Treatment: ab}}
		mustBeClean(t, Compare(d, strata, Look{}))
		if s := standardise(d.view(), strata); s.skewness().Known && !isFinite(s.skewness().Value) {
			t.Fatalf("skewness %v", s.skewness())
		}
		q := Quantile{N: n, Nu: den, Value: mean, Lower: co, Upper: with, Sample: n2, Below: a}
		mustBeClean(t, CompareQuantiles(d, []QuantileStratum{{Control: q, Treatment: q}}, Look{}))
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

// FuzzPast: whatever a ledger holds, a new look has a finite boundary or a
// reason, in little time.
func FuzzPast(f *testing.F) {
	f.Add(uint8(0), 0.1, 1000.0, 0.01, 2.5, 0.2, 2000.0, 0.02, 2.4, int64(20), int64(40), 0.5, 0.4)
	f.Add(uint8(1), 0.1, 40.0, 0.01, 2.5, 0.1, 40.0, 0.0, 0.0, int64(1)<<60, int64(-5), 0.0, 1e-300)
	f.Fuzz(func(t *testing.T, kind uint8, time, info, spent, z, time2, info2, spent2, z2 float64, events, least int64, share, now float64) {
		d := calibrated()
		if kind%2 == 1 {
			d = spending()
		}
		past := []Look{
			{Time: time, Info: info, Spent: spent, Z: z, Events: []EventCount{{Epoch: 1, Total: events, Share: share}}, Least: least},
			{Time: time2, Info: info2, Spent: spent2, Z: z2, Events: []EventCount{{Epoch: 1, Total: least, Share: share}}, Most: events, SpentWithin: spent},
		}
		look, why := NextLook(d, past, now, growing(4000, 40, 60, 0.5))
		for _, x := range []float64{look.Z, look.Spent, look.Info, look.ZWithin, look.SpentWithin} {
			if why == "" && !isFinite(x) {
				t.Fatalf("%+v", look)
			}
		}
		c := Compare(d, growing(4000, 40, 60, 0.5), look)
		mustBeClean(t, c)
	})
}

// FuzzPlan: no NaN, no panic, chances that are chances.
func FuzzPlan(f *testing.F) {
	f.Add(uint8(0), 0.05, 0.5, 0.1, 0.05, 1.0, 1.0, 5000.0, 0.3, 0.8)
	f.Add(uint8(3), 1e-12, 1e-9, 1e9, 0.9, 1e-300, 1e300, 1e15, 1.0, 1e-9)
	f.Fuzz(func(t *testing.T, kind uint8, alpha, share, mde, margin, mean, sd, units, when, target float64) {
		d := Design{
			Kind: [...]Kind{KindProportion, KindMean, KindRatio}[kind%3], Method: methods[int(kind)%len(methods)],
			Harm: [...]Side{SideUp, SideDown}[kind/2%2], Margin: Size{margin, kind/4%2 == 1}, MDE: Size{mde, kind/8%2 == 1},
			Alpha: alpha, Share: share, Planned: units, BaseRate: mean, MinUnits: int64(kind % 30),
		}
		if kind > 200 {
			d.Scale = ScaleLog
		}
		schedule := []ScheduledLook{{when / 2, math.Floor(units / 3)}, {when, math.Floor(units)}}
		p := Forecast{Design: d, Mean: mean, SD: sd, Schedule: schedule, TwoSided: kind%16 == 5}.Plan(target)
		for _, o := range []Optional{p.Power, p.False, p.Within, p.MeanTime, p.TargetTime} {
			if o.Known && !(o.Value >= 0 && o.Value <= 1) {
				t.Fatalf("%+v", p)
			}
		}
		if p.Detectable.Known && !(isFinite(p.Detectable.Value) && p.Detectable.Value >= 0) {
			t.Fatalf("%+v", p)
		}
	})
}
