package connectors_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// warehouse is an entry of the conformance table: what a warehouse of one type
// has to be told so that it can be tested.
type warehouse struct {
	name    string
	dialect queries.Dialect
	open    func(t *testing.T, timeout time.Duration) connectors.Warehouse
	slow    string // runs for minutes
	missing string // words of the engine about a table that does not exist
	syntax  string // words of the engine about text that is no SQL
}

var warehouses = []warehouse{{
	name: "duckdb", dialect: queries.DuckDB,
	open: func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		return open(t, spec.Warehouse{Type: "duckdb", Timeout: spec.Duration{Duration: timeout}}, t.TempDir())
	},
	slow:    "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM range(300000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3",
	missing: "does not exist",
	syntax:  "syntax error",
}}

// open opens a warehouse that the test closes.
func open(t *testing.T, cfg spec.Warehouse, dir string) connectors.Warehouse {
	t.Helper()
	w, err := connectors.Open(t.Context(), cfg, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// begin opens a session that the test closes.
func begin(t *testing.T, w connectors.Warehouse) connectors.Session {
	t.Helper()
	s, err := w.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func statement(sql string) queries.Statement { return queries.Statement{Name: "test", SQL: sql} }

func run(t *testing.T, s connectors.Session, sql string) *connectors.Rows {
	t.Helper()
	rows, err := s.Run(t.Context(), statement(sql))
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	return rows
}

// fails runs a statement that must fail, and returns the error's text.
func fails(t *testing.T, s connectors.Session, sql string, want connectors.Fault) string {
	t.Helper()
	_, err := s.Run(t.Context(), statement(sql))
	wantFault(t, err, want)
	if err == nil {
		return ""
	}
	return err.Error()
}

func wantFault(t *testing.T, err error, want connectors.Fault) {
	t.Helper()
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Fault != want {
		t.Errorf("got %T %v, want fault %s", err, err, want)
	}
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not said in: %s", w, text)
		}
	}
}

func each(t *testing.T, timeout time.Duration, test func(t *testing.T, c warehouse, w connectors.Warehouse)) {
	t.Helper()
	for _, c := range warehouses {
		t.Run(c.name, func(t *testing.T) { test(t, c, c.open(t, timeout)) })
	}
}

func TestDialect(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		if w.Dialect() != c.dialect {
			t.Errorf("speaks %s", w.Dialect().Name)
		}
	})
}

func TestCells(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		d := w.Dialect()
		rows := run(t, begin(t, w), "SELECT CAST(7 AS "+d.Integer+") AS i, CAST(0.25 AS "+d.Float+") AS f, CAST('x' AS "+d.Text+") AS t,"+
			" CAST(NULL AS "+d.Integer+") AS ni, CAST(NULL AS "+d.Float+") AS nf, CAST(NULL AS "+d.Text+") AS nt")
		if rows.Len() != 1 {
			t.Fatalf("%d rows", rows.Len())
		}
		i, iok := rows.Int(0, "i")
		f, fok := rows.Float(0, "f")
		s, sok := rows.Text(0, "t")
		if i != 7 || f != 0.25 || s != "x" || !iok || !fok || !sok {
			t.Errorf("got %d %v, %g %v, %q %v", i, iok, f, fok, s, sok)
		}
		_, iok = rows.Int(0, "ni")
		_, fok = rows.Float(0, "nf")
		_, sok = rows.Text(0, "nt")
		if iok || fok || sok {
			t.Errorf("NULL is read as a value: %v %v %v", iok, fok, sok)
		}
	})
}

// TestWrongCell: reading a column that is not there, or as what it is not, is a
// defect of the program.
func TestWrongCell(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		rows := run(t, begin(t, w), "SELECT CAST(7 AS "+w.Dialect().Integer+") AS i")
		for name, read := range map[string]func(){
			"missing":    func() { rows.Int(0, "j") },
			"wrong type": func() { rows.Text(0, "i") },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: no panic", name)
					}
				}()
				read()
			}()
		}
	})
}

// TestForeignCells: only integers of 64 bits, floats and text come back.
func TestForeignCells(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		for _, sql := range []string{"SELECT DATE '2026-01-01' AS d", "SELECT TRUE AS b"} {
			wantWords(t, fails(t, begin(t, w), sql, connectors.FaultStatement), "must be cast")
		}
	})
}

func TestNoRows(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		if n := run(t, begin(t, w), "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i WHERE 1 = 0").Len(); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestSessionIsUTC(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		if got := epoch(t, w); got != 0 {
			t.Errorf("midnight UTC of 1970 is read as %d microseconds", got)
		}
	})
}

// epoch reads midnight of 1970 through a type that has a zone.
func epoch(t *testing.T, w connectors.Warehouse) int64 {
	t.Helper()
	at, _ := run(t, begin(t, w), "SELECT epoch_us(CAST(TIMESTAMP '1970-01-01 00:00:00' AS TIMESTAMPTZ)) AS at").Int(0, "at")
	return at
}

