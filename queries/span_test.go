package queries

import (
	"testing"
	"time"
)

// Beside a zone of a source's own the bounds are a day wider: no row that counts
// is left out by the user's own filter, whether its column is a wall clock or an
// instant.
func TestSpan(t *testing.T) {
	start := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC)
	end := time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC) // 02:30 in Berlin, for the second time
	for _, c := range []struct {
		dialect    Dialect
		zone       string
		start, end string
	}{
		{DuckDB, "", "TIMESTAMP '2026-10-24 22:00:00.000000'", "TIMESTAMP '2026-10-25 01:30:00.000000'"},
		{DuckDB, "UTC", "TIMESTAMP '2026-10-24 22:00:00.000000'", "TIMESTAMP '2026-10-25 01:30:00.000000'"},
		{DuckDB, "Europe/Berlin", "TIMESTAMP '2026-10-23 22:00:00.000000'", "TIMESTAMP '2026-10-26 01:30:00.000000'"},
		{BigQuery, "Europe/Berlin", "TIMESTAMP '2026-10-23 22:00:00.000000+00:00'", "TIMESTAMP '2026-10-26 01:30:00.000000+00:00'"},
	} {
		gotStart, gotEnd := span{start: start, end: end, zone: c.zone}.literals(c.dialect)
		if gotStart != c.start || gotEnd != c.end {
			t.Errorf("%s in %q: %s to %s, want %s to %s", c.dialect.Name, c.zone, gotStart, gotEnd, c.start, c.end)
		}
	}
}
