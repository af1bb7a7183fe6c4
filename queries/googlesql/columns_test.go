package googlesql_test

import (
	"strings"
	"testing"

	"github.com/goccy/go-googlesql"
)

// TestColumnsOfTime holds what docs/bigquery.md says of columns beside {{start}},
// of BOOL as a value, and of tables that are estimated only.
func TestColumnsOfTime(t *testing.T) {
	w := open(t, "shop")
	const (
		start = "TIMESTAMP '2026-03-20 12:00:00.000000+00:00'"
		from  = "WITH x AS (SELECT " + start + " AS ts, DATETIME '2026-03-20 12:00:00' AS civil, DATE '2026-03-20' AS day, TRUE AS ok)\n" +
			"SELECT CAST(COUNT(*) AS INT64) AS n FROM x WHERE "
	)
	for _, k := range []struct{ sql, refused string }{
		{from + "ts >= " + start, ""},
		{from + "civil >= DATETIME(" + start + ")", ""},
		{from + "civil >= DATETIME(" + start + ", 'Europe/Berlin')", ""},
		{from + "day >= DATE(" + start + ") AND day <= DATE(" + start + ")", ""},
		{from + "ts >= TIMESTAMP_TRUNC(" + start + ", DAY) AND ts < " + start, ""},
		{from + "CAST(IF(ok, 1, 0) AS FLOAT64) > 0", ""},
		{from + "civil >= " + start, "DATETIME, TIMESTAMP"},
		{from + "CAST(ok AS FLOAT64) > 0", "Invalid cast from BOOL"},
		{"WITH `assay_units` AS (SELECT CAST(NULL AS INT64) AS `i`, CAST(NULL AS STRING) AS `t` LIMIT 0) SELECT * FROM (-- why\n" +
			"WITH u AS (SELECT i FROM assay_units)\nSELECT CAST(SUM(i) AS INT64) AS n FROM u\n)", ""},
	} {
		_, err := googlesql.AnalyzeStatement(k.sql, w.options, w.catalog, w.types)
		switch {
		case k.refused == "" && err != nil:
			t.Errorf("%v\n%s", err, k.sql)
		case k.refused != "" && (err == nil || !strings.Contains(err.Error(), k.refused)):
			t.Errorf("want a refusal with %q, got %v\n%s", k.refused, err, k.sql)
		}
	}
}
