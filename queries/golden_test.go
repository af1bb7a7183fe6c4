package queries_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/queries"
	"assay/spec"
)

// example is one experiment that takes every path: all kinds, a join, epochs,
// dimensions, a time zone, repeats, and windows of different lengths.
func example() (*spec.Project, *spec.Experiment, queries.Look) {
	days := func(n int) spec.Duration { return spec.Duration{Duration: time.Duration(n) * day} }
	p := &spec.Project{Config: spec.Config{
		Version:     1,
		Identifiers: map[string]spec.Identifier{"user_id": {Type: "text"}, "conversation_id": {}},
		Assignments: map[string]spec.Assignment{"exposures": {
			Identifier: "user_id", Dimensions: []string{"platform", "app_version"},
			SQL: "SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version\n" +
				"FROM exposures\nWHERE experiment_id = {{experiment}}\n  AND exposed_at >= {{start}} AND exposed_at < {{end}}",
		}},
		Joins: map[string]spec.Join{"owner": {
			Identifiers: []string{"conversation_id", "user_id"}, Timestamp: true, Timezone: "Europe/Berlin",
			SQL: "SELECT conversation_id, user_id, started_at AS timestamp FROM conversations",
		}},
		Facts: map[string]spec.Source{
			"events": {
				Identifiers: []string{"user_id"}, Key: "event_id",
				SQL: "SELECT user_id, ts AS timestamp, event_id, event, amount, is_error\nFROM events\nWHERE ts >= {{start}} AND ts < {{end}}",
			},
			"feedback": {
				Identifiers: []string{"conversation_id"}, Timezone: "Europe/Berlin",
				SQL: "SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback",
			},
		},
		Metrics: map[string]spec.Metric{
			"purchases":       {Kind: "count", Source: "events", Where: "event = 'purchase'", Window: days(3)},
			"revenue":         {Kind: "sum", Source: "events", Where: "event = 'purchase'", Value: "amount", Window: days(3)},
			"refunds":         {Kind: "sum", Source: "events", Where: "event = 'refund'", Value: "amount", Window: days(7), CompleteOnly: true},
			"errors":          {Kind: "proportion", Source: "events", Where: "is_error", Window: days(3)},
			"price":           {Kind: "mean", Source: "events", Where: "event = 'purchase'", Value: "amount", Window: days(3), PastEnd: true},
			"value_per_event": {Kind: "ratio", Source: "events", Numerator: &spec.Part{Value: "amount"}, Denominator: &spec.Part{}, Window: days(3)},
			"thumbs_down":     {Kind: "proportion", Source: "feedback", Where: "thumbs_down", Delay: spec.Duration{Duration: time.Hour}, Window: days(1), CompleteOnly: true},
			"score":           {Kind: "mean", Source: "feedback", Value: "score"},
			"usual_revenue":   {Kind: "sum", Source: "events", Where: "event = 'purchase'", Value: "amount", Window: days(3), Scale: "log"},
			"usual_score":     {Kind: "mean", Source: "feedback", Value: "score", Scale: "log"},
			"spend":           {Kind: "sum", Source: "events", Where: "event = 'purchase'", Value: "amount", Cap: &spec.Cap{Percentile: 0.99}, Covariate: days(14)},
			"basket":          {Kind: "ratio", Source: "events", Numerator: &spec.Part{Value: "amount", Cap: &spec.Cap{At: ptr(500.0)}}, Denominator: &spec.Part{}, Covariate: days(7)},
			"dearest":         {Kind: "max", Source: "events", Where: "event = 'purchase'", Value: "amount", Lookback: days(7)},
			"kinds_of_event":  {Kind: "distinct", Source: "events", Value: "event"},
			"came_back":       {Kind: "retention", Source: "events", Delay: days(1), Window: days(1), CompleteOnly: true},
			"heavy_buyer":     {Kind: "proportion", Source: "events", Total: &spec.Total{Of: "sum", Value: "amount", Over: ptr(1000.0)}},
			"days_active":     {Kind: "daily_participation", Source: "feedback", Window: days(7)},
			"p95_score":       {Kind: "quantile", Source: "feedback", Value: "score", Quantile: 0.95, Of: "event"},
			"typical_score":   {Kind: "quantile", Source: "feedback", Value: "score", Quantile: 0.5, Of: "unit", PerUnit: "mean"},
			"bad_format": {Kind: "proportion", Source: "feedback", Rule: &spec.Rule{
				Text: "comment", MinLength: 2, MaxLength: 4000, JSON: true, Matches: `"answer"`, Lacks: `(?i)\bas an ai\b`,
			}},
		},
	}}
	e := &spec.Experiment{
		Name: "answer-v2", Assignment: "exposures", ExperimentID: "answer's v2",
		Start: spec.Instant{Time: start}, Duration: days(14), PlannedUnits: 10000,
		Variations: []spec.Variation{{ID: "v1", KnownGood: true}, {ID: "v2"}},
		Guardrails: []spec.Use{{Metric: "errors"}, {Metric: "thumbs_down"}, {Metric: "refunds"}},
		Goals:      []spec.Use{{Metric: "revenue"}, {Metric: "value_per_event"}},
		Secondary:  []spec.Use{{Metric: "purchases"}, {Metric: "price"}, {Metric: "score"}, {Metric: "revenue"}, {Metric: "usual_revenue"}, {Metric: "usual_score"}},
	}
	for _, name := range []string{
		"spend", "basket", "dearest", "kinds_of_event", "came_back", "heavy_buyer", "days_active", "p95_score", "typical_score", "bad_format",
	} {
		e.Secondary = append(e.Secondary, spec.Use{Metric: name})
	}
	ramp := start.Add(2*day + 3*time.Hour)
	look := queries.Look{AsOf: start.Add(10 * day), Skewed: true, Epochs: []queries.Epoch{
		{Start: start, Settled: start}, {Start: ramp, Settled: ramp.Add(10 * time.Minute)},
	}}
	return p, e, look
}

