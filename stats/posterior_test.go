package stats

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShortfall(t *testing.T) {
	// Forty digits with mpmath, at one standard deviation.
	for _, c := range []struct{ z, want float64 }{
		{-50, 50},
		{-3, 3.0003821543170477236},
		{0, 0.39894228040143267794},
		{0.5, 0.19779655740130602959},
		{5, 5.3461655338328149539e-8},
		{9.9999, 7.4821839561955524847e-25},
		{10, 7.4745602545893280366e-25},
		{12, 1.4605201169845547802e-34},
		{37, 1.5451991905122024593e-301},
	} {
		for _, sd := range []float64{1e-5, 1, 1e5} {
			if got := shortfall(c.z*sd, sd); !near(got, c.want*sd, 2e-12, 0) {
				t.Errorf("z %g, sd %g: %.17g, want %.17g", c.z, sd, got, c.want*sd)
			}
		}
	}
	if got := shortfall(math.MaxFloat64, 1e-300); got != math.SmallestNonzeroFloat64 {
		t.Errorf("far beyond floats: %g", got)
	}
}

// grid is the posterior of the relative effect by brute force: likelihood times
// prior at many points, summed.
func grid(estimate, se, base float64, p Prior) (mean, win, ship, keep float64) {
	const points = 200001
	low, high := estimate-12*se, estimate+12*se
	total := 0.0
	for i := range points {
		d := low + (high-low)*float64(i)/(points-1)
		z := (d - estimate) / se
		l := -z * z / 2
		if !p.Flat() {
			u := (d/base - p.Mean) / p.SD
			l -= u * u / 2
		}
		w := math.Exp(l)
		total += w
		mean += w * d
		ship += w * max(-d, 0)
		keep += w * max(d, 0)
		if d > 0 {
			win += w
		}
	}
	return mean / total, win / total, ship / total, keep / total
}

func TestPosteriorMeetsGrid(t *testing.T) {
	for _, p := range []Prior{{}, {SD: 0.3}, {SD: 0.01}, {Mean: 0.05, SD: 0.02}, {Mean: -0.4, SD: 0.1}} {
		for _, shift := range []float64{-0.3, 0, 0.02, 0.4} {
			d := mixtureDesign()
			d.Harm, d.Prior = SideDown, p
			strata := half(normal(900, -4, 3), normal(1100, -4+shift, 2))
			a := standardise(viewMean, strata)
			mean, win, ship, keep := grid(a.difference().estimate, a.difference().se, 4, p)
			got := AtOneLook(d, strata).Posterior
			for _, c := range []struct{ got, want float64 }{
				{got.Mean, mean},
				{got.Win.Value, win},
				{got.Loss.Ship.Value, ship},
				{got.Loss.Keep.Value, keep},
				{got.RelativeLoss.Ship.Value, ship / 4},
				{got.RelativeLoss.Keep.Value, keep / 4},
			} {
				if !near(c.got, c.want, 1e-3, 1e-6) {
					t.Errorf("prior %v, shift %g: %g, want %g\n%+v", p, shift, c.got, c.want, got)
				}
			}
		}
	}
}

// Under a flat prior the chance to win is one less the one-sided p-value, and
// the interval is the ordinary one.
func TestFlatPosteriorIsOneLessP(t *testing.T) {
	for _, shift := range []float64{-2, -0.1, 0.05, 1} {
		d := mixtureDesign() // Harm is up.
		o := AtOneLook(d, half(normal(4_000_000, 10, 40), normal(4_000_000, 10+shift/10, 40)))
		lose := 1 - o.P.Value/2
		if shift < 0 {
			lose = o.P.Value / 2
		}
		if !near(1-o.Posterior.Win.Value, lose, 1e-4, 1e-10) {
			t.Errorf("shift %g: win %g, p %g", shift, o.Posterior.Win.Value, o.P.Value)
		}
		if !near(o.Posterior.Interval.Lower, o.Interval.Lower, 1e-5, 1e-6) || !near(o.Posterior.Interval.Upper, o.Interval.Upper, 1e-5, 1e-6) {
			t.Errorf("shift %g: %v, %v", shift, o.Posterior.Interval, o.Interval)
		}
	}
}

