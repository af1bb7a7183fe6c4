package queries_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// The dialects that have no engine on this machine are transpiled into DuckDB's
// SQL by sqlglot, so that what they return can be compared and not only how
// they are written. It reads ASSAY_SQLGLOT, the path of a Python that has
// sqlglot; ASSAY_REQUIRE_SQLGLOT=1 makes its absence a failure.
var foreign = []queries.Dialect{queries.BigQuery, queries.Snowflake}

// macros stand for what DuckDB lacks. Snowflake names types in its own way.
const macros = `CREATE TEMP MACRO system$typeof(x) AS CASE typeof(x)
  WHEN 'TIMESTAMP WITH TIME ZONE' THEN 'TIMESTAMP_LTZ(9)[SB8]'
  WHEN 'DATE' THEN 'DATE[SB4]'
  ELSE 'TIMESTAMP_NTZ(9)[SB8]'
END`

// transpiler collects statements and translates them all at once: most of the
// time of a process goes into its start.
type transpiler struct {
	python   string
	asked    map[request]int
	requests []request
	answers  []answer
}

type request struct {
	Dialect string `json:"dialect"`
	SQL     string `json:"sql"`
}

type answer struct {
	SQL   string `json:"sql"`
	Error string `json:"error"`
}

// newTranspiler skips the test where there is no sqlglot.
func newTranspiler(t *testing.T) *transpiler {
	t.Helper()
	python := os.Getenv("ASSAY_SQLGLOT")
	const missing = "NOT CHECKED: what the statements of BigQuery and Snowflake return;" +
		" ASSAY_SQLGLOT names no Python that has sqlglot"
	switch {
	case python != "":
	case os.Getenv("ASSAY_REQUIRE_SQLGLOT") == "1":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
	return &transpiler{python: python, asked: map[request]int{}}
}

// add asks for a statement; the number finds the answer.
func (p *transpiler) add(dialect, text string) int {
	r := request{dialect, text}
	if i, asked := p.asked[r]; asked {
		return i
	}
	p.asked[r] = len(p.requests)
	p.requests = append(p.requests, r)
	return p.asked[r]
}

func (p *transpiler) run(t *testing.T) {
	t.Helper()
	in, err := json.Marshal(p.requests)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), p.python, filepath.Join("testdata", "transpile.py"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &p.answers); err != nil || len(p.answers) != len(p.requests) {
		t.Fatalf("%d answers to %d statements: %v", len(p.answers), len(p.requests), err)
	}
}

// spoken is the script of a world in one dialect.
type spoken struct {
	dialect    queries.Dialect
	script     *queries.Script
	statements []queries.Statement
	numbers    []int // of the answers; nil where nothing is to be translated
}

// speak renders some statements of a world in a dialect and asks for their
// translation.
func (p *transpiler) speak(
	t *testing.T, w *world, d queries.Dialect, some func(*queries.Script) []queries.Statement,
) spoken {
	t.Helper()
	script, err := queries.Render(w.written(d), w.e, w.look, d)
	if err != nil {
		t.Fatal(err)
	}
	s := spoken{dialect: d, script: script, statements: some(script)}
	for _, st := range s.statements {
		if d.Name != queries.DuckDB.Name {
			s.numbers = append(s.numbers, p.add(d.Name, st.SQL))
		}
	}
	return s
}

// foreignWorld is the world of a seed with tables that every engine can have:
// DuckDB compares no nanoseconds with instants, which its own literals are not.
func foreignWorld(seed uint64) *world {
	w, _ := newWorld(seed)
	for table, kind := range w.times {
		if kind.column == "TIMESTAMP_NS" {
			w.times[table] = timeKind{"TIMESTAMP", kind.zone}
		}
	}
	return w
}

// foreignWorlds are the first ones, and then those with a kind of metric that few
// of the first ones have.
func foreignWorlds(t *testing.T) []*world {
	t.Helper()
	if *oneSeed > 0 {
		return []*world{foreignWorld(*oneSeed)}
	}
	count := 40
	if testing.Short() {
		count = 10
	}
	var worlds []*world
	having := map[string]int{}
	for seed := uint64(1); seed < 1000; seed++ {
		w := foreignWorld(seed)
		kinds := map[string]bool{}
		for _, m := range w.p.Config.Metrics {
			kinds[m.Kind] = kinds[m.Kind] || having[m.Kind] < 5
		}
		if len(worlds) >= count && !slices.Contains(slices.Collect(maps.Values(kinds)), true) {
			continue
		}
		worlds = append(worlds, w)
		for kind := range kinds {
			having[kind]++
		}
	}
	for _, kind := range metricKinds() {
		if having[kind] == 0 {
			t.Errorf("no random world has a metric of kind %s", kind)
		}
	}
	return worlds
}

// written is the project of a world with the user's own SQL as a dialect quotes.
// Snowflake quotes as DuckDB does.
func (w *world) written(d queries.Dialect) *spec.Project {
	p := *w.p
	if d.Name != queries.BigQuery.Name {
		return &p
	}
	words := strings.NewReplacer(
		`"plat""form"`, "`plat\"form`",
		`"k""ey"`, "`k\"ey`",
		"'two\nlines'", `'two\nlines'`)
	p.Config.Assignments, p.Config.Facts = maps.Clone(p.Config.Assignments), maps.Clone(p.Config.Facts)
	for name, a := range p.Config.Assignments {
		a.SQL = words.Replace(a.SQL)
		p.Config.Assignments[name] = a
	}
	for name, f := range p.Config.Facts {
		f.SQL = words.Replace(f.SQL)
		p.Config.Facts[name] = f
	}
	return &p
}

func complete(s *queries.Script) []queries.Statement { return append(s.All(), s.Checks()...) }

// aspects are the statements that show most of a dialect: all but those about
// more than one source.
func aspects(s *queries.Script) []queries.Statement {
	return slices.DeleteFunc(s.All(), func(st queries.Statement) bool {
		later := func(f queries.Facts) bool { return f.Name == st.Name }
		return st.Name == s.Hours.Name || slices.ContainsFunc(s.Facts[1:], later)
	})
}

// result is what a statement returned: lower-case names of columns and types,
// and rows in an order of their own.
type result struct {
	columns, types []string
	rows           [][]any
}

// play runs a script over the tables of a world, in a session of its own.
func (p *transpiler) play(t *testing.T, wh connectors.Warehouse, w *world, s spoken) (map[string]result, error) {
	session, err := wh.Session(t.Context(), connectors.Tags{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }()
	for _, setup := range []string{macros, "BEGIN;\n" + w.sql(t) + "COMMIT"} {
		if _, err := session.Run(t.Context(), queries.Statement{Name: "setup", SQL: setup}); err != nil {
			return nil, err
		}
	}
	out := map[string]result{}
	for i, st := range s.statements {
		original := st.SQL
		if s.numbers != nil {
			a := p.answers[s.numbers[i]]
			if a.Error != "" {
				return nil, fmt.Errorf("%s: %s\n%s", st.Name, a.Error, original)
			}
			st.SQL = a.SQL
		}
		r, err := fetch(t.Context(), session, st)
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s\nfrom\n%s", st.Name, err, st.SQL, original)
		}
		out[st.Name] = r
	}
	return out, nil
}

// creates finds the statements that return nothing.
var creates = regexp.MustCompile(`(?m)^\s*CREATE `)

// fetch runs a statement and reads all it returns.
func fetch(ctx context.Context, session connectors.Session, st queries.Statement) (result, error) {
	var r result
	rows, err := session.Run(ctx, st)
	if err != nil || creates.MatchString(st.SQL) {
		return r, err
	}
	shape, err := session.Run(ctx, queries.Statement{Name: st.Name, SQL: "DESCRIBE " + st.SQL})
	if err != nil {
		return r, err
	}
	names := make([]string, shape.Len())
	for i := range shape.Len() {
		names[i], _ = shape.Text(i, "column_name")
		typ, _ := shape.Text(i, "column_type")
		r.columns, r.types = append(r.columns, strings.ToLower(names[i])), append(r.types, typ)
	}
	for i := range rows.Len() {
		r.rows = append(r.rows, readRow(rows, i, names, r.types))
	}
	// A NULL comes first in one engine and last in another.
	slices.SortFunc(r.rows, func(a, b []any) int { return strings.Compare(exact(a), exact(b)) })
	return r, nil
}

func readRow(rows *connectors.Rows, i int, names, types []string) []any {
	out := make([]any, len(names))
	for j, name := range names {
		var v any
		var ok bool
		switch types[j] {
		case "BIGINT":
			v, ok = rows.Int(i, name)
		case "DOUBLE":
			v, ok = rows.Float(i, name)
		default:
			v, ok = rows.Text(i, name)
		}
		if ok {
			out[j] = v
		}
	}
	return out
}

// exact is what a row says beside its floats.
func exact(row []any) string {
	var b strings.Builder
	for _, v := range row {
		if _, ok := v.(float64); !ok {
			fmt.Fprintf(&b, "%v\t", v)
		}
	}
	return b.String()
}

// diff tells how a result differs from that of the dialect that is trusted; ""
// if it does not.
func (r result) diff(want result) string {
	if !slices.Equal(r.columns, want.columns) || !slices.Equal(r.types, want.types) {
		return fmt.Sprintf("columns %v %v, want %v %v", r.columns, r.types, want.columns, want.types)
	}
	if len(r.rows) != len(want.rows) {
		return fmt.Sprintf("%d rows, want %d:\n%v\n%v", len(r.rows), len(want.rows), r.rows, want.rows)
	}
	for i, row := range r.rows {
		for j, v := range row {
			if !same(v, want.rows[i][j], want.size(j)) {
				return fmt.Sprintf("column %s is %v, want %v in\n%v\n%v", r.columns[j], v, want.rows[i][j], row, want.rows[i])
			}
		}
	}
	return ""
}

// size of the largest float of a column.
func (r result) size(column int) float64 {
	size := 0.0
	for _, row := range r.rows {
		if f, ok := row[column].(float64); ok {
			size = max(size, math.Abs(f))
		}
	}
	return size
}

// same compares floats to 1e-9 and the rest exactly.
func same(got, want any, size float64) bool {
	g, isFloat := got.(float64)
	f, both := want.(float64)
	if isFloat && both {
		return near(g, f, size)
	}
	return got == want
}

// TestTranspiled compares what the statements of BigQuery and Snowflake return
// with those of DuckDB.
func TestTranspiled(t *testing.T) {
	p := newTranspiler(t)
	var tellings []*telling
	for _, w := range foreignWorlds(t) {
		told := &telling{w: w, ours: p.speak(t, w, queries.DuckDB, complete)}
		for _, d := range foreign {
			told.theirs = append(told.theirs, p.speak(t, w, d, complete))
		}
		tellings = append(tellings, told)
	}
	broken := p.brokenDialects(t, tellings)
	clocks := p.clocks()
	p.run(t)
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wh.Close() }()
	t.Run("clocks", func(t *testing.T) { p.checkClocks(t, wh, clocks) })
	t.Run("worlds", func(t *testing.T) {
		seen := tally{Kinds: map[string]int{}}
		for _, told := range tellings {
			p.checkWorld(t, wh, told, &seen)
		}
		t.Logf("%+v", seen)
		if *oneSeed == 0 {
			seen.assert(t, len(tellings))
		}
	})
	if *oneSeed == 0 {
		t.Run("broken", func(t *testing.T) { p.checkBroken(t, wh, broken) })
	}
}

// tally counts what was compared, so that nothing passes for having been empty.
type tally struct {
	Statements, Rows, Floats int
	Kinds                    map[string]int // rows by kind of metric
}

func (n *tally) assert(t *testing.T, worlds int) {
	t.Helper()
	if n.Statements < 18*worlds || n.Rows < 25*worlds || n.Floats < 6*worlds {
		t.Errorf("too little was compared: %+v", n)
	}
	for _, kind := range metricKinds() {
		if n.Kinds[kind] == 0 {
			t.Errorf("no metric of kind %s was compared", kind)
		}
	}
}

// metricKinds are those that the spec knows.
func metricKinds() []string {
	kind, _ := reflect.TypeFor[spec.Metric]().FieldByName("Kind")
	return strings.Split(kind.Tag.Get("enum"), ",")
}

func (n *tally) add(r result) {
	n.Statements++
	n.Rows += len(r.rows)
	for _, row := range r.rows {
		for _, v := range row {
			if _, ok := v.(float64); ok {
				n.Floats++
			}
		}
	}
}

// telling is a world in the dialect that is trusted and in others.
type telling struct {
	w      *world
	ours   spoken
	theirs []spoken
	want   map[string]result // what ours returns
}

