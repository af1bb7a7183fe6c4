package job

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// An accepted delivery and an edited spec say when weights were meant to change, not
// when they did. Where the change moves the split, the hours of first exposures tell:
// those before it have the old split, those after it the new one. Only exposures are
// asked, never what came of them, so that no effect can move an epoch.

// searchedAround is how far from the stated instant a change is looked for.
const searchedAround = 7 * 24 * time.Hour

// errCut says that epochs begin at other instants than the statements had.
var errCut = errors.New("epochs begin at other instants")

// cut gives epochs the starts that the exposures show, once in a look, and tells
// whether any has moved: then the look is taken anew.
func (g *gatherer) cut() bool {
	at := g.at
	if at.searched {
		return false
	}
	at.searched = true
	epochs, moved := slices.Clone(at.epochs), false
	if at.edited != nil {
		epochs = append(epochs, *at.edited)
	}
	for i := 1; i < len(epochs); i++ {
		if e, ok := g.seenIn(epochs, i); ok {
			epochs[i], moved = e, true
		}
	}
	if !moved {
		return false
	}
	if last := epochs[len(epochs)-1]; at.edited != nil && last.seen == nil {
		epochs = epochs[:len(epochs)-1] // It is still to come.
	} else if at.edited != nil {
		at.allocation = last.allocation
	}
	at.epochs, at.moved = epochs, true
	return true
}

// seenIn is an epoch as the exposures have it; ok is false where it stays.
func (g *gatherer) seenIn(epochs []epoch, i int) (moved epoch, ok bool) {
	e, before := epochs[i], epochs[i-1]
	said := e.said()
	if !unread(said.Basis) || !splits(before, e) {
		return epoch{}, false
	}
	from, to, open := g.around(epochs, i, said)
	cells := g.cellsOf(epochs, i, from, to)
	counts, current := make([][]int64, len(cells)), 0
	for k, c := range cells {
		counts[k] = c.units
		if c.epoch < i {
			current = k + 1
		}
	}
	variations := g.at.experiment.Variations
	found := stats.FindSplitChange(counts, weights(before.allocation, variations), weights(e.allocation, variations), current)
	if found.LogLR < stats.DecisiveSplit {
		return epoch{}, false
	}
	said.LogLR = found.LogLR
	switch {
	case found.Latest == len(cells) && !open, found.Earliest == 0 && (found.At > 0 || said.Basis != ledger.OpenedAccepted):
		// All that can be asked is of one split: nothing shows where it changes.
		return epoch{}, false
	case found.At == 0:
		moved = g.at.epochFrom(said.Stated, e.allocation, said.Basis)
	case found.Latest == len(cells):
		said.Earliest, said.Latest = cells[found.Earliest-1].from, g.at.asOf
		moved = epoch{start: g.at.asOf, settled: g.at.asOf, allocation: e.allocation, opened: ledger.OpenedData, seen: &said}
		g.at.pending = append(g.at.pending, moved)
	default:
		said.Earliest, said.Latest = cells[found.Earliest-1].from, cells[found.Latest].to
		moved = epoch{
			start: said.Earliest, settled: said.Latest.Add(g.at.experiment.Policy.Settle.Duration),
			allocation: e.allocation, opened: ledger.OpenedData, seen: &said,
		}
	}
	return moved, moved.start.After(before.start)
}

// said is when a change was said to be, and by what.
func (e epoch) said() ledger.Seen {
	if e.seen != nil {
		return ledger.Seen{Basis: e.seen.Basis, Stated: e.seen.Stated}
	}
	return ledger.Seen{Basis: e.opened, Stated: e.start.UTC()}
}

// unread tells whether nobody has seen the flag in the state that was meant.
func unread(basis string) bool { return basis == ledger.OpenedAccepted || basis == ledger.OpenedSpec }

// splits tells whether the arms' shares differ between two epochs in which units are
// exposed.
func splits(a, b epoch) bool {
	_, none := a.allocation.Sole()
	_, sole := b.allocation.Sole()
	if none || sole {
		return false
	}
	return !same(a.allocation.Covering(1), b.allocation.Covering(1))
}

// around is the span in which a change is looked for: within the epoch before and its
// own, near the stated instant; what was accepted cannot have been before it. open:
// it ends with the data.
func (g *gatherer) around(epochs []epoch, i int, said ledger.Seen) (from, to time.Time, open bool) {
	from, to = said.Stated, said.Stated.Add(searchedAround)
	if said.Basis == ledger.OpenedSpec {
		from = later(epochs[i-1].start, said.Stated.Add(-searchedAround))
	}
	if i+1 < len(epochs) && epochs[i+1].start.Before(to) {
		to = epochs[i+1].start
	}
	if !g.at.asOf.After(to) {
		return from, g.at.asOf, true
	}
	return from, to, false
}

// spell is an hour of first exposures, or what of it is in one epoch.
type spell struct {
	from, to time.Time
	epoch    int
	units    []int64
}

