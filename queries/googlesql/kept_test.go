package googlesql_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-googlesql"

	"assay/queries"
)

// kept are all statements of the tables that stay: that of a ledger, and that of
// results. The first makes what BigQuery has in every data set.
func kept(d queries.Dialect) []queries.Statement {
	at := time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)
	ledger := queries.LedgerTable{Dialect: d, Name: "ops.assay_ledger"}
	lease := queries.LedgerLease{Token: 7, Owner: `build-1's, process 4711 #k\'3`, Length: 10 * time.Minute}
	row := queries.LedgerRow{
		Seq: 12, Hash: strings.Repeat("b", 64), Prev: strings.Repeat("a", 64), Experiment: "x", Kind: "look", At: at,
		Line: `{"seq":12,"body":{"text":"it's \"a\\b\" <\u2028> 'x' -- no"}}`,
	}
	list := []queries.Statement{{Name: "tables", SQL: "CREATE TABLE ops.INFORMATION_SCHEMA.TABLES (table_name STRING)"}}
	list = append(append(list, ledger.Create()...), ledger.Tables(), ledger.Take(lease), ledger.State(), ledger.Extent(), ledger.Page(1, 200))
	list = append(append(list, ledger.Renew(lease)), ledger.Append(row, lease)...)
	list = append(list, ledger.Find(12), ledger.Dialect.Rollback(), ledger.Reseal(12, row.Hash, lease), ledger.Release(lease))

	results := queries.ResultsTable{Dialect: d, Name: "ops.assay_results"}
	units := int64(500)
	rows := []queries.ResultRow{
		{
			LookID: "a", Record: 12, RecordedAt: at, AsOf: at, Experiment: "x", Summary: `it's \ "harmed"`, Metric: "errors",
			ControlUnits: &units, VariationUnits: &units, Relative: 1e-300, RelativeLower: math.Inf(-1), EValue: 1.7e308,
		},
		{LookID: "b", Record: 13, RecordedAt: at, AsOf: at, Backfill: true},
	}
	list = append(append(list, results.Create(), results.Probe()), results.Add()...)
	return append(append(list, results.Written()), results.Write(rows)...)
}

// keep analyzes a statement of any kind, and makes the table where it makes one.
func (w *warehouse) keep(st queries.Statement) error {
	if strings.Contains(st.SQL, "CREATE TABLE") {
		_, err := w.run(st)
		return err
	}
	if _, err := googlesql.AnalyzeStatement(st.SQL, w.options, w.catalog, w.types); err != nil {
		return fmt.Errorf("%s: %w\n%s", st.Name, err, numbered(st.SQL))
	}
	return nil
}

// TestKept analyzes every statement that makes, reads and changes the tables of
// the ledger and of results.
func TestKept(t *testing.T) {
	w := open(t, "shop")
	list := kept(queries.BigQuery)
	for _, st := range list {
		if err := w.keep(st); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d statements", len(list))
}
