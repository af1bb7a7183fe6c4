package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// unit is one unit's columns.
type unit struct{ y, d, x, xd float64 }

// momentsOf are the moments of units in two passes, cross-products and all.
func momentsOf(u []unit) Moments {
	m := Moments{N: int64(len(u))}
	n := float64(len(u))
	for _, v := range u {
		m.Mean += (v.y - u[0].y) / n
		m.DenMean += (v.d - u[0].d) / n
		m.Pre.Mean += (v.x - u[0].x) / n
		m.Pre.DenMean += (v.xd - u[0].xd) / n
		m.Any += int64(count(v.y != 0))
	}
	if len(u) > 0 {
		m.Mean, m.DenMean, m.Pre.Mean, m.Pre.DenMean = m.Mean+u[0].y, m.DenMean+u[0].d, m.Pre.Mean+u[0].x, m.Pre.DenMean+u[0].xd
	}
	for _, v := range u {
		y, d, x, xd := v.y-m.Mean, v.d-m.DenMean, v.x-m.Pre.Mean, v.xd-m.Pre.DenMean
		m.M2, m.M3, m.DenM2, m.Co = m.M2+y*y, m.M3+y*y*y, m.DenM2+d*d, m.Co+y*d
		p := &m.Pre
		p.M2, p.DenM2, p.Co = p.M2+x*x, p.DenM2+xd*xd, p.Co+x*xd
		p.Value, p.Den, p.OfValue, p.OfDen = p.Value+x*y, p.Den+x*d, p.OfValue+xd*y, p.OfDen+xd*d
	}
	return m
}

// panel are n units whose value follows the covariate: y and x have unit
// variance and correlation rho about level, d and xd are 1 or more.
func panel(r *rand.Rand, n int, level, rho float64) []unit {
	out := make([]unit, n)
	for i := range out {
		x, e := r.NormFloat64(), r.NormFloat64()
		xd, d := float64(1+r.IntN(5)), float64(1+r.IntN(5))
		out[i] = unit{y: level + rho*x + math.Sqrt(1-rho*rho)*e, d: d, x: level + x, xd: xd}
	}
	return out
}

// sessions are n units of a ratio: each has events with a rate of its own that
// lasts from before.
func sessions(r *rand.Rand, n int, rate float64) []unit {
	out := make([]unit, n)
	for i := range out {
		own := rate * math.Exp(r.NormFloat64()/2)
		d, xd := float64(1+r.IntN(9)), float64(1+r.IntN(9))
		out[i] = unit{y: own*d + r.NormFloat64(), d: d, x: own*xd + r.NormFloat64(), xd: xd}
	}
	return out
}

func closeColumns(a, b *Moments, rel float64) bool {
	near3 := func(x, y, scale float64) bool { return math.Abs(x-y) <= rel*scale }
	y, d, x, xd := math.Sqrt(b.M2), math.Sqrt(b.DenM2), math.Sqrt(b.Pre.M2), math.Sqrt(b.Pre.DenM2)
	p, q := &a.Pre, &b.Pre
	return a.N == b.N && a.Any == b.Any && near3(a.Mean, b.Mean, y) && near3(a.DenMean, b.DenMean, d) &&
		near3(a.M2, b.M2, y*y) && near3(a.DenM2, b.DenM2, d*d) && near3(a.Co, b.Co, y*d) && near3(a.M3, b.M3, y*y*y) &&
		near3(p.Mean, q.Mean, x) && near3(p.DenMean, q.DenMean, xd) && near3(p.M2, q.M2, x*x) && near3(p.DenM2, q.DenM2, xd*xd) &&
		near3(p.Co, q.Co, x*xd) && near3(p.Value, q.Value, x*y) && near3(p.Den, q.Den, x*d) &&
		near3(p.OfValue, q.OfValue, xd*y) && near3(p.OfDen, q.OfDen, xd*d)
}

