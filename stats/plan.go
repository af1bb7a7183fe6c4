package stats

import (
	"cmp"
	"fmt"
	"math"
)

// Forecast is what a comparison expects to see: the design as it will be used,
// what control shows, and when how many units will have come.
type Forecast struct {
	Design Design
	// Mean is the expected value of control: a share for a proportion, a mean per
	// unit otherwise; of ln(value) on the log scale.
	Mean float64
	// SD is the standard deviation of the value over units, of a ratio that of its
	// linearised value; a proportion needs none, nor does an exact method.
	SD       float64
	Schedule []ScheduledLook // rising in both
	// TwoSided: what is looked for is not harm but a difference, by the two-sided
	// sequence, in the direction that the design calls harm.
	TwoSided bool
}

// ScheduledLook is a look to come: the share of the planned duration that will
// have passed, in (0,1], and the units of the two arms together by then.
type ScheduledLook struct{ Time, Units float64 }

// Plan is what a forecast promises.
type Plan struct {
	Status Status `json:"status"`
	Note   string `json:"note,omitempty"`
	// Effect is the harm beyond the margin that the chances are about: the
	// design's MDE.
	Effect Size          `json:"effect"`
	Looks  []PlannedLook `json:"looks,omitempty"`
	// Power is the chance that this harm is established by the end.
	Power Optional `json:"power,omitzero"`
	// False is the chance that a harm of just the margin, which is tolerated, is
	// called harm by the end; at most Design.Alpha but for the discreteness and
	// the approximations that the forecast makes.
	False Optional `json:"false,omitzero"`
	// Within is the chance that a variation without any effect is shown to be
	// within the margin by the end; unknown without a margin.
	Within Optional `json:"within,omitzero"`
	// Detectable is the smallest harm beyond the margin, in the kind of size that
	// the MDE is, that is established with a chance of Target by the end.
	Detectable Optional `json:"detectable,omitzero"`
	Target     float64  `json:"target"`
	// MeanTime is the share of the duration until the harm is established, on
	// average, where it is not by the end counting as 1; TargetTime the first look
	// by which it is with the chance of Target.
	MeanTime   Optional `json:"meanTime,omitzero"`
	TargetTime Optional `json:"targetTime,omitzero"`
}

// PlannedLook is one look of a plan.
type PlannedLook struct {
	Time  float64 `json:"time"`
	Units float64 `json:"units"`
	// Found is the chance that the harm has been established by this look.
	Found float64 `json:"found"`
}

// Plan computes the operating characteristics of the sequential design by the
// recursions that set its boundaries: exactly for the counts of the exact
// methods given the expected number of events, and for normal methods with the
// expected standard errors. target in (0,1) is the power that is asked for,
// 0.8 by custom. Where the forecast does not say enough, the status tells.
func (f Forecast) Plan(target float64) Plan {
	p := Plan{Status: StatusOK, Effect: f.Design.MDE, Target: target}
	if note := f.contradiction(target); note != "" {
		p.Status, p.Note = StatusBadQuestion, note
		return p
	}
	p.False = last(f.chances(0))
	if f.Design.Margin.Value > 0 {
		p.Within = last(f.within())
	}
	p.Detectable = f.detectable(target)
	if f.Design.MDE.Value == 0 {
		return p
	}
	found := f.chances(f.Design.MDE.Value)
	p.Power = last(found)
	before, mean, at := 0.0, 0.0, 0.0
	for i, s := range f.Schedule {
		p.Looks = append(p.Looks, PlannedLook{Time: s.Time, Units: s.Units, Found: found[i]})
		mean += (1 - before) * (s.Time - at)
		before, at = found[i], s.Time
		if found[i] >= target && !p.TargetTime.Known {
			p.TargetTime = Some(s.Time)
		}
	}
	p.MeanTime = Some(mean + (1-before)*(1-at))
	return p
}

