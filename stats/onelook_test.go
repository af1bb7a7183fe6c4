package stats

import (
	"math"
	"testing"
)

// The relative interval of one look is Fieller's at the level of the absolute
// one: both leave out zero together, and it is open where control may be zero.
func TestOneLookRelative(t *testing.T) {
	d := mixtureDesign()
	for _, c := range []struct {
		name               string
		control, treatment Moments
		open, leavesOut    bool
	}{
		{name: "apart", control: normal(4000, 10, 4), treatment: normal(4000, 11, 4), leavesOut: true},
		{name: "alike", control: normal(4000, 10, 4), treatment: normal(4000, 10.1, 4)},
		{name: "below zero", control: normal(4000, -10, 4), treatment: normal(4000, -9, 4), leavesOut: true},
		{name: "control may be zero", control: normal(400, 0.01, 4), treatment: normal(400, 1, 4), open: true},
	} {
		o := AtOneLook(d, half(c.control, c.treatment))
		if open := math.IsInf(o.Relative.Lower, -1) && math.IsInf(o.Relative.Upper, 1); open != c.open {
			t.Errorf("%s: %+v, want open: %v", c.name, o.Relative, c.open)
		}
		if c.open {
			continue
		}
		if o.Relative.Contains(0) == c.leavesOut || o.Interval.Contains(0) == c.leavesOut {
			t.Errorf("%s: relative %+v, absolute %+v, want zero left out: %v", c.name, o.Relative, o.Interval, c.leavesOut)
		}
	}
	o := AtOneLook(d, half(normal(4000, 10, 4), normal(4000, 11, 4)))
	// By hand: t = 1.9603, ratio 1.1, variances 16/4000 over 10 squared.
	g := 1.9603 * 1.9603 * 0.004 / 100
	root := math.Sqrt(g*(1-g) + 1.21*g)
	if want := (0.1 + g + root) / (1 - g); !near(o.Relative.Upper, want, 1e-5, 0) {
		t.Errorf("upper end %g, want %g", o.Relative.Upper, want)
	}
}
