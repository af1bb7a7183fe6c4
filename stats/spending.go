package stats

import (
	"math"
	"slices"
)

// nextExact finds the counts at which harm, and its absence, are established at
// a look. Given how many events there were at each look, the number of first
// labels is a walk whose steps are binomial at the margin, whatever the rates
// and however they move (Kulldorff et al. 2011 for the conditioning; Jennison &
// Turnbull 2000, chapter 12, for spending error on discrete data). It is also
// the score of a common rate ratio, so that epochs of different splits add up.
//
// Where events were taken back, or none is new at the end, the error is spent on
// this look alone.
func (s *Spending) nextExact(time float64, strata []Stratum) (Look, string) {
	d, last := &s.design, s.last()
	look := Look{Time: time, Events: events(strata)}
	for _, e := range look.Events {
		look.Info += float64(e.Total)
	}
	back := takenBack(s.anchor.Events, look.Events)
	var harm, within *tally
	switch {
	case look.Info == 0:
		return Look{}, "no unit of either arm has any event yet"
	case back || look.Info == s.anchor.Info && time >= 1:
		look.Alone = true
		fresh := NewSpending(*d, nil)
		fresh.advance(look.Events)
		harm, within = fresh.harm, fresh.within
	case look.Info == s.anchor.Info:
		return Look{}, "no event is new since the last look that spent error"
	default:
		s.resplit(look.Events)
		s.advance(look.Events)
		harm, within = s.harm, s.within
	}
	may := spentBy(d.Alpha, time)
	look.Level = may - last.Spent
	var tail float64
	look.Least, tail = harm.stopAbove(may - last.Spent)
	look.Spent = last.Spent + tail
	look.Most, tail = within.stopBelow(may - last.SpentWithin)
	look.SpentWithin = last.SpentWithin + tail
	d.levels(&look)
	return look, ""
}

// resplit takes the steps so far again where a split turns out to be another
// than was thought, as when the sample ratio fails: the labels of all events
// have to be judged by one split, or the surplus of the past passes for harm.
func (s *Spending) resplit(now []EventCount) {
	same := true
	for _, e := range s.shares {
		if share := shareOf(now, e); math.Abs(share-e.Share) > sameSplit*e.Share {
			same = false
		}
	}
	if same {
		return
	}
	again := NewSpending(s.design, nil)
	for _, l := range together(s.Looks) {
		events := slices.Clone(l.Events)
		for i := range events {
			events[i].Share = shareOf(now, events[i])
		}
		again.advance(events)
		again.harm.stopFrom(l.Least)
		again.within.stopUpTo(l.Most)
		again.anchor.Events = l.Events
	}
	s.harm, s.within, s.shares = again.harm, again.within, again.shares
}

// shareOf is the split of an epoch now, or what it was.
func shareOf(now []EventCount, e EventCount) float64 {
	for _, n := range now {
		if n.Epoch == e.Epoch {
			return n.Share
		}
	}
	return e.Share
}

// takenBack tells whether an epoch has fewer events than before.
func takenBack(before, now []EventCount) bool {
	for _, e := range before {
		if totalOf(now, e.Epoch) < e.Total {
			return true
		}
	}
	return false
}

// advance adds the events that are new since the anchor.
func (s *Spending) advance(now []EventCount) {
	before := s.anchor.Events
	for _, e := range now {
		events, theta := e.Total-totalOf(before, e.Epoch), s.design.firstLabel(e.Share)
		s.harm.add(events, theta)
		s.within.add(events, theta)
	}
	s.shares = now
}

