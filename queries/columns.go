package queries

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// column is a named expression, with the metrics it serves for the reader.
type column struct{ Name, Expression, Metrics string }

// output is a column of the result.
type output struct {
	Name, Expression string
	Whole            bool
}

// class is a set of facts that no other class shares: those whose discriminator
// equals a literal.
type class struct {
	Number           int64
	Literal, Metrics string

	text string
}

// shared is what all measures of a source have in common and what therefore
// stands once, in the join and the WHERE clause, instead of in every column.
type shared struct {
	opens, closes time.Duration
	first         string        // column of the first exposure
	pre           time.Duration // where the first span of a covariate begins, before first exposure; 0 = no covariate
	since, limit  time.Time
	latest        time.Time
	where         string // the one condition of all, or ""
}

// share finds the widest window and what all measures agree on.
func share(measures []*measure) shared {
	first := measures[0]
	s := shared{first: first.first, opens: first.opens, closes: first.closes, since: first.since, limit: first.limit, latest: first.latest, where: first.where}
	for _, m := range measures {
		s.opens = min(s.opens, m.opens)
		if s.closes == 0 || m.closes == 0 {
			s.closes = 0
		} else {
			s.closes = max(s.closes, m.closes)
		}
		if m.limit.After(s.limit) {
			s.limit = m.limit
		}
		if !m.since.Equal(s.since) {
			s.since = time.Time{}
		}
		if !m.latest.Equal(s.latest) {
			s.latest = time.Time{}
		}
		if m.where != s.where {
			s.where = ""
		}
		if m.pre > 0 {
			s.pre = min(s.pre, m.before()-m.pre)
		}
	}
	if s.pre < 0 {
		s.since = time.Time{} // The covariate's facts lie before any lookback.
	}
	return s
}

// earliest is how long before or after first exposure the first fact lies that
// may be needed.
func (s shared) earliest() time.Duration { return min(s.opens, s.pre) }

// lower is where the facts begin that the join brings. The spans of covariates
// are counted from first exposure, which is never after the anchor.
func (s shared) lower() string {
	if s.pre < 0 {
		return s.first + plus(s.earliest())
	}
	return "u.assay_anchor" + plus(s.opens)
}

// builder assembles the columns of one facts statement.
type builder struct {
	d         Dialect
	shared    shared
	column    string // discriminator, as the user wrote it; "" = none
	classes   []class
	unclassed bool // some measure needs facts that are in no class

	inputs     []column
	aggregates []column
	outputs    []output
	newest     string            // input: the time of a fact that counts for a metric
	slots      map[string]string // what a column holds -> its name
	shelves    []shelf
	values     []string          // inputs that the user's expressions fill
	terms      map[string]string // what a unit's value is -> its name
	quantiles  []float64         // that are asked for

	days bool // some measure is told by day since exposure as well

	// Where what facts come to is kept for the next look: the columns that are, and
	// what they come to.
	keeps   bool
	pastEnd bool      // some measure goes on after end
	end     time.Time // of the experiment
	stored  []stored
	finals  []column

	// Steps between facts and units, and between units and results.
	factRanks, factPositions, places []column
	ranks, positions, caps           []column
}

// shelf is a set of columns, one an aggregate, that all classes share: each
// puts one input of its own into each.
type shelf map[string]map[int64]input // name of the aggregate -> class

func newBuilder(d Dialect, measures []*measure, days int) *builder {
	b := &builder{
		d: d, days: toldByDay(measures, days), shared: share(measures), column: discriminator(measures),
		slots: map[string]string{}, terms: map[string]string{},
	}
	b.build(measures)
	return b
}

// newKeeper makes the columns of what is kept.
func newKeeper(d Dialect, measures []*measure, end time.Time) *builder {
	b := &builder{
		d: d, shared: share(measures), column: discriminator(measures),
		slots: map[string]string{}, terms: map[string]string{},
		keeps: true, pastEnd: mixesPastEnd(measures), end: end,
	}
	b.build(measures)
	return b
}