// TestGolden shows every statement in every dialect.
func TestGolden(t *testing.T) {
	for _, name := range queries.DialectNames() {
		t.Run(name, func(t *testing.T) {
			d, err := queries.DialectOf(name)
			if err != nil {
				t.Fatal(err)
			}
			p, e, look := example()
			script, err := queries.Render(p, e, look, d)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", name+".sql"), listing(script))
		})
	}
}

// TestGoldenTraffic shows the statements of a checkup of the traffic.
func TestGoldenTraffic(t *testing.T) {
	for _, name := range queries.DialectNames() {
		d, err := queries.DialectOf(name)
		if err != nil {
			t.Fatal(err)
		}
		p, e, look := example()
		a := p.Config.Assignments[e.Assignment]
		a.AssignedAt = "assigned_at"
		p.Config.Assignments[e.Assignment] = a
		checkup, err := queries.RenderTraffic(p, e, look, d)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, s := range checkup.All()[1:] {
			fmt.Fprintf(&out, "-- === %s: %s\n%s\n", s.Name, s.Purpose, s.SQL)
		}
		golden(t, filepath.Join("testdata", "traffic_"+name+".sql"), out.String())
	}
}

func listing(script *queries.Script) string {
	var out strings.Builder
	for _, s := range append(script.All(), script.Checks()...) {
		fmt.Fprintf(&out, "-- === %s: %s\n%s\n", s.Name, s.Purpose, s.SQL)
	}
	return out.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-golden +now; rewrite with -update):\n%s", path, d)
	}
}

const exampleTables = `
CREATE TABLE exposures (user_id VARCHAR, exposed_at TIMESTAMP, experiment_id VARCHAR, variation_id VARCHAR, platform VARCHAR, app_version VARCHAR);
CREATE TABLE conversations (conversation_id VARCHAR, user_id VARCHAR, started_at TIMESTAMP);
CREATE TABLE events (user_id VARCHAR, ts TIMESTAMP, event_id BIGINT, event VARCHAR, amount DOUBLE, is_error BOOLEAN);
CREATE TABLE feedback (conversation_id VARCHAR, ts TIMESTAMP, thumbs_down BOOLEAN, score INTEGER, comment VARCHAR);
CREATE TABLE accounts AS SELECT 'u' || i AS user_id, 'basic' AS plan FROM range(50) t(i);
INSERT INTO exposures SELECT 'u' || i, TIMESTAMP '2026-03-21' + INTERVAL (i) HOUR, 'answer''s v2', 'v' || (i % 2 + 1), 'web', '1.0' FROM range(100) t(i);
INSERT INTO conversations SELECT 'c' || i, 'u' || i, TIMESTAMP '2026-03-01' FROM range(100) t(i);
INSERT INTO events SELECT 'u' || (i % 120), TIMESTAMP '2026-03-21' + INTERVAL (i) MINUTE, i, 'purchase', i, i % 9 = 0 FROM range(9000) t(i);
INSERT INTO feedback SELECT 'c' || (i % 120), TIMESTAMP '2026-03-21' + INTERVAL (i) MINUTE, i % 9 = 0, i, '{"answer": ' || i || '}' FROM range(9000) t(i);
`

