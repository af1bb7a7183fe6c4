package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// binary are the moments of n units of which k have an event.
func binary(n, k int64) Moments {
	if n == 0 {
		return Moments{}
	}
	p := float64(k) / float64(n)
	return Moments{N: n, Any: k, Mean: p, M2: float64(k) * (1 - p)}
}

// normal are the moments of n units with mean and standard deviation.
func normal(n int64, mean, sd float64) Moments { return FromWarehouse(n, n, mean, sd*sd) }

func exactDesign() Design {
	return Design{
		Kind: KindProportion, Method: MethodExact, Harm: SideUp, MDE: Size{Value: 0.5},
		Alpha: 0.05, Planned: 5000, BaseRate: 0.02, MinUnits: 20,
	}
}

func mixtureDesign() Design {
	return Design{
		Kind: KindMean, Method: MethodMixture, Harm: SideUp, MDE: Size{Value: 0.1},
		Alpha: 0.05, Planned: 5000, MinUnits: 20,
	}
}

func half(control, treatment Moments) []Stratum {
	return []Stratum{{Share: 0.5, Control: control, Treatment: treatment}}
}

// randomCase is a seeded random question with moments of some units.
func randomCase(r *rand.Rand) (Design, []Stratum) {
	d := exactDesign()
	if r.IntN(2) == 0 {
		d = mixtureDesign()
	}
	if r.IntN(2) == 0 {
		d.Harm = SideDown
	}
	d.Alpha = math.Pow(10, -4*r.Float64()-0.5)
	d.Planned = math.Pow(10, 2+4*r.Float64())
	d.BaseRate = [...]float64{0, 0.02, 0.2}[r.IntN(3)]
	d.Margin.Value = [...]float64{0, 0.05, 0.4}[r.IntN(3)]
	var strata []Stratum
	for e := range 1 + r.IntN(3) {
		share := [...]float64{0.1, 0.5, 0.9}[r.IntN(3)]
		n := math.Pow(10, 2+2.5*r.Float64())
		base, lift := 0.02+0.2*r.Float64(), 0.5+r.Float64()
		strata = append(strata, Stratum{
			Epoch: e, Share: share,
			Control:   binary(30+int64(n*(1-share)), int64(n*(1-share)*base)),
			Treatment: binary(30+int64(n*share), min(30+int64(n*share), int64(n*share*base*lift))),
		})
	}
	return d, strata
}

func TestVerdictsAgreeWithBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	harmed, excluded := 0, 0
	for range 6000 {
		d, strata := randomCase(r)
		c := Compare(d, strata, Look{})
		if c.Status != StatusOK {
			continue
		}
		if c.Harmed != (c.LogE >= c.Bound) || c.Harmed != (c.ExcessBound > 0) || c.Harmed != (c.P <= d.Alpha*(1+1e-12)) {
			t.Fatalf("harmed %v, ln E %g of %g, bound %g, p %g: %+v", c.Harmed, c.LogE, c.Bound, c.ExcessBound, c.P, d)
		}
		if c.ExcessBound == 0 || c.ExcessBound == math.SmallestNonzeroFloat64 {
			if math.Abs(c.LogE-c.Bound) > 1e-9 {
				t.Fatalf("bound reconciled by more than rounding: ln E %g of %g: %+v %+v", c.LogE, c.Bound, d, strata)
			}
		}
		interval := c.RelativeInterval
		if d.Method == MethodMixture {
			if open := math.IsInf(interval.Lower, 0); !open && interval.Contains(0) != c.AbsoluteInterval.Contains(0) {
				t.Fatalf("intervals disagree: %v %v", c.AbsoluteInterval, c.RelativeInterval)
			}
			interval = c.AbsoluteInterval
		}
		if out := !interval.Contains(0); out != (c.LogETwoSided >= c.Bound) {
			t.Fatalf("two-sided: ln E %g of %g, %v: %+v %+v", c.LogETwoSided, c.Bound, interval, d, strata)
		}
		if c.Harmed && c.NonInferior {
			t.Fatalf("harmed and non-inferior: %+v %+v", d, strata)
		}
		mustAgree(t, c, strata)
		if c.Miss.Known && (c.Miss.Value < 0 || c.Miss.Value > 1) {
			t.Fatalf("miss %g", c.Miss.Value)
		}
		harmed += count(c.Harmed)
		excluded += count(c.LogETwoSided >= c.Bound)
	}
	if harmed < 200 || excluded < 200 {
		t.Errorf("only %d harmed, %d different: the test says little", harmed, excluded)
	}
}

