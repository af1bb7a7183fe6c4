package queries_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"assay/queries"
	"assay/spec"
)

// A world is a random experiment with its events, in Go and as tables.
type world struct {
	seed  uint64
	rng   *rand.Rand
	p     *spec.Project
	e     *spec.Experiment
	look  queries.Look
	times map[string]timeKind // by table

	exposures []exposure
	traits    map[string]string // tier by unit
	links     []linkRow
	facts     map[string][]fact // by source

	activation *metricOf // nil = none

	idType             string        // as the spec declares
	unitsText, idsText bool          // columns that hold text
	closing            time.Duration // if not 0, where a window of complete units ends
}

// exposure is a row of the assignment query; nil pointers are NULL.
type exposure struct {
	id         *string
	at         time.Time
	experiment string
	variation  *string
	platform   *string
}

// linkRow is a row of the join query.
type linkRow struct {
	from, to *string
	at       *time.Time
}

// fact is a row of a fact source.
type fact struct {
	id      *string
	at      *time.Time
	key     *string
	event   *string
	amount  *float64
	qty     *int64
	flag    *bool
	payload *string
}

// timeKind is how a table keeps its times.
type timeKind struct {
	column string // SQL type
	zone   string // declared in the spec; "" = none
}

var timeKinds = []timeKind{
	{"TIMESTAMP", ""},
	{"TIMESTAMP", "UTC"},
	{"TIMESTAMP", "Europe/Berlin"},
	{"TIMESTAMP", "America/New_York"},
	{"TIMESTAMPTZ", ""},
	{"TIMESTAMPTZ", "Asia/Kolkata"},
	{"TIMESTAMP_NS", ""},
}

// condition is a WHERE clause with what it means.
type condition struct {
	sql string
	ok  func(fact) bool
}

func isEvent(name string) func(fact) bool {
	return func(f fact) bool { return f.event != nil && *f.event == name }
}

func anyFact(fact) bool { return true }

var conditions = []condition{
	{"", anyFact},
	{"event = 'a'", isEvent("a")},
	{"event = 'b'", isEvent("b")},
	{" event='c' ", isEvent("c")},
	{"event = 'A'", isEvent("A")},
	{"event = 'num'", isEvent("num")},
	{"event = 'sum'", isEvent("sum")},
	{"event = '1'", isEvent("1")},
	{"event = 'nobody does this'", isEvent("nobody does this")},
	{"", anyFact},
	{"", anyFact},
	{"flag", func(f fact) bool { return f.flag != nil && *f.flag }},
	{"flag = 'true'", func(f fact) bool { return f.flag != nil && *f.flag }},
	{"flag = 't'", func(f fact) bool { return f.flag != nil && *f.flag }},
	{"qty > 2", func(f fact) bool { return f.qty != nil && *f.qty > 2 }},
	{"event = 'a' OR event = 'b'", func(f fact) bool { return isEvent("a")(f) || isEvent("b")(f) }},
	{"event IN ('a', 'c') AND NOT flag", func(f fact) bool {
		return (isEvent("a")(f) || isEvent("c")(f)) && f.flag != nil && !*f.flag
	}},
	{"amount IS NULL", func(f fact) bool { return f.amount == nil }},
}

// valueOf is a value expression with what it means; nil is NULL.
type valueOf struct {
	sql string
	of  func(fact) *float64
}

var one = valueOf{"", func(fact) *float64 { return ptr(1.0) }}

var values = []valueOf{
	{"amount", func(f fact) *float64 { return f.amount }},
	{"amount", func(f fact) *float64 { return f.amount }},
	{"qty", func(f fact) *float64 { return number(f.qty) }},
	{"qty * 2 + 1", func(f fact) *float64 {
		if f.qty == nil {
			return nil
		}
		return ptr(float64(*f.qty*2 + 1))
	}},
	{"CASE WHEN flag THEN 1.5 ELSE 0 END", func(f fact) *float64 {
		if f.flag != nil && *f.flag {
			return ptr(1.5)
		}
		return ptr(0.0)
	}},
	{"2", func(fact) *float64 { return ptr(2.0) }},
}

// payload holds a number only where the event is num or sum: whoever computes it for
// another fact gets an error.
var payload = valueOf{"CAST(payload AS DOUBLE)", func(f fact) *float64 {
	v, err := strconv.ParseFloat(*f.payload, 64)
	if err != nil {
		panic(err)
	}
	return &v
}}

func ptr[T any](v T) *T { return &v }

func number(v *int64) *float64 {
	if v == nil {
		return nil
	}
	return ptr(float64(*v))
}

// metricOf is a metric with what it means.
type metricOf struct {
	spec                                spec.Metric
	where, above, below                 condition
	rule                                func(fact) bool // nil = none
	value, numerator, denominatorValues valueOf
	day                                 *int // of units, the only one that counts; nil = all do
}

// counts tells whether a fact meets the metric's own conditions.
func (m metricOf) counts(f fact) bool { return m.where.ok(f) && (m.rule == nil || m.rule(f)) }

var (
	start    = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC) // Berlin changes its clocks on the 29th
	duration = 10 * 24 * time.Hour
	day      = 24 * time.Hour
)

// newWorld makes the world of a seed.
func newWorld(seed uint64) (*world, map[string]metricOf) {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), times: map[string]timeKind{}, facts: map[string][]fact{}}
	w.experiment()
	w.configure()
	metrics := w.metrics()
	w.activate()
	w.slice()
	w.askDays()
	w.events()
	return w, metrics
}

func (w *world) one(n int) bool { return w.rng.IntN(n) == 0 }

func pick[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

// within is a random instant of a span, to the microsecond.
func (w *world) within(from time.Time, span time.Duration) time.Time {
	return from.Add(time.Duration(w.rng.Int64N(span.Microseconds())) * time.Microsecond)
}

func (w *world) experiment() {
	w.e = &spec.Experiment{
		Name: fmt.Sprintf("exp-%d", w.seed), Type: spec.TypeExperiment, Assignment: "exposures",
		ExperimentID: pick(w, []string{"exp", "it's {{start}}", "a -- b", "two\nlines"}),
		Start:        spec.Instant{Time: start}, Duration: spec.Duration{Duration: duration}, PlannedUnits: 100,
	}
	ids := []string{"control", "new", "tre'at", `back\slash`}
	for i := range 2 + w.rng.IntN(3) {
		w.e.Variations = append(w.e.Variations, spec.Variation{ID: ids[i], KnownGood: i == 0})
	}
	w.look.AsOf = w.within(start.Add(day), 12*day)
	w.look.Skewed = w.one(2)
	w.look.Epochs = []queries.Epoch{{Start: start, Settled: start}}
	if w.one(3) {
		w.look.Epochs[0].Settled = start.Add(time.Hour)
	}
	for range w.rng.IntN(3) {
		at := w.within(start, duration)
		w.look.Epochs = append(w.look.Epochs, queries.Epoch{Start: at, Settled: at.Add(time.Duration(w.rng.IntN(3)) * 8 * time.Hour)})
	}
	slices.SortFunc(w.look.Epochs, func(a, b queries.Epoch) int { return a.Start.Compare(b.Start) })
}

// idKinds are ways in which identifiers are kept and compared: the declared
// type, and whether the two tables hold text.
var idKinds = []struct {
	declared    string
	units, facs bool
}{{"", true, true}, {"", false, false}, {"text", true, true}, {"text", false, true}, {"text", true, false}, {"integer", true, true}, {"integer", true, false}, {"integer", false, false}}

func (w *world) configure() {
	kind := pick(w, idKinds)
	w.idType, w.unitsText, w.idsText = kind.declared, kind.units, kind.facs
	for _, table := range []string{"exposures", "links", "direct", "joined"} {
		w.times[table] = pick(w, timeKinds)
	}
	w.p = &spec.Project{Config: spec.Config{
		Version:     1,
		Warehouse:   spec.Warehouse{Type: "duckdb"},
		Identifiers: map[string]spec.Identifier{"user_id": {Type: w.idType}, "conversation_id": {Type: "text"}},
		Assignments: map[string]spec.Assignment{"exposures": {
			Identifier: "user_id", Dimensions: []string{`plat"form`}, Timezone: w.times["exposures"].zone,
			SQL: w.assignmentSQL(),
		}},
		Joins: map[string]spec.Join{"own-er": {
			Identifiers: []string{"conversation_id", "user_id"}, Timestamp: w.one(2), Timezone: w.times["links"].zone,
			SQL: "SELECT conversation AS conversation_id, uid AS user_id, ts AS timestamp FROM " + w.table("links"),
		}},
		Facts: map[string]spec.Source{
			"direct": {Identifiers: []string{"user_id"}, Timezone: w.times["direct"].zone, SQL: w.sourceSQL("direct", "user_id")},
			"joined": {Identifiers: []string{"conversation_id"}, Timezone: w.times["joined"].zone, SQL: w.sourceSQL("joined", "conversation_id")},
		},
	}}
	for _, name := range slices.Sorted(maps.Keys(w.p.Config.Facts)) {
		if source := w.p.Config.Facts[name]; w.one(2) {
			source.Key = `k"ey`
			w.p.Config.Facts[name] = source
		}
	}
}

func (w *world) table(name string) string { return fmt.Sprintf("%s_%d", name, w.seed) }

func (w *world) assignmentSQL() string {
	sql := `SELECT uid AS user_id, ts AS timestamp, exp AS experiment_id, var AS variation_id, platform AS "plat""form" FROM ` + w.table("exposures")
	if w.one(2) {
		sql += "\n-- only {{experiment}}; not more\nWHERE exp = {{experiment}}"
		sql += " AND ts >= {{start}} AND ts < {{end}}"
	}
	return sql + pick(w, []string{"", ";", " -- the end;"})
}

func (w *world) sourceSQL(table, identifier string) string {
	return fmt.Sprintf(`SELECT uid AS %s, ts AS timestamp, k AS "k""ey", event, amount, qty, flag, payload FROM %s WHERE 'two
lines' = 'two' || chr(10) || 'lines'`, identifier, w.table(table))
}

// metrics declares metrics over both sources in random roles.
func (w *world) metrics() map[string]metricOf {
	w.p.Config.Metrics = map[string]spec.Metric{}
	out := map[string]metricOf{}
	// In one world of three all metrics are told apart by their event, in another
	// one some of them.
	long := w.rng.IntN(3)
	count := 1 + w.rng.IntN(8)
	switch w.seed % 5 {
	case 0:
		count = 1
	case 1:
		count = 3
	}
	for i := range count {
		name := fmt.Sprintf("metric_%d", i)
		m := w.metric(long == 0 || long == 1 && w.one(2))
		w.pin(&m, i, count)
		if m.spec.CompleteOnly {
			w.closing = m.spec.Delay.Duration + m.spec.Window.Duration
		}
		out[name] = m
		w.p.Config.Metrics[name] = m.spec
		role := pick(w, []*[]spec.Use{&w.e.Guardrails, &w.e.Goals, &w.e.Secondary})
		*role = append(*role, spec.Use{Metric: name})
	}
	return out
}

// activate declares an activation metric in one world of four.
func (w *world) activate() {
	if !w.one(4) {
		return
	}
	m := metricOf{where: pick(w, conditions), value: one}
	m.spec = spec.Metric{
		Kind: "proportion", Source: pick(w, []string{"direct", "direct", "joined"}), Where: m.where.sql,
		Delay:   spec.Duration{Duration: pick(w, []time.Duration{0, 0, time.Hour})},
		Window:  spec.Duration{Duration: pick(w, []time.Duration{0, day, 3 * day})},
		PastEnd: w.one(3),
	}
	w.activation, w.e.Activation = &m, "activation"
	w.p.Config.Metrics["activation"] = m.spec
}

// slice asks for effects by platform and by tier in one world of three.
func (w *world) slice() {
	if !w.one(3) {
		return
	}
	w.e.Slices = []string{`plat"form`, "tier"}
	w.p.Config.Traits = map[string]spec.Trait{"tier": {
		Identifier: "user_id", SQL: "SELECT uid AS user_id, tier AS value FROM " + w.table("traits"),
	}}
}

// pin makes two constellations common that would be rare: one metric of complete
// units alone, and two classes with one value that other facts do not have.
func (w *world) pin(m *metricOf, i, count int) {
	switch {
	case w.seed%5 == 0 && count == 1 && m.spec.Window.Duration > 0:
		m.spec.CompleteOnly = true
	case w.seed%5 == 1:
		m.where = []condition{{"event = 'num'", isEvent("num")}, {"event = 'sum'", isEvent("sum")}, {"", anyFact}}[i]
		m.value = []valueOf{payload, payload, one}[i]
		m.rule = nil
		m.spec = spec.Metric{Source: "direct", Where: m.where.sql, Value: m.value.sql, Kind: []string{"sum", "sum", "count"}[i]}
	}
}

func (w *world) metric(byEvent bool) metricOf {
	m := metricOf{where: pick(w, conditions), value: pick(w, values)}
	if byEvent {
		m.where = conditions[1+w.rng.IntN(7)]
	}
	if (m.where.sql == "event = 'num'" || m.where.sql == "event = 'sum'") && !w.one(4) {
		m.value = payload
	}
	kind := pick(w, kinds)
	for byEvent && (kind == "ratio" || kind == "daily_participation") {
		kind = pick(w, kinds) // These are of no one class.
	}
	m.spec = spec.Metric{
		Kind: kind, Source: pick(w, []string{"direct", "direct", "joined"}), Where: m.where.sql, Direction: "up",
		Delay:  spec.Duration{Duration: pick(w, []time.Duration{0, 0, 0, time.Hour, day, -2 * time.Hour})},
		Window: spec.Duration{Duration: pick(w, []time.Duration{0, 0, 6 * time.Hour, day, 3 * day})}, PastEnd: w.one(3),
	}
	if kind == "retention" {
		m.spec.Delay.Duration, m.spec.Window.Duration = day, pick(w, []time.Duration{6 * time.Hour, day})
	}
	m.spec.CompleteOnly = m.spec.Window.Duration > 0 && w.one(2)
	if m.spec.Window.Duration == 0 && w.one(3) {
		m.spec.Lookback.Duration = pick(w, []time.Duration{6 * time.Hour, day, 3 * day})
	}
	w.ofKind(&m, byEvent)
	if w.one(5) && kind != "ratio" {
		r := pick(w, rules)
		m.spec.Rule, m.rule = &r.spec, r.ok
	}
	return m
}

var kinds = []string{
	"proportion", "proportion", "count", "count", "sum", "sum", "mean", "mean", "ratio", "ratio",
	"max", "distinct", "retention", "daily_participation", "quantile", "quantile",
}

// ofKind gives a metric what its kind has.
func (w *world) ofKind(m *metricOf, byEvent bool) {
	s := &m.spec
	switch s.Kind {
	case "proportion", "retention":
		if w.one(2) {
			s.Total = &spec.Total{Of: pick(w, []string{"count", "sum", "mean", "max", "distinct"})}
			if s.Total.Of != "count" {
				s.Total.Value = m.value.sql
			}
			at := pick(w, []float64{1, 2, 3.5})
			if w.one(2) {
				s.Total.Over = &at
			} else {
				s.Total.AtLeast = &at
			}
		}
		if s.Total == nil || s.Total.Of == "count" {
			m.value = one
		}
	case "count", "daily_participation":
		m.value = one
	case "ratio":
		m.above, m.below = pick(w, conditions), pick(w, conditions)
		twoSources := w.one(3)
		if twoSources {
			m.where, s.Where = conditions[0], ""
			m.value = pick(w, values)
		}
		m.numerator, m.denominatorValues = m.value, pick(w, append(values, one, one, one))
		s.Numerator = &spec.Part{Value: m.numerator.sql, Where: m.above.sql, Cap: w.cap()}
		if w.one(3) {
			r, where := pick(w, rules), m.above.ok
			s.Numerator.Rule, m.above.ok = &r.spec, func(f fact) bool { return where(f) && r.ok(f) }
		}
		s.Denominator = &spec.Part{Value: m.denominatorValues.sql, Where: m.below.sql, Cap: w.cap()}
		if twoSources {
			part := pick(w, []*spec.Part{s.Numerator, s.Denominator})
			part.Source = map[string]string{"direct": "joined", "joined": "direct"}[s.Source]
		}
	case "quantile":
		s.Value, s.Quantile = m.value.sql, pick(w, []float64{0.5, 0.9, 0.99})
		if s.Of = pick(w, []string{"unit", "event"}); s.Of == "unit" || byEvent {
			s.Of = "unit"
			s.PerUnit = pick(w, []string{"sum", "mean", "max"})
		}
	default:
		s.Value = m.value.sql
		if s.Kind != "distinct" {
			s.Scale = pick(w, []string{"", spec.ScaleLog})
		}
	}
	switch s.Kind {
	case "count", "sum", "mean", "max", "distinct":
		s.Cap = w.cap()
	}
	if s.Kind != "retention" && s.Kind != "daily_participation" && s.Kind != "quantile" && w.one(3) {
		s.Covariate.Duration = pick(w, []time.Duration{6 * time.Hour, day, 3 * day})
	}
}

// cap is one in three cases, none in the others.
func (w *world) cap() *spec.Cap {
	switch w.rng.IntN(6) {
	case 0:
		return &spec.Cap{At: ptr(pick(w, []float64{1.5, 4, 20}))}
	case 1:
		return &spec.Cap{Percentile: pick(w, []float64{0.3, 0.75, 0.9, 0.99})}
	default:
		return nil
	}
}

// ruleOf is a rule on the payload with what it counts.
type ruleOf struct {
	spec spec.Rule
	ok   func(fact) bool
}

var digits = regexp.MustCompile("^[0-9]+$")

// broken is what keeps a rule turned round; NULL breaks it.
func broken(keeps func(string) bool) func(fact) bool {
	return func(f fact) bool { return f.payload == nil || !keeps(*f.payload) }
}

func kept(keeps func(string) bool) func(fact) bool {
	return func(f fact) bool { return f.payload != nil && keeps(*f.payload) }
}

var rules = []ruleOf{
	{spec.Rule{Text: "payload", JSON: true}, broken(digits.MatchString)},
	{spec.Rule{Text: "payload", JSON: true, MaxLength: 1, Counts: "broken"}, broken(func(s string) bool { return len(s) == 1 && digits.MatchString(s) })},
	{spec.Rule{Text: "payload", Matches: `^[a-z]+ \w`, Counts: spec.RuleKept}, kept(func(s string) bool { return s == "no number" })},
	{spec.Rule{Text: "payload", Lacks: "[13579]$", MinLength: 2, Counts: spec.RuleKept}, kept(func(s string) bool {
		return len(s) >= 2 && !strings.ContainsAny(s[len(s)-1:], "13579")
	})},
}

// lengths are from first exposure to where a window may begin or end.
var lengths = []time.Duration{0, time.Hour, 6 * time.Hour, 7 * time.Hour, day, 25 * time.Hour, 30 * time.Hour, 2 * day, 3 * day, 3*day + time.Hour, 4 * day}

// edges are instants at which something begins or ends.
func (w *world) edges() []time.Time {
	list := []time.Time{start, w.e.End(), w.look.AsOf}
	for _, e := range w.look.Epochs {
		list = append(list, e.Start, e.Settled)
	}
	for _, length := range lengths {
		list = append(list, w.look.AsOf.Add(-length), w.look.AsOf.Add(-length))
	}
	return list
}

func (w *world) nudge() time.Duration { return time.Duration(w.rng.IntN(3)-1) * time.Microsecond }

// events fills the tables.
func (w *world) events() {
	units := w.ids(3+w.rng.IntN(14), w.unitsText)
	home := map[string]string{}
	w.traits = map[string]string{}
	for _, id := range units {
		if k := keyOf(&id, w.idType); k != "" && !w.one(4) {
			w.traits[k] = pick(w, []string{"free", "paid", ""})
		}
	}
	exposures := 5 + w.rng.IntN(60)
	if w.closing > 0 && w.seed%5 == 0 {
		exposures = 8
	}
	for range exposures {
		w.exposures = append(w.exposures, w.exposure(units, home))
	}
	conversations := make([]string, 12)
	for i := range conversations {
		conversations[i] = fmt.Sprintf("c%d", i)
	}
	for range w.rng.IntN(20) {
		w.links = append(w.links, w.link(conversations, units))
	}
	direct := w.ids(18, w.idsText)
	for _, source := range []string{"direct", "joined"} { // in one order: the last draws on
		ids := direct
		if source == "joined" {
			ids = conversations
		}
		rng := rand.New(rand.NewPCG(w.seed, uint64(len(source)+int(source[0]))))
		w.rng = rng
		for range w.rng.IntN(250) {
			w.facts[source] = append(w.facts[source], w.fact(source, ids))
		}
	}
}

// ids are identifiers as a column holds them. Text that is compared as integers
// may have leading zeros, or be none.
func (w *world) ids(n int, text bool) []string {
	out := make([]string, n)
	for i := range out {
		switch {
		case !text || w.idType == "text":
			out[i] = strconv.Itoa(i + 1)
		case w.idType == "integer":
			out[i] = pick(w, []string{"", "0", "00"}) + strconv.Itoa(i+1)
			if w.one(15) {
				out[i] = "x" + out[i]
			}
		default:
			out[i] = fmt.Sprintf("u%d", i+1)
		}
	}
	return out
}

func (w *world) exposure(units []string, home map[string]string) exposure {
	x := exposure{id: ptr(pick(w, units)), at: w.within(start.Add(-time.Hour), pick(w, []time.Duration{day, 6 * day, 12 * day})), experiment: w.e.ExperimentID}
	switch {
	case w.one(6) && len(w.exposures) > 0:
		x = pick(w, w.exposures) // a repeat, at the same instant or later
		if w.one(2) {
			x.at = x.at.Add(time.Duration(w.rng.IntN(5)) * time.Hour)
		}
		return x
	case w.closing > 0 && w.one(3):
		x.at = w.look.AsOf.Add(-w.closing)
		x.id = ptr(pick(w, units[:3]))
	case w.one(5):
		x.at = pick(w, w.edges()).Add(w.nudge())
	case w.one(20):
		x.id = nil
	case w.one(20):
		x.experiment = "another"
	}
	id := ""
	if x.id != nil {
		id = *x.id
	}
	if home[id] == "" || w.one(12) {
		home[id] = pick(w, w.e.Variations).ID
		if w.one(10) {
			home[id] = pick(w, []string{"stranger", "Control"})
		}
	}
	x.variation = ptr(home[id])
	if w.one(40) {
		x.variation = nil
	}
	if !w.one(5) {
		x.platform = ptr(pick(w, []string{"ios", "web", "and'roid"}))
	}
	return x
}

func (w *world) link(conversations, units []string) linkRow {
	l := linkRow{from: ptr(pick(w, conversations)), to: ptr(pick(w, units)), at: ptr(w.within(start.Add(-3*day), 14*day))}
	switch {
	case w.one(10):
		l.from = nil
	case w.one(10):
		l.to = nil
	case w.one(10):
		l.at = nil
	case w.one(6) && len(w.links) > 0:
		l.at = pick(w, w.links).at
	}
	return l
}

func (w *world) fact(source string, ids []string) fact {
	if n := len(w.facts[source]); n > 0 && w.one(8) {
		again := w.facts[source][w.rng.IntN(n)]
		if again.at != nil && w.one(2) {
			again.at = ptr(again.at.Add(time.Duration(w.rng.IntN(40)) * time.Hour).Add(time.Microsecond))
			again.qty = ptr(int64(9))
		}
		return again
	}
	f := fact{
		id: ptr(pick(w, ids)), at: ptr(w.factTime()), key: ptr(fmt.Sprintf("k%d", w.rng.Uint64())),
		event: ptr(pick(w, []string{"a", "a", "a", "b", "b", "c", "A", "num", "num", "sum", "1"})), amount: w.amount(),
		qty: ptr(w.rng.Int64N(6)), flag: ptr(w.one(2)),
	}
	if w.one(3) && len(w.exposures) > 0 {
		w.border(&f, source)
	}
	f.payload = ptr("no number")
	if *f.event == "num" || *f.event == "sum" {
		f.payload = ptr(fmt.Sprint(w.rng.IntN(100)))
	}
	w.blank(&f)
	return f
}

// blank makes some columns NULL.
func (w *world) blank(f *fact) {
	switch w.rng.IntN(40) {
	case 0:
		f.id = nil
	case 1:
		f.at = nil
	case 2, 3:
		f.key = nil
	case 4:
		f.event, f.payload = nil, nil
	case 5, 6:
		f.qty = nil
	case 7, 8:
		f.flag = nil
	}
}

// border moves a fact to where a window of its unit may begin or end.
func (w *world) border(f *fact, source string) {
	x := pick(w, w.exposures)
	f.at = ptr(x.at.Add(pick(w, lengths)).Add(w.nudge()))
	if k := key(x.id, w.idType); k != nil && source == "direct" {
		f.id = k
	}
}

func (w *world) factTime() time.Time {
	if w.one(10) {
		return pick(w, w.edges()).Add(w.nudge())
	}
	return w.within(start.Add(-3*day), 16*day)
}

func (w *world) amount() *float64 {
	switch w.rng.IntN(12) {
	case 0:
		return nil
	case 1:
		return ptr(0.0)
	case 2:
		return ptr(1e12 + w.rng.NormFloat64()*1e9)
	case 3, 4, 5:
		if w.seed%3 == 0 {
			return ptr(pick(w, []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e200, -1e80, 9e79}))
		}
		return ptr(-3.25)
	default:
		return ptr(w.rng.NormFloat64()*10 + 5)
	}
}

