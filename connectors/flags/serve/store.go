package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"assay/connectors/flags"
	"assay/spec"
)

// How long a writer waits for another one.
const (
	lockPatience = 5 * time.Second
	lockPoll     = 10 * time.Millisecond
)

// Store is a flags file with its audit log. People and other processes may
// change the file at any time; writers take turns through a lock beside it.
type Store struct {
	path string
	at   func(instant string) // nil = nothing
	now  func() time.Time
	log  *slog.Logger

	mu       sync.Mutex
	audit    auditLog
	seen     memory
	base     map[string]json.RawMessage // flags and segments as the log has them
	text     []byte                     // the file, as it was last read
	problems spec.Problems              // of that
	unlogged error                      // why the log does not have what is served
	view     *view
}

// view is what is served at one time. It never changes.
type view struct {
	file       *File
	growthbook document
	flagd      document
	problems   spec.Problems
	unlogged   error
	since      time.Time
}

// LogPath is where the audit log of a flags file is kept: beside it.
func LogPath(path string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".audit.jsonl"
}

// newStore reads a flags file and what its audit log knows. A file with problems
// is an error only where the log knows no earlier state; then the problems come
// back.
func newStore(path string, now func() time.Time, log *slog.Logger) (*Store, spec.Problems, error) {
	s := &Store{path: path, now: now, log: log, audit: auditLog{path: LogPath(path)}, base: map[string]json.RawMessage{}}
	err := s.locked(context.Background(), func() error { return s.sync() })
	if err != nil {
		return nil, nil, err
	}
	if s.view != nil {
		return s, nil, nil
	}
	if len(s.base) == 0 || s.restore() != nil {
		return nil, s.problems, fmt.Errorf("%d problems in %s", len(s.problems), path)
	}
	return s, nil, nil
}

// restore serves what the audit log last knew, while the file cannot be served.
func (s *Store) restore() error {
	f := &File{Segments: map[string][]Condition{}, Flags: map[string]*Flag{}}
	for key, text := range s.base {
		kind, name, _ := strings.Cut(key, "/")
		var err error
		if kind == "flag" {
			var flag Flag
			err = json.Unmarshal(text, &flag)
			f.Flags[name] = &flag
		} else {
			var segment []Condition
			err = json.Unmarshal(text, &segment)
			f.Segments[name] = segment
		}
		if err != nil {
			return err
		}
	}
	return s.show(f)
}

// current is what is to be served now: the file is taken over again where it
// changed. What goes wrong is in the view and the log; the last good state stays.
func (s *Store) current(ctx context.Context) *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Times of change are too coarse to tell two edits apart; the file is small.
	if text, err := readFile(s.path); err == nil && s.unlogged == nil && bytes.Equal(text, s.text) {
		return s.view
	}
	if err := s.locked(ctx, s.sync); err != nil && ctx.Err() == nil {
		s.log.Error("the flags file could not be read again", "error", err)
	}
	return s.view
}

// locked runs do while no other process writes the file or its log.
func (s *Store) locked(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	lock := flock.New(s.path + ".lock")
	if got, err := lock.TryLockContext(ctx, lockPoll); !got {
		return errors.Join(errors.New("the flags file is locked by another process"), err)
	}
	defer func() { _ = lock.Close() }()
	return do()
}

// sync takes over what happened to the log and to the file, and records in the
// log what somebody else did to the file. It is called under both locks. Its
// error is why there is nothing to serve yet; later on the last state stays.
func (s *Store) sync() error {
	behind := s.audit.catchUp(s.learn, func(line int, what string) {
		s.log.Warn("audit log", "file", s.audit.path, "line", line, "what", what)
	})
	if behind != nil && s.view == nil {
		return fmt.Errorf("audit log: %w", behind)
	}
	text, err := readFile(s.path)
	if err != nil && s.view == nil {
		return err
	}
	if err != nil {
		s.refuse(nil, spec.Problems{{File: s.path, Line: 1, Column: 1, Message: err.Error()}})
		return nil
	}
	if s.view != nil && s.unlogged == nil && behind == nil && bytes.Equal(text, s.text) {
		return nil
	}
	file, problems := Parse(s.path, text)
	if len(problems) > 0 {
		s.refuse(text, problems)
		return nil
	}
	return s.adopt(file, text, behind)
}

