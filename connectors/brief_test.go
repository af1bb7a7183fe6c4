package connectors_test

import (
	"context"
	"path/filepath"
	"testing"

	"assay/connectors"
)

// TestBrief: a session on the file gives way to the next one, also within one
// process, and a file that is not there is empty to those who only read.
func TestBrief(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b.duckdb")
	empty, err := (&connectors.Brief{Path: path, ReadOnly: true}).Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rows := run(t, empty, "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM information_schema.tables"); rows.Len() != 1 {
		t.Error("nothing there")
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	file := &connectors.Brief{Path: path}
	first, err := file.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, first, "CREATE TABLE t AS SELECT 1 AS n")
	second := make(chan error, 1)
	go func() {
		s, err := file.Session(context.Background())
		if err == nil {
			err = s.Close()
		}
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("two sessions had the file at once: %v", err)
	default:
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
	last, err := (&connectors.Brief{Path: path, ReadOnly: true}).Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := run(t, last, "SELECT CAST(n AS BIGINT) AS n FROM t").Int(0, "n"); n != 1 || !ok {
		t.Errorf("%d", n)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
}