// Third moments and all cross-products of merged parts are those of the batch,
// units without a row included.
func TestMergeEveryColumn(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	for _, level := range []float64{0, 3, 1e4} {
		u := panel(r, 3000, level, 0.6)
		for i := range u {
			u[i].y = level + math.Exp(u[i].y-level) // Skewed.
		}
		want := momentsOf(u)
		var byOne, shuffled Moments
		for i := range u {
			byOne = Merge(byOne, momentsOf(u[i:i+1]))
		}
		for _, i := range r.Perm(len(u)) {
			shuffled = Merge(momentsOf(u[i:i+1]), shuffled)
		}
		halves := Merge(momentsOf(u[:700]), momentsOf(u[700:]))
		for name, got := range map[string]Moments{"one by one": byOne, "shuffled": shuffled, "halves": halves} {
			if !closeColumns(&got, &want, 1e-12*max(1, level)) {
				t.Errorf("%s at %g: got %+v, want %+v", name, level, got, want)
			}
		}
		got, zeros := WithZeros(want, 500), momentsOf(append(u, make([]unit, 500)...))
		if !closeColumns(&got, &zeros, 1e-12) {
			t.Errorf("zeros at %g: got %+v, want %+v", level, got, zeros)
		}
		if !got.consistent() || !want.consistent() {
			t.Errorf("contradict themselves: %+v", got)
		}
	}
}

// What a part does not know the whole does not either; a symmetrical value is
// known, and so is one that is 0 or 1.
func TestThirdKnown(t *testing.T) {
	known, unknown := normal(100, 5, 1).WithThird(5*5*5+3*5*0.99), normal(100, 5, 1)
	for _, c := range []struct {
		name string
		m    Moments
		want bool
	}{
		{"unknown", unknown, false},
		{"known and unknown", Merge(known, unknown), false},
		{"unknown and zeros", WithZeros(unknown, 10), false},
		{"symmetrical", known, true},
		{"symmetrical, merged", Merge(known, known), true},
		{"known and zeros", WithZeros(known, 10), true},
		{"constant", normal(100, 5, 0), true},
		{"events only", WithZeros(FromWarehouse(7, 7, 1, 0), 93), true},
		{"nothing", Moments{}, true},
	} {
		if _, ok := c.m.third(); ok != c.want {
			t.Errorf("%s: known is %v: %+v", c.name, ok, c.m)
		}
	}
	events := binary(100, 7)
	if m3, ok := events.third(); !ok || !near(m3, 100*0.07*0.93*0.86, 1e-12, 0) {
		t.Errorf("share of 7 %%: %g, %v", m3, ok)
	}
	if merged := WithZeros(FromWarehouse(7, 7, 1, 0), 93); !near(merged.M3, 100*0.07*0.93*0.86, 1e-12, 0) {
		t.Errorf("share of 7 %%, merged: %g", merged.M3)
	}
}

// The centred third moment comes back from the raw one as far as rounding lets
// it, and is unknown from there on.
func TestWithThird(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	u := make([]unit, 4000)
	for i := range u {
		u[i].y = r.ExpFloat64()
	}
	for _, level := range []float64{0, 10, 1000, 1e5} {
		raw, moved := 0.0, make([]unit, len(u))
		for i := range u {
			moved[i].y = level + u[i].y
			raw += moved[i].y * moved[i].y * moved[i].y / float64(len(u))
		}
		want := momentsOf(moved)
		v, _ := want.Variance()
		got := FromWarehouse(want.N, want.Any, want.Mean, v).WithThird(raw)
		_, ok := got.third()
		if ok != (level < 1e4) || ok && !near(got.M3, want.M3, 0.01, 0) {
			t.Errorf("level %g: got %g (%v), want %g", level, got.M3, ok, want.M3)
		}
	}
	for _, raw := range []float64{1e300, -1e300, math.MaxFloat64} {
		if m := normal(100, 1, 1).WithThird(raw); m.M3 != 0 {
			t.Errorf("a third moment of %g: %g", raw, m.M3)
		}
	}
}

func TestWithCovariate(t *testing.T) {
	got := FromWarehouse(5, 3, 2, 4).WithCovariate(PreMoments{1, 2, 3, 4, 5, 6, 7, 8, 9})
	if want := (PreMoments{1, 8, 3, 16, 20, 24, 28, 32, 36}); got.Pre != want {
		t.Errorf("got %+v, want %+v", got.Pre, want)
	}
	if got := FromWarehouse(0, 0, 0, 0).WithCovariate(PreMoments{Mean: 1}); got != (Moments{}) {
		t.Errorf("no units: %+v", got)
	}
}