// cellsOf are the hours of an epoch and the one before that lie in a span.
func (g *gatherer) cellsOf(epochs []epoch, i int, from, to time.Time) []spell {
	var out []spell
	for _, c := range g.ev.hourly {
		if c.epoch != i && c.epoch != i-1 {
			continue
		}
		s := spell{from: later(c.day, epochs[c.epoch].settled), to: c.day.Add(time.Hour), epoch: c.epoch, units: c.units}
		if next := c.epoch + 1; next < len(epochs) && epochs[next].start.Before(s.to) {
			s.to = epochs[next].start
		}
		if g.at.asOf.Before(s.to) {
			s.to = g.at.asOf
		}
		if !s.from.Before(from) && !s.to.After(to) {
			out = append(out, s)
		}
	}
	return out
}

// recut tells whether exposures that the look before knew have come into other
// epochs since.
func (at *vantage) recut() bool {
	p := at.previous
	if p == nil || p.Version != at.plan.Version || len(p.Epochs) == 0 {
		return false
	}
	var was, is []epoch
	for _, e := range p.Epochs {
		was = append(was, epoch{start: e.Start, settled: e.Settled, seen: e.Seen})
	}
	is = at.dataEpochs()
	seen := func(e epoch) bool { return e.seen != nil }
	if !at.moved && !slices.ContainsFunc(was, seen) && !slices.ContainsFunc(is, seen) {
		return false
	}
	return !slices.EqualFunc(until(was, p.AsOf), until(is, p.AsOf), func(a, b time.Time) bool { return a.Equal(b) })
}

// until are the instants before another at which epochs begin and have settled.
func until(epochs []epoch, end time.Time) (instants []time.Time) {
	for _, e := range epochs {
		if !e.start.Before(end) {
			break
		}
		instants = append(instants, e.start)
		if e.settled.Before(end) {
			instants = append(instants, e.settled)
		} else {
			instants = append(instants, end)
		}
	}
	return instants
}

// unapplied tells of changes that exposures do not show: of weights, and of coverage.
func (g *gatherer) unapplied() {
	for _, e := range g.at.pending {
		g.find("change_unseen", fmt.Sprintf("The weights that %s are not seen in the exposures, which go on as before (e^%.0f times likelier): they are counted by the old weights until the new ones are seen.",
			saidText(*e.seen), e.seen.LogLR), "")
	}
	g.unrisen()
}

func saidText(s ledger.Seen) string {
	if s.Basis == ledger.OpenedAccepted {
		return "the flag store accepted on " + minute(s.Stated)
	}
	return "the spec has since " + minute(s.Stated)
}

const (
	risenSpan   = 24 * time.Hour // what is compared at the most
	risenBack   = 14             // days back, at the most
	risenWeek   = 7              // days from which on all days of the week are known
	quietestDay = 2              // times fewer units than on another day may come on one
)

// unrisen finds that a larger coverage, which nobody read back, brings no more units.
// The split stays, so that no epoch is moved: any cut of the hours compares arms of
// equal shares. The newest hours are held against the fewest of the same hours of days
// with the old coverage; until a week of these is known, a day may have half of the
// units of another.
func (g *gatherer) unrisen() {
	epochs := g.at.dataEpochs()
	i := len(epochs) - 1
	h := &g.ev.health
	if i == 0 || len(epochs) < len(g.at.epochs) || h.NewestExposure == nil || !unread(epochs[i].said().Basis) {
		return
	}
	e, before := epochs[i], epochs[i-1]
	_, none := before.allocation.Sole()
	if none || splits(before, e) || before.allocation.Coverage <= 0 {
		return
	}
	to := h.NewestExposure.Truncate(time.Hour)
	from := later(to.Add(-risenSpan), e.settled.Add(time.Hour-1).Truncate(time.Hour))
	rise, least, days := e.allocation.Coverage/before.allocation.Coverage, int64(math.MaxInt64), 0
	for day := 1; day <= risenBack && from.Before(to); day++ {
		back := -time.Duration(day) * wholeDay
		if from.Add(back).Before(before.settled) || to.Add(back).After(e.start) {
			continue
		}
		least, days = min(least, g.exposedIn(from.Add(back), to.Add(back))), days+1
	}
	if days < risenWeek {
		rise /= quietestDay
	}
	n := g.exposedIn(from, to)
	if days == 0 || n < least/quietestDay || stats.LogUnrisen(n, least, rise) < stats.DecisiveSplit {
		return
	}
	g.find("ramp_unseen", fmt.Sprintf("The coverage of %g %% that %s is not seen in the exposures: %s units were first exposed from %s to %s, as against at least %s in the same hours of a day at %g %%. Nothing is counted otherwise for it; see whether the flag store has applied the change.",
		100*e.allocation.Coverage, saidText(e.said()), decide.Count(n), minute(from), minute(to), decide.Count(least), 100*before.allocation.Coverage), "")
}