// mustAgree wants one effect in all that is shown of it, and the point of each
// method in its interval: for the exact one that is the peak of the likelihood.
func mustAgree(t *testing.T, c Comparison, strata []Stratum) {
	t.Helper()
	if want := c.Absolute / math.Abs(c.Control.Value); !c.Relative.Known && isFinite(want) || c.Relative.Known && c.Relative.Value != want {
		t.Fatalf("relative %v, want %g: %+v", c.Relative, want, c)
	}
	if c.Design.Method == MethodMixture {
		if c.Relative.Known && !c.RelativeInterval.Contains(c.Relative.Value) {
			t.Fatalf("%g is not in %v", c.Relative.Value, c.RelativeInterval)
		}
		return
	}
	peak := gather(nil, strata).peak()
	if !c.RelativeInterval.Contains(math.Expm1(peak)) {
		t.Fatalf("the peak %g is not in %v: %+v", math.Expm1(peak), c.RelativeInterval, strata)
	}
	if len(strata) > 1 || !c.Relative.Known {
		return
	}
	// One epoch: the two differ by the luck of the arms' sizes, and only by it.
	s := strata[0]
	luck := math.Log(float64(s.Treatment.N)/float64(s.Control.N)) - math.Log(s.Share/(1-s.Share))
	if !near(math.Log1p(c.Relative.Value), peak-luck, 1e-6, 1e-6) {
		t.Fatalf("relative %g, peak %g, luck %g: %+v", c.Relative.Value, math.Expm1(peak), luck, strata)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// With the tuning held fixed a smaller alpha gives a wider interval. (Compare
// tunes by alpha as well, so that far from the planned end a larger alpha may
// give a slightly wider one.)
func TestIntervalsNestInAlpha(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 2000 {
		n := math.Pow(10, 5*r.Float64())
		l := labels{{logit: 4*r.Float64() - 2, hits: math.Floor(n * r.Float64()), other: 1 + math.Floor(n*r.Float64())}}
		at, _, _ := l.logLikelihood(0)
		e, x := l.againstWith(0, 1+100*r.Float64()).whole, math.Pow(10, 6*r.Float64()-3)
		df := 1 + 1000*r.Float64()
		low, high, one, two := math.Inf(1), math.Inf(-1), 0.0, 0.0
		for _, alpha := range []float64{0.9, 0.4, 0.1, 0.05, 1e-3, 1e-6, 1e-12, 1e-300} {
			lo, hi := l.lower(at+e+math.Log(alpha), l.crest()), l.upper(at+e+math.Log(alpha), l.crest())
			z1, z2 := OneSided{x}.Critical(alpha), TwoSided{x}.Critical(alpha)
			if !(lo <= low && hi >= high && z1 > one && z2 > two) || zToT(z1, df) < zToT(one, df) {
				t.Fatalf("alpha %g: [%g, %g] in [%g, %g], %g after %g, %g after %g", alpha, low, high, lo, hi, z1, one, z2, two)
			}
			if !near(OneSided{x}.LogE(z1), -math.Log(alpha), 1e-11, 1e-11) || !near(TwoSided{x}.LogE(z2), -math.Log(alpha), 1e-11, 1e-11) {
				t.Fatalf("alpha %g: the boundary is not where ln E is ln(1/alpha)", alpha)
			}
			low, high, one, two = lo, hi, z1, z2
		}
	}
}

func TestMixtureShiftAndScale(t *testing.T) {
	d := mixtureDesign()
	plain := Compare(d, half(normal(900, 10, 3), normal(1100, 10.4, 3.5)), Look{})
	shifted := Compare(d, half(normal(900, 1e6+10, 3), normal(1100, 1e6+10.4, 3.5)), Look{})
	scaled := Compare(d, half(normal(900, 10e9, 3e9), normal(1100, 10.4e9, 3.5e9)), Look{})
	for _, c := range []Comparison{shifted, scaled} {
		if !near(c.LogE, plain.LogE, 1e-8, 0) || !near(c.LogETwoSided, plain.LogETwoSided, 1e-8, 0) {
			t.Errorf("ln E %.15g, want %.15g", c.LogE, plain.LogE)
		}
	}
	if !near(scaled.ExcessBound, 1e9*plain.ExcessBound, 1e-9, 0) || !near(scaled.Miss.Value, plain.Miss.Value, 1e-9, 0) {
		t.Errorf("bound %g, want %g", scaled.ExcessBound, 1e9*plain.ExcessBound)
	}
}

// Exchanging the arms and the side of harm asks the same question.
func TestArmsExchange(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 500 {
		d, strata := randomCase(r)
		d.Margin.Value = 0
		back := make([]Stratum, len(strata))
		for i, s := range strata {
			back[i] = Stratum{Epoch: s.Epoch, Share: 1 - s.Share, Control: s.Treatment, Treatment: s.Control}
		}
		e := d
		e.Harm = map[Side]Side{SideUp: SideDown, SideDown: SideUp}[d.Harm]
		a, b := Compare(d, strata, Look{}), Compare(e, back, Look{})
		if !near(a.LogE, b.LogE, 1e-9, 1e-9) || !near(a.LogEWithin, b.LogEWithin, 1e-9, 1e-9) || !near(a.ExcessBound, b.ExcessBound, 1e-9, 1e-9) {
			t.Fatalf("%g and %g: %+v", a.LogE, b.LogE, d)
		}
	}
}

// A ramp from 10 % to 50 % of treatment while the baseline doubles: pooling
// sees a large effect where there is none.
func TestRampWithTrend(t *testing.T) {
	const effect = 0.5
	strata := []Stratum{
		{Epoch: 0, Share: 0.1, Control: normal(9000, 10, 4), Treatment: normal(1000, 10+effect, 4)},
		{Epoch: 1, Share: 0.5, Control: normal(5000, 20, 4), Treatment: normal(5000, 20+effect, 4)},
	}
	c := Compare(mixtureDesign(), strata, Look{})
	if !near(c.Absolute, effect, 1e-12, 0) || !c.AbsoluteInterval.Contains(effect) || c.AbsoluteInterval.Contains(0) {
		t.Errorf("effect %g in %v, want %g", c.Absolute, c.AbsoluteInterval, effect)
	}
	pooled := Merge(strata[0].Treatment, strata[1].Treatment).Mean - Merge(strata[0].Control, strata[1].Control).Mean
	if pooled < 5 {
		t.Errorf("pooling gives %g: the case shows nothing", pooled)
	}
	// The same for the exact test: constant rates within epochs, no harm.
	events := []Stratum{
		{Epoch: 0, Share: 0.1, Control: binary(9000, 90), Treatment: binary(1000, 10)},
		{Epoch: 1, Share: 0.5, Control: binary(5000, 250), Treatment: binary(5000, 250)},
	}
	x := Compare(exactDesign(), events, Look{})
	if x.LogE > 0 || !near(x.Relative.Value, 0, 0, 1e-12) || !near(x.Absolute, 0, 0, 1e-15) {
		t.Errorf("exact: ln E %g, relative %g, absolute %g", x.LogE, x.Relative.Value, x.Absolute)
	}
}

func TestEpochsLeftOut(t *testing.T) {
	strata := []Stratum{
		{Epoch: 0, Share: 0.5, Control: normal(500, 10, 3), Treatment: Moments{}},
		{Epoch: 1, Share: 0.5, Control: normal(400, 10, 3), Treatment: normal(400, 11, 3)},
		{Epoch: 2, Share: 0.5, Control: normal(400, 10, 3), Treatment: normal(1, 99, 0)},
		{Epoch: 3, Share: 0.5},
	}
	c := Compare(mixtureDesign(), strata, Look{})
	if c.Control.N != 400 || c.Absolute != 1 || !strings.Contains(c.Note, "2 epochs left out") {
		t.Errorf("got %+v", c)
	}
}

// Epochs with one split are pooled; the split of a ladder does not matter to
// floating point.
func TestSameSplitPools(t *testing.T) {
	one := Compare(exactDesign(), []Stratum{{Share: 0.3, Control: binary(700, 20), Treatment: binary(300, 20)}}, Look{})
	two := Compare(exactDesign(), []Stratum{
		{Share: 0.075 / (0.075 + 0.175), Control: binary(500, 15), Treatment: binary(200, 8)},
		{Share: 0.3, Control: binary(200, 5), Treatment: binary(100, 12)},
	}, Look{})
	if !near(one.LogE, two.LogE, 1e-12, 0) || !near(one.ExcessBound, two.ExcessBound, 1e-12, 0) {
		t.Errorf("pooled %g, split %g", one.LogE, two.LogE)
	}
}

// Different splits multiply their likelihoods under one prior: compared with a
// plain sum over a fine grid of ratios.
func TestDifferentSplits(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for range 12 {
		var l labels
		for range 2 + r.IntN(3) {
			n := math.Pow(10, 4*r.Float64())
			l = append(l, group{logit: 4*r.Float64() - 2, hits: math.Floor(n * r.Float64()), other: math.Floor(n * r.Float64())})
		}
		u, kappa := r.Float64()-0.5, 1+50*r.Float64()
		got := l.againstWith(u, kappa)
		above, below := gridSum(l, u, kappa, 1), gridSum(l, u, kappa, -1)
		if !near(got.above, above, 1e-7, 1e-7) || !near(got.below, below, 1e-7, 1e-7) {
			t.Errorf("above %.12g, want %.12g; below %.12g, want %.12g: %v", got.above, above, got.below, below, l)
		}
	}
}

// gridSum integrates the likelihood ratio over the half prior by Simpson's rule.
func gridSum(l labels, u, kappa, direction float64) float64 {
	const reach, n = 400.0, 100000
	p := sigmoid(l[0].logit + u)
	a, b := kappa*p, kappa*(1-p)
	prior := labels{{logit: l[0].logit, hits: a, other: b}}
	at, _, _ := l.logLikelihood(u)
	likelihood, mass := 0.0, 0.0
	top, _, _ := l.logLikelihood(l.peak())
	for i := range n + 1 {
		w := 2.0 + 2*float64(i%2)
		if i == 0 || i == n {
			w = 1
		}
		// A grid that is fine near the null.
		s := float64(i) / n
		x := u + direction*reach*s*s*s
		d, _, _ := prior.logLikelihood(x)
		v, _, _ := l.logLikelihood(x)
		w *= s * s * math.Exp(d)
		mass += w
		likelihood += w * math.Exp(v-top)
	}
	return math.Log(likelihood/mass) + top - at
}

// One group in closed form is what the quadrature for several gives.
func TestQuadratureMeetsClosedForm(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	for range 2000 {
		n := math.Pow(10, 6*r.Float64())
		g := group{logit: 6*r.Float64() - 3, hits: math.Floor(n * r.Float64()), other: math.Floor(n * r.Float64())}
		u, kappa := 2*r.Float64()-1, math.Pow(10, 5*r.Float64())
		want, got := g.against(u, kappa), labels{g, {logit: 1}}.againstWith(u, kappa)
		if !near(got.above, want.above, 1e-9, 1e-9) || !near(got.below, want.below, 1e-9, 1e-9) || !near(got.whole, want.whole, 1e-9, 1e-9) {
			t.Fatalf("%+v, u %g, kappa %g: got %+v, want %+v", g, u, kappa, got, want)
		}
	}
}

func TestTotalBreakage(t *testing.T) {
	undeclared := exactDesign()
	undeclared.BaseRate = 0
	down := exactDesign()
	down.Harm, down.BaseRate = SideDown, 0.2
	constant := mixtureDesign()
	downMean := mixtureDesign()
	downMean.Harm = SideDown
	for _, c := range []struct {
		name    string
		design  Design
		strata  []Stratum
		atLeast float64
		method  Method
	}{
		{"20 events against none", exactDesign(), half(binary(1000, 0), binary(1000, 20)), math.Log(500), MethodExact},
		{"35 events against none", exactDesign(), half(binary(1000, 0), binary(1000, 35)), math.Log(1e5), MethodExact},
		{"20 against none, undeclared", undeclared, half(binary(1000, 0), binary(1000, 20)), math.Log(1e2), MethodExact},
		{"every treated unit fails", exactDesign(), half(binary(200, 0), binary(200, 200)), 40, MethodExact},
		{"no treated unit succeeds", down, half(binary(200, 150), binary(200, 0)), 30, MethodExact},
		{"every treated unit fails, mixture", constant, half(binary(200, 0), binary(200, 200)), 40, MethodExact},
		{"every treated unit stops paying", downMean, half(normal(200, 5, 0), FromWarehouse(200, 0, 0, 0)), 40, MethodExact},
		{"0/1000 against 35/1000, mixture", constant, half(binary(1000, 0), binary(1000, 35)), 8, MethodMixture},
	} {
		got := Compare(c.design, c.strata, Look{})
		if got.Status != StatusOK || got.LogE < c.atLeast || !got.Harmed || got.Design.Method != c.method {
			t.Errorf("%s: %s, ln E %g, %s (%s)", c.name, got.Status, got.LogE, got.Design.Method, got.Note)
		}
	}
}

func TestCannotSay(t *testing.T) {
	bad := func(change func(*Design)) Design {
		d := exactDesign()
		change(&d)
		return d
	}
	good := half(binary(100, 5), binary(100, 7))
	ratio := mixtureDesign()
	ratio.Kind = KindRatio
	for _, c := range []struct {
		name   string
		design Design
		strata []Stratum
		want   Status
	}{
		{"no epochs", exactDesign(), nil, StatusNoUnits},
		{"no units", exactDesign(), half(Moments{}, Moments{}), StatusNoUnits},
		{"no treatment", mixtureDesign(), half(normal(100, 1, 1), Moments{}), StatusNoUnits},
		{"no control", mixtureDesign(), half(Moments{}, normal(100, 1, 1)), StatusNoUnits},
		{"never together", mixtureDesign(), []Stratum{{Control: normal(50, 1, 1)}, {Treatment: normal(50, 1, 1)}}, StatusNoUnits},
		{"one unit each", mixtureDesign(), half(normal(1, 1, 0), normal(1, 2, 0)), StatusTooFew},
		{"19 units", mixtureDesign(), half(normal(1000, 1, 1), normal(19, 1, 1)), StatusTooFew},
		{"no events", exactDesign(), half(binary(1000, 0), binary(1000, 0)), StatusNoEvents},
		{"all the same", mixtureDesign(), half(normal(100, 3, 0), normal(100, 3, 0)), StatusNoVariance},
		{"the same but for rounding", mixtureDesign(), half(normal(100, 0.1, 1e-18), normal(100, 0.1+2e-17, 1e-18)), StatusNoVariance},
		{"constant and different", mixtureDesign(), half(normal(100, 3, 0), normal(100, 4, 0)), StatusUnweighed},
		{"shares against means", mixtureDesign(), half(normal(100, -5, 0), FromWarehouse(100, 0, 0, 0)), StatusUnweighed},
		{"constant, wrong direction", mixtureDesign(), half(FromWarehouse(100, 0, 0, 0), normal(100, -5, 0)), StatusUnweighed},
		{"no denominator", ratio, half(normal(100, 3, 1), normal(100, 4, 1)), StatusNoBase},
		{"NaN", mixtureDesign(), half(normal(100, math.NaN(), 1), normal(100, 4, 1)), StatusNotFinite},
		{"overflow", mixtureDesign(), half(normal(100, 1.5e308, 1e150), normal(100, -1.5e308, 1e150)), StatusNotFinite},
		{"alpha 0", bad(func(d *Design) { d.Alpha = 0 }), good, StatusBadQuestion},
		{"alpha 1", bad(func(d *Design) { d.Alpha = 1 }), good, StatusBadQuestion},
		{"alpha NaN", bad(func(d *Design) { d.Alpha = math.NaN() }), good, StatusBadQuestion},
		{"less than nothing planned", bad(func(d *Design) { d.Planned = -1 }), good, StatusBadQuestion},
		{"no side", bad(func(d *Design) { d.Harm = "" }), good, StatusBadQuestion},
		{"no method", bad(func(d *Design) { d.Method = "" }), good, StatusBadQuestion},
		{"no kind", bad(func(d *Design) { d.Kind = "" }), good, StatusBadQuestion},
		{"exact ratio", bad(func(d *Design) { d.Kind = KindRatio }), good, StatusBadQuestion},
		{"negative margin", bad(func(d *Design) { d.Margin.Value = -1 }), good, StatusBadQuestion},
		{"whole margin down", bad(func(d *Design) { d.Margin.Value, d.Harm = 1, SideDown }), good, StatusBadQuestion},
		{"absolute margin without a base", bad(func(d *Design) { d.Margin, d.BaseRate = Size{0.01, true}, 0 }), good, StatusBadQuestion},
		{"no split", exactDesign(), []Stratum{{Control: good[0].Control, Treatment: good[0].Treatment}}, StatusBadQuestion},
		{"more events than units", exactDesign(), half(Moments{N: 5, Any: 6}, binary(5, 1)), StatusBadQuestion},
	} {
		got := Compare(c.design, c.strata, Look{})
		if got.Status != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, got.Status, got.Note, c.want)
		}
		if got.Status == StatusOK {
			continue
		}
		if got.Note == "" || got.Harmed || got.NonInferior || got.P != 1 || got.LogE != 0 || got.Miss.Known {
			t.Errorf("%s: a made-up answer: %+v", c.name, got)
		}
		if got.AbsoluteInterval != openInterval() || got.RelativeInterval != openInterval() {
			t.Errorf("%s: a made-up interval: %+v", c.name, got)
		}
		mustBeClean(t, got)
	}
}

