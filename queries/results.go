package queries

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"assay/spec"
)

// results adds the outputs of a measure: the moments over units of what its
// columns come to. befores are the columns of the covariate, "" without one.
func (b *builder) results(m *measure, columns, befores []string) {
	switch {
	case m.across != nil:
		m.across.take(b, m, columns[0], befores[0])
	case m.metric.Kind == "quantile":
		m.prefix = b.quantile(columns[0], m.metric.Quantile)
	case m.metric.Kind == "daily_participation":
		m.prefix = b.moments(m, b.term(columns[0], columns[0]+" / "+columns[1]))
	case len(columns) == 2:
		b.ratio(m, columns, befores)
	case m.share() && (m.metric.Total != nil || m.pre > 0):
		m.prefix = b.meets(m, columns[0], befores[0])
	case m.pre > 0:
		y, x := b.capped(m, m.parts[0].cap, columns[0]), b.capped(m, m.parts[0].cap, befores[0])
		b.tellCap(m, m.parts[0].cap, columns[0])
		m.prefix = b.adjusted(m, y, x)
	default:
		m.prefix = b.moments(m, b.capped(m, m.parts[0].cap, columns[0]))
		b.tellCap(m, m.parts[0].cap, columns[0])
	}
}

// term is what a unit's value is: an expression over columns of a unit, with a
// name for what is made of it.
type term struct{ name, value string }

// term names an expression: after its column where it is nothing more.
func (b *builder) term(column, value string) term {
	if value == column {
		return term{column, column}
	}
	name, ok := b.terms[value]
	if !ok {
		name = fmt.Sprintf("%s_v%d", column, len(b.terms))
		b.terms[value] = name
	}
	return term{name, value}
}

// number writes a number of the spec as a literal of a float.
func (b *builder) number(x float64) string {
	return cast("'"+strconv.FormatFloat(x, 'g', -1, 64)+"'", b.d.Float)
}

// meets is the share of units whose total meets the measure's condition, or
// that have a fact at all. A covariate is the same condition before exposure.
func (b *builder) meets(m *measure, column, before string) string {
	y := b.met(m, column)
	if m.pre > 0 {
		return b.adjusted(m, y, b.met(m, before))
	}
	return b.moments(m, y)
}

// met is 1 where a total meets the measure's condition, and NULL elsewhere.
func (b *builder) met(m *measure, column string) term {
	condition := column + " > 0"
	if t := m.metric.Total; t != nil && t.Over != nil {
		condition = column + " > " + b.number(*t.Over)
	} else if t != nil {
		condition = column + " >= " + b.number(*t.AtLeast)
	}
	return b.term(column, "CASE WHEN "+condition+" THEN "+cast("1", b.d.Float)+" END")
}

// capped is a column that is at most the cap.
func (b *builder) capped(m *measure, c *spec.Cap, column string) term {
	switch {
	case c == nil:
		return term{column, column}
	case c.At != nil:
		at := b.number(*c.At)
		return b.term(column, fmt.Sprintf("CASE WHEN %[1]s > %[2]s THEN %[2]s ELSE %[1]s END", column, at))
	}
	at := b.pooled(m, c.Percentile, column)
	// A percentile that falls among the zeros caps nothing: it would leave nothing.
	return b.term(column, fmt.Sprintf("CASE WHEN %[2]s > 0 AND %[1]s > %[2]s THEN %[2]s ELSE %[1]s END", column, at))
}

// pooled adds the column of a percentile of all units that count together, and
// the outputs that tell it. It is the value of rank p N, rounded up, of all N units in order
// (the inverse of their distribution function): those without a fact are
// zeros, which stand between the negative and the positive values.
func (b *builder) pooled(m *measure, p float64, of string) string {
	units := ""
	if m.zeros() {
		units = "(SELECT COUNT(*) FROM assay_units AS u WHERE " + and("u.assay_stratum >= 0", b.late(m)) + ")"
	}
	key := fmt.Sprintf("cap %s %g %s", of, p, units)
	name, ok := b.slots[key]
	if !ok {
		name = fmt.Sprintf("%s_cap%d", of, len(b.caps))
		b.slots[key] = name
		b.addCap(name, p, of, units)
	}
	return name
}

// tellCap adds the output of a value's percentile cap. That of its covariate, a
// percentile of its own, is not told.
func (b *builder) tellCap(m *measure, c *spec.Cap, of string) {
	if c == nil || c.At != nil {
		return
	}
	name := b.pooled(m, c.Percentile, of)
	m.capped = append(m.capped, name)
	b.output(name, "MAX("+name+")")
}

