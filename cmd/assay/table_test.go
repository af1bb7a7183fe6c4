package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
)

// ledgerPlaces are the places of a ledger that is none in a file of its own.
var ledgerPlaces = map[string]struct{ database, project string }{
	"duckdb": {"ledger.duckdb", "ledger: {duckdb: ledger.duckdb}\n"},
	"table":  {"warehouse.duckdb", "ledger: {table: main.assay_ledger}\n"},
}

// keepIn moves the ledger of a project to a table and returns the database.
func (w *crashWorld) keepIn(t *testing.T, place string) string {
	t.Helper()
	path := filepath.Join(w.dir, "assay.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writable := strings.Replace(string(text), "path: warehouse.duckdb}", "path: warehouse.duckdb, read_write: true}", 1)
	if err := os.WriteFile(path, []byte(writable+ledgerPlaces[place].project), 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(w.dir, ledgerPlaces[place].database)
}

// TestKilledInTheLedger kills a run inside of an append to a table, where the
// record, its head and the lease are. The lease is all that is left, and once it
// has run out the next run ends as if nothing had happened.
func TestKilledInTheLedger(t *testing.T) {
	leaveOut(t)
	story := stories["rollback"]
	for place, steps := range map[string][]string{
		"table":  {"ledger-begin", "ledger-advance", "ledger-append", "ledger-commit"},
		"duckdb": {"ledger-commit"},
	} {
		for _, step := range steps {
			for _, record := range []string{"", "/2", "/3"} { // The plan, the look, the attempt.
				instant := step + record
				t.Run(place+"/"+instant, func(t *testing.T) {
					t.Parallel()
					w := newCrashWorld(t, story.failing)
					database := w.keepIn(t, place)
					w.run(t, "2026-11-02", instant)
					if err := runSQL(database, "UPDATE assay_ledger_head SET expires_us = 0"); err != nil {
						t.Fatal(err)
					}
					for i, date := range []string{"2026-11-02", "2026-11-03"} {
						w.run(t, date, "")
						if got := w.state(t); got != story.states[i] {
							t.Errorf("as of %s: %s, want %s", date, got, story.states[i])
						}
					}
					w.checkLedger(t, openTable(t, database))
				})
			}
		}
	}
}

// openTable reads the ledger of a database.
func openTable(t *testing.T, database string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.OpenTableReadOnly(context.Background(), ledger.Table{
		Name: "main.assay_ledger", Dialect: queries.DuckDB,
		Open: sessions((&connectors.Brief{Path: database, ReadOnly: true}).Session),
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}
