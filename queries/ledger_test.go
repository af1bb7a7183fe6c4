package queries_test

import (
	"fmt"
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
