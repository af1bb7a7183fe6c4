package ledger_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
)

// execute runs statements on the database of a ledger, as somebody would who has
// the right to.
func execute(t testing.TB, w connectors.Warehouse, statements ...string) {
	t.Helper()
	s, err := w.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, sql := range statements {
		if _, err := s.Run(t.Context(), queries.Statement{Name: "by hand", SQL: sql}); err != nil {
			t.Fatal(err)
		}
	}
}

// filled is a warehouse with a ledger of six records: five looks and an attempt.
func filled(t testing.TB) connectors.Warehouse {
	t.Helper()
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	l := mustOpen(t, sharedTable(w))
	for i := 1; i < records; i++ {
		mustAppend(t, l, i, look("x", i, "a"))
	}
	mustAppend(t, l, records, attempt(look("x", 1, "a"), 0, ledger.OutcomeDelivered, 1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

func mustOpen(t testing.TB, table ledger.Table) *ledger.Ledger {
	t.Helper()
	l, err := ledger.OpenTable(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// TestTamperedTable changes the tables in every way that rows can be changed. The
// key is taken away first, as it is not there on engines that enforce none.
func TestTamperedTable(t *testing.T) {
	const (
		rows = "main.assay_ledger"
		head = "main.assay_ledger_head"
	)
	w := filled(t)
	execute(t, w, "CREATE TABLE main.lines_before AS SELECT * FROM "+rows, "CREATE TABLE main.head_before AS SELECT * FROM "+head)
	for name, c := range map[string]struct {
		sql     string
		record  int64
		problem string
	}{
		"line changed":          {"UPDATE " + rows + " SET line = replace(line, 'step 3', 'step 4') WHERE seq = 3", 3, "its hash does not fit its content"},
		"hash changed":          {"UPDATE " + rows + " SET hash = repeat('0', 64) WHERE seq = 3", 3, "its column hash does not fit its line"},
		"link changed":          {"UPDATE " + rows + " SET prev = repeat('0', 64) WHERE seq = 3", 3, "its column prev does not fit its line"},
		"filed elsewhere":       {"UPDATE " + rows + " SET experiment = 'y' WHERE seq = 3", 3, "its column experiment does not fit its line"},
		"kind changed":          {"UPDATE " + rows + " SET kind = 'plan' WHERE seq = 3", 3, "its column kind does not fit its line"},
		"instant changed":       {"UPDATE " + rows + " SET written_at = written_at + INTERVAL 1 SECOND WHERE seq = 3", 3, "its column written_at does not fit its line"},
		"one taken out":         {"DELETE FROM " + rows + " WHERE seq = 3", 3, "record 4 stands in its place"},
		"first taken out":       {"DELETE FROM " + rows + " WHERE seq = 1", 1, "record 2 stands in its place"},
		"last one taken out":    {"DELETE FROM " + rows + " WHERE seq = 6", 6, "it is missing: the table once reached record 6"},
		"tail taken out":        {"DELETE FROM " + rows + " WHERE seq > 3", 4, "it is missing: the table once reached record 6"},
		"emptied":               {"DELETE FROM " + rows, 1, "it is missing: the table once reached record 6"},
		"two swapped":           {"UPDATE " + rows + " SET seq = 7 - seq WHERE seq IN (3, 4)", 3, "record 4 stands in its place"},
		"one doubled":           {"INSERT INTO " + rows + " SELECT * FROM " + rows + " WHERE seq = 3", 4, "record 3 stands in its place"},
		"one added behind":      {"INSERT INTO " + rows + " SELECT 7, hash, prev, experiment, kind, written_at, line FROM " + rows + " WHERE seq = 6", 7, "record 6 stands in its place"},
		"one added far behind":  {"INSERT INTO " + rows + " SELECT 9000, hash, prev, experiment, kind, written_at, line FROM " + rows + " WHERE seq = 6", 7, "it is missing"},
		"one added in front":    {"INSERT INTO " + rows + " SELECT 0, hash, prev, experiment, kind, written_at, line FROM " + rows + " WHERE seq = 1", 0, "it has a record with the number 0"},
		"number taken away":     {"INSERT INTO " + rows + " SELECT NULL, hash, prev, experiment, kind, written_at, line FROM " + rows + " WHERE seq = 6", 0, "1 of its records have no number"},
		"line taken away":       {"UPDATE " + rows + " SET line = '' WHERE seq = 2", 2, "it is too short for a record"},
		"line is nothing":       {"UPDATE " + rows + " SET line = NULL WHERE seq = 2", 2, "it is too short for a record"},
		"head moved back":       {"UPDATE " + head + " SET seq = 4", 5, "the head of the table knows only 4 records"},
		"head moved on":         {"UPDATE " + head + " SET seq = 8", 7, "it is missing: the table once reached record 8"},
		"head of another chain": {"UPDATE " + head + " SET hash = repeat('0', 64)", 6, "it is not the record that the head of the table names"},
		"head taken away":       {"DELETE FROM " + head, 0, "its head has 0 rows"},
		"head doubled":          {"INSERT INTO " + head + " SELECT * FROM " + head, 0, "its head has 2 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			execute(t, w,
				"CREATE OR REPLACE TABLE "+rows+" AS SELECT * FROM main.lines_before",
				"CREATE OR REPLACE TABLE "+head+" AS SELECT * FROM main.head_before", c.sql)
			_, readOnly := ledger.OpenTableReadOnly(t.Context(), sharedTable(w))
			_, writing := ledger.OpenTable(t.Context(), sharedTable(w))
			for call, err := range map[string]error{"reading": readOnly, "writing": writing} {
				var tamper *ledger.TamperError
				if !errors.As(err, &tamper) {
					t.Fatalf("%s: %v, want a TamperError", call, err)
				}
				if tamper.Record != c.record || !strings.Contains(tamper.Problem, c.problem) {
					t.Errorf("%s: record %d: %s; want %d: %s", call, tamper.Record, tamper.Problem, c.record, c.problem)
				}
			}
		})
	}
}

// TestTableDropped: a head that is made anew knows of no record.
func TestTableDropped(t *testing.T) {
	w := filled(t)
	execute(t, w, "DROP TABLE main.assay_ledger_head")
	_, err := ledger.OpenTableReadOnly(t.Context(), sharedTable(w))
	if tamper, ok := errors.AsType[*ledger.TamperError](err); !ok || !strings.Contains(tamper.Problem, "one of its two tables is missing") {
		t.Errorf("reading: %v", err)
	}
	_, err = ledger.OpenTable(t.Context(), sharedTable(w))
	if tamper, ok := errors.AsType[*ledger.TamperError](err); !ok || tamper.Record != 1 || !strings.Contains(tamper.Problem, "knows only 0 records") {
		t.Errorf("writing: %v", err)
	}
}

// TestTamperedTableIsNotHeld: a ledger that cannot be opened is nobody's.
func TestTamperedTableIsNotHeld(t *testing.T) {
	w := filled(t)
	execute(t, w, "DELETE FROM main.assay_ledger WHERE seq = 6")
	if _, err := ledger.OpenTable(t.Context(), sharedTable(w)); err == nil {
		t.Fatal("it was opened")
	}
	last, err := ledger.ResealTable(t.Context(), sharedTable(w))
	if last != 5 || err != nil {
		t.Fatalf("resealed at %d, %v", last, err)
	}
	mustAppend(t, mustOpen(t, sharedTable(w)), 9, look("x", 9))
	execute(t, w, "DELETE FROM main.assay_ledger WHERE seq = 2")
	if _, err := ledger.ResealTable(t.Context(), sharedTable(w)); err == nil {
		t.Error("a broken chain was accepted")
	}
}

func TestResealEmptyTable(t *testing.T) {
	w := filled(t)
	execute(t, w, "DELETE FROM main.assay_ledger")
	if last, err := ledger.ResealTable(t.Context(), sharedTable(w)); last != 0 || err != nil {
		t.Fatalf("resealed at %d, %v", last, err)
	}
	mustAppend(t, mustOpen(t, sharedTable(w)), 1, look("x", 1))
}

// clocked is a ledger whose warehouse has a clock that the test sets.
func clocked(w connectors.Warehouse, owner string) ledger.Table {
	table := sharedTable(w)
	table.Owner, table.Lease = owner, time.Hour
	table.Dialect.Now = "(SELECT us FROM main.clock)"
	return table
}

// TestLease goes through the life of a lease by the warehouse's clock; that of
// the machine takes no part.
func TestLease(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	minutes := func(n int) { execute(t, w, fmt.Sprintf("UPDATE main.clock SET us = %d", int64(n)*60_000_000)) }
	execute(t, w, "CREATE TABLE main.clock AS SELECT 0::BIGINT AS us")
	first := mustOpen(t, clocked(w, "host one"))
	mustAppend(t, first, 1, look("x", 1))
	minutes(59)
	_, err := ledger.OpenTable(t.Context(), clocked(w, "host two"))
	locked, ok := errors.AsType[*ledger.LockedError](err)
	if !ok || locked.Holder != "host one" || !locked.Until.Equal(time.UnixMicro(3600e6)) || locked.Lost {
		t.Fatalf("while it is held: %v", err)
	}
	if err := first.Held(t.Context()); err != nil { // Renews it: until minute 119.
		t.Fatal(err)
	}
	minutes(118)
	mustAppend(t, first, 2, look("x", 2)) // As does each record: until minute 178.
	minutes(177)
	if _, err := ledger.OpenTable(t.Context(), clocked(w, "host two")); !errors.Is(err, ledger.ErrLocked) {
		t.Fatalf("after it was renewed: %v", err)
	}
	// Run out, and nobody has taken it: still its.
	minutes(300)
	mustAppend(t, first, 3, look("x", 3))
	minutes(400)
	second := mustOpen(t, clocked(w, "host two"))
	mustAppend(t, second, 4, look("x", 4))
	// The first one wakes up and must do nothing any more.
	for what, err := range map[string]error{"append": first.Append(at(5), look("x", 5)), "held": first.Held(t.Context())} {
		lost, ok := errors.AsType[*ledger.LockedError](err)
		if !ok || !lost.Lost || lost.Holder != "host two" || !errors.Is(err, ledger.ErrLocked) {
			t.Errorf("%s after it was taken over: %v", what, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	// Its end gave nothing away that was not its own.
	if _, err := ledger.OpenTable(t.Context(), clocked(w, "host three")); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("after the first one was closed: %v", err)
	}
	mustAppend(t, second, 6, look("x", 6))
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := mustOpen(t, clocked(w, "host three")) // Given back: no need to wait.
	if got := len(third.LookSeqs("x")); got != 5 {
		t.Errorf("%d looks, want 5", got)
	}
}

// TestStaleTokenOfAnEqualHead: the run that lost the lease is fenced off although
// the head is where it left it.
func TestStaleTokenOfAnEqualHead(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	execute(t, w, "CREATE TABLE main.clock AS SELECT 0::BIGINT AS us")
	first := mustOpen(t, clocked(w, "host one"))
	execute(t, w, "UPDATE main.clock SET us = 7200000000")
	second := mustOpen(t, clocked(w, "host two"))
	if err := first.Append(at(1), look("x", 1)); !errors.Is(err, ledger.ErrLocked) {
		t.Fatalf("appended without the lease: %v", err)
	}
	mustAppend(t, second, 1, look("x", 1))
}

// TestKeeper: an open ledger renews its lease by itself.
func TestKeeper(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	execute(t, w, "CREATE TABLE main.clock AS SELECT 0::BIGINT AS us")
	table := clocked(w, "host one")
	table.Lease = 30 * time.Millisecond // It ticks every ten.
	mustOpen(t, table)
	for i := int64(1); i <= 20; i++ {
		execute(t, w, fmt.Sprintf("UPDATE main.clock SET us = %d", i*20_000))
		for range 500 {
			if expires(t, w) > i*20_000 {
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	if got := expires(t, w); got <= 400_000 {
		t.Errorf("the lease ends at %d, and it is 400000", got)
	}
}

func expires(t *testing.T, w connectors.Warehouse) int64 {
	t.Helper()
	s, err := w.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	rows, err := s.Run(t.Context(), queries.Statement{Name: "lease", SQL: "SELECT expires_us FROM main.assay_ledger_head"})
	if err != nil {
		t.Fatal(err)
	}
	at, _ := rows.Int(0, "expires_us")
	return at
}

// faulty is a session whose statements may fail, before or after they are run.
type faulty struct {
	ledger.Session
	fail func(statement string) (before, after error)
}

func (f faulty) Run(ctx context.Context, s queries.Statement) ([]map[string]any, error) {
	before, after := f.fail(s.Name)
	if before != nil {
		return nil, before
	}
	rows, err := f.Session.Run(ctx, s)
	return rows, errors.Join(err, after)
}

func faultyTable(w connectors.Warehouse, fail func(string) (before, after error)) ledger.Table {
	table := sharedTable(w)
	open := table.Open
	table.Open = func(ctx context.Context) (ledger.Session, error) {
		s, err := open(ctx)
		return faulty{s, fail}, err
	}
	return table
}

var errGone = errors.New("connection reset")

// TestAnswerLost drops answers: what was committed counts once, what was not is
// tried again, and what cannot be known is not gone on from.
func TestAnswerLost(t *testing.T) {
	const times = 100 // more than there are tries
	for name, c := range map[string]struct {
		statement     string
		before, after int // of the statement's runs fail
		fails         bool
		kept          int64 // records in the end
	}{
		"after the commit, once":       {"commit", 0, 1, false, 2},
		"after the commit, always":     {"commit", 0, times, false, 2},
		"before the commit, once":      {"commit", 1, 0, false, 2},
		"before the commit, always":    {"commit", times, 0, true, 1},
		"of the head, once":            {"ledger advance", 0, 1, false, 2},
		"of the record, twice":         {"ledger append", 0, 2, false, 2},
		"of the record, always":        {"ledger append", times, 0, true, 1},
		"of reading back, once":        {"ledger record", 1, 0, false, 2},
		"of reading back, always":      {"ledger record", times, 0, true, 2},
		"of the start, once":           {"begin", 1, 0, false, 2},
		"of the start, as if it began": {"begin", 0, 1, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
			armed, before, after := false, c.before, c.after
			l := mustOpen(t, faultyTable(w, func(statement string) (error, error) {
				if !armed || statement != c.statement {
					return nil, nil
				}
				if before--; before >= 0 {
					return errGone, nil
				}
				if after--; after >= 0 {
					return nil, errGone
				}
				return nil, nil
			}))
			mustAppend(t, l, 1, look("x", 1))
			armed = true
			if err := l.Append(at(2), look("x", 2)); (err != nil) != c.fails || err != nil && !errors.Is(err, errGone) {
				t.Fatalf("append: %v", err)
			}
			armed = false
			unknown := c.fails && c.kept == 2
			if err := l.Append(at(3), look("x", 3)); (err != nil) != unknown {
				t.Fatalf("the next one: %v", err)
			}
			want := c.kept + 1
			if unknown {
				want--
			}
			read, err := ledger.OpenTableReadOnly(t.Context(), sharedTable(w))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = read.Close() }()
			if got := int64(len(read.LookSeqs("x"))); got != want {
				t.Errorf("%d records, want %d", got, want)
			}
			seen := map[string]bool{}
			for k, err := range read.Looks("x") {
				if err != nil || seen[k.Body.ID] {
					t.Errorf("look %v twice, or %v", k, err)
				}
				seen[k.Body.ID] = true
			}
		})
	}
}

// TestLeaseAnswerLost: a lease that was taken is known to be, whatever came back.
func TestLeaseAnswerLost(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	l := mustOpen(t, faultyTable(w, func(statement string) (error, error) {
		if statement == "ledger lease" {
			return nil, errGone
		}
		return nil, nil
	}))
	mustAppend(t, l, 1, look("x", 1))
	_, err := ledger.OpenTable(t.Context(), faultyTable(w, func(statement string) (error, error) {
		if statement == "ledger lease" {
			return errGone, nil
		}
		return nil, nil
	}))
	if !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("while it is held: %v", err)
	}
	_ = l.Close()
	if _, err := ledger.OpenTable(t.Context(), faultyTable(w, func(statement string) (error, error) {
		if statement == "ledger lease" {
			return errGone, nil
		}
		return nil, nil
	})); !errors.Is(err, errGone) {
		t.Errorf("it could not be taken: %v", err)
	}
}

// TestUnkeyed: where the engine enforces no key, two writers that both believe in
// their lease still cannot both write a record: the head is one row.
func TestUnkeyed(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	table := sharedTable(w)
	table.Dialect.Key = "CHECK (%s > 0)"
	first := mustOpen(t, table)
	mustAppend(t, first, 1, look("x", 1))
	execute(t, w, "UPDATE main.assay_ledger_head SET expires_us = 0")
	second := mustOpen(t, table)
	for i := range 5 {
		results := make(chan error, 2)
		for _, l := range []*ledger.Ledger{first, second} {
			go func() { results <- l.Append(at(i), look("x", 10+i)) }()
		}
		if a, b := <-results, <-results; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), ledger.ErrLocked) {
			t.Fatalf("%v and %v; want that one is locked out", a, b)
		}
	}
	if got := len(second.LookSeqs("x")); got != 6 {
		t.Errorf("%d looks, want 6", got)
	}
}

// TestPages reads more records than fit a page.
func TestPages(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	l := mustOpen(t, sharedTable(w))
	for i := range 205 {
		mustAppend(t, l, i, ledger.Clear{Experiment: "x", Note: strings.Repeat("note ", i)})
	}
	want, err := l.Events("x")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	read, err := ledger.OpenTableReadOnly(t.Context(), sharedTable(w))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	got, err := read.Events("x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.Clears) != 205 {
		t.Errorf("%d records (-want +got):\n%s", len(got.Clears), diff)
	}
	execute(t, w, "DELETE FROM main.assay_ledger WHERE seq BETWEEN 150 AND 202")
	_, err = ledger.OpenTableReadOnly(t.Context(), sharedTable(w))
	if tamper, ok := errors.AsType[*ledger.TamperError](err); !ok || tamper.Record != 150 {
		t.Errorf("a page is missing: %v", err)
	}
}

func TestNoTableIsEmpty(t *testing.T) {
	w := warehouse(t, filepath.Join(t.TempDir(), "w.duckdb"))
	l, err := ledger.OpenTableReadOnly(t.Context(), sharedTable(w))
	if err != nil || len(l.Experiments()) != 0 {
		t.Fatalf("a ledger that is not there: %v", err)
	}
	_ = l.Close()
	file := filepath.Join(t.TempDir(), "none", "ledger.duckdb")
	if l, err = ledger.OpenTableReadOnly(t.Context(), briefTable(file, true)); err != nil || len(l.Experiments()) != 0 {
		t.Fatalf("a file that is not there: %v", err)
	}
	_ = l.Close()
	table := sharedTable(w)
	table.Name = "nowhere.assay_ledger"
	if _, err := ledger.OpenTable(t.Context(), table); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a schema that is not there: %v", err)
	}
}

// TestKilledAtEveryInstant kills a writer between the statements of an append. The
// ledger opens, the record is there whole or not at all, and after the lease has
// ended the next writer goes on.
func TestKilledAtEveryInstant(t *testing.T) {
	for _, instant := range []string{"ledger-begin", "ledger-advance", "ledger-append", "ledger-commit"} {
		t.Run(instant, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.duckdb")
			c := child(t, "die", path)
			c.Env = append(c.Env, childInstant+"="+instant)
			if err := c.Run(); c.ProcessState.ExitCode() != -1 {
				t.Fatalf("it was not killed: %v", err)
			}
			l, err := ledger.OpenTableReadOnly(t.Context(), briefTable(path, true))
			if err != nil {
				t.Fatal(err)
			}
			want := map[bool]int{true: 2, false: 1}[instant == "ledger-commit"]
			if got := len(l.LookSeqs("x")); got != want {
				t.Errorf("%d records, want %d", got, want)
			}
			_ = l.Close()
			_, err = ledger.OpenTable(t.Context(), briefTable(path, false))
			if locked, ok := errors.AsType[*ledger.LockedError](err); !ok || locked.Holder != "a test" {
				t.Errorf("its lease goes on: %v", err)
			}
			execute(t, warehouse(t, path), "UPDATE main.assay_ledger_head SET expires_us = 0")
		})
	}
}

// TestTwoProcesses: of two processes that open the same ledger one has it.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.duckdb")
	holder := child(t, "holdtable", path)
	in, _ := holder.StdinPipe()
	out, _ := holder.StdoutPipe()
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if word, _ := bufio.NewReader(out).ReadString('\n'); word != "open\n" {
		t.Fatalf("the holder said %q", word)
	}
	if _, err := ledger.OpenTable(t.Context(), briefTable(path, false)); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("open while another process holds it: %v", err)
	}
	if l, err := ledger.OpenTableReadOnly(t.Context(), briefTable(path, true)); err != nil {
		t.Errorf("reading needs no lease: %v", err)
	} else {
		_ = l.Close()
	}
	_ = in.Close()
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, mustOpen(t, briefTable(path, false)), 1, look("x", 1))
}

// TestManyAtOnce has processes write for as long as they get the lease, all at
// once: no record is lost, and none is there twice.
func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.duckdb")
	const writers, each = 3, 2
	done := make(chan error, writers)
	for i := range writers {
		c := child(t, "contend", path)
		c.Env = append(c.Env, childInstant+"="+fmt.Sprint(i))
		go func(c *exec.Cmd) { done <- c.Run() }(c)
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l, err := ledger.OpenTableReadOnly(t.Context(), briefTable(path, true))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for i := range writers {
		if got := len(l.LookSeqs(fmt.Sprint("x", i))); got != each {
			t.Errorf("writer %d has %d records, want %d", i, got, each)
		}
	}
}
