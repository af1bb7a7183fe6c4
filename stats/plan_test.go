package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// evenly is a schedule of k looks with that many units in all.
func evenly(k int, units float64) []ScheduledLook {
	out := make([]ScheduledLook, k)
	for i := range out {
		share := float64(i+1) / float64(k)
		out[i] = ScheduledLook{Time: share, Units: math.Round(units * share)}
	}
	return out
}

// What a plan promises is what happens, for means: power, time, false alarms
// and the proof of no harm.
func TestPlanOfMeans(t *testing.T) {
	d := calibrated()
	d.Share, d.MDE, d.Margin = 0.5, Size{Value: 0.12, Absolute: true}, Size{Value: 0.05, Absolute: true}
	f := Forecast{Design: d, Mean: 3, SD: 1, Schedule: evenly(14, 2800)}
	p := f.Plan(0.8)
	if p.Status != StatusOK || len(p.Looks) != 14 || !near(p.False.Value, 0.05, 1e-6, 0) {
		t.Fatalf("%+v", p)
	}
	const runs = 4000
	found, time, within := 0, 0.0, 0
	r := rand.New(rand.NewPCG(1, 14))
	spending := NewSpending(d, nil)
	var looks []Look
	for _, s := range f.Schedule {
		look, why := spending.Next(s.Time, f.strata(s.Units, 0))
		if why != "" {
			t.Fatal(why)
		}
		looks = append(looks, look)
	}
	run := func(effect float64, hit func(Comparison) bool) (at float64, ok bool) {
		var control, treatment Moments
		for _, l := range looks {
			control = Merge(control, normalBatch(r, 100, 3))
			treatment = Merge(treatment, normalBatch(r, 100, 3+effect))
			if hit(Compare(d, half(control, treatment), l)) {
				return l.Time, true
			}
		}
		return 1, false
	}
	for range runs {
		at, ok := run(0.05+0.12, func(c Comparison) bool { return c.Harmed })
		found, time = found+count(ok), time+at
		_, ok = run(0, func(c Comparison) bool { return c.NonInferior })
		within += count(ok)
	}
	for name, c := range map[string][2]float64{
		"power":     {float64(found) / runs, p.Power.Value},
		"mean time": {time / runs, p.MeanTime.Value},
		"within":    {float64(within) / runs, p.Within.Value},
	} {
		if math.Abs(c[0]-c[1]) > 0.025 {
			t.Errorf("%s: %.4f, planned %.4f", name, c[0], c[1])
		}
	}
	// What is detectable is found with just that power.
	f.Design.MDE.Value = p.Detectable.Value
	if q := f.Plan(0.8); !near(q.Power.Value, 0.8, 1e-4, 0) || !q.TargetTime.Known || q.TargetTime.Value != 1 {
		t.Errorf("a harm of %g is found with %g by %v", p.Detectable.Value, q.Power.Value, q.TargetTime)
	}
}

// normalBatch is n normal units of standard deviation 1, drawn as moments.
func normalBatch(r *rand.Rand, n int, mean float64) Moments {
	squares := 0.0
	for range n - 1 {
		x := r.NormFloat64()
		squares += x * x
	}
	return Moments{N: int64(n), Any: int64(n), Mean: mean + r.NormFloat64()/math.Sqrt(float64(n)), M2: squares}
}

// The same for rates, with random numbers of events.
func TestPlanOfRates(t *testing.T) {
	for _, method := range []Method{MethodExactSpending, MethodExact} {
		d := spending()
		d.Method, d.Share, d.MDE, d.Margin = method, 0.3, Size{Value: 0.5}, Size{Value: 0.1}
		f := Forecast{Design: d, Mean: 0.03, Schedule: evenly(10, 8000)}
		p := f.Plan(0.8)
		if p.Status != StatusOK || p.False.Value > 0.06 || p.False.Value <= 0 {
			t.Fatalf("%s: %+v", method, p)
		}
		const runs = 1500
		r, found := rand.New(rand.NewPCG(3, 3)), 0
		for range runs {
			var n, k [2]int64
			s := NewSpending(d, nil)
			for look := range 10 {
				for range 800 {
					arm := count(r.Float64() < 0.3)
					n[arm]++
					k[arm] += int64(count(r.Float64() < [2]float64{0.03, 0.03 * 1.6}[arm]))
				}
				strata := []Stratum{{Epoch: 1, Share: 0.3, Control: binary(n[0], k[0]), Treatment: binary(n[1], k[1])}}
				now, _ := s.Next(float64(look+1)/10, strata)
				if Compare(d, strata, now).Harmed {
					found++
					break
				}
			}
		}
		if got := float64(found) / runs; math.Abs(got-p.Power.Value) > 0.05 {
			t.Errorf("%s: found in %.3f of runs, planned %.3f", method, got, p.Power.Value)
		}
	}
}

