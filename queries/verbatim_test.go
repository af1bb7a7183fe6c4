package queries

import (
	"strings"
	"testing"
	"time"

	"assay/spec"
)

// TestVerbatim fills placeholders in SQL and leaves what the engine takes for a
// text, a name or a comment, of which each engine has its own.
func TestVerbatim(t *testing.T) {
	for _, c := range []struct {
		dialect Dialect
		sql     string
		filled  int // placeholders that are
	}{
		{DuckDB, "SELECT 'a\\' AS x, {{start}} AS y", 1}, // a backslash is nothing but itself
		{DuckDB, "SELECT E'it\\'s {{start}}'", 0},
		{DuckDB, "SELECT 'it''s {{start}}', $$it's {{start}}$$, \"{{start}}\" -- {{start}}\n, {{start}}", 1},
		{DuckDB, "SELECT a // {{start}}", 1}, // a division
		{DuckDB, "SELECT #1, {{start}}", 1},  // a position
		{BigQuery, "SELECT 'it\\'s {{start}}', {{start}}", 1},
		{BigQuery, "SELECT r'\\'{{start}}', R\"\\\"{{start}}\", {{start}}", 1},
		{BigQuery, "SELECT '''it's\n{{start}}''', \"\"\"a \"b\" {{start}}\"\"\", rb'''\\'''{{start}}''', {{start}}", 1},
		{BigQuery, "SELECT `a-b.{{start}}` # it's {{start}}\n, {{start}} /* {{start}} */", 1},
		{BigQuery, "SELECT 1 // {{start}}", 1},
		{Snowflake, "SELECT 'it\\'s {{start}}', 'it''s {{start}}', {{start}}", 1},
		{Snowflake, "SELECT $$it's {{start}}$$, {{start}} // it's {{start}}\n, {{start}}", 2},
		{Snowflake, "SELECT \"a\\\", {{start}} -- {{start}}", 1}, // a name has no escapes
	} {
		r := &renderer{d: c.dialect, e: &spec.Experiment{ExperimentID: "one"}}
		start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
		got := r.userSQL(Source{"facts", "events"}, c.sql, span{start: start, end: start}).sql
		if left := strings.Count(c.sql, "{{start}}") - c.filled; strings.Count(got, "{{start}}") != left || strings.Count(got, c.dialect.instant(start)) != c.filled {
			t.Errorf("%s: %s\nbecomes %s\nwant %d filled", c.dialect.Name, c.sql, got, c.filled)
		}
	}
}
