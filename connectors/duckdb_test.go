package connectors_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"assay/connectors"
	"assay/spec"
)

// role is the environment variable by which a test runs this binary again as
// another process, with what it works on in the other one.
const role, subject = "ASSAY_TEST_ROLE", "ASSAY_TEST_SUBJECT"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "hold":
		hold(os.Getenv(subject))
	case "look":
		look(os.Getenv(subject))
	default:
		os.Exit(m.Run())
	}
}

// hold keeps a database file open for writing until its input ends.
func hold(path string) {
	db, err := sql.Open("duckdb", path)
	if err == nil {
		err = db.PingContext(context.Background())
	}
	fmt.Println("open", err)
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = db.Close()
}

// again runs this binary in another role.
func again(t *testing.T, as, on string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+as, subject+"="+on)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// database makes a file with one table.
func database(t *testing.T, path string) string {
	t.Helper()
	plain(t, path, "CREATE TABLE events AS SELECT i FROM range(10) t(i)")
	return path
}

// plain runs statements on a file without package connectors.
func plain(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, s connectors.Session, from string) int64 {
	t.Helper()
	n, _ := run(t, s, "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM "+from).Int(0, "n")
	return n
}

// TestReadOnly: no SQL of the spec changes the file, whatever it tries, and
// temporary tables work all the same.
func TestReadOnly(t *testing.T) {
	// An awkward name must not turn into settings of the engine.
	for i, name := range []string{"warehouse.duckdb", "it's #1 100% ?access_mode=read_write.duckdb", "memory.db", "no ending", `quo"te.duckdb`} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			dir := t.TempDir()
			fresh := database(t, filepath.Join(t.TempDir(), "fresh.duckdb"))
			path := filepath.Join(dir, name)
			if err := os.Rename(fresh, path); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Path: name}, dir)
			if err != nil {
				t.Fatal(err)
			}
			s, err := w.Session(t.Context(), connectors.Tags{})
			if err != nil {
				t.Fatal(err)
			}
			run(t, s, "CREATE TEMP TABLE assay_units AS SELECT * FROM events")
			if n := count(t, s, "assay_units"); n != 10 {
				t.Errorf("%d rows", n)
			}
			for _, write := range []string{
				"INSERT INTO events VALUES (11)", "DELETE FROM events", "DROP TABLE events", "CREATE TABLE more AS SELECT 1 AS i",
				"UPDATE events SET i = 0", "SELECT CAST(1 AS BIGINT) AS i; DELETE FROM events", "CREATE VIEW v AS SELECT 1 AS i",
			} {
				wantWords(t, fails(t, s, write, connectors.FaultStatement), "read-only")
			}
			if err := errors.Join(s.Close(), w.Close()); err != nil {
				t.Error(err)
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(before) != string(after) {
				t.Error("the file has changed")
			}
			onlyFiles(t, dir, name)
		})
	}
}

// onlyFiles tells what lies in a folder that should not.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestReadWrite(t *testing.T) {
	dir := t.TempDir()
	cfg := spec.Warehouse{Type: "duckdb", Path: "new.duckdb", ReadWrite: true}
	w, err := connectors.Open(t.Context(), cfg, dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s, "CREATE TABLE events AS SELECT i FROM range(10) t(i)")
	if err := errors.Join(s.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	cfg.ReadWrite = false
	if n := count(t, begin(t, open(t, cfg, dir)), "events"); n != 10 {
		t.Errorf("%d rows", n)
	}
}

// TestNames: the user's SQL may name the database like its file.
func TestNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ware house.duckdb")
	plain(t, path, "CREATE SCHEMA raw", "CREATE TABLE raw.events AS SELECT 1 AS i", "CREATE VIEW v AS SELECT * FROM raw.events")
	s := begin(t, open(t, spec.Warehouse{Type: "duckdb", Path: path}, "/elsewhere"))
	for _, from := range []string{"raw.events", `"ware house".raw.events`, "v"} {
		if n := count(t, s, from); n != 1 {
			t.Errorf("%s: %d rows", from, n)
		}
	}
}

