package stats

import "math"

// group is the events of the epochs that share one split. The exact method
// looks at the labels of the events only: given that a unit with an event is in
// one of the two arms, it carries the first label with probability
// sigmoid(logit + u), where u is the log of the ratio of the arms' event rates,
// whatever the rates themselves are and however they move over time (Kulldorff
// et al. 2011; Lindon & Malek 2022).
type group struct {
	logit float64 // log odds of the first label among units
	hits  float64 // events with the first label
	other float64 // events with the second
	units float64 // of control, whichever label that has
}

// swapped exchanges the two labels.
func (g group) swapped() group {
	return group{logit: -g.logit, hits: g.other, other: g.hits, units: g.units}
}

// labels are the groups of one comparison.
type labels []group

// sameSplit is the distance of log odds within which epochs share a split.
const sameSplit = 1e-9

// gather pools the epochs with units in both arms by their split; the first
// label is treatment. It appends to room.
func gather(room labels, strata []Stratum) labels {
	for i := range strata {
		s := &strata[i]
		if !viewAny.counts(s) {
			continue
		}
		logit := math.Log(s.Share) - math.Log1p(-s.Share)
		at := 0
		for at < len(room) && math.Abs(room[at].logit-logit) > sameSplit {
			at++
		}
		if at == len(room) {
			room = append(room, group{logit: logit})
		}
		room[at].hits += float64(s.Treatment.Any)
		room[at].other += float64(s.Control.Any)
		room[at].units += float64(s.Control.N)
	}
	return room
}

// swap exchanges the labels of every group in place.
func (l labels) swap() {
	for i := range l {
		l[i] = l[i].swapped()
	}
}

// totals are the events by label.
func (l labels) totals() (hits, other float64) {
	for _, g := range l {
		hits += g.hits
		other += g.other
	}
	return hits, other
}

// logLikelihood of the labels at the log rate ratio u, with its slope and
// information (minus the second derivative). It is concave in u.
func (l labels) logLikelihood(u float64) (value, slope, information float64) {
	for _, g := range l {
		v := u + g.logit
		e := math.Exp(-math.Abs(v))
		large := 1 / (1 + e)
		s, small := log1p(e), e*large
		if v > 0 {
			value -= g.hits*s + g.other*(s+v)
			slope += g.hits*small - g.other*large
		} else {
			value -= g.hits*(s-v) + g.other*s
			slope += g.hits*large - g.other*small
		}
		information += (g.hits + g.other) * large * small
	}
	return value, slope, information
}

// peak is the log rate ratio of greatest likelihood: -Inf without events of the
// first label, +Inf without events of the second. It needs an event.
func (l labels) peak() float64 {
	hits, other := l.totals()
	switch {
	case hits == 0:
		return math.Inf(-1)
	case other == 0:
		return math.Inf(1)
	case len(l) == 1:
		return math.Log(hits) - math.Log(other) - l[0].logit
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, g := range l {
		low, high = min(low, -g.logit), max(high, -g.logit)
	}
	// The common ratio lies between those that each split alone would give.
	odds := math.Log(hits) - math.Log(other)
	return l.climb(low+odds, high+odds)
}

// climb finds the root of the slope between low and high by Newton's steps,
// halving the interval where one would leave it.
func (l labels) climb(low, high float64) float64 {
	u := (low + high) / 2
	for range 200 {
		_, slope, information := l.logLikelihood(u)
		if slope > 0 {
			low = u
		} else {
			high = u
		}
		next := u + slope/information
		if !(next >= low && next <= high) {
			next = (low + high) / 2
		}
		if math.Abs(next-u) <= 1e-14*math.Max(1, math.Abs(u)) {
			return next
		}
		u = next
	}
	return u
}

// crest is the peak of the likelihood, its log there and its information; only
// at is finite where a label has no event.
type crest struct{ at, value, information float64 }

// crest needs an event.
func (l labels) crest() crest {
	at := l.peak()
	switch {
	case math.IsInf(at, 0):
		return crest{at: at}
	case len(l) == 1:
		hits, other := l.totals()
		p, q := hits/(hits+other), other/(hits+other)
		return crest{at: at, value: hits*math.Log(p) + other*math.Log(q), information: hits * q}
	}
	value, _, information := l.logLikelihood(at)
	return crest{at: at, value: value, information: information}
}

// lower is the log rate ratio below the peak at which the log likelihood is
// target, which is at most that of the peak; -Inf where there is none. The
// likelihood is concave, and all but a parabola.
func (l labels) lower(target float64, peak crest) float64 {
	hits, _ := l.totals()
	if hits == 0 {
		return math.Inf(-1)
	}
	u := l.start(target, peak, hits)
	for range 200 {
		value, slope, information := l.logLikelihood(u)
		if !(slope > 0) {
			break
		}
		step := cubicStep(value-target, slope, information)
		if u+step >= peak.at {
			step = (peak.at - u) / 2
		}
		u += step
		if math.Abs(step) <= cubicSettled*math.Max(1, math.Abs(u)) {
			break
		}
	}
	return min(u, peak.at)
}

// start is where lower starts: where the parabola at the peak meets the target,
// for one group with two more terms of the series, but no further left than the
// line that bounds the likelihood from above.
func (l labels) start(target float64, peak crest, hits float64) float64 {
	line := target / hits
	for _, g := range l {
		line -= g.hits / hits * g.logit
	}
	if math.IsInf(peak.at, 0) {
		return line
	}
	t := math.Sqrt(2 * max(peak.value-target, 0) / peak.information)
	u := peak.at - t
	if len(l) == 1 {
		// The second to fourth derivatives are I, I gamma and I delta, but for a sign.
		p := l[0].hits / (l[0].hits + l[0].other)
		gamma, delta := 1-2*p, 1-6*p*(1-p)
		u += t * max(-0.5, min(t*(t*(delta/24-5*gamma*gamma/72)-gamma/6), 0.5))
	}
	return max(line, u)
}

// upper is the log rate ratio above the peak at which the log likelihood is
// target; +Inf where there is none. It exchanges the labels and back.
func (l labels) upper(target float64, peak crest) float64 {
	l.swap()
	peak.at = -peak.at
	u := -l.lower(target, peak)
	l.swap()
	return u
}
