package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomArms are seeded arms of a mean, some with a covariate, some in strata.
func randomArms(r *rand.Rand, level float64) arms {
	d := mixtureDesign()
	d.Covariate = r.IntN(2) == 0
	var strata []Stratum
	for range 1 + r.IntN(3) {
		c, u := panel(r, 20+r.IntN(80), level, 0.8), panel(r, 20+r.IntN(80), level, 0.8)
		strata = append(strata, Stratum{Control: momentsOf(c), Treatment: momentsOf(u)})
	}
	return estimate(&d, strata)
}

// Fieller's interval leaves out 0 exactly where that of the difference does,
// has the ends at which the contrast is t standard errors, and holds the
// estimate; where it is open control cannot be told from 0.
func TestFiellerAgreesWithDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 1))
	open, out := 0, 0
	for range 4000 {
		a := randomArms(r, 0.5*r.NormFloat64())
		crit := 1 + 3*r.Float64()
		estimate, i := a.lift(LiftFieller, crit)
		diff := a.difference()
		level := a.linear(0, 1, 0)
		if math.IsInf(i.Lower, -1) || math.IsInf(i.Upper, 1) {
			if math.Abs(level.estimate) > crit*level.se {
				t.Fatalf("open though control is %g of %g", level.estimate, level.se)
			}
			open++
			continue
		}
		if i.Contains(0) != around(diff.estimate, crit*diff.se).Contains(0) || !i.Contains(estimate.Value) {
			t.Fatalf("%v of %g, difference %+v", i, estimate.Value, diff)
		}
		out += count(!i.Contains(0))
		sign := math.Copysign(1, a.control.Value)
		for _, end := range []float64{i.Lower, i.Upper} {
			if x := a.linear(1, -1-sign*end, 0); !near(math.Abs(x.estimate), crit*x.se, 1e-7, 1e-9) {
				t.Fatalf("at %g: %g of %g standard errors of %g", end, x.estimate, crit, x.se)
			}
		}
	}
	if open < 100 || out < 100 {
		t.Errorf("only %d open, %d without 0", open, out)
	}
}

// Exchanging the arms inverts a lift on the log scale, at the estimate and at
// both ends, also where both arms are negative.
func TestLogLiftInverts(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 1))
	for range 500 {
		a := randomArms(r, 5-10*float64(r.IntN(2)))
		for _, scale := range []Scale{ScaleLinear, ScaleLog} {
			a.scale = scale
			b := a
			b.control, b.treatment = a.treatment, a.control
			b.joint.control, b.joint.treatment = a.joint.treatment, a.joint.control
			x, i := a.lift(LiftLog, 2.5)
			y, j := b.lift(LiftLog, 2.5)
			if scale == ScaleLinear && a.control.Value < 0 {
				continue // The sign is that of the difference there: no ratio to invert.
			}
			for _, p := range [][2]float64{{x.Value, y.Value}, {i.Lower, j.Upper}, {i.Upper, j.Lower}} {
				if !near((1+p[0])*(1+p[1]), 1, 1e-11, 0) {
					t.Fatalf("%s: %v and %v do not invert", scale, i, j)
				}
			}
		}
	}
}

// On the log scale everything is of geometric means: stretching the values
// moves the arms and nothing else, and the lift is their ratio.
func TestLogScale(t *testing.T) {
	d := mixtureDesign()
	d.Scale, d.Harm = ScaleLog, SideUp
	logs := func(by float64) []Stratum {
		return half(normal(900, math.Log(20*by), 0.8), normal(1100, math.Log(22*by), 0.9))
	}
	c, e := Compare(d, logs(1), Look{}), Compare(d, logs(1000), Look{})
	if !near(c.Control.Value, 20, 1e-12, 0) || !near(e.Treatment.Value, 22000, 1e-12, 0) {
		t.Errorf("arms %+v, %+v", c.Control, e.Treatment)
	}
	if !near(c.Relative.Value, 0.1, 1e-12, 0) || !near(c.Absolute, math.Log(1.1), 1e-12, 0) {
		t.Errorf("relative %v, absolute %g", c.Relative, c.Absolute)
	}
	if !near(math.Log1p(c.RelativeInterval.Lower), c.AbsoluteInterval.Lower, 1e-12, 0) || !near(math.Log1p(c.RelativeInterval.Upper), c.AbsoluteInterval.Upper, 1e-12, 0) {
		t.Errorf("%v is not e to %v", c.RelativeInterval, c.AbsoluteInterval)
	}
	if !near(e.LogE, c.LogE, 1e-9, 0) || !near(e.Relative.Value, c.Relative.Value, 1e-11, 0) || !near(e.RelativeInterval.Upper, c.RelativeInterval.Upper, 1e-11, 0) {
		t.Errorf("stretched: %+v, want %+v", e, c)
	}
	huge := Compare(d, half(normal(900, 1e4, 0.8), normal(1100, -1e4, 0.9)), Look{})
	mustBeClean(t, huge)
}

