package queries_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// The pages of docs/metrics are kept true. A ```yaml block is metrics, read in
// the project of docs/examples/metrics. What follows it is about its first one:
// ```sql blocks are lines of what it renders to, in their order ("..." ends a
// line that goes on), ```csv blocks are the rows of a warehouse, and "Result as
// of" says what the statements make of the last such rows.
const (
	docsPages   = "../docs/metrics"
	docsExample = "../docs/examples/metrics"
)

var (
	docsBlock  = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$|^(Result) as of ([^\n]*)$")
	docsResult = regexp.MustCompile(`([a-z]+(?: before)?) = (-?[0-9.]*[0-9])`)
	docsLink   = regexp.MustCompile(`\]\(([^)#:]+)`)
)

// docsTables are what the example's sources read. A page has one row a fact: a
// response at ts, or a ticket at opened_at; a user without facts has neither.
const docsTables = `
CREATE TEMP TABLE given AS SELECT * FROM read_csv('%s', header = true, all_varchar = true, quote = '');
CREATE TEMP TABLE exposures AS
  SELECT DISTINCT NULL AS platform, user_id, CAST(exposed_at AS TIMESTAMP) AS exposed_at, 'docs' AS experiment_id, variation AS variation_id FROM given;
CREATE TEMP TABLE responses (user_id VARCHAR, ts TIMESTAMP, response_id BIGINT, failed BOOLEAN, latency_ms DOUBLE, cost DOUBLE,
  topic VARCHAR, body VARCHAR);
INSERT INTO responses BY NAME SELECT COLUMNS(c -> c NOT IN ('exposed_at', 'variation', 'opened_at')) FROM given;
CREATE TEMP TABLE tickets (user_id VARCHAR, opened_at TIMESTAMP);
INSERT INTO tickets BY NAME SELECT COLUMNS(c -> c IN ('user_id', 'opened_at')) FROM given`

const docsExperiment = `
name: docs
type: experiment
assignment: exposures
start: 2026-11-01
duration: 14d
planned_units: 1000
variations: [{id: control, known_good: true}, {id: treatment}]
%s: [{metric: %s, mde: 10%%}]
`

// docsGoal stands in where the metric of a page may be no goal.
const docsGoal = `
docs_goal: {kind: count, source: tickets, direction: up}`

// TestDocs holds every page to its blocks, its links and 120 columns.
func TestDocs(t *testing.T) {
	pages, err := filepath.Glob(docsPages + "/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, path := range pages {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		t.Run(name, func(t *testing.T) {
			text := docsText(t, path)
			for i, line := range strings.Split(text, "\n") {
				if len([]rune(line)) > 120 {
					t.Errorf("line %d is longer than 120 columns", i+1)
				}
			}
			for _, link := range docsLink.FindAllStringSubmatch(text, -1) {
				if _, err := os.Stat(filepath.Join(docsPages, link[1])); err != nil {
					t.Errorf("a link leads nowhere: %v", err)
				}
			}
			checkBlocks(t, text, name != "README")
		})
	}
}

// TestDocsKinds: every kind of metric has a page that opens with one of it, and
// the index leads there.
func TestDocsKinds(t *testing.T) {
	index := docsText(t, docsPages+"/README.md")
	field, _ := reflect.TypeFor[spec.Metric]().FieldByName("Kind")
	for kind := range strings.SplitSeq(field.Tag.Get("enum"), ",") {
		name := strings.ReplaceAll(kind, "_", "-") + ".md"
		if !strings.Contains(index, "[`"+kind+"`]("+name+")") {
			t.Errorf("the index does not lead to %s", name)
		}
		_, first, _ := strings.Cut(docsText(t, filepath.Join(docsPages, name)), "\n  kind: ")
		if !strings.HasPrefix(first, kind+"\n") {
			t.Errorf("the first metric of %s is none of kind %s", name, kind)
		}
	}
}

