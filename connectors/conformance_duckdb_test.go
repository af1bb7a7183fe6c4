package connectors_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

var duckDBWarehouse = warehouse{
	name: "duckdb", dialect: queries.DuckDB,
	open: func(t *testing.T, timeout time.Duration) connectors.Warehouse {
		return open(t, spec.Warehouse{Type: "duckdb", Timeout: spec.Duration{Duration: timeout}}, t.TempDir())
	},
	rows:      func(n int) string { return fmt.Sprintf("range(%d) t(i)", n) },
	zoned:     "epoch_us(CAST(TIMESTAMP '1970-01-01 00:00:00' AS TIMESTAMPTZ))",
	slow:      "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM range(300000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3",
	missing:   "does not exist",
	syntax:    "syntax error",
	toInteger: "seven",
	foreign: []string{
		"SELECT DATE '2026-01-01' AS d", "SELECT TRUE AS b", "SELECT CAST(0.1 AS DECIMAL(38, 9)) AS n",
		"SELECT CAST(1 AS HUGEINT) AS h", "SELECT TIMESTAMP '2026-01-01 00:00:00' AS t", "SELECT [1] AS a",
	},
	effort: processorTime,
}

// processorTime is what this process, in which the engine runs, takes of it in a
// short while, in seconds.
func processorTime(t *testing.T) float64 {
	t.Helper()
	taken := func() int64 {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return usage.Utime.Nano() + usage.Stime.Nano()
	}
	before := taken()
	time.Sleep(400 * time.Millisecond)
	return time.Duration(taken() - before).Seconds()
}
