package queries_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

const (
	benchScale  = "ASSAY_BENCH_SCALE"
	benchFolder = "queries-2" // another number where the tables change
	benchDays   = 30
	benchEvents = 50
)

// scale is a size of the tables: four exposures and twenty facts a unit.
type scale struct {
	Name  string
	Units int64
}

var (
	tenth = scale{"tenth", 500_000}
	full  = scale{"full", 5_000_000}
)

// Exposures and Facts are the numbers of rows, Gap and Pace the microseconds
// between them: first exposures end three days before the facts do.
func (s scale) Exposures() int64 { return 4 * s.Units }
func (s scale) Facts() int64     { return 20 * s.Units }
func (s scale) Gap() int64       { return (benchDays - 3) * day.Microseconds() / s.Exposures() }
func (s scale) Pace() int64      { return benchDays * day.Microseconds() / s.Facts() }

// Start, in microseconds since 1970 UTC, and Events are those of every scale.
func (s scale) Start() int64 { return begin.UnixMicro() }
func (s scale) Events() int  { return benchEvents }

// scales are those that $ASSAY_BENCH_SCALE asks for.
func scales(b *testing.B) []scale {
	b.Helper()
	switch name := cmp.Or(os.Getenv(benchScale), tenth.Name); name {
	case tenth.Name:
		return []scale{tenth}
	case full.Name:
		return []scale{tenth, full}
	default:
		b.Fatalf("%s is %q: want %s, or %s for both", benchScale, name, tenth.Name, full.Name)
		return nil
	}
}

// atScales runs a benchmark at each scale.
func atScales(b *testing.B, run func(b *testing.B, s scale)) {
	b.Helper()
	for _, s := range scales(b) {
		b.Run(s.Name, func(b *testing.B) { run(b, s) })
	}
}

// benchTables makes the rows in the order of their times, as logs are kept, of
// users in no order. In thirty days a user has twenty facts; two of them fall
// into the three days after first exposure, and some come before it. Amounts have
// a heavy tail. No metric uses request_id: a look must not read it. However many
// rows there are, they pass through: no step holds them.
var benchTables = template.Must(template.New("").Parse(`
SET memory_limit = '2GB';
SET temp_directory = '{{.Dir}}/spill';
COPY (
  SELECT
    CAST(hash(i, 1) % {{.Units}} AS BIGINT) AS user_id,
    make_timestamp(CAST({{.Start}} + i * {{.Gap}} + hash(i, 2) % 60000000 AS BIGINT)) AS ts,
    'exp' AS experiment_id,
    CASE WHEN hash(user_id) % 2 = 0 THEN 'control' ELSE 'treatment' END AS variation_id
  FROM range({{.Exposures}}) AS t(i)
) TO '{{.Dir}}/exposures.parquet' (COMPRESSION zstd);
COPY (
  SELECT
    CAST(hash(i, 3) % {{.Units}} AS BIGINT) AS user_id,
    make_timestamp(CAST({{.Start}} + i * {{.Pace}} + hash(i, 4) % 60000000 AS BIGINT)) AS ts,
    'event_' || CAST(hash(i, 5) % {{.Events}} AS VARCHAR) AS event,
    ROUND(EXP(2 + SQRT(-2 * LN((hash(i, 6) % 1000000 + 1) / 1000001))
      * COS(2 * PI() * (hash(i, 7) % 1000000) / 1000000)), 2) AS amount,
    CAST(hash(i, 8) // 2 AS BIGINT) AS request_id
  FROM range({{.Facts}}) AS t(i)
) TO '{{.Dir}}/facts.parquet' (COMPRESSION zstd);
ATTACH '{{.Dir}}/tables.duckdb' AS tables;
CREATE TABLE tables.exposures AS SELECT * FROM '{{.Dir}}/exposures.parquet';
CREATE TABLE tables.facts AS SELECT * EXCLUDE (request_id) FROM '{{.Dir}}/facts.parquet';
DETACH tables
`))

// benchDir is the folder with the tables of a scale, in $ASSAY_BENCH_DIR or else
// the user's cache; they are made where they are missing.
func benchDir(b *testing.B, s scale) string {
	b.Helper()
	parent := os.Getenv("ASSAY_BENCH_DIR")
	if parent == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			b.Fatal(err)
		}
		parent = filepath.Join(cache, "assay-bench")
	}
	dir, err := filepath.Abs(filepath.Join(parent, benchFolder+"-"+s.Name))
	if err != nil {
		b.Fatal(err)
	}
	if _, err = os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		b.Logf("making %s, once", dir)
		err = makeTables(b.Context(), dir, s)
	}
	if err != nil {
		b.Fatal(err)
	}
	return dir
}

// makeTables makes a folder beside its place and renames it: whoever looks finds
// all of it or nothing. Who comes second throws away what he made.
func makeTables(ctx context.Context, dir string, s scale) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".unfinished-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(unfinished) }()
	if err := generate(ctx, unfinished, s); err != nil {
		return fmt.Errorf("making the tables: %w", err)
	}
	err = os.Rename(unfinished, dir)
	if _, missing := os.Stat(dir); missing == nil {
		return nil
	}
	return err
}

func generate(ctx context.Context, dir string, s scale) error {
	var script strings.Builder
	data := struct {
		scale
		Dir string
	}{s, strings.ReplaceAll(dir, "'", "''")}
	if err := benchTables.Execute(&script, data); err != nil {
		return err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, script.String())
	return errors.Join(err, db.Close())
}
