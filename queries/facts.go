package queries

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/spec"
)

var (
	// equality is a condition that is nothing but column = 'literal'.
	equality = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*'([^'\\]*)'\s*$`)
	// manyFaced are literals that a column which is not text may take for the
	// same value as another one: '1' and '1.0', 't' and 'true'.
	manyFaced = regexp.MustCompile(`(?i)^(?:[0-9+\-.,:tze\s]*|t|f|true|false|y|n|yes|no|on|off|[+-]?inf(?:inity)?|nan|epoch)$`)
)

// source is a fact source with the measures that one look takes from it.
type source struct {
	name       string
	spec       spec.Source
	join       string // "" = direct
	identifier string // of the source, by which it is joined
	measures   []*measure
	table      string // that keeps what its facts come to for each unit; "" = none
}

// measure is one metric on its way to its columns.
type measure struct {
	name   string
	metric spec.Metric
	where  string // what a fact has to meet: where and rule together
	rule   string // the rule alone
	parts  []part
	opens  time.Duration
	closes time.Duration // 0 = open
	pre    time.Duration // length of the covariate's span; 0 = none
	limit  time.Time     // facts at or after it do not count
	since  time.Time     // facts before it do not count; zero = all do
	latest time.Time     // units exposed after it do not count; zero = all count

	across *across // the ratio of which it is one part; nil = it is whole
	first  string  // column of the unit's first exposure
	closed string  // column of the summary
	class  int64
	prefix string
	capped []string // columns of the result with the values of percentile caps
	cube   bool     // the third moment is wanted
}

// part is what a unit's facts are put together to; a ratio has two.
type part struct {
	of    aggregate
	value string // "" counts facts
	where string // beside the measure's own
	cap   *spec.Cap
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
		names := m.Sources()
		for _, name := range names {
			if byName[name] == nil {
				byName[name] = r.source(name)
				list = append(list, byName[name])
			}
		}
		whole := r.measure(use.Metric, m.For(r.e))
		if len(names) == 1 {
			byName[names[0]].measures = append(byName[names[0]].measures, whole)
			continue
		}
		r.split(whole, byName[names[0]], byName[names[1]])
	}
	slices.SortFunc(list, func(a, b *source) int { return cmp.Compare(a.name, b.name) })
	return list, nil
}

// source is a fact source without measures.
func (r *renderer) source(name string) *source {
	join, identifier := r.p.JoinFor(r.e, name)
	return &source{name: name, spec: r.p.Config.Facts[name], join: join, identifier: identifier}
}

func (r *renderer) measure(name string, m spec.Metric) *measure {
	out := &measure{
		name: name, metric: m, rule: r.d.rule(m.Rule), parts: partsOf(r.d, m),
		opens: m.Delay.Duration, pre: m.Covariate.Duration, limit: r.look.AsOf, class: ClassAll,
		first: "u." + r.firstExposure(),
	}
	out.where = allOf(m.Where, out.rule)
	if end := r.e.End(); !m.PastEnd && end.Before(out.limit) {
		out.limit = end
	}
	if m.Window.Duration > 0 {
		out.closes = out.opens + m.Window.Duration
	}
	if m.Lookback.Duration > 0 {
		out.since = out.limit.Add(-m.Lookback.Duration)
	}
	switch m.Kind {
	case "count", "sum", "mean", "max", "distinct":
		out.cube = r.look.Skewed && !out.log()
	}
	if out.completeOnly() {
		out.latest = out.limit.Add(-out.closes)
	}
	return out
}

// partsOf says what a kind puts together.
func partsOf(d Dialect, m spec.Metric) []part {
	whole := func(of aggregate) []part { return []part{{of: of, value: m.Value, cap: m.Cap}} }
	switch m.Kind {
	case "mean":
		return whole(average)
	case "max":
		return whole(greatest)
	case "distinct":
		return whole(distinct)
	case "daily_participation":
		return []part{{of: activeDays}, {of: daySpan}}
	case "quantile":
		if m.Of == "event" {
			return nil
		}
		return whole(aggregates[m.PerUnit])
	case "ratio":
		return []part{ratioPart(d, m.Numerator), ratioPart(d, m.Denominator)}
	case "proportion", "retention":
		if m.Total != nil {
			return []part{{of: aggregates[m.Total.Of], value: m.Total.Value}}
		}
	}
	return whole(sum)
}

// ratioPart is a part of a ratio; one that is not given counts facts.
func ratioPart(d Dialect, p *spec.Part) part {
	if p == nil {
		return part{of: sum}
	}
	return part{of: sum, value: p.Value, where: allOf(p.Where, d.rule(p.Rule)), cap: p.Cap}
}

// completeOnly tells whether units whose window is open are left out; a window
// without an end never closes and leaves out nobody.
func (m *measure) completeOnly() bool { return m.metric.CompleteOnly && m.closes > 0 }