// events counts the events of both arms by epoch.
func events(strata []Stratum) []EventCount {
	var out []EventCount
	for i := range strata {
		s := &strata[i]
		if !viewAny.counts(s) || s.Control.Any+s.Treatment.Any == 0 {
			continue
		}
		e := EventCount{Epoch: s.Epoch, Total: s.Control.Any + s.Treatment.Any, Share: s.Share}
		if n := len(out); n > 0 && out[n-1].Epoch == e.Epoch {
			out[n-1].Total += e.Total // Strata of one epoch have one split.
			continue
		}
		out = append(out, e)
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

// tails are the logs of the chances that fewer than k, and that at least k, of
// all events carry the first label at the log rate ratio u: exact for one split;
// for several the saddle point approximation for lattices (Lugannani & Rice
// 1980, with the second continuity correction of Daniels 1987).
func (l labels) tails(u, k float64) (below, from float64) {
	hits, other := l.totals()
	n := hits + other
	switch {
	case k <= 0:
		return -math.MaxFloat64, 0
	case k > n:
		return 0, -math.MaxFloat64
	case l.oneSplit():
		// P(X >= k) is the incomplete beta function of the label's chance.
		v := l[0].logit + u
		from, below = logBetaTails(k, n-k+1, sigmoid(v), sigmoid(-v))
		return below, from
	}
	return l.saddle(u, k-0.5)
}

// tail is the log of the chance of at least k.
func (l labels) tail(u, k float64) float64 {
	_, from := l.tails(u, k)
	return from
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

// saddle are the tails below and above x of the number of first labels: the
// tilt that makes x the mean is a log rate ratio too. The smaller tail is taken
// in logs, so that it does not vanish.
func (l labels) saddle(u, x float64) (below, above float64) {
	tilted := l.at(x)
	mean, base, variance := l.cumulants(u)
	if math.Abs(tilted-u) < 1e-7 {
		z := (mean - x) / math.Sqrt(variance)
		return logPhi(-z), logPhi(z)
	}
	_, top, spread := l.cumulants(tilted)
	s := tilted - u
	w := math.Copysign(math.Sqrt(2*math.Max(s*x-(top-base), 0)), s)
	v := 2 * math.Sinh(s/2) * math.Sqrt(spread)
	far := math.Abs(w)
	// Both corrections have the sign of the tilt.
	factor := math.Max(1+math.Abs(1/v)*hazard(-far)-hazard(-far)/far, 1e-3)
	small := min(logPhi(-far)+math.Log(factor), -1e-300)
	if w > 0 {
		return logComplement(small), small
	}
	return small, logComplement(small)
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

// level is the log of a tail probability that establishes harm at this look,
// whatever the number of events: that of the boundary, or where these events
// have none, of what the look could spend. 0 where it could spend nothing.
func (l *Look) level() float64 {
	switch {
	case l.Z > 0:
		return logPhi(-l.Z)
	case l.Level > 0 && !l.Held:
		return math.Log(l.Level)
	}
	return 0
}

// score is the normal score of a tail that holds k and more: positive where it
// is less than one half, and cut off beyond every use.
func (l labels) score(u, k float64) float64 {
	const greatest = 1e150
	below, from := l.tails(u, k)
	if from <= below {
		return min(upperQuantile(max(from, -greatest)), greatest)
	}
	return -min(upperQuantile(max(below, -greatest)), greatest)
}

// where is the log rate ratio at which the tail of k > 0 has the normal score
// z >= 0: a quantile of the beta distribution for one split.
func (l labels) where(k, z, from float64) float64 {
	if !l.oneSplit() {
		return l.whereSplits(k, z, from)
	}
	hits, other := l.totals()
	return betaLogit(k, hits+other-k+1, z, logPhi(-z)) - l[0].logit
}

// whereSplits is where for several splits. The score falls with the ratio and is
// nearly a line: steps of regula falsi (Illinois) inside a bracket.
func (l labels) whereSplits(k, z, from float64) float64 {
	above := func(u float64) float64 { return l.score(u, k) - z }
	low, high := from, from
	atLow := above(from)
	if atLow == 0 {
		return from
	}
	atHigh := atLow
	for step := 0.5; atLow < 0 && step < 1e3; step *= 2 {
		high, atHigh = low, atLow
		low -= step
		atLow = above(low)
	}
	for step := 0.5; atHigh > 0 && step < 1e3; step *= 2 {
		low, atLow = high, atHigh
		high += step
		atHigh = above(high)
	}
	for range 100 {
		u := low + (high-low)*atLow/(atLow-atHigh)
		if !(u > low && u < high) || high-low < 1e-12*math.Max(1, math.Abs(u)) {
			break
		}
		at := above(u)
		switch {
		case math.Abs(at) < 1e-11 || atLow == atHigh:
			return u
		case at > 0:
			low, atLow, atHigh = u, at, atHigh/2
		default:
			high, atHigh, atLow = u, at, atLow/2
		}
	}
	return low + (high-low)*atLow/(atLow-atHigh)
}