// mustBeClean wants no NaN anywhere and JSON that comes back as it was.
func mustBeClean(t *testing.T, c Comparison) {
	t.Helper()
	for _, i := range []Interval{c.AbsoluteInterval, c.RelativeInterval} {
		if math.IsNaN(i.Lower) || math.IsNaN(i.Upper) || i.Lower > i.Upper {
			t.Fatalf("interval %v: %+v", i, c)
		}
	}
	// The design is the caller's and may hold what no JSON can.
	for _, x := range []*float64{
		&c.Design.Alpha, &c.Design.Planned, &c.Design.BaseRate, &c.Design.Margin.Value, &c.Design.MDE.Value,
	} {
		if !isFinite(*x) {
			*x = 0
		}
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatalf("%v: %+v", err, c)
	}
	var back Comparison
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Fatalf("JSON changes it: %s", diff)
	}
}

func TestDegenerateNumbers(t *testing.T) {
	small := func(d Design) Design { d.Alpha = 1e-12; return d }
	ratio := mixtureDesign()
	ratio.Kind = KindRatio
	for i, strata := range [][]Stratum{
		half(binary(1, 0), binary(1, 1)),
		half(binary(2, 1), binary(2, 1)),
		half(binary(100, 100), binary(100, 100)),
		half(binary(100, 0), binary(100, 100)),
		half(binary(100, 100), binary(100, 0)),
		half(normal(100, 1e12, 1e12), normal(100, 2e12, 1e12)),
		half(normal(100, 1e300, 1e150), normal(100, 2e300, 1e150)),
		half(normal(100, 1e-300, 1e-150), normal(100, 2e-300, 1e-150)),
		half(normal(100, 0, 1), normal(100, 0, 1)),
		half(normal(100, 0, 0), normal(100, 1, 1)),
		half(normal(100, 1, 1e-10), normal(100, 1e10, 1e-10)),
		half(binary(4e15, 2e15), binary(4e15, 2e15+1e10)),
		half(binary(4e18, 2e18), binary(4e18, 2e18+1e12)),
		{{Share: 5e-324, Control: binary(100, 5), Treatment: binary(100, 50)}},
		{{Share: 1 - 1e-16, Control: binary(100, 5), Treatment: binary(100, 50)}},
	} {
		for _, d := range []Design{
			exactDesign(), mixtureDesign(), ratio, small(exactDesign()), small(mixtureDesign()),
			{Kind: KindMean, Method: MethodMixture, Harm: SideDown, Alpha: 0.05, Planned: 1e-300, Margin: Size{1e300, true}, MDE: Size{1e300, true}},
			{Kind: KindMean, Method: MethodMixture, Harm: SideDown, Alpha: 1 - 1e-16, Planned: 1e308, Margin: Size{1e300, false}},
			{Kind: KindMean, Method: MethodExact, Harm: SideUp, Alpha: 0.7, Planned: 1e308, BaseRate: 1e300, Margin: Size{1e300, true}, MDE: Size{1e308, false}},
			{Kind: KindMean, Method: MethodExact, Harm: SideDown, Alpha: 5e-324, Planned: 1e-3, BaseRate: 5e-324, MDE: Size{5, false}},
		} {
			t.Run(fmt.Sprint(i, d.Method, d.Alpha), func(t *testing.T) { mustBeClean(t, Compare(d, strata, Look{})) })
		}
	}
}

