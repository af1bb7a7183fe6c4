package connectors

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"assay/spec"
)

// Brief is a DuckDB file of assay's own that is open only while a session is:
// one process has such a file open, and others want to read it meanwhile. Within
// the process sessions wait for each other: the engine does not keep two openings
// of one file apart there.
type Brief struct {
	Path string
	// ReadOnly: the file is not made where it is missing; then there is nothing in it.
	ReadOnly bool

	one sync.Mutex
}

// briefly is how long a session waits for another process to let go of the file.
const briefly = 10 * time.Second

// Session opens the file and a session on it. Errors are *Error.
func (b *Brief) Session(ctx context.Context) (Session, error) {
	b.one.Lock()
	s, err := b.open(ctx)
	if err != nil {
		b.one.Unlock()
		return nil, err
	}
	return s, nil
}

func (b *Brief) open(ctx context.Context) (Session, error) {
	cfg := spec.Warehouse{Type: "duckdb", Path: b.Path, ReadWrite: !b.ReadOnly}
	if b.ReadOnly {
		if _, err := os.Stat(b.Path); errors.Is(err, fs.ErrNotExist) {
			cfg.Path = ""
		}
	} else if err := os.MkdirAll(filepath.Dir(b.Path), 0o755); err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: err}
	}
	w, err := patiently(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := w.Session(ctx, Tags{})
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return &briefSession{s, w, b.one.Unlock}, nil
}

// patiently opens the file again and again while another process has it.
func patiently(ctx context.Context, cfg spec.Warehouse) (Warehouse, error) {
	patience, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	for {
		w, err := openDuckDB(ctx, cfg, "")
		if e, ok := errors.AsType[*Error](err); !ok || !e.Busy {
			return w, err
		}
		select {
		case <-patience.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

type briefSession struct {
	Session
	warehouse Warehouse
	next      func()
}

func (s *briefSession) Close() error {
	defer s.next()
	return errors.Join(s.Session.Close(), s.warehouse.Close())
}
