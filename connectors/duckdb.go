package connectors

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
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

type duckDB struct {
	db      *sql.DB
	timeout time.Duration
}

var _ Warehouse = (*duckDB)(nil)

// openDuckDB opens a database file, or an in-memory database over files. The
// file is opened read-only unless the spec says otherwise.
func openDuckDB(ctx context.Context, cfg spec.Warehouse, dir string) (Warehouse, error) {
	dsn, err := duckDSN(cfg, dir)
	if err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: err}
	}
	views, err := fileViews(cfg.Files, dir)
	if err != nil {
		return nil, &Error{Fault: FaultStatement, Err: err}
	}
	setup := append([]string{"SET TimeZone='UTC'"}, views...)
	connector, err := duckdb.NewConnector(dsn, func(exec driver.ExecerContext) error {
		for _, statement := range setup {
			if _, err := exec.ExecContext(ctx, statement, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: fmt.Errorf("opening %s: %w", describe(cfg), err)}
	}
	db := sql.OpenDB(connector)
	// A connection that went back to the pool would keep its temporary tables.
	db.SetMaxIdleConns(0)
	if err := db.PingContext(ctx); err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: errors.Join(fmt.Errorf("opening %s: %w", describe(cfg), err), db.Close())}
	}
	timeout := cfg.Timeout.Duration
	if timeout == 0 {
		timeout = defaultTimeout
	}
	return &duckDB{db: db, timeout: timeout}, nil
}

func describe(cfg spec.Warehouse) string {
	if cfg.Path == "" {
		return "duckdb in memory"
	}
	return cfg.Path
}

// duckDSN is the data source name: the path and the settings of the spec.
func duckDSN(cfg spec.Warehouse, dir string) (string, error) {
	settings := url.Values{}
	path := ""
	if cfg.Path != "" {
		path = absolute(dir, cfg.Path)
		if !cfg.ReadWrite {
			settings.Set("access_mode", "read_only")
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("database file %s does not exist", cfg.Path)
			}
		}
	}
	if cfg.MemoryLimit != "" {
		settings.Set("memory_limit", cfg.MemoryLimit)
	}
	if cfg.Threads > 0 {
		settings.Set("threads", strconv.Itoa(cfg.Threads))
	}
	if cfg.TempDir != "" {
		settings.Set("temp_directory", absolute(dir, cfg.TempDir))
	}
	if len(settings) == 0 {
		return path, nil
	}
	return path + "?" + settings.Encode(), nil
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
func fileViews(files map[string]string, dir string) ([]string, error) {
	var views []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := files[name]
		reader := fileReaders[strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz")))]
		if reader == "" {
			return nil, fmt.Errorf("warehouse.files.%s: %s has no known ending: want one of %s (or .gz of a text format)",
				name, path, strings.Join(slices.Sorted(maps.Keys(fileReaders)), ", "))
		}
		literal := "'" + strings.ReplaceAll(absolute(dir, path), "'", "''") + "'"
		views = append(views, fmt.Sprintf(`CREATE OR REPLACE TEMP VIEW "%s" AS SELECT * FROM %s`,
			strings.ReplaceAll(name, `"`, `""`), fmt.Sprintf(reader, literal)))
	}
	return views, nil
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	return filepath.Join(dir, path)
}

func (w *duckDB) Dialect() queries.Dialect { return queries.DuckDB }

func (w *duckDB) Close() error { return w.db.Close() }

func (w *duckDB) Session(ctx context.Context) (Session, error) {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, &Error{Fault: duckFault(ctx, err), Err: fmt.Errorf("opening a session: %w", err)}
	}
	return &duckSession{conn: conn, timeout: w.timeout}, nil
}

type duckSession struct {
	conn    *sql.Conn
	timeout time.Duration
}

func (s *duckSession) Close() error { return s.conn.Close() }

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
	return out, nil
}

// failed names who is to blame. The driver wraps a cancelled statement's error
// around the context's own.
func (s *duckSession) failed(ctx, limited context.Context, st queries.Statement, err error) error {
	if ctx.Err() == nil && limited.Err() != nil {
		return &Error{Fault: FaultWarehouse, Statement: st.Name, Err: fmt.Errorf("took longer than %s: %w", s.timeout, err)}
	}
	return &Error{Fault: duckFault(ctx, err), Statement: st.Name, Err: err}
}

// duckFaults are the engine's errors for which the spec is not to blame.
var duckFaults = map[duckdb.ErrorType]bool{
	duckdb.ErrorTypeOutOfMemory: true,
	duckdb.ErrorTypeIO:          true,
	duckdb.ErrorTypeConnection:  true,
	duckdb.ErrorTypeFatal:       true,
	duckdb.ErrorTypeInternal:    true,
	duckdb.ErrorTypeInterrupt:   true,
	duckdb.ErrorTypeHTTP:        true,
	duckdb.ErrorTypeNetwork:     true,
}

func duckFault(ctx context.Context, err error) Fault {
	if ctx.Err() != nil {
		return FaultCanceled
	}
	if engine, ok := errors.AsType[*duckdb.Error](err); ok && !duckFaults[engine.Type] {
		return FaultStatement
	}
	return FaultWarehouse
}