func TestNegativeControl(t *testing.T) {
	// Balance in control -10; a relative margin of 5 % is 0.5 either way.
	d := mixtureDesign()
	d.Harm, d.Margin = SideDown, Size{Value: 0.05}
	c := Compare(d, half(normal(1000, -10, 2), normal(1000, -12, 2)), Look{})
	if !near(c.Excess, 1.5, 1e-12, 0) || !near(c.Relative.Value, -0.2, 1e-12, 0) || !c.Harmed || !c.RelativeInterval.Contains(-0.2) {
		t.Errorf("excess %g, relative %g in %v", c.Excess, c.Relative.Value, c.RelativeInterval)
	}
	d.Harm = SideUp
	c = Compare(d, half(normal(1000, -10, 2), normal(1000, -12, 2)), Look{})
	if !near(c.Excess, -2.5, 1e-12, 0) || !c.NonInferior {
		t.Errorf("excess %g", c.Excess)
	}
}

func TestMargins(t *testing.T) {
	// 5 % against 4 %: a quarter more. The excess over a margin of 10 % is
	// 0.05 - 1.1 0.04, or as a log rate ratio ln(1.25/1.1).
	strata := half(binary(10000, 400), binary(10000, 500))
	m, x := mixtureDesign(), exactDesign()
	m.Margin, x.Margin = Size{Value: 0.1}, Size{Value: 0.1}
	if c := Compare(m, strata, Look{}); !near(c.Excess, 0.05-1.1*0.04, 1e-12, 0) {
		t.Errorf("mixture %g", c.Excess)
	}
	if c := Compare(x, strata, Look{}); !near(c.Excess, math.Log(1.25/1.1), 1e-12, 0) {
		t.Errorf("exact %g", c.Excess)
	}
	// Absolute 0.004 of a base of 0.04 is 10 %.
	a, relative := x, Compare(withBase(x, 0.04), strata, Look{})
	a.Margin = Size{Value: 0.004, Absolute: true}
	if c := Compare(withBase(a, 0.04), strata, Look{}); !near(c.LogE, relative.LogE, 1e-12, 0) {
		t.Errorf("absolute %g, relative %g", c.LogE, relative.LogE)
	}
	m.Margin = Size{Value: 0.004, Absolute: true}
	if c := Compare(m, strata, Look{}); !near(c.Excess, 0.006, 1e-12, 0) {
		t.Errorf("mixture, absolute %g", c.Excess)
	}
	// Successes may fall by 10 %: from 0.05 to 0.04 is a fifth.
	x.Harm, m.Harm, m.Margin = SideDown, SideDown, Size{Value: 0.1}
	down := half(binary(10000, 500), binary(10000, 400))
	if c := Compare(x, down, Look{}); !near(c.Excess, math.Log(0.9/0.8), 1e-12, 0) {
		t.Errorf("exact, down %g", c.Excess)
	}
	if c := Compare(m, down, Look{}); !near(c.Excess, 0.9*0.05-0.04, 1e-12, 0) {
		t.Errorf("mixture, down %g", c.Excess)
	}
}