// What ships at the loss of one side is kept at the loss of the other.
func TestPosteriorMirrors(t *testing.T) {
	d := mixtureDesign()
	d.Prior = Prior{Mean: 0.1, SD: 0.2}
	strata := half(normal(300, 2, 3), normal(200, 2.3, 4))
	up := AtOneLook(d, strata).Posterior
	d.Harm = SideDown
	down := AtOneLook(d, strata).Posterior
	if up.Loss.Ship != down.Loss.Keep || up.Loss.Keep != down.Loss.Ship || !near(up.Win.Value+down.Win.Value, 1, 1e-15, 0) {
		t.Errorf("%+v\n%+v", up, down)
	}
	if gain := down.Loss.Keep.Value - down.Loss.Ship.Value; !near(gain, down.Mean, 1e-12, 0) {
		t.Errorf("keep less ship %g, mean %g", gain, down.Mean)
	}
}

// Units of measurement change the loss and neither the chance nor the relative
// loss.
func TestPosteriorScales(t *testing.T) {
	for _, lift := range []Lift{LiftFieller, LiftDelta} {
		for _, scale := range []float64{1e-6, 1e6} {
			d := mixtureDesign()
			d.Prior, d.Lift = Prior{Mean: 0.02, SD: 0.1}, lift
			one := AtOneLook(d, half(normal(300, 2, 3), normal(200, 2.3, 4))).Posterior
			other := AtOneLook(d, half(normal(300, 2*scale, 3*scale), normal(200, 2.3*scale, 4*scale))).Posterior
			if !near(one.Win.Value, other.Win.Value, 1e-9, 0) || !near(one.RelativeLoss.Ship.Value, other.RelativeLoss.Ship.Value, 1e-9, 0) ||
				!near(one.Loss.Keep.Value*scale, other.Loss.Keep.Value, 1e-9, 0) {
				t.Errorf("%s, scale %g:\n%+v\n%+v", lift, scale, one, other)
			}
		}
	}
}

// A prior that is sure stays what it is, one that knows nothing is flat.
func TestPriorsAtTheirEnds(t *testing.T) {
	d := mixtureDesign()
	strata := half(normal(300, 2, 3), normal(200, 2.3, 4))
	flat := AtOneLook(d, strata).Posterior
	d.Prior = Prior{SD: 1e9}
	if wide := AtOneLook(d, strata).Posterior; !near(wide.Win.Value, flat.Win.Value, 1e-9, 0) || !near(wide.SD, flat.SD, 1e-9, 0) {
		t.Errorf("wide %+v, flat %+v", wide, flat)
	}
	d.Prior = Prior{Mean: 0.07, SD: 1e-12}
	if sure := AtOneLook(d, strata).Posterior; !near(sure.Mean, 0.14, 1e-9, 0) || !near(sure.SD, 2e-12, 1e-9, 0) {
		t.Errorf("sure %+v", sure)
	}
	if got := AtOneLook(d, strata).Posterior.Win.Value; got <= 0 || got > 1e-300 {
		t.Errorf("harm for sure is won with %g", got)
	}
}