// TestExampleRuns runs every statement of the example on an engine, and reads
// from the engine's own plan that a facts statement scans its source once and
// nothing else but the units and the links.
func TestExampleRuns(t *testing.T) {
	p, e, look := example()
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	exec := func(text string) {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	exec("SET TimeZone = 'UTC'")
	exec(exampleTables)
	for _, s := range append(script.All(), script.Checks()...) {
		exec(s.SQL)
	}
	// A percentile of all units counts them besides.
	want := []map[string]int{{"events": 1, "assay_units": 2}, {"feedback": 1, "assay_units": 1, "assay_links_owner": 1}}
	for i, f := range script.Facts {
		if d := cmp.Diff(want[i], scans(t, db, f.SQL)); d != "" {
			t.Errorf("scans of %s (-want +plan):\n%s", f.Source, d)
		}
	}
}

// TestAcrossTwoSources shows the statements of a ratio over two sources, sliced and
// with an activation metric, and that each source is still scanned once.
func TestAcrossTwoSources(t *testing.T) {
	p, e, look := example()
	p.Config.Metrics["complaints"] = spec.Metric{
		Kind: "ratio", Source: "events", Numerator: &spec.Part{Source: "feedback", Where: "thumbs_down"}, Denominator: &spec.Part{},
		Window: spec.Duration{Duration: 3 * day}, Covariate: spec.Duration{Duration: 7 * day},
	}
	e.Guardrails, e.Goals, e.Secondary = []spec.Use{{Metric: "complaints"}}, nil, []spec.Use{{Metric: "purchases"}, {Metric: "refunds"}}
	p.Config.Traits = map[string]spec.Trait{"plan": {Identifier: "user_id", SQL: "SELECT user_id, plan AS value FROM accounts"}}
	e.Slices, e.Activation = []string{"platform", "plan"}, "thumbs_down"
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "across.sql"), listing(script))
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), exampleTables); err != nil {
		t.Fatal(err)
	}
	total := map[string]int{}
	for _, s := range script.All() {
		for table, n := range scans(t, db, s.SQL) {
			total[table] += n
		}
		if _, err := db.ExecContext(t.Context(), s.SQL); err != nil {
			t.Fatalf("%v\n%s", err, s.SQL)
		}
	}
	// Feedback is also where activations are looked for.
	for source, want := range map[string]int{"events": 1, "feedback": 2, "exposures": 1, "accounts": 1} {
		if total[source] != want {
			t.Errorf("%s is scanned %d times, want %d", source, total[source], want)
		}
	}
}

// TestManyMetricsOneScan holds the promise of one scan for twenty metrics, told
// apart by their event or not.
func TestManyMetricsOneScan(t *testing.T) {
	for _, where := range []string{"event = 'e%d'", "amount > %d", ""} {
		p, e, look := example()
		e.Guardrails, e.Goals, e.Secondary = nil, nil, nil
		for i := range 20 {
			name := fmt.Sprintf("m%d", i)
			m := spec.Metric{Kind: "sum", Source: "events", Value: fmt.Sprintf("amount + %d", i), Window: spec.Duration{Duration: time.Duration(1+i%3) * day}}
			if where != "" {
				m.Where = fmt.Sprintf(where, i)
			}
			p.Config.Metrics[name] = m
			e.Secondary = append(e.Secondary, spec.Use{Metric: name})
		}
		script, err := queries.Render(p, e, look, queries.DuckDB)
		if err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("duckdb", "")
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(t.Context(), exampleTables+script.Units.SQL); err != nil {
			t.Fatal(err)
		}
		want := map[string]int{"events": 1, "assay_units": 1}
		if d := cmp.Diff(want, scans(t, db, script.Facts[0].SQL)); d != "" {
			t.Errorf("where %q: scans (-want +plan):\n%s", where, d)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// node is an operator of the engine's plan.
type node struct {
	Name     string         `json:"name"`
	Children []node         `json:"children"`
	Info     map[string]any `json:"extra_info"`
}

// scans counts the scans of each table in the engine's plan.
func scans(t *testing.T, db *sql.DB, query string) map[string]int {
	t.Helper()
	var kind, text string
	if err := db.QueryRowContext(t.Context(), "EXPLAIN (FORMAT json) "+query).Scan(&kind, &text); err != nil {
		t.Fatal(err)
	}
	var roots []node
	if err := json.Unmarshal([]byte(text), &roots); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	var walk func(node)
	walk = func(n node) {
		if table, ok := n.Info["Table"].(string); ok {
			out[table[strings.LastIndex(table, ".")+1:]]++
		} else if strings.Contains(n.Name, "SCAN") {
			out[n.Name]++
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	for _, n := range roots {
		walk(n)
	}
	return out
}
