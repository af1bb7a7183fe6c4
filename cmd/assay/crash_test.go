package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/ledger"
)

// instantsOfRun are those between an entry in the ledger and its effect.
var instantsOfRun = []string{"before-ledger", "after-ledger", "before-delivery", "after-delivery", "after-attempt"}

// crashStores are the flag stores that a crash may leave behind.
var crashStores = map[string]func(t *testing.T, w *crashWorld){
	"flagd":        func(*testing.T, *crashWorld) {},
	"flagd in Git": func(t *testing.T, w *crashWorld) { w.useGit(t) },
	"webhook":      func(t *testing.T, w *crashWorld) { w.useReceiver(t, "ok") },
	// The receiver applies the first change and drops the connection instead of
	// answering.
	"dropping webhook": func(t *testing.T, w *crashWorld) { w.useReceiver(t, "apply-drop") },
	// The receiver does not tell its state: it has to remember ids.
	"silent webhook": func(t *testing.T, w *crashWorld) {
		w.useReceiver(t, "ok")
		w.edit(t, "assay.yaml", ` state_url: "${HOOK_URL}/state/{flag}",`, "")
	},
}

// stores are those that are tried; few where time is short.
func stores() map[string]func(*testing.T, *crashWorld) {
	if testing.Short() {
		return map[string]func(*testing.T, *crashWorld){"flagd": crashStores["flagd"]}
	}
	return crashStores
}

// leaveOut skips a test where time is short.
func leaveOut(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short leaves it to TestKilledAgainAndAgain")
	}
}

// crashWorld is a project whose runs are killed.
type crashWorld struct {
	dir      string
	receiver *receiver // nil = the flag file
	remote   string    // bare repository that the flag file is served from; "" = none
	env      []string
}

// newCrashWorld has a day that asks for a rollback or for a ramp, and two
// harmless days after it.
func newCrashWorld(t *testing.T, failing int) *crashWorld {
	t.Helper()
	return &crashWorld{env: os.Environ(), dir: smallProject(
		t,
		fmt.Sprintf("tone 2026-11-01 control=200:10 treatment=200:%d", failing),
		"tone 2026-11-02 control=200:10 treatment=200:10", "tone 2026-11-03 control=200:10 treatment=200:10",
	)}
}

func (w *crashWorld) useReceiver(t *testing.T, answer string) {
	t.Helper()
	w.receiver = newReceiver()
	t.Cleanup(w.receiver.server.Close)
	w.receiver.answer = answer
	w.receiver.set("tone", 0.1)
	w.env = append(w.env, "HOOK_URL="+w.receiver.url(), "HOOK_SECRET="+hookSecret)
	w.edit(t, "assay.yaml", `{type: flagd, path: flags.json}`,
		`{type: webhook, url: "${HOOK_URL}", state_url: "${HOOK_URL}/state/{flag}", secret: "${HOOK_SECRET}", private_addresses: true}`)
}

