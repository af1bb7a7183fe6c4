package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"assay/ledger"
)

// late makes the tables that grow by day from those with all rows: a row comes
// in up to a day after its time. Some users are exposed again, a few of them in
// another variation.
const late = `
ALTER TABLE exposures RENAME TO all_exposures;
ALTER TABLE responses RENAME TO all_responses;
ALTER TABLE tickets RENAME TO all_tickets;
INSERT INTO all_exposures
SELECT user_id, exposed_at + INTERVAL 30 HOUR, experiment_id,
  CASE WHEN hash(user_id) % 100 = 0 THEN 'control' ELSE variation_id END, 'watch'
FROM all_exposures WHERE hash(user_id, 1) % 3 = 0;
CREATE TABLE exposures AS FROM all_exposures LIMIT 0;
CREATE TABLE responses AS FROM all_responses LIMIT 0;
CREATE TABLE tickets AS FROM all_tickets LIMIT 0;
`

// load brings in what has come in by a day.
func load(dir, day string) error {
	var text strings.Builder
	for table, ts := range map[string]string{"exposures": "exposed_at", "responses": "ts", "tickets": "opened_at"} {
		fmt.Fprintf(&text, "CREATE OR REPLACE TABLE %[1]s AS FROM all_%[1]s WHERE %[2]s + INTERVAL (hash(user_id, %[2]s) %% 1440) MINUTE < TIMESTAMP '%[3]s';\n", table, ts, day)
	}
	return runSQL(filepath.Join(dir, "warehouse.duckdb"), text.String())
}

// incrementalWorld is the example with every kind of metric, twice: looked at
// from what looks keep, and from everything.
type incrementalWorld struct {
	t         *testing.T
	kept, all string
}

func newIncrementalWorld(t *testing.T) *incrementalWorld {
	t.Helper()
	w := &incrementalWorld{t: t, kept: t.TempDir(), all: t.TempDir()}
	for _, dir := range []string{w.kept, w.all} {
		if err := os.CopyFS(dir, os.DirFS("../../docs/examples/metrics")); err != nil {
			t.Fatal(err)
		}
		script, err := os.ReadFile(filepath.Join(dir, "make.sql"))
		if err != nil {
			t.Fatal(err)
		}
		if err := runSQL(filepath.Join(dir, "warehouse.duckdb"), string(script)+late); err != nil {
			t.Fatal(err)
		}
		// What cannot be kept gets a source of its own, so that the rest can.
		w.edit(dir, "  tickets:\n    identifiers", "  log:\n    identifiers: [user_id]\n    key: response_id\n"+
			"    sql: SELECT user_id, ts AS timestamp, response_id, failed, latency_ms, cost, topic, body FROM responses\n\n  tickets:\n    identifiers")
		for _, metric := range []string{"recent_responses", "topics", "active_days", "p95_latency"} {
			w.move(dir, metric)
		}
	}
	for _, dir := range []string{w.kept, w.all} {
		c := crashWorld{dir: dir}
		c.edit(t, filepath.Join("experiments", "kinds.yaml"), "days_since_exposure: 5\n", "") // Days are not kept.
	}
	w.edit(w.kept, "identifiers:\n", "incremental: {overlap: 1d}\n\nidentifiers:\n")
	return w
}

func (w *incrementalWorld) edit(dir, old, text string) {
	w.t.Helper()
	c := crashWorld{dir: dir}
	c.edit(w.t, "assay.yaml", old, text)
}

