package stats

import (
	"math"
	"testing"
)

// The interval of a delayed start and its p-value are one statement.
func TestDelayedStartDecidesByItself(t *testing.T) {
	d := mixtureDesign()
	d.Method, d.Planned, d.Alpha = MethodDelayedStart, 6000, 0.05
	for effect := -0.3; effect <= 0.3; effect += 0.01 {
		for _, n := range []int64{150, 400, 3000} {
			c := Compare(d, half(normal(n, 1, 1), normal(n, 1+effect, 1)), Look{})
			if inside := c.AbsoluteInterval.Contains(0); inside != (c.PTwoSided > d.Alpha) {
				t.Errorf("%d units, effect %.2f: p %.4f, interval %v", n, effect, c.PTwoSided, c.AbsoluteInterval)
			}
		}
	}
}

// An absolute margin is planned as it is tested: as a share of the base rate.
func TestPlanTakesMarginsAsTheTestDoes(t *testing.T) {
	d := spending()
	d.Share, d.BaseRate, d.Margin, d.MDE = 0.5, 0.02, Size{Value: 0.005, Absolute: true}, Size{Value: 0.5}
	for _, mean := range []float64{0.01, 0.02, 0.04} {
		p := Forecast{Design: d, Mean: mean, Schedule: evenly(7, 40000)}.Plan(0.8)
		if p.Status != StatusOK || p.False.Value > 0.055 || p.False.Value < 0.03 {
			t.Errorf("control at %g: a tolerated harm is called harm with %g (%s)", mean, p.False.Value, p.Note)
		}
	}
}

// withSkew is the inverse of less, however far the boundary.
func TestWithSkewIsTheInverse(t *testing.T) {
	for _, lambda := range []float64{-0.25, -0.1, -1e-4, 0, 0.05, 0.25} {
		for z := 0.0; z < 9; z += 0.3 {
			at := withSkew(z, lambda)
			if back := less(at, lambda); math.IsInf(at, 0) || at < z || back > z+1e-9 && at > z+1e-9 || lambda < 0 && z > 1 && !near(back, z, 1e-9, 1e-9) {
				t.Errorf("lambda %g: z %g at t %g, and back %g", lambda, z, at, back)
			}
		}
	}
}

// A variance known to next to no degree of freedom is none.
func TestHardlyKnownVariance(t *testing.T) {
	m := normal(100, 1, 1)
	m.Free = 1e-300
	if c := Compare(mixtureDesign(), half(m, m), Look{}); c.Status != StatusBadQuestion {
		t.Errorf("%s", c.Status)
	}
}