// last is the last of rising chances.
func last(chances []float64) Optional {
	if len(chances) == 0 {
		return Optional{}
	}
	return Some(probability(chances[len(chances)-1]))
}

// contradiction says what is missing; empty if nothing is.
func (f *Forecast) contradiction(target float64) string {
	if note := f.Design.contradiction(); note != "" {
		return note
	}
	share := f.Design.Share
	switch {
	case !(target > 0 && target < 1):
		return "the power asked for is not between 0 and 1"
	case !(share > 0 && share < 1):
		return "the planned share of treatment is not between 0 and 1"
	case len(f.Schedule) == 0:
		return "no look is scheduled"
	case !isFinite(f.Mean) || !(f.SD >= 0) || !isFinite(f.SD):
		return "the expected value is not finite"
	case f.rates() && !(f.Mean > 0):
		return "the expected rate of control is not known"
	case f.Design.Kind == KindProportion && f.Mean >= 1:
		return "the expected share of control is not below 1"
	case !f.rates() && f.Mean == 0 && f.Design.Scale != ScaleLog && !(f.Design.MDE.Absolute && (f.Design.Margin.Absolute || f.Design.Margin.Value == 0)):
		return "the expected value of control is not known"
	case !f.rates() && f.SD == 0:
		return "the standard deviation of the value is not known"
	}
	for i, s := range f.Schedule {
		if !(s.Time > 0 && s.Time <= 1) || !(s.Units >= 0 && s.Units <= mostUnits) ||
			i > 0 && (s.Time <= f.Schedule[i-1].Time || s.Units < f.Schedule[i-1].Units) {
			return fmt.Sprintf("look %d of the schedule does not follow the one before", i+1)
		}
	}
	return ""
}

// rates tells whether the variance follows from the mean.
func (f *Forecast) rates() bool { return f.Design.Kind == KindProportion || f.Design.Method.exact() }

// chances are, by scheduled look, those of having established a harm of that
// size beyond the margin, in the kind of size that the MDE is.
func (f *Forecast) chances(harm float64) []float64 {
	if f.Design.Method.exact() {
		return f.exactChances(harm, true)
	}
	looks, at := f.boundaries()
	return f.spreadOut(crossings(looks, f.drift(harm)), at)
}

// within are those of having shown a variation without effect to be within the
// margin.
func (f *Forecast) within() []float64 {
	if f.Design.Method.exact() {
		return f.exactChances(math.NaN(), false)
	}
	looks, at := f.boundaries()
	return f.spreadOut(crossings(looks, f.driftOf(f.absolute(f.Design.Margin))), at)
}

// spreadOut puts the chances of looks that could decide at their places in the
// schedule.
func (f *Forecast) spreadOut(chances []float64, at []int) []float64 {
	out := make([]float64, len(f.Schedule))
	for i, k := range at {
		for j := k; j < len(out); j++ {
			out[j] = chances[i]
		}
	}
	return out
}

// boundaries are the looks of the schedule that can decide, and which they are.
func (f *Forecast) boundaries() (looks []Look, at []int) {
	d := f.Design
	spending := NewSpending(d, nil)
	for k, s := range f.Schedule {
		strata := f.strata(s.Units, 0)
		look, why := spending.Next(s.Time, strata)
		if !d.Method.Spends() {
			look, why = f.mixtureLook(s, strata)
		}
		if n := len(looks); n > 0 && look.Info < looks[n-1].Info*(1+leastNews) {
			continue
		}
		if why == "" {
			looks, at = append(looks, look), append(at, k)
		}
	}
	return looks, at
}

// mixtureLook is the boundary of a method that spends no error.
func (f *Forecast) mixtureLook(s ScheduledLook, strata []Stratum) (look Look, why string) {
	d := f.Design
	info := d.information(strata)
	c := Comparison{Design: d}
	var z float64
	if f.TwoSided {
		s := d.twoSidedAt(info)
		z = c.twoSidedCritical(&s, info)
	} else {
		harm, within := d.oneSidedAt(info, 0.5), d.oneSidedAt(info, 1)
		z, _ = c.criticals(&harm, &within, info)
	}
	if math.IsInf(z, 0) || viewMean.fewestUnits(strata) < max(d.MinUnits, 2) {
		return Look{}, "too few units"
	}
	return Look{Time: s.Time, Info: info, Z: z}, ""
}