// addCap ranks the units that have a value, and finds the one at the percentile.
func (b *builder) addCap(name string, p float64, of, units string) {
	over := "OVER (" + b.partition("") + ")"
	b.rank(of+"_rank", fmt.Sprintf("ROW_NUMBER() OVER (%sORDER BY %s NULLS LAST)", spaced(b.partition("")), of))
	b.rank(of+"_some", fmt.Sprintf("COUNT(%s) %s", of, over))
	b.rank(of+"_below", fmt.Sprintf("COUNT(CASE WHEN %s < 0 THEN 1 END) %s", of, over))
	all := of + "_some"
	if units != "" {
		all = b.counted(units)
	}
	at := fmt.Sprintf("CEIL(%s * %s - %s)", b.number(p), all, b.number(1e-9))
	// MAX finds nothing where the rank is that of a zero.
	b.caps = append(b.caps, column{Name: name, Expression: fmt.Sprintf(
		"MAX(CASE WHEN %[1]s_rank = CASE WHEN %[1]s_rank <= %[1]s_below THEN %[2]s ELSE %[2]s - %[3]s + %[1]s_some END THEN %[1]s END) %[4]s",
		of, at, all, over)})
}

// counted is the column with the number of all units that count, once for each
// way to count them.
func (b *builder) counted(units string) string {
	i := slices.IndexFunc(b.ranks, func(c column) bool { return c.Expression == units })
	if i < 0 {
		i = len(b.ranks)
		b.ranks = append(b.ranks, column{Name: fmt.Sprintf("assay_all_%d", i), Expression: units})
	}
	return b.ranks[i].Name
}

// late leaves out units whose window is open.
func (b *builder) late(m *measure) string {
	if m.latest.IsZero() {
		return ""
	}
	return "u.assay_anchor <= " + moment(m.latest)
}

// partition is a window over units of one class, and one stratum where asked.
func (b *builder) partition(stratum string) string {
	var by []string
	if stratum != "" {
		by = append(by, stratum)
	}
	if len(b.classes) > 0 {
		by = append(by, "assay_group")
	}
	if b.days {
		by = append(by, "assay_on")
	}
	if len(by) == 0 {
		return ""
	}
	return "PARTITION BY " + strings.Join(by, ", ")
}

// spaced is a clause with the space to the next one.
func spaced(clause string) string {
	if clause == "" {
		return ""
	}
	return clause + " "
}

// rank adds a column over the cells, once.
func (b *builder) rank(name, expression string) {
	if !slices.ContainsFunc(b.ranks, func(c column) bool { return c.Name == name }) {
		b.ranks = append(b.ranks, column{Name: name, Expression: expression})
	}
}

// moments adds the outputs of a value.
func (b *builder) moments(m *measure, y term) (prefix string) {
	if m.log() {
		return b.logMoments(y)
	}
	b.output(y.name+"_n", "COUNT("+y.value+")")
	b.some(y, y.value)
	b.output(y.name+"_mean", "AVG("+y.value+")")
	b.output(y.name+"_var", "VAR_SAMP("+y.value+")")
	if m.cube {
		b.cube(y.name, y.value)
	}
	return y.name
}

// some counts the units whose value is not zero.
func (b *builder) some(y term, value string) {
	b.output(y.name+"_any", "COUNT(CASE WHEN "+value+" <> 0 THEN 1 END)")
}

func (b *builder) cube(prefix, value string) {
	b.output(prefix+"_cube", fmt.Sprintf("AVG(%[1]s * %[1]s * %[1]s)", factor(value)))
}

// logMoments adds the outputs of a value's logarithm, and the units that have
// a value and no logarithm.
func (b *builder) logMoments(y term) (prefix string) {
	log := b.ln(y)
	prefix = y.name + "_log"
	b.output(prefix+"_n", "COUNT(CASE WHEN "+y.value+" > 0 THEN 1 END)")
	b.off(prefix, y)
	b.output(prefix+"_mean", "AVG("+log+")")
	b.output(prefix+"_var", "VAR_SAMP("+log+")")
	return prefix
}

func (b *builder) ln(y term) string {
	return "CASE WHEN " + y.value + " > 0 THEN LN(" + y.value + ") END"
}

func (b *builder) off(prefix string, y term) {
	b.output(prefix+"_off", "COUNT(CASE WHEN "+y.value+" <= 0 THEN 1 END)")
}

