package queries_test

import (
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// askDays asks for effects by day since exposure in one world of three. It draws
// nothing, so that the rest of a world is what it was without.
func (w *world) askDays() {
	if w.seed%3 == 1 {
		w.e.DaysSinceExposure = 2 + int(w.seed%9)
	}
}

// on is a metric as it is on one day: nothing from before exposure adjusts it, and
// of participation it has whether there was any.
func (m metricOf) on(n int) metricOf {
	m.day = &n
	m.spec.Covariate = spec.Duration{}
	if m.spec.Kind == "daily_participation" {
		m.spec.Kind = "proportion"
	}
	return m
}

// had tells whether the day of a metric was over for a unit; there is none to be
// over where the metric is that of all days.
func (w *world) had(m metricOf, u *unit) bool {
	return m.day == nil || !u.anchor.Add(time.Duration(*m.day+1)*day).After(w.until())
}

// readDays reads how many units have had each of their days, by stratum.
func (c *check) readDays() {
	c.days = map[int64][]int64{}
	if c.script.Days == nil {
		return
	}
	rows := c.query(c.script.Days.Statement)
	for i := range rows.Len() {
		code, _ := rows.Int(i, "assay_stratum")
		days, _ := rows.Int(i, "days")
		units, _ := rows.Int(i, "units")
		if c.days[code] == nil {
			c.days[code] = make([]int64, c.script.Days.Most)
		}
		for day := range days {
			c.days[code][day] += units
		}
	}
}

// checkDays compares a metric on each of its days, in every stratum.
func (c *check) checkDays(f queries.Facts, m queries.Measure, rows *connectors.Rows) {
	of := c.metrics[m.Metric]
	m.Covariate = false
	if m.Kind == "daily_participation" {
		m.Kind = "proportion"
	}
	for day := m.DayFrom; day < m.DayUntil; day++ {
		got := map[int64]moments{}
		for i := range rows.Len() {
			class, _ := rows.Int(i, "assay_class")
			if on, _ := rows.Int(i, "assay_day"); class == m.Class && on != queries.DayAll && queries.Day(on) == day {
				code, _ := rows.Int(i, "assay_stratum")
				got[code] = readMoments(rows, i, m)
				c.seen.Days++
			}
		}
		c.checkDay(f, m, of.on(day), got)
	}
}

func (c *check) checkDay(f queries.Facts, m queries.Measure, of metricOf, got map[int64]moments) {
	want := c.w.cells(of, c.units)
	for p, row := range c.parts {
		if p.code < 0 || p.dim >= 0 {
			continue
		}
		counted := int64(0)
		if c.days[p.code] != nil {
			counted = c.days[p.code][*of.day]
		}
		if m.CompleteOnly {
			counted = min(counted, row.Closed[m.Closed])
		}
		cell := want[p]
		if cell == nil {
			cell = emptyCell()
		}
		if all := int64(len(cell.rows)) + cell.excluded; counted != all {
			c.errorf("%s on day %d in stratum %d: %d units count, the oracle has %d", m.Metric, *of.day, p.code, counted, all)
		}
		g := got[p.code]
		if m.Zeros {
			g = g.withZeros(counted)
		}
		c.compareTo(f, m, of.spec, p.code, g, cell)
	}
}

// allDays tells whether a row is about all days.
func allDays(f queries.Facts, rows *connectors.Rows, row int) bool {
	if !f.Days {
		return true
	}
	on, _ := rows.Int(row, "assay_day")
	return on == queries.DayAll
}
