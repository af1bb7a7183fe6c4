package queries_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"syscall"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// The benchmarks compare whole looks with hand-written queries, as ratios of
// times of one run: run them with -benchtime 1x. The tables are made once (see
// benchDir); ASSAY_BENCH_SCALE=full measures the full ones beside a tenth of
// them. Rivals take turns and medians are compared, so that a machine that
// others use too favours none. Where "spread" says that it was restless, trust
// the ratios of processor time: waiting is not in them.

// rounds is how often each rival has its turn.
const rounds = 3

// The budgets of docs/performance.md.
const (
	budgetOne    = 1.25 // a look at one metric, times the bare query for it
	budgetSparse = 1.3  // a look at many sparse metrics, times one at one metric
	budgetScan   = 4.0  // a look, times the scan of the columns it uses
	budgetMemory = 0.5  // GB per million exposed units
	budgetDay    = 0.1  // a day's incremental look, times a full one
)

// tables and parquet are the same events, kept in two ways.
var (
	tables  = spec.Warehouse{Type: "duckdb", Path: "tables.duckdb"}
	parquet = spec.Warehouse{Type: "duckdb", Files: map[string]string{
		"exposures": "exposures.parquet", "facts": "facts.parquet",
	}}
)

// contender is a list of statements that run in one session.
type contender struct {
	name       string
	statements []queries.Statement
	budget     float64 // greatest ratio to the last rival; 0 = none
	// answer is what the results come to, the total of all metrics over treated
	// units: rivals that have one must agree. nil = it has none to compare.
	answer func(results []*connectors.Rows) float64
	// before is run before each turn and not timed; nil = nothing.
	before func(b *testing.B)
}

// within gives a contender its budget.
func (c contender) within(budget float64) contender {
	c.budget = budget
	return c
}

// begin is the start of the experiment and of the tables.
var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// atEnd is a look when everything is over.
func atEnd() queries.Look {
	return queries.Look{AsOf: begin.Add(benchDays * day), Epochs: []queries.Epoch{{Start: begin, Settled: begin}}}
}

// look renders a whole look at metrics.
func look(b *testing.B, name string, metrics ...spec.Metric) contender {
	b.Helper()
	return render(b, name, atEnd(), metrics)
}

func render(b *testing.B, name string, at queries.Look, metrics []spec.Metric) contender {
	b.Helper()
	script := scriptOf(b, at, metrics)
	return contender{name: name, statements: script.All(), answer: totalOf(script)}
}

func scriptOf(b *testing.B, at queries.Look, metrics []spec.Metric) *queries.Script {
	b.Helper()
	p, e := projectOf(metrics, 3*day)
	script, err := queries.Render(p, e, at, queries.DuckDB)
	if err != nil {
		b.Fatal(err)
	}
	return script
}

// projectOf is a project with one experiment at metrics of one window.
func projectOf(metrics []spec.Metric, window time.Duration) (*spec.Project, *spec.Experiment) {
	p := &spec.Project{Config: spec.Config{
		Identifiers: map[string]spec.Identifier{"user_id": {}},
		Assignments: map[string]spec.Assignment{"exposures": {
			Identifier: "user_id",
			SQL: "SELECT user_id, ts AS timestamp, experiment_id, variation_id\nFROM exposures\n" +
				"WHERE ts >= {{start}} AND ts < {{end}}",
		}},
		Facts: map[string]spec.Source{"facts": {
			Identifiers: []string{"user_id"},
			SQL:         "SELECT user_id, ts AS timestamp, event, amount\nFROM facts\nWHERE ts >= {{start}} AND ts < {{end}}",
		}},
		Metrics: map[string]spec.Metric{},
	}}
	e := &spec.Experiment{
		Name: "exp", ExperimentID: "exp", Assignment: "exposures",
		Start: spec.Instant{Time: begin}, Duration: spec.Duration{Duration: benchDays * day},
		Variations: []spec.Variation{{ID: "control", KnownGood: true}, {ID: "treatment"}},
	}
	for i, m := range metrics {
		metric := fmt.Sprintf("metric_%d", i)
		m.Source, m.Window = "facts", spec.Duration{Duration: window}
		p.Config.Metrics[metric] = m
		e.Goals = append(e.Goals, spec.Use{Metric: metric})
	}
	return p, e
}

// totalOf reads the total of a script's metrics from the last of its statements; units
// without a fact add nothing to it.
func totalOf(script *queries.Script) func(results []*connectors.Rows) float64 {
	return func(results []*connectors.Rows) float64 {
		total, rows := 0.0, results[len(script.All())-1]
		for row := range rows.Len() {
			stratum, _ := rows.Int(row, "assay_stratum")
			class, _ := rows.Int(row, "assay_class")
			_, arm := script.Stratum(stratum)
			for _, m := range script.Facts[0].Measures {
				if m.Class == class && arm == 1 {
					n, _ := rows.Int(row, m.Prefix+"_n")
					mean, _ := rows.Float(row, m.Prefix+"_mean")
					total += float64(n) * mean
				}
			}
		}
		return total
	}
}