// trusted is what the statements of DuckDB return.
func (p *transpiler) trusted(t *testing.T, wh connectors.Warehouse, told *telling) map[string]result {
	t.Helper()
	if told.want == nil {
		var err error
		if told.want, err = p.play(t, wh, told.w, told.ours); err != nil {
			t.Fatalf("seed %d in duckdb: %v", told.w.seed, err)
		}
	}
	return told.want
}

func (p *transpiler) checkWorld(t *testing.T, wh connectors.Warehouse, told *telling, seen *tally) {
	t.Helper()
	want := p.trusted(t, wh, told)
	for _, s := range told.theirs {
		got, err := p.play(t, wh, told.w, s)
		if err != nil {
			t.Errorf("seed %d in %s: %v", told.w.seed, s.dialect.Name, err)
			continue
		}
		for i, st := range s.statements {
			if d := got[st.Name].diff(want[st.Name]); d != "" {
				t.Errorf("seed %d in %s: %s: %s\n%s\ntranspiled to\n%s",
					told.w.seed, s.dialect.Name, st.Name, d, st.SQL, p.answers[s.numbers[i]].SQL)
			}
			seen.add(got[st.Name])
		}
		for _, f := range s.script.Facts {
			for _, m := range f.Measures {
				seen.Kinds[m.Kind] += len(got[f.Name].rows)
			}
		}
	}
}

// faults are what the comparison has to see.
var faults = []struct {
	name    string
	dialect queries.Dialect
	spoil   func(*queries.Dialect)
}{
	{"integers are text", queries.BigQuery, func(d *queries.Dialect) { d.Integer = "STRING" }},
	{"floats are whole", queries.BigQuery, func(d *queries.Dialect) { d.Float = "INT64" }},
	{"a backslash is one", queries.BigQuery, func(d *queries.Dialect) { d.Backslash = false }},
	{"names are texts", queries.BigQuery, func(d *queries.Dialect) { d.Quote = `"` }},
	{"an hour late", queries.BigQuery, func(d *queries.Dialect) { d.Instant = "TIMESTAMP '%s-01:00'" }},
	{"milliseconds", queries.BigQuery, func(d *queries.Dialect) { d.Micros = "UNIX_MILLIS(CAST(%s AS TIMESTAMP))" }},
	{"zones are ignored", queries.BigQuery, func(d *queries.Dialect) { d.MicrosIn = d.Micros + " /* %s */" }},
	{"text that is no integer", queries.BigQuery, func(d *queries.Dialect) { d.TryInteger = "CAST(%s AS INT64)" }},
	{"exact names", queries.Snowflake, func(d *queries.Dialect) { d.QuotePlain = true }},
	{"a backslash is one", queries.Snowflake, func(d *queries.Dialect) { d.Backslash = false }},
	{"an hour late", queries.Snowflake, func(d *queries.Dialect) { d.Instant = "TO_TIMESTAMP_TZ('%s -01:00')" }},
	{"seconds", queries.Snowflake, func(d *queries.Dialect) { d.Micros = "DATE_PART(EPOCH_SECOND, %s)" }},
	{"from UTC", queries.Snowflake, func(d *queries.Dialect) {
		d.MicrosIn = strings.Replace(d.MicrosIn, "%[2]s, 'UTC'", "'UTC', %[2]s", 1)
	}},
	{"text that is no integer", queries.Snowflake, func(d *queries.Dialect) { d.TryInteger = "TO_NUMBER(%s)" }},
	{"a function of DuckDB", queries.Snowflake, func(d *queries.Dialect) { d.Micros = "duckdb_micros(%s)" }},
}

// brokenDialect is a dialect with one fault, in worlds whose statements it changes.
type brokenDialect struct {
	name   string
	worlds []*telling
	wrong  []spoken
}

func (p *transpiler) brokenDialects(t *testing.T, tellings []*telling) []brokenDialect {
	t.Helper()
	out := make([]brokenDialect, len(faults))
	for i, f := range faults {
		d := f.dialect
		f.spoil(&d)
		out[i].name = d.Name + ": " + f.name
		for _, told := range tellings {
			if len(out[i].worlds) < 10 && rendered(t, told.w, d) != rendered(t, told.w, f.dialect) {
				out[i].worlds = append(out[i].worlds, told)
				out[i].wrong = append(out[i].wrong, p.speak(t, told.w, d, aspects))
			}
		}
	}
	return out
}

