package queries

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/spec"
)

var (
	placeholder = regexp.MustCompile(`\{\{\s*(start|end|experiment)\s*\}\}`)
	// equality is a condition that is nothing but column = 'literal'. Two of them
	// on one column with different literals never hold together.
	equality = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*'([^'\\]*)'\s*$`)
)

// source is a fact source with the measures that one look takes from it.
type source struct {
	name       string
	spec       spec.Source
	join       string // "" = direct
	identifier string // of the source, by which it is joined
	measures   []*measure
}

// measure is one metric on its way to a column.
type measure struct {
	name   string
	metric spec.Metric
	opens  time.Duration
	closes time.Duration // 0 = open
	limit  time.Time     // facts at or after it do not count
	latest time.Time     // units exposed after it do not count; zero = all count

	closed string // column of the summary
	class  int64
	prefix string
}

// sources collects the metrics of the experiment, each once, by fact source.
func (r *renderer) sources() ([]*source, error) {
	byName := map[string]*source{}
	var list []*source
	seen := map[string]bool{}
	for _, use := range slices.Concat(r.e.Guardrails, r.e.Goals, r.e.Secondary) {
		if seen[use.Metric] {
			continue
		}
		seen[use.Metric] = true
		m, ok := r.p.Config.Metrics[use.Metric]
		if !ok {
			return nil, fmt.Errorf("metric %q is not declared", use.Metric)
		}
		src := byName[m.Source]
		if src == nil {
			join, identifier := r.p.JoinFor(r.e, m.Source)
			src = &source{name: m.Source, spec: r.p.Config.Facts[m.Source], join: join, identifier: identifier}
			byName[m.Source] = src
			list = append(list, src)
		}
		src.measures = append(src.measures, r.measure(use.Metric, m))
	}
	slices.SortFunc(list, func(a, b *source) int { return cmp.Compare(a.name, b.name) })
	return list, nil
}

func (r *renderer) measure(name string, m spec.Metric) *measure {
	out := &measure{name: name, metric: m, opens: m.Delay.Duration, limit: r.look.AsOf, class: ClassAll}
	if end := r.e.End(); !m.PastEnd && end.Before(out.limit) {
		out.limit = end
	}
	if m.Window.Duration > 0 {
		out.closes = out.opens + m.Window.Duration
	}
	if m.CompleteOnly {
		out.latest = r.look.AsOf.Add(-out.closes)
	}
	return out
}

// column is a per-unit aggregate (SUM or AVG) of an input expression.
type column struct{ Name, Expression string }

// output is a column of the result.
type output struct {
	Name, Expression string
	Whole            bool
}