func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	_, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Path: "nowhere.duckdb"}, dir)
	wantFault(t, err, connectors.FaultWarehouse)
	wantWords(t, fmt.Sprint(err), "nowhere.duckdb", "does not exist")
	onlyFiles(t, dir)
}

func TestNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text.duckdb")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Path: path}, "/")
	wantFault(t, err, connectors.FaultWarehouse)
	wantWords(t, fmt.Sprint(err), "text.duckdb", "not a valid DuckDB database")
}

// TestLockedFile: another process writes to it.
func TestLockedFile(t *testing.T) {
	path := database(t, filepath.Join(t.TempDir(), "busy.duckdb"))
	cmd := again(t, "hold", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open <nil>\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	cfg := spec.Warehouse{Type: "duckdb", Path: path}
	_, err = connectors.Open(t.Context(), cfg, "/")
	wantFault(t, err, connectors.FaultWarehouse)
	wantWords(t, fmt.Sprint(err), "busy.duckdb", "lock")
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Fatal(err)
	}
	begin(t, open(t, cfg, "/"))
}

// TestOpenedTwice: two runs of one process may look at one file.
func TestOpenedTwice(t *testing.T) {
	cfg := spec.Warehouse{Type: "duckdb", Path: database(t, filepath.Join(t.TempDir(), "w.duckdb"))}
	first, second := begin(t, open(t, cfg, "/")), begin(t, open(t, cfg, "/"))
	if count(t, first, "events") != 10 || count(t, second, "events") != 10 {
		t.Error("rows are missing")
	}
}