func withBase(d Design, rate float64) Design { d.BaseRate = rate; return d }

// A reader who divides the shares that are shown gets the effect that is shown;
// the interval stays that of the declared split.
func TestRelativeIsOfTheSharesShown(t *testing.T) {
	d := exactDesign()
	d.Planned, d.BaseRate = 90000, 0.19
	c := Compare(d, half(binary(44700, 8502), binary(45489, 8279)), Look{})
	if want := (8279.0/45489)/(8502.0/44700) - 1; !near(c.Relative.Value, want, 1e-12, 0) || !near(want, -0.0431, 0, 1e-4) {
		t.Errorf("relative %g, want %g", c.Relative.Value, want)
	}
	if peak := math.Log(8279.0 / 8502); !near(c.Excess, peak, 1e-12, 0) || !c.RelativeInterval.Contains(math.Expm1(peak)) {
		t.Errorf("excess %g, want %g; %v", c.Excess, peak, c.RelativeInterval)
	}
	// Arms that are very far from the declared split part the two.
	c = Compare(d, half(binary(20000, 2000), binary(10000, 2000)), Look{})
	if !near(c.Relative.Value, 1, 1e-12, 0) || c.RelativeInterval.Contains(1) || !near(c.Excess, 0, 0, 1e-12) {
		t.Errorf("relative %g, %v, excess %g", c.Relative.Value, c.RelativeInterval, c.Excess)
	}
	for _, events := range []struct {
		control, treatment int64
		want               Optional
	}{{0, 5, Optional{}}, {5, 0, Some(-1)}} {
		c = Compare(d, half(binary(1000, events.control), binary(1000, events.treatment)), Look{})
		if diff := cmp.Diff(events.want, c.Relative); diff != "" {
			t.Errorf("%d against %d: %s", events.control, events.treatment, diff)
		}
	}
}

