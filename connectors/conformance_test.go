package connectors_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// warehouse is an entry of the conformance table: what an engine has to be told so
// that it can be tested. Each engine's is in a file of its own.
type warehouse struct {
	name    string
	dialect queries.Dialect
	// open opens it and closes it after the test, or skips the test and says that the
	// engine is not checked; timeout 0 = the default one.
	open func(t *testing.T, timeout time.Duration) connectors.Warehouse
	// rows is a table expression with column i of 0 to n-1.
	rows func(n int) string
	// zoned are the microseconds since 1970 of midnight of 1970 where a time without a
	// zone is one of the session's.
	zoned   string
	slow    string // a query that runs for minutes, or as long as anybody waits
	missing string // words of the engine about a table that does not exist
	syntax  string // words of the engine about text that is no SQL
	// foreign are queries of one column that is no integer of 64 bits, float or text.
	foreign []string
	// toInteger are the words of the engine about 'seven' cast to an integer.
	toInteger string
	// effort is how much work the engine does now, as any number that is 0 or much
	// less where no statement runs; nil = it does not tell.
	effort func(t *testing.T) float64
	// patience is a limit of time under which a session opens; 0 = 300 ms.
	patience time.Duration
	// positions: errors of SQL have a line and a column.
	positions bool
	// troubles are what goes wrong beside statements; nil = nothing can be provoked.
	troubles func(t *testing.T) []trouble
}

// trouble is a warehouse in which one statement fails for a reason of its own.
type trouble struct {
	name  string
	open  func(t *testing.T) connectors.Warehouse
	sql   string
	fault connectors.Fault
	words []string // of the error
}

var warehouses = []warehouse{
	duckDBWarehouse,
	bigQueryWarehouse,
	bigQueryService,
	snowflakeWarehouse,
	snowflakeJSON,
	snowflakeService,
}

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
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		for _, sql := range c.foreign {
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
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		if got := epoch(t, w, c.zoned); got != 0 {
			t.Errorf("midnight UTC of 1970 is read as %d microseconds", got)
		}
	})
}

// epoch reads midnight of 1970 through the session's zone.
func epoch(t *testing.T, w connectors.Warehouse, zoned string) int64 {
	t.Helper()
	at, _ := run(t, begin(t, w), "SELECT "+zoned+" AS at").Int(0, "at")
	return at
}

// TestInstants: a literal of a point in time is that one to the microsecond, in
// every zone in which it is read.
func TestInstants(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		d := w.Dialect()
		literal := fmt.Sprintf(d.Instant, "2026-03-29 01:59:59.999999")
		rows := run(t, begin(t, w), "SELECT "+fmt.Sprintf(d.Micros, literal)+" AS at, "+fmt.Sprintf(d.Micros, "x")+" AS through"+
			" FROM (SELECT "+fmt.Sprintf(d.FromMicros, "CAST(1774749599999999 AS "+d.Integer+")")+" AS x) AS t")
		at, _ := rows.Int(0, "at")
		through, _ := rows.Int(0, "through")
		if at != 1774749599999999 || through != at {
			t.Errorf("read as %d and %d", at, through)
		}
	})
}

// TestLimits: the largest and the smallest of 64 bits come back as they are, and
// so do floats that are no number.
func TestLimits(t *testing.T) {
	each(t, 0, func(t *testing.T, _ warehouse, w connectors.Warehouse) {
		d := w.Dialect()
		rows := run(t, begin(t, w), "SELECT CAST(9223372036854775807 AS "+d.Integer+") AS most, -CAST(9223372036854775807 AS "+d.Integer+") - 1 AS least,"+
			" CAST('NaN' AS "+d.Float+") AS nan, CAST('inf' AS "+d.Float+") AS inf, CAST('-inf' AS "+d.Float+") AS ninf,"+
			" CAST(0.1 AS "+d.Float+") AS tenth, CAST(1.7976931348623157e308 AS "+d.Float+") AS large, CAST('é\u00a0𝄞' AS "+d.Text+") AS t, CAST('' AS "+d.Text+") AS empty")
		most, _ := rows.Int(0, "most")
		least, _ := rows.Int(0, "least")
		if most != math.MaxInt64 || least != math.MinInt64 {
			t.Errorf("whole numbers from %d to %d", least, most)
		}
		float := func(name string) float64 { x, _ := rows.Float(0, name); return x }
		if !math.IsNaN(float("nan")) || !math.IsInf(float("inf"), 1) || !math.IsInf(float("ninf"), -1) {
			t.Errorf("got %g, %g, %g", float("nan"), float("inf"), float("ninf"))
		}
		if float("tenth") != 0.1 || float("large") != math.MaxFloat64 {
			t.Errorf("got %g, %g", float("tenth"), float("large"))
		}
		text, _ := rows.Text(0, "t")
		empty, ok := rows.Text(0, "empty")
		if text != "é\u00a0𝄞" || empty != "" || !ok {
			t.Errorf("texts %q, %q %v", text, empty, ok)
		}
	})
}

