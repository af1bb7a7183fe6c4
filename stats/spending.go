package stats

import "math"

// spendExact finds the counts at which harm, and its absence, are established
// at a look. Given how many events there were at each look, the number of first
// labels is a walk whose steps are binomial at the margin, whatever the rates
// and however they move (Kulldorff et al. 2011 for the conditioning; Jennison &
// Turnbull 2000, chapter 12, for spending error on discrete data). It is also
// the score of a common rate ratio, so that epochs of different splits add up.
func (d *Design) spendExact(look Look, past []Look, strata []Stratum) (Look, string) {
	last := Look{}
	if len(past) > 0 {
		last = past[len(past)-1]
	}
	look.Events = d.events(strata, last.Events)
	for _, e := range look.Events {
		look.Info += float64(e.Total)
	}
	switch {
	case look.Info == 0:
		return Look{}, "no unit of either arm has any event yet"
	case look.Info <= last.Info:
		return Look{}, "no event is new since the last look that spent error"
	}
	chance := spentBy(d.Alpha, look.Time)
	if !(chance-last.Spent > 1e-12*d.Alpha) {
		return Look{}, "there is no error to spend"
	}
	harm, within := newTally(), newTally()
	before := []EventCount(nil)
	for _, l := range append(past[:len(past):len(past)], look) {
		d.advance(harm, before, l.Events)
		d.advance(within, before, l.Events)
		before = l.Events
		if l.Time < look.Time {
			harm.stopFrom(l.Least)
			within.stopUpTo(l.Most)
		}
	}
	var tail float64
	look.Least, tail = harm.stopAbove(chance - last.Spent)
	look.Spent = last.Spent + tail
	look.Most, tail = within.stopBelow(chance - last.SpentWithin)
	look.SpentWithin = last.SpentWithin + tail
	d.levels(&look)
	return look, ""
}

// events counts the events of both arms by epoch, never fewer than before:
// facts that were taken back do not undo what was spent on them.
func (d *Design) events(strata []Stratum, before []EventCount) []EventCount {
	var out []EventCount
	for i := range strata {
		s := &strata[i]
		if !viewAny.counts(s) {
			continue
		}
		e := EventCount{Epoch: s.Epoch, Total: s.Control.Any + s.Treatment.Any, Share: s.Share}
		e.Total = max(e.Total, totalOf(before, e.Epoch))
		if e.Total > 0 {
			out = append(out, e)
		}
	}
	return out
}

// totalOf is the events of an epoch.
func totalOf(events []EventCount, epoch int) int64 {
	for _, e := range events {
		if e.Epoch == epoch {
			return e.Total
		}
	}
	return 0
}

// advance adds the events that are new to a tally.
func (d *Design) advance(t *tally, before, now []EventCount) {
	for _, e := range now {
		t.add(e.Total-totalOf(before, e.Epoch), d.firstLabel(e.Share))
	}
}

// firstLabel is the chance that an event carries the first label where harm is
// exactly the margin.
func (d *Design) firstLabel(share float64) float64 { return sigmoid(d.logitOf(share) + d.null()) }

// logitOf is the log odds of the first label among units.
func (d *Design) logitOf(share float64) float64 {
	logit := math.Log(share) - math.Log1p(-share)
	if d.Harm == SideDown {
		return -logit
	}
	return logit
}

// null is the log ratio of the first label's rate to the second's where harm is
// exactly the margin.
func (d *Design) null() float64 {
	margin, _ := d.relative(d.Margin)
	return d.nullRatio(margin)
}

// stopFrom takes off what an earlier look stopped.
func (t *tally) stopFrom(least int64) {
	if least == 0 {
		return
	}
	for i := range t.p {
		if (t.first+int64(i))*t.cell >= least {
			t.p[i] = 0
		}
	}
}

// stopUpTo is stopFrom for the other side; most is the count plus one.
func (t *tally) stopUpTo(most int64) {
	for i := range t.p {
		if (t.first+int64(i))*t.cell < most {
			t.p[i] = 0
		}
	}
}

// levels notes the boundaries on the normal scale: the tail probabilities at
// the margin of the counts, as if there were this look only.
func (d *Design) levels(look *Look) {
	l := d.labelsAt(look.Events)
	null := d.null()
	if look.Least > int64(look.Info) {
		look.Least = 0
	}
	if look.Least > 0 {
		look.Z = upperQuantile(l.tail(null, float64(look.Least)))
	}
	if look.Most > 0 {
		l.swap()
		look.ZWithin = upperQuantile(l.tail(-null, look.Info-float64(look.Most-1)))
	}
}

