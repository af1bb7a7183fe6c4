package queries_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/queries"
)

// ledgerStatements are all statements of a ledger in a table, in the order in
// which a run may need them. The line is hostile to every dialect's literals.
func ledgerStatements(t queries.LedgerTable) []queries.Statement {
	lease := queries.LedgerLease{Token: 7, Owner: `build-1's, process 4711 #k\'3`, Length: 10 * time.Minute}
	row := queries.LedgerRow{
		Seq: 12, Hash: strings.Repeat("b", 64), Prev: strings.Repeat("a", 64), Experiment: "answer-v2", Kind: "look",
		At: start.Add(123456789 * time.Nanosecond), Line: `{"seq":12,"body":{"text":"it's \"a\\b\" <\u2028> 'x' -- no"}}`,
	}
	first := row
	first.Seq = 1
	list := append(t.Create(), t.Tables(), t.Take(lease), t.State(), t.Extent(), t.Page(1, 200), t.Renew(lease))
	list = append(list, t.Append(row, lease)...)
	list = append(list, t.Append(first, lease)[1], t.Find(12), t.Dialect.Rollback())
	return append(list, t.Reseal(12, row.Hash, lease), t.Release(lease))
}

// TestGoldenLedger shows the statements of a ledger that is kept in a table.
func TestGoldenLedger(t *testing.T) {
	for _, name := range queries.DialectNames() {
		d, err := queries.DialectOf(name)
		if err != nil {
			t.Fatal(err)
		}
		table := "ops.assay_ledger"
		if name == "bigquery" {
			table = "my-project.ops.assay_ledger"
		}
		var out strings.Builder
		for _, s := range ledgerStatements(queries.LedgerTable{Dialect: d, Name: table}) {
			fmt.Fprintf(&out, "-- === %s: %s\n%s\n", s.Name, s.Purpose, s.SQL)
		}
		golden(t, filepath.Join("testdata", "ledger_"+name+".sql"), out.String())
	}
}

// resultRows are a row with every value and one of a look without results.
func resultRows() []queries.ResultRow {
	units := int64(500)
	full := queries.ResultRow{
		LookID: "0a1b", Record: 12, RecordedAt: start, Experiment: "answer-v2", AsOf: start, Version: 1, LookNumber: 3,
		Verdict: "rollback", ReasonCode: "guardrail_harmed", Summary: `it's "harmed" \ -- by 5 %`, Coverage: 0.25, Epoch: 2, Units: 1000,
		Metric: "errors", Role: "guardrail", Kind: "proportion", Direction: "down", Variation: "v2", KnownGood: "v1", Status: "ok", Outcome: "harmed",
		Method: "calibrated", ControlUnits: &units, VariationUnits: &units, ControlValue: 0.05, VariationValue: 1e-9,
		Absolute: 0.05, AbsoluteLower: math.Inf(-1), AbsoluteUpper: math.Inf(1), Relative: math.NaN(), RelativeLower: 0.1, RelativeUpper: -0.1,
		Alpha: 0.05, LogE: 12.5, Bound: 3, EValue: math.Exp(12.5), AdjustedP: math.NaN(), SpecDigest: "d", PlanDigest: "p", Tool: "dev",
	}
	failed := queries.ResultRow{
		LookID: "2c3d", Record: 13, RecordedAt: start, Experiment: "answer-v2", AsOf: start, Version: 1, LookNumber: 4, Backfill: true,
		Failed: "the warehouse is gone", Verdict: "hold", ControlValue: math.NaN(), VariationValue: math.NaN(),
	}
	return []queries.ResultRow{full, failed}
}

func resultStatements(t queries.ResultsTable) []queries.Statement {
	list := append([]queries.Statement{t.Create(), t.Probe()}, t.Add()...)
	return append(append(list, t.Written()), t.Write(resultRows())...)
}

// TestGoldenResults shows the statements of the table of results.
func TestGoldenResults(t *testing.T) {
	for _, name := range queries.DialectNames() {
		d, err := queries.DialectOf(name)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, s := range resultStatements(queries.ResultsTable{Dialect: d, Name: "ops.assay_results"}) {
			fmt.Fprintf(&out, "-- === %s: %s\n%s\n", s.Name, s.Purpose, s.SQL)
		}
		golden(t, filepath.Join("testdata", "results_"+name+".sql"), out.String())
	}
}
