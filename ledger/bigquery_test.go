package ledger_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/connectors"
	"assay/connectors/bigquerytest"
	"assay/connectors/sqlglot"
	"assay/ledger"
	"assay/spec"
)

// bigQuery is a server that runs BigQuery's SQL, and its own client on it.
func bigQuery(t *testing.T) (*bigquerytest.Server, connectors.Warehouse) {
	t.Helper()
	python := os.Getenv("ASSAY_SQLGLOT")
	if python == "" {
		t.Skip("NOT CHECKED: the ledger in a table of BigQuery; ASSAY_SQLGLOT names no Python that has sqlglot")
	}
	translator, err := sqlglot.Start(context.WithoutCancel(t.Context()), python, filepath.Join("..", "queries", "testdata", "transpile.py"), "bigquery")
	if err != nil {
		t.Fatal(err)
	}
	s, err := bigquerytest.New("", "assay-test")
	if err != nil {
		t.Fatal(err)
	}
	s.Translate = translator.Translate
	at := httptest.NewServer(s)
	w, err := connectors.Open(t.Context(), spec.Warehouse{
		Type: "bigquery", Project: "assay-test", Location: "EU", Endpoint: at.URL, MaxBytesBilled: 1 << 30,
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = w.Close()
		at.Close()
		if err := errors.Join(s.Close(), translator.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, w
}

// TestTableOfBigQuery: a ledger in a table of BigQuery keeps what is appended, lets
// nobody else write meanwhile, is read by others, and sees what was changed in it.
func TestTableOfBigQuery(t *testing.T) {
	s, w := bigQuery(t)
	place := sharedTable(w)
	place.Name = "main.assay_ledger"
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
	again := mustOpen(t, place)
	mustAppend(t, again, 4, look("z", 4))
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
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