// labelsAt are the groups of a look with all events under the second label.
func (d *Design) labelsAt(events []EventCount) labels {
	var out labels
	for _, e := range events {
		out = append(out, group{logit: d.logitOf(e.Share), other: float64(e.Total)})
	}
	return out
}

// tail is the log of the chance that at least k of all events carry the first
// label at the log rate ratio u: exact for one split; for several the saddle
// point approximation for lattices (Lugannani & Rice 1980, with the second
// continuity correction of Daniels 1987).
func (l labels) tail(u, k float64) float64 {
	hits, other := l.totals()
	n := hits + other
	switch {
	case k <= 0:
		return 0
	case k > n:
		return -math.MaxFloat64
	case l.oneSplit():
		// P(X >= k) is the incomplete beta function of the label's chance.
		v := l[0].logit + u
		lower, _ := logBetaTails(k, n-k+1, sigmoid(v), sigmoid(-v))
		return lower
	}
	return l.saddle(u, k-0.5)
}

// oneSplit tells whether all groups have the same split.
func (l labels) oneSplit() bool {
	for _, g := range l[1:] {
		if math.Abs(g.logit-l[0].logit) > sameSplit {
			return false
		}
	}
	return true
}

// saddle is the log of the upper tail beyond x of the number of first labels:
// the tilt that makes x the mean is a log rate ratio too.
func (l labels) saddle(u, x float64) float64 {
	tilted := l.at(x)
	mean, _, variance := l.cumulants(u)
	if math.Abs(tilted-u) < 1e-7 {
		return logPhi((mean - x) / math.Sqrt(variance))
	}
	_, top, spread := l.cumulants(tilted)
	_, base, _ := l.cumulants(u)
	s := tilted - u
	w := math.Copysign(math.Sqrt(2*math.Max(s*x-(top-base), 0)), s)
	v := 2 * math.Sinh(s/2) * math.Sqrt(spread)
	if w > 0 {
		// In logs, so that far tails do not vanish.
		factor := 1 + (1/v-1/w)*hazard(-w)
		return min(0, logPhi(-w)+math.Log(math.Max(factor, math.SmallestNonzeroFloat64)))
	}
	return math.Log(probability(math.Exp(logPhi(-w)) + math.Exp(-w*w/2-lnSqrt2Pi)*(1/v-1/w)))
}

// cumulants of the number of first labels at the log rate ratio u: the mean,
// the cumulant generating function (as a function of u, but for a constant) and
// the variance.
func (l labels) cumulants(u float64) (mean, generating, variance float64) {
	for _, g := range l {
		n, v := g.hits+g.other, g.logit+u
		p, q := sigmoid(v), sigmoid(-v)
		mean += n * p
		variance += n * p * q
		generating += n * softplus(v)
	}
	return mean, generating, variance
}

// at is the log rate ratio at which the mean number of first labels is x, for x
// strictly between 0 and the number of events.
func (l labels) at(x float64) float64 {
	hits, other := l.totals()
	u := math.Log(x) - math.Log(hits+other-x) - l[0].logit
	low, high := math.Inf(-1), math.Inf(1)
	for range 200 {
		mean, _, variance := l.cumulants(u)
		if mean < x {
			low = u
		} else {
			high = u
		}
		step := (x - mean) / variance
		if math.Abs(step) <= 1e-13*math.Max(1, math.Abs(u)) {
			break
		}
		switch next := u + step; {
		case next > low && next < high:
			u = next
		case isFinite(low) && isFinite(high):
			u = (low + high) / 2
		default:
			u += math.Copysign(1, step)
		}
	}
	return u
}

// score is the normal score of a tail that holds k and more: positive where it
// is less than one half.
func (l labels) score(u, k float64) float64 {
	upper := l.tail(u, k)
	if upper <= -math.Ln2 {
		return upperQuantile(upper)
	}
	return -upperQuantile(logComplement(upper))
}

// where is the log rate ratio at which the log tail of k has the value l: the
// tail rises with the ratio.
func (l labels) where(k, level, from float64) float64 {
	low, high, step := from, from, 1.0
	for range 60 {
		if l.tail(low, k) <= level {
			break
		}
		low, step = low-step, 2*step
	}
	step = 1.0
	for range 60 {
		if l.tail(high, k) >= level {
			break
		}
		high, step = high+step, 2*step
	}
	for range 200 {
		middle := low + (high-low)/2
		if middle <= low || middle >= high || high-low <= 1e-12*math.Max(1, math.Abs(middle)) {
			break
		}
		if l.tail(middle, k) < level {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}
