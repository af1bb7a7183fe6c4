//go:build cgo && !noduckdb

package connectors

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"assay/queries"
	"assay/spec"
)

const defaultTimeout = time.Hour

// duckDB is a database in memory, to which the spec's file is attached: the
// driver's own way of opening a file mistakes characters of the path for
// settings, among them the one that says read-only.
type duckDB struct {
	db      *sql.DB
	setup   []step // of every session
	timeout time.Duration
}

var _ Warehouse = (*duckDB)(nil)

// step is a statement of the setup and what it is for.
type step struct{ what, sql string }

// openDuckDB opens a database file, or an in-memory database over files. The
// file is opened read-only unless the spec says otherwise.
func openDuckDB(ctx context.Context, cfg spec.Warehouse, dir string) (Warehouse, error) {
	views, err := fileViews(cfg.Files, dir)
	if err != nil {
		return nil, &Error{Fault: FaultStatement, Err: err}
	}
	once, use, err := attach(cfg, dir)
	if err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: err}
	}
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: fmt.Errorf("opening duckdb: %w", err)}
	}
	w := &duckDB{db: sql.OpenDB(connector), timeout: cmp.Or(cfg.Timeout.Duration, defaultTimeout)}
	// A connection that went back to the pool would keep its temporary tables.
	w.db.SetMaxIdleConns(0)
	w.setup = slices.Concat(sessionSettings, use, views)
	if err := w.prepare(ctx, append(settings(cfg, dir), once...)); err != nil {
		return nil, errors.Join(err, w.db.Close())
	}
	return w, nil
}

// sessionSettings make times mean the same everywhere, and let the engine count
// its progress without drawing it.
var sessionSettings = []step{
	{"setting the time zone", "SET TimeZone = 'UTC'"},
	{"setting up progress", "SET enable_progress_bar_print = false"},
	{"setting up progress", "SET enable_progress_bar = true"},
	{"setting up progress", "SET progress_bar_time = 0"},
}

// prepare takes the steps that count for all sessions and tries whether a
// session can be opened.
func (w *duckDB) prepare(ctx context.Context, once []step) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return &Error{Fault: duckFault(ctx, err), Err: fmt.Errorf("opening duckdb: %w", err)}
	}
	if err := errors.Join(take(ctx, conn, once), conn.Close()); err != nil {
		return err
	}
	session, err := w.Session(ctx, Tags{})
	if err != nil {
		return err
	}
	return session.Close()
}

func take(ctx context.Context, conn *sql.Conn, steps []step) error {
	for _, s := range steps {
		if _, err := conn.ExecContext(ctx, s.sql); err != nil {
			return &Error{Fault: duckFault(ctx, err), Busy: busy(err), Err: fmt.Errorf("%s: %w", s.what, err)}
		}
	}
	return nil
}

// attach gives the steps that attach the database file, once, and that use it,
// in every session; none without a file.
func attach(cfg spec.Warehouse, dir string) (once, use []step, err error) {
	if cfg.Path == "" {
		return nil, nil, nil
	}
	path, mode := absolute(dir, cfg.Path), "READ_WRITE"
	if !cfg.ReadWrite {
		mode = "READ_ONLY"
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("opening %s: the database file does not exist", cfg.Path)
		}
	}
	// The engine names a database after its file, and so may the user's SQL.
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if slices.Contains([]string{"memory", "system", "temp"}, strings.ToLower(name)) {
		name += "_db"
	}
	what := "opening " + cfg.Path
	once = []step{{what, fmt.Sprintf("ATTACH %s AS %s (%s)", quoteText(path), quoteName(name), mode)}}
	return once, []step{{what, "USE " + quoteName(name)}}, nil
}

// settings of the engine that the spec makes. What does not fit into memory is
// spilled beside other temporary files, unless the spec names a place, and
// never beside the user's data; the engine makes that folder and removes it.
func settings(cfg spec.Warehouse, dir string) []step {
	spill := filepath.Join(os.TempDir(), "assay-"+rand.Text())
	if cfg.TempDir != "" {
		spill = absolute(dir, cfg.TempDir)
	}
	steps := []step{
		{"setting warehouse.temp_dir", "SET temp_directory = " + quoteText(spill)},
		// Every result is aggregated: the order of rows means nothing and costs memory.
		{"setting up duckdb", "SET preserve_insertion_order = false"},
	}
	if cfg.MemoryLimit != "" {
		steps = append(steps, step{"setting warehouse.memory_limit to " + cfg.MemoryLimit, "SET memory_limit = " + quoteText(cfg.MemoryLimit)})
	}
	if cfg.Threads > 0 {
		steps = append(steps, step{"setting warehouse.threads", "SET threads = " + strconv.Itoa(cfg.Threads)})
	}
	return steps
}

// fileReaders says which table function reads which ending.
var fileReaders = map[string]string{
	".parquet": "read_parquet(%s, hive_partitioning = true)",
	".pq":      "read_parquet(%s, hive_partitioning = true)",
	".csv":     "read_csv(%s)",
	".tsv":     "read_csv(%s)",
	".json":    "read_json(%s)",
	".ndjson":  "read_json(%s)",
	".jsonl":   "read_json(%s)",
}