// TestPages: a result of many rows comes back whole.
func TestPages(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		const n = 30_000
		d := w.Dialect()
		rows := run(t, begin(t, w), "SELECT CAST(i AS "+d.Integer+") AS i, CAST(i AS "+d.Text+") AS t FROM "+c.rows(n))
		seen := make(map[int64]bool, n)
		for row := range rows.Len() {
			i, _ := rows.Int(row, "i")
			text, _ := rows.Text(row, "t")
			if text != strconv.FormatInt(i, 10) || i < 0 || i >= n {
				t.Fatalf("row %d is %d, %q", row, i, text)
			}
			seen[i] = true
		}
		if rows.Len() != n || len(seen) != n {
			t.Errorf("%d rows, %d of them different", rows.Len(), len(seen))
		}
	})
}

// TestPositions: an error of SQL says where it is.
func TestPositions(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		if !c.positions {
			t.Skip("this warehouse does not tell where an error is")
		}
		s := begin(t, w)
		for _, k := range []struct {
			sql          string
			line, column int
		}{
			{"SELECT 1 AS i,\n  nowhere AS j\nFROM (SELECT 2 AS k) AS t", 2, 3},
			{"SELECT 1 AS i\nFROM nowhere", 2, 6},
			{"SELECT 1 AS i\n\n  FRO x", 3, 3},
		} {
			_, err := s.Run(t.Context(), statement(k.sql))
			e, ok := errors.AsType[*connectors.Error](err)
			if !ok || e.Line != k.line || e.Column != k.column {
				t.Errorf("%q: got %#v, want %d:%d", k.sql, e, k.line, k.column)
			}
		}
	})
}

// TestTroubles: what goes wrong beside the SQL is told in the engine's words, on
// one line, and is blamed on whom it is up to.
func TestTroubles(t *testing.T) {
	for _, c := range warehouses {
		if c.troubles == nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			for _, k := range c.troubles(t) {
				t.Run(k.name, func(t *testing.T) {
					text := failsSomewhere(t, k)
					wantWords(t, text, k.words...)
					if strings.Contains(text, "\n") {
						t.Errorf("several lines: %s", text)
					}
				})
			}
		})
	}
}

// failsSomewhere runs the statement of a trouble: it may fail before it runs, when
// the session opens.
func failsSomewhere(t *testing.T, k trouble) string {
	t.Helper()
	s, err := k.open(t).Session(t.Context(), connectors.Tags{})
	if err == nil {
		defer func() { _ = s.Close() }()
		_, err = s.Run(t.Context(), statement(k.sql))
	}
	wantFault(t, err, k.fault)
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTemporaryTables stay in their session, and die with it.
func TestTemporaryTables(t *testing.T) {
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
		create := func(value string) string {
			return fmt.Sprintf(w.Dialect().Temp, "assay_units") + " SELECT CAST(" + value + " AS " + w.Dialect().Integer + ") AS i"
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
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
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
					rows, a.err = s.Run(t.Context(), statement("SELECT CAST(SUM(i) AS "+w.Dialect().Integer+") AS n FROM "+c.rows(200000)))
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
			"conversion": {"SELECT CAST(v AS " + w.Dialect().Integer + ") AS i FROM (SELECT 'seven' AS v) AS t", c.toInteger},
		} {
			text := fails(t, s, k.sql, connectors.FaultStatement)
			if !strings.Contains(strings.ToLower(text), strings.ToLower(k.words)) || !strings.HasPrefix(text, "test: ") {
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
		effort := c.effort
		if effort == nil {
			effort = func(*testing.T) float64 { return 1 }
		}
		busy := 0.0
		for range 50 { // A machine that is busy begins late.
			time.Sleep(200 * time.Millisecond)
			if busy = effort(t); busy > 0 {
				break
			}
		}
		if busy == 0 {
			t.Error("the engine does nothing")
		}
		cancel()
		select {
		case err := <-done:
			wantFault(t, err, connectors.FaultCanceled)
		case <-time.After(20 * time.Second):
			t.Fatal("the statement goes on after 20 s")
		}
		if idle := effort(t); c.effort != nil && idle > busy/3 {
			t.Errorf("the engine still works: an effort of %g after, of %g before the end", idle, busy)
		}
		run(t, s, "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i")
	})
}

func TestTimeout(t *testing.T) {
	for _, c := range warehouses {
		t.Run(c.name, func(t *testing.T) {
			limit := cmp.Or(c.patience, 300*time.Millisecond)
			w := c.open(t, limit)
			s := begin(t, w)
			wantWords(t, fails(t, s, c.slow, connectors.FaultWarehouse), "test: took longer than "+limit.String(), "warehouse.timeout")
			run(t, s, "SELECT CAST(1 AS "+w.Dialect().Integer+") AS i")
		})
	}
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
	each(t, 0, func(t *testing.T, c warehouse, w connectors.Warehouse) {
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
		run(t, s, fmt.Sprintf(w.Dialect().Temp, "numbers")+" SELECT i FROM "+c.rows(10_000_000))
		done := make(chan error)
		go func() {
			_, err := s.Run(t.Context(), statement("SELECT CAST(SUM(sqrt(i) + sin(i) * cos(i)) AS "+w.Dialect().Float+") AS n FROM numbers"))
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