// useGit serves the flag file from a branch of a repository.
func (w *crashWorld) useGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	w.remote = filepath.Join(t.TempDir(), "remote.git")
	w.env = append(w.env, "GIT_CONFIG_GLOBAL="+filepath.Join(t.TempDir(), "none"), "GIT_CONFIG_NOSYSTEM=1")
	w.git(t, "init", "--quiet", "--bare", "--initial-branch=main", w.remote)
	w.git(t, "init", "--quiet", "--initial-branch=main")
	w.git(t, "add", "flags.json")
	w.git(t, "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "commit", "--quiet", "--message", "flags")
	w.git(t, "remote", "add", "origin", w.remote)
	w.git(t, "push", "--quiet", "origin", "main")
	path := filepath.Join(w.dir, "assay.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	served := strings.Replace(string(text), "path: flags.json}", "path: flags.json, git: {branch: main}}", 1)
	if err := os.WriteFile(path, []byte(served), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w *crashWorld) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (w *crashWorld) edit(t *testing.T, file, old, text string) {
	t.Helper()
	path := filepath.Join(w.dir, file)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Replace(string(before), old, text, 1)
	if after == string(before) {
		t.Fatalf("%s has no %s", file, old)
	}
	if err := os.WriteFile(path, []byte(after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run looks as of a day. With an instant it has to die there, without one to
// end well; an undelivered decision is no end yet.
func (w *crashWorld) run(t *testing.T, date, instant string) {
	t.Helper()
	cmd := program(t.Context(), w.dir, lookArgs(date, "--select", "tone")...)
	cmd.Env = append(w.env, killEnv+"="+instant)
	out, err := cmd.CombinedOutput()
	if instant == "" {
		if err != nil {
			t.Fatalf("as of %s: %v\n%s", date, err, out)
		}
		return
	}
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("as of %s: not killed at %s: %v\n%s", date, instant, err, out)
	}
}

// state is what everybody gets: a coverage, or one variation.
func (w *crashWorld) state(t *testing.T) string {
	t.Helper()
	if w.receiver != nil {
		w.receiver.mu.Lock()
		defer w.receiver.mu.Unlock()
		return allocationText(w.receiver.flags["tone"])
	}
	data, err := os.ReadFile(filepath.Join(w.dir, "flags.json"))
	if w.remote != "" {
		data = []byte(w.git(t, "--git-dir="+w.remote, "show", "main:flags.json"))
	}
	if err != nil {
		t.Fatal(err)
	}
	rule, err := jsonValue(string(data), "flags.tone.targeting.fractional")
	if err != nil {
		t.Fatal(err)
	}
	return describeRule(t, rule)
}

// describeRule writes a fractional rule as receivers log an allocation.
func describeRule(t *testing.T, rule string) string {
	t.Helper()
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(rule), &list); err != nil {
		t.Fatal(err)
	}
	weights := map[string]float64{}
	for _, item := range list {
		var pair []any
		if json.Unmarshal(item, &pair) == nil {
			weights[pair[0].(string)] += pair[1].(float64)
		}
	}
	total := weights["control"] + weights["treatment"] + weights["uncovered"]
	covered := weights["control"] + weights["treatment"]
	return fmt.Sprintf("coverage %g %%, control %g %%, treatment %g %%", 100*covered/total, 100*weights["control"]/covered, 100*weights["treatment"]/covered)
}

// check holds the ledger to its chain and every delivery to one end, and the
// receiver to having applied each change once.
func (w *crashWorld) check(t *testing.T, applied ...string) {
	t.Helper()
	path := filepath.Join(w.dir, "ledger.jsonl")
	if err := ledger.Verify(path); err != nil {
		t.Error(err)
	}
	l, err := ledger.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	w.checkLedger(t, l)
	if w.remote != "" {
		if n := strings.Count(w.git(t, "--git-dir="+w.remote, "log", "--format=%B", "main"), "Decision-Id: "); n != len(applied) {
			t.Errorf("%d decisions were committed, want %d", n, len(applied))
		}
	}
	if w.receiver == nil {
		return
	}
	if got := strings.Join(w.receiver.lines(), "\n"); got != strings.Join(applied, "\n") {
		t.Errorf("applied:\n%s\nwant:\n%s", got, strings.Join(applied, "\n"))
	}
}

// checkLedger holds a ledger to one record a look and one end a delivery.
func (w *crashWorld) checkLedger(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	defer func() { _ = l.Close() }()
	h, err := l.History("tone")
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]int{}
	for _, a := range h.Attempts {
		if a.Body.Terminal() {
			ends[a.Body.Delivery]++
		}
	}
	looks := map[string]int{}
	for _, look := range h.Looks {
		looks[look.Body.ID]++
		for _, d := range look.Body.Deliveries {
			if ends[d.ID] != 1 {
				t.Errorf("delivery %s ended %d times", d.ID, ends[d.ID])
			}
		}
	}
	for id, n := range looks {
		if n != 1 {
			t.Errorf("look %s was recorded %d times", id, n)
		}
	}
	if len(h.Observed) > 0 {
		t.Errorf("assay's own change was taken for a person's: %+v", h.Observed)
	}
}