// adjusting is a design of a mean or ratio with its covariate.
func adjusting(k Kind) Design {
	d := mixtureDesign()
	d.Kind, d.Covariate = k, true
	return d
}

// The adjusted difference is Welch's on values that every unit has adjusted for
// itself, for a mean with epochs.
func TestCovariateIsThatOfUnits(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 1))
	var strata, byUnit []Stratum
	var groups [][2][]unit
	with, spread := 0.0, 0.0
	for e, n := range []int{300, 900} {
		g := [2][]unit{panel(r, n, float64(5+20*e), 0.8), panel(r, 2*n, float64(5+20*e), 0.7)}
		groups = append(groups, g)
		s := Stratum{Epoch: e, Control: momentsOf(g[0]), Treatment: momentsOf(g[1])}
		strata = append(strata, s)
		with += s.Control.Pre.Value + s.Treatment.Pre.Value
		spread += s.Control.Pre.M2 + s.Treatment.Pre.M2
	}
	theta := with / spread
	for e, g := range groups {
		for _, us := range g {
			for i := range us {
				us[i].y -= theta * us[i].x
			}
		}
		byUnit = append(byUnit, Stratum{Epoch: e, Control: momentsOf(g[0]), Treatment: momentsOf(g[1])})
	}
	d := adjusting(KindMean)
	got, plain := estimate(&d, strata), standardise(viewMean, byUnit)
	want := plain.difference()
	if g := got.difference(); !near(g.estimate, want.estimate, 1e-10, 1e-12) || !near(g.se, want.se, 1e-11, 0) || !near(g.df, want.df, 1e-9, 0) {
		t.Errorf("got %+v, want %+v", g, want)
	}
	if !near(got.theta.Value, theta, 1e-12, 0) || math.Abs(theta-0.73) > 0.05 {
		t.Errorf("theta %g, want %g", got.theta.Value, theta)
	}
	// The arms stay where the metric is.
	raw := standardise(viewMean, strata)
	if math.Abs(got.control.Value-raw.control.Value) > 0.2 || math.Abs(got.treatment.Value-raw.treatment.Value) > 0.2 {
		t.Errorf("adjusted %g and %g, raw %g and %g", got.control.Value, got.treatment.Value, raw.control.Value, raw.treatment.Value)
	}
}

// A ratio is adjusted by what every unit adds to it and to the ratio before,
// both linearised.
func TestRatioCovariateIsThatOfUnits(t *testing.T) {
	r := rand.New(rand.NewPCG(24, 1))
	arm := [2][]unit{sessions(r, 700, 2), sessions(r, 1300, 2.1)}
	var added, before, value, pre [2]float64
	var adds, pres [2][]float64
	with, spread := 0.0, 0.0
	for a, us := range arm {
		m := momentsOf(us)
		value[a], pre[a] = m.Mean/m.DenMean, m.Pre.Mean/m.Pre.DenMean
		for _, u := range us {
			l, p := (u.y-value[a]*u.d)/m.DenMean, (u.x-pre[a]*u.xd)/m.Pre.DenMean
			adds[a], pres[a] = append(adds[a], l), append(pres[a], p)
			with, spread = with+l*p, spread+p*p
		}
	}
	theta := with / spread
	for a := range arm {
		for i := range adds[a] {
			e := adds[a][i] - theta*pres[a][i]
			added[a] += e * e / float64(len(adds[a])-1) / float64(len(adds[a]))
			before[a] += adds[a][i] * adds[a][i] / float64(len(adds[a])-1) / float64(len(adds[a]))
		}
	}
	d := adjusting(KindRatio)
	got := estimate(&d, half(momentsOf(arm[0]), momentsOf(arm[1])))
	diff := got.difference()
	if want := value[1] - value[0] - theta*(pre[1]-pre[0]); !near(diff.estimate, want, 1e-10, 0) {
		t.Errorf("difference %g, want %g", diff.estimate, want)
	}
	if want := math.Sqrt(added[0] + added[1]); !near(diff.se, want, 1e-11, 0) {
		t.Errorf("se %g, want %g", diff.se, want)
	}
	if want := (added[0] + added[1]) / (before[0] + before[1]); !near(got.kept.Value, want, 1e-10, 0) || want > 0.6 {
		t.Errorf("kept %g, want %g", got.kept.Value, want)
	}
}