// TestTemporaryTables stay in their session, and die with it.
func TestTemporaryTables(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		create := func(value string) string {
			return "CREATE TEMP TABLE assay_units AS SELECT CAST(" + value + " AS " + w.Dialect().Integer + ") AS i"
		}
		first, err := w.Session(t.Context(), connectors.Tags{})
		if err != nil {
			t.Fatal(err)
		}
		if n := run(t, first, create("1")).Len(); n != 0 {
			t.Errorf("creating a table gives %d rows", n)
		}
		second := begin(t, w)
		wantWords(t, fails(t, second, "SELECT i FROM assay_units", connectors.FaultStatement), c.missing)
		run(t, second, create("2"))
		if i, _ := run(t, first, "SELECT i FROM assay_units").Int(0, "i"); i != 1 {
			t.Errorf("the first session reads %d", i)
		}
		if i, _ := run(t, second, "SELECT i FROM assay_units").Int(0, "i"); i != 2 {
			t.Errorf("the second session reads %d", i)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		fails(t, begin(t, w), "SELECT i FROM assay_units", connectors.FaultStatement)
	})
}

// TestSessionsTogether run at the same time.
func TestSessionsTogether(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		type answer struct {
			n   int64
			err error
		}
		answers := make(chan answer)
		for range 4 {
			s := begin(t, w)
			go func() {
				var a answer
				var rows *connectors.Rows
				for range 5 {
					rows, a.err = s.Run(t.Context(), statement("SELECT CAST(SUM(i) AS BIGINT) AS n FROM range(200000) t(i)"))
					if a.err != nil {
						break
					}
					a.n, _ = rows.Int(0, "n")
				}
				answers <- a
			}()
		}
		for range 4 {
			if a := <-answers; a.err != nil || a.n != 19999900000 {
				t.Errorf("got %d, %v", a.n, a.err)
			}
		}
	})
}

// TestStatementFaults: what the spec's SQL does wrong is its own fault, told in
// the engine's words, and the session lives on.
func TestStatementFaults(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		s := begin(t, w)
		for name, k := range map[string]struct{ sql, words string }{
			"syntax":     {"SELEC 1", c.syntax},
			"table":      {"SELECT i FROM nowhere", c.missing},
			"column":     {"SELECT j FROM (SELECT 1 AS i) AS t", "j"},
			"conversion": {"SELECT CAST(v AS " + w.Dialect().Integer + ") AS i FROM (SELECT 'seven' AS v) AS t", "seven"},
		} {
			text := fails(t, s, k.sql, connectors.FaultStatement)
			if !strings.Contains(text, k.words) || !strings.HasPrefix(text, "test: ") {
				t.Errorf("%s: %s", name, text)
			}
		}
		run(t, s, "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i")
	})
}

// TestCancel: the caller gets its answer at once and the engine stops working.
func TestCancel(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		s := begin(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := s.Run(ctx, statement(c.slow))
			done <- err
		}()
		time.Sleep(200 * time.Millisecond)
		busy := work(t, 400*time.Millisecond)
		cancel()
		select {
		case err := <-done:
			wantFault(t, err, connectors.FaultCanceled)
		case <-time.After(20 * time.Second):
			t.Fatal("the statement goes on after 20 s")
		}
		if idle := work(t, 400*time.Millisecond); idle > busy/3 {
			t.Errorf("the engine still works: %v of processor time after, %v before the end", idle, busy)
		}
		run(t, s, "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i")
	})
}

// work is the processor time that this process takes meanwhile.
func work(t *testing.T, span time.Duration) time.Duration {
	t.Helper()
	before := processorTime(t)
	time.Sleep(span)
	return processorTime(t) - before
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestTimeout(t *testing.T) {
	each(t, 300*time.Millisecond, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		s := begin(t, w)
		wantWords(t, fails(t, s, c.slow, connectors.FaultWarehouse), "test: took longer than 300ms", "warehouse.timeout")
		run(t, s, "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i")
	})
}

// TestDeadline: a deadline of the caller is the caller's, not the warehouse's.
func TestDeadline(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := begin(t, w).Run(ctx, statement(c.slow))
		wantFault(t, err, connectors.FaultCanceled)
		_, err = w.Session(ctx, connectors.Tags{})
		wantFault(t, err, connectors.FaultCanceled)
	})
}

func TestProgress(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		s, err := w.Session(t.Context(), connectors.Tags{})
		if err != nil {
			t.Fatal(err)
		}
		m, ok := s.(connectors.Meter)
		if !ok {
			t.Skip("this warehouse does not tell its progress")
		}
		if share, ok := m.Progress(); ok && share != 0 {
			t.Errorf("%g before anything runs", share)
		}
		run(t, s, "CREATE TEMP TABLE numbers AS SELECT i FROM range(10000000) t(i)")
		done := make(chan error)
		go func() {
			_, err := s.Run(t.Context(), statement("SELECT CAST(SUM(sqrt(i) + sin(i) * cos(i)) AS DOUBLE) AS n FROM numbers"))
			done <- err
		}()
		least := watch(t, m, done)
		if least == 0 || least >= 1 {
			t.Errorf("no share between 0 and 1 was ever told: %g", least)
		}
		run(t, s, "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, ok := m.Progress(); ok {
			t.Error("a closed session tells its progress")
		}
	})
}

// watch asks until the statement ends and returns the least share above 0.
func watch(t *testing.T, m connectors.Meter, done chan error) float64 {
	t.Helper()
	least := 0.0
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return least
		case <-time.After(5 * time.Millisecond):
		}
		share, ok := m.Progress()
		if ok && (share < 0 || share > 1) {
			t.Errorf("a share of %g", share)
		}
		if ok && share > 0 && (least == 0 || share < least) {
			least = share
		}
	}
}

func TestUnknownType(t *testing.T) {
	_, err := connectors.Open(t.Context(), spec.Warehouse{Type: "oracle"}, t.TempDir())
	if err == nil {
		t.Fatal("opened")
	}
	wantWords(t, err.Error(), `"oracle"`, "duckdb")
}