// stories is what a day decides and what is to come of it, as of the days after.
var stories = map[string]struct {
	failing int
	states  []string // after the looks as of the 2nd, 3rd and 4th
	applied []string
}{
	"rollback": {
		60,
		[]string{"coverage 100 %, control 100 %, treatment 0 %", "coverage 100 %, control 100 %, treatment 0 %", "coverage 100 %, control 100 %, treatment 0 %"},
		[]string{"1 tone rollback: coverage 100 %, control 100 %, treatment 0 %"},
	},
	"ramp": {
		10,
		[]string{"coverage 25 %, control 50 %, treatment 50 %", "coverage 50 %, control 50 %, treatment 50 %", "coverage 75 %, control 50 %, treatment 50 %"},
		[]string{
			"1 tone ramp: coverage 25 %, control 50 %, treatment 50 %", "2 tone ramp: coverage 50 %, control 50 %, treatment 50 %",
			"3 tone ramp: coverage 75 %, control 50 %, treatment 50 %",
		},
	},
}

// TestKilled kills a run at every instant. Run again as of the same instant it
// ends as if nothing had happened: nothing is lost, and nothing is done twice.
func TestKilled(t *testing.T) {
	leaveOut(t)
	for kind, use := range stores() {
		for name, story := range stories {
			for _, instant := range instantsOfRun {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, name, instant), func(t *testing.T) {
					t.Parallel()
					w := newCrashWorld(t, story.failing)
					use(t, w)
					w.run(t, "2026-11-02", instant)
					for i, date := range []string{"2026-11-02", "2026-11-03", "2026-11-04"} {
						w.run(t, date, "")
						if got := w.state(t); got != story.states[i] {
							t.Errorf("as of %s: %s, want %s", date, got, story.states[i])
						}
					}
					w.check(t, story.applied...)
				})
			}
		}
	}
}

// TestKilledAndLate kills a run at every instant; the next one is a day later.
// Where the change arrived only then, or nobody knew when, a step has no units
// yet, and the next one comes a day later.
func TestKilledAndLate(t *testing.T) {
	leaveOut(t)
	for kind, use := range stores() {
		for name, story := range stories {
			for _, instant := range instantsOfRun {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, name, instant), func(t *testing.T) {
					t.Parallel()
					w := newCrashWorld(t, story.failing)
					use(t, w)
					w.run(t, "2026-11-02", instant)
					steps := 1
					if instant == "after-attempt" { // It was all done.
						steps = 2
					}
					if name == "rollback" {
						steps = 1
					}
					for i, date := range []string{"2026-11-03", "2026-11-04"} {
						w.run(t, date, "")
						want := story.states[min(i+steps-1, 2)]
						if got := w.state(t); got != want {
							t.Errorf("as of %s: %s, want %s", date, got, want)
						}
					}
					applied := story.applied[:min(len(story.applied), steps+1)]
					if kind == "silent webhook" && name == "ramp" && instant == "after-delivery" {
						// It has the step, and nobody knows: what widens waits for the look, which
						// decides the same state again.
						applied = []string{
							"1 tone ramp: coverage 25 %, control 50 %, treatment 50 %", "2 tone ramp: coverage 25 %, control 50 %, treatment 50 %",
							"3 tone ramp: coverage 50 %, control 50 %, treatment 50 %",
						}
					}
					w.check(t, applied...)
				})
			}
		}
	}
}

// TestKilledAgainAndAgain kills run after run, each at another instant, in both
// orders.
func TestKilledAgainAndAgain(t *testing.T) {
	orders := map[string][]string{
		"onward":   {"before-ledger", "after-ledger", "before-delivery", "after-delivery", "after-delivery", "after-attempt"},
		"backward": {"before-delivery", "before-delivery", "after-delivery", "before-delivery"},
	}
	for kind, use := range stores() {
		for name, story := range stories {
			for order, instants := range orders {
				t.Run(fmt.Sprintf("%s/%s/%s", kind, name, order), func(t *testing.T) {
					t.Parallel()
					w := newCrashWorld(t, story.failing)
					use(t, w)
					for _, instant := range instants {
						w.run(t, "2026-11-02", instant)
					}
					for i, date := range []string{"2026-11-02", "2026-11-03", "2026-11-04"} {
						w.run(t, date, "")
						if got := w.state(t); got != story.states[i] {
							t.Errorf("as of %s: %s, want %s", date, got, story.states[i])
						}
					}
					w.check(t, story.applied...)
				})
			}
		}
	}
}
