package stats

import "math"

// known tells whether there is such a scale.
func (s Scale) known() bool { return s == "" || s == ScaleLinear || s == ScaleLog }

// known tells whether there is such a lift.
func (l Lift) known() bool { return l == "" || l == LiftFieller || l == LiftLog || l == LiftDelta }

// logMargin is a size as a shift of the mean log towards harm, >= 0: harm up by
// 5 % is ln 1.05, down by 5 % is -ln 0.95. Not ok for an absolute size, which
// has no place on the log scale, and for a loss of everything.
func (d *Design) logMargin(s Size) (shift float64, ok bool) { return logMargin(d.Harm, s) }

// logMargin is the same given the side of harm; +Inf where it is not ok, so
// that nothing is ever beyond it.
func logMargin(harm Side, s Size) (shift float64, ok bool) {
	switch {
	case s.Value == 0:
		return 0, true
	case s.Absolute, harm == SideDown && s.Value >= 1:
		return math.Inf(1), false
	case harm == SideDown:
		return -math.Log1p(-s.Value), true
	default:
		return math.Log1p(s.Value), true
	}
}

// lift is the relative effect, treatment over control less 1 (0.05 = +5 %),
// with the sign of the difference where control is negative, and its interval
// at t standard errors. It is unknown where control is zero. The interval is
// open where the way it is made has no answer, and only Fieller's always leaves
// out 0 exactly where that of the difference does.
//
// On the log scale it is that of the geometric means, exactly: e to the
// difference of the mean logs, less 1, at the estimate and at both ends.
func (a *arms) lift(l Lift, t float64) (Optional, Interval) {
	if a.scale == ScaleLog {
		d := a.difference()
		return Some(math.Expm1(d.estimate)), around(d.estimate, t*d.se).expm1()
	}
	estimate := Some(a.difference().estimate / math.Abs(a.control.Value))
	i := openInterval()
	switch {
	case !estimate.Known:
		return estimate, i
	case l == LiftLog:
		i = a.logLift(t)
	case l == LiftDelta:
		i = a.deltaLift(t)
	default:
		i = a.fieller(t)
	}
	if a.control.Value < 0 {
		i = Interval{Lower: -i.Upper, Upper: -i.Lower}
	}
	return estimate, i
}

// shares are t² times the variances of treatment and control and their
// covariance, as shares of control squared.
func (a *arms) shares(t float64) (treatment, both, control float64) {
	c := math.Abs(a.control.Value)
	st, sc := t*a.treatment.own/c, t*a.control.own/c
	share := func(x float64) float64 { return t * (t * x / c) / c }
	return st*st + share(a.joint.treatment), share(a.joint.both), sc*sc + share(a.joint.control)
}

// fieller is the interval of the ratio less 1 at t standard errors (Fieller
// 1954): the ratios whose linear contrast with control is within t. It leaves
// out 0 exactly where the absolute interval does, and is open where control
// itself is within t of zero (g, the share of control², reaches 1).
func (a *arms) fieller(t float64) Interval {
	ratio := a.treatment.Value / a.control.Value
	v, b, g := a.shares(t)
	middle, root := ratio-1+g-b, math.Sqrt(v*(1-g)+ratio*ratio*g-2*ratio*b+b*b)
	if !(g < 1) || !isFinite(middle) || !isFinite(root) {
		return openInterval()
	}
	return Interval{Lower: (middle - root) / (1 - g), Upper: (middle + root) / (1 - g)}
}

// deltaLift is the interval of the ratio less 1 by the delta method. It is
// symmetrical, and too short on the far side where control is uncertain.
func (a *arms) deltaLift(t float64) Interval {
	ratio := a.treatment.Value / a.control.Value
	v, b, g := a.shares(t)
	return around(ratio-1, math.Sqrt(max(v-2*ratio*b+ratio*ratio*g, 0)))
}

// logLift is the interval of the ratio less 1 by the delta method on its log,
// inside (-1, Inf); open where the arms differ in sign or treatment is zero.
func (a *arms) logLift(t float64) Interval {
	ratio := a.treatment.Value / a.control.Value
	if !(ratio > 0) {
		return openInterval()
	}
	v, b, g := a.shares(t)
	return around(math.Log(ratio), math.Sqrt(max(v/ratio/ratio-2*b/ratio+g, 0))).expm1()
}

// expm1 takes an interval of a log ratio to one of a ratio less 1; what is
// beyond every float is open.
func (i Interval) expm1() Interval {
	if math.IsInf(i.Lower, -1) && math.IsInf(i.Upper, 1) {
		return i
	}
	return Interval{Lower: min(math.Expm1(i.Lower), math.MaxFloat64), Upper: math.Expm1(i.Upper)}
}

// show are both arms as they are shown: a mean of logs is a geometric mean.
func (a *arms) show() (control, treatment ArmValue) {
	return a.control.show(a.scale), a.treatment.show(a.scale)
}

// show is the arm on the scale of the metric; its standard error there is that
// of the delta method.
func (s *side) show(scale Scale) ArmValue {
	out := s.ArmValue
	if scale == ScaleLog {
		out.Value = bounded(math.Exp(out.Value))
		out.SE = bounded(out.SE * out.Value)
	}
	return out
}