// strata are the units of a look, and their events if there are any.
func (f *Forecast) strata(units, events float64) []Stratum {
	nt := math.Round(units * f.Design.Share)
	nc := math.Max(0, math.Round(units)-nt)
	kt := math.Min(nt, math.Round(events*f.Design.Share))
	kc := math.Min(nc, math.Max(0, math.Round(events)-kt))
	return []Stratum{{
		Epoch: 1, Share: f.Design.Share,
		Control:   Moments{N: int64(nc), Any: int64(kc), Mean: f.Mean, M2: 1, DenMean: 1},
		Treatment: Moments{N: int64(nt), Any: int64(kt), Mean: f.Mean, M2: 1, DenMean: 1},
	}}
}

// absolute is a size in the unit of the value.
func (f *Forecast) absolute(s Size) float64 {
	switch {
	case s.Absolute:
		return s.Value
	case f.Design.Scale == ScaleLog:
		return f.Design.nullRatio(s.Value)
	default:
		return s.Value * math.Abs(f.Mean)
	}
}

// drift is that of the excess per root of information, for a harm beyond the
// margin.
func (f *Forecast) drift(harm float64) float64 {
	d := &f.Design
	if d.Scale == ScaleLog {
		return f.driftOf(d.nullRatio(d.Margin.Value+harm) - d.nullRatio(d.Margin.Value))
	}
	return f.driftOf(f.absolute(Size{Value: harm, Absolute: d.MDE.Absolute}))
}

func (f *Forecast) driftOf(excess float64) float64 {
	d := &f.Design
	variance := f.SD * f.SD
	if d.Kind == KindProportion {
		variance = f.Mean * (1 - f.Mean)
	}
	scale := 1.0 // Of control in the contrast: a relative margin is a share of it.
	if d.Scale != ScaleLog && !d.Margin.Absolute {
		scale += d.Margin.Value
	}
	perUnit := variance/d.Share + scale*scale*variance/(1-d.Share)
	return excess / math.Sqrt(perUnit)
}

// crossings are the chances of having crossed by each look.
func crossings(looks []Look, drift float64) []float64 {
	w, sum := newWalk(drift), 0.0
	out := make([]float64, len(looks))
	for i, l := range looks {
		bound := l.Z * math.Sqrt(l.Info)
		chance, _ := w.above(l.Info, bound)
		sum += chance
		out[i] = probability(sum)
		if i+1 < len(looks) {
			w.stay(l.Info, bound, looks[i+1].Info)
		}
	}
	return out
}

// exactChances are those of an exact method, with the expected number of events
// at each look: of having established a harm beyond the margin, or, where harm
// is false, that a variation without effect is within it.
func (f *Forecast) exactChances(size float64, harm bool) []float64 {
	d := &f.Design
	ratio := 1.0
	if harm {
		ratio = f.ratio(size)
	}
	control := f.anyShare(f.Mean)
	treatment := f.anyShare(f.Mean * ratio)
	perUnit := d.Share*treatment + (1-d.Share)*control
	theta := d.Share * treatment / perUnit
	if d.Harm == SideDown {
		theta = 1 - theta
	}
	theta = min(max(theta, 1e-12), 1-1e-12)
	spending, law := NewSpending(*d, nil), newTally()
	out, events, sum := make([]float64, len(f.Schedule)), int64(0), 0.0
	for k, s := range f.Schedule {
		least, most, total := f.counts(spending, s, perUnit)
		if total > events {
			law.add(total-events, theta)
			events = total
		}
		if harm && least > 0 {
			sum += law.from(least)
			law.stopFrom(least)
		} else if !harm {
			sum += law.upTo(most)
			law.stopUpTo(most)
		}
		out[k] = probability(sum)
	}
	return out
}

