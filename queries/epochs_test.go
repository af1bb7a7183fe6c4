package queries_test

import (
	"math"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// rampTables is a ramp without an effect: 10 % of the units are treated on the
// first five days, when a unit's value is about 1, and 50 % on the next five,
// when it is about 3 for everybody.
const rampTables = `
CREATE TEMP TABLE exposures AS
SELECT i, 'u' || i AS user_id, TIMESTAMP '2026-03-20 12:00:00' + INTERVAL (i * 14400 // 40000) MINUTE AS exposed_at,
  CASE WHEN i % 10 < CASE WHEN i < 20000 THEN 1 ELSE 5 END THEN 'v2' ELSE 'v1' END AS variation_id
FROM range(40000) t(i);
CREATE TEMP TABLE events AS
SELECT user_id, exposed_at + INTERVAL 1 MINUTE AS ts, CASE WHEN i < 20000 THEN 1 ELSE 3 END + (i // 10 % 7 - 3) / 10 AS amount
FROM exposures`

// TestRampWithTrend: in a ramp whose baseline rises while more units are treated
// the moments by epoch give an effect of nothing, and the same data as one epoch
// give a large one that no interval excludes.
func TestRampWithTrend(t *testing.T) {
	p, e, look := example()
	p.Config.Assignments["exposures"] = spec.Assignment{
		Identifier: "user_id", SQL: "SELECT user_id, exposed_at AS timestamp, 'ramp' AS experiment_id, variation_id FROM exposures",
	}
	p.Config.Facts["events"] = spec.Source{Identifiers: []string{"user_id"}, SQL: "SELECT user_id, ts AS timestamp, amount FROM events"}
	p.Config.Metrics["spent"] = spec.Metric{Kind: "sum", Source: "events", Value: "amount"}
	e.ExperimentID, e.Guardrails, e.Goals, e.Secondary = "ramp", nil, nil, []spec.Use{{Metric: "spent"}}
	half := start.Add(5 * day)
	split := []queries.Epoch{{Start: start, Settled: start}, {Start: half, Settled: half}}

	byEpoch := compareRamp(t, p, e, look.AsOf, split, []float64{0.1, 0.5})
	if byEpoch.Status != stats.StatusOK || math.Abs(byEpoch.Absolute) > 1e-4 || byEpoch.Harmed {
		t.Errorf("by epoch: %+v %v, harmed %t", byEpoch.Status, byEpoch.Absolute, byEpoch.Harmed)
	}
	if i := byEpoch.AbsoluteInterval; i.Lower > 0 || i.Upper < 0 {
		t.Errorf("by epoch the interval is %v", i)
	}
	// A third of the units is treated, most of them when values are high.
	pooled := compareRamp(t, p, e, look.AsOf, split[:1], []float64{0.3})
	if pooled.Absolute < 0.6 || pooled.AbsoluteInterval.Lower <= 0.5 || !pooled.Harmed {
		t.Errorf("pooled: %v %v, harmed %t: the test has no trend to be misled by", pooled.Absolute, pooled.AbsoluteInterval, pooled.Harmed)
	}
}

// compareRamp runs the statements with these epochs and compares the arms.
func compareRamp(t *testing.T, p *spec.Project, e *spec.Experiment, asOf time.Time, epochs []queries.Epoch, shares []float64) stats.Comparison {
	t.Helper()
	script, err := queries.Render(p, e, queries.Look{AsOf: asOf, Epochs: epochs}, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb"}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wh.Close() }()
	session, err := wh.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	run := func(s queries.Statement) *connectors.Rows {
		rows, err := session.Run(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	run(queries.Statement{Name: "tables", SQL: rampTables})
	run(script.Units)
	strata := make([]stats.Stratum, len(epochs))
	for i := range strata {
		strata[i] = stats.Stratum{Epoch: i + 1, Share: shares[i]}
	}
	f := script.Facts[0]
	rows := run(f.Statement)
	for row := range rows.Len() {
		code, _ := rows.Int(row, "assay_stratum")
		epoch, arm := script.Stratum(code)
		m := readMoments(rows, row, f.Measures[0])
		moments := stats.FromWarehouse(m.n, m.nonzero, m.mean[0], m.co[0][0])
		if arm == 0 {
			strata[epoch].Control = moments
		} else {
			strata[epoch].Treatment = moments
		}
	}
	return stats.Compare(stats.Design{
		Kind: stats.KindMean, Method: stats.MethodMixture, Harm: stats.SideUp, Alpha: 0.05, Planned: 40000, MinUnits: 20,
	}, strata, stats.Look{})
}
