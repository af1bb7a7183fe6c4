package main

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

// TestKinds runs the example that has every kind of metric through the program,
// and compares what it says of each arm with a query written by hand.
func TestKinds(t *testing.T) {
	if testing.Short() {
		t.Skip("one look, at which nothing happens at once")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../docs/examples/metrics")); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(dir, "make.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if err := runSQL(filepath.Join(dir, "warehouse.duckdb"), string(script)); err != nil {
		t.Fatal(err)
	}
	out, err := program(t.Context(), dir, "run", "--as-of", "2026-11-08", "--now", "2026-11-08T00:02:00Z").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report", "kinds", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var look ledger.Look
	if err := json.Unmarshal(text, &look); err != nil {
		t.Fatal(err)
	}
	if len(look.Health.Problems) > 0 || look.Failed != "" {
		t.Errorf("problems: %+v %s", look.Health.Problems, look.Failed)
	}
	db, err := sql.Open("duckdb", filepath.Join(dir, "warehouse.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	kinds := map[string]bool{}
	for _, m := range look.Metrics {
		kinds[m.Kind] = true
		query, ok := byHand[m.Name]
		if !ok {
			t.Errorf("%s has no query by hand", m.Name)
			continue
		}
		for _, arm := range m.Arms {
			var value, pre float64
			if err := db.QueryRowContext(t.Context(), usersByHand+query, arm.Variation).Scan(&value, &pre); err != nil {
				t.Fatalf("%s: %v", m.Name, err)
			}
			got, gotPre := arm.Moments.Mean, arm.Moments.Pre.Mean
			if m.Kind == "ratio" {
				got, gotPre = got/arm.Moments.DenMean, gotPre/arm.Moments.Pre.DenMean
			}
			if math.Abs(got-value) > 1e-9*value || pre > 0 && math.Abs(gotPre-pre) > 1e-9*pre || value == 0 {
				t.Errorf("%s of %s: %.12g and %.12g before, by hand %.12g and %.12g", m.Name, arm.Variation, got, gotPre, value, pre)
			}
		}
		for _, c := range m.Comparisons {
			if c.Status != "ok" {
				t.Errorf("%s: %s %s", m.Name, c.Status, c.Note)
			}
			if covariate := m.Name == "cost" || m.Name == "cost_per_response"; c.Kept.Known != covariate {
				t.Errorf("%s: adjusted %+v (%s)", m.Name, c.Kept, c.Note)
			}
		}
	}
	checkSlices(t, db, look)
	checkDays(t, db, look)
	field, _ := reflect.TypeFor[spec.Metric]().FieldByName("Kind")
	for kind := range strings.SplitSeq(field.Tag.Get("enum"), ",") {
		if !kinds[kind] {
			t.Errorf("the example has no %s", kind)
		}
	}
}

// checkSlices compares one metric by platform, and that of plans, of which there
// are thirty besides users without one, the rest.
func checkSlices(t *testing.T, db *sql.DB, look ledger.Look) {
	t.Helper()
	seen := map[string]int{}
	for _, m := range look.Metrics {
		if sliced := m.Kind != "quantile" && m.Name != "tickets_per_response"; sliced != (len(m.Slices) == 3+21) {
			t.Errorf("%s has %d slices", m.Name, len(m.Slices))
		}
		if m.Name != "responses" {
			continue
		}
		for _, s := range m.Slices {
			seen[s.Dimension]++
			where := "platform = '" + s.Value + "'"
			if s.Dimension == "plan" {
				where = "COALESCE(plan, '') = '" + s.Value + "'"
			}
			if s.Rest {
				where = "CAST(SUBSTR(plan, 6) AS INTEGER) >= 19"
			}
			for arm, got := range map[string]float64{"control": s.Control.Value, "treatment": s.Treatment.Value} {
				var want float64
				if err := db.QueryRowContext(t.Context(), usersByHand+`
					x AS (SELECT user_id FROM users JOIN exposures USING (user_id) LEFT JOIN accounts USING (user_id) WHERE `+where+`)
					SELECT (SELECT COUNT(*) FROM after JOIN x USING (user_id)) / (SELECT COUNT(*) FROM x)`, arm).Scan(&want); err != nil {
					t.Fatal(err)
				}
				if math.Abs(got-want) > 1e-9*want || want == 0 {
					t.Errorf("%s = %q (rest: %t), %s: %.12g, by hand %.12g", s.Dimension, s.Value, s.Rest, arm, got, want)
				}
			}
		}
	}
	if seen["platform"] != 3 || seen["plan"] != 21 {
		t.Errorf("slices: %v", seen)
	}
}

// dayByHand are the users of an arm whose day was over, with what they did on it;
// the arguments are the arm and twice the day.
const dayByHand = usersByHand + `
there AS (SELECT user_id, t0, CAST(? AS INTEGER) AS d FROM users WHERE t0 + (? + 1) * INTERVAL 1 DAY <= TIMESTAMP '2026-11-08'),
did AS (
  SELECT after.* FROM after JOIN there USING (user_id)
  WHERE ts >= there.t0 + d * INTERVAL 1 DAY AND ts < there.t0 + (d + 1) * INTERVAL 1 DAY
),
`

// onDayByHand gives the value of metrics on one day; those that have none by day
// are not here.
var onDayByHand = map[string]string{
	"error_rate":        `ill AS (SELECT DISTINCT user_id FROM did WHERE failed) SELECT (SELECT COUNT(*) FROM ill) / (SELECT COUNT(*) FROM there)`,
	"bad_format":        `bad AS (SELECT DISTINCT user_id FROM did WHERE body LIKE 'Sorry%') SELECT (SELECT COUNT(*) FROM bad) / (SELECT COUNT(*) FROM there)`,
	"responses":         `x AS (SELECT 1) SELECT (SELECT COUNT(*) FROM did) / (SELECT COUNT(*) FROM there)`,
	"latency":           `each AS (SELECT AVG(latency_ms) AS v FROM did GROUP BY user_id) SELECT AVG(v) FROM each`,
	"worst_latency":     `each AS (SELECT MAX(latency_ms) AS v FROM did GROUP BY user_id) SELECT AVG(v) FROM each`,
	"topics":            `each AS (SELECT COUNT(DISTINCT topic) AS v FROM did GROUP BY user_id) SELECT SUM(v) / (SELECT COUNT(*) FROM there) FROM each`,
	"cost_per_response": `each AS (SELECT LEAST(SUM(cost), 20) AS y, COUNT(*) AS n FROM did GROUP BY user_id) SELECT SUM(y) / SUM(n) FROM each`,
	"active_days":       `each AS (SELECT DISTINCT user_id FROM did) SELECT (SELECT COUNT(*) FROM each) / (SELECT COUNT(*) FROM there)`,
}

// checkDays compares each metric on each day since exposure, and how many units
// had the day.
func checkDays(t *testing.T, db *sql.DB, look ledger.Look) {
	t.Helper()
	most := map[string]int{"error_rate": 3, "active_days": 3}
	for _, m := range look.Metrics {
		query, told := onDayByHand[m.Name]
		if want := cmp.Or(most[m.Name], 5); told != (len(m.Days) > 0) || told && len(m.Days) != want {
			t.Errorf("%s has %d days", m.Name, len(m.Days))
		}
		for i, d := range m.Days {
			if d.Day != i || d.Status != "ok" || d.AbsoluteInterval.Lower >= d.Absolute || d.Absolute >= d.AbsoluteInterval.Upper {
				t.Errorf("%s, day %d: %+v", m.Name, i, d)
			}
			for variation, got := range map[string]stats.ArmValue{"control": d.Control, "treatment": d.Treatment} {
				var want float64
				var units int64
				if err := db.QueryRowContext(t.Context(), dayByHand+query, variation, d.Day, d.Day).Scan(&want); err != nil {
					t.Fatalf("%s: %v", m.Name, err)
				}
				if err := db.QueryRowContext(t.Context(), dayByHand+"x AS (SELECT 1) SELECT COUNT(*) FROM there", variation, d.Day, d.Day).Scan(&units); err != nil {
					t.Fatal(err)
				}
				if math.Abs(got.Value-want) > 1e-9*want || want == 0 {
					t.Errorf("%s on day %d, %s: %.12g, by hand %.12g", m.Name, d.Day, variation, got.Value, want)
				}
				if zeros := m.Kind != "mean" && m.Kind != "max"; zeros != (got.N == units) || got.N > units {
					t.Errorf("%s on day %d, %s: %d units, by hand %d", m.Name, d.Day, variation, got.N, units)
				}
			}
		}
	}
}

// usersByHand are the users of an arm with their responses since exposure, and
// those of the week before, each counted once.
const usersByHand = `
WITH once AS (SELECT DISTINCT * FROM responses),
users AS (SELECT user_id, exposed_at AS t0 FROM exposures WHERE variation_id = ?),
after AS (
  SELECT * FROM users LEFT JOIN once USING (user_id)
  WHERE ts >= t0 AND ts < TIMESTAMP '2026-11-08'
),
before AS (
  SELECT * FROM users LEFT JOIN once USING (user_id)
  WHERE ts >= t0 - INTERVAL 7 DAY AND ts < t0
),
`

// byHand gives the value of each metric in an arm, and of its covariate.
var byHand = map[string]string{
	"error_rate": `ill AS (SELECT DISTINCT user_id FROM after WHERE failed AND ts < t0 + INTERVAL 3 DAY)
		SELECT (SELECT COUNT(*) FROM ill) / (SELECT COUNT(*) FROM users), 0`,
	"slow_users": `slow AS (SELECT user_id FROM after GROUP BY user_id HAVING AVG(latency_ms) > 900)
		SELECT (SELECT COUNT(*) FROM slow) / (SELECT COUNT(*) FROM users), 0`,
	"bad_format": `bad AS (SELECT DISTINCT user_id FROM after WHERE body LIKE 'Sorry%')
		SELECT (SELECT COUNT(*) FROM bad) / (SELECT COUNT(*) FROM users), 0`,
	"responses":        `x AS (SELECT 1) SELECT (SELECT COUNT(*) FROM after) / (SELECT COUNT(*) FROM users), 0`,
	"recent_responses": `x AS (SELECT 1) SELECT (SELECT COUNT(*) FROM after WHERE ts >= TIMESTAMP '2026-11-06') / (SELECT COUNT(*) FROM users), 0`,
	"cost": `arms AS (SELECT user_id, exposed_at AS t0, variation_id FROM exposures),
		everyone AS (
			SELECT user_id,
				COALESCE((SELECT SUM(cost) FROM once AS r WHERE r.user_id = a.user_id AND ts >= t0 AND ts < TIMESTAMP '2026-11-08'), 0) AS y,
				COALESCE((SELECT SUM(cost) FROM once AS r WHERE r.user_id = a.user_id AND ts < t0 AND ts >= t0 - INTERVAL 7 DAY), 0) AS x
			FROM arms AS a),
		caps AS (SELECT quantile_disc(y, 0.99) AS cy, quantile_disc(x, 0.99) AS cx FROM everyone)
		SELECT AVG(LEAST(y, cy)), AVG(LEAST(x, cx)) FROM users JOIN everyone USING (user_id), caps`,
	"latency":       `each AS (SELECT AVG(latency_ms) AS v FROM after GROUP BY user_id) SELECT AVG(v), 0 FROM each`,
	"worst_latency": `each AS (SELECT MAX(latency_ms) AS v FROM after GROUP BY user_id) SELECT AVG(v), 0 FROM each`,
	"topics": `each AS (SELECT COUNT(DISTINCT topic) AS v FROM after GROUP BY user_id)
		SELECT SUM(v) / (SELECT COUNT(*) FROM users), 0 FROM each`,
	"cost_per_response": `each AS (SELECT LEAST(SUM(cost), 20) AS y, COUNT(*) AS n FROM after GROUP BY user_id),
		past AS (SELECT LEAST(SUM(cost), 20) AS y, COUNT(*) AS n FROM before GROUP BY user_id)
		SELECT (SELECT SUM(y) / SUM(n) FROM each), (SELECT SUM(y) / SUM(n) FROM past)`,
	"tickets_per_response": `opened AS (SELECT COUNT(*) AS n FROM users JOIN tickets USING (user_id)
			WHERE opened_at >= t0 AND opened_at < TIMESTAMP '2026-11-08')
		SELECT (SELECT n FROM opened) / (SELECT COUNT(*) FROM after), 0`,
	"came_back": `closed AS (SELECT * FROM users WHERE t0 + INTERVAL 2 DAY <= TIMESTAMP '2026-11-08'),
		back AS (SELECT DISTINCT user_id FROM after JOIN closed USING (user_id)
			WHERE ts >= after.t0 + INTERVAL 1 DAY AND ts < after.t0 + INTERVAL 2 DAY)
		SELECT (SELECT COUNT(*) FROM back) / (SELECT COUNT(*) FROM closed), 0`,
	"active_days": `each AS (SELECT t0, COUNT(DISTINCT date_diff('minute', t0, ts) // 1440) AS n FROM after
			WHERE ts < t0 + INTERVAL 3 DAY GROUP BY user_id, t0)
		SELECT SUM(n / LEAST(3, CEIL(date_diff('minute', t0, TIMESTAMP '2026-11-08') / 1440))) / (SELECT COUNT(*) FROM users), 0 FROM each`,
	"p95_latency":     `x AS (SELECT 1) SELECT quantile_cont(latency_ms, 0.95), 0 FROM after`,
	"typical_latency": `each AS (SELECT AVG(latency_ms) AS v FROM after GROUP BY user_id) SELECT quantile_cont(v, 0.5), 0 FROM each`,
}
