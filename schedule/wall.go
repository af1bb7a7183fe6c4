package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// anyHour is the bit by which the parser marks the hour "*".
const anyHour = 1 << 63

// wall keeps a schedule at fixed hours to one run a day where clocks are put
// forward or back: what falls into the hour that is left out comes at its end,
// and what falls into the hour that comes twice comes the first time. The
// library would leave out the one and repeat the other. A schedule at any hour
// goes by elapsed time and needs nothing.
type wall struct{ *cron.SpecSchedule }

func byWall(ticks cron.Schedule) cron.Schedule {
	if s, ok := ticks.(*cron.SpecSchedule); ok && s.Hour&anyHour == 0 {
		return wall{s}
	}
	return ticks
}

// Next is the first tick after t; zero = there is none.
func (w wall) Next(t time.Time) time.Time {
	t = t.In(w.Location)
	next := w.SpecSchedule.Next(t)
	for !next.IsZero() && repeated(next) {
		next = w.SpecSchedule.Next(next)
	}
	if next.IsZero() {
		return next
	}
	for _, change := t.ZoneBounds(); !change.IsZero() && change.Before(next); _, change = change.ZoneBounds() {
		if w.lost(change) {
			return change
		}
	}
	return next
}

// lost tells whether a tick falls into what a change of the zone leaves out.
func (w wall) lost(change time.Time) bool {
	before := offset(change.Add(-1))
	gap := offset(change) - before
	if gap <= 0 {
		return false
	}
	// The clock on the wall as if it were UTC, which leaves nothing out.
	plain := *w.SpecSchedule
	plain.Location = time.UTC
	from := change.UTC().Add(before)
	next := plain.Next(from.Add(-time.Second))
	return !next.IsZero() && next.Before(from.Add(gap))
}

// repeated tells whether the clock on the wall showed this time before.
func repeated(t time.Time) bool {
	change, _ := t.ZoneBounds()
	if change.IsZero() {
		return false
	}
	again := offset(change.Add(-1)) - offset(t)
	return t.Before(change.Add(again))
}

// offset is how far the clock on the wall is ahead of UTC.
func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
