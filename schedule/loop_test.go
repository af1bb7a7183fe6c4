package schedule_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"assay/schedule"
	"assay/spec"
)

// bubble is when time begins in a test whose clock is made up.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// world is a loop on a made-up clock, with what it did.
type world struct {
	loop  *schedule.Loop
	began time.Time
	set   time.Duration // how the clock was set
	log   lines

	mu    sync.Mutex
	ticks []string
	runs  func(context.Context, int) // what a run does, by its number from 1
	plan  schedule.Plan
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

func newWorld(t *testing.T, cron, began string) *world {
	t.Helper()
	w := &world{began: instant(t, began), runs: func(context.Context, int) {}}
	w.plan = plan(t, spec.Schedule{Cron: cron, Timezone: "Europe/Berlin"}, time.Hour, "host")
	w.loop = &schedule.Loop{
		Now: w.now, Run: w.run, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Plan: func() schedule.Plan {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.plan
		},
	}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began.Add(time.Since(bubble) + w.set)
}

func (w *world) run(ctx context.Context, tick schedule.Tick) {
	word := w.now().UTC().Format("02 15:04:05")
	if tick.CatchUp {
		word = "catch up " + word
	}
	w.mu.Lock()
	w.ticks = append(w.ticks, word)
	n, runs := len(w.ticks), w.runs
	w.mu.Unlock()
	runs(ctx, n)
}

// during lets the loop work for a while, and stops it.
func (w *world) during(t *testing.T, length time.Duration, meanwhile func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		w.loop.Work(ctx)
		close(ended)
	}()
	if meanwhile != nil {
		meanwhile()
	}
	time.Sleep(length)
	synctest.Wait()
	stop()
	<-ended
}

func (w *world) want(t *testing.T, ticks ...string) {
	t.Helper()
	if !slices.Equal(w.ticks, ticks) {
		t.Errorf("runs at %q, want %q", w.ticks, ticks)
	}
}

func TestTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "*/15 * * * *", "2026-11-01T09:01:02Z")
		w.during(t, time.Hour, nil)
		w.want(t, "01 09:15:00", "01 09:30:00", "01 09:45:00", "01 10:00:00")
		if s := w.loop.Status(); !s.Next.Equal(instant(t, "2026-11-01T10:15:00Z")) || !s.Running.IsZero() || s.Skipped != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A day in spring has 23 hours, one in autumn 25; a daily run comes once in each.
func TestTicksWhereClocksChange(t *testing.T) {
	for began, want := range map[string][]string{
		"2026-03-28T12:00:00Z": {"29 01:00:00", "30 00:30:00"}, "2026-10-24T12:00:00Z": {"25 00:30:00", "26 01:30:00"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "30 2 * * *", began)
			w.during(t, 47*time.Hour, nil)
			w.want(t, want...)
		})
	}
}

func TestNoOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "*/10 * * * *", "2026-11-01T09:05:00Z")
		var running, most int
		w.runs = func(_ context.Context, n int) {
			running++
			most = max(most, running)
			if n == 1 {
				time.Sleep(25 * time.Minute) // over the ticks of :20 and :30
			}
			running--
		}
		w.during(t, 50*time.Minute, nil)
		w.want(t, "01 09:10:00", "01 09:40:00", "01 09:50:00")
		if s := w.loop.Status(); s.Skipped != 2 || w.log.count("a tick is skipped") != 2 || most != 1 {
			t.Errorf("%d skipped, %d said, %d runs at once", s.Skipped, w.log.count("a tick is skipped"), most)
		}
	})
}

func TestAPanicEndsItsRunAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "*/10 * * * *", "2026-11-01T09:05:00Z")
		w.runs = func(_ context.Context, n int) {
			if n == 1 {
				panic("the sky falls")
			}
		}
		w.during(t, 20*time.Minute, nil)
		w.want(t, "01 09:10:00", "01 09:20:00")
		if s := w.loop.Status(); s.Panics != 1 || w.log.count("the sky falls") != 1 || !s.Running.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}

func TestCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "0 * * * *", "2026-11-01T09:05:00Z")
		w.loop.CatchUp = true
		w.during(t, time.Hour, nil)
		w.want(t, "catch up 01 09:05:00", "01 10:00:00")
	})
}

// A stop lets the run that goes on end, and starts no other.
func TestStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "*/10 * * * *", "2026-11-01T09:05:00Z")
		var stopped, ended bool
		w.runs = func(ctx context.Context, _ int) {
			<-ctx.Done()
			stopped = true
			time.Sleep(30 * time.Minute)
			ended = true
		}
		w.during(t, 6*time.Minute, nil)
		w.want(t, "01 09:10:00")
		if !stopped || !ended {
			t.Errorf("stopped %t, ended %t", stopped, ended)
		}
	})
}

// An edited schedule counts from the next tick on.
func TestPlanIsAskedAtEachTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "*/10 * * * *", "2026-11-01T09:05:00Z")
		other := plan(t, spec.Schedule{Cron: "*/30 * * * *"}, time.Hour, "host")
		w.during(t, 85*time.Minute, func() {
			time.Sleep(time.Minute)
			w.mu.Lock()
			w.plan = other
			w.mu.Unlock()
		})
		w.want(t, "01 09:10:00", "01 09:30:00", "01 10:00:00", "01 10:30:00")
	})
}

// A machine that slept through ticks, or whose clock was set forward, runs once
// and at once.
func TestClockSetForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "0 * * * *", "2026-11-01T09:05:00Z")
		w.during(t, 20*time.Minute, func() {
			time.Sleep(10*time.Minute + 30*time.Second)
			w.mu.Lock()
			w.set = 3 * time.Hour
			w.mu.Unlock()
		})
		w.want(t, "01 12:16:00")
		if w.log.count("a tick comes late") != 1 {
			t.Error("nothing is said of it")
		}
	})
}

// After a clock was set back runs come as that clock says.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "0 * * * *", "2026-11-01T09:55:00Z")
		w.during(t, 58*time.Minute, func() {
			time.Sleep(10 * time.Minute)
			w.mu.Lock()
			w.set = -3 * time.Hour // 07:05
			w.mu.Unlock()
		})
		w.want(t, "01 10:00:00", "01 08:00:00")
	})
}

// The loop looks at the clock often enough to be seen alive.
func TestBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "0 0 1 * *", "2026-11-01T09:55:00Z")
		w.during(t, 10*time.Hour, nil)
		if quiet := w.now().Sub(w.loop.Status().Beat); quiet > schedule.Rest {
			t.Errorf("no beat for %s", quiet)
		}
		w.want(t)
	})
}
