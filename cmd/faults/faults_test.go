package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

// cells is a sweep as tracing gives it.
var cells = []cell{{storeFile, storyHarm, "before-ledger", false}, {storeSilent, storyHarmless, "statement/2", true}}

func TestPlanRepeats(t *testing.T) {
	for n := 1; n <= 60; n++ {
		a, b := plan(7, n, 60, cells), plan(7, n, 60, cells)
		if a.String() != b.String() {
			t.Fatalf("the seed does not repeat scenario %d:\n%s%s", n, a, b)
		}
	}
	if plan(7, 50, 60, cells).String() == plan(8, 50, 60, cells).String() {
		t.Error("another seed gives the same scenario")
	}
}

// TestPlanMeetsEverything holds chance to every kind of fault, and to those that
// can meet one attempt together.
func TestPlanMeetsEverything(t *testing.T) {
	seen := map[string]bool{}
	for n := 1; n <= 1500; n++ {
		for _, d := range plan(1, n, 1500, cells).days {
			for _, a := range d.tries {
				for i, f := range a.faults {
					seen[f.kind] = true
					for _, g := range a.faults[:i] {
						if clash(kindOf(f.kind), kindOf(g.kind)) {
							t.Fatalf("%s and %s meet", f, g)
						}
					}
				}
			}
		}
	}
	for _, k := range kinds {
		if !seen[k.name] {
			t.Errorf("%s is never planned", k.name)
		}
	}
}

