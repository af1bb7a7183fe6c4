package ledger_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// storage is one kind of place that a ledger may be kept in. A path names a ledger
// of a test: a file, or the database with its table.
type storage struct {
	name     string
	open     func(path string) (*ledger.Ledger, error)
	readOnly func(path string) (*ledger.Ledger, error)
	reseal   func(path string) (int64, error)
}

// tableName is where ledgers of tests are in their databases.
const tableName = "main.assay_ledger"

// briefTable keeps a ledger in a DuckDB file of its own.
func briefTable(path string, readOnly bool) ledger.Table {
	return fileTable(&connectors.Brief{Path: path, ReadOnly: readOnly})
}

func fileTable(file *connectors.Brief) ledger.Table {
	return ledger.Table{
		Name: tableName, Dialect: queries.DuckDB, Owner: "a test",
		Open: func(ctx context.Context) (ledger.Session, error) {
			s, err := file.Session(ctx)
			if err != nil {
				return nil, err
			}
			return connectors.Records{Session: s}, nil
		},
	}
}

// sharedTable keeps a ledger in a table of an open warehouse.
func sharedTable(w connectors.Warehouse) ledger.Table {
	return ledger.Table{
		Name: tableName, Dialect: w.Dialect(), Owner: "a test",
		Open: func(ctx context.Context) (ledger.Session, error) {
			s, err := w.Session(ctx, connectors.Tags{})
			if err != nil {
				return nil, err
			}
			return connectors.Records{Session: s}, nil
		},
	}
}

// warehouse opens a DuckDB file as a warehouse.
func warehouse(t testing.TB, path string) connectors.Warehouse {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	w, err := connectors.Open(context.Background(), spec.Warehouse{Type: "duckdb", Path: path, ReadWrite: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// storages are all of them. A warehouse stays open as long as the test.
func storages(t testing.TB) []storage {
	open := map[string]connectors.Warehouse{}
	shared := func(path string) ledger.Table {
		if open[path] == nil {
			open[path] = warehouse(t, path+".duckdb")
		}
		return sharedTable(open[path])
	}
	files := map[string]*connectors.Brief{}
	brief := func(path string) ledger.Table {
		if files[path] == nil {
			files[path] = &connectors.Brief{Path: path}
		}
		return fileTable(files[path])
	}
	ctx := context.Background()
	return []storage{
		{"file", ledger.Open, ledger.OpenReadOnly, ledger.Reseal},
		{
			"duckdb file",
			func(path string) (*ledger.Ledger, error) { return ledger.OpenTable(ctx, brief(path)) },
			func(path string) (*ledger.Ledger, error) { return ledger.OpenTableReadOnly(ctx, brief(path)) },
			func(path string) (int64, error) { return ledger.ResealTable(ctx, brief(path)) },
		},
		{
			"warehouse",
			func(path string) (*ledger.Ledger, error) { return ledger.OpenTable(ctx, shared(path)) },
			func(path string) (*ledger.Ledger, error) { return ledger.OpenTableReadOnly(ctx, shared(path)) },
			func(path string) (int64, error) { return ledger.ResealTable(ctx, shared(path)) },
		},
	}
}

// each runs a test over every storage, with a path that nothing is at.
func each(t *testing.T, test func(t *testing.T, s storage, path string)) {
	t.Helper()
	for _, s := range storages(t) {
		if testing.Short() && s.name == "duckdb file" {
			continue // As the warehouse, and slower: it is opened for each step.
		}
		t.Run(strings.ReplaceAll(s.name, " ", "-"), func(t *testing.T) { test(t, s, filepath.Join(t.TempDir(), "a", "b", "ledger")) })
	}
}

// must opens a ledger for writing that the test closes.
func (s storage) must(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	l, err := s.open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// verify reads the whole ledger.
func (s storage) verify(path string) error {
	l, err := s.readOnly(path)
	if err != nil {
		return err
	}
	return l.Close()
}

// looks are the ids of all looks as somebody else reads them.
func (s storage) looks(t testing.TB, path string) []string {
	t.Helper()
	l, err := s.readOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var ids []string
	for _, name := range l.Experiments() {
		for k, err := range l.Looks(name) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, k.Body.ID)
		}
	}
	return ids
}