// TestFiles: globs over Parquet, CSV and JSON, in a folder whose name is a
// pattern itself.
func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's [a] *folder?")
	for _, sub := range []string{"ds=2026-01-01", "ds=2026-01-02"} {
		if err := os.MkdirAll(filepath.Join(dir, "pq", sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	to := func(path string) string { return "'" + strings.ReplaceAll(filepath.Join(dir, path), "'", "''") + "'" }
	plain(t, "",
		"COPY (SELECT i FROM range(10) t(i)) TO "+to("pq/ds=2026-01-01/a b.parquet"),
		"COPY (SELECT i FROM range(5) t(i)) TO "+to("pq/ds=2026-01-02/c.parquet"),
		"COPY (SELECT i, 'x' AS t FROM range(3) t(i)) TO "+to("one.csv"),
		"COPY (SELECT i, 'y' AS t FROM range(4) t(i)) TO "+to("two.csv"),
		"COPY (SELECT i FROM range(6) t(i)) TO "+to("three.csv.gz"),
		"COPY (SELECT i FROM range(2) t(i)) TO "+to("four.jsonl")+" (FORMAT json)",
	)
	s := begin(t, open(t, spec.Warehouse{Type: "duckdb", Files: map[string]string{
		"events": "pq/*/*.parquet", "rows": "t[w]o.csv", "packed": "three.csv.gz", "lines": "four.jsonl",
		"absolute": filepath.Join(filepath.Dir(dir), "it's ?a? *folder?", "o*.csv"), "Order": "one.csv",
	}}, dir))
	for from, want := range map[string]int64{
		"events": 15, "events WHERE ds = DATE '2026-01-02'": 5, "rows": 4, "packed": 6, "lines": 2, "absolute": 3, `"Order"`: 3,
	} {
		if n := count(t, s, from); n != want {
			t.Errorf("%s: %d rows, want %d", from, n, want)
		}
	}
}

// TestFilesBesideDatabase: views over files live beside the tables of a file
// that is read-only, and leave no trace there.
func TestFilesBesideDatabase(t *testing.T) {
	dir := t.TempDir()
	database(t, filepath.Join(dir, "w.duckdb"))
	if err := os.WriteFile(filepath.Join(dir, "more.csv"), []byte("i\n1\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, spec.Warehouse{Type: "duckdb", Path: "w.duckdb", Files: map[string]string{"more": "more.csv"}}, dir)
	for range 2 {
		s := begin(t, w)
		if n := count(t, s, "events JOIN more USING (i)"); n != 2 {
			t.Errorf("%d rows", n)
		}
	}
}

func TestFileFaults(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.parquet"), []byte("nothing of the kind"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, k := range map[string]struct {
		fault connectors.Fault
		words []string
	}{
		"events.xlsx":    {connectors.FaultStatement, []string{"warehouse.files.events", "events.xlsx", ".parquet"}},
		"none/*.csv":     {connectors.FaultWarehouse, []string{"warehouse.files.events", "none/*.csv"}},
		"broken.parquet": {connectors.FaultStatement, []string{"warehouse.files.events", "broken.parquet"}},
	} {
		_, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Files: map[string]string{"events": path}}, dir)
		wantFault(t, err, k.fault)
		wantWords(t, fmt.Sprint(err), k.words...)
	}
}

func TestSettings(t *testing.T) {
	_, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", MemoryLimit: "plenty"}, t.TempDir())
	wantFault(t, err, connectors.FaultStatement)
	wantWords(t, fmt.Sprint(err), "warehouse.memory_limit", "plenty")
	dir := t.TempDir()
	s := begin(t, open(t, spec.Warehouse{Type: "duckdb", MemoryLimit: "300MiB", Threads: 3, TempDir: "spill"}, dir))
	for name, want := range map[string]string{"memory_limit": "300.0 MiB", "threads": "3", "temp_directory": filepath.Join(dir, "spill")} {
		got, _ := run(t, s, "SELECT CAST(current_setting('"+name+"') AS VARCHAR) AS v").Text(0, "v")
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestOutOfMemory is no fault of the spec's SQL.
func TestOutOfMemory(t *testing.T) {
	s := begin(t, open(t, spec.Warehouse{Type: "duckdb", MemoryLimit: "60MB"}, t.TempDir()))
	text := fails(t, s, "SELECT CAST(len(list(i)) AS BIGINT) AS n FROM range(50000000) t(i)", connectors.FaultWarehouse)
	wantWords(t, text, "Out of Memory")
	run(t, s, "SELECT CAST(1 AS BIGINT) AS i")
}

// TestSpill: what does not fit goes to the temporary folder and is gone after.
func TestSpill(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	database(t, filepath.Join(dir, "w.duckdb"))
	w, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Path: "w.duckdb", MemoryLimit: "90MB", Threads: 2}, dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s, "CREATE TEMP TABLE wide AS SELECT i, md5(CAST(i AS VARCHAR)) AS h FROM range(3000000) t(i)")
	if n := count(t, s, "wide"); n != 3000000 {
		t.Errorf("%d rows", n)
	}
	if entries, err := filepath.Glob(filepath.Join(tmp, "assay-*", "*")); err != nil || len(entries) == 0 {
		t.Errorf("nothing was spilled: %v", err)
	}
	onlyFiles(t, dir, "w.duckdb")
	if err := errors.Join(s.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, tmp)
}

// TestZoneOfMachine: the machine's zone means nothing.
func TestZoneOfMachine(t *testing.T) {
	if os.Getenv(subject) == "child" {
		fmt.Println("epoch", epoch(t, open(t, spec.Warehouse{Type: "duckdb"}, t.TempDir()), duckDBWarehouse.zoned), time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local).Format("MST"))
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestZoneOfMachine$")
	cmd.Env = append(os.Environ(), subject+"=child", "TZ=America/New_York")
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "epoch 0 EST") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestExtensionOffline: what needs an extension that cannot be had fails, and
// does not hang.
func TestExtensionOffline(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	s := begin(t, open(t, spec.Warehouse{Type: "duckdb", Timeout: spec.Duration{Duration: time.Minute}}, t.TempDir()))
	_, err := s.Run(t.Context(), statement("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM read_parquet('https://127.0.0.1:1/none.parquet')"))
	wantFault(t, err, connectors.FaultWarehouse)
	if strings.Contains(fmt.Sprint(err), "took longer") {
		t.Error(err)
	}
	run(t, s, "SELECT CAST(1 AS BIGINT) AS i")
}