func (b *builder) build(measures []*measure) {
	for _, m := range measures {
		b.classify(m)
		b.unclassed = b.unclassed || m.class == ClassAll
	}
	b.newest = b.counting(measures)
	served := map[string][]string{}
	for _, m := range measures {
		b.add(m, served)
	}
	b.fillShelves(served)
}

// counting is the time of a fact, NULL for one that only enters a covariate.
func (b *builder) counting(measures []*measure) string {
	if b.shared.pre == 0 {
		return "f.assay_at"
	}
	return fmt.Sprintf("CASE WHEN f.assay_at >= u.assay_anchor%s THEN f.assay_at END", plus(share(measures).opens))
}

// classify gives a measure its class: that of its literal, or all facts. A
// literal that differs from another only by case may be equal to it under a
// collation: such a measure looks at all facts by its own condition.
func (b *builder) classify(m *measure) {
	column, literal := m.discriminates()
	if b.column == "" || column != b.column {
		return
	}
	i := slices.IndexFunc(b.classes, func(c class) bool { return strings.EqualFold(c.text, literal) })
	switch {
	case i < 0:
		m.class = int64(len(b.classes))
		b.classes = append(b.classes, class{Number: m.class, Literal: b.d.text(literal), Metrics: m.name, text: literal})
	case b.classes[i].text == literal:
		m.class = int64(i)
		b.classes[i].Metrics += ", " + m.name
	}
}

func (b *builder) columnRef() string { return "f." + b.column }

// condition is what a fact must meet for measure m beyond what is shared.
func (b *builder) condition(m *measure, wheres ...string) string {
	parts := []string{bracketed(wheres...)}
	if m.opens > b.shared.opens || b.shared.pre < 0 {
		parts = append(parts, "f.assay_at >= u.assay_anchor"+plus(m.opens))
	}
	if m.closes != b.shared.closes {
		parts = append(parts, "f.assay_at < u.assay_anchor"+plus(m.closes))
	}
	switch {
	case b.keeps:
		parts = append(parts, b.fixedLimit(m))
	case m.limit.Before(b.shared.limit):
		parts = append(parts, "f.assay_at < "+moment(m.limit))
	}
	if !m.since.Equal(b.shared.since) {
		parts = append(parts, "f.assay_at >= "+moment(m.since))
	}
	return and(append(parts, b.complete(m))...)
}

// before is what a fact must meet for the covariate of measure m.
func (b *builder) before(m *measure, wheres ...string) string {
	parts := []string{bracketed(wheres...), "f.assay_at < " + m.first + plus(m.before())}
	if from := m.before() - m.pre; from > b.shared.earliest() {
		parts = append(parts, "f.assay_at >= "+m.first+plus(from))
	}
	return and(append(parts, b.complete(m))...)
}

// complete leaves out units whose window is open, where not all measures do.
func (b *builder) complete(m *measure) string {
	if m.latest.IsZero() || !b.shared.latest.IsZero() || b.keeps {
		return ""
	}
	return "u.assay_anchor <= " + moment(m.latest)
}

// bracketed joins the user's conditions, each in brackets.
func bracketed(conditions ...string) string {
	var parts []string
	for _, c := range conditions {
		if c != "" {
			parts = append(parts, "("+c+")")
		}
	}
	return strings.Join(parts, " AND ")
}

// and joins conditions of our own, of which some may be empty.
func and(conditions ...string) string {
	return strings.Join(slices.DeleteFunc(conditions, func(c string) bool { return c == "" }), " AND ")
}

// where is the measure's own condition, unless its class or the shared filter
// already says it.
func (b *builder) where(m *measure) string {
	switch {
	case m.class != ClassAll:
		return m.rule
	case b.shared.where != "":
		return ""
	default:
		return m.where
	}
}

// input is what is aggregated: a value of the facts that meet a condition, ""
// being met by all. Where it is kept, latest tells units whose window is open from
// the others, which otherwise the condition does.
type input struct {
	value, condition string
	latest           time.Time
}

