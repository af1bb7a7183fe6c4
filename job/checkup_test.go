package job

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/connectors"
	"assay/connectors/flags"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// examinedTraffic asks about the traffic of a warehouse in which everybody is in two
// experiments, drawn by GrowthBook's second hash for one of them.
func examinedTraffic(t *testing.T, open func(t *testing.T, tables string) connectors.Warehouse, statements string, change func(*spec.Project, *spec.Experiment)) *ledger.TrafficCheckup {
	t.Helper()
	p, e := small(t, "rank", func(e *spec.Experiment) {
		e.PlannedUnits, e.Flag.Key = 4000, "rank-flag"
		e.Secondary = nil
	})
	e.Start = spec.Instant{Time: started}
	a := p.Config.Assignments["exposures"]
	a.Dimensions = []string{"platform"}
	a.SQL = "SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform FROM exposures WHERE experiment_id = {{experiment}}"
	p.Config.Assignments["exposures"] = a
	if change != nil {
		change(p, e)
	}
	var rows strings.Builder
	for i := range 4000 {
		id := fmt.Sprintf("u-%d", i)
		at := started.Add(time.Duration(i) * time.Minute).Format("2006-01-02 15:04:05")
		platform := []string{"web", "ios"}[i%2]
		fmt.Fprintf(&rows, "%s,%s,rank,%s,%s\n", id, at, flags.GrowthBook2.Redraw("rank-flag", id, half(1)), platform)
		fmt.Fprintf(&rows, "%s,%s,tone,%s,%s\n", id, at, flags.GrowthBook2.Redraw("tone", id, half(1)), platform)
	}
	path := filepath.Join(t.TempDir(), "exposures.csv")
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	sql := `
CREATE TEMP TABLE exposures (user_id VARCHAR, exposed_at TIMESTAMP, experiment_id VARCHAR, variation_id VARCHAR, platform VARCHAR);
COPY exposures FROM '` + path + `' (FORMAT csv, HEADER false);
CREATE TEMP TABLE responses AS
SELECT user_id, exposed_at + INTERVAL 1 HOUR AS ts, hash(user_id || 'f') % 20 = 0 AS failed, CAST(100 + hash(user_id || 'l') % 100 AS DOUBLE) AS latency_ms
FROM exposures WHERE experiment_id = 'rank';` + statements
	c, err := newJob(t, p, openLedger(t), open(t, sql)).TrafficCheckup(t.Context(), e, hours(72))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// inDuckDB is a warehouse whose sessions make its tables.
func inDuckDB(t *testing.T, tables string) connectors.Warehouse {
	t.Helper()
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wh.Close() })
	return stocked{wh, tables}
}

// assigned gives exposures an instant of assignment, and withAssigned the assignment
// query its column.
func assigned(expression string) string {
	return "ALTER TABLE exposures ADD COLUMN assigned_at TIMESTAMP; UPDATE exposures SET assigned_at = " + expression + ";"
}

func withAssigned(p *spec.Project, _ *spec.Experiment) {
	a := p.Config.Assignments["exposures"]
	a.AssignedAt = "assigned_at"
	a.SQL = strings.Replace(a.SQL, "platform FROM", "platform, assigned_at FROM", 1)
	p.Config.Assignments["exposures"] = a
}

