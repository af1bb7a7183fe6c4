package ledger

import (
	"fmt"
	"time"
)

// LockedError says who has the ledger open for writing. It is ErrLocked.
type LockedError struct {
	Place string
	// Holder and Until are known of a ledger in a table: who took it, and when its
	// lease ends by the clock of the warehouse unless it is renewed.
	Holder string
	Until  time.Time
	// Lost: this run had the ledger and no longer has it.
	Lost bool
}

// Error names the place and, where it is known, the holder and the end of the lease.
func (e *LockedError) Error() string {
	what := ErrLocked.Error()
	if e.Lost {
		what = "the lease of this run has ended and another run took the ledger"
	}
	if e.Holder == "" {
		return fmt.Sprintf("%s: %s", what, e.Place)
	}
	return fmt.Sprintf("%s: %s is held by %s until %s", what, e.Place, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap makes it ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }
