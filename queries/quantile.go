package queries

import (
	"fmt"
	"math"
	"slices"
)

// endsZ is how many standard errors of a share the ends of a quantile are from
// it; stats reads the density of the values from their distance.
const endsZ = 1.959963984540054

// quantile adds the outputs of a quantile of units: where it is, and its ends.
// Units are ranked in their stratum; between two ranks the value is interpolated
// (type 7 of Hyndman & Fan 1996, which engines call PERCENTILE_CONT).
func (b *builder) quantile(of string, nu float64) (prefix string) {
	over := b.partition("assay_stratum")
	b.rank(of+"_place", fmt.Sprintf("ROW_NUMBER() OVER (%s ORDER BY %s NULLS LAST)", over, of))
	b.rank(of+"_of", fmt.Sprintf("COUNT(%s) OVER (%s)", of, over))
	prefix = b.quantilePrefix(of, nu)
	b.output(prefix+"_n", "COUNT("+of+")")
	for _, end := range b.ends(nu, of+"_of") {
		b.positions = append(b.positions, column{Name: prefix + end.Name + "_position", Expression: end.Expression})
		b.output(prefix+end.Name, interpolated(of, of+"_place", prefix+end.Name+"_position", ""))
	}
	return prefix
}

// quantilePrefix names the columns of a quantile: by its number, since not all
// digits of a share make a name.
func (b *builder) quantilePrefix(of string, nu float64) string {
	i := slices.Index(b.quantiles, nu)
	if i < 0 {
		i = len(b.quantiles)
		b.quantiles = append(b.quantiles, nu)
	}
	return fmt.Sprintf("%s_q%d", of, i)
}

// ends are the suffixes of a quantile's columns with their positions among n
// values that are ranked from 1.
func (b *builder) ends(nu float64, n string) []column {
	half := fmt.Sprintf("%s / SQRT(NULLIF(%s, 0))", b.number(endsZ*math.Sqrt(nu*(1-nu))), n)
	position := func(place string) string { return fmt.Sprintf("1 + %s * (%s - 1)", place, n) }
	return []column{
		{Name: "_at", Expression: position(b.number(nu))},
		{Name: "_lower", Expression: position(fmt.Sprintf("GREATEST(%s - %s, 0)", b.number(nu), half))},
		{Name: "_upper", Expression: position(fmt.Sprintf("LEAST(%s + %s, 1)", b.number(nu), half))},
	}
}

// interpolated is the value at a position, between the one or two ranks beside
// it; where these are tied it is their very value. over is the window that it is
// taken over, "" for all rows of a group.
func interpolated(value, rank, position, over string) string {
	beside := fmt.Sprintf("(CASE WHEN ABS(%s - %s) < 1 THEN %s END)%s", rank, position, value, over)
	part := fmt.Sprintf("MAX(%[1]s - FLOOR(%[1]s))%[2]s", position, over)
	return fmt.Sprintf("MIN%[1]s + %[2]s * (MAX%[1]s - MIN%[1]s)", beside, part)
}

// addEvents gives a quantile of events its columns: facts are ranked in their
// stratum before they are brought together, so that each unit can be asked how
// many of its facts lie at or below the quantile. Facts of one unit are no
// independent ones, and this is what tells by how much.
func (b *builder) addEvents(m *measure) {
	const over = " OVER (PARTITION BY assay_stratum)"
	in := input{value: cast(m.metric.Value, b.d.Float), condition: b.condition(m, b.where(m))}
	name := fmt.Sprintf("m%d", len(b.aggregates))
	raw := "in_" + name
	b.inputs = append(b.inputs, column{raw, in.String(), m.name})
	b.values = append(b.values, raw)
	usable, value := b.guard(raw), raw+"_value"
	b.factRanks = append(b.factRanks,
		column{Name: value, Expression: usable, Metrics: m.name},
		column{Name: raw + "_place", Expression: "ROW_NUMBER() OVER (PARTITION BY assay_stratum ORDER BY " + usable + " NULLS LAST)"},
		column{Name: raw + "_of", Expression: "COUNT(" + usable + ")" + over})
	prefix := b.quantilePrefix(name, m.metric.Quantile)
	for _, end := range b.ends(m.metric.Quantile, raw+"_of") {
		b.factPositions = append(b.factPositions, column{Name: raw + end.Name + "_position", Expression: end.Expression})
		b.places = append(b.places, column{Name: raw + end.Name, Expression: interpolated(value, raw+"_place", raw+end.Name+"_position", over)})
		b.aggregates = append(b.aggregates, column{name + end.Name, "MAX(" + raw + end.Name + ")", m.name})
		b.output(prefix+end.Name, "MAX("+name+end.Name+")")
	}
	events, below := name+"_events", name+"_below"
	count := fmt.Sprintf("NULLIF(COUNT(%s), 0)", value)
	b.aggregates = append(b.aggregates,
		column{events, cast(count, b.d.Float), m.name},
		column{below, cast(fmt.Sprintf("0 * %s + COUNT(CASE WHEN %s <= %s_at THEN 1 END)", count, value, raw), b.d.Float), m.name})
	m.prefix = b.pair(prefix, below, below, events)
}