func told(c *ledger.TrafficCheckup) string {
	var out []string
	for _, f := range c.Findings {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}

// traffics are sound traffic, and each fault of it.
var traffics = []struct {
	name, statements, want, text string
	change                       func(*spec.Project, *spec.Experiment)
}{
	{"sound", "", "", "", nil},
	{
		"missing", "INSERT INTO exposures SELECT NULL, TIMESTAMP '2026-11-01 05:00', 'rank', 'control', 'ios' FROM range(300);",
		"missing_from", `300 of 300 exposures without an identifier come from platform = "ios"`, nil,
	},
	{
		// Nearly all exposures of both kinds are of one value: it is not to blame.
		"missing alike", `UPDATE exposures SET platform = 'web' WHERE platform = 'ios' AND hash(user_id) % 10 > 0;
INSERT INTO exposures SELECT NULL, TIMESTAMP '2026-11-01 05:00', 'rank', 'control', CASE WHEN i < 285 THEN 'web' ELSE 'ios' END FROM range(300) AS t(i);`,
		"", "", nil,
	},
	{
		"outside", "INSERT INTO exposures SELECT 'b' || i, TIMESTAMP '2026-10-20 05:00', 'rank', 'control', 'ios' FROM range(300) AS t(i);",
		"exposed_before", "300 exposures were logged before the start", nil,
	},
	{
		"switched", "INSERT INTO exposures SELECT user_id, TIMESTAMP '2026-11-02 05:30', 'rank', 'treatment', platform FROM exposures WHERE variation_id = 'control' AND experiment_id = 'rank' AND exposed_at < TIMESTAMP '2026-11-01 02:00';",
		"switched", "in the hour of 2026-11-02 05:00Z", nil,
	},
	{
		"another client on one platform", "UPDATE exposures SET variation_id = CASE WHEN hash(user_id) % 2 = 0 THEN 'control' ELSE 'treatment' END WHERE experiment_id = 'rank' AND platform = 'ios';",
		"partly_redrawn", `Where platform is "ios" it is 4`, nil,
	},
	{
		"unknown client", "UPDATE exposures SET variation_id = CASE WHEN hash(user_id) % 2 = 0 THEN 'control' ELSE 'treatment' END WHERE experiment_id = 'rank';",
		"", "", nil, // Another client assigns: that is no fault.
	},
	{
		"one hash for both", "UPDATE exposures SET variation_id = r.variation_id FROM exposures AS r WHERE exposures.experiment_id = 'tone' AND r.experiment_id = 'rank' AND r.user_id = exposures.user_id;",
		"arms_depend", "depends on the one they have here", nil,
	},
	{
		"late in one arm", assigned("exposed_at - CASE WHEN variation_id = 'treatment' AND hash(user_id || 'w') % 5 = 0 THEN INTERVAL 3 HOUR ELSE INTERVAL 1 SECOND END"), "lag_differs", "an hour or more after their assignment more often",
		withAssigned,
	},
	{
		"late alike", assigned("exposed_at - CASE WHEN hash(user_id || 'w') % 5 = 0 THEN INTERVAL 3 HOUR ELSE INTERVAL 1 SECOND END"), "exposed_late", "alike in all variations",
		withAssigned,
	},
	{"in time", assigned("exposed_at - INTERVAL 1 SECOND"), "", "", withAssigned},
	{
		"effects that depend", `UPDATE responses SET latency_ms = latency_ms + 40 WHERE user_id IN (SELECT r.user_id FROM exposures AS r JOIN exposures AS o USING (user_id)
  WHERE r.experiment_id = 'rank' AND o.experiment_id = 'tone' AND r.variation_id = 'treatment' AND o.variation_id = 'treatment');`,
		"interaction", "The effect of treatment on latency is another one", nil,
	},
}

// TestCheckup: sound traffic is found to be so, and each fault by its name.
func TestCheckup(t *testing.T) {
	for _, c := range traffics {
		t.Run(c.name, func(t *testing.T) {
			got := examinedTraffic(t, inDuckDB, c.statements, c.change)
			text := ""
			for _, f := range got.Findings {
				text += f.Text + "\n"
			}
			if told(got) != c.want || !strings.Contains(text, c.text) {
				t.Errorf("%s: %s", told(got), text)
			}
			if len(got.Interactions) != 1 || got.Interactions[0].Shared < 3700 || len(got.Interactions[0].Cross) != 2 {
				t.Errorf("%+v", got.Interactions)
			}
			if c.name == "sound" && (got.Redrawn.Verdict != "all" || got.Redrawn.Draws[0].Draw != string(flags.GrowthBook2)) {
				t.Errorf("%+v", got.Redrawn)
			}
		})
	}
}

// TestOneSource: a value is named where its exposures lack an identifier far more
// often than others', and not for being the commonest or by luck.
func TestOneSource(t *testing.T) {
	for _, c := range []struct {
		name                      string
		n, missing, of, exposures int64
		want                      bool
	}{
		{"all of half", 300, 300, 2300, 4300, true},
		{"a client of most exposures that never has one", 3000, 3000, 3000, 4000, true},
		{"as often as others", 285, 300, 3800, 4000, false},
		{"a few, by luck", 20, 20, 3600, 4000, false},
		{"the only value", 300, 300, 4000, 4000, false},
		{"everybody", 4000, 4400, 4000, 4400, false},
		{"no exposure", 0, 0, 0, 0, false},
	} {
		if got := oneSource(c.n, c.missing, c.of, c.exposures); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestSample: where identifiers begin with the platform the sample has its share
// of each, whether units come by the second or all at one instant.
func TestSample(t *testing.T) {
	for _, at := range []string{"TIMESTAMP '2026-11-01' + to_seconds(i)", "TIMESTAMP '2026-11-01'"} {
		p, e := small(t, "rank")
		v := standingAt(t, openLedger(t), p, e, Options{AsOf: hours(72)})
		script, err := queries.RenderTraffic(v.project, v.experiment, v.look(), queries.DuckDB)
		if err != nil {
			t.Fatal(err)
		}
		session, err := strange(t, `DELETE FROM exposures;
INSERT INTO exposures SELECT CASE WHEN hash(i) % 2 = 0 THEN 'android-' ELSE 'web-' END || i, `+at+`, 'rank', 'control' FROM range(60000) AS t(i);`).Session(t.Context(), connectors.Tags{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Run(t.Context(), script.Units); err != nil {
			t.Fatal(err)
		}
		c := &checkup{job: &Job{Project: p}, at: v, session: session, script: script, out: &ledger.TrafficCheckup{Variations: []string{"control", "treatment"}}}
		units, err := c.sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		web := 0
		for _, u := range units {
			if strings.HasPrefix(u.attributes[0], "web-") {
				web++
			}
		}
		if len(units) != queries.SampledUnits || web < 9000 || web > 11000 {
			t.Errorf("%s: %d units, %d of them on the web", at, len(units), web)
		}
		_ = session.Close()
	}
}

// TestInteractionHolds: effects that do not depend on another experiment are not
// said to, whatever their tails, over looks as the units come.
func TestInteractionHolds(t *testing.T) {
	const looks, alpha = 30, 0.01
	lives := fewer(2000)
	at := longRun(t)
	q := questions(at)[0]
	d := design(at, q)
	d.Kind, d.Method, d.Margin, d.MinUnits, d.Scale = stats.KindMean, stats.MethodMixture, stats.Size{}, leastCell, ""
	sound(t, alarms(lives, func(rng *rand.Rand) bool {
		var cells [2][2]running
		for range looks {
			for range 150 {
				cells[rng.IntN(2)][rng.IntN(2)].add(math.Exp(1.2*rng.NormFloat64()), 1)
			}
			var effects [2]stats.Comparison
			for k := range effects {
				effects[k] = stats.Compare(d, []stats.Stratum{{Epoch: 1, Share: 0.5, Control: cells[k][0].moments(false), Treatment: cells[k][1].moments(false)}}, stats.Look{})
			}
			if differs(effects[0], effects[1], 5000, alpha).Failed {
				return true
			}
		}
		return false
	}), lives, alpha)
}

// TestVolumes: days that are missing among many rows are found; nights are not.
func TestVolumes(t *testing.T) {
	counts := map[time.Time]int64{}
	for h := range 20 * 24 {
		counts[hours(float64(h))] = int64(50 + 1000*(1-math.Cos(2*math.Pi*float64(h)/24)))
	}
	v := ledger.Volume{Newest: hours(20*24 - 1)}
	if judgeVolume(&v, counts, started, hours(20*24)); v.Unjudged != "" || len(v.Missing) > 0 || v.Low != nil {
		t.Errorf("%+v", v)
	}
	for h := range 24 {
		delete(counts, hours(float64(10*24+h)))
	}
	for h := range 10 {
		counts[hours(float64(19*24+13+h))] = 1
	}
	v = ledger.Volume{Newest: hours(20*24 - 1)}
	if judgeVolume(&v, counts, started, hours(20*24)); len(v.Missing) != 1 || !v.Missing[0].Equal(hours(10*24)) || v.Low == nil {
		t.Errorf("%+v", v)
	}
	v = ledger.Volume{Newest: hours(48)}
	if judgeVolume(&v, counts, started, hours(48)); v.Unjudged == "" {
		t.Errorf("two days say nothing: %+v", v)
	}
}
