package queries_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// The benchmarks compare whole looks with hand-written queries, as ratios of
// times of one run: run them with -benchtime 1x. The tables are generated once
// into the folder $ASSAY_BENCH_DIR, else into the user's cache.
const (
	benchFolder = "queries-1"
	benchUnits  = 4_000_000
	rounds      = 3
)

// benchTables makes 6 million exposures of 4 million users and 20 million facts
// with 20 events, in no order.
var benchTables = []string{
	`CREATE TABLE exposures AS SELECT user_id,
		make_timestamp(1767225600000000 + CAST(hash(i, 1) % 1209600000000 AS BIGINT)) AS ts,
		'exp' AS experiment_id, CASE WHEN hash(user_id) % 2 = 0 THEN 'control' ELSE 'treatment' END AS variation_id
	FROM (SELECT i, CAST(CASE WHEN i < 4000000 THEN i * 2654435761 ELSE hash(i) END % 4000000 AS BIGINT) AS user_id FROM range(6000000) t(i))`,
	`CREATE TABLE facts AS SELECT CAST(hash(i, 2) % 4000000 AS BIGINT) AS user_id,
		make_timestamp(1767225600000000 + CAST(hash(i, 3) % 1468800000000 AS BIGINT)) AS ts,
		'event_' || CAST(hash(i, 4) % 20 AS VARCHAR) AS event, (hash(i, 5) % 1000) / 10.0 AS amount
	FROM range(20000000) t(i)`,
	"COPY exposures TO 'exposures.parquet' (COMPRESSION zstd)",
	"COPY facts TO 'facts.parquet' (COMPRESSION zstd)",
	"CHECKPOINT",
}

// benchDir makes the files where they are missing, in one step for whoever
// looks.
func benchDir(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("ASSAY_BENCH_DIR")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			b.Fatal(err)
		}
		dir = filepath.Join(cache, "assay-bench")
	}
	dir = filepath.Join(dir, benchFolder)
	_, err := os.Stat(dir)
	if err == nil {
		return dir
	}
	if !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	b.Logf("making %s, once", dir)
	unfinished := fmt.Sprintf("%s.%d", dir, os.Getpid())
	if err := os.MkdirAll(unfinished, 0o755); err != nil {
		b.Fatal(err)
	}
	generate(b, unfinished)
	if err := os.Rename(unfinished, dir); err != nil {
		b.Fatal(err)
	}
	return dir
}