// input is what a part of a measure aggregates.
func (b *builder) input(m *measure, p part) input {
	return input{b.value(m, p), b.condition(m, b.where(m), p.where), b.latest(m)}
}

// latest is that of a measure whose value is kept, where not all measures share
// it.
func (b *builder) latest(m *measure) time.Time {
	if !b.keeps || !b.shared.latest.IsZero() {
		return time.Time{}
	}
	return m.latest
}

// value is an input's: the user's expression, a day, or 1 to count.
func (b *builder) value(m *measure, p part) string {
	value := cmp.Or(p.value, "1")
	switch p.of.name {
	case activeDays.name:
		value = activeDay(m)
	case daySpan.name:
		value = openDays(m)
	}
	return cast(value, p.of.typ(b.d))
}

// when is the arm of a CASE for the facts that also meet another condition.
func (i input) when(other string) string {
	if other == "" || i.condition == "" {
		return "WHEN " + other + i.condition + " THEN " + i.value
	}
	return "WHEN " + other + " AND " + i.condition + " THEN " + i.value
}

// String is the expression over all facts.
func (i input) String() string {
	if i.condition == "" {
		return i.value
	}
	return "CASE " + i.when("") + " END"
}

// add gives a measure its columns. served collects which metrics a column is for.
func (b *builder) add(m *measure, served map[string][]string) {
	if m.metric.Of == "event" {
		b.addEvents(m)
		return
	}
	columns := make([]string, len(m.parts))
	befores := make([]string, len(m.parts))
	for i, p := range m.parts {
		columns[i] = b.place(m, p, b.input(m, p), served)
		if m.pre > 0 {
			in := input{b.value(m, p), b.before(m, b.where(m), p.where), b.latest(m)}
			befores[i] = b.place(m, p, in, served)
		}
	}
	b.results(m, columns, befores)
}

// place gives an input its column: in a shelf where the measure has a class,
// else of its own; equal ones are shared.
func (b *builder) place(m *measure, p part, in input, served map[string][]string) string {
	var name string
	if m.class != ClassAll {
		name = b.shelve(m.class, p.of, in)
	} else {
		name = b.slot(p.of, in, m.name, p.value != "")
	}
	if !slices.Contains(served[name], m.name) {
		served[name] = append(served[name], m.name)
	}
	return name
}

// slot is the column of an aggregate over all facts of a unit; equal ones are
// shared. valued tells whether a value of the user's enters.
func (b *builder) slot(of aggregate, in input, metric string, valued bool) string {
	key := of.name + " " + in.String() + atOrNone(in.latest)
	if name, ok := b.slots[key]; ok {
		i := slices.IndexFunc(b.inputs, func(c column) bool { return c.Name == "in_"+name })
		b.inputs[i].Metrics += ", " + metric
		return name
	}
	name := fmt.Sprintf("m%d", len(b.aggregates))
	b.slots[key] = name
	b.append(name, of, column{Expression: in.String(), Metrics: metric}, valued, isOpen(in.latest))
	return name
}

// append adds an input and its aggregate. A value that is no number of usable
// size counts as none; open is for what is kept (see keep).
func (b *builder) append(name string, of aggregate, c column, valued bool, open string) {
	in := "in_" + name
	b.inputs = append(b.inputs, column{in, c.Expression, c.Metrics})
	if valued && of.numbers {
		b.values = append(b.values, in)
		in = b.guard(in)
	}
	b.aggregates = append(b.aggregates, column{name, of.of(b.d, in), c.Metrics})
	b.keep(name, of, in, open)
}

// guard is an input where it is a usable number.
func (b *builder) guard(in string) string {
	return fmt.Sprintf("CASE WHEN %s THEN %s END", b.usable(in), in)
}

// largest is the size from which on a value counts as none. Nothing that is
// measured comes near it; below it no sum, square or cube over a trillion units
// leaves the range of a float, which some engines take for a failed statement.
const largest = "1e80"