// Adjusting leaves 1 - rho² of the variance.
func TestCovariateRemovesRhoSquared(t *testing.T) {
	r := rand.New(rand.NewPCG(25, 1))
	for _, rho := range []float64{0, 0.3, 0.7, 0.95} {
		d := adjusting(KindMean)
		a := estimate(&d, half(momentsOf(panel(r, 40000, 3, rho)), momentsOf(panel(r, 20000, 3, rho))))
		if want := 1 - rho*rho; !near(a.kept.Value, want, 0, 4*2*rho*(1-rho*rho)/math.Sqrt(20000)+1e-3) {
			t.Errorf("rho %g: kept %g, want %g", rho, a.kept.Value, want)
		}
	}
}

// Compare and the ordinary interval use the covariate if the design asks, and
// say so where they cannot.
func TestCompareUsesCovariate(t *testing.T) {
	r := rand.New(rand.NewPCG(32, 1))
	strata := half(momentsOf(panel(r, 900, 3, 0.9)), momentsOf(panel(r, 900, 3, 0.9)))
	width := func(i Interval) float64 { return i.Upper - i.Lower }
	plain, adjusted := mixtureDesign(), adjusting(KindMean)
	a, b := Compare(plain, strata, Look{}), Compare(adjusted, strata, Look{})
	x, y := AtOneLook(plain, strata), AtOneLook(adjusted, strata)
	for _, share := range []float64{
		width(b.AbsoluteInterval) / width(a.AbsoluteInterval), width(y.Interval) / width(x.Interval),
	} {
		if want := math.Sqrt(1 - 0.9*0.9); !near(share, want, 0.1, 0) {
			t.Errorf("widths are as %g, want %g", share, want)
		}
	}
	strata[0].Control.Pre = PreMoments{}
	if c := Compare(adjusted, strata, Look{}); c.Note != noteNoCovariate || c.LogE != a.LogE {
		t.Errorf("note %q, ln E %g, want %g", c.Note, c.LogE, a.LogE)
	}
}

// A covariate that tells nothing changes nothing; one that was moved or
// stretched tells the same.
func TestCovariateInvariance(t *testing.T) {
	r := rand.New(rand.NewPCG(26, 1))
	c, u := panel(r, 500, 3, 0.8), panel(r, 400, 3.1, 0.8)
	d := adjusting(KindMean)
	useless := half(momentsOf(c), momentsOf(u))
	for i := range useless {
		useless[i].Control.Pre.Value, useless[i].Treatment.Pre.Value = 0, 0
	}
	a, b := estimate(&d, useless), standardise(viewMean, useless)
	x, y := a.difference(), b.difference()
	if x.estimate != y.estimate || x.se != y.se || x.df != y.df || a.fieller(3) != b.fieller(3) || a.theta != Some(0) || a.kept != Some(1) {
		t.Errorf("theta %v, kept %v: %+v, want %+v", a.theta, a.kept, x, y)
	}
	want := estimate(&d, half(momentsOf(c), momentsOf(u)))
	for _, us := range [][]unit{c, u} {
		for i := range us {
			us[i].x = 1000 - 7*us[i].x
		}
	}
	got := estimate(&d, half(momentsOf(c), momentsOf(u)))
	if !near(got.difference().estimate, want.difference().estimate, 1e-9, 0) || !near(got.difference().se, want.difference().se, 1e-10, 0) || !near(got.theta.Value, -want.theta.Value/7, 1e-10, 0) {
		t.Errorf("moved: %+v, want %+v", got.difference(), want.difference())
	}
	i, j := got.fieller(3), want.fieller(3)
	if !near(i.Lower, j.Lower, 1e-8, 0) || !near(i.Upper, j.Upper, 1e-8, 0) {
		t.Errorf("moved: %v, want %v", i, j)
	}
}