// rendered is the text of a world's statements in a dialect.
func rendered(t *testing.T, w *world, d queries.Dialect) string {
	t.Helper()
	script, err := queries.Render(w.written(d), w.e, w.look, d)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, st := range aspects(script) {
		text.WriteString(st.SQL)
	}
	return text.String()
}

// checkBroken holds that a fault of a dialect shows.
func (p *transpiler) checkBroken(t *testing.T, wh connectors.Warehouse, list []brokenDialect) {
	for _, b := range list {
		shown := ""
		for i, told := range b.worlds {
			if shown = p.shows(t, wh, told, b.wrong[i]); shown != "" {
				break
			}
		}
		if shown == "" {
			t.Errorf("%s: no result of %d worlds shows it", b.name, len(b.worlds))
		}
		t.Logf("%s: %.200s", b.name, shown)
	}
}

// shows tells how a fault shows; "" if it does not.
func (p *transpiler) shows(t *testing.T, wh connectors.Warehouse, told *telling, wrong spoken) string {
	got, err := p.play(t, wh, told.w, wrong)
	if err != nil {
		return err.Error()
	}
	for name, r := range got {
		if d := r.diff(p.trusted(t, wh, told)[name]); d != "" {
			return d
		}
	}
	return ""
}

// clock is a time column, the zone that is declared for it, and what it means.
type clock struct {
	typ, text, zone string
	want            time.Time
}

// civil and zoned are types of columns that carry no zone, and one.
const (
	civil = "civil"
	zoned = "zoned"
	date  = "date"
)

var columnTypes = map[string]map[string]string{
	"bigquery":  {civil: "DATETIME", zoned: "TIMESTAMP", date: "DATE"},
	"snowflake": {civil: "TIMESTAMP_NTZ", zoned: "TIMESTAMP_LTZ", date: "DATE"},
}

func utc(year int, month time.Month, day, hour, minute, second, micro int) time.Time {
	return time.Date(year, month, day, hour, minute, second, micro*1000, time.UTC)
}

// clockCases were worked out by hand. The hours that come twice a year or never
// are left out: engines are free to read them either way.
var clockCases = []clock{
	{civil, "2026-03-20 12:00:00.000001", "", utc(2026, 3, 20, 12, 0, 0, 1)},
	{civil, "2026-03-20 12:00:00.000001", "UTC", utc(2026, 3, 20, 12, 0, 0, 1)},
	{civil, "2026-03-20 12:00:00.000001", "Europe/Berlin", utc(2026, 3, 20, 11, 0, 0, 1)},
	{civil, "2026-07-20 12:00:00.999999", "Europe/Berlin", utc(2026, 7, 20, 10, 0, 0, 999999)},
	{civil, "2026-03-29 01:59:59.999999", "Europe/Berlin", utc(2026, 3, 29, 0, 59, 59, 999999)},
	{civil, "2026-03-29 03:00:00", "Europe/Berlin", utc(2026, 3, 29, 1, 0, 0, 0)},
	{civil, "2026-10-25 03:00:00", "Europe/Berlin", utc(2026, 10, 25, 2, 0, 0, 0)},
	{civil, "2026-03-08 03:30:00", "America/New_York", utc(2026, 3, 8, 7, 30, 0, 0)},
	{civil, "2026-12-31 23:59:59", "America/New_York", utc(2027, 1, 1, 4, 59, 59, 0)},
	{civil, "2026-01-01 05:29:59.5", "Asia/Kolkata", utc(2025, 12, 31, 23, 59, 59, 500000)},
	{civil, "1969-12-31 23:59:59.999999", "", utc(1969, 12, 31, 23, 59, 59, 999999)},
	{civil, "2199-12-31 23:59:59.999999", "", utc(2199, 12, 31, 23, 59, 59, 999999)},
	{zoned, "2026-03-20 12:00:00.000001+02:00", "", utc(2026, 3, 20, 10, 0, 0, 1)},
	{zoned, "2026-03-20 12:00:00.000001+00:00", "UTC", utc(2026, 3, 20, 12, 0, 0, 1)},
	{zoned, "2026-03-20 12:00:00.000001-05:30", "Europe/Berlin", utc(2026, 3, 20, 17, 30, 0, 1)},
	{zoned, "2026-07-20 12:00:00+00:00", "America/New_York", utc(2026, 7, 20, 12, 0, 0, 0)},
	{zoned, "1969-12-31 23:59:59.999999+00:00", "Asia/Kolkata", utc(1969, 12, 31, 23, 59, 59, 999999)},
	{date, "2026-03-20", "", utc(2026, 3, 20, 0, 0, 0, 0)},
	{date, "2026-03-20", "Europe/Berlin", utc(2026, 3, 19, 23, 0, 0, 0)},
}

