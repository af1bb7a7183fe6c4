package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	filePerm   = 0o644
	folderPerm = 0o755
)

// Errors a caller may want to tell apart.
var (
	// ErrLocked says that another run has the ledger open for writing.
	ErrLocked = errors.New("ledger is in use by another run")
	// ErrReadOnly is returned by Append on a ledger opened with OpenReadOnly.
	ErrReadOnly = errors.New("ledger is open for reading only")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("ledger is closed")
)

// Ledger is an open ledger. It may be used by several goroutines.
type Ledger struct {
	// Recovered says what was mended when the ledger was opened, as one
	// sentence; empty = nothing.
	Recovered string
	// At is called at each instant of an Append between two of its effects; fault
	// campaigns stop the process there. nil = nothing. It is set before the first
	// Append.
	At func(instant string)

	path string
	lock *flock.Flock // nil = read only

	mu      sync.RWMutex
	file    *os.File // nil = closed, or no file yet and read only
	closed  bool
	broken  error // the file could not be brought back to its last good record
	entries []entry
	size    int64 // length of the file in bytes
	head    head  // as the head file is known to be on the disk
}

// Open opens the ledger for writing, creates it and its folders where they are
// missing, verifies every record, and cuts off a last line that a crash left
// unfinished. Errors: ErrLocked, *TamperError, those of the file system.
func Open(path string) (*Ledger, error) {
	if err := os.MkdirAll(filepath.Dir(path), folderPerm); err != nil {
		return nil, fmt.Errorf("folder of ledger: %w", err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	l := &Ledger{path: path, lock: lock}
	if err := l.load(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// OpenReadOnly verifies the ledger and reads it without a lock and without
// touching anything; a writer may be at work. A last line that is not finished
// is left out, and a missing file is an empty ledger. Errors: *TamperError,
// those of the file system.
func OpenReadOnly(path string) (*Ledger, error) {
	l := &Ledger{path: path}
	c, err := l.read(os.O_RDONLY)
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	l.adopt(c)
	if c.torn > 0 {
		l.Recovered = fmt.Sprintf("left out an unfinished last line of %d bytes", c.torn)
	}
	return l, nil
}

// Verify reads the whole ledger and returns a *TamperError where a record was
// changed, moved, added or taken away since it was written.
func Verify(path string) error {
	l, err := OpenReadOnly(path)
	if err != nil {
		return err
	}
	return l.Close()
}

// Reseal accepts the ledger as it lies there, provided that it is an unbroken
// chain, and returns the number of its last record. It is for a person who
// restored the file from a copy; nothing calls it on its own. Errors are those
// of Open.
func Reseal(path string) (int64, error) {
	lock, err := acquire(path)
	if err != nil {
		return 0, err
	}
	l := &Ledger{path: path, lock: lock}
	defer func() { _ = l.release() }()
	if l.file, err = os.OpenFile(path, os.O_RDWR, filePerm); err != nil {
		return 0, fmt.Errorf("open ledger: %w", err)
	}
	c, err := readChain(path, l.file)
	if err != nil {
		return 0, err
	}
	if err := l.mend(c); err != nil {
		return 0, err
	}
	last := c.last()
	if last.Seq == 0 {
		return 0, os.Remove(headPath(path))
	}
	return last.Seq, writeHead(path, last, nil)
}

func acquire(path string) (*flock.Flock, error) {
	lock := flock.New(path + ".lock")
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock ledger %s: %w", path, err)
	}
	if !got {
		return nil, fmt.Errorf("%w: %s", ErrLocked, path)
	}
	return lock, nil
}

// load reads the file for writing and brings file and head to the same record.
func (l *Ledger) load() error {
	c, err := l.read(os.O_RDWR | os.O_CREATE)
	if err != nil {
		return err
	}
	if err := l.mend(c); err != nil {
		return err
	}
	l.adopt(c)
	if err := syncFolder(filepath.Dir(l.path)); err != nil {
		return fmt.Errorf("folder of ledger %s: %w", l.path, err)
	}
	return l.advance()
}

// read opens the file and checks it against itself and the head.
func (l *Ledger) read(flag int) (*chain, error) {
	before, err := readHead(l.path)
	if err != nil {
		return nil, err
	}
	c := &chain{}
	l.file, err = os.OpenFile(l.path, flag, filePerm)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.file = nil
	case err != nil:
		return nil, fmt.Errorf("open ledger: %w", err)
	default:
		if c, err = readChain(l.path, l.file); err != nil {
			return nil, err
		}
	}
	if l.head, err = readHead(l.path); err != nil {
		return nil, err
	}
	return c, before.fits(l.path, c, l.head)
}

// mend cuts off an unfinished last line.
func (l *Ledger) mend(c *chain) error {
	if c.torn == 0 {
		return nil
	}
	if err := errors.Join(l.file.Truncate(c.size), l.file.Sync()); err != nil {
		return fmt.Errorf("recover ledger %s: %w", l.path, err)
	}
	l.Recovered = fmt.Sprintf("cut off an unfinished last line of %d bytes; record %d is the last", c.torn, c.last().Seq)
	return nil
}

func (l *Ledger) adopt(c *chain) { l.entries, l.size = c.entries, c.size }

// Append writes one record and returns when it is on the disk. After an error
// the record does not count, the file is as it was, and the ledger can be used
// on: a full disk may have room again.
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
	e, err := index(r)
	if err != nil {
		return fmt.Errorf("append to ledger: %w", err)
	}
	line, digest, err := r.seal()
	if err != nil {
		return err
	}
	l.reached("ledger-line")
	if err := l.write(line); err != nil {
		return fmt.Errorf("append to ledger %s: %w", l.path, err)
	}
	e.hash, e.offset = digest, bodyOffset(l.size, len(line)-1, e.length)
	l.entries, l.size = append(l.entries, e), l.size+int64(len(line))
	l.reached("ledger-head")
	// The record is safe; a head that cannot follow now is one behind, which is
	// allowed, and the next Append brings it up before it writes.
	_ = l.advance()
	return nil
}

func (l *Ledger) writable() error {
	switch {
	case l.closed:
		return ErrClosed
	case l.lock == nil:
		return ErrReadOnly
	case l.broken != nil:
		return fmt.Errorf("ledger %s: %w", l.path, l.broken)
	}
	return l.advance()
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

// write puts a line at the end of the file, or leaves the file as it was.
func (l *Ledger) write(line []byte) error {
	_, err := l.file.WriteAt(line, l.size)
	if err == nil {
		l.reached("ledger-sync")
		err = l.file.Sync()
	}
	if err == nil {
		return nil
	}
	if undo := errors.Join(l.file.Truncate(l.size), l.file.Sync()); undo != nil {
		l.broken = fmt.Errorf("a failed write could not be undone: %w", undo)
	}
	return err
}

// advance brings the head file up to the last record.
func (l *Ledger) advance() error {
	last := l.last()
	if last.Seq == 0 || last == l.head {
		return nil
	}
	if err := writeHead(l.path, last, l.At); err != nil {
		return err
	}
	l.head = last
	return nil
}

func (l *Ledger) reached(instant string) {
	if l.At != nil {
		l.At(instant)
	}
}

// Close releases the file and the lock. It may be called twice.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var err error
	if l.lock != nil && l.broken == nil {
		err = l.advance()
	}
	return errors.Join(err, l.release())
}

func (l *Ledger) release() error {
	var err error
	if l.file != nil {
		err = l.file.Close()
	}
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}