// move gives a metric the other source.
func (w *incrementalWorld) move(dir, metric string) {
	w.t.Helper()
	path := filepath.Join(dir, "assay.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), "\n  "+metric+":\n")
	if !ok {
		w.t.Fatalf("no metric %s", metric)
	}
	after = strings.Replace(after, "source: responses", "source: log", 1)
	if err := os.WriteFile(path, []byte(before+"\n  "+metric+":\n"+after), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// look looks as of a day from both sides, compares what they say and returns
// that of the one that keeps.
func (w *incrementalWorld) look(day string, args ...string) ledger.Look {
	w.t.Helper()
	var looks []ledger.Look
	for _, dir := range []string{w.kept, w.all} {
		if err := load(dir, day); err != nil {
			w.t.Fatal(err)
		}
		list := []string{"run", "--as-of", day, "--now", day + "T00:02:00Z"}
		if dir == w.kept {
			list = append(list, args...)
		}
		if out, err := program(w.t.Context(), dir, list...).CombinedOutput(); err != nil {
			w.t.Fatalf("%v\n%s", err, out)
		}
		looks = append(looks, w.reported(dir))
	}
	w.compare(day, looks[0], looks[1])
	return looks[0]
}

func (w *incrementalWorld) reported(dir string) ledger.Look {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report", "kinds", "report.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var look ledger.Look
	if err := json.Unmarshal(text, &look); err != nil {
		w.t.Fatal(err)
	}
	return look
}

// compare finds where two looks differ by more than the order in which an engine
// adds, beside what they scanned.
func (w *incrementalWorld) compare(day string, got, want ledger.Look) {
	w.t.Helper()
	if got.Failed != "" || want.Failed != "" {
		w.t.Fatalf("%s: failed: %s %s", day, got.Failed, want.Failed)
	}
	for _, look := range []*ledger.Look{&got, &want} {
		look.Statements, look.Incremental = nil, nil
		look.Health.Problems = slices.DeleteFunc(slices.Clone(look.Health.Problems), func(f ledger.Finding) bool { return f.Code == "state_lost" })
	}
	var sides [2]any
	for i, look := range []ledger.Look{got, want} {
		text, err := json.Marshal(look)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(text, &sides[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	differences(day, sides[0], sides[1], func(text string) { w.t.Errorf("%s", text) })
}

// differences walks two documents.
func differences(at string, got, want any, tell func(string)) {
	switch g := got.(type) {
	case map[string]any:
		other, _ := want.(map[string]any)
		if len(other) != len(g) {
			tell(fmt.Sprintf("%s: %d keys, want %d", at, len(g), len(other)))
			return
		}
		for key := range g {
			differences(at+"."+key, g[key], other[key], tell)
		}
	case []any:
		other, _ := want.([]any)
		if len(other) != len(g) {
			tell(fmt.Sprintf("%s: %d items, want %d", at, len(g), len(other)))
			return
		}
		for i := range g {
			differences(fmt.Sprintf("%s[%d]", at, i), g[i], other[i], tell)
		}
	case float64:
		other, ok := want.(float64)
		if !ok || math.Abs(g-other) > 1e-9*math.Abs(other)+1e-12 {
			tell(fmt.Sprintf("%s: %v, want %v", at, got, want))
		}
	default:
		if got != want {
			tell(fmt.Sprintf("%s: %v, want %v", at, got, want))
		}
	}
}

// since says what a look scanned: "all", "new", or why it scans all.
func since(look ledger.Look) string {
	if look.Incremental == nil {
		return "nothing kept"
	}
	word := func(known bool) string {
		if known {
			return "new"
		}
		return "all"
	}
	out := "units " + word(look.Incremental.Since != nil)
	for _, s := range look.Incremental.Sources {
		if s.Whole != "" {
			out += ", " + s.Source + " whole"
			continue
		}
		out += ", " + s.Source + " " + word(s.Since != nil)
	}
	return out
}

// TestIncremental: day by day, with late rows and units that turn out to be in
// several variations, a look from what was kept says what one from everything
// does.
func TestIncremental(t *testing.T) {
	if testing.Short() {
		t.Skip("a month of looks, one after the other")
	}
	w := newIncrementalWorld(t)
	file := filepath.Join(w.kept, "kept", "kinds.duckdb")
	for _, step := range []struct {
		day, want string
		args      []string
		before    func()
	}{
		{day: "2026-11-03", want: "units all, log whole, responses all, tickets all"},
		{day: "2026-11-04", want: "units new, log whole, responses new, tickets new"},
		{day: "2026-11-05", want: "units new, log whole, responses new, tickets new"},
		// Another definition of a metric: its source is scanned anew.
		{day: "2026-11-06", want: "units new, log whole, responses all, tickets new", before: func() {
			for _, dir := range []string{w.kept, w.all} {
				w.edit(dir, "max_length: 60", "max_length: 55")
			}
		}},
		{day: "2026-11-07", want: "units new, log whole, responses new, tickets new"},
		{day: "2026-11-08", want: "units all, log whole, responses all, tickets all", args: []string{"--full"}},
		{day: "2026-11-09", want: "units new, log whole, responses new, tickets new"},
		// Damaged: everything is scanned, and said so.
		{day: "2026-11-10", want: "nothing kept", before: func() {
			if err := os.WriteFile(file, []byte("no database"), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{day: "2026-11-11", want: "units all, log whole, responses all, tickets all", before: func() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}},
		{day: "2026-11-12", want: "units new, log whole, responses new, tickets new"},
	} {
		if step.before != nil {
			step.before()
		}
		look := w.look(step.day, step.args...)
		if got := since(look); got != step.want {
			t.Errorf("%s: scanned %s; want %s", step.day, got, step.want)
		}
		lost := slices.ContainsFunc(look.Health.Problems, func(f ledger.Finding) bool { return f.Code == "state_lost" })
		if lost != (step.want == "nothing kept") {
			t.Errorf("%s: problems: %+v", step.day, look.Health.Problems)
		}
		if look.Health.Multiple == 0 && step.day > "2026-11-05" {
			t.Errorf("%s: no unit in several variations", step.day)
		}
	}
	// A backfill and a dry run scan everything and leave what is kept alone.
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--as-of", "2026-11-02"}, {"--as-of", "2026-11-13", "--dry-run"}} {
		if out, err := program(t.Context(), w.kept, append([]string{"run", "--now", "2026-11-13T00:02:00Z"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("a backfill or a dry run changed what is kept")
	}
}

// TestIncrementalKilled: killed when the units were kept and the facts were not,
// and again when all was and the ledger had no entry, a look comes out the same when
// it is taken again.
func TestIncrementalKilled(t *testing.T) {
	w := newIncrementalWorld(t)
	w.look("2026-11-03")
	for _, day := range []string{"2026-11-04", "2026-11-05"} {
		if err := load(w.kept, day); err != nil {
			t.Fatal(err)
		}
		for _, instant := range []string{"kept", "before-ledger"} {
			cmd := program(t.Context(), w.kept, "run", "--as-of", day, "--now", day+"T00:02:00Z")
			cmd.Env = append(os.Environ(), killEnv+"="+instant)
			out, err := cmd.CombinedOutput()
			e, ok := errors.AsType[*exec.ExitError](err)
			if !ok || e.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("not killed at %s: %v\n%s", instant, err, out)
			}
		}
		w.look(day)
	}
}
