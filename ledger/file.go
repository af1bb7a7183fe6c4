package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

const (
	filePerm   = 0o644
	folderPerm = 0o755
)

// file is a ledger in a local file, with its head and its lock beside it.
type file struct {
	path string
	lock *flock.Flock // nil = read only
	open *os.File     // nil = no file yet and read only

	broken error // the file could not be brought back to its last good record
	size   int64 // length of the file in bytes
	last   head  // the last record in the file
	head   head  // as the head file is known to be on the disk

	at func(instant string) // nil = nothing, as while it is loaded
}

var _ place = (*file)(nil)

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
	return begin(context.Background(), &file{path: path, lock: lock}, true)
}

// OpenReadOnly verifies the ledger and reads it without a lock and without
// touching anything; a writer may be at work. A last line that is not finished
// is left out, and a missing file is an empty ledger. Errors: *TamperError,
// those of the file system.
func OpenReadOnly(path string) (*Ledger, error) {
	return begin(context.Background(), &file{path: path}, false)
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
func Reseal(path string) (last int64, err error) {
	lock, err := acquire(path)
	if err != nil {
		return 0, err
	}
	f := &file{path: path, lock: lock}
	defer func() { err = errors.Join(err, f.release()) }()
	if f.open, err = os.OpenFile(path, os.O_RDWR, filePerm); err != nil {
		return 0, fmt.Errorf("open ledger: %w", err)
	}
	c, err := readChain(path, f.open)
	if err != nil {
		return 0, err
	}
	if _, err := f.mend(c); err != nil {
		return 0, err
	}
	if c.last().Seq == 0 {
		return 0, os.Remove(headPath(path))
	}
	return c.last().Seq, writeHead(path, c.last(), nil)
}

func acquire(path string) (*flock.Flock, error) {
	lock := flock.New(path + ".lock")
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock ledger %s: %w", path, err)
	}
	if !got {
		return nil, &LockedError{Place: path}
	}
	return lock, nil
}

func (f *file) name() string { return f.path }

func (f *file) load(context.Context) (*chain, string, error) {
	if f.lock == nil {
		c, err := f.read(os.O_RDONLY)
		if err != nil || c.torn == 0 {
			return c, "", err
		}
		return c, fmt.Sprintf("left out an unfinished last line of %d bytes", c.torn), nil
	}
	c, err := f.read(os.O_RDWR | os.O_CREATE)
	if err != nil {
		return nil, "", err
	}
	recovered, err := f.mend(c)
	if err != nil {
		return nil, "", err
	}
	f.size, f.last = c.size, c.last()
	if err := syncFolder(filepath.Dir(f.path)); err != nil {
		return nil, "", fmt.Errorf("folder of ledger %s: %w", f.path, err)
	}
	return c, recovered, f.advance()
}

// read opens the file and checks it against itself and the head.
func (f *file) read(flag int) (*chain, error) {
	before, err := readHead(f.path)
	if err != nil {
		return nil, err
	}
	c := &chain{}
	f.open, err = os.OpenFile(f.path, flag, filePerm)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.open = nil
	case err != nil:
		return nil, fmt.Errorf("open ledger: %w", err)
	default:
		if c, err = readChain(f.path, f.open); err != nil {
			return nil, err
		}
	}
	if f.head, err = readHead(f.path); err != nil {
		return nil, err
	}
	return c, before.fits(c, f.head, headFile(f.path))
}

// mend cuts off an unfinished last line and says so.
func (f *file) mend(c *chain) (recovered string, err error) {
	if c.torn == 0 {
		return "", nil
	}
	if err := errors.Join(f.open.Truncate(c.size), f.open.Sync()); err != nil {
		return "", fmt.Errorf("recover ledger %s: %w", f.path, err)
	}
	return fmt.Sprintf("cut off an unfinished last line of %d bytes; record %d is the last", c.torn, c.last().Seq), nil
}

func (f *file) ready() error {
	if f.broken != nil {
		return fmt.Errorf("ledger %s: %w", f.path, f.broken)
	}
	return f.advance()
}

func (f *file) reached(instant string) {
	if f.at != nil {
		f.at(instant)
	}
}

func (f *file) append(s sealed) error {
	f.reached("ledger-line")
	if err := f.write(s.line); err != nil {
		return err
	}
	f.size, f.last = f.size+int64(len(s.line)), head{Seq: s.Seq, Hash: s.hash}
	f.reached("ledger-head")
	// The record is safe; a head that cannot follow now is one behind, which is
	// allowed, and the next one brings it up before it is written.
	_ = f.advance()
	return nil
}

// write puts a line at the end of the file, or leaves the file as it was.
func (f *file) write(line []byte) error {
	_, err := f.open.WriteAt(line, f.size)
	if err == nil {
		f.reached("ledger-sync")
		err = f.open.Sync()
	}
	if err == nil {
		return nil
	}
	if undo := errors.Join(f.open.Truncate(f.size), f.open.Sync()); undo != nil {
		f.broken = fmt.Errorf("a failed write could not be undone: %w", undo)
	}
	return err
}

// advance brings the head file up to the last record.
func (f *file) advance() error {
	if f.last.Seq == 0 || f.last == f.head {
		return nil
	}
	if err := writeHead(f.path, f.last, f.at); err != nil {
		return err
	}
	f.head = f.last
	return nil
}

// held: the system keeps the lock as long as the process lives.
func (f *file) held(context.Context) error { return nil }

func (f *file) ReadAt(data []byte, offset int64) (int, error) { return f.open.ReadAt(data, offset) }

func (f *file) Close() error {
	var err error
	if f.lock != nil && f.open != nil && f.broken == nil {
		err = f.advance()
	}
	return errors.Join(err, f.release())
}

func (f *file) release() error {
	var err error
	if f.open != nil {
		err = f.open.Close()
	}
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
	}
	return err
}