// poisson is the chance of k events at a mean.
func poisson(k int64, mean float64) float64 {
	if mean == 0 {
		return float64(count(k == 0))
	}
	a, _ := math.Lgamma(float64(k + 1))
	return math.Exp(float64(k)*math.Log(mean) - mean - a)
}

// treated is a look with other numbers of treatment events than it had, so many
// units that any number fits.
func treated(strata []Stratum, events ...int64) []Stratum {
	out := make([]Stratum, len(strata))
	for i, s := range strata {
		s.Treatment = binary(1e6, events[i])
		out[i] = s
	}
	return out
}

// The chance of a miss of the exact method is a sum of Poisson probabilities.
func TestMissExact(t *testing.T) {
	up := exactDesign()
	down := up
	down.Harm, down.BaseRate = SideDown, 0.1
	margin, all := down, down
	margin.Margin.Value, all.MDE.Value = 0.1, 1
	lost := down
	lost.MDE = Size{0.1, true}
	rare := up
	rare.BaseRate, rare.Alpha, rare.MDE = 0.0005, 0.05/3, Size{0.001, true}
	for _, c := range []struct {
		name   string
		design Design
		strata []Stratum
		mean   float64 // of treatment under the harm
	}{
		{"halves", up, half(binary(2500, 50), binary(2500, 51)), 75},
		{"tenth", up, []Stratum{{Share: 0.1, Control: binary(4500, 90), Treatment: binary(500, 10)}}, 15},
		{"one event", up, half(binary(100, 1), binary(100, 1)), 1.5},
		{"undeclared", withBase(up, 0), half(binary(2500, 50), binary(2500, 51)), 75},
		{"no event in control", rare, half(binary(11000, 0), binary(11000, 3)), 11},
		{"absolute, events in control", rare, half(binary(11000, 22), binary(11000, 30)), 33},
		{"absolute, down", lost, half(binary(600, 120), binary(600, 100)), 60},
		{"more than units", up, half(binary(100, 90), binary(100, 80)), 100},
		{"down", down, half(binary(600, 60), binary(600, 58)), 30},
		{"down, margin", margin, half(binary(800, 80), binary(800, 75)), 32},
		{"down, tenth", down, []Stratum{{Share: 0.1, Control: binary(9000, 900), Treatment: binary(1000, 90)}}, 50},
		{"down, everything lost", all, half(binary(2500, 250), binary(2500, 240)), 0},
		{"down, no event in control", down, half(binary(100, 0), binary(100, 9)), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := 0.0
			for k := range int64(c.mean + 20*math.Sqrt(c.mean) + 30) {
				if !Compare(c.design, treated(c.strata, k), Look{}).Harmed {
					want += poisson(k, c.mean)
				}
			}
			got := Compare(c.design, c.strata, Look{}).Miss.Value
			if !near(got, want, 1e-9, 1e-12) {
				t.Errorf("miss %g, want %g", got, want)
			}
			t.Logf("miss %.4g", got)
		})
	}
}

// How many events treatment happens to have does not say how many a harm would
// have given it.
func TestMissDoesNotDependOnTreatment(t *testing.T) {
	d := exactDesign()
	d.BaseRate, d.Alpha, d.MDE = 0.0005, 0.05/3, Size{0.001, true}
	few := Compare(d, half(binary(11000, 0), binary(11000, 3)), Look{})
	many := Compare(d, half(binary(11000, 0), binary(11000, 30)), Look{})
	if few.Miss.Value > 0.2 || few.Miss.Value != many.Miss.Value {
		t.Errorf("miss %g and %g", few.Miss.Value, many.Miss.Value)
	}
	d.BaseRate, d.MDE = 0, Size{Value: 0.5}
	if c := Compare(d, half(binary(11000, 0), binary(11000, 3)), Look{}); c.Status != StatusOK || c.Miss.Known {
		t.Errorf("%s: miss %v without any rate of control", c.Status, c.Miss)
	}
}