func TestNotAdjusted(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 1))
	good, other := momentsOf(panel(r, 500, 3, 0.8)), momentsOf(panel(r, 400, 3, 0.8))
	without := good
	without.Pre = PreMoments{}
	flat := good
	flat.Pre = PreMoments{Mean: 4, DenMean: 1}
	wild := good
	wild.Pre = PreMoments{Value: 1e308, M2: 1e-300}
	itself := good
	itself.Pre = PreMoments{Mean: good.Mean, M2: good.M2, Value: good.M2}
	noDen := good
	noDen.Pre.DenMean = 0
	for _, c := range []struct {
		name   string
		kind   Kind
		strata []Stratum
		want   string
	}{
		{"used", KindMean, half(good, other), ""},
		{"missing", KindMean, half(good, without), noteNoCovariate},
		{"missing in an epoch", KindMean, append(half(good, other), Stratum{Epoch: 1, Control: without, Treatment: other}), noteNoCovariate},
		{"missing where nothing counts", KindMean, append(half(good, other), Stratum{Epoch: 1, Control: without, Treatment: normal(1, 1, 0)}), ""},
		{"flat", KindMean, half(flat, flat), noteFlatCovariate},
		{"wild", KindMean, half(wild, wild), noteWildCovariate},
		{"the value itself", KindMean, half(itself, itself), noteExactCovariate},
		{"no denominator before", KindRatio, half(good, noDen), noteNoCovariateDen},
		{"ratio", KindRatio, half(good, other), ""},
	} {
		d := adjusting(c.kind)
		got := estimate(&d, c.strata)
		if got.note != c.want || got.theta.Known != (c.want == "") || got.kept.Known != (c.want == "") {
			t.Errorf("%s: %q, theta %v, want %q", c.name, got.note, got.theta, c.want)
		}
		if c.want != "" && got.difference() != func() contrast { a := standardise(d.view(), c.strata); return a.difference() }() {
			t.Errorf("%s: adjusted nevertheless", c.name)
		}
	}
}

// A relative margin and a relative effect compare with a level that is itself
// uncertain: their errors are those of the spread between samples, however
// large the effect.
func TestAdjustedRelativeErrors(t *testing.T) {
	const runs, level, lift = 3000, 6.0, 1.0
	r := rand.New(rand.NewPCG(28, 1))
	d := adjusting(KindMean)
	squares, covered, alone := 0.0, 0, 0.0
	for range runs {
		c, u := panel(r, 120, level, 0.95), panel(r, 180, level, 0.95)
		for i := range u {
			u[i].y += lift * level
		}
		a := estimate(&d, half(momentsOf(c), momentsOf(u)))
		x := a.beyond(SideUp, Size{Value: lift})
		squares += x.estimate * x.estimate / x.se / x.se / runs
		covered += count(a.fieller(1.959963984540054).Contains(lift))
		a.joint = joint{}
		x = a.beyond(SideUp, Size{Value: lift})
		alone += x.estimate * x.estimate / x.se / x.se / runs
	}
	if share := float64(covered) / runs; math.Abs(squares-1) > 0.1 || math.Abs(share-0.95) > 0.013 {
		t.Errorf("mean z² %g, covered %g", squares, share)
	}
	if alone < 1.5 {
		t.Errorf("mean z² %g without the level: the case shows nothing", alone)
	}
}

// Strata that are chance add what their numbers of units add: to the
// difference, and to a ratio of means.
func TestPostStratifiedErrors(t *testing.T) {
	const runs = 4000
	r := rand.New(rand.NewPCG(29, 1))
	effects, sum, weights, lift := []float64{-2, 3, 8}, 0.0, []float64{0.5, 0.3, 0.2}, 0.0
	control := 0.0
	for s := range effects {
		sum += weights[s] * effects[s]
		control += weights[s] * float64(10+5*s)
	}
	lift = sum / control
	squares, fixed, covered := 0.0, 0.0, 0
	for range runs {
		var units [3][2][]unit
		for range 400 {
			s, arm := 0, r.IntN(2)
			if v := r.Float64(); v > 0.8 {
				s = 2
			} else if v > 0.5 {
				s = 1
			}
			y := float64(10+5*s) + r.NormFloat64() + float64(arm)*effects[s]
			units[s][arm] = append(units[s][arm], unit{y: y})
		}
		var random, epochs []Stratum
		for s := range units {
			st := Stratum{Control: momentsOf(units[s][0]), Treatment: momentsOf(units[s][1])}
			random = append(random, st)
			st.Epoch = s
			epochs = append(epochs, st)
		}
		a, b := standardise(viewMean, random), standardise(viewMean, epochs)
		x, y := a.difference(), b.difference()
		squares += (x.estimate - sum) * (x.estimate - sum) / x.se / x.se / runs
		fixed += (y.estimate - sum) * (y.estimate - sum) / y.se / y.se / runs
		covered += count(a.fieller(1.959963984540054).Contains(lift))
	}
	if share := float64(covered) / runs; math.Abs(squares-1) > 0.08 || math.Abs(share-0.95) > 0.012 {
		t.Errorf("mean z² %g, covered %g", squares, share)
	}
	if fixed < 2 {
		t.Errorf("mean z² %g with fixed weights: the case shows nothing", fixed)
	}
}

