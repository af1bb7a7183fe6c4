package googlesql_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/queries"
	"assay/spec"
)

// projects of testdata: an ordinary one, and one of odd names.
var projects = []string{"shop", "odd"}

// load reads a project of testdata.
func load(t *testing.T, name string) *spec.Project {
	t.Helper()
	p, problems, err := spec.Load(filepath.Join("testdata", name), func(string) (string, bool) { return "", false })
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", err, problems)
	}
	return p
}

func open(t *testing.T, project string) *warehouse {
	t.Helper()
	w, err := newWarehouse(filepath.Join("testdata", project, "tables.sql"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// severalEpochs is the richest look.
const severalEpochs = 1

// looks are one in the first epoch, one in the middle of several with arms of
// different sizes, and one after the end.
func looks(e *spec.Experiment) []queries.Look {
	start, length := e.Start.Time, e.Duration.Duration
	third := start.Add(length / 3)
	first := queries.Epoch{Start: start, Settled: start}
	return []queries.Look{
		{AsOf: third, Epochs: []queries.Epoch{first}},
		{AsOf: start.Add(length / 2), Skewed: true, Epochs: []queries.Epoch{
			{Start: start, Settled: start.Add(time.Hour)},
			{Start: start.Add(length / 4), Settled: start.Add(length / 4)},
			{Start: third, Settled: third.Add(10 * time.Minute)},
		}},
		{AsOf: e.End().Add(time.Hour), Epochs: []queries.Epoch{first}},
	}
}

// reached are the metrics that an experiment can take: those in whose sources its
// unit is found.
func reached(p *spec.Project, e *spec.Experiment) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.Config.Metrics)), func(name string) bool {
		return slices.ContainsFunc(p.Config.Metrics[name].Sources(), func(source string) bool {
			_, identifier := p.JoinFor(e, source)
			return identifier == ""
		})
	})
}

// taking is the experiment with some metrics.
func taking(e spec.Experiment, metrics ...string) *spec.Experiment {
	e.Guardrails, e.Goals, e.Secondary = nil, nil, nil
	for _, name := range metrics {
		e.Secondary = append(e.Secondary, spec.Use{Metric: name})
	}
	return &e
}

// session analyzes the statements of one experiment's looks.
type session struct {
	t       *testing.T
	w       *warehouse
	p       *spec.Project
	seen    map[string][]column // by SQL and the tables that it reads
	metrics map[string]bool     // that were rendered
}

// run analyzes a statement, once for every state of the tables that it reads.
func (s *session) run(st queries.Statement) []column {
	s.t.Helper()
	key := s.w.state(st.SQL)
	columns, done := s.seen[key]
	if !done {
		var err error
		if columns, err = s.w.run(st); err != nil {
			s.t.Errorf("%v", err)
		}
		s.seen[key] = columns
	}
	return columns
}

// all analyzes all statements of a look, and holds that the columns that its
// measures name are there.
func (s *session) all(e *spec.Experiment, look queries.Look) {
	s.t.Helper()
	script, err := queries.Render(s.p, e, look, queries.BigQuery)
	if err != nil {
		s.t.Fatal(err)
	}
	results := map[string][]column{}
	for _, st := range append(script.All(), script.Checks()...) {
		results[st.Name] = s.run(st)
	}
	checkup, err := queries.RenderTraffic(s.p, e, look, queries.BigQuery)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, st := range checkup.All()[1:] {
		s.run(st)
	}
	summary := results[script.Summary.Name]
	for _, f := range script.Facts {
		s.measures(results[f.Name], summary, f.Measures)
	}
	for _, a := range script.Ratios {
		s.measures(results[a.Name], summary, a.Measures)
	}
	for _, use := range e.Secondary {
		s.metrics[use.Metric] = true
	}
}

// moments are the numbers of a metric that are no counts.
var moments = []string{
	"mean", "var", "cube", "den_mean", "den_var", "co", "pre_mean", "pre_var", "pre_value", "at", "lower", "upper",
}

