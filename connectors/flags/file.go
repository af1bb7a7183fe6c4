package flags

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"

	"assay/spec"
)

// How long Apply waits for another process that writes the same file.
const (
	lockPatience = 10 * time.Second
	lockPoll     = 20 * time.Millisecond
)

// format is how flags stand in a file. Its errors are of type *Error.
type format interface {
	// state reads what one flag serves.
	state(text []byte, flagKey string) (State, error)
	// edit returns the text with the flag in the change's target state and a note
	// of why; what is not about that stays byte for byte.
	edit(text []byte, c Change) ([]byte, error)
}

// inFile opens a flag file of a format: on this machine, or in a branch of a Git
// repository.
func inFile(form func(name, path string, opts Options) format) opener {
	return func(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
		if cfg.Path == "" {
			return nil, errors.New("path is missing: the flag file")
		}
		path := cfg.Path
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if cfg.Git != nil {
			return openGit(name, *cfg.Git, path, form(name, path, opts))
		}
		f := &file{name: name, path: path, form: form(name, path, opts), at: opts.At}
		if f.at == nil {
			f.at = func(string) {}
		}
		return f, nil
	}
}

// rewrite is the text with a change made; nil where it is made already. The
// state is compared anew: it may have changed since it was read.
func rewrite(name string, form format, text []byte, change Change) ([]byte, error) {
	state, err := form.state(text, change.FlagKey)
	if err != nil {
		return nil, err
	}
	if problem := standing(state, change); problem != "" {
		return nil, &Error{Store: name, Kind: ErrConflict, Detail: problem}
	}
	if change.reached(state) {
		return nil, nil
	}
	return form.edit(text, change)
}

// file is a flag file on this machine.
type file struct {
	name, path string
	form       format
	at         func(instant string) // never nil
}

// Name implements Store.
func (f *file) Name() string { return f.name }

// Read implements Store. It needs no lock: the file is replaced in one step.
func (f *file) Read(_ context.Context, flagKey string) (State, error) {
	text, err := f.load()
	if err != nil {
		return State{}, err
	}
	return f.form.state(text, flagKey)
}

// Apply implements Store. The state is compared again under a lock, so that of
// two writers with the same expectation one gets a conflict.
func (f *file) Apply(ctx context.Context, change Change) error {
	if change.Proposal {
		return nil
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	f.at("flag-locked")
	text, err := f.load()
	if err != nil {
		return err
	}
	edited, err := rewrite(f.name, f.form, text, change)
	if err != nil || edited == nil {
		return err
	}
	if err := Replace(f.path, text, edited, f.at); err != nil {
		return f.fail(ErrUnavailable, err.Error())
	}
	return nil
}

func (f *file) fail(kind error, detail string) error {
	return &Error{Store: f.name, Kind: kind, Detail: detail}
}

func (f *file) lock(ctx context.Context) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	lock := flock.New(f.path + ".lock")
	if got, err := lock.TryLockContext(ctx, lockPoll); !got {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return nil, f.fail(ErrUnavailable, "the flag file is locked by another process")
		}
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("lock the flag file: %v", err))
	}
	return func() { _ = lock.Close() }, nil
}

func (f *file) load() ([]byte, error) {
	opened, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("the flag file %s does not exist", f.path))
	}
	if err != nil {
		return nil, f.fail(ErrUnavailable, err.Error())
	}
	defer func() { _ = opened.Close() }()
	text, err := readAll(opened)
	if err != nil {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
	}
	return text, nil
}

// maxFile is far more than people edit by hand.
const maxFile = 64 << 20

var errTooLarge = errors.New("it is larger than 64 MiB")

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errTooLarge
	}
	return text, err
}

// ErrEdited is somebody who wrote the file since it was read.
var ErrEdited = errors.New("the flag file was changed while the change was written")

// Replace writes a file anew in one step and keeps its permissions; a symbolic
// link stays one. Editors take no lock: the file is read once more in the last
// moment, so that what a person saved in the meantime is not lost. at is called
// at the instants between its effects; nil = nothing. Errors: ErrEdited, those of the file system.
func Replace(name string, before, text []byte, at func(instant string)) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // Gone already after success.
	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Chmod(info.Mode().Perm()), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if at == nil {
		at = func(string) {}
	}
	at("flag-rename")
	if present, err := os.ReadFile(path); err != nil || !bytes.Equal(present, before) {
		return cmp.Or(err, ErrEdited)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	at("flag-renamed")
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a new name durable; Windows neither can nor needs to.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