// Strata of several epochs add what those of each do; with a covariate too.
func TestPostStratifiedByHand(t *testing.T) {
	r := rand.New(rand.NewPCG(30, 1))
	var strata []Stratum
	for e := range 2 {
		for s := range 3 {
			level := float64(3 + s + 4*e)
			strata = append(strata, Stratum{
				Epoch: e, Control: momentsOf(panel(r, 90+40*s, level, 0.7)), Treatment: momentsOf(panel(r, 60+80*e, level*1.2, 0.7)),
			})
		}
	}
	for _, d := range []Design{mixtureDesign(), adjusting(KindMean)} {
		a := estimate(&d, strata)
		theta, total := a.theta.Value, a.units()
		within, mixed := 0.0, 0.0
		for e := range 2 {
			mean, n := 0.0, 0.0
			for pass := range 2 {
				for s := 3 * e; s < 3*e+3; s++ {
					c, u, w := &strata[s].Control, &strata[s].Treatment, units(&strata[s])
					h := u.Mean - c.Mean - theta*(u.Pre.Mean-c.Pre.Mean)
					if pass == 0 {
						mean, n = mean+w*h, n+w
						for _, m := range []*Moments{c, u} {
							within += w / total * w / total * (m.M2 + theta*theta*m.Pre.M2 - 2*theta*m.Pre.Value) / float64(m.N-1) / float64(m.N)
						}
						continue
					}
					mixed += w / total / total * (h - mean/n) * (h - mean/n)
				}
			}
		}
		if got := a.difference().se; !near(got, math.Sqrt(within+mixed), 1e-10, 0) || mixed < 1e-6 {
			t.Errorf("covariate %v: se %.12g, want %.12g", d.Covariate, got, math.Sqrt(within+mixed))
		}
	}
}

// A ratio whose denominator is 1 is a mean.
func TestRatioOfOnesIsMean(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 1))
	ones := func(u []unit) Moments {
		for i := range u {
			u[i].d, u[i].xd = 1, 1
		}
		m := momentsOf(u)
		m.M3 = 0 // The skewness of ratios is unknown.
		return m
	}
	strata := half(ones(panel(r, 300, 3, 0.5)), ones(panel(r, 500, 3.1, 0.5)))
	for _, covariate := range []bool{false, true} {
		mean, ratio := adjusting(KindMean), adjusting(KindRatio)
		mean.Covariate, ratio.Covariate = covariate, covariate
		a, b := Compare(mean, strata, Look{}), Compare(ratio, strata, Look{})
		if !near(a.LogE, b.LogE, 1e-10, 1e-12) || !near(a.Absolute, b.Absolute, 1e-12, 0) || !near(a.ExcessBound, b.ExcessBound, 1e-11, 0) || !near(a.RelativeInterval.Upper, b.RelativeInterval.Upper, 1e-11, 0) {
			t.Errorf("covariate %v: %+v and %+v", covariate, a, b)
		}
	}
}

// Every number that these cases expect is compared.
func TestReferenceIsWhole(t *testing.T) {
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []refCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range cases {
		switch c.Method {
		case "cuped_mean", "quantile_variance", "ratio_metric_delta", "relative_lift_intervals_fixed",
			"post_stratified_mean", "asympcs_two_sided_from_sums":
		default:
			continue
		}
		seen++
		got := refRun[c.Method](c.Inputs)
		for key := range c.Expected {
			if _, ok := got[key]; !ok {
				t.Errorf("%s: %s is not computed", c.Name, key)
			}
		}
	}
	if seen < 13 {
		t.Errorf("only %d cases", seen)
	}
}
