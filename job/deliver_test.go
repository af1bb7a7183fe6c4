package job

import (
	"testing"
	"time"

	"assay/decide"
	"assay/ledger"
)

// TestPause: the runs after a first failure try at once, later ones wait, and a
// rollback never long.
func TestPause(t *testing.T) {
	for tries, want := range []struct{ ramp, rollback time.Duration }{
		{},
		{},
		{},
		{5 * time.Minute, 5 * time.Minute},
		{5 * time.Minute, 5 * time.Minute},
		{5 * time.Minute, 5 * time.Minute},
		{30 * time.Minute, 5 * time.Minute},
		{30 * time.Minute, 5 * time.Minute},
	} {
		for verdict, want := range map[decide.Verdict]time.Duration{decide.Ramp: want.ramp, decide.Rollback: want.rollback} {
			if got := pause(ledger.Pending{Tries: tries, Verdict: verdict}); got != want {
				t.Errorf("%s after %d tries: %s, want %s", verdict, tries, got, want)
			}
		}
	}
}