// usable tells whether an input is a number that can be computed with: NaN and
// the infinities are not smaller than largest in any engine.
func (b *builder) usable(in string) string {
	return fmt.Sprintf("ABS(%s) < CAST('%s' AS %s)", in, largest, b.d.Float)
}

// lost tells whether a fact has a value that is no number of usable size; ""
// where facts are only counted.
func (b *builder) lost() string {
	parts := make([]string, len(b.values))
	for i, in := range b.values {
		parts[i] = "NOT (" + b.usable(in) + ")"
	}
	return strings.Join(parts, " OR ")
}

// output adds a column of the result, once.
func (b *builder) output(name, expression string) {
	if !slices.ContainsFunc(b.outputs, func(o output) bool { return o.Name == name }) {
		b.outputs = append(b.outputs, output{name, expression, strings.HasPrefix(expression, "COUNT(")})
	}
}

// shelve puts an input into the first shelf where the class's place is
// free, so that fifty classes of one metric each need one column. It returns
// the column's name.
func (b *builder) shelve(class int64, of aggregate, in input) string {
	for i := 0; ; i++ {
		if i == len(b.shelves) {
			b.shelves = append(b.shelves, shelf{})
		}
		places := b.shelves[i][of.name]
		if places == nil {
			places = map[int64]input{}
			b.shelves[i][of.name] = places
		}
		if got, taken := places[class]; taken && got != in {
			continue
		}
		places[class] = in
		return fmt.Sprintf("c%d_%s", i, of.name)
	}
}

// fillShelves writes the columns that the classes share.
func (b *builder) fillShelves(served map[string][]string) {
	one := cast("1", b.d.Float)
	for i, s := range b.shelves {
		for _, of := range shelved {
			places := s[of.name]
			if places == nil {
				continue
			}
			valued := false
			for _, in := range places {
				valued = valued || in.value != one
			}
			name := fmt.Sprintf("c%d_%s", i, of.name)
			b.append(name, of, column{Expression: b.choose(places), Metrics: strings.Join(served[name], ", ")}, valued, b.openIn(places))
		}
	}
}

// choose picks the input of a fact's class. Where it is the same for every fact
// that is there at all, there is nothing to choose. An expression is never
// computed for a fact of another class: it might not be able to.
func (b *builder) choose(places map[int64]input) string {
	var order []input
	literals := map[input][]string{}
	for _, c := range b.classes {
		in, ok := places[c.Number]
		if !ok {
			continue
		}
		if literals[in] == nil {
			order = append(order, in)
		}
		literals[in] = append(literals[in], c.Literal)
	}
	if len(order) == 1 && len(places) == len(b.classes) && !b.unclassed {
		return order[0].String()
	}
	arms := make([]string, len(order))
	for i, in := range order {
		arms[i] = in.when(b.among(literals[in]))
	}
	if len(arms) == 1 {
		return "CASE " + arms[0] + " END"
	}
	return "CASE\n      " + strings.Join(arms, "\n      ") + "\n    END"
}

// among is the condition that the discriminator is one of some literals.
func (b *builder) among(literals []string) string {
	if len(literals) == 1 {
		return b.columnRef() + " = " + literals[0]
	}
	return b.columnRef() + " IN (" + strings.Join(literals, ", ") + ")"
}

// filter is the condition that a fact must meet to count for any measure; ""
// where some measure takes all facts.
func (b *builder) filter(measures []*measure) string {
	var parts []string
	if len(b.classes) > 0 {
		literals := make([]string, len(b.classes))
		for i, c := range b.classes {
			literals[i] = c.Literal
		}
		parts = append(parts, b.among(literals))
	}
	for _, m := range measures {
		if m.class != ClassAll {
			continue
		}
		if m.where == "" {
			return ""
		}
		if !slices.Contains(parts, m.where) {
			parts = append(parts, m.where)
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ") OR (") + ")"
}
