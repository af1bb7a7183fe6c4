package stats

import (
	"math"
	"slices"
)

// Look is what one look spends of a comparison's error, and the boundary that
// it gets for it. It depends on when the look is and on how much has been seen,
// never on the effect, so that it is known before the effect is. The looks of a
// comparison in order, as the ledger keeps them, reproduce every boundary.
type Look struct {
	// Time is the share of the planned duration that has passed, in (0,1].
	Time float64 `json:"time"`
	// Info is the number of units that count, at the planned split
	// (MethodCalibrated), or of their events (MethodExactSpending).
	Info float64 `json:"info"`
	// Spent is the error that the test of harm has spent up to this look, itself
	// included, in (0, Design.Alpha].
	Spent float64 `json:"spent"`
	// Z is the boundary of the test of harm on the normal scale; for the exact
	// method that of the tail probability at Least. 0 = none can be reached.
	Z float64 `json:"z,omitempty"`

	// Held: the boundary of the last look that spent error, to be shown but not
	// crossed; nothing was spent at this look.
	Held bool `json:"held,omitempty"`
	// Alone: data had been taken back since the look before, or nothing was new at
	// the end; the boundary counts on this look only, and no later one builds on it.
	Alone bool `json:"alone,omitempty"`
	// Anew: units had come into other epochs than at the looks before. The boundary
	// builds on none of them, and later ones build on it.
	Anew bool `json:"anew,omitempty"`

	// Level is the error that this look could spend by itself; the boundary is at
	// least as easy to reach as one look at that level.
	Level float64 `json:"level,omitempty"`

	// The rest is for MethodExactSpending: the events by epoch, and the counts of
	// the first label (treatment, or control where harm is down) at which harm and
	// its absence are established.
	Events []EventCount `json:"events,omitempty"`
	Least  int64        `json:"least,omitempty"` // harm from here on; 0 = at no count
	// Most is the count up to which harm is within the margin, plus one; 0 = at no
	// count. SpentWithin is the error of that test.
	Most        int64   `json:"most,omitempty"`
	SpentWithin float64 `json:"spentWithin,omitempty"`
	ZWithin     float64 `json:"zWithin,omitempty"`
}

// IsZero tells whether nothing was spent.
func (l Look) IsZero() bool { return l.Time == 0 }

// EventCount is the events of both arms in one epoch, and the share of
// treatment among its units that the test took.
type EventCount struct {
	Epoch int     `json:"epoch"`
	Total int64   `json:"total"`
	Share float64 `json:"share"`
}

const (
	// mostLooks bounds how many looks spend error: one that comes sooner than
	// this share of the duration after another adds next to nothing, and each
	// lengthens every later recursion.
	mostLooks = 128
	// leastNews is the least growth of the information between two looks that
	// spend: below it they are all but the same look.
	leastNews = 1e-3
	// bend is how early error is spent, see spentBy.
	bend = 1.25
)

// spentBy is the error, of alpha in all, that may be spent by a share of the
// planned duration: alpha (1 - (1-time)^bend). Time takes the place of
// information, which is allowed because it does not depend on the effect (Lan &
// DeMets 1989) and needed because traffic is guessed while the duration is
// declared. The bend lies between constant spending, which finds small harms
// late, and early spending, which misses them.
func spentBy(alpha, time float64) float64 {
	if time >= 1 {
		return alpha
	}
	return alpha * -math.Expm1(bend*math.Log1p(-time))
}

// Spending is the error spending of one comparison: its looks so far and what
// the next boundary is computed from. The zero value is not usable.
type Spending struct {
	// Looks that spent error, in order.
	Looks []Look

	design       Design
	contradicted bool         // the looks are none that a ledger can have
	anchor       Look         // the last look that later ones build on
	walk         *walk        // before the anchor (MethodCalibrated)
	harm, within *tally       // after the anchor (MethodExactSpending)
	shares       []EventCount // the splits that the tallies were made with
	anew         bool         // the next look that spends is the first to build on
}

// NewSpending continues from the looks of the past, which are not changed: it
// takes the steps again that led to them. Looks that no ledger can have spend
// nothing more.
func NewSpending(d Design, past []Look) *Spending {
	s := &Spending{design: d, walk: newWalk(0), harm: newTally(), within: newTally()}
	for _, l := range past {
		if s.contradicted = s.contradicted || !s.follows(&l); s.contradicted {
			s.Looks = append(s.Looks, l)
			continue
		}
		s.repeat(l)
	}
	return s
}