// class is a set of facts that no other class shares.
type class struct {
	Literal string
	Number  int64
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

// discriminator finds the column by which the measures can be told apart: the
// one that most of them compare with a literal. Facts are then counted in one
// row per unit and literal, so that a unit costs only the cells it has.
func discriminator(measures []*measure) string {
	literals := map[string]map[string]bool{}
	for _, m := range measures {
		if match := equality.FindStringSubmatch(m.metric.Where); match != nil && m.metric.Kind != "ratio" {
			if literals[match[1]] == nil {
				literals[match[1]] = map[string]bool{}
			}
			literals[match[1]][strings.ToLower(match[2])] = true
		}
	}
	best := ""
	for name, set := range literals {
		if len(set) < 2 {
			continue
		}
		if best == "" || len(set) > len(literals[best]) || len(set) == len(literals[best]) && name < best {
			best = name
		}
	}
	return best
}

// factsBuilder assembles the columns of one facts statement.
type factsBuilder struct {
	d        Dialect
	shared   shared
	column   string   // discriminator, as the user wrote it
	literals []string // by class number

	inputs     []column
	aggregates []column
	outputs    []output
	byInput    map[string]string // expression and aggregate -> prefix
	slots      map[int64]int     // columns used by each class
	cases      []map[int64]string
}

func (r *renderer) facts(src *source) Facts {
	b := &factsBuilder{d: r.d, shared: share(src.measures), byInput: map[string]string{}, slots: map[int64]int{}}
	b.column = discriminator(src.measures)
	for _, m := range src.measures {
		b.classify(m)
	}
	for _, m := range src.measures {
		b.add(m)
	}
	b.finishCases()
	data := r.factsData(src, b)
	f := Facts{
		Source:    src.name,
		Statement: r.statement("facts of "+src.name, "facts.sql", "moments of all metrics of "+src.name, data),
		Alignment: r.statement("alignment of "+src.name, "alignment.sql",
			"whether the identifiers of "+src.name+" meet the exposed units", r.alignmentData(src)),
		Shapes: r.statement("shapes of "+src.name, "shapes.sql",
			"what the identifiers of "+src.name+" look like", r.alignmentData(src)),
	}
	for _, m := range src.measures {
		f.Measures = append(f.Measures, Measure{
			Metric: m.name, Kind: m.metric.Kind, Class: m.class, Prefix: m.prefix,
			Closed: m.closed, CompleteOnly: m.metric.CompleteOnly, Zeros: m.metric.Kind != "mean",
		})
	}
	return f
}

// classify gives a measure its class: that of its literal, or all facts.
func (b *factsBuilder) classify(m *measure) {
	match := equality.FindStringSubmatch(m.metric.Where)
	if b.column == "" || match == nil || match[1] != b.column || m.metric.Kind == "ratio" {
		return
	}
	i := slices.IndexFunc(b.literals, func(l string) bool { return strings.EqualFold(l, match[2]) })
	switch {
	case i < 0:
		b.literals = append(b.literals, match[2])
		m.class = int64(len(b.literals) - 1)
	case b.literals[i] == match[2]:
		m.class = int64(i)
	}
	// A literal that differs only by case may be equal under a collation: such a
	// measure keeps its own condition and looks at all facts.
}

// condition is what a fact must meet for measure m beyond what is shared.
func (b *factsBuilder) condition(m *measure, wheres ...string) string {
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
func (b *factsBuilder) where(m *measure) string {
	if m.class != ClassAll || b.shared.where != "" {
		return ""
	}
	return m.metric.Where
}

// input is the expression whose aggregate is the measure.
func (b *factsBuilder) input(value, condition string) string {
	if value == "" {
		value = "1e0"
	} else {
		value = fmt.Sprintf("CAST(%s AS %s)", value, b.d.Float)
	}
	if condition == "" {
		return value
	}
	return fmt.Sprintf("CASE WHEN %s THEN %s END", condition, value)
}

// add gives a measure its columns.
func (b *factsBuilder) add(m *measure) {
	own := b.where(m)
	if m.metric.Kind == "ratio" {
		num := b.sum(b.input(m.metric.Numerator.Value, b.condition(m, own, m.metric.Numerator.Where)))
		den := b.sum(b.input(m.metric.Denominator.Value, b.condition(m, own, m.metric.Denominator.Where)))
		m.prefix = b.pair(num, den)
		return
	}
	aggregate := "SUM"
	if m.metric.Kind == "mean" {
		aggregate = "AVG"
	}
	value := m.metric.Value
	if m.metric.Kind == "proportion" || m.metric.Kind == "count" {
		value = ""
	}
	expression := b.input(value, b.condition(m, own))
	if m.class == ClassAll {
		m.prefix = b.single(aggregate, expression)
		return
	}
	m.prefix = b.classSlot(m.class, aggregate, expression)
}

// slot adds an input and its aggregate under a name, once.
func (b *factsBuilder) slot(name, aggregate, expression string) {
	b.inputs = append(b.inputs, column{"in_" + name, expression})
	b.aggregates = append(b.aggregates, column{name, fmt.Sprintf("%s(in_%s)", aggregate, name)})
}

// single is a column over all facts of the unit; equal ones are shared.
func (b *factsBuilder) single(aggregate, expression string) string {
	key := aggregate + " " + expression
	if name, ok := b.byInput[key]; ok {
		return name
	}
	name := fmt.Sprintf("m%d", len(b.aggregates))
	b.byInput[key] = name
	b.slot(name, aggregate, expression)
	b.moments(name)
	return name
}

func (b *factsBuilder) moments(name string) {
	b.outputs = append(b.outputs,
		output{name + "_n", "COUNT(" + name + ")", true},
		output{name + "_any", "COUNT(CASE WHEN " + name + " <> 0 THEN 1 END)", true},
		output{name + "_mean", "AVG(" + name + ")", false},
		output{name + "_var", "VAR_SAMP(" + name + ")", false})
}

// sum is a column of which a ratio is made.
func (b *factsBuilder) sum(expression string) string {
	key := "part " + expression
	if name, ok := b.byInput[key]; ok {
		return name
	}
	name := fmt.Sprintf("m%d", len(b.aggregates))
	b.byInput[key] = name
	b.slot(name, "SUM", expression)
	return name
}

// pair adds the moments of a ratio, over all units with any fact.
func (b *factsBuilder) pair(num, den string) string {
	name := num + "_" + den
	if b.byInput["pair "+name] != "" {
		return name
	}
	b.byInput["pair "+name] = name
	y, x := "COALESCE("+num+", 0)", "COALESCE("+den+", 0)"
	b.outputs = append(b.outputs,
		output{name + "_n", "COUNT(*)", true},
		output{name + "_any", "COUNT(CASE WHEN " + num + " <> 0 THEN 1 END)", true},
		output{name + "_mean", "AVG(" + y + ")", false},
		output{name + "_var", "VAR_SAMP(" + y + ")", false},
		output{name + "_den_mean", "AVG(" + x + ")", false},
		output{name + "_den_var", "VAR_SAMP(" + x + ")", false},
		output{name + "_co", "COVAR_SAMP(" + y + ", " + x + ")", false})
	return name
}

// classSlot puts an expression into the first column of its aggregate that the
// class does not use yet, so that fifty classes of one metric need one column.
func (b *factsBuilder) classSlot(class int64, aggregate, expression string) string {
	for i := 0; ; i++ {
		if i == len(b.cases) {
			b.cases = append(b.cases, map[int64]string{})
		}
		name := fmt.Sprintf("c%d_%s", i, strings.ToLower(aggregate))
		key := aggregate + " " + expression
		if got, used := b.cases[i][class]; used && got != key {
			continue
		}
		b.cases[i][class] = key
		return name
	}
}

// finishCases writes the shared columns of the classes.
func (b *factsBuilder) finishCases() {
	for i, byClass := range b.cases {
		for _, aggregate := range []string{"SUM", "AVG"} {
			expression := b.caseExpression(byClass, aggregate)
			if expression == "" {
				continue
			}
			name := fmt.Sprintf("c%d_%s", i, strings.ToLower(aggregate))
			b.slot(name, aggregate, expression)
			b.moments(name)
		}
	}
}

// caseExpression picks each class's expression; where all agree no CASE is
// needed, since facts of no class are dropped by their class.
func (b *factsBuilder) caseExpression(byClass map[int64]string, aggregate string) string {
	var arms, distinct []string
	for class := range int64(len(b.literals)) {
		expression, ok := strings.CutPrefix(byClass[class], aggregate+" ")
		if !ok {
			continue
		}
		arms = append(arms, fmt.Sprintf("WHEN %s THEN %s", b.d.text(b.literals[class]), expression))
		if !slices.Contains(distinct, expression) {
			distinct = append(distinct, expression)
		}
	}
	switch {
	case len(arms) == 0:
		return ""
	case len(distinct) == 1 && len(arms) == len(b.literals):
		return distinct[0]
	default:
		return fmt.Sprintf("CASE %s %s END", b.columnRef(), strings.Join(arms, " "))
	}
}

func (b *factsBuilder) columnRef() string { return "f." + b.column }

// filter is the condition that a fact must meet to count for any measure; ""
// where some measure takes all facts.
func (b *factsBuilder) filter(measures []*measure) string {
	var parts []string
	if len(b.literals) > 0 {
		quoted := make([]string, len(b.literals))
		for i, l := range b.literals {
			quoted[i] = b.d.text(l)
		}
		parts = append(parts, fmt.Sprintf("%s IN (%s)", b.columnRef(), strings.Join(quoted, ", ")))
	}
	for _, m := range measures {
		if m.class != ClassAll {
			continue
		}
		if m.metric.Where == "" {
			return ""
		}
		if part := "(" + m.metric.Where + ")"; !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " OR ")
}

func (r *renderer) factsData(src *source, b *factsBuilder) map[string]any {
	names := make([]string, len(src.measures))
	for i, m := range src.measures {
		names[i] = m.name
	}
	classes := make([]class, len(b.literals))
	for i, l := range b.literals {
		classes[i] = class{r.d.text(l), int64(i)}
	}
	data := r.sourceData(src)
	data["Names"] = strings.Join(names, ", ")
	data["At"] = r.d.micros("s."+r.d.ident("timestamp"), src.spec.Timezone)
	data["Timestamp"] = r.d.ident("timestamp")
	data["Key"] = ""
	if src.spec.Key != "" {
		data["Key"] = r.d.ident(src.spec.Key)
	}
	data["Opens"] = plus(b.shared.opens)
	data["Closes"] = plus(b.shared.closes)
	data["Limit"] = moment(b.shared.limit)
	data["Latest"] = ""
	if !b.shared.latest.IsZero() {
		data["Latest"] = moment(b.shared.latest)
	}
	data["Filter"] = b.filter(src.measures)
	data["Classes"] = classes
	data["ClassColumn"] = b.columnRef()
	data["Inputs"] = b.inputs
	data["Aggregates"] = b.aggregates
	data["Outputs"] = b.outputs
	return data
}

// sourceData is what every statement over a fact source needs.
func (r *renderer) sourceData(src *source) map[string]any {
	earliest := r.e.Start.Time
	for _, m := range src.measures {
		if at := r.e.Start.Add(m.opens); at.Before(earliest) {
			earliest = at
		}
	}
	data := map[string]any{
		"Source":  src.name,
		"SQL":     r.userSQL(src.spec.SQL, earliest, r.look.AsOf),
		"FactKey": r.d.key("f."+r.d.ident(src.identifier), r.p.Config.Identifiers[src.identifier].Type),
		"Link":    "",
	}
	if src.join != "" {
		data["Link"] = linkTable(src.join)
	}
	return data
}

func (r *renderer) alignmentData(src *source) map[string]any {
	data := r.sourceData(src)
	data["At"] = r.d.micros("f."+r.d.ident("timestamp"), src.spec.Timezone)
	data["AsOf"] = moment(r.look.AsOf)
	id := data["FactKey"].(string)
	if src.join != "" {
		id = "COALESCE(CAST(l.assay_to AS " + r.d.Text + "), CAST(" + id + " AS " + r.d.Text + "))"
	} else {
		id = "CAST(" + id + " AS " + r.d.Text + ")"
	}
	data["ID"] = id
	return data
}

// plus writes the addition of a duration in microseconds; "" for zero.
func plus(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf(" + %d /* %s */", d.Microseconds(), d)
}