func (s *session) measures(columns, summary []column, measures []queries.Measure) {
	s.t.Helper()
	if columns == nil {
		return // was refused
	}
	for _, m := range measures {
		s.has(columns, column{m.Prefix + "_n", "INT64"}, m.Metric)
		if m.Closed != "" {
			s.has(summary, column{m.Closed, "INT64"}, m.Metric)
		}
		for _, c := range columns {
			if suffix, ok := strings.CutPrefix(c.Name, m.Prefix+"_"); ok && slices.Contains(moments, suffix) {
				s.has(columns, column{c.Name, "FLOAT64"}, m.Metric)
			}
		}
	}
}

func (s *session) has(columns []column, want column, metric string) {
	s.t.Helper()
	if !slices.Contains(columns, want) {
		s.t.Errorf("%s: no column %v among %d", metric, want, len(columns))
	}
}

// TestEveryStatement analyzes all that is rendered for BigQuery: the statements
// of every experiment of testdata with all metrics together and each alone, and
// with any two metrics that share a source, since what they share is written once.
func TestEveryStatement(t *testing.T) {
	used := keys{}
	total, left := 0, 0
	for _, project := range projects {
		p := load(t, project)
		left += len(p.Experiments)
		used.note("", reflect.ValueOf(p.Config))
		rendered := map[string]bool{}
		for i := range p.Experiments {
			e := &p.Experiments[i]
			t.Run(project+"/"+e.Name, func(t *testing.T) {
				s := &session{t: t, w: open(t, project), p: p, seen: map[string][]column{}, metrics: rendered}
				s.experiment(e)
				if i == 0 && !testing.Short() {
					s.pairs(e, looks(e)[severalEpochs])
				}
				used.note("experiment", reflect.ValueOf(*e))
				total += len(s.seen)
				left--
			})
		}
		for name := range p.Config.Metrics {
			if left == 0 && !rendered[name] {
				t.Errorf("%s: no experiment reaches metric %s", project, name)
			}
		}
	}
	t.Logf("%d statements", total)
	if left == 0 { // not where -run chose some
		used.complete(t)
	}
}

func (s *session) experiment(e *spec.Experiment) {
	s.t.Helper()
	metrics := reached(s.p, e)
	for _, look := range looks(e) {
		s.all(taking(*e, metrics...), look)
		for _, name := range metrics {
			s.all(taking(*e, name), look)
		}
	}
}

// pairs of metrics share whatever they can.
func (s *session) pairs(e *spec.Experiment, look queries.Look) {
	s.t.Helper()
	metrics := reached(s.p, e)
	for i, a := range metrics {
		for _, b := range metrics[i+1:] {
			if shares(s.p.Config.Metrics[a], s.p.Config.Metrics[b]) {
				s.all(taking(*e, a, b), look)
			}
		}
	}
}

func shares(a, b spec.Metric) bool {
	return slices.ContainsFunc(a.Sources(), func(source string) bool { return slices.Contains(b.Sources(), source) })
}