// someLedger has nine records.
func someLedger(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), log: io.Discard, met: map[string]int{}}
	l, err := ledger.Open(w.path("ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		if err := l.Append(asOf(i+1), ledger.Clear{Experiment: "harm", Note: "note", AsOf: asOf(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestForgeriesAreFound changes a ledger in every way, at many places.
func TestForgeriesAreFound(t *testing.T) {
	w := someLedger(t)
	path, done := w.path("ledger.jsonl"), map[string]int{}
	for draw := range uint64(400) {
		name, undo, err := w.tamper(draw)
		if err != nil {
			t.Fatal(err)
		}
		done[name]++
		if _, ok := errors.AsType[*ledger.TamperError](ledger.Verify(path)); !ok {
			t.Fatalf("%s, draw %d: not found", name, draw)
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Verify(path); err != nil {
			t.Fatalf("%s, draw %d: put back: %v", name, draw, err)
		}
	}
	for _, f := range forgers {
		if done[f.name] == 0 {
			t.Errorf("%s was never tried", f.name)
		}
	}
}

// TestOnceFindsFaults holds the check to what it is there for.
func TestOnceFindsFaults(t *testing.T) {
	look := func(seq int64, id string, owed ...string) ledger.Entry[ledger.Look] {
		e := ledger.Entry[ledger.Look]{Seq: seq, Body: ledger.Look{ID: id}}
		for _, d := range owed {
			e.Body.Deliveries = append(e.Body.Deliveries, ledger.Delivery{ID: d})
		}
		return e
	}
	end := func(id, outcome, message string) ledger.Entry[ledger.Attempt] {
		return ledger.Entry[ledger.Attempt]{Body: ledger.Attempt{Delivery: id, Outcome: outcome, Message: message}}
	}
	delivered := end("d1", ledger.OutcomeDelivered, "")
	holding := func(e ledger.Entry[ledger.Look]) ledger.Entry[ledger.Look] {
		e.Body.Decision.Verdict = decide.Hold
		return e
	}
	for name, c := range map[string]struct {
		history ledger.History
		want    string
	}{
		"as it should be": {ledger.History{Looks: []ledger.Entry[ledger.Look]{look(1, "a", "d1")}, Attempts: []ledger.Entry[ledger.Attempt]{delivered}}, ""},
		"lost":            {ledger.History{Looks: []ledger.Entry[ledger.Look]{look(1, "a", "d1")}}, "was lost"},
		"ended twice":     {ledger.History{Looks: []ledger.Entry[ledger.Look]{look(1, "a", "d1")}, Attempts: []ledger.Entry[ledger.Attempt]{delivered, delivered}}, "ended twice"},
		"decided twice":   {ledger.History{Looks: []ledger.Entry[ledger.Look]{look(1, "a"), look(2, "a")}}, "decided twice"},
		"dropped":         {ledger.History{Looks: []ledger.Entry[ledger.Look]{look(1, "a", "d1")}, Attempts: []ledger.Entry[ledger.Attempt]{end("d1", ledger.OutcomeSuperseded, "why")}}, "without a newer look against it"},
		"held back":       {ledger.History{Looks: []ledger.Entry[ledger.Look]{look(1, "a", "d1"), holding(look(2, "b"))}, Attempts: []ledger.Entry[ledger.Attempt]{end("d1", ledger.OutcomeSuperseded, "why")}}, ""},
	} {
		w := &world{}
		w.once("harm", &c.history)
		got := strings.Join(w.wrong, "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestRespectedFindsFaults has a change made over a person's.
func TestRespectedFindsFaults(t *testing.T) {
	history := func(expected decide.Allocation) *ledger.History {
		state := covering(0.25)
		return &ledger.History{
			Looks:    []ledger.Entry[ledger.Look]{{Seq: 1, Body: ledger.Look{Deliveries: []ledger.Delivery{{ID: "d", Expected: expected, Target: state}}}}},
			Attempts: []ledger.Entry[ledger.Attempt]{{Seq: 2, Body: ledger.Attempt{Delivery: "d", Outcome: ledger.OutcomeDelivered, State: &state}}},
		}
	}
	for name, c := range map[string]struct {
		expected decide.Allocation
		wrong    int
	}{"made over it": {covering(0.1), 1}, "decided on it": {covering(0.2), 0}} {
		w := &world{receiver: &receiver{flags: map[string]held{"harm": {state: covering(0.25)}}}, edits: []edit{{"harm", covering(0.2), 1}}}
		if w.respected("harm", history(c.expected)); len(w.wrong) != c.wrong {
			t.Errorf("%s: %v", name, w.wrong)
		}
	}
}

func TestReceiverFindsFaults(t *testing.T) {
	r := newReceiver(storeForgetful)
	defer r.close()
	r.set("harm", covering(0.2))
	over := &change{}
	over.Data.ID, over.Data.FlagKey, over.Data.Expected, over.Data.Target = "d", "harm", covering(0.1), sole("control")
	if got := r.apply(over); got != http.StatusNoContent || len(r.faults) != 1 {
		t.Errorf("%d, %v", got, r.faults)
	}
	r.remembers = true
	if r.apply(over); r.applied["d"] != 1 {
		t.Errorf("applied %d times", r.applied["d"])
	}
}

func TestSecretsAreFound(t *testing.T) {
	w := &world{dir: t.TempDir()}
	for name, text := range map[string]string{"a": "nothing", "b": "http://127.0.0.1/" + hookToken, "c": hookSecret} {
		if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.noSecrets(); err != nil || len(w.wrong) != 2 {
		t.Errorf("%v, %v", err, w.wrong)
	}
}

// TestMostFalse compares with binomial tails: of 20 and 22 with chance 5 %, six
// or more come about with 0.0003 and 0.0006, five or more with 0.0026 and 0.004.
func TestMostFalse(t *testing.T) {
	for n, want := range map[int]int{1: 1, 20: 5, 22: 5} {
		if got := mostFalse(n, 0.05); got != want {
			t.Errorf("of %d: %d, want %d", n, got, want)
		}
	}
}

func TestLives(t *testing.T) {
	all := lives()
	var names []string
	for _, l := range all {
		names = append(names, l.name)
		if l.start+l.length >= thirtyDays {
			t.Errorf("%s ends on day %d", l.name, l.start+l.length)
		}
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != 50 {
		t.Errorf("%d lives, want 50", len(names))
	}
}

// TestFlagFileRoundTrip writes as a person does and reads as the product does.
func TestFlagFileRoundTrip(t *testing.T) {
	dir := t.TempDir()
	if err := writeProject(dir, scenario{store: storeFile, stories: []string{storyHarm}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "flags.json")
	for _, want := range append(wishes, covering(0.1)) {
		if err := writeFlag(path, storyHarm, want); err != nil {
			t.Fatal(err)
		}
		got, err := readSplit(path, storyHarm, []string{"control", "treatment"})
		if err != nil || cmp.Diff(serves(want), serves(got)) != "" {
			t.Errorf("wrote %s, read %s, %v", serves(want), serves(got), err)
		}
	}
}

// TestCampaign plays a few scenarios with a binary of its own.
func TestCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a binary")
	}
	o := options{assay: filepath.Join(t.TempDir(), "assay"), seed: 5, runs: 12, workers: 2, dir: t.TempDir()}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-tags", "faults", "-o", o.assay, "../assay")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var out bytes.Buffer
	if err := campaign(ctx, o, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "12 scenarios") || !strings.Contains(out.String(), "0 failed") {
		t.Error(out.String())
	}
}

// TestProjectsLoad: what the scenarios and the lives are written as has no problem.
func TestProjectsLoad(t *testing.T) {
	env := func(name string) (string, bool) {
		return map[string]string{"HOOK_URL": "http://127.0.0.1:9/x", "HOOK_SECRET": hookSecret}[name], true
	}
	load := func(what, dir string) {
		t.Helper()
		if _, problems, err := spec.Load(dir, env); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", what, err, problems)
		}
	}
	for _, store := range storeKinds {
		for _, tabled := range []bool{false, true} {
			dir := t.TempDir()
			if err := writeProject(dir, scenario{store: store, stories: stories, tabled: tabled}); err != nil {
				t.Fatal(err)
			}
			load(store, dir)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "assay.yaml"), []byte(lifeProject()), 0o600); err != nil {
		t.Fatal(err)
	}
	load("lives", dir)
}
