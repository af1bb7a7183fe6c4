package queries

import (
	"fmt"
	"slices"
	"strings"
)

// across is a ratio whose parts are of two sources: each source keeps what its
// facts come to for each unit in a table, and one more statement brings the two
// together. Each source is still scanned once.
type across struct {
	whole *measure
	sides [2]*side
}

// side is one part of the ratio.
type side struct {
	source      *source
	half        *measure
	value, past term
	cap         string // column of the table with a percentile cap; "" = none
	classed     bool   // the table has rows by class besides those over all facts
	dayed       bool   // and by day
}

// whole is the condition of the rows over all facts of a unit; "" where there are
// no others.
func (s *side) whole() string {
	classes, days := "", ""
	if s.classed {
		classes = "assay_group = -1"
	}
	if s.dayed {
		days = "assay_on = -1"
	}
	return and(classes, days)
}

// split gives a ratio's parts to their sources.
func (r *renderer) split(m *measure, above, below *source) {
	a := &across{whole: m}
	for i, src := range []*source{above, below} {
		if src.table == "" {
			r.kept++
			src.table = fmt.Sprintf("assay_cells_%d", r.kept)
		}
		half := *m
		half.parts, half.across = m.parts[i:i+1], a
		a.sides[i] = &side{source: src, half: &half}
		src.measures = append(src.measures, &half)
	}
	r.acrosses = append(r.acrosses, a)
}

// take notes what a part is called in the table of its source.
func (a *across) take(b *builder, half *measure, column, before string) {
	for _, s := range a.sides {
		if s.half != half {
			continue
		}
		s.classed, s.dayed = len(b.classes) > 0, b.days
		c := half.parts[0].cap
		s.value = b.capped(half, c, column)
		if c != nil && c.At == nil {
			s.cap = b.pooled(half, c.Percentile, column)
		}
		if half.pre > 0 {
			s.past = b.capped(half, c, before)
		}
	}
}

// ratios renders the statements that bring two sources together: one for each
// pair of them.
func (r *renderer) ratios() []Across {
	var out []Across
	for _, first := range r.acrosses {
		sources := [2]*source{first.sides[0].source, first.sides[1].source}
		if slices.ContainsFunc(out, func(a Across) bool { return a.Sources == [2]string{sources[0].name, sources[1].name} }) {
			continue
		}
		group := slices.DeleteFunc(slices.Clone(r.acrosses), func(a *across) bool {
			return a.sides[0].source != sources[0] || a.sides[1].source != sources[1]
		})
		out = append(out, r.ratio(sources, group))
	}
	return out
}

func (r *renderer) ratio(sources [2]*source, group []*across) Across {
	b := &builder{d: r.d}
	var columns [2][]column
	measures := make([]*measure, len(group))
	out := Across{Sources: [2]string{sources[0].name, sources[1].name}}
	for i, a := range group {
		measures[i] = a.whole
		var terms [4]term
		for k, s := range a.sides {
			name := fmt.Sprintf("%s_%d", []string{"above", "below"}[k], i)
			columns[k] = append(columns[k], column{Name: name, Expression: s.value.value})
			terms[k] = term{name, name}
			if a.whole.pre > 0 {
				columns[k] = append(columns[k], column{Name: name + "_pre", Expression: s.past.value})
				terms[2+k] = term{name + "_pre", name + "_pre"}
			}
			if s.cap != "" {
				columns[k] = append(columns[k], column{Name: name + "_cap", Expression: s.cap})
				a.whole.capped = append(a.whole.capped, name+"_cap")
				b.output(name+"_cap", "MAX("+name+"_cap)")
			}
		}
		a.whole.prefix, a.whole.closed = b.quotient(terms, a.whole.pre > 0), a.sides[0].half.closed
		out.Measures = append(out.Measures, a.whole.result(0))
	}
	out.Statement = r.statement("ratios of "+sources[0].name+" over "+sources[1].name, "across.sql",
		"moments of the ratios of both", map[string]any{
			"Names":      strings.Join(names(measures), ", "),
			"AboveTable": sources[0].table, "AboveName": sources[0].name,
			"BelowTable": sources[1].table, "BelowName": sources[1].name,
			"AboveColumns": columns[0], "BelowColumns": columns[1],
			"AboveOf": group[0].sides[0].whole(), "BelowOf": group[0].sides[1].whole(),
			"Outputs": b.outputs,
		})
	return out
}