func (c contender) run(b *testing.B, w connectors.Warehouse) []*connectors.Rows {
	b.Helper()
	s, err := w.Session(context.Background(), connectors.Tags{})
	if err != nil {
		b.Fatal(err)
	}
	var results []*connectors.Rows
	for _, st := range c.statements {
		rows, err := s.Run(context.Background(), st)
		if err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
		results = append(results, rows)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return results
}

// took is what one run of a contender took: seconds on the clock and of
// processor time.
type took struct{ wall, cpu float64 }

func wall(t took) float64 { return t.wall }
func cpu(t took) float64  { return t.cpu }

func (c contender) time(b *testing.B, w connectors.Warehouse) (took, []*connectors.Rows) {
	b.Helper()
	if c.before != nil {
		c.before(b)
	}
	clock, used := b.Elapsed(), processor(b)
	results := c.run(b, w)
	return took{(b.Elapsed() - clock).Seconds(), (processor(b) - used).Seconds()}, results
}

func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// open opens the tables of a scale as a warehouse, until the benchmark ends.
func open(b *testing.B, cfg spec.Warehouse, s scale) connectors.Warehouse {
	b.Helper()
	w, err := connectors.Open(b.Context(), cfg, benchDir(b, s))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = w.Close() })
	return w
}

// compete runs the contenders in turns and reports the median of each over that
// of the last one. It returns the medians.
func compete(b *testing.B, w connectors.Warehouse, contenders ...contender) []took {
	b.Helper()
	base := contenders[len(contenders)-1]
	base.time(b, w) // warms the file's cache
	times := make([][]took, len(contenders))
	answers := make([]float64, len(contenders))
	b.ResetTimer()
	for range rounds * b.N {
		for i, c := range contenders {
			t, results := c.time(b, w)
			times[i] = append(times[i], t)
			if c.answer != nil {
				answers[i] = c.answer(results)
			}
		}
	}
	medians := report(b, contenders, times)
	for i, c := range contenders {
		if c.answer != nil && base.answer != nil && !agrees(answers[i], answers[len(answers)-1]) {
			b.Errorf("%s comes to %v, %s to %v: they do not measure the same",
				c.name, answers[i], base.name, answers[len(answers)-1])
		}
	}
	return medians
}

// report gives each contender's ratios to the last one, the shares of its budget
// that they are, and the last one's seconds. It returns the medians.
func report(b *testing.B, contenders []contender, times [][]took) []took {
	b.Helper()
	medians, spread := make([]took, len(times)), 0.0
	for i, list := range times {
		clock, used := seconds(list, wall), seconds(list, cpu)
		middle := len(list) / 2
		medians[i] = took{clock[middle], used[middle]}
		spread = max(spread, (clock[len(clock)-1]-clock[0])/clock[middle])
	}
	last := len(contenders) - 1
	for i, c := range contenders[:last] {
		unit := c.name + "/" + contenders[last].name
		clock, used := medians[i].wall/medians[last].wall, medians[i].cpu/medians[last].cpu
		b.ReportMetric(clock, unit)
		b.ReportMetric(used, unit+"-cpu")
		if c.budget > 0 {
			b.ReportMetric(clock/c.budget, unit+"-of-budget")
			b.ReportMetric(used/c.budget, unit+"-cpu-of-budget")
		}
	}
	b.ReportMetric(spread, "spread")
	b.ReportMetric(medians[last].wall, contenders[last].name+"-s")
	b.ReportMetric(0, "ns/op")
	return medians
}

// seconds are those of one kind, in order.
func seconds(times []took, of func(took) float64) []float64 {
	list := make([]float64, len(times))
	for i, t := range times {
		list[i] = of(t)
	}
	slices.Sort(list)
	return list
}

func agrees(x, y float64) bool { return math.Abs(x-y) <= 1e-9*math.Abs(y) }

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

// otherKinds are metrics on the same facts as everything, of kinds that ask more of
// a warehouse than a sum.
var otherKinds = map[string]spec.Metric{
	"capped":          {Kind: "sum", Value: "amount", Cap: &spec.Cap{Percentile: 0.99}},
	"covariate":       {Kind: "sum", Value: "amount", Covariate: spec.Duration{Duration: 7 * day}},
	"distinct":        {Kind: "distinct", Value: "event"},
	"quantile-units":  {Kind: "quantile", Value: "amount", Quantile: 0.95, Of: "unit", PerUnit: "sum"},
	"quantile-events": {Kind: "quantile", Value: "amount", Quantile: 0.95, Of: "event"},
}

// looksByKind are whole looks at one metric of each of these kinds.
func looksByKind(b *testing.B) []contender {
	b.Helper()
	var list []contender
	for _, name := range slices.Sorted(maps.Keys(otherKinds)) {
		c := look(b, name, otherKinds[name])
		c.answer = nil // Each asks another question.
		list = append(list, c)
	}
	return list
}

// BenchmarkOneMetric: a whole look with one metric against the bare query for
// it.
func BenchmarkOneMetric(b *testing.B) {
	atScales(b, func(b *testing.B, s scale) {
		b.Run("all", func(b *testing.B) {
			compete(b, open(b, parquet, s), look(b, "look", everything).within(budgetOne), bare(""))
		})
		b.Run("event", func(b *testing.B) {
			compete(b, open(b, parquet, s), look(b, "look", sparse(1)...).within(budgetOne), bare(" AND e.event = 'event_0'"))
		})
	})
}

