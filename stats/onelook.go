package stats

import "math"

// AtOneLook is what ordinary methods say of a treatment against control at one
// look, on the scale and over the epochs of Compare; the exact method's
// questions are answered for the shares of units with any. Where there is no
// answer the interval is open and the rest unknown; of the posterior a Status
// says why.
func AtOneLook(d Design, strata []Stratum) OneLook {
	out := OneLook{Interval: openInterval(), Relative: openInterval()}
	if status, note := question(&d, strata); status != StatusOK {
		out.Posterior = unbelieved(status, note)
		return out
	}
	v := d.view()
	a := estimate(&d, strata)
	out.Posterior = d.posterior(v, &a)
	diff := a.difference()
	if !isFinite(diff.estimate) || !isFinite(diff.se) || diff.se == 0 || a.fewest() < 2 {
		return out
	}
	t := zToT(upperQuantile(math.Log(d.Alpha)-math.Ln2), diff.df)
	out.Interval = around(diff.estimate, t*diff.se)
	_, out.Relative = a.lift(d.Lift, t)
	out.P = Some(math.Erfc(math.Abs(tToZ(diff.estimate/diff.se, diff.df)) / math.Sqrt2))
	return out
}

// view is the value that a design compares units on.
func (d *Design) view() view {
	switch {
	case d.Method.exact():
		return viewAny
	case d.Kind == KindRatio:
		return viewRatio
	default:
		return viewMean
	}
}