// A margin of 10 % on the log scale is a shift by ln 1.1 up and by -ln 0.9 down.
func TestLogMargin(t *testing.T) {
	for _, c := range []struct {
		harm Side
		size Size
		want float64
		ok   bool
	}{
		{SideUp, Size{Value: 0.1}, math.Log(1.1), true},
		{SideDown, Size{Value: 0.1}, -math.Log(0.9), true},
		{SideUp, Size{Value: 3}, math.Log(4), true},
		{SideDown, Size{Value: 1}, math.Inf(1), false},
		{SideDown, Size{}, 0, true},
		{SideUp, Size{Absolute: true}, 0, true},
		{SideUp, Size{Value: 0.1, Absolute: true}, math.Inf(1), false},
	} {
		d := Design{Harm: c.harm}
		if got, ok := d.logMargin(c.size); ok != c.ok || got != c.want && !near(got, c.want, 1e-14, 0) {
			t.Errorf("%s by %+v: %g, %v, want %g, %v", c.harm, c.size, got, ok, c.want, c.ok)
		}
	}
	for _, c := range []struct {
		harm              Side
		control, treament float64
		want              float64
	}{
		{SideUp, 20, 23, math.Log(23.0/20) - math.Log(1.1)},
		{SideDown, 20, 17, math.Log(0.9) - math.Log(17.0/20)},
	} {
		a := pairOf(viewMean, normal(900, math.Log(c.control), 0.8), normal(900, math.Log(c.treament), 0.8))
		a.scale = ScaleLog
		if got := a.beyond(c.harm, Size{Value: 0.1}).estimate; !near(got, c.want, 1e-12, 0) {
			t.Errorf("%s: %g, want %g", c.harm, got, c.want)
		}
		if got := a.beyond(c.harm, Size{Value: 0.1, Absolute: true}).estimate; isFinite(got) {
			t.Errorf("%s: %g beyond an absolute margin", c.harm, got)
		}
	}
}

// What has no answer is open, whichever way it is made.
func TestLiftWithoutAnswer(t *testing.T) {
	for _, c := range []struct {
		name               string
		control, treatment float64
		lift               Lift
		known, open        bool
	}{
		{"control is zero", 0, 1, LiftFieller, false, true},
		{"control is zero", 0, 1, LiftLog, false, true},
		{"control is zero", 0, 1, LiftDelta, false, true},
		{"control is about zero", 0.01, 1, LiftFieller, true, true},
		{"arms differ in sign", -3, 1, LiftLog, true, true},
		{"treatment is zero", 3, 0, LiftLog, true, true},
		{"both are negative", -3, -4, LiftLog, true, false},
		{"both are negative", -3, -4, LiftDelta, true, false},
		{"both are negative", -3, -4, LiftFieller, true, false},
		{"treatment is zero", 3, 0, LiftDelta, true, false},
		{"treatment is zero", 3, 0, LiftFieller, true, false},
	} {
		a := pairOf(viewMean, normal(100, c.control, 1), normal(100, c.treatment, 1))
		estimate, i := a.lift(c.lift, 3)
		if estimate.Known != c.known || (i == openInterval()) != c.open {
			t.Errorf("%s, %s: %v in %v", c.lift, c.name, estimate, i)
		}
		if !c.open && (!i.Contains(estimate.Value) || i.Lower >= i.Upper) {
			t.Errorf("%s, %s: %v is not in %v", c.lift, c.name, estimate, i)
		}
	}
}

// The lift that a design names is the one that Compare shows.
func TestCompareUsesLift(t *testing.T) {
	strata := half(normal(100, 3, 2), normal(100, 3.3, 2))
	seen := map[Interval]bool{}
	for _, l := range []Lift{LiftFieller, LiftLog, LiftDelta} {
		d := mixtureDesign()
		d.Lift = l
		seen[Compare(d, strata, Look{}).RelativeInterval] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different intervals", len(seen))
	}
}

func TestScalesAndLifts(t *testing.T) {
	for s, want := range map[Scale]bool{"": true, ScaleLinear: true, ScaleLog: true, "ln": false} {
		if s.known() != want {
			t.Errorf("scale %q", s)
		}
	}
	for l, want := range map[Lift]bool{"": true, LiftFieller: true, LiftLog: true, LiftDelta: true, "bayes": false} {
		if l.known() != want {
			t.Errorf("lift %q", l)
		}
	}
}