// follows tells whether a look can have come after those before.
func (s *Spending) follows(l *Look) bool {
	last := s.last()
	spent := l.Time > last.Time && l.Time <= 1 && l.Spent >= last.Spent && l.Spent <= s.design.Alpha*(1+1e-9) &&
		l.Info > 0 && l.Info <= mostUnits*1e6 && !l.Held
	free := l.Alone || l.Anew
	if s.design.Method == MethodExactSpending {
		return spent && l.counts(last) && (free || l.Info > s.anchor.Info)
	}
	return spent && math.Abs(l.Z) < 1e3 && (free || l.Info >= s.anchor.Info*(1+leastNews))
}

// counts tells whether the counts of a look are possible.
func (l *Look) counts(last Look) bool {
	total := 0.0
	for i, e := range l.Events {
		if !(e.Share >= leastShare && e.Share <= 1-leastShare) || e.Total < 0 || totalOf(l.Events[:i], e.Epoch) > 0 {
			return false
		}
		total += float64(e.Total)
	}
	return total == l.Info && l.Least >= 0 && l.Most >= 0 && float64(max(l.Least, l.Most)) <= l.Info+1 &&
		l.SpentWithin >= last.SpentWithin && l.SpentWithin <= 1 && l.Z >= 0 && l.Z < 1e3
}

// repeat takes in a look whose boundary is known.
func (s *Spending) repeat(l Look) {
	if l.Anew {
		s.Restart()
		s.anew = false
	}
	if !l.Alone {
		if s.design.Method == MethodExactSpending {
			s.resplit(l.Events)
			s.advance(l.Events)
			s.harm.stopFrom(l.Least)
			s.within.stopUpTo(l.Most)
		} else {
			s.step(l.Info)
		}
	}
	s.keep(l)
}

// Restart says that from now on units are in other epochs than they were at the
// looks so far, so that their scores are no parts of the coming ones. The next look
// that spends builds on none of them. The error that they spent stays spent: the
// chances of both stretches add up to no more than their sum.
func (s *Spending) Restart() {
	s.anew, s.anchor, s.walk = true, Look{}, newWalk(0)
	s.harm, s.within, s.shares = newTally(), newTally(), nil
}

// keep makes a look the last one.
func (s *Spending) keep(l Look) {
	s.anew = false
	s.Looks = append(s.Looks, l)
	if !l.Alone {
		s.anchor = l
	}
}

// last is the look before; zero if there is none.
func (s *Spending) last() Look {
	if len(s.Looks) == 0 {
		return Look{}
	}
	return s.Looks[len(s.Looks)-1]
}

// NextLook is NewSpending(d, past).Next(time, strata).
func NextLook(d Design, past []Look, time float64, strata []Stratum) (look Look, why string) {
	return NewSpending(d, past).Next(time, strata)
}

// Next is the boundary of a new look at a share of the planned duration (> 0;
// beyond 1 the last error is spent once, and then no more). It takes from the
// strata only how much was seen. Where nothing is spent at this look, why says
// so, and the Look is the last one, held, or zero. The answer depends on nothing
// but the design, the looks so far and the arguments.
func (s *Spending) Next(time float64, strata []Stratum) (look Look, why string) {
	look, why = s.next(min(time, 1), strata)
	if why == "" {
		look.Anew = s.anew && len(s.Looks) > 0
		s.keep(look)
		return look, ""
	}
	if s.contradicted {
		return Look{}, why
	}
	look = s.last()
	look.Held = !look.IsZero()
	return look, why
}

func (s *Spending) next(time float64, strata []Stratum) (look Look, why string) {
	d, last := &s.design, s.last()
	if !d.Method.Spends() {
		return Look{}, "the method spends no error"
	}
	if status, note := question(d, strata); status != StatusOK {
		return Look{}, note
	}
	switch {
	case s.contradicted:
		return Look{}, "the looks so far contradict each other"
	case !(time > 0):
		return Look{}, "the planned duration has not begun"
	case last.Time >= 1:
		return Look{}, "the planned duration is over and its error is spent"
	case time < 1 && time-last.Time < 1.0/mostLooks:
		return Look{}, "the last look that spent error was shortly before"
	case !(spentBy(d.Alpha, time)-last.Spent > 1e-12*d.Alpha):
		return Look{}, "there is no error to spend"
	}
	if d.Method == MethodExactSpending {
		return s.nextExact(time, strata)
	}
	return s.nextNormal(time, strata)
}

