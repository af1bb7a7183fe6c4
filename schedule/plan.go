// Package schedule says when runs are due and starts them, one at a time.
//
// In: the schedule of a spec, a clock, and what a run is. Out: calls of it.
// Invariants: two runs never overlap; a tick that comes while one goes on is
// skipped and said; no panic of a run ends the loop; the clock is a value.
package schedule

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"

	"assay/spec"
)

// Plan is when to run.
type Plan struct {
	// Text is the schedule for people.
	Text  string
	ticks cron.Schedule
	// offset is what all ticks come later.
	offset time.Duration
}

// For is the plan of a project on a host. The jitter of two hosts, of two
// projects and of two schedules differs; that of one stays what it is, so that
// runs keep their distance. An expression that spec.Load refuses is an error.
func For(p *spec.Project, host string) (Plan, error) {
	s := p.Config.Schedule
	plan := Plan{
		Text:  fmt.Sprintf("every %s, in UTC", spec.Duration{Duration: p.SmallestCadence()}),
		ticks: aligned(p.SmallestCadence()),
	}
	if s.Cron != "" {
		ticks, err := spec.ParseCron(s.Cron, s.Timezone)
		if err != nil {
			return Plan{}, fmt.Errorf("schedule: %w", err)
		}
		plan.Text, plan.ticks = fmt.Sprintf("%s (%s)", s.Cron, s.Timezone), byWall(ticks)
	}
	plan.offset = share(s.Jitter.Duration, host, p.Dir, plan.Text)
	return plan, nil
}

// share is a part of length, in [0, length), that depends on words alone.
func share(length time.Duration, words ...string) time.Duration {
	if length <= 0 {
		return 0
	}
	sum := fnv.New64a()
	for _, word := range words {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(word), word)
	}
	return time.Duration(sum.Sum64() % uint64(length))
}

// Offset is what the jitter came to.
func (p Plan) Offset() time.Duration { return p.offset }

// Next is the first tick after an instant, in UTC; zero = there is none.
func (p Plan) Next(after time.Time) time.Time {
	next := p.ticks.Next(after.UTC().Add(-p.offset))
	if next.IsZero() {
		return next
	}
	return next.UTC().Add(p.offset)
}

// Missed tells whether a tick came since an instant, up to now.
func (p Plan) Missed(since, now time.Time) bool {
	next := p.Next(since)
	return !next.IsZero() && !next.After(now)
}

// Overdue tells whether two ticks came since an instant, up to now: one may be
// running still.
func (p Plan) Overdue(since, now time.Time) bool {
	next := p.Next(since)
	return !next.IsZero() && p.Missed(next, now)
}

// aligned ticks at the multiples of a length, as as-of is floored to them.
type aligned time.Duration

// Next is the first multiple after t.
func (a aligned) Next(t time.Time) time.Time {
	return t.UTC().Truncate(time.Duration(a)).Add(time.Duration(a))
}
