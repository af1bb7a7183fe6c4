package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"assay/queries"
)

// ownerMark is between what people read of an owner and what tells runs apart.
const ownerMark = " #"

// holder is an owner as people read it.
func holder(owner string) string {
	if i := strings.LastIndex(owner, ownerMark); i >= 0 {
		return owner[:i]
	}
	return owner
}

// take takes the lease where nobody has it. Whether it did is read back: an answer
// may be lost, and the engine need not tell how many rows it changed.
func (t *table) take(ctx context.Context) error {
	_, failed := t.run(ctx, t.sql.Take(t.lease))
	s, err := t.state(ctx)
	switch {
	case err != nil:
		return errors.Join(failed, err)
	case s.owner == t.lease.Owner:
		t.lease.Token = s.token
		return nil
	case failed != nil && !s.expires.After(s.now):
		return failed
	}
	return &LockedError{Place: t.Name, Holder: holder(s.owner), Until: s.expires}
}

// held renews the lease and fails where somebody else has it by now.
func (t *table) held(ctx context.Context) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	if _, err := t.run(ctx, t.sql.Renew(t.lease)); err != nil {
		return err
	}
	s, err := t.state(ctx)
	if err != nil {
		return err
	}
	return t.ours(s)
}

// ours fails where the lease has gone to somebody else. One that has run out and
// that nobody took is still ours: the token decides, and not the time.
func (t *table) ours(s state) error {
	if s.token == t.lease.Token && s.owner == t.lease.Owner {
		return nil
	}
	return &LockedError{Place: t.Name, Holder: holder(s.owner), Until: s.expires, Lost: true}
}

func (t *table) ready() error {
	if t.broken != nil {
		return fmt.Errorf("ledger %s: %w", t.Name, t.broken)
	}
	return nil
}

// pauses are between the tries of an append.
var pauses = []time.Duration{0, 100 * time.Millisecond, 500 * time.Millisecond}

// append writes a record, or finds that it was written: an answer may be lost
// after the warehouse has committed. What counts is what can be read back.
func (t *table) append(s sealed) error {
	t.changing.Lock()
	defer t.changing.Unlock()
	if _, err := t.spool.WriteAt(s.line, t.size); err != nil {
		return fmt.Errorf("local copy: %w", err)
	}
	ctx := context.Background() // A run that is stopped still finishes its record.
	var failed error
	for _, pause := range pauses {
		time.Sleep(pause)
		failed = t.transact(ctx, s)
		kept, err := t.kept(ctx, s)
		if err != nil {
			t.broken = fmt.Errorf("it is not known whether record %d was kept: %w", s.Seq, err)
			continue
		}
		t.broken = nil
		if kept {
			t.size += int64(len(s.line))
			return nil
		}
		if failed == nil {
			return t.refused(ctx, s)
		}
	}
	return errors.Join(t.broken, failed)
}

// transact runs the transaction that writes a record.
func (t *table) transact(ctx context.Context, s sealed) error {
	at, err := time.Parse(time.RFC3339Nano, s.At)
	if err != nil {
		return err
	}
	row := queries.LedgerRow{
		Seq: s.Seq, Hash: s.hash, Prev: s.Prev, Experiment: s.Experiment, Kind: s.Kind, At: at,
		Line: string(s.line[:len(s.line)-1]),
	}
	return t.within(ctx, func(ctx context.Context, session Session) error {
		for _, statement := range t.sql.Append(row, t.lease) {
			if _, err := session.Run(ctx, statement); err != nil {
				// A transaction that is over cannot be ended; the session is closed.
				_, _ = session.Run(ctx, t.Dialect.Rollback())
				return err
			}
			if t.At != nil {
				t.At("ledger-" + strings.TrimPrefix(statement.Name, "ledger "))
			}
		}
		return nil
	})
}

// kept tells whether this record is the one with its number, and the lease still
// ours. Another record there is another run's, and so is one that another run wrote
// alike: what that run does next is not to be done twice.
func (t *table) kept(ctx context.Context, s sealed) (bool, error) {
	rows, err := t.run(ctx, t.sql.Find(s.Seq))
	if err != nil {
		return false, err
	}
	if len(rows) != 1 || text(rows[0], "digest") != s.hash {
		return false, nil
	}
	return integer(rows[0], "token") == t.lease.Token && text(rows[0], "owner") == t.lease.Owner, nil
}

// refused is why a record was not written by a transaction that did not fail.
func (t *table) refused(ctx context.Context, s sealed) error {
	now, err := t.state(ctx)
	if err != nil {
		return err
	}
	if err := t.ours(now); err != nil {
		return err
	}
	return &TamperError{Path: t.Name, Record: s.Seq, Problem: fmt.Sprintf("the head of the table is at record %d, which this run did not write", now.Seq)}
}

// keeper renews the lease while the ledger is open.
type keeper struct {
	end  context.CancelFunc
	done chan struct{}
}

// keep renews the lease three times in its length. A renewal that fails is tried
// again the next time: what a run may do is decided where it writes.
func (t *table) keep() {
	ctx, end := context.WithCancel(context.Background())
	k := &keeper{end: end, done: make(chan struct{})}
	t.keeper = k
	go func() {
		defer close(k.done)
		ticker := time.NewTicker(t.lease.Length / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				if lost, ok := errors.AsType[*LockedError](t.held(ctx)); ok && lost.Lost {
					return
				}
			}
		}
	}()
}

func (k *keeper) stop() {
	if k != nil {
		k.end()
		<-k.done
	}
}
