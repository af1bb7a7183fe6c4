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
	limit         time.Time
	latest        time.Time
	where         string // the one condition of all, or ""
}

// share finds the widest window and what all measures agree on.
func share(measures []*measure) shared {
	first := measures[0]
	s := shared{opens: first.opens, closes: first.closes, limit: first.limit, latest: first.latest, where: first.metric.Where}
	for _, m := range measures[1:] {
		s.opens = min(s.opens, m.opens)
		if s.closes == 0 || m.closes == 0 {
			s.closes = 0
		} else {
			s.closes = max(s.closes, m.closes)
		}
		if m.limit.After(s.limit) {
			s.limit = m.limit
		}
		if !m.latest.Equal(s.latest) {
			s.latest = time.Time{}
		}
		if m.metric.Where != s.where {
			s.where = ""
		}
	}
	return s
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
	slots      map[string]string // what a column holds -> its name
	shelves    []shelf
	values     []string // inputs that the user's expressions fill
}

// shelf is a set of columns, one an aggregate, that all classes share: each
// puts one input of its own into each.
type shelf map[string]map[int64]input // aggregate -> class

func newBuilder(d Dialect, measures []*measure) *builder {
	b := &builder{d: d, shared: share(measures), column: discriminator(measures), slots: map[string]string{}}
	for _, m := range measures {
		b.classify(m)
		b.unclassed = b.unclassed || m.class == ClassAll
	}
	for _, m := range measures {
		b.add(m)
	}
	b.fillShelves(measures)
	return b
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
	var parts []string
	for _, where := range wheres {
		if where != "" {
			parts = append(parts, "("+where+")")
		}
	}
	if m.opens > b.shared.opens {
		parts = append(parts, "f.assay_at >= u.assay_anchor"+plus(m.opens))
	}
	if m.closes != b.shared.closes {
		parts = append(parts, "f.assay_at < u.assay_anchor"+plus(m.closes))
	}
	if m.limit.Before(b.shared.limit) {
		parts = append(parts, "f.assay_at < "+moment(m.limit))
	}
	if !m.latest.IsZero() && b.shared.latest.IsZero() {
		parts = append(parts, "u.assay_anchor <= "+moment(m.latest))
	}
	return strings.Join(parts, " AND ")
}

// where is the measure's own condition, unless its class or the shared filter
// already says it.
func (b *builder) where(m *measure) string {
	if m.class != ClassAll || b.shared.where != "" {
		return ""
	}
	return m.metric.Where
}

// input is what is aggregated: a value of the facts that meet a condition, ""
// being met by all.
type input struct{ value, condition string }