// fewestUnits is the number of units in the smaller arm over the epochs that a
// view counts.
func (v view) fewestUnits(strata []Stratum) int64 {
	var control, treatment int64
	for i := range strata {
		if v.counts(&strata[i]) {
			control += strata[i].Control.N
			treatment += strata[i].Treatment.N
		}
	}
	return min(control, treatment)
}

// information is the clock of the standardised effect: its score, units times
// effect, grows by independent steps whose variance per unit is inversely
// proportional to s(1-s) with s the share of treatment. Units of another split
// than the planned one count accordingly; under one split it is their number.
func (d *Design) information(strata []Stratum) float64 {
	planned, total := d.Share, 0.0
	for i := range strata {
		s := &strata[i]
		if !d.view().counts(s) {
			continue
		}
		weight := 1.0
		if split := s.Share * (1 - s.Share); split > 0 {
			if !(planned > 0 && planned < 1) {
				planned = s.Share
			}
			weight = planned * (1 - planned) / split
		}
		total += units(s) * weight
	}
	return total
}

// nextNormal solves for the boundary by the recursion. Where units were taken
// back, or nothing is new at the end, the error is spent on this look alone,
// which is valid whatever went before, since chances add up to no more than
// their sum.
func (s *Spending) nextNormal(time float64, strata []Stratum) (Look, string) {
	d, last := &s.design, s.last()
	if fewest := d.view().fewestUnits(strata); fewest < max(d.MinUnits, 2) {
		return Look{}, "an arm has too few units"
	}
	look := Look{Time: time, Info: d.information(strata)}
	chance := spentBy(d.Alpha, time) - last.Spent
	look.Spent, look.Level = last.Spent+chance, chance
	switch {
	case look.Info >= s.anchor.Info*(1+leastNews):
		s.step(look.Info)
		look.Z = s.walk.solve(look.Info, chance) / math.Sqrt(look.Info)
	case look.Info < s.anchor.Info*(1-leastNews) || time >= 1:
		look.Alone, look.Z = true, upperQuantile(math.Log(chance))
	default:
		return Look{}, "too little is new since the last look that could"
	}
	return look, ""
}

// step moves the walk past the anchor, towards a look at that information.
func (s *Spending) step(info float64) {
	if !s.anchor.IsZero() {
		s.walk.stay(s.anchor.Info, s.anchor.Z*math.Sqrt(s.anchor.Info), info)
	}
}

// finalZ is the boundary at the end of the duration, were it the next look and
// traffic as it was; the last one where there is nothing left to spend.
func (s *Spending) finalZ() float64 {
	last := s.last()
	info := last.Info / last.Time
	if chance := s.design.Alpha - last.Spent; chance > 0 && last.Time < 1 && info > s.anchor.Info*(1+leastNews) {
		s.step(info)
		return s.walk.solve(info, chance) / math.Sqrt(info)
	}
	return last.Z
}

// crossing is the chance that a score with a drift per unit of information is
// above the boundary at any of the looks.
func crossing(looks []Look, drift float64) float64 {
	looks = together(looks)
	w, sum := newWalk(drift), 0.0
	for i, l := range looks {
		bound := l.Z * math.Sqrt(l.Info)
		chance, _ := w.above(l.Info, bound)
		sum += chance
		if i+1 < len(looks) {
			w.stay(l.Info, bound, looks[i+1].Info)
		}
	}
	return probability(sum)
}

// together are the last looks that build on each other. To leave out the others
// leaves out chances of crossing.
func together(looks []Look) []Look {
	for i := range slices.Backward(looks) {
		if looks[i].Anew {
			looks = looks[i:]
			break
		}
	}
	for i := range looks {
		if looks[i].Alone {
			return slices.DeleteFunc(slices.Clone(looks), func(l Look) bool { return l.Alone })
		}
	}
	return looks
}
