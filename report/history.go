package report

import (
	"fmt"

	"assay/decide"
	"assay/ledger"
)

// historyRow is one look in the history; Gap rows stand for looks left out.
type historyRow struct {
	Look, AsOf, Summary, Coverage, Units string
	Link                                 string // of the look's page; empty: it is this one
	Told                                 []plannedView
	Badge                                badge
	Gap                                  string
	This                                 bool
	Backfill, Failed                     bool
}

// newHistory lists the looks, newest first. The page of a look links to those
// before it, which were there when it was made, and knows what had become of their
// deliveries; the latest page knows it of all.
func newHistory(look *ledger.Look, history []ledger.Look, t told) []historyRow {
	var out []historyRow
	for i := len(history) - 1; i >= 0; i-- {
		out = append(out, newHistoryRow(look, &history[i], t))
		if gap := missing(history, i); gap > 0 {
			out = append(out, historyRow{Gap: plural(gap, "look is", "looks are") + " not shown here"})
		}
	}
	return out
}

func newHistoryRow(look, h *ledger.Look, t told) historyRow {
	row := historyRow{
		Look: lookNumberShort(h.Number, h.Version), AsOf: instant(h.AsOf), Summary: prose(h.Decision.Summary),
		Coverage: coverageText(h), Units: web.count(h.Health.Units), Badge: verdictOf(h),
		This: h.ID == look.ID && h.AsOf.Equal(look.AsOf), Backfill: h.Backfill, Failed: h.Failed != "",
	}
	if t.since != nil {
		row.Link = lookLink("./looks/", h.AsOf, h.ID)
	} else if !row.This {
		row.Link = lookLink("./", h.AsOf, h.ID)
	}
	for _, d := range h.Deliveries {
		row.Told = append(row.Told, plannedView{name(d.Store), outcomeOf(d.ID, t.setters)})
	}
	return row
}

// lookNumberShort is the number of a look, with its version after the first.
func lookNumberShort(number, version int) string {
	if version > 1 {
		return fmt.Sprintf("%d (v%d)", number, version)
	}
	return web.count(int64(number))
}

func coverageText(h *ledger.Look) string {
	now := dash
	if len(h.Allocation.Arms) > 0 {
		now = covered(&h.Allocation)
	}
	if h.Decision.Target == nil {
		return now
	}
	return now + " → " + covered(h.Decision.Target)
}

// covered is the coverage of an allocation, or who gets everything.
func covered(a *decide.Allocation) string {
	if sole, ok := a.Sole(); ok {
		return "all " + shorten(name(sole), 40)
	}
	return web.exactShare(a.Coverage)
}

// missing counts the looks of the same version left out before the i-th.
func missing(history []ledger.Look, i int) int {
	h := &history[i]
	if i == 0 {
		return max(h.Number-1, 0)
	}
	if before := &history[i-1]; before.Version == h.Version {
		return max(h.Number-before.Number-1, 0)
	}
	return max(h.Number-1, 0)
}

// plannedView is a delivery that the look owes, and what became of it so far.
type plannedView struct {
	Store   string
	Outcome *badge // nil: not known to this page
}

// outcomeOf finds what became of a delivery.
func outcomeOf(id string, since *Since) *badge {
	if since == nil {
		return nil
	}
	for _, d := range since.Deliveries {
		if d.ID == id {
			b := outcomeBadge(d.Outcome)
			return &b
		}
	}
	return nil
}