// The tails of Poisson bound the chance that units, which are binomial, give.
func TestMissBoundsBinomial(t *testing.T) {
	d := exactDesign()
	d.BaseRate = 0.2
	strata := half(binary(600, 120), binary(600, 120))
	got, want := Compare(d, strata, Look{}).Miss.Value, 0.0
	for k := range int64(600) {
		if !Compare(d, treated(strata, k), Look{}).Harmed {
			want += binomial(600, k, 0.3)
		}
	}
	if got < want || got > want+0.05 {
		t.Errorf("miss %g, of units %g", got, want)
	}
}

func binomial(n, k int64, p float64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// With several splits the miss is an upper bound of the truth, and of use.
func TestMissOfSeveralSplits(t *testing.T) {
	long(t)
	up := exactDesign()
	up.MDE.Value = 0.6
	down := up
	down.Harm, down.MDE.Value = SideDown, 0.5
	strata := []Stratum{
		{Share: 0.1, Control: binary(1800, 36), Treatment: binary(200, 4)},
		{Share: 0.5, Control: binary(5000, 100), Treatment: binary(5000, 100)},
	}
	for _, c := range []struct {
		design        Design
		first, second float64 // means of treatment under the harm
	}{{up, 6.4, 160}, {down, 2, 50}} {
		got, want := Compare(c.design, strata, Look{}).Miss.Value, 0.0
		for k := range int64(60) {
			for j := range int64(400) {
				chance := poisson(k, c.first) * poisson(j, c.second)
				if chance > 1e-8 {
					want += chance * float64(count(!Compare(c.design, treated(strata, k, j), Look{}).Harmed))
				}
			}
		}
		if got < want || got > want+0.25 || want < 0.01 {
			t.Errorf("%s: miss %g, truth %g", c.design.Harm, got, want)
		}
		t.Logf("%s: miss %.4f, truth %.4f", c.design.Harm, got, want)
	}
}

// The chance that a count which no search by ones could reach is missed.
func TestMissOfManyEvents(t *testing.T) {
	for _, harm := range []Side{SideUp, SideDown} {
		d := exactDesign()
		d.Harm, d.Planned = harm, 1e14
		last := 1.0
		for _, size := range []float64{1e-9, 3e-6, 1e-5, 2e-5, 0.1} {
			d.MDE.Value = size
			strata := half(binary(5e13, 1e12), binary(5e13, 1e12))
			one := Compare(d, strata, Look{}).Miss.Value
			strata = append(strata, Stratum{Epoch: 1, Share: 0.1, Control: binary(9e12, 1e11), Treatment: binary(1e12, 1e10)})
			two := Compare(d, strata, Look{}).Miss.Value
			if one > last || one < 0 || two < 0 || two > 1 {
				t.Errorf("%s by %g: miss %g after %g, %g with another split", harm, size, one, last, two)
			}
			last = one
			if size == 0.1 && (one > 1e-9 || two > 5.1e-3) {
				t.Errorf("%s: a tenth is missed with %g, %g with another split", harm, one, two)
			}
		}
	}
}

func TestUndeclaredBaseRate(t *testing.T) {
	d := exactDesign()
	d.BaseRate = 0
	strata := half(binary(2500, 50), binary(2500, 90))
	c, g := Compare(d, strata, Look{}), group{hits: 90, other: 50}
	e := 0.0
	for _, share := range []float64{0.0025, 0.01, 0.04, 0.16} {
		e += math.Exp(g.against(0, concentration(0.1, 5000*share)).above) / 4
	}
	if !near(c.LogE, math.Log(e), 1e-12, 0) {
		t.Errorf("ln E %g, want %g", c.LogE, math.Log(e))
	}
}

func TestRoute(t *testing.T) {
	rate := func(x float64) *float64 { return &x }
	capped := func(q Question) Question { q.Capped = true; return q }
	for _, c := range []struct {
		Question
		want Method
		says string
	}{
		{Question{Kind: "proportion", Asked: "auto"}, MethodExact, "share of units"},
		{Question{Kind: "proportion", BaseRate: rate(0.29)}, MethodExact, "share of units"},
		{Question{Kind: "proportion", BaseRate: rate(0.3), Planned: 1e4}, MethodMixture, "at least 0.3"},
		{Question{Kind: "proportion", Asked: "exact", BaseRate: rate(0.9)}, MethodExact, "set for"},
		{Question{Kind: "proportion", Asked: "mixture"}, MethodMixture, "set for"},
		{Question{Kind: "count", Planned: 1e4}, MethodMixture, "no base rate"},
		{Question{Kind: "count", BaseRate: rate(0.1)}, MethodExact, "below 0.3"},
		{Question{Kind: "count", BaseRate: rate(3), Planned: 1}, MethodMixture, "at least 0.3"},
		{Question{Kind: "sum", BaseRate: rate(0.1), Planned: 1}, MethodMixture, "a mean"},
		{Question{Kind: "mean"}, MethodScaleMixture, "unknown"},
		{Question{Kind: "ratio", Planned: 1}, MethodMixture, "delta"},
		{capped(Question{Kind: "proportion"}), MethodExactSpending, "spent over"},
		{capped(Question{Kind: "count", BaseRate: rate(0.1)}), MethodExactSpending, "spent over"},
		{capped(Question{Kind: "mean"}), MethodCalibrated, "calibrated"},
		{capped(Question{Kind: "mean", Share: 0.1}), MethodCalibrated, "unequal"},
		{capped(Question{Kind: "mean", Share: 0.1, Scale: ScaleLog}), MethodCalibrated, "heavy tail"},
		{capped(Question{Kind: "mean", Asked: "delayed_start"}), MethodDelayedStart, "set for"},
		{Question{Kind: "mean", Asked: "calibrated"}, "", "last look"},
		{Question{Kind: "ratio", Asked: "exact"}, "", "cannot judge"},
		{Question{Kind: "median"}, "", "unknown kind"},
		{Question{Kind: "mean", Asked: "guess"}, "", "unknown method"},
	} {
		got, reason := Route(c.Question)
		if got != c.want || !strings.Contains(reason, c.says) {
			t.Errorf("%+v: %q (%s)", c, got, reason)
		}
	}
}

func TestIntervalJSON(t *testing.T) {
	for _, c := range []struct {
		in   Interval
		want string
	}{
		{Interval{-1, 2.5}, `{"lower":-1,"upper":2.5}`},
		{openInterval(), `{"lower":null,"upper":null}`},
		{Interval{-1, math.Inf(1)}, `{"lower":-1,"upper":null}`},
	} {
		b, err := json.Marshal(c.in)
		if err != nil || string(b) != c.want {
			t.Errorf("%v: %s, %v", c.in, b, err)
		}
		var back Interval
		if err := json.Unmarshal(b, &back); err != nil || back != c.in {
			t.Errorf("%s: %v, %v", b, back, err)
		}
	}
	var i Interval
	if err := json.Unmarshal([]byte(`[1,2]`), &i); err == nil {
		t.Error("a list is no interval")
	}
}

// BenchmarkCompare/core is the effect, interval, e-value and bound without the
// chance of a miss.
func BenchmarkCompare(b *testing.B) {
	noMiss := func(d Design) Design { d.MDE.Value = 0; return d }
	means := half(normal(2400, 10, 3), normal(2600, 10.2, 3.1))
	few := half(normal(24, 10, 3), normal(26, 10.2, 3.1))
	events := half(binary(2400, 48), binary(2600, 60))
	normalLook, why := NextLook(calibrated(), nil, 0.5, means)
	exactLook, whyNot := NextLook(spending(), nil, 0.5, events)
	if why != "" || whyNot != "" {
		b.Fatal(why, whyNot)
	}
	for _, c := range []struct {
		name   string
		design Design
		strata []Stratum
	}{
		{"calibrated", calibrated(), means},
		{"spending", noMiss(spending()), events},
		{"mixture", mixtureDesign(), means},
		{"mixture/few", mixtureDesign(), few},
		{"exact/core", noMiss(exactDesign()), events},
		{"exact", exactDesign(), events},
		{"exact/undeclared", withBase(exactDesign(), 0), events},
		{"exact/many", exactDesign(), half(binary(5e13, 1e12), binary(5e13, 1e12))},
		{"exact/splits", exactDesign(), append(events[:1:1], Stratum{Epoch: 1, Share: 0.1, Control: binary(900, 18), Treatment: binary(100, 3)})},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			look := map[Method]Look{MethodCalibrated: normalLook, MethodExactSpending: exactLook}[c.design.Method]
			for b.Loop() {
				c := Compare(c.design, c.strata, look)
				sink = c.LogE
			}
		})
	}
}

