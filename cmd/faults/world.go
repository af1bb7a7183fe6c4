package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"assay/cmd/faults/instants"
	"assay/decide"
	"assay/ledger"
)

// world is one project while a scenario is played.
type world struct {
	assay, dir, fixture string
	plan                scenario
	receiver            *receiver // nil = the flag file
	edits               []edit
	pages               map[string][sha256.Size]byte // of looks that did not fail, by path
	wrong               []string                     // what went against a promise
	met                 map[string]int               // faults that took effect, by kind
	log                 io.Writer
	env                 []string // more of the environment of every call
	calls               int

	mu      sync.Mutex
	process *os.Process // that a receiver may kill
}

// edit is what a person made of a flag.
type edit struct {
	flag  string
	state decide.Allocation
	after int64 // records of the ledger by then, with that of a change made before
}

func absolute(path string) (string, error) { return filepath.Abs(path) }

func newWorld(assay, fixture, dir string, s scenario) (*world, error) {
	w := &world{assay: assay, fixture: fixture, dir: dir, plan: s, pages: map[string][sha256.Size]byte{}, met: map[string]int{}, log: io.Discard}
	place := os.Symlink
	if s.tabled {
		place = copyFile
	}
	if err := errors.Join(writeProject(dir, s), place(fixture, w.path("warehouse.duckdb"))); err != nil {
		return nil, err
	}
	if s.store == storeFile {
		return w, nil
	}
	w.receiver = newReceiver(s.store)
	w.receiver.victim = w.murder
	for _, story := range s.stories {
		w.receiver.flags[story] = held{state: covering(opening(story))}
	}
	return w, nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// padding is how large other flags of the flag file are, in bytes: large where
// there is to be no room for that file alone.
func padding(s scenario) int {
	for _, d := range s.days {
		for _, a := range d.tries {
			for _, f := range a.faults {
				if f.kind == "no room for the flag file" {
					return flagFileSize
				}
			}
		}
	}
	return 0
}

func (w *world) close() {
	if w.receiver != nil {
		w.receiver.close()
	}
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) fail(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// murder kills the running process the hard way.
func (w *world) murder() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.process != nil {
		_ = w.process.Kill()
	}
}

// call is one call of the program.
type call struct {
	args        []string
	kill, pause string
	// killAfter is when it is killed, wherever it is; 0 = never.
	killAfter time.Duration
	// meanwhile happens while the program waits at pause.
	meanwhile func()
	// fileLimit bounds the size of every file that is written, in blocks of 512
	// bytes; 0 = no limit.
	fileLimit int
}

// result of a call.
type result struct {
	code   int // -1 = killed
	out    string
	paused bool
}

// patience with one call; it is far more than any takes.
const patience = 2 * time.Minute

func (w *world) run(c call) (result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name, args := w.assay, c.args
	if c.fileLimit > 0 {
		name, args = "/bin/sh", append([]string{"-c", fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, c.fileLimit), w.assay}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, &out, &out
	w.calls++
	cmd.Env = append(append(os.Environ(), w.env...), instants.KillEnv+"="+c.kill, instants.PauseEnv+"="+c.pause, "HOOK_SECRET="+hookSecret)
	if w.receiver != nil {
		cmd.Env = append(cmd.Env, "HOOK_URL="+w.receiver.url())
	}
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	w.mu.Lock()
	w.process = cmd.Process
	w.mu.Unlock()
	if c.killAfter > 0 {
		timer := time.AfterFunc(c.killAfter, w.murder)
		defer timer.Stop()
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var r result
	err := w.wait(ctx, c, ended, &r)
	r.out = out.String()
	if ctx.Err() != nil {
		return r, fmt.Errorf("%s took longer than %s:\n%s", strings.Join(c.args, " "), patience, r.out)
	}
	exited, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
	case ok && exited.Sys().(syscall.WaitStatus).Signaled():
		r.code = -1
	case ok:
		r.code = exited.ExitCode()
	default:
		return r, err
	}
	w.secrets(r.out, "what the program says")
	return r, nil
}

// wait waits for the end of the process, and does at its pause what is to be
// done there.
func (w *world) wait(ctx context.Context, c call, ended chan error, r *result) error {
	marker, _, _ := strings.Cut(c.pause, "/")
	for c.pause != "" {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return <-ended
		case <-time.After(2 * time.Millisecond):
		}
		if _, err := os.Stat(w.path(marker)); err == nil {
			r.paused = true
			if c.meanwhile != nil {
				c.meanwhile()
			}
			_ = os.Remove(w.path(marker))
			break
		}
	}
	return <-ended
}

// secrets fails where a secret is shown.
func (w *world) secrets(text, where string) {
	if strings.Contains(text, hookSecret) || strings.Contains(text, strings.TrimPrefix(hookSecret, "whsec_")) || strings.Contains(text, hookToken) {
		w.fail("a secret in %s", where)
	}
}

// ledger opens the ledger to read it. The caller closes it.
func (w *world) ledger() (*ledger.Ledger, error) { return ledger.OpenReadOnly(w.path("ledger.jsonl")) }

// records counts those of the ledger; a ledger that cannot be read has none.
func (w *world) records() int64 {
	data, err := os.ReadFile(w.path("ledger.jsonl"))
	if err != nil {
		return 0
	}
	return int64(bytes.Count(data, []byte("\n")))
}

// state is what a flag serves now.
func (w *world) state(flag string) (decide.Allocation, error) {
	if w.receiver != nil {
		w.receiver.mu.Lock()
		defer w.receiver.mu.Unlock()
		return w.receiver.flags[flag].state, nil
	}
	return readSplit(w.path("flags.json"), flag, []string{"control", "treatment"})
}

// editFlag is what a person does to a flag.
func (w *world) editFlag(flag string, state decide.Allocation, after int64) {
	w.edits = append(w.edits, edit{flag, state, after})
	if w.receiver != nil {
		w.receiver.set(flag, state)
		return
	}
	if err := writeFlag(w.path("flags.json"), flag, state); err != nil {
		w.fail("harness: %v", err)
	}
}

// covering is half and half of a share of all units.
func covering(coverage float64) decide.Allocation {
	return decide.Allocation{Coverage: coverage, KnownGood: "control", Arms: []decide.Arm{{Variation: "control", Weight: 0.5}, {Variation: "treatment", Weight: 0.5}}}
}

func sole(variation string) decide.Allocation { return covering(1).All(variation) }

// writeFlag edits a flag of a flag file as an editor does: it writes the whole
// file beside it and puts it in its place.
func writeFlag(path, flag string, state decide.Allocation) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	rule := []any{}
	for _, arm := range state.Arms {
		if n := int(1000*state.Coverage*arm.Weight + 0.5); n > 0 {
			rule = append(rule, []any{arm.Variation, n})
		}
	}
	if n := int(1000*(1-state.Coverage) + 0.5); n > 0 {
		rule = append(rule, []any{"uncovered", n})
	}
	definition := file["flags"].(map[string]any)[flag].(map[string]any)
	definition["targeting"] = map[string]any{"fractional": rule}
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	next := path + ".edited"
	return errors.Join(os.WriteFile(next, text, 0o644), os.Rename(next, path))
}

// keepPages remembers the pages of the looks as of an instant, to be compared
// with what is written later. Those of a look that failed are not final: it is to be repeated.
func (w *world) keepPages(l *ledger.Ledger, asOf time.Time) error {
	final := map[string]bool{}
	for _, name := range l.Experiments() {
		for look, err := range l.Looks(name) {
			if err != nil {
				return err
			}
			final[look.Body.ID] = look.Body.Failed == ""
		}
	}
	all, err := w.report()
	for path, sum := range all {
		base := filepath.Base(path)
		at, id, _ := strings.Cut(strings.TrimSuffix(base, filepath.Ext(base)), "-")
		if !final[id] || at != asOf.Format("20060102T150405Z") {
			continue
		}
		if before, ok := w.pages[path]; ok && before != sum {
			w.fail("%s has changed", path)
		}
		w.pages[path] = sum
	}
	return err
}

// report are the digests of the files of the report, by path. What a killed run
// left half written is not among them.
func (w *world) report() (map[string][sha256.Size]byte, error) {
	sums := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(w.path("report"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".page-") {
			return err
		}
		data, err := os.ReadFile(path)
		sums[strings.TrimPrefix(path, w.dir)] = sha256.Sum256(data)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return sums, nil
	}
	return sums, err
}
