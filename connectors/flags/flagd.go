package flags

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"assay/decide"
	"assay/spec"
)

// How long Apply waits for another process that writes the same file.
const (
	lockPatience = 10 * time.Second
	lockPoll     = 20 * time.Millisecond
)

// maxReason is how many characters of a reason are kept beside a flag.
const maxReason = 255

// flagd is a file in flagd's flag definition format. Only the flag's targeting,
// defaultVariant, metadata and the variant uncovered are ever written; every
// other byte of the file stays as it is.
type flagd struct {
	name, path string
	at         func(instant string) // never nil
}

func openFlagd(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	if cfg.Path == "" {
		return nil, errors.New("path is missing: the flag file")
	}
	path := cfg.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	f := &flagd{name: name, path: path, at: opts.At}
	if f.at == nil {
		f.at = func(string) {}
	}
	return f, nil
}

// Name implements Store.
func (f *flagd) Name() string { return f.name }

// Read implements Store. It needs no lock: the file is replaced in one step.
func (f *flagd) Read(_ context.Context, flagKey string) (State, error) {
	text, err := f.load()
	if err != nil {
		return State{}, err
	}
	d, err := f.flag(text, flagKey)
	if err != nil {
		return State{}, err
	}
	return d.state(), nil
}

// Apply implements Store. The state is compared again under a lock, so that of
// two writers with the same expectation one gets a conflict.
func (f *flagd) Apply(ctx context.Context, change Change) error {
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
	d, err := f.flag(text, change.FlagKey)
	if err != nil {
		return err
	}
	state := d.state()
	if problem := standing(state, change); problem != "" {
		return f.fail(ErrConflict, problem)
	}
	if change.reached(state) {
		return nil
	}
	edited, err := f.edit(text, d, change)
	if err != nil {
		return err
	}
	if err := f.save(text, edited); err != nil {
		return f.fail(ErrUnavailable, err.Error())
	}
	return nil
}

func (f *flagd) fail(kind error, detail string) error {
	return &Error{Store: f.name, Kind: kind, Detail: detail}
}

func (f *flagd) lock(ctx context.Context) (unlock func(), err error) {
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

func (f *flagd) load() ([]byte, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("the flag file %s does not exist", f.path))
	}
	if err != nil {
		return nil, f.fail(ErrUnavailable, err.Error())
	}
	defer func() { _ = file.Close() }()
	text, err := readAll(file)
	if err == nil {
		err = checkJSON(text)
	}
	if err != nil {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
	}
	return text, nil
}

// maxFile is far more than people edit by hand.
const maxFile = 64 << 20

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New("it is larger than 64 MiB")
	}
	return text, err
}

// flag finds one flag's definition in the file.
func (f *flagd) flag(text []byte, key string) (*definition, error) {
	o, err := find(text, "flags", key)
	if errors.Is(err, errAbsent) {
		if _, err := find(text, "flags"); err == nil {
			return nil, f.fail(ErrNotFound, fmt.Sprintf("%s in %s", printable(key), f.path))
		}
	}
	var d definition
	if err == nil {
		err = json.Unmarshal(text[o.open:o.close+1], &d)
	}
	if err == nil {
		err = d.readOrder(text, key)
	}
	if err != nil {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
	}
	return &d, nil
}

func (d *definition) readOrder(text []byte, key string) error {
	variants, err := find(text, "flags", key, "variants")
	if errors.Is(err, errAbsent) {
		return nil
	}
	for _, m := range variants.members {
		d.order = append(d.order, m.name)
	}
	return err
}

// edit is one member to be written.
type edit struct {
	path  []string
	name  string
	value writer
}

// edit returns the file with the flag in its target state and a note of why.
func (f *flagd) edit(text []byte, d *definition, c Change) ([]byte, error) {
	if problem := d.lacks(c.Target); problem != "" {
		return nil, f.fail(ErrRefused, problem)
	}
	list, flag := layout(c.Target), []string{"flags", c.FlagKey}
	edits := []edit{
		{flag, "defaultVariant", literal(fallback(c.Target, list))},
		{flag, "targeting", fractionalRule(d.bucketBy(), list)},
	}
	// Written each time: the variant may stem from an earlier experiment on the
	// same flag, with another known-good variation.
	if serves(list, uncovered) {
		edits = append(edits, edit{append(flag, "variants"), uncovered, raw(d.Variants[c.Target.KnownGood])})
	}
	if d.Metadata == nil {
		edits = append(edits, edit{flag, "metadata", raw([]byte("{}"))})
	}
	for _, note := range notes(c) {
		edits = append(edits, edit{append(flag, "metadata"), note[0], literal(note[1])})
	}
	var err error
	for _, e := range edits {
		if text, err = set(text, e.path, e.name, e.value); err != nil {
			return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
		}
	}
	return text, nil
}

// lacks says what a flag would need to serve an allocation.
func (d *definition) lacks(target decide.Allocation) string {
	if _, ok := d.Variants[target.KnownGood]; !ok {
		return fmt.Sprintf("the known-good variation %s is not a variant of the flag", printable(target.KnownGood))
	}
	for _, arm := range target.Arms {
		if arm.Variation == uncovered {
			return uncovered + " cannot be the name of a variation: it is the variant of units outside the coverage"
		}
		if _, ok := d.Variants[arm.Variation]; !ok && arm.Weight > 0 {
			return fmt.Sprintf("variation %s is not a variant of the flag", printable(arm.Variation))
		}
	}
	return ""
}

func serves(list []bucket, variant string) bool {
	return slices.ContainsFunc(list, func(b bucket) bool { return b.variant == variant })
}

// fallback is the default variant: what everybody gets, where everybody gets
// the same, and otherwise the known-good variation.
func fallback(target decide.Allocation, list []bucket) string {
	if len(list) == 1 && list[0].variant != uncovered {
		return list[0].variant
	}
	return target.KnownGood
}

// notes are what the flag's metadata says of the change.
func notes(c Change) [][2]string {
	return [][2]string{
		{metaKnownGood, c.Target.KnownGood},
		{metaExperiment, c.Experiment},
		{metaDecision, c.ID},
		{metaVerdict, string(c.Verdict)},
		{metaAsOf, c.AsOf.UTC().Format(time.RFC3339)},
		{metaReason, shorten(c.Reason, maxReason)},
	}
}

// shorten cuts a text to at most so many characters.
func shorten(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// errEdited is somebody who wrote the file since it was read.
var errEdited = errors.New("the flag file was changed while the change was written")

// save replaces the file in one step and keeps its permissions; a symbolic
// link stays one. Editors take no lock: the file is read once more in the last
// moment, so that what a person saved in the meantime is not lost.
func (f *flagd) save(before, text []byte) error {
	path, err := filepath.EvalSymlinks(f.path)
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
	f.at("flag-rename")
	if present, err := os.ReadFile(path); err != nil || !bytes.Equal(present, before) {
		return cmp.Or(err, errEdited)
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	f.at("flag-renamed")
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