// A forecast that does not say enough gets a status, and none a made-up number.
func TestPlanCannotSay(t *testing.T) {
	good := func() Forecast {
		d := calibrated()
		d.Share, d.MDE = 0.5, Size{Value: 0.1}
		return Forecast{Design: d, Mean: 1, SD: 1, Schedule: evenly(5, 1000)}
	}
	for name, spoil := range map[string]func(*Forecast){
		"no looks":         func(f *Forecast) { f.Schedule = nil },
		"backwards":        func(f *Forecast) { f.Schedule[3].Time = 0.1 },
		"fewer units":      func(f *Forecast) { f.Schedule[3].Units = 1 },
		"no sd":            func(f *Forecast) { f.SD = 0 },
		"NaN":              func(f *Forecast) { f.Mean = math.NaN() },
		"no mean":          func(f *Forecast) { f.Mean = 0 },
		"no rate":          func(f *Forecast) { f.Design = spending(); f.Design.Share, f.Mean = 0.5, 0 },
		"everybody errs":   func(f *Forecast) { f.Design = spending(); f.Design.Share, f.Mean = 0.5, 1 },
		"no share":         func(f *Forecast) { f.Design.Share = 0 },
		"an unknown test":  func(f *Forecast) { f.Design.Method = "guess" },
		"beyond every sum": func(f *Forecast) { f.Schedule[4].Units = math.Inf(1) },
	} {
		f := good()
		spoil(&f)
		if p := f.Plan(0.8); p.Status != StatusBadQuestion || p.Note == "" || p.Power.Known || p.Detectable.Known {
			t.Errorf("%s: %+v", name, p)
		}
	}
	f := good()
	if p := f.Plan(1); p.Status != StatusBadQuestion {
		t.Errorf("certainty: %+v", p)
	}
	f.Design.MDE = Size{}
	if p := f.Plan(0.9); p.Status != StatusOK || p.Power.Known || !p.Detectable.Known {
		t.Errorf("nothing of interest: %+v", p)
	}
	f = good()
	for i := range f.Schedule {
		f.Schedule[i].Units = float64(i) // Never enough for a verdict.
	}
	if p := f.Plan(0.8); p.Status != StatusOK || p.Power.Value != 0 || p.TargetTime.Known || p.Detectable.Known || p.MeanTime.Value != 1 {
		t.Errorf("hardly any units: %+v", p)
	}
}

// Every method and scale has a plan; more units find more.
func TestPlansOfAllMethods(t *testing.T) {
	for _, m := range methods {
		for _, two := range []bool{false, true} {
			for _, harm := range []Side{SideUp, SideDown} {
				d := calibrated()
				if m.exact() {
					d = spending()
				}
				d.Method, d.Share, d.MDE, d.Harm, d.Planned = m, 0.4, Size{Value: 0.4}, harm, 20000
				if two && m.Spends() {
					continue
				}
				f := Forecast{Design: d, Mean: 0.2, SD: 1.5, Schedule: evenly(7, 4000), TwoSided: two}
				few := f.Plan(0.8)
				f.Schedule = evenly(7, 20000)
				many := f.Plan(0.8)
				if few.Status != StatusOK || !(many.Power.Value > few.Power.Value) || !(many.Detectable.Value < few.Detectable.Value) || many.Power.Value < 0.5 {
					t.Errorf("%s %s, two-sided %v: %+v, then %+v", m, harm, two, few, many)
				}
			}
		}
	}
	d := calibrated()
	d.Scale, d.Share, d.MDE, d.Margin, d.Harm = ScaleLog, 0.5, Size{Value: 0.1}, Size{Value: 0.05}, SideDown
	if p := (Forecast{Design: d, SD: 1, Schedule: evenly(7, 8000)}).Plan(0.8); p.Status != StatusOK || p.Power.Value < 0.5 || !p.Within.Known {
		t.Errorf("log scale: %+v", p)
	}
}