// sql is the script that makes the tables.
func (w *world) sql(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TEMP TABLE %s (uid %s, ts %s, exp VARCHAR, var VARCHAR, platform VARCHAR);\n",
		w.table("exposures"), idColumn(w.unitsText), w.times["exposures"].column)
	var rows []string
	for _, x := range w.exposures {
		rows = append(rows, row(text(x.id), w.clock(t, "exposures", &x.at), text(&x.experiment), text(x.variation), text(x.platform)))
	}
	w.insert(&b, "exposures", rows)
	fmt.Fprintf(&b, "CREATE TEMP TABLE %s (conversation VARCHAR, uid %s, ts %s);\n", w.table("links"), idColumn(w.unitsText), w.times["links"].column)
	fmt.Fprintf(&b, "CREATE TEMP TABLE %s (uid %s, tier VARCHAR);\n", w.table("traits"), idColumn(w.unitsText))
	rows = nil
	for id, tier := range w.traits {
		rows = append(rows, row(text(&id), text(&tier)))
	}
	w.insert(&b, "traits", rows)
	rows = nil
	for _, l := range w.links {
		rows = append(rows, row(text(l.from), text(l.to), w.clock(t, "links", l.at)))
	}
	w.insert(&b, "links", rows)
	for _, source := range []string{"direct", "joined"} {
		w.factTable(t, &b, source)
	}
	return b.String()
}