func TestPosteriorCannotSay(t *testing.T) {
	prior := func(d Design, p Prior) Design { d.Prior = p; return d }
	delta := mixtureDesign()
	delta.Lift = LiftDelta
	ratio := mixtureDesign()
	ratio.Kind = KindRatio
	some := normal(300, 2, 3)
	for _, c := range []struct {
		name   string
		design Design
		strata []Stratum
		want   Status
	}{
		{"no units", mixtureDesign(), nil, StatusNoUnits},
		{"no treatment", mixtureDesign(), half(some, Moments{}), StatusNoUnits},
		{"one unit", mixtureDesign(), half(some, normal(1, 2, 0)), StatusTooFew},
		{"below the least", mixtureDesign(), half(some, normal(19, 2, 3)), StatusTooFew},
		{"constant arms", mixtureDesign(), half(normal(300, 2, 0), normal(300, 3, 0)), StatusNoVariance},
		{"no events", exactDesign(), half(binary(300, 0), binary(300, 0)), StatusNoEvents},
		{"all events", exactDesign(), half(binary(300, 300), binary(300, 300)), StatusNoVariance},
		{"no denominator", ratio, half(some, some), StatusNoBase},
		{"prior on zero", prior(mixtureDesign(), Prior{SD: 1}), half(normal(300, 0, 3), some), StatusNoBase},
		{"delta on zero", delta, half(normal(300, 0, 3), some), StatusNoBase},
		{"overflow", mixtureDesign(), half(normal(300, -1e308, 1), normal(300, 1e308, 1)), StatusNotFinite},
		{"no alpha", func() Design { d := mixtureDesign(); d.Alpha = 0; return d }(), half(some, some), StatusBadQuestion},
		{"prior without spread", prior(mixtureDesign(), Prior{Mean: 1}), half(some, some), StatusBadQuestion},
		{"negative prior", prior(mixtureDesign(), Prior{SD: -1}), half(some, some), StatusBadQuestion},
		{"prior of no number", prior(mixtureDesign(), Prior{SD: math.NaN()}), half(some, some), StatusBadQuestion},
		{"infinite prior", prior(mixtureDesign(), Prior{Mean: math.Inf(1), SD: 1}), half(some, some), StatusBadQuestion},
		{"prior beyond floats", prior(mixtureDesign(), Prior{SD: 1e308}), half(normal(300, 1e10, 3), normal(300, 1e10, 3)), StatusNotFinite},
	} {
		got := AtOneLook(c.design, c.strata).Posterior
		want := Posterior{Status: c.want, Note: got.Note, Interval: openInterval()}
		if diff := cmp.Diff(want, got); diff != "" || got.Note == "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	// Against a control of zero a difference still wins or loses.
	zero := AtOneLook(mixtureDesign(), half(normal(300, 0, 3), some)).Posterior
	if zero.Status != StatusOK || !zero.Win.Known || !zero.Loss.Ship.Known || zero.RelativeLoss.Ship.Known {
		t.Errorf("control of zero: %+v", zero)
	}
}

// FuzzPosterior: whatever is asked, every number is finite or unknown, a chance
// lies inside (0,1), a loss is positive, and JSON comes back as it was.
func FuzzPosterior(f *testing.F) {
	f.Add(uint8(0), 0.05, 0.0, 0.3, int64(1000), 0.02, 19.6, int64(900), 0.03, 29.0)
	f.Add(uint8(5), 1e-12, 1e300, 1e-300, int64(20), -1e300, 1e300, int64(20), 1e300, 1e-300)
	f.Add(uint8(3), 0.5, -3.0, 1e308, int64(1)<<52, 1e-308, 1e-320, int64(25), 1e9, 1e-9)
	f.Fuzz(func(t *testing.T, kind uint8, alpha, mean, sd float64, n int64, mc, m2c float64, nt int64, mt, m2t float64) {
		d := Design{
			Kind: KindMean, Method: [...]Method{MethodExact, MethodMixture}[kind%2],
			Harm: [...]Side{SideUp, SideDown}[kind/2%2], Lift: [...]Lift{"", LiftDelta}[kind/4%2],
			Alpha: alpha, Planned: 5000, BaseRate: 0.1, Prior: Prior{Mean: mean, SD: sd},
		}
		o := AtOneLook(d, half(
			Moments{N: n, Any: n / 2, Mean: mc, M2: m2c}, Moments{N: nt, Any: nt / 3, Mean: mt, M2: m2t}))
		p := o.Posterior
		for _, x := range []Optional{p.Loss.Ship, p.Loss.Keep, p.RelativeLoss.Ship, p.RelativeLoss.Keep} {
			if x.Known && (!(x.Value >= 0) || !isFinite(x.Value)) {
				t.Fatalf("%+v", p)
			}
		}
		if p.Win.Known != (p.Status == StatusOK) || p.Win.Known && !(p.Win.Value > 0 && p.Win.Value < 1) {
			t.Fatalf("%+v", p)
		}
		if !isFinite(p.Mean) || !isFinite(p.SD) || !(p.Interval.Lower <= p.Interval.Upper) {
			t.Fatalf("%+v", p)
		}
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var back OneLook
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, back); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkAtOneLook(b *testing.B) {
	d := mixtureDesign()
	d.Prior = Prior{SD: 0.3}
	strata := half(normal(3000, 2, 3), normal(2000, 2.3, 4))
	b.ReportAllocs()
	for b.Loop() {
		AtOneLook(d, strata)
	}
}
