package queries

import (
	"maps"
	"slices"
	"time"
)

// Every lists each kind of statement that a checkup may run, with every rewriting
// of an identifier and every mend of a query, for checking them all against an
// engine or its analyzer.
func (d *Doctor) Every() []Statement {
	var list []Statement
	for _, size := range d.Sizes() {
		list = append(list, size.Statement)
	}
	list = append(list, d.Assignment(), d.Units(ClockTime), d.Exposures())
	left := Table{"assay_sample_units", "assay_doctor_units", "assay_raw"}
	list = append(list, d.Sample(left, "the exposed units", 20000))
	for _, s := range d.Sources() {
		list = append(list, d.Query(s))
		if link := d.Link(s); link != nil {
			list = append(list, *link)
		}
		right := Table{"assay_right_" + s.MetTable(), s.MetTable(), "assay_raw"}
		list = append(list, d.Met(s), d.Totals(s), d.Arms(s), d.Sample(right, s.Name, 1000000))
		other := s
		other.Wide, other.AsText, other.Clock = true, true, ClockScaled
		list = append(list, d.Met(other))
		list = append(list, d.Profile(left.Name, right.Name), d.Affixes(left.Name, right.Name, 20), d.Tries(left.Name, right.Name, d.everyTry()),
			d.Columns(s, []string{s.Identifier, "timestamp"}, left.Name), d.ExposureColumns([]string{"variation_id"}, right.Name),
			d.Shifts(s, left.Name), d.Hours(s, time.Hour), d.ExposedHours(s, 24*time.Hour), d.Values(&s, "timestamp"), d.Values(nil, "variation_id"))
		if s.Join != "" {
			unit := d.r.assignment().Identifier
			pairs := "assay_pairs_" + s.MetTable()
			list = append(list, d.JoinSize(s.Join, s.Identifier).Statement, d.Pairs(s.Join, s.Identifier, unit, pairs), d.Through(s.Name, s.Join, s.Identifier, unit, pairs, left.Name, right.Name))
		}
		list = append(list, d.mends(s)...)
	}
	return list
}

// everyTry is one try a step.
func (d *Doctor) everyTry() []Try {
	var list []Try
	for _, name := range slices.Sorted(maps.Keys(rewrites)) {
		s := Step{Name: name, Text: "u'-", Length: 6}
		if d.r.d.Rewritable(s) {
			list = append(list, Try{Name: name, Left: []Step{s}, Right: []Step{s}})
		}
	}
	return list
}

// mends are queries of a source as they would be after a mend.
func (d *Doctor) mends(s DoctorSource) []Statement {
	g, sql := d.r.d, s.src.spec.SQL
	var list []Statement
	for name, mended := range map[string]string{
		"column":  g.Wrapped(sql, s.Identifier, g.Rewrite(g.TextOf(s.Identifier), []Step{{Name: "trim"}, {Name: "lower"}})),
		"other":   g.Renamed(sql, s.Identifier, "assay other id"),
		"clock":   g.Wrapped(sql, "timestamp", g.Shifted("timestamp", -3*time.Hour)),
		"scaled":  g.Wrapped(g.Unbounded(sql), "timestamp", g.Timed("timestamp", ClockScaled)),
		"linking": g.Linking(sql, g.Rewrite(g.TextOf(s.Identifier), []Step{{Name: "sha256"}}), "assay digest", s.Identifier),
	} {
		s.SQL = mended
		st := d.Query(s)
		st.Name = "mended " + name + " of " + s.Name
		list = append(list, st)
	}
	slices.SortFunc(list, func(a, b Statement) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return list
}