func (w *world) factTable(t *testing.T, b *strings.Builder, source string) {
	fmt.Fprintf(b, "CREATE TEMP TABLE %s (uid %s, ts %s, k VARCHAR, event VARCHAR, amount DOUBLE, qty INTEGER, flag BOOLEAN, payload VARCHAR);\n",
		w.table(source), idColumn(source == "joined" || w.idsText), w.times[source].column)
	var rows []string
	for _, f := range w.facts[source] {
		amount := "NULL"
		if f.amount != nil {
			amount = fmt.Sprintf("'%v'", *f.amount)
		}
		rows = append(rows, row(text(f.id), w.clock(t, source, f.at), text(f.key), text(f.event), amount, plain(f.qty), plain(f.flag), text(f.payload)))
	}
	w.insert(b, source, rows)
}

func row(values ...string) string { return "(" + strings.Join(values, ", ") + ")" }

func (w *world) insert(b *strings.Builder, table string, rows []string) {
	if len(rows) > 0 {
		fmt.Fprintf(b, "INSERT INTO %s VALUES %s;\n", w.table(table), strings.Join(rows, ", "))
	}
}

func idColumn(text bool) string {
	if text {
		return "VARCHAR"
	}
	return "BIGINT"
}

func text(s *string) string {
	if s == nil {
		return "NULL"
	}
	return "'" + strings.ReplaceAll(*s, "'", "''") + "'"
}

func plain[T any](v *T) string {
	if v == nil {
		return "NULL"
	}
	return fmt.Sprint(*v)
}

// clock writes an instant as the table keeps it: as the wall clock of the
// declared zone, or with an offset where the column has one.
func (w *world) clock(t *testing.T, table string, at *time.Time) string {
	t.Helper()
	if at == nil {
		return "NULL"
	}
	kind := w.times[table]
	if kind.column == "TIMESTAMPTZ" {
		return "'" + at.In(time.FixedZone("", -5*3600)).Format("2006-01-02 15:04:05.000000-07:00") + "'"
	}
	zone, err := time.LoadLocation(kind.zone)
	if err != nil {
		t.Fatal(err)
	}
	return "'" + at.In(zone).Format("2006-01-02 15:04:05.000000") + "'"
}