// TestRefused shows that faults are seen: of the dialect, of what a metric says,
// of what a column is.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(d *queries.Dialect, p *spec.Project)
	}{
		{"type of another engine", "Type not found: DOUBLE", func(d *queries.Dialect, _ *spec.Project) {
			d.Float = "DOUBLE"
		}},
		{"type that is not read", "column links is BOOL", func(d *queries.Dialect, _ *spec.Project) {
			d.Integer = "BOOL"
		}},
		{"texts for names", "Unexpected string literal", func(d *queries.Dialect, _ *spec.Project) {
			d.Quote = `"`
		}},
		{"times without a zone", "No matching signature for function UNIX_MICROS", func(d *queries.Dialect, _ *spec.Project) {
			d.Micros = "UNIX_MICROS(%s)"
		}},
		{"times of one type", "No matching signature for function TIMESTAMP", func(d *queries.Dialect, _ *spec.Project) {
			d.MicrosIn = "UNIX_MICROS(TIMESTAMP(%[1]s, %[2]s))"
		}},
		{"literal without a zone", "for argument types: TIMESTAMP, DATETIME", func(d *queries.Dialect, _ *spec.Project) {
			d.Instant = "DATETIME '%s'"
		}},
		{"function of another engine", "Function not found: TRY_CAST", func(_ *queries.Dialect, p *spec.Project) {
			change(p, "revenue", func(m *spec.Metric) { m.Value = "TRY_CAST(amount AS INT64)" })
		}},
		{"number as a condition", "but found: NUMERIC", func(_ *queries.Dialect, p *spec.Project) {
			change(p, "errors", func(m *spec.Metric) { m.Where = "amount" })
		}},
		{"text as a number", "No matching signature for operator *", func(_ *queries.Dialect, p *spec.Project) {
			change(p, "revenue", func(m *spec.Metric) { m.Value = "2 * item" })
		}},
		{"unknown column", "Unrecognized name: amuont", func(_ *queries.Dialect, p *spec.Project) {
			change(p, "revenue", func(m *spec.Metric) { m.Value = "amuont" })
		}},
	} {
		if got := refusals(t, c.want, c.spoil); got != "" {
			t.Errorf("%s: want a refusal with %q, got %s", c.name, c.want, got)
		}
	}
}

// TestDialectIsChecked holds that no field of the dialect could be wrong
// unnoticed, by making each of them wrong.
func TestDialectIsChecked(t *testing.T) {
	// The name is in no statement, no type shows whether a literal has a zone, and
	// behind a dot BigQuery takes reserved words for names without quotes; with quotes
	// around all, none is told from the others.
	unseen := []string{"Name", "Zoneless", "QuotePlain", "Reserved"}
	for field := range reflect.TypeFor[queries.Dialect]().Fields() {
		if slices.Contains(unseen, field.Name) {
			continue
		}
		got := refusals(t, "", func(d *queries.Dialect, _ *spec.Project) {
			f := reflect.ValueOf(d).Elem().FieldByIndex(field.Index)
			if f.Kind() == reflect.Bool {
				f.SetBool(!f.Bool())
			} else {
				f.SetString("there_is_none(%s)")
			}
		})
		if got != "" {
			t.Errorf("a wrong %s is not refused", field.Name)
		}
	}
}

func change(p *spec.Project, name string, by func(*spec.Metric)) {
	if m, ok := p.Config.Metrics[name]; ok {
		by(&m)
		p.Config.Metrics[name] = m
	}
}

// refusals renders all experiments of testdata in a dialect that is spoilt, until
// a statement is refused as wanted; what was refused until then comes back where
// none is.
func refusals(t *testing.T, want string, spoil func(*queries.Dialect, *spec.Project)) string {
	t.Helper()
	var other []string
	for _, project := range projects {
		p, d := load(t, project), queries.BigQuery
		spoil(&d, p)
		for i := range p.Experiments {
			w, e := open(t, project), &p.Experiments[i]
			script, err := queries.Render(p, taking(*e, reached(p, e)...), looks(e)[severalEpochs], d)
			if err != nil {
				t.Fatal(err)
			}
			list := append(script.All(), script.Checks()...)
			for _, st := range append(list, checkup(t, p, e, d)...) {
				err := w.check(st)
				if err != nil && strings.Contains(err.Error(), want) {
					return ""
				}
				if err != nil {
					other = append(other, err.Error())
				}
			}
		}
		w := open(t, project)
		for _, st := range kept(d) {
			if err := w.keep(st); err != nil && strings.Contains(err.Error(), want) {
				return ""
			}
		}
	}
	return fmt.Sprintf("%d others:\n%.3000s", len(other), strings.Join(other, "\n"))
}