// fileViews are temporary views over the files of the spec: they exist in each
// session and change nothing in the database.
func fileViews(files map[string]string, dir string) ([]step, error) {
	var views []step
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := files[name]
		reader := fileReaders[strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz")))]
		if reader == "" {
			return nil, fmt.Errorf("warehouse.files.%s: %s has no known ending: want one of %s (or .gz of a text format)",
				name, path, strings.Join(slices.Sorted(maps.Keys(fileReaders)), ", "))
		}
		glob := path
		if absolute(dir, path) != path {
			glob = filepath.Join(globEscape.Replace(dir), path)
		}
		views = append(views, step{
			"warehouse.files." + name,
			fmt.Sprintf("CREATE OR REPLACE TEMP VIEW %s AS SELECT * FROM %s", quoteName(name), fmt.Sprintf(reader, quoteText(glob))),
		})
	}
	return views, nil
}

// globEscape takes the meaning from what would be a pattern: only the path in
// the spec is one, not the folder that it starts from.
var globEscape = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func (w *duckDB) Dialect() queries.Dialect { return queries.DuckDB }

func (w *duckDB) Close() error { return w.db.Close() }

func (w *duckDB) Session(ctx context.Context, _ Tags) (Session, error) {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, &Error{Fault: duckFault(ctx, err), Err: fmt.Errorf("opening a session: %w", err)}
	}
	if err := take(ctx, conn, w.setup); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &duckSession{conn: conn, timeout: w.timeout, meter: newDuckMeter(conn)}, nil
}

type duckSession struct {
	conn    *sql.Conn
	timeout time.Duration
	meter   *duckMeter
}

var _ Meter = (*duckSession)(nil)

func (s *duckSession) Close() error {
	s.meter.stop()
	return s.conn.Close()
}

// Progress asks the engine how far the running statement is.
func (s *duckSession) Progress() (share float64, ok bool) { return s.meter.progress() }

func (s *duckSession) Run(ctx context.Context, st queries.Statement) (*Rows, error) {
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	rows, err := s.conn.QueryContext(limited, st.SQL)
	if err != nil {
		return nil, s.failed(ctx, limited, st, err)
	}
	defer func() { _ = rows.Close() }()
	out, err := read(rows)
	if err != nil {
		return nil, s.failed(ctx, limited, st, err)
	}
	if out.only("Count") {
		// What the engine says of a table it made.
		return &Rows{}, nil
	}
	return out, nil
}

// failed names who is to blame. The driver wraps a cancelled statement's error
// around the context's own.
func (s *duckSession) failed(ctx, limited context.Context, st queries.Statement, err error) error {
	if ctx.Err() == nil && limited.Err() != nil {
		return &Error{Fault: FaultWarehouse, Statement: st.Name, Err: fmt.Errorf("took longer than %s (warehouse.timeout): %w", spec.Duration{Duration: s.timeout}, err)}
	}
	line, column := duckPlace(st.SQL, err.Error())
	return &Error{Fault: duckFault(ctx, err), Statement: st.Name, Line: line, Column: column, Err: err}
}

// duckFaults are the engine's errors for which the spec is not to blame.
var duckFaults = map[duckdb.ErrorType]bool{
	duckdb.ErrorTypeOutOfMemory:      true,
	duckdb.ErrorTypeIO:               true,
	duckdb.ErrorTypeConnection:       true,
	duckdb.ErrorTypeFatal:            true,
	duckdb.ErrorTypeInternal:         true,
	duckdb.ErrorTypeInterrupt:        true,
	duckdb.ErrorTypeHTTP:             true,
	duckdb.ErrorTypeNetwork:          true,
	duckdb.ErrorTypeSerialization:    true,
	duckdb.ErrorTypeAutoLoad:         true,
	duckdb.ErrorTypeMissingExtension: true,
}

// busy tells whether another process has the file: the engine has no type for it.
func busy(err error) bool {
	engine, ok := errors.AsType[*duckdb.Error](err)
	return ok && engine.Type == duckdb.ErrorTypeIO && strings.Contains(engine.Msg, "Could not set lock on file")
}

func duckFault(ctx context.Context, err error) Fault {
	if ctx.Err() != nil {
		return FaultCanceled
	}
	if engine, ok := errors.AsType[*duckdb.Error](err); ok && !duckFaults[engine.Type] || errors.Is(err, errShape) {
		return FaultStatement
	}
	return FaultWarehouse
}

// WithDuckDB tells whether this build has DuckDB.
const WithDuckDB = true

var _ Describer = (*duckSession)(nil)

// Describe binds the query and reads no rows.
func (s *duckSession) Describe(ctx context.Context, st queries.Statement) ([]Column, error) {
	before := "SELECT column_name, column_type FROM (DESCRIBE "
	st.SQL = before + st.SQL + "\n)"
	rows, err := s.Run(ctx, st)
	if e, ok := errors.AsType[*Error](err); ok && e.Line == 1 && e.Column > 0 {
		if e.Column -= len(before); e.Column < 1 {
			e.Line, e.Column = 0, 0
		}
	}
	if err != nil {
		return nil, err
	}
	out := make([]Column, rows.Len())
	for i := range out {
		out[i].Name, _ = rows.Text(i, "column_name")
		out[i].Type, _ = rows.Text(i, "column_type")
	}
	return out, nil
}
