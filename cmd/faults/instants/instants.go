// Package instants stops a process at an instant of a run: between an entry in
// the ledger and its effect, or between two effects. Tests and fault campaigns
// name the instant in the environment of the process.
package instants

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Variables that name an instant. The first time that one is reached it has its
// plain name, the second time it is name/2, and so on.
const (
	KillEnv  = "ASSAY_TEST_KILL"  // the process dies there, as of SIGKILL
	PauseEnv = "ASSAY_TEST_PAUSE" // it waits there as long as a file of that name, without /, exists
	TraceEnv = "ASSAY_TEST_TRACE" // a file that every instant is written to, one a line
)

// FromEnv is what happens at the instants of a run. It may be called by several
// goroutines at once.
func FromEnv(env func(string) string) func(instant string) {
	kill, pause, trace := env(KillEnv), env(PauseEnv), env(TraceEnv)
	var mu sync.Mutex
	seen := map[string]int{}
	count := func(instant string) string {
		mu.Lock()
		defer mu.Unlock()
		name := instant
		if seen[instant]++; seen[instant] > 1 {
			name = fmt.Sprintf("%s/%d", instant, seen[instant])
		}
		if trace != "" {
			note(trace, name)
		}
		return name
	}
	return func(instant string) {
		switch count(instant) {
		case kill:
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		case pause:
			wait(instant)
		}
	}
}

// note appends a line to the trace.
func note(path, name string) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	_, err = fmt.Fprintln(f, name)
	if err := errors.Join(err, f.Close()); err != nil {
		panic(err)
	}
}

// wait makes a file and goes on once it is gone, or after a minute.
func wait(path string) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		panic(err)
	}
	for range 6000 {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
