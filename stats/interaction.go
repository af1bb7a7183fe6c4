package stats

import "math"

// Interaction is how far the effect among some units is from that among others,
// at one look: it is for who asks once, and decides nothing.
type Interaction struct {
	Status Status `json:"status"`
	Note   string `json:"note,omitempty"`
	// Difference is the effect there less the effect here, each treatment -
	// control; Interval is Welch's at level 1 - Design.Alpha, P two-sided in [0,1].
	Difference float64  `json:"difference"`
	Interval   Interval `json:"interval"`
	P          Optional `json:"p,omitzero"`
}

// DifferenceOfDifferences compares the effects of one treatment in two groups of
// units that share none, on the scale and over the epochs of Compare.
func DifferenceOfDifferences(d Design, here, there []Stratum) Interaction {
	out := Interaction{Status: StatusOK, Interval: openInterval()}
	var effects [2]contrast
	for i, strata := range [][]Stratum{here, there} {
		if out.Status, out.Note = question(&d, strata); out.Status != StatusOK {
			return out
		}
		a := estimate(&d, strata)
		if a.fewest() < 2 {
			out.Status, out.Note = StatusTooFew, "an arm of one group has less than two units"
			return out
		}
		effects[i] = a.difference()
		if !isFinite(effects[i].estimate) || !isFinite(effects[i].se) {
			out.Status, out.Note = StatusNotFinite, "the moments are not finite"
			return out
		}
	}
	out.Difference = effects[1].estimate - effects[0].estimate
	se := math.Hypot(effects[0].se, effects[1].se)
	if se == 0 {
		out.Status, out.Note = StatusNoVariance, "nothing varies in either group"
		return out
	}
	df := 1 / (share4(effects[0].se/se, effects[0].df) + share4(effects[1].se/se, effects[1].df))
	out.Interval = around(out.Difference, zToT(upperQuantile(math.Log(d.Alpha)-math.Ln2), df)*se)
	out.P = Some(math.Erfc(math.Abs(tToZ(out.Difference/se, df)) / math.Sqrt2))
	return out
}