func docsText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkBlocks checks the blocks of a page in order. The page of a kind has all
// of them, and names the tests that judge its first metric.
func checkBlocks(t *testing.T, text string, whole bool) {
	t.Helper()
	seen := map[string]bool{}
	var d *documented
	var rows string
	for _, b := range docsBlock.FindAllStringSubmatch(text, -1) {
		lang, body := b[1]+b[3], b[2]+b[4]
		switch {
		case lang == "yaml":
			d = document(t, body)
			if whole && !seen[lang] {
				d.judged(t, text)
			}
		case d == nil:
			t.Fatalf("no metric stands before this block:\n%s", body)
		case lang == "sql":
			d.excerpt(t, body)
		case lang == "csv":
			rows = body
		case lang == "Result":
			d.result(t, rows, body)
		}
		seen[lang] = true
	}
	for _, lang := range []string{"yaml", "sql", "csv", "Result"} {
		if whole && !seen[lang] {
			t.Errorf("the page has no %s", lang)
		}
	}
}

// documented is the first metric of a block, in a project with an experiment.
type documented struct {
	p      *spec.Project
	e      *spec.Experiment
	metric spec.Metric
}

// document reads a block of metrics in the place of the example's. Those with a
// name of the example's are the example's.
func document(t *testing.T, block string) *documented {
	t.Helper()
	name, _, _ := strings.Cut(block, ":")
	head, _, _ := strings.Cut(docsText(t, filepath.Join(docsExample, spec.ConfigFile)), "\nmetrics:\n")
	experiment := fmt.Sprintf(docsExperiment, "goals", name)
	if strings.Contains(block, "lookback:") {
		block += docsGoal
		experiment = fmt.Sprintf(docsExperiment, "goals", "docs_goal") + strings.Replace(
			experiment[strings.Index(experiment, "goals:"):], "goals:", "secondary:", 1)
	}
	dir := t.TempDir()
	for file, text := range map[string]string{
		spec.ConfigFile: head + "\nexperiments: [docs.yaml]\nmetrics:\n  " + strings.ReplaceAll(block, "\n", "\n  "),
		"docs.yaml":     experiment,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	projects := make([]*spec.Project, 2)
	for i, dir := range []string{docsExample, dir} {
		p, problems, err := spec.Load(dir, os.LookupEnv)
		if err != nil || len(problems)+len(p.Warnings) > 0 {
			t.Fatalf("%v %s\n%s", err, append(problems, p.Warnings...), block)
		}
		projects[i] = p
	}
	for name, got := range projects[1].Config.Metrics {
		want, ok := projects[0].Config.Metrics[name]
		if diff := cmp.Diff(want, got); ok && diff != "" {
			t.Errorf("%s (-example +page):\n%s", name, diff)
		}
	}
	return &documented{projects[1], &projects[1].Experiments[0], projects[1].Config.Metrics[name]}
}

// judged: the page names the methods that auto chooses, as a guardrail and not.
func (d *documented) judged(t *testing.T, text string) {
	t.Helper()
	for _, guards := range []bool{true, false} {
		method, reason := stats.Route(stats.Question{
			Kind: d.metric.Kind, BaseRate: d.metric.BaseRate, Scale: stats.Scale(d.metric.Scale), Capped: guards, Planned: 1000,
		})
		if !strings.Contains(text, "`"+string(method)+"`") {
			t.Errorf("the page does not name %s: %s", method, reason)
		}
	}
}

func (d *documented) script(t *testing.T, asOf time.Time) *queries.Script {
	t.Helper()
	look := queries.Look{AsOf: asOf, Epochs: []queries.Epoch{{Start: d.e.Start.Time, Settled: d.e.Start.Time}}}
	script, err := queries.Render(d.p, d.e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// excerpt finds the lines of a block in what the metric renders to.
func (d *documented) excerpt(t *testing.T, block string) {
	t.Helper()
	plain := func(line string) string { return strings.TrimSuffix(strings.TrimSpace(line), ",") }
	var rendered strings.Builder
	for _, s := range d.script(t, d.e.Start.AddDate(0, 0, 7)).All() {
		rendered.WriteString(s.SQL + "\n")
	}
	rest := strings.Split(rendered.String(), "\n")
	for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
		want, open := strings.CutSuffix(plain(line), "...")
		i := slices.IndexFunc(rest, func(got string) bool {
			return plain(got) == want || open && strings.HasPrefix(plain(got), want)
		})
		if i < 0 {
			t.Errorf("not rendered, or not in this place:\n%s\nin\n%s", line, &rendered)
			return
		}
		rest = rest[i+1:]
	}
}

// result compares what a page says of its rows, such as "2026-11-08: control =
// 0.5, treatment = 0.25", with what the statements say, as exactly as it is said.
func (d *documented) result(t *testing.T, rows, said string) {
	t.Helper()
	at, values, _ := strings.Cut(said, ": ")
	asOf, err := spec.ParseInstant(at)
	if err != nil || !strings.Contains(values, "control = ") || !strings.Contains(values, "treatment = ") {
		t.Fatalf("want an instant and the value of each arm: %s %v", said, err)
	}
	script := d.script(t, asOf.Time)
	answers := docsRun(t, rows, script)
	facts := script.Facts[0].Statement
	if len(script.Ratios) > 0 {
		facts = script.Ratios[0].Statement
	}
	got := shown(script.Measures()[0], answers[script.Summary.Name], answers[facts.Name])
	for _, v := range docsResult.FindAllStringSubmatch(values, -1) {
		want, err := strconv.ParseFloat(v[2], 64)
		_, decimals, _ := strings.Cut(v[2], ".")
		if x, ok := got[v[1]]; err != nil || !ok || math.Abs(x-want) > 0.5001*math.Pow10(-len(decimals)) {
			t.Errorf("as of %s %s is said to be %s, of %v %v", at, v[1], v[2], got, err)
		}
	}
}

// docsRun runs the statements on the rows of a page, and gives what each said.
func docsRun(t *testing.T, rows string, script *queries.Script) map[string]*connectors.Rows {
	t.Helper()
	file := filepath.Join(t.TempDir(), "given.csv")
	w, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	session, err := w.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	answers := map[string]*connectors.Rows{}
	for _, s := range append([]queries.Statement{{Name: "given", SQL: fmt.Sprintf(docsTables, file)}}, script.All()...) {
		if answers[s.Name], err = session.Run(t.Context(), s); err != nil {
			t.Fatalf("%v\n%s", err, s.SQL)
		}
	}
	return answers
}

// shown is what the arms show over all units that count: those without a fact
// are zeros where the measure says so. "before" is of the covariate.
func shown(m queries.Measure, summary, facts *connectors.Rows) map[string]float64 {
	out, units, of := map[string]float64{}, map[int64]float64{}, "units"
	if m.CompleteOnly {
		of = m.Closed
	}
	arm := func(code int64) string { return []string{"control", "treatment"}[code] }
	for i := range summary.Len() {
		code, _ := summary.Int(i, "assay_stratum")
		n, _ := summary.Int(i, of)
		units[code] = float64(n)
		if m.Zeros {
			out[arm(code)] = 0
		}
	}
	for i := range facts.Len() {
		code, _ := facts.Int(i, "assay_stratum")
		number := func(name string) float64 { x, _ := facts.Float(i, m.Prefix+name); return x }
		count := func(name string) float64 { n, _ := facts.Int(i, m.Prefix+name); return float64(n) }
		some := 1.0
		if m.Zeros {
			some = count("_n") / units[code]
		}
		switch {
		case m.Quantile > 0:
			out[arm(code)] = number("_at")
		case m.Share():
			out[arm(code)] = count("_any") / units[code]
		case m.Kind == "ratio":
			out[arm(code)] = number("_mean") / number("_den_mean")
		case m.Log:
			out[arm(code)] = math.Exp(number("_mean"))
		default:
			out[arm(code)] = number("_mean") * some
		}
		switch before := arm(code) + " before"; {
		case m.Covariate && m.Kind == "ratio":
			out[before] = number("_pre_mean") / number("_pre_den_mean")
		case m.Covariate:
			out[before] = number("_pre_mean") * some
		}
		if len(m.Caps) > 0 {
			out["cap"], _ = facts.Float(i, m.Caps[0])
		}
	}
	return out
}