// learn takes over one entry of the log.
func (s *Store) learn(e Entry) {
	s.seen.add(e)
	switch {
	case e.What == Proposed:
	case e.After == nil:
		delete(s.base, e.key())
	default:
		s.base[e.key()] = e.After
	}
}

// refuse keeps the last good state and says why, once for each state of the file.
func (s *Store) refuse(text []byte, problems spec.Problems) {
	if !slices.Equal(problems, s.problems) {
		s.log.Error("the flags file has problems; the last good state is served", "problems", problems.String())
	}
	s.problems, s.text = problems, text
	if s.view != nil {
		v := *s.view
		v.problems = problems
		s.view = &v
	}
}

// adopt serves a file, and records what is new in it, unless the log is behind.
// What a person did is served also while the log cannot be written: it may be
// what stops a harm.
func (s *Store) adopt(file *File, text []byte, behind error) error {
	if behind == nil {
		behind = s.record(s.differences(file))
	}
	if behind != nil && s.unlogged == nil {
		s.log.Error("the audit log cannot be kept", "error", behind)
	}
	s.problems, s.text, s.unlogged = nil, text, behind
	return s.show(file)
}

// show renders a file.
func (s *Store) show(file *File) error {
	v := &view{file: file, problems: s.problems, unlogged: s.unlogged, since: s.now().UTC()}
	var err error
	if v.growthbook, err = render(growthBook(file)); err != nil {
		return err
	}
	if v.flagd, err = render(flagd(file)); err != nil {
		return err
	}
	s.view = v
	return nil
}

func (s *Store) record(entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := s.audit.append(entries); err != nil {
		return err
	}
	for _, e := range entries {
		s.learn(e)
		s.log.Info("flag changed", "what", e.What, "by", e.By, "flag", e.Flag, "segment", e.Segment, "decision", e.ID)
	}
	return nil
}

// differences are the entries for what the file has and the log has not.
func (s *Store) differences(file *File) []Entry {
	now := parts(file)
	keys := slices.Sorted(maps.Keys(now))
	for key := range s.base {
		if _, ok := now[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	first := len(s.base) == 0
	var entries []Entry
	for _, key := range keys {
		if before, after := s.base[key], now[key]; !bytes.Equal(before, after) {
			entries = append(entries, s.difference(key, before, after, first))
		}
	}
	return entries
}

func (s *Store) difference(key string, before, after json.RawMessage, first bool) Entry {
	kind, name, _ := strings.Cut(key, "/")
	e := Entry{At: s.now().UTC(), By: ByPerson, What: Edited, Before: before, After: after}
	if first {
		e.By, e.What = ByServer, Found
	}
	if kind == "segment" {
		e.Segment = name
		return e
	}
	e.Flag = name
	var flag Flag
	if json.Unmarshal(after, &flag) != nil || flag.Decision == nil {
		return e
	}
	if _, known := s.seen.taken[flag.Decision.ID]; known || flag.Decision.Digest == "" {
		return e
	}
	// The file was written and the log was not: assay was here.
	d := flag.Decision
	e.By, e.What = ByAssay, Repaired
	e.ID, e.Digest, e.Experiment, e.Verdict, e.Reason = d.ID, d.Digest, d.Experiment, d.Verdict, d.Reason
	return e
}

// parts are the flags and segments of a file, each in its one form.
func parts(file *File) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	add := func(key string, v any) {
		text, err := json.Marshal(v)
		if err == nil { // It was parsed before.
			all[key] = text
		}
	}
	for name, flag := range file.Flags {
		add(flagKey(name), flag)
	}
	for name, segment := range file.Segments {
		add(segmentKey(name), segment)
	}
	return all
}

// write puts an edited text in the file's place, if it has no problem, and then
// records it. It is called under both locks, after sync.
func (s *Store) write(text []byte, entry func(before, after json.RawMessage) Entry, key string) error {
	file, problems := Parse(s.path, text)
	if len(problems) > 0 {
		return impossible{problems}
	}
	if err := flags.Replace(s.path, s.text, text, s.at); err != nil {
		return err
	}
	if err := s.record([]Entry{entry(s.base[key], parts(file)[key])}); err != nil {
		// The file says what was done; the next sync finds it there.
		s.unlogged = err
		return fmt.Errorf("audit log: %w", err)
	}
	s.text = text
	return s.show(file)
}

// impossible is a change that would make a file with problems.
type impossible struct{ spec.Problems }

func (e impossible) Error() string { return e.String() }