// BenchmarkManyMetrics: many metrics against one over all facts, which joins as
// many facts to units as fifty sparse ones do; a metric on one event alone
// leaves out most facts while it reads them.
func BenchmarkManyMetrics(b *testing.B) {
	atScales(b, func(b *testing.B, s scale) {
		contenders := []contender{look(b, "event1", sparse(1)...)}
		for _, n := range []int{5, 20, 50} {
			contenders = append(contenders, look(b, fmt.Sprintf("sparse%d", n), sparse(n)...).within(budgetSparse))
		}
		contenders = append(contenders, look(b, "dense20", dense(20)...), look(b, "one", everything))
		for i := range contenders {
			contenders[i].answer = nil
		}
		compete(b, open(b, parquet, s), contenders...)
	})
}

// BenchmarkPipeline: looks against a pipeline of its own for each metric. Five
// pipelines are run, of which none helps another; twenty take four times that,
// which is not measured.
func BenchmarkPipeline(b *testing.B) {
	atScales(b, func(b *testing.B, s scale) {
		twenty := look(b, "look20", sparse(20)...)
		twenty.answer = nil
		medians := compete(b, open(b, parquet, s), pipelines(5), twenty, look(b, "look5", sparse(5)...))
		b.ReportMetric(4*medians[0].wall/medians[1].wall, "pipelines20/look20-extrapolated")
		b.ReportMetric(4*medians[0].cpu/medians[1].cpu, "pipelines20/look20-extrapolated-cpu")
	})
}

// BenchmarkKinds: what one metric costs by its kind, against a sum.
func BenchmarkKinds(b *testing.B) {
	atScales(b, func(b *testing.B, s scale) {
		compete(b, open(b, parquet, s), append(looksByKind(b), look(b, "sum", everything))...)
	})
}

// BenchmarkMoments: what third moments and logarithms add to twenty metrics.
func BenchmarkMoments(b *testing.B) {
	skewed := atEnd()
	skewed.Skewed = true
	logs := sparse(20)
	for i := range logs {
		logs[i].Scale = spec.ScaleLog
	}
	atScales(b, func(b *testing.B, s scale) {
		onLogs := look(b, "logs", logs...)
		onLogs.answer = nil
		compete(b, open(b, parquet, s), render(b, "cubes", skewed, sparse(20)), onLogs, look(b, "sparse20", sparse(20)...))
	})
}

// BenchmarkDays: what effects by days since exposure add to a look at a week.
func BenchmarkDays(b *testing.B) {
	weekly := func(name string, days int, metrics ...spec.Metric) contender {
		p, e := projectOf(metrics, 7*day)
		e.DaysSinceExposure = days
		script, err := queries.Render(p, e, atEnd(), queries.DuckDB)
		if err != nil {
			b.Fatal(err)
		}
		return contender{name: name, statements: script.All()}
	}
	atScales(b, func(b *testing.B, s scale) {
		b.Run("one", func(b *testing.B) {
			compete(b, open(b, parquet, s), weekly("days", 7, everything), weekly("look", 0, everything))
		})
		b.Run("sparse20", func(b *testing.B) {
			compete(b, open(b, parquet, s), weekly("days", 7, sparse(20)...), weekly("look", 0, sparse(20)...))
		})
	})
}

// BenchmarkScan: whole looks against reading the columns they use. The engine's
// own tables are packed so lightly that reading them is next to nothing.
func BenchmarkScan(b *testing.B) {
	atScales(b, func(b *testing.B, s scale) {
		b.Run("parquet", func(b *testing.B) {
			compete(b, open(b, parquet, s), look(b, "look", everything).within(budgetScan), scan())
		})
		b.Run("parquet-events", func(b *testing.B) {
			compete(b, open(b, parquet, s), look(b, "look20", sparse(20)...).within(budgetScan),
				look(b, "look50", sparse(50)...).within(budgetScan), scan("MAX(event) AS e"))
		})
		b.Run("tables", func(b *testing.B) {
			compete(b, open(b, tables, s), look(b, "look", everything), scan())
		})
	})
}

// BenchmarkGrowth: what ten times the units and facts cost, in turns.
func BenchmarkGrowth(b *testing.B) {
	list := scales(b)
	if len(list) < 2 {
		b.Skip("one scale only: set " + benchScale + "=full")
	}
	for _, c := range []contender{look(b, "one", everything), look(b, "sparse20", sparse(20)...)} {
		b.Run(c.name, func(b *testing.B) {
			w := []connectors.Warehouse{open(b, parquet, full), open(b, parquet, tenth)}
			times := make([][]took, len(w))
			b.ResetTimer()
			for range rounds * b.N {
				for i := range w {
					t, _ := c.time(b, w[i])
					times[i] = append(times[i], t)
				}
			}
			report(b, []contender{{name: "full"}, {name: "tenth"}}, times)
		})
	}
}
