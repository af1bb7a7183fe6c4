package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Errors a caller may want to tell apart.
var (
	// ErrLocked says that another run has the ledger open for writing.
	ErrLocked = errors.New("ledger is in use by another run")
	// ErrReadOnly is returned by Append on a ledger opened for reading only.
	ErrReadOnly = errors.New("ledger is open for reading only")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("ledger is closed")
)

// Ledger is an open ledger, wherever it is kept. It may be used by several
// goroutines.
type Ledger struct {
	// Recovered says what was mended when the ledger was opened, as one
	// sentence; empty = nothing.
	Recovered string
	// At is called at each instant of an Append to a file between two of its effects;
	// fault campaigns stop the process there. nil = nothing. It is set before the
	// first Append; a Table has its own.
	At func(instant string)

	place   place
	writing bool

	mu      sync.RWMutex
	closed  bool
	entries []entry
	size    int64 // length of all lines in bytes
}

// place is where the sealed lines are kept: a file, or a table. The Ledger calls
// one method at a time, except ReadAt and held.
type place interface {
	source
	sink
	io.Closer
}

type source interface {
	// name is the place in messages.
	name() string
	// load reads all lines, verified against each other and the head, and says what
	// was mended.
	load(ctx context.Context) (c *chain, recovered string, err error)
	// ReadAt reads from the lines as if they lay one after the other in a file.
	ReadAt(data []byte, offset int64) (int, error)
}

type sink interface {
	// ready fails where no further record could be kept.
	ready() error
	// append keeps one line behind all others, or fails and leaves them as they were.
	append(s sealed) error
	// held fails where the place belongs to another writer by now.
	held(ctx context.Context) error
}

// begin loads a ledger from its place, which is closed where that fails.
func begin(ctx context.Context, p place, writing bool) (*Ledger, error) {
	c, recovered, err := p.load(ctx)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	l := &Ledger{Recovered: recovered, place: p, writing: writing, entries: c.entries, size: c.size}
	if f, ok := p.(*file); ok {
		f.at = l.reached
	}
	return l, nil
}

func (l *Ledger) reached(instant string) {
	if l.At != nil {
		l.At(instant)
	}
}

// Append writes one record and returns when it is kept for good. After an error
// the record does not count, what was there is as it was, and the ledger can be
// used on: a full disk may have room again. An error that is ErrLocked says that
// another run took the ledger over.
func (l *Ledger) Append(at time.Time, body Body) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.writable(); err != nil {
		return err
	}
	r, err := l.compose(at, body)
	if err != nil {
		return err
	}
	s, err := r.seal()
	if err != nil {
		return err
	}
	return l.add(s)
}

// add keeps a sealed record that is the next one.
func (l *Ledger) add(s sealed) error {
	e, err := index(s.record)
	if err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	if err := l.place.append(s); err != nil {
		return fmt.Errorf("append to ledger %s: %w", l.place.name(), err)
	}
	e.hash, e.offset = s.hash, bodyOffset(l.size, len(s.line)-1, e.length)
	l.entries, l.size = append(l.entries, e), l.size+int64(len(s.line))
	return nil
}

func (l *Ledger) writable() error {
	switch {
	case l.closed:
		return ErrClosed
	case !l.writing:
		return ErrReadOnly
	}
	return l.place.ready()
}

// Held fails where this run has lost the ledger to another one since it was
// opened: what was decided must then not be acted on. The error is ErrLocked, or
// why it cannot be told.
func (l *Ledger) Held(ctx context.Context) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case l.closed:
		return ErrClosed
	case !l.writing:
		return nil
	}
	return l.place.held(ctx)
}

func (l *Ledger) compose(at time.Time, body Body) (record, error) {
	if body.experiment() == "" {
		return record{}, fmt.Errorf("append to ledger: a %s needs an experiment", body.kind())
	}
	if c, ok := body.(interface{ check() error }); ok {
		if err := c.check(); err != nil {
			return record{}, fmt.Errorf("append to ledger: %w", err)
		}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return record{}, fmt.Errorf("encode %s of %s: %w", body.kind(), body.experiment(), err)
	}
	last := l.last()
	return record{
		Seq: last.Seq + 1, Kind: body.kind(), At: stamp(at),
		Experiment: body.experiment(), Body: data, Prev: last.Hash,
	}, nil
}

func (l *Ledger) last() head { return (&chain{entries: l.entries}).last() }

// Close releases what the ledger holds, its lock with it. It may be called twice.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return l.place.Close()
}