// adjusted adds the moments of a value together with those of its covariate.
// Where units without a fact are zeros these are the units with a fact in
// either span, and the missing one is zero; elsewhere those with a value, whose
// covariate counts as zero where there is none: whatever it is, it was known
// before exposure.
func (b *builder) adjusted(m *measure, y, x term) (prefix string) {
	prefix = y.name + "_" + x.name
	value, pre := y.value, "CASE WHEN "+y.value+" IS NOT NULL THEN COALESCE("+x.value+", 0) END"
	switch {
	case m.log():
		prefix += "_log"
		value = b.ln(y)
		// ln(1+x) is zero where there is none.
		pre = fmt.Sprintf("CASE WHEN %s > 0 THEN CASE WHEN %[2]s > 0 THEN LN(1 + %[2]s) ELSE 0 END END", y.value, x.value)
		b.off(prefix, y)
	case m.zeros():
		value, pre = either(y.value, x.value), either(x.value, y.value)
	}
	b.output(prefix+"_n", "COUNT("+value+")")
	if !m.log() {
		b.output(prefix+"_any", "COUNT(CASE WHEN "+y.value+" <> 0 THEN 1 END)")
	}
	b.output(prefix+"_mean", "AVG("+value+")")
	b.output(prefix+"_var", "VAR_SAMP("+value+")")
	if m.cube {
		b.cube(prefix, value)
	}
	b.output(prefix+"_pre_mean", "AVG("+pre+")")
	b.output(prefix+"_pre_var", "VAR_SAMP("+pre+")")
	b.output(prefix+"_pre_value", "COVAR_SAMP("+pre+", "+value+")")
	return prefix
}

// factor is an expression that can be multiplied.
func factor(value string) string {
	if plainName.MatchString(value) {
		return value
	}
	return "(" + value + ")"
}

// either is a value that is zero where only others are there.
func either(value string, others ...string) string {
	zeros := make([]string, len(others))
	for i, o := range others {
		zeros[i] = "0 * " + factor(o)
	}
	return "COALESCE(" + value + ", " + strings.Join(zeros, ", ") + ")"
}

// ratio adds the outputs of a ratio over the units that have any part of it; a
// part that is missing is zero.
func (b *builder) ratio(m *measure, columns, befores []string) {
	var all [4]term
	for i, p := range m.parts {
		all[i] = b.capped(m, p.cap, columns[i])
		b.tellCap(m, p.cap, columns[i])
		if m.pre > 0 {
			all[2+i] = b.capped(m, p.cap, befores[i])
		}
	}
	m.prefix = b.quotient(all, m.pre > 0)
}

// quotient adds the outputs of numerator, denominator, and where there is a
// covariate of its numerator and denominator.
func (b *builder) quotient(all [4]term, covariate bool) (prefix string) {
	num, den, preNum, preDen := all[0], all[1], all[2], all[3]
	if !covariate {
		y, x := either(num.value, den.value), either(den.value, num.value)
		return b.pair(num.name+"_"+den.name, num.value, y, x)
	}
	value := func(i int) string {
		var others []string
		for k, t := range all {
			if k != i {
				others = append(others, t.value)
			}
		}
		return either(all[i].value, others...)
	}
	prefix = num.name + "_" + den.name + "_" + preNum.name + "_" + preDen.name
	b.pair(prefix, num.value, value(0), value(1))
	b.output(prefix+"_pre_mean", "AVG("+value(2)+")")
	b.output(prefix+"_pre_var", "VAR_SAMP("+value(2)+")")
	b.output(prefix+"_pre_den_mean", "AVG("+value(3)+")")
	b.output(prefix+"_pre_den_var", "VAR_SAMP("+value(3)+")")
	for _, co := range []struct {
		name string
		a, b int
	}{{"_pre_co", 2, 3}, {"_pre_value", 2, 0}, {"_pre_den", 2, 1}, {"_pre_of_value", 3, 0}, {"_pre_of_den", 3, 1}} {
		b.output(prefix+co.name, "COVAR_SAMP("+value(co.a)+", "+value(co.b)+")")
	}
	return prefix
}

// pair adds the moments of two values that units have together.
func (b *builder) pair(name, num, y, x string) string {
	b.output(name+"_n", "COUNT("+y+")")
	b.output(name+"_any", "COUNT(CASE WHEN "+num+" <> 0 THEN 1 END)")
	b.output(name+"_mean", "AVG("+y+")")
	b.output(name+"_var", "VAR_SAMP("+y+")")
	b.output(name+"_den_mean", "AVG("+x+")")
	b.output(name+"_den_var", "VAR_SAMP("+x+")")
	b.output(name+"_co", "COVAR_SAMP("+y+", "+x+")")
	return name
}
