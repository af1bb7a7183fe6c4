package stats

import "math"

// Outlook is what is still to be expected of a comparison at its end.
type Outlook struct {
	// Miss is the chance that a harm of size MDE beyond the margin has not been
	// established at any of the looks so far, in [0,1].
	Miss Optional
	// Reach is the chance that the favourable verdict (within the margin) is
	// reached at the planned end, if the truth is at the favourable end of what
	// the data still allow: where it is small, going on is futile. It binds
	// nobody: to stop for futility costs no error.
	Reach Optional
}

// Outlook looks ahead and back over the looks of a comparison, the present one
// included, at a share of the planned duration in (0,1]. The exact methods have
// no Reach, and MethodExact knows its Miss from one look.
func (c *Comparison) Outlook(looks []Look, time float64) Outlook {
	out := Outlook{Miss: c.Miss}
	if c.Status == StatusOK && c.Design.Method == MethodExactSpending {
		out.Miss = smaller(c.Miss, c.Design.missSpent(looks))
	}
	if c.Status != StatusOK || c.Design.Method.exact() || !c.Z.Known {
		return out
	}
	if c.Design.Method == MethodCalibrated && len(looks) > 0 && c.MDEz.Known && c.Info > 0 {
		out.Miss = Some(probability(1 - crossing(looks, c.MDEz.Value/math.Sqrt(c.Info))))
	}
	out.Reach = c.reach(looks, min(time, 1))
	return out
}

// smaller is the smaller of two bounds.
func smaller(a, b Optional) Optional {
	if !a.Known || b.Known && b.Value < a.Value {
		return b
	}
	return a
}

// missSpent is the chance that none of the looks establishes the harm, with as
// many events at each as there were: a harm would have brought more of them,
// and more chance.
func (d *Design) missSpent(looks []Look) Optional {
	mde, ok := d.relative(d.MDE)
	margin, _ := d.relative(d.Margin)
	if !ok || mde == 0 || len(together(looks)) == 0 {
		return Optional{}
	}
	ratio := min(d.nullRatio(margin+mde), -zeroRatio)
	law, found, before := newTally(), 0.0, []EventCount(nil)
	for _, l := range together(looks) {
		for _, e := range l.Events {
			theta := min(max(sigmoid(d.logitOf(e.Share)+ratio), 1e-12), 1-1e-12)
			law.add(e.Total-totalOf(before, e.Epoch), theta)
		}
		if l.Least > 0 {
			found += law.from(l.Least)
			law.stopFrom(l.Least)
		}
		before = l.Events
	}
	return Some(probability(1 - found))
}

// Gain is the chance that the goal is shown to be better by the planned end, by
// the two-sided sequence and if the truth is at the favourable end of what the
// data still allow; unknown for the exact methods, where the harm that is judged
// has a margin, and without planned units. time is the share of the planned
// duration that has passed.
func (c *Comparison) Gain(time float64) Optional {
	d := &c.Design
	if c.Status != StatusOK || !c.Z.Known || d.Method.exact() || d.Margin.Value != 0 || d.Planned == 0 || !(time > 0 && time < 1) {
		return Optional{}
	}
	now, end := d.twoSidedAt(d.Planned*time), d.twoSidedAt(d.Planned)
	return conditionalPower(-c.Z.Value, now.critical(d.Alpha), end.critical(d.Alpha), time)
}

// conditionalPower is the chance that a score with the standardised value now,
// at a share of its information, ends beyond final, if its drift is that of the
// upper end of an interval of that many standard errors around it.
func conditionalPower(now, reach, final, time float64) Optional {
	drift := max(now+reach, 0)
	// On the scale of information 1 at the end the score now is now*sqrt(time).
	score := now*math.Sqrt(time) + drift/math.Sqrt(time)*(1-time)
	return Some(math.Exp(logPhi((score - final) / math.Sqrt(1-time))))
}

// reach is the conditional power of the test of "harm is at least the margin"
// at the end, from the z of now, with the drift of the lower confidence bound of
// the excess (Jennison & Turnbull 2000, section 10.2).
func (c *Comparison) reach(looks []Look, time float64) Optional {
	if !(time > 0 && time < 1) {
		return Optional{} // The end is here: there is nothing left to expect.
	}
	final, ok := c.finalCritical(looks)
	if !ok {
		return Optional{}
	}
	reach := 0.0
	if c.Critical.Known {
		reach = c.Critical.Value
	}
	return conditionalPower(-c.Z.Value, reach, final, time)
}

// finalCritical is the z that the end will ask for, if the end is the next
// look.
func (c *Comparison) finalCritical(looks []Look) (z float64, ok bool) {
	d := &c.Design
	if d.Method != MethodCalibrated {
		within := d.oneSidedAt(d.finalInfo(), 1)
		return within.critical(d.Alpha), d.Planned > 0
	}
	if len(looks) == 0 {
		return c.Critical.Value, c.Critical.Known
	}
	return NewSpending(*d, looks).finalZ(), true
}

// finalInfo is the information at the planned end.
func (d *Design) finalInfo() float64 { return max(d.Planned, 1) }