// input is that of a measure or of a part of one; without a value it counts.
func (b *builder) input(m *measure, value string, wheres ...string) input {
	return input{cast(cmp.Or(value, "1"), b.d.Float), b.condition(m, wheres...)}
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

// add gives a measure its columns.
func (b *builder) add(m *measure) {
	own := b.where(m)
	if m.metric.Kind == "ratio" {
		above, below := part(m.metric.Numerator), part(m.metric.Denominator)
		num := b.slot("SUM", b.input(m, above.Value, own, above.Where), m.name+" above", above.Value != "")
		den := b.slot("SUM", b.input(m, below.Value, own, below.Where), m.name+" below", below.Value != "")
		m.prefix = b.pair(num, den)
		return
	}
	aggregate, value := "SUM", m.metric.Value
	switch m.metric.Kind {
	case "mean":
		aggregate = "AVG"
	case "proportion", "count":
		value = ""
	}
	in := b.input(m, value, own)
	if m.class != ClassAll {
		m.column = b.shelve(m.class, aggregate, in)
		return
	}
	m.column = b.slot(aggregate, in, m.name, value != "")
	b.moments(m)
}

// slot is the column of an aggregate over all facts of a unit; equal ones are
// shared. valued tells whether a value of the user's enters.
func (b *builder) slot(aggregate string, in input, metric string, valued bool) string {
	key := aggregate + " " + in.String()
	if name, ok := b.slots[key]; ok {
		i := slices.IndexFunc(b.aggregates, func(c column) bool { return c.Name == name })
		b.aggregates[i].Metrics += ", " + metric
		b.inputs[i].Metrics = b.aggregates[i].Metrics
		return name
	}
	name := fmt.Sprintf("m%d", len(b.aggregates))
	b.slots[key] = name
	b.append(name, aggregate, column{Expression: in.String(), Metrics: metric}, valued)
	return name
}

// append adds an input and its aggregate. A value that is no number of usable
// size counts as none.
func (b *builder) append(name, aggregate string, c column, valued bool) {
	in := "in_" + name
	b.inputs = append(b.inputs, column{in, c.Expression, c.Metrics})
	if valued {
		b.values = append(b.values, in)
		in = fmt.Sprintf("CASE WHEN %s THEN %s END", b.usable(in), in)
	}
	b.aggregates = append(b.aggregates, column{name, fmt.Sprintf("%s(%s)", aggregate, in), c.Metrics})
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

// moments adds the outputs that a measure needs of its column.
func (b *builder) moments(m *measure) {
	name := m.column
	if m.log() {
		m.prefix = b.logMoments(name)
		return
	}
	m.prefix = name
	b.output(name+"_n", "COUNT("+name+")")
	b.output(name+"_any", "COUNT(CASE WHEN "+name+" <> 0 THEN 1 END)")
	b.output(name+"_mean", "AVG("+name+")")
	b.output(name+"_var", "VAR_SAMP("+name+")")
	if m.cube {
		b.output(name+"_cube", fmt.Sprintf("AVG(%[1]s * %[1]s * %[1]s)", name))
	}
}

// logMoments adds the outputs of a column's logarithm, and the units that have
// a value and no logarithm.
func (b *builder) logMoments(name string) (prefix string) {
	log := "CASE WHEN " + name + " > 0 THEN LN(" + name + ") END"
	prefix = name + "_log"
	b.output(prefix+"_n", "COUNT(CASE WHEN "+name+" > 0 THEN 1 END)")
	b.output(prefix+"_off", "COUNT(CASE WHEN "+name+" <= 0 THEN 1 END)")
	b.output(prefix+"_mean", "AVG("+log+")")
	b.output(prefix+"_var", "VAR_SAMP("+log+")")
	return prefix
}

// pair adds the outputs of a ratio over the units that have either part; the
// part that is missing is zero.
func (b *builder) pair(num, den string) string {
	name := num + "_" + den
	y := fmt.Sprintf("COALESCE(%s, 0 * %s)", num, den)
	x := fmt.Sprintf("COALESCE(%s, 0 * %s)", den, num)
	b.output(name+"_n", "COUNT(COALESCE("+num+", "+den+"))")
	b.output(name+"_any", "COUNT(CASE WHEN "+num+" <> 0 THEN 1 END)")
	b.output(name+"_mean", "AVG("+y+")")
	b.output(name+"_var", "VAR_SAMP("+y+")")
	b.output(name+"_den_mean", "AVG("+x+")")
	b.output(name+"_den_var", "VAR_SAMP("+x+")")
	b.output(name+"_co", "COVAR_SAMP("+y+", "+x+")")
	return name
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
func (b *builder) shelve(class int64, aggregate string, in input) string {
	for i := 0; ; i++ {
		if i == len(b.shelves) {
			b.shelves = append(b.shelves, shelf{})
		}
		places := b.shelves[i][aggregate]
		if places == nil {
			places = map[int64]input{}
			b.shelves[i][aggregate] = places
		}
		if got, taken := places[class]; taken && got != in {
			continue
		}
		places[class] = in
		return shelfColumn(i, aggregate)
	}
}

func shelfColumn(i int, aggregate string) string {
	return fmt.Sprintf("c%d_%s", i, strings.ToLower(aggregate))
}

// fillShelves writes the columns that the classes share.
func (b *builder) fillShelves(measures []*measure) {
	for i, s := range b.shelves {
		for _, aggregate := range []string{"SUM", "AVG"} {
			if s[aggregate] == nil {
				continue
			}
			name := shelfColumn(i, aggregate)
			served := slices.DeleteFunc(slices.Clone(measures), func(m *measure) bool { return m.column != name })
			valued := slices.ContainsFunc(served, func(m *measure) bool { return m.metric.Kind == "sum" || m.metric.Kind == "mean" })
			b.append(name, aggregate, column{Expression: b.choose(s[aggregate]), Metrics: strings.Join(names(served), ", ")}, valued)
			for _, m := range served {
				b.moments(m)
			}
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
		if m.metric.Where == "" {
			return ""
		}
		if !slices.Contains(parts, m.metric.Where) {
			parts = append(parts, m.metric.Where)
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ") OR (") + ")"
}
