// Package monitor tells the outside how runs go: metrics for Prometheus, health
// for whoever keeps the process alive, and pings for whoever waits for it.
//
// In: runs that ended and what the ledger says. Out: text over HTTP or in a
// file. Invariants: nothing here changes what a run does or how it ends; labels
// are of bounded sets; no secret and no text of an error leaves the process.
package monitor

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"assay/decide"
)

// Run is a run that has ended.
type Run struct {
	Began, Ended time.Time
	Code         int // what it exited with
	// Done: a look was taken of all experiments, whatever it found.
	Done bool
}

// Build is what is running.
type Build struct{ Version, Revision, Go string }

// Monitor keeps what is known of runs. It may be used by several goroutines.
type Monitor struct {
	build Build
	now   func() time.Time

	mu        sync.Mutex
	last      *Run // nil = none has ended
	success   time.Time
	runs      map[string]float64 // by code
	decisions map[string]float64 // by verdict
	view      *View              // nil = nothing is known
	loop      func() Loop        // nil = there is none
}

// Loop is where a loop of runs stands.
type Loop struct {
	Next    time.Time // zero = there is none
	Skipped int       // ticks that came while a run went on
}

// New is a monitor that knows of no run.
func New(build Build, now func() time.Time) *Monitor {
	m := &Monitor{build: build, now: now, runs: map[string]float64{}, decisions: map[string]float64{}}
	for _, verdict := range verdicts {
		m.decisions[verdict] = 0
	}
	return m
}

// verdicts are all there are.
var verdicts = []string{
	string(decide.Continue), string(decide.Hold), string(decide.Ramp),
	string(decide.Review), string(decide.Rollback), string(decide.Ship),
}

// codes are the exit codes that have a label of their own.
var codes = []int{0, 1, 2, 3, 4, 5, 11, 130, 143}

const other = "other"

func codeLabel(code int) string {
	if slices.Contains(codes, code) {
		return strconv.Itoa(code)
	}
	return other
}

// Ended counts a run.
func (m *Monitor) Ended(r Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = &r
	m.runs[codeLabel(r.Code)]++
	if r.Done {
		m.success = r.Ended
	}
}

// Last is the run that ended last.
func (m *Monitor) Last() (Run, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		return Run{}, false
	}
	return *m.last, true
}

// Saw takes over what the ledger says, and counts the decisions that are new.
func (m *Monitor) Saw(v View) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.view = &v
	for _, look := range v.New {
		if verdict := string(look.Decision.Verdict); slices.Contains(verdicts, verdict) {
			m.decisions[verdict]++
		}
	}
}

// Blind forgets what the ledger said: neither it nor the spec can be read, and
// what was true before may not be any more.
func (m *Monitor) Blind() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.view = nil
}

// Follow tells of a loop wherever it then stands.
func (m *Monitor) Follow(loop func() Loop) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loop = loop
}