// BenchmarkResult is one sequential result from moments: estimate, two-sided
// interval, e-value of harm and its bound. The limit is 2 microseconds.
// BenchmarkCompare is all that the report shows of it.
func BenchmarkResult(b *testing.B) {
	means, events := half(normal(2400, 10, 3), normal(2600, 10.2, 3.1)), half(binary(2400, 48), binary(2600, 60))
	normalLook, why := NextLook(calibrated(), nil, 0.5, means)
	exactLook, whyNot := NextLook(spending(), nil, 0.5, events)
	if why != "" || whyNot != "" {
		b.Fatal(why, whyNot)
	}
	run := func(name string, result func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				result()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2000, "of-the-limit")
		})
	}
	ofMeans := func(d Design, look Look) func() {
		return func() {
			c := Comparison{Design: d, Look: look}
			a := standardise(viewMean, means)
			diff, excess := a.difference(), a.beyond(d.Harm, d.Margin)
			two, harm := d.twoSidedAt(a.units()), d.oneSidedAt(a.units(), 0.5)
			up, _ := c.criticals(&harm, &harm, a.units())
			c.AbsoluteInterval = around(diff.estimate, zToT(two.critical(d.Alpha), diff.df)*diff.se)
			c.ExcessBound = excess.estimate - zToT(up, excess.df)*excess.se
			sink = harm.logE(tToZ(excess.estimate/excess.se, excess.df)) + c.ExcessBound + c.AbsoluteInterval.Lower
		}
	}
	run("mixture", ofMeans(mixtureDesign(), Look{}))
	run("calibrated", ofMeans(calibrated(), normalLook))
	ofEvents := func(d Design, bound func(l labels, e evidence) float64) func() {
		return func() {
			c := Comparison{Design: d, Bound: -math.Log(d.Alpha)}
			var room [8]group
			l := gather(room[:0], events)
			t := d.tune(2 * d.Alpha)
			e := l.against(d.null(), &t)
			c.ratio(l)
			sink = e.above + bound(l, e) + c.RelativeInterval.Lower
		}
	}
	run("exact", ofEvents(exactDesign(), func(l labels, e evidence) float64 {
		at, _, _ := l.logLikelihood(0)
		return l.lower(at+e.above+math.Log(0.05), l.crest())
	}))
	run("exact_spending", ofEvents(spending(), func(l labels, _ evidence) float64 {
		hits, _ := l.totals()
		return l.where(hits, exactLook.Z, 0)
	}))
}