// ratio of treatment's rate to control's where harm is that far beyond the
// margin.
func (f *Forecast) ratio(harm float64) float64 {
	d := &f.Design
	if d.MDE.Absolute {
		harm /= f.Mean
	}
	margin := d.Margin.Value
	if d.Margin.Absolute {
		margin /= cmp.Or(d.BaseRate, f.Mean) // The test takes it as a share of the base rate.
	}
	if d.Harm == SideDown {
		return math.Max(0, 1-margin-harm)
	}
	return 1 + margin + harm
}

// anyShare is the share of units with any event at a mean.
func (f *Forecast) anyShare(mean float64) float64 {
	if f.Design.Kind == KindProportion {
		return min(mean, 1)
	}
	return -math.Expm1(-mean)
}

// counts are the first labels that decide at a look, and all events by then.
func (f *Forecast) counts(spending *Spending, s ScheduledLook, perUnit float64) (least, most, total int64) {
	d := &f.Design
	strata := f.strata(s.Units, s.Units*perUnit)
	total = strata[0].Control.Any + strata[0].Treatment.Any
	if d.Method == MethodExactSpending {
		look, why := spending.Next(s.Time, strata)
		if why != "" {
			return 0, 0, total
		}
		return look.Least, look.Most, total
	}
	if total == 0 {
		return 0, 0, 0
	}
	bound, null, alpha := -math.Log(d.Alpha), d.null(), 2*d.Alpha
	if f.TwoSided {
		alpha = d.Alpha
	}
	t := d.tune(alpha)
	at := func(hits float64) evidence {
		e := group{logit: d.logitOf(d.Share), hits: hits, other: float64(total) - hits}.againstAll(null, &t)
		if f.TwoSided && hits > float64(total)*d.firstLabel(d.Share) {
			e.above = e.whole
		}
		return e
	}
	if first := firstCount(float64(total), func(k float64) bool { return at(k).above >= bound }); first <= float64(total) {
		least = int64(first)
	}
	return least, int64(firstCount(float64(total), func(k float64) bool { return at(k).below < bound })), total
}

// againstAll is the evidence of one group averaged over kappas.
func (g group) againstAll(null float64, t *tuning) evidence { return labels{g}.against(null, t) }

// from is the chance of at least that count, as far as no look stopped it.
func (t *tally) from(least int64) float64 {
	sum := 0.0
	for i, p := range t.p {
		if (t.first+int64(i))*t.cell >= least {
			sum += p
		}
	}
	return sum
}

// upTo is the chance of fewer than that count.
func (t *tally) upTo(most int64) float64 {
	sum := 0.0
	for i, p := range t.p {
		if (t.first+int64(i))*t.cell < most {
			sum += p
		}
	}
	return sum
}

// detectable is the least harm found with a chance of target: the root of a
// rising function, unknown where no harm suffices.
func (f *Forecast) detectable(target float64) Optional {
	d := &f.Design
	greatest := 1e6 // Relative.
	unit := 1.0
	if d.MDE.Absolute {
		unit = max(f.SD, math.Abs(f.Mean))
	}
	if d.Harm == SideDown && (d.Method.exact() || d.Scale == ScaleLog) {
		greatest = f.ratio(0) * (1 - 1e-9) // All that is left to lose.
	}
	greatest *= unit
	if !(greatest > 0) || !isFinite(greatest) {
		return Optional{}
	}
	enough := func(harm float64) bool { return last(f.chances(harm)).Value >= target }
	low, high := 0.0, 1e-6*greatest
	for !enough(high) {
		if low, high = high, 4*high; low >= greatest {
			return Optional{}
		}
		high = min(high, greatest)
	}
	for range 60 {
		if high-low < 1e-6*high {
			break
		}
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return Some(high)
}
