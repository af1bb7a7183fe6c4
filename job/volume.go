package job

import (
	"fmt"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

// The volume of first exposures is compared with the fewest of the same hours on
// the seven days before, which holds whatever a night and a weekend are like, and
// says nothing where even they were few. A day is missing below missingShare of
// it, the last hours have collapsed below collapseShare.
const (
	comparedDays  = 7
	fewestUnits   = 100
	missingShare  = 0.01
	collapseShare = 0.1
	newestSpan    = 6 * time.Hour
	wholeDay      = 24 * time.Hour
	// recent is how long a missing day holds: it may still be loaded. One that is
	// older is missing alike in every variation, and is told.
	recent = 3 * wholeDay
)

// exposureVolume finds days without exposures among days with many, hours with
// hardly any, and exposures that the look before had.
func (g *gatherer) exposureVolume() {
	if g.at.ended() != nil {
		return
	}
	g.missingDays()
	g.collapse()
	g.lostExposures()
}

// missingDays finds whole days (UTC) that must be absent from the table.
func (g *gatherer) missingDays() {
	h := &g.ev.health
	if h.NewestExposure == nil {
		return
	}
	first := g.at.experiment.Start.Truncate(wholeDay).Add(wholeDay)
	for day := first.Add(comparedDays * wholeDay); !day.Add(wholeDay).After(*h.NewestExposure); day = day.Add(wholeDay) {
		units, least, ok := g.compared(day, day.Add(wholeDay))
		if !ok || float64(units) >= missingShare*float64(least) {
			continue
		}
		t := g.traffic()
		t.Gaps = append(t.Gaps, day.UTC())
		text := fmt.Sprintf("On %s hardly any unit was first exposed (%s), after at least %s on each of the seven days before, and exposures go on after it: that day is not in the table.",
			day.UTC().Format(time.DateOnly), decide.Count(units), decide.Count(least))
		if g.reference().Sub(day) > recent+wholeDay {
			g.find("missing_day", text, day.UTC().Format(time.DateOnly))
			continue
		}
		g.trouble(&g.ev.stale, "missing_day", "hold", day.UTC().Format(time.DateOnly), text)
	}
}

// collapse finds that hardly any unit was first exposed in the last hours that
// are loaded.
func (g *gatherer) collapse() {
	h := &g.ev.health
	if h.NewestExposure == nil {
		return
	}
	to := h.NewestExposure.Truncate(time.Hour)
	units, least, ok := g.compared(to.Add(-newestSpan), to)
	if !ok || float64(units) >= collapseShare*float64(least) {
		return
	}
	g.traffic().Collapse = &ledger.Collapse{From: to.Add(-newestSpan), To: to, Units: units, Before: least}
	g.trouble(&g.ev.stale, "exposures_collapsed", "hold", "", fmt.Sprintf(
		"From %s to %s only %s units were first exposed, after at least %s in the same hours of each of the seven days before: exposures are lost, or not loaded yet.",
		minute(to.Add(-newestSpan)), minute(to), decide.Count(units), decide.Count(least)))
}

// compared are the units that were first exposed in a span, and the fewest in
// the same hours of the days before it, as they would be at the coverage of the
// span; not ok where these were few, or nobody was to be exposed in some of them.
func (g *gatherer) compared(from, to time.Time) (units, least int64, ok bool) {
	coverage, ok := g.covered(from, to)
	if !ok {
		return 0, 0, false
	}
	units = g.exposedIn(from, to)
	for day := 1; day <= comparedDays; day++ {
		back := -time.Duration(day) * wholeDay
		then, ok := g.covered(from.Add(back), to.Add(back))
		if !ok {
			return 0, 0, false
		}
		n := int64(min(1, coverage/then) * float64(g.exposedIn(from.Add(back), to.Add(back))))
		if day == 1 || n < least {
			least = n
		}
	}
	return units, least, least >= fewestUnits
}

// covered is the coverage in a span, the least while it changes; not ok where the
// experiment had not begun, served one variation only, or settled.
func (g *gatherer) covered(from, to time.Time) (coverage float64, ok bool) {
	epochs := g.at.dataEpochs()
	if from.Before(g.at.experiment.Start.Time) || to.After(g.reference()) {
		return 0, false
	}
	for i, e := range epochs {
		last := i == len(epochs)-1
		if !e.start.Before(to) || !last && !epochs[i+1].start.After(from) {
			continue
		}
		_, sole := e.allocation.Sole()
		if sole || e.allocation.Coverage <= 0 || e.start.Before(to) && e.settled.After(from) && e.settled.Sub(e.start) > time.Hour {
			return 0, false
		}
		if coverage == 0 || e.allocation.Coverage < coverage {
			coverage = e.allocation.Coverage
		}
	}
	return coverage, coverage > 0
}

// exposedIn counts the units that were first exposed in a span of whole hours.
func (g *gatherer) exposedIn(from, to time.Time) (units int64) {
	for _, c := range g.ev.hourly {
		if !c.day.Before(from) && c.day.Before(to) {
			units += total(c.units)
		}
	}
	return units
}

// What the look before had and this one has not: of the units, of which nothing
// takes any away, and of those with facts, of which some may have come into
// several variations since.
const (
	lostUnits   = 0.01
	lostFacts   = 0.1
	leastBefore = 1000
)

// comparable is the look before, where both count the same.
func (g *gatherer) comparable() *ledger.Look {
	p := g.at.previous
	if p == nil || p.Digest != g.at.digest || p.Failed != "" || !p.AsOf.Before(g.at.asOf) || len(p.Epochs) == 0 ||
		!p.Epochs[0].Start.Equal(g.at.dataEpochs()[0].start) {
		return nil
	}
	return p
}

func everybody(h *ledger.Health) int64 { return h.Units + h.Multiple + h.Unknown + h.Settling }

func (g *gatherer) lostExposures() {
	p := g.comparable()
	if p == nil {
		return
	}
	was, is := everybody(&p.Health), everybody(&g.ev.health)
	if was < leastBefore || float64(was-is) < lostUnits*float64(was) {
		return
	}
	g.lost("", is, was)
	g.trouble(&g.ev.stale, "exposures_lost", "hold", "", fmt.Sprintf(
		"The look before counted %s exposed units, this one %s: exposures that were there are gone; a part of the table is missing or is being loaded again.",
		decide.Count(was), decide.Count(is)))
}

func (g *gatherer) lost(source string, is, was int64) {
	t := g.traffic()
	t.Lost = append(t.Lost, ledger.Loss{Source: source, Units: is, Before: was})
}

// sourceVolume finds sources of which far fewer units have facts than at the look
// before, though nothing takes any away but that rows are gone.
func (g *gatherer) sourceVolume() {
	p := g.comparable()
	if p == nil || g.at.ended() != nil {
		return
	}
	several := max(0, g.ev.health.Multiple-p.Health.Multiple)
	for i := range g.ev.health.Sources {
		s := &g.ev.health.Sources[i]
		for _, before := range p.Health.Sources {
			if before.Source != s.Source || before.Activation != s.Activation || g.movesOn(s.Source) {
				continue
			}
			was, is := total(before.Present), total(s.Present)
			if was < leastBefore || float64(was-several-is) < lostFacts*float64(was) || s.Blind {
				continue
			}
			g.lost(s.Source, is, was)
			g.sourceTrouble(&g.ev.stale, "facts_lost", s.Source, fmt.Sprintf(
				"The look before met %s exposed units in %s, this one %s: rows that were there are gone; a part of it is missing or is being loaded again.",
				decide.Count(was), s.Source, decide.Count(is)))
		}
	}
}

// movesOn tells whether a metric only counts the last facts of a source, so that
// units may come and go.
func (g *gatherer) movesOn(source string) bool {
	for _, m := range g.at.project.Config.Metrics {
		if m.Lookback.Duration > 0 && slices.Contains(m.Sources(), source) {
			return true
		}
	}
	return false
}