func (m *measure) log() bool { return m.metric.Scale == spec.ScaleLog }

// share tells whether a unit counts or does not: only that is asked of it.
func (m *measure) share() bool { return m.metric.Kind == "proportion" || m.metric.Kind == "retention" }

// zeros tells whether units without a fact are zeros.
func (m *measure) zeros() bool {
	switch m.metric.Kind {
	case "mean", "max", "quantile":
		return false
	default:
		return !m.log()
	}
}

// before is where the covariate's span ends, from first exposure: there, or
// where the window opens if that is earlier, so that they do not overlap.
func (m *measure) before() time.Duration { return min(0, m.opens) }

// discriminator finds the column by which the measures can be told apart: the
// one that most of them compare with a literal; "" where no two differ. Facts
// are then summed in one row per unit and literal, so that a unit costs only
// the cells it has.
func discriminator(measures []*measure) string {
	literals := map[string]map[string]bool{}
	for _, m := range measures {
		if column, literal := m.discriminates(); column != "" {
			if literals[column] == nil {
				literals[column] = map[string]bool{}
			}
			literals[column][strings.ToLower(literal)] = true
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

// discriminates gives the column and the literal of a measure's condition where
// it is nothing but their equality; "" where it is not. The parts of a ratio
// have to stay in one row.
func (m *measure) discriminates() (column, literal string) {
	match := equality.FindStringSubmatch(m.metric.Where)
	if match == nil || len(m.parts) != 1 || m.across != nil || manyFaced.MatchString(match[2]) {
		return "", ""
	}
	return match[1], match[2]
}

// facts renders the statements over one fact source.
func (r *renderer) facts(s *Script, src *source) Facts {
	var b *builder
	whole := ""
	if r.keeps() {
		whole = r.unkept(src)
	}
	kept := r.keeps() && whole == ""
	if kept {
		b = newKeeper(r.d, src.measures, r.e.End())
	} else {
		b = newBuilder(r.d, src.measures, r.e.DaysSinceExposure)
	}
	data := r.factsData(src, b)
	r.expressions = expressionsOf(src.measures)
	defer func() { r.expressions = nil }()
	f := Facts{
		Source: src.name, Metrics: names(src.measures), Whole: whole, Days: b.days,
		Alignment: r.statement("alignment of "+src.name, "alignment.sql",
			"whether the identifiers of "+src.name+" meet the exposed units", r.alignmentData(src, "assay_units")),
		Shapes: r.statement("shapes of "+src.name, "shapes.sql",
			"what the identifiers of "+src.name+" look like", r.shapesData(src, "assay_units")),
	}
	switch {
	case kept:
		r.recentFacts(s, src, b, data, &f)
	case src.table == "":
		f.Statement = r.statement("facts of "+src.name, "facts.sql", "moments of all metrics of "+src.name, data)
	default:
		keep := r.statement("units of "+src.name, "facts.sql", "what the facts of "+src.name+" come to for each unit", data)
		f.Keep = &keep
		f.Statement = r.statement("facts of "+src.name, "kept.sql", "moments of all metrics of "+src.name, data)
	}
	for _, m := range src.measures {
		if m.across == nil {
			f.Measures = append(f.Measures, m.result(r.e.DaysSinceExposure))
		}
	}
	return f
}

// result says where the numbers of a measure are; days is how many days since
// exposure are asked for.
func (m *measure) result(days int) Measure {
	from, until := m.byDay(days)
	return Measure{
		DayFrom: from, DayUntil: until,
		Metric: m.name, Kind: m.metric.Kind, Class: m.class, Prefix: m.prefix, Caps: m.capped,
		Closed: m.closed, CompleteOnly: m.completeOnly(), Zeros: m.zeros(), Log: m.log(), Cube: m.cube,
		Covariate: m.pre > 0, Quantile: m.metric.Quantile, Events: m.metric.Of == "event",
		Sliced: m.metric.Kind != "quantile" && len(m.metric.Sources()) == 1,
	}
}

func (r *renderer) factsData(src *source, b *builder) map[string]any {
	data := r.sourceData(src)
	data["Names"] = strings.Join(names(src.measures), ", ")
	data["Key"], data["Ties"] = "", ""
	if src.spec.Key != "" {
		data["Key"] = "f." + r.d.ident(src.spec.Key)
		data["Ties"] = ties(data["FactKey"].(string), src.measures)
	}
	data["Opens"], data["Closes"] = b.shared.lower(), plus(b.shared.closes)
	data["Since"], data["Limit"], data["Latest"] = atOrNone(b.shared.since), moment(b.shared.limit), atOrNone(b.shared.latest)
	data["Filter"] = b.filter(src.measures)
	data["Classes"], data["Unclassed"] = b.classes, b.unclassed
	data["ClassColumn"] = b.columnRef()
	data["Inputs"], data["Aggregates"], data["Outputs"] = b.inputs, b.aggregates, b.outputs
	data["Newest"] = b.newest
	data["Slices"] = r.slices()
	data["Keep"], data["Create"] = src.table, r.create(src.table)
	if data["Days"] = b.days; b.days {
		maps.Copy(data, r.daysData())
	}
	data["From"] = "cells"
	switch {
	case src.table != "":
		data["From"] = src.table
	case len(b.ranks) > 0:
		data["From"] = "placed"
	}
	data["Lost"] = b.lost()
	data["FactRanks"], data["FactPositions"], data["Places"] = b.factRanks, b.factPositions, b.places
	data["Ranks"], data["Beside"] = b.ranks, slices.Concat(b.positions, b.caps)
	data["Logs"] = slices.ContainsFunc(src.measures, (*measure).log)
	data["Cubes"] = slices.ContainsFunc(src.measures, func(m *measure) bool { return m.cube })
	data["Covariates"] = slices.ContainsFunc(src.measures, func(m *measure) bool { return m.pre > 0 })
	data["Caps"] = len(b.caps) > 0
	data["Quantiles"] = slices.ContainsFunc(src.measures, func(m *measure) bool { return m.metric.Kind == "quantile" })
	return data
}

// atOrNone is an instant, "" for the zero one.
func atOrNone(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return moment(t)
}

// alignmentData has the widest window, so that a source whose rows all fall
// outside of it is told from one without events.
func (r *renderer) alignmentData(src *source, units string) map[string]any {
	data, s := r.shapesData(src, units), share(src.measures)
	data["Opens"], data["Closes"], data["Limit"] = plus(s.opens), plus(s.closes), moment(s.limit)
	return data
}

// shapesData is a source beside a table of units.
func (r *renderer) shapesData(src *source, units string) map[string]any {
	data := r.sourceData(src)
	data["Units"] = units
	return data
}

// sourceData is what every statement over a fact source needs.
func (r *renderer) sourceData(src *source) map[string]any {
	return map[string]any{
		"Source":  src.name,
		"SQL":     r.sourceSQL(src, r.e.Start.Add(min(0, share(src.measures).earliest()))),
		"FactKey": r.d.key("f."+r.d.ident(src.identifier), r.p.Config.Identifiers[src.identifier].Type),
		"At":      r.d.micros("f."+r.d.ident("timestamp"), src.spec.Timezone),
		"AsOf":    moment(r.look.AsOf),
		"Link":    r.tables[src.join],
		"Join":    src.join,
	}
}

// sourceSQL is the query of a source, of facts since an instant.
func (r *renderer) sourceSQL(src *source, since time.Time) *userText {
	return r.userSQL(Source{"facts", src.name}, src.spec.SQL, span{start: since, end: r.look.AsOf, zone: src.spec.Timezone})
}

func names(measures []*measure) []string {
	out := make([]string, len(measures))
	for i, m := range measures {
		out[i] = m.name
	}
	return out
}

// ties lists what else orders repeats of one instant: all that the measures see
// of a fact, so that which of them stands never shows.
func ties(key string, measures []*measure) string {
	list := []string{key}
	add := func(expression string) {
		if expression != "" && !slices.Contains(list, expression) {
			list = append(list, expression)
		}
	}
	for _, m := range measures {
		add(guarded("1", m.where))
		add(guarded(m.metric.Value, m.where))
		for _, p := range m.parts {
			add(guarded("1", m.where, p.where))
			add(guarded(p.value, m.where, p.where))
		}
	}
	return strings.Join(list, ",\n        ")
}

// guarded is a value that is only computed where it counts; "" where the value
// is constant or missing.
func guarded(value string, wheres ...string) string {
	condition := allOf(wheres...)
	switch {
	case value == "" || condition == "" && isNumber.MatchString(value):
		return ""
	case condition == "":
		return "(" + value + ")"
	default:
		return fmt.Sprintf("CASE WHEN %s THEN %s END", condition, value)
	}
}

// allOf joins conditions of which some may be empty; one alone stays as it is.
func allOf(conditions ...string) string {
	parts := slices.DeleteFunc(slices.Clone(conditions), func(c string) bool { return c == "" })
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return "(" + strings.Join(parts, ") AND (") + ")"
}

// isNumber is an expression by which nothing can be ordered.
var isNumber = regexp.MustCompile(`^\s*[0-9.]+\s*$`)

// plus writes the addition of a duration in microseconds; "" for zero.
func plus(d time.Duration) string {
	if d == 0 {
		return ""
	}
	if d < 0 {
		return fmt.Sprintf(" - %d /* %s */", -d.Microseconds(), spec.Duration{Duration: -d})
	}
	return fmt.Sprintf(" + %d /* %s */", d.Microseconds(), spec.Duration{Duration: d})
}