// clockCheck is a statement, the number of its translation, and what it returns.
type clockCheck struct {
	sql    string
	number int
	want   int64
}

// clocks asks for every case in every dialect: how a column is read, and that a
// literal is the instant which it stands for and not a microsecond later.
func (p *transpiler) clocks() []clockCheck {
	var out []clockCheck
	for _, d := range foreign {
		for _, c := range clockCases {
			column := fmt.Sprintf("CAST('%s' AS %s)", c.text, columnTypes[d.Name][c.typ])
			micros := fmt.Sprintf(d.Micros, "f.ts")
			if c.zone != "" && c.zone != "UTC" {
				micros = fmt.Sprintf(d.MicrosIn, "f.ts", "'"+c.zone+"'")
			}
			sql := fmt.Sprintf("SELECT CAST(%s AS %s) AS n FROM (SELECT %s AS ts) AS f", micros, d.Integer, column)
			out = append(out, clockCheck{sql, p.add(d.Name, sql), c.want.UnixMicro()})
			if c.typ != zoned {
				continue
			}
			literal := func(at time.Time) string { return fmt.Sprintf(d.Instant, at.Format("2006-01-02 15:04:05.000000")) }
			const reached = "SELECT CAST(CASE WHEN %[1]s >= %[3]s THEN 2 WHEN %[1]s >= %[2]s THEN 1 ELSE 0 END AS %[4]s) AS n"
			sql = fmt.Sprintf(reached,
				column, literal(c.want), literal(c.want.Add(time.Microsecond)), d.Integer)
			out = append(out, clockCheck{sql, p.add(d.Name, sql), 1})
		}
	}
	return out
}

func (p *transpiler) checkClocks(t *testing.T, wh connectors.Warehouse, list []clockCheck) {
	session, err := wh.Session(t.Context(), connectors.Tags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	if _, err := session.Run(t.Context(), queries.Statement{Name: "macros", SQL: macros}); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		a := p.answers[c.number]
		if a.Error != "" {
			t.Errorf("%s: %s", c.sql, a.Error)
			continue
		}
		r, err := fetch(t.Context(), session, queries.Statement{Name: "clock", SQL: a.SQL})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if d := r.diff(result{[]string{"n"}, []string{"BIGINT"}, [][]any{{c.want}}}); d != "" {
			t.Errorf("%s\ntranspiled to\n%s\n%s", c.sql, a.SQL, d)
		}
	}
}

// snowflakeFunctions are those that its reference lists; look a new one up there
// before you add it. No analyzer of Snowflake's can be had.
var snowflakeFunctions = strings.Fields(`
	ABS AVG CAST CEIL CHR COALESCE CONCAT CONVERT_TIMEZONE COUNT COVAR_SAMP DATE_PART FLOOR GREATEST GROUPING LEAST LENGTH
	LN LPAD MAX MIN MOD NULLIF REGEXP_INSTR ROUND ROW_NUMBER SQRT SUBSTR SUM SYSTEM$TYPEOF TO_TIMESTAMP_TZ TO_VARCHAR
	TRANSLATE TRY_PARSE_JSON TRY_TO_NUMBER VAR_SAMP`)

var (
	notSQL   = regexp.MustCompile(`'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|--[^\n]*`)
	callable = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_$]*)\(`)
)

// TestSnowflakeFunctions: transpilers hand functions on that they do not know, and
// DuckDB may know them.
func TestSnowflakeFunctions(t *testing.T) {
	for seed := uint64(1); seed <= 60; seed++ {
		w := foreignWorld(seed)
		script, err := queries.Render(w.p, w.e, w.look, queries.Snowflake)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range complete(script) {
			for _, m := range callable.FindAllStringSubmatch(notSQL.ReplaceAllString(st.SQL, "''"), -1) {
				if !slices.Contains(snowflakeFunctions, strings.ToUpper(m[1])) {
					t.Fatalf("seed %d: %s calls %s, which is not known to be a function of Snowflake", seed, st.Name, m[1])
				}
			}
		}
	}
}
