package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Tick is a run that is due.
type Tick struct {
	// At is when it was due.
	At time.Time
	// CatchUp: it was due before the loop began.
	CatchUp bool
}

// Loop starts runs. Its fields are set before Work and not changed after it.
type Loop struct {
	Now func() time.Time
	// Plan is asked at the beginning and at each tick: it may have changed.
	Plan func() Plan
	// Run does the work of a tick; it returns soon after the context ends.
	Run func(context.Context, Tick)
	// CatchUp: a run is due at the beginning.
	CatchUp bool
	Log     *slog.Logger

	mu     sync.Mutex
	status Status
}

// Status is where a loop stands.
type Status struct {
	// Beat is when the loop last looked at the clock.
	Beat time.Time
	// Next is the next tick; zero = there is none.
	Next time.Time
	// Running is when the run began that goes on; zero = none does.
	Running time.Time
	// Skipped counts the ticks that came while a run went on, Panics the runs that
	// ended in one.
	Skipped, Panics int
}

// Status is safe to call at any time.
func (l *Loop) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *Loop) note(change func(*Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.status)
}

// Rest is the longest time for which the loop does not look at the clock, which
// may have been set, or stood still with the machine.
const Rest = time.Minute

// turn is what the loop knows from one look at the clock to the next.
type turn struct {
	plan Plan
	next time.Time
	last time.Time     // when it looked
	done chan struct{} // closed when the run ends; nil = none goes on
}

// Work runs until the context ends, and then waits for the run that goes on.
func (l *Loop) Work(ctx context.Context) {
	now := l.now()
	t := &turn{plan: l.Plan(), last: now}
	l.await(t, now)
	l.Log.Info("the schedule begins", "schedule", t.plan.Text, "jitter", t.plan.Offset().String(), "next", t.next)
	if l.CatchUp && ctx.Err() == nil {
		l.Log.Info("a run was due while nothing ran; it is caught up on", "next", t.next)
		l.start(ctx, t, Tick{At: now, CatchUp: true})
	}
	for {
		timer := time.NewTimer(t.rest())
		select {
		case <-ctx.Done():
			timer.Stop()
			if t.done != nil {
				<-t.done
			}
			return
		case <-t.done:
			t.done = nil
		case <-timer.C:
		}
		timer.Stop()
		l.look(ctx, t)
	}
}

// now is without the monotonic clock, which stands still with the machine.
func (l *Loop) now() time.Time { return l.Now().Round(0) }

// rest is how long to wait before the next look at the clock.
func (t *turn) rest() time.Duration {
	if t.next.IsZero() {
		return Rest
	}
	return max(0, min(Rest, t.next.Sub(t.last)))
}

// look acts on what the clock says.
func (l *Loop) look(ctx context.Context, t *turn) {
	now := l.now()
	back := now.Before(t.last.Add(-Rest))
	t.last = now
	switch {
	case ctx.Err() != nil:
	case back:
		l.Log.Warn("the clock was set back", "now", now)
		l.await(t, now)
	case t.next.IsZero() || now.Before(t.next):
		l.note(func(s *Status) { s.Beat = now })
	default:
		l.tick(ctx, t, now)
	}
}

// tick starts the run that is due, unless the one before goes on.
func (l *Loop) tick(ctx context.Context, t *turn, now time.Time) {
	due := t.next
	t.plan = l.Plan()
	l.await(t, now)
	if t.done != nil {
		l.note(func(s *Status) { s.Skipped++ })
		l.Log.Warn("a tick is skipped: the run before it goes on", "due", due, "running_since", l.Status().Running, "next", t.next)
		return
	}
	if late := now.Sub(due); late > Rest {
		l.Log.Warn("a tick comes late: the machine or its clock stood still", "due", due, "late", late.String())
	}
	l.start(ctx, t, Tick{At: due})
}

// await sets the next tick.
func (l *Loop) await(t *turn, now time.Time) {
	t.next = t.plan.Next(now)
	l.note(func(s *Status) { s.Beat, s.Next = now, t.next })
}

// start runs beside the loop; a panic is said and ends the run alone.
func (l *Loop) start(ctx context.Context, t *turn, tick Tick) {
	done := make(chan struct{})
	t.done = done
	began := l.now()
	l.note(func(s *Status) { s.Running = began })
	go func() {
		defer close(done)
		defer l.note(func(s *Status) { s.Running = time.Time{} })
		defer func() {
			if p := recover(); p != nil {
				l.note(func(s *Status) { s.Panics++ })
				l.Log.Error("a run panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
		}()
		l.Run(ctx, tick)
	}()
}