func generate(b *testing.B, dir string) {
	b.Helper()
	db, err := sql.Open("duckdb", filepath.Join(dir, "tables.duckdb"))
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range benchTables {
		s = strings.ReplaceAll(s, "TO '", "TO '"+dir+"/")
		if _, err := db.ExecContext(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// tables and parquet are the same events, kept in two ways.
var (
	tables  = spec.Warehouse{Type: "duckdb", Path: "tables.duckdb"}
	parquet = spec.Warehouse{Type: "duckdb", Files: map[string]string{"exposures": "exposures.parquet", "facts": "facts.parquet"}}
)

// contender is a list of statements that run in one session.
type contender struct {
	name       string
	statements []queries.Statement
}

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// atEnd is a look when everything is over.
func atEnd() queries.Look {
	return queries.Look{AsOf: begin.Add(17 * day), Epochs: []queries.Epoch{{Start: begin, Settled: begin}}}
}

// look renders a whole look at metrics.
func look(b *testing.B, name string, metrics ...spec.Metric) contender {
	b.Helper()
	return render(b, name, atEnd(), metrics)
}

func render(b *testing.B, name string, at queries.Look, metrics []spec.Metric) contender {
	b.Helper()
	p := &spec.Project{Config: spec.Config{
		Identifiers: map[string]spec.Identifier{"user_id": {}},
		Assignments: map[string]spec.Assignment{"exposures": {
			Identifier: "user_id",
			SQL:        "SELECT user_id, ts AS timestamp, experiment_id, variation_id\nFROM exposures\nWHERE ts >= {{start}} AND ts < {{end}}",
		}},
		Facts: map[string]spec.Source{"facts": {
			Identifiers: []string{"user_id"},
			SQL:         "SELECT user_id, ts AS timestamp, event, amount\nFROM facts\nWHERE ts >= {{start}} AND ts < {{end}}",
		}},
		Metrics: map[string]spec.Metric{},
	}}
	e := &spec.Experiment{
		Name: "exp", ExperimentID: "exp", Assignment: "exposures", Start: spec.Instant{Time: begin}, Duration: spec.Duration{Duration: 17 * day},
		Variations: []spec.Variation{{ID: "control", KnownGood: true}, {ID: "treatment"}},
	}
	for i, m := range metrics {
		metric := fmt.Sprintf("metric_%d", i)
		m.Source, m.Window = "facts", spec.Duration{Duration: 3 * day}
		p.Config.Metrics[metric] = m
		e.Goals = append(e.Goals, spec.Use{Metric: metric})
	}
	script, err := queries.Render(p, e, at, queries.DuckDB)
	if err != nil {
		b.Fatal(err)
	}
	return contender{name, script.All()}
}

// bare is the query that one would write by hand for one metric.
func bare(where string) contender {
	return contender{"bare", []queries.Statement{{Name: "bare", SQL: `WITH first AS (
  SELECT user_id, arg_min(variation_id, ts) AS v, MIN(ts) AS t0
  FROM exposures
  WHERE experiment_id = 'exp' AND ts >= TIMESTAMP '2026-01-01' AND ts < TIMESTAMP '2026-01-18'
  GROUP BY user_id
),
per_user AS (
  SELECT any_value(f.v) AS v, COALESCE(SUM(e.amount), 0) AS y
  FROM first AS f
  LEFT JOIN facts AS e
    ON e.user_id = f.user_id AND e.ts >= f.t0 AND e.ts < f.t0 + INTERVAL 3 DAY` + where + `
  GROUP BY f.user_id
)
SELECT v, COUNT(*) AS n, AVG(y) AS mean, VAR_SAMP(y) AS var
FROM per_user
GROUP BY v`}}}
}

// scan only reads the columns that a look uses.
func scan() contender {
	return contender{"scan", []queries.Statement{
		{Name: "scan", SQL: "SELECT MAX(experiment_id) AS e, MAX(variation_id) AS v, CAST(SUM(user_id) AS DOUBLE) AS u, epoch_us(MAX(ts)) AS t FROM exposures"},
		{Name: "scan", SQL: "SELECT CAST(SUM(user_id) AS DOUBLE) AS u, epoch_us(MAX(ts)) AS t, SUM(amount) AS a FROM facts"},
	}}
}

func (c contender) run(b *testing.B, w connectors.Warehouse) {
	b.Helper()
	s, err := w.Session(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	for _, st := range c.statements {
		if _, err := s.Run(context.Background(), st); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// took is what one run of a contender took: seconds on the clock and of
// processor time.
type took struct{ wall, cpu float64 }

func (c contender) time(b *testing.B, w connectors.Warehouse) took {
	b.Helper()
	wall, cpu := b.Elapsed(), processor(b)
	c.run(b, w)
	return took{(b.Elapsed() - wall).Seconds(), (processor(b) - cpu).Seconds()}
}

func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// compete runs the contenders in turns and reports the median of each over that
// of the last one.
func compete(b *testing.B, cfg spec.Warehouse, contenders ...contender) {
	b.Helper()
	w, err := connectors.Open(b.Context(), cfg, benchDir(b))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	times := make([][]took, len(contenders))
	contenders[len(contenders)-1].run(b, w) // warms the file's cache
	b.ResetTimer()
	for range rounds * b.N {
		for i, c := range contenders {
			times[i] = append(times[i], c.time(b, w))
		}
	}
	last := len(contenders) - 1
	wall := func(t took) float64 { return t.wall }
	cpu := func(t took) float64 { return t.cpu }
	for i, c := range contenders[:last] {
		unit := c.name + "/" + contenders[last].name
		b.ReportMetric(median(times[i], wall)/median(times[last], wall), unit)
		b.ReportMetric(median(times[i], cpu)/median(times[last], cpu), unit+"-cpu")
	}
	b.ReportMetric(median(times[last], wall), contenders[last].name+"-s")
	b.ReportMetric(0, "ns/op")
}

func median(times []took, of func(took) float64) float64 {
	list := make([]float64, len(times))
	for i, t := range times {
		list[i] = of(t)
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// everything is the sum over all facts.
var everything = spec.Metric{Kind: "sum", Value: "amount"}

// sparse are metrics of which each takes another event.
func sparse(n int) []spec.Metric {
	var list []spec.Metric
	for i := range n {
		list = append(list, spec.Metric{Kind: "sum", Value: "amount", Where: fmt.Sprintf("event = 'event_%d'", i)})
	}
	return list
}

// dense are metrics that all take every fact.
func dense(n int) []spec.Metric {
	var list []spec.Metric
	for i := range n {
		list = append(list, spec.Metric{Kind: "sum", Value: fmt.Sprintf("amount + %d", i)})
	}
	return list
}

// BenchmarkOneMetric: a whole look with one metric against the bare query for
// it; budget 1.25.
func BenchmarkOneMetric(b *testing.B) {
	b.Run("all", func(b *testing.B) { compete(b, tables, look(b, "look", everything), bare("")) })
	b.Run("event", func(b *testing.B) {
		compete(b, tables, look(b, "look", sparse(1)...), bare(" AND e.event = 'event_0'"))
	})
}

// BenchmarkManyMetrics: twenty metrics against one; budget 1.3.
func BenchmarkManyMetrics(b *testing.B) {
	compete(b, tables, look(b, "sparse20", sparse(20)...), look(b, "dense20", dense(20)...), look(b, "one", everything))
}

// BenchmarkMoments: what third moments and logarithms add to twenty metrics.
func BenchmarkMoments(b *testing.B) {
	skewed := atEnd()
	skewed.Skewed = true
	logs := sparse(20)
	for i := range logs {
		logs[i].Scale = spec.ScaleLog
	}
	compete(b, tables, render(b, "cubes", skewed, sparse(20)), look(b, "logs", logs...), look(b, "sparse20", sparse(20)...))
}

// BenchmarkScan: a whole look against reading the columns it uses; budget 4 on
// Parquet. The engine's own tables are packed so lightly that reading them is
// next to nothing.
func BenchmarkScan(b *testing.B) {
	b.Run("parquet", func(b *testing.B) { compete(b, parquet, look(b, "look", everything), scan()) })
	b.Run("tables", func(b *testing.B) { compete(b, tables, look(b, "look", everything), scan()) })
}

const benchChild = "ASSAY_BENCH_CHILD"

// BenchmarkMemory: the peak memory of a process that takes one look, per
// million exposed units; budget 0.5 GB.
func BenchmarkMemory(b *testing.B) {
	contenders := []contender{look(b, "one", everything), look(b, "sparse20", sparse(20)...), look(b, "dense20", dense(20)...)}
	if as := os.Getenv(benchChild); as != "" {
		for _, c := range contenders {
			if c.name == as {
				peak(b, c)
			}
		}
		return
	}
	benchDir(b)
	for _, c := range contenders {
		cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkMemory$", "-test.benchtime=1x")
		cmd.Env = append(os.Environ(), benchChild+"="+c.name)
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.ReportMetric(hwm(b, string(out))/(benchUnits/1e6), c.name+"-GB/M")
	}
	b.ReportMetric(0, "ns/op")
}

// peak takes the look and prints what the system says of the process.
func peak(b *testing.B, c contender) {
	b.Helper()
	w, err := connectors.Open(b.Context(), tables, benchDir(b))
	if err != nil {
		b.Fatal(err)
	}
	c.run(b, w)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	fmt.Println(string(status))
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
}

// hwm reads the peak memory in GB.
func hwm(b *testing.B, status string) float64 {
	b.Helper()
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb * 1024 / 1e9
		}
	}
	b.Skip("this system does not tell the peak memory of a process")
	return 0
}
