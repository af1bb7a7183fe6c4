package queries

import (
	"fmt"
	"slices"
	"time"
)

// Days counts the units that have been there for so many of their days since
// first exposure, or activation, where that anchors windows: of each stratum, how
// many units have had exactly Days days that were over (at most Most). Only these
// count for a day; its rows in a Facts statement have where it begins in column
// assay_day, DayAll being those of all days together.
type Days struct {
	Most int
	Statement
}

// DayAll is the value of assay_day in rows that cover all days.
const DayAll = -1

// Day is the number of the day, from 0, that a value of assay_day stands for.
func Day(micros int64) int { return int(micros / dayMicros) }

// days renders the count of units by day; nil where effects are not asked for by
// day.
func (r *renderer) days() *Days {
	if r.e.DaysSinceExposure == 0 {
		return nil
	}
	data := r.daysData()
	data["Most"], data["Micros"] = r.e.DaysSinceExposure, dayMicros
	data["Longest"] = r.e.DaysSinceExposure * dayMicros
	return &Days{
		Most: r.e.DaysSinceExposure,
		Statement: r.statement("days since exposure", "completed_days.sql",
			"counts units by how many of their days were over", data),
	}
}

// daysData is what statements need that tell days apart. A day that is not over
// has not shown what it will have, and units that came later would weigh in it
// less than others.
func (r *renderer) daysData() map[string]any {
	anchor := "exposure"
	if r.e.Activation != "" {
		anchor = "activation"
	}
	// Days are those of the experiment: after its end none begins, whatever the
	// windows of some metrics still take in.
	return map[string]any{"Anchor": anchor, "DaysUntil": moment(r.until()), "Day": r.day()}
}

// day is where the day of a fact begins, since its unit's anchor; NULL before
// it, after the last day that is asked for, and in one that is not over. As the
// days of activeDay it is not divided.
func (r *renderer) day() string {
	const since = "(f.assay_at - u.assay_anchor)"
	begins := fmt.Sprintf("%[1]s - MOD(%[1]s, %[2]d)", since, dayMicros)
	return fmt.Sprintf("CASE WHEN %s >= 0 AND %s < %d AND u.assay_anchor + %s + %d <= %s THEN %s END",
		since, since, r.e.DaysSinceExposure*dayMicros, begins, dayMicros, moment(r.until()), begins)
}

// toldByDay tells whether any of the measures is.
func toldByDay(measures []*measure, most int) bool {
	return slices.ContainsFunc(measures, func(m *measure) bool {
		_, until := m.byDay(most)
		return until > 0
	})
}

// byDay is the span of days, from and before which, that a measure is told by:
// those that lie wholly in its window. It is empty where it would be no more than
// one, and where a day's value is not of the same kind as the whole: a quantile and
// a percentile cap would rank values anew, a threshold is one for the window, and a
// ratio over two sources has its parts in two statements.
func (m *measure) byDay(most int) (from, until int) {
	switch {
	case most == 0, m.across != nil, len(m.metric.Sources()) > 1, m.metric.Kind == "quantile", m.metric.Total != nil, !m.since.IsZero():
		return 0, 0
	}
	for _, p := range m.parts {
		if p.cap != nil && p.cap.At == nil {
			return 0, 0
		}
	}
	const day = 24 * time.Hour
	from, until = int((max(0, m.opens)+day-1)/day), most
	if m.closes > 0 {
		until = min(until, int(m.closes/day))
	}
	if until-from < 2 {
		return 0, 0
	}
	return from, until
}
