package ledger_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/connectors"
	"assay/connectors/bigquerytest"
	"assay/connectors/snowflaketest"
	"assay/connectors/sqlglot"
	"assay/ledger"
	"assay/spec"
)

// emulated is a server that runs the SQL of a service.
type emulated interface {
	http.Handler
	Exec(statement string) error
	Sessions() int
}

// translator is that of a dialect, where there is one.
func translator(t *testing.T, dialect string) *sqlglot.Translator {
	t.Helper()
	python := os.Getenv("ASSAY_SQLGLOT")
	if python == "" {
		t.Skip("NOT CHECKED: the ledger in a table of " + dialect + "; ASSAY_SQLGLOT names no Python that has sqlglot")
	}
	tr, err := sqlglot.Start(context.WithoutCancel(t.Context()), python, filepath.Join("..", "queries", "testdata", "transpile.py"), dialect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

// serve opens the warehouse that a server is, by the service's own client.
func serve(t *testing.T, s http.Handler, end func() error, cfg spec.Warehouse) connectors.Warehouse {
	t.Helper()
	at := httptest.NewServer(s)
	cfg.Endpoint = at.URL
	w, err := connectors.Open(t.Context(), cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Close()
		at.Close()
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestTableOfBigQuery(t *testing.T) {
	tr := translator(t, "bigquery")
	s, err := bigquerytest.New("", "assay-test")
	if err != nil {
		t.Fatal(err)
	}
	s.Translate = tr.Translate
	keepsInTable(t, s, serve(t, s, s.Close, spec.Warehouse{Type: "bigquery", Project: "assay-test", Location: "EU", MaxBytesBilled: 1 << 30}))
}

func TestTableOfSnowflake(t *testing.T) {
	t.Setenv("SNOWFLAKE_HOME", t.TempDir())
	tr := translator(t, "snowflake")
	s, err := snowflaketest.New("")
	if err != nil {
		t.Fatal(err)
	}
	s.Translate = tr.Translate
	keepsInTable(t, s, serve(t, s, s.Close, spec.Warehouse{Type: "snowflake", Account: "assay-test", User: "assay", Password: spec.NewSecret("x")}))
}

// keepsInTable: a ledger in a table of a service keeps what is appended, lets nobody
// else write meanwhile, fences off who lost the lease, is read by others, and sees
// what was changed in it.
func keepsInTable(t *testing.T, s emulated, w connectors.Warehouse) {
	t.Helper()
	place := sharedTable(w)
	l := mustOpen(t, place)
	for i := 1; i <= 3; i++ {
		mustAppend(t, l, i, look("it's `x` \\ \"y\"\n", i))
	}
	if _, err := ledger.OpenTable(t.Context(), place); !errors.Is(err, ledger.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	fences(t, s, place)
	reader, err := ledger.OpenTableReadOnly(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(reader.Experiments(), "|"); got != "it's `x` \\ \"y\"\n|z" {
		t.Errorf("experiments %q", got)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if n := s.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	if err := s.Exec("UPDATE assay_ledger SET line = replace(line, 'z', 'y') WHERE seq = 4"); err != nil {
		t.Fatal(err)
	}
	_, err = ledger.OpenTableReadOnly(t.Context(), place)
	if tamper, ok := errors.AsType[*ledger.TamperError](err); !ok || tamper.Record != 4 {
		t.Errorf("a changed line: %v", err)
	}
}

// fences has a writer lose its lease to another, by the clock of the warehouse: only
// the other writes from then on.
func fences(t *testing.T, s emulated, place ledger.Table) {
	t.Helper()
	first := mustOpen(t, place)
	mustAppend(t, first, 4, look("z", 4))
	if err := s.Exec("UPDATE assay_ledger_head SET expires_us = 0"); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, place)
	lost, ok := errors.AsType[*ledger.LockedError](first.Append(at(5), look("z", 5)))
	if !ok || !lost.Lost {
		t.Errorf("appended without the lease: %v", lost)
	}
	mustAppend(t, second, 5, look("z", 5))
	if err := errors.Join(first.Close(), second.Close()); err != nil {
		t.Error(err)
	}
}
