package job

import (
	"context"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/stats"
)

// layout is by what the rows of a statement over facts are told apart, beside
// strata and classes.
type layout struct{ slices, days bool }

// partial tells whether a row is about a slice of the units or one of their days,
// and not about all of both.
func (g *gatherer) partial(rows *connectors.Rows, row int, l layout) bool {
	_, sliced := g.sliceOf(rows, row, l)
	_, daily := dayOf(rows, row, l)
	return sliced || daily
}

// dayOf is the day since exposure that a row is about; not ok where it is about
// all of them.
func dayOf(rows *connectors.Rows, row int, l layout) (day int, ok bool) {
	if !l.days {
		return 0, false
	}
	at, _ := rows.Int(row, "assay_day")
	return queries.Day(at), at != queries.DayAll
}

// daysSinceExposure counts how many units have had each of their days, to its end.
// They decide nothing: where that cannot be told there are none, and the look goes on.
func (g *gatherer) daysSinceExposure(ctx context.Context) error {
	s := g.script.Days
	if s == nil {
		return nil
	}
	rows, ok, err := g.undecided(ctx, s.Statement, "no_days", "Effects by days since exposure are not shown: %s.")
	if !ok {
		return err
	}
	for range s.Most {
		g.ev.since = append(g.ev.since, newStrata(len(g.ev.strata), len(g.at.experiment.Variations)))
	}
	for row := range rows.Len() {
		code, _ := rows.Int(row, "assay_stratum")
		epoch, arm := g.script.Stratum(code)
		days, _ := rows.Int(row, "days")
		units, _ := rows.Int(row, "units")
		for day := range days {
			g.ev.since[day][epoch][arm].units += units
		}
	}
	for _, strata := range g.ev.since {
		for epoch := range strata {
			for arm := range strata[epoch] {
				g.closedAmong(&strata[epoch][arm], &g.ev.strata[epoch][arm])
			}
		}
	}
	return nil
}

// closedAmong are the units of a day whose window has closed. Both are those that
// came before some instant, so that fewer of them are all in the other.
func (g *gatherer) closedAmong(c, all *counts) {
	for column, closed := range all.closed {
		c.closed[column] = min(c.units, closed)
	}
}

// daily is a measure as its days are read: nothing from before exposure adjusts
// them, and whether a unit was there on a day is all there is to a day of
// participation.
func daily(m queries.Measure) queries.Measure {
	m.Covariate = false
	if m.Kind == "daily_participation" {
		m.Kind = "proportion"
	}
	return m
}

// emptyDays are the moments of all days as they are without any fact.
func (g *gatherer) emptyDays(data *metricData) {
	if len(g.ev.since) == 0 {
		return
	}
	m := data.measure
	data.days = make([][][]stats.Moments, m.DayUntil)
	for day := m.DayFrom; day < m.DayUntil; day++ {
		data.days[day] = make([][]stats.Moments, len(g.ev.strata))
		for epoch := range data.days[day] {
			data.days[day][epoch] = make([]stats.Moments, len(g.at.experiment.Variations))
			for arm := range data.days[day][epoch] {
				data.days[day][epoch][arm] = completed(stats.Moments{}, daily(m), &g.ev.since[day][epoch][arm])
			}
		}
	}
}

// measuredDay reads a row about one day.
func (g *gatherer) measuredDay(rows *connectors.Rows, row, day, epoch, arm int, data *metricData) {
	m := data.measure
	if len(g.ev.since) == 0 || day < m.DayFrom || day >= m.DayUntil {
		return
	}
	data.days[day][epoch][arm] = whole(rows, row, daily(m), &g.ev.since[day][epoch][arm])
}

// alphaDays is the error of the intervals of all days since exposure and all
// treatments together, of one metric. They decide nothing.
const alphaDays = 0.05

// bySince are the effects of one question by day since exposure, by intervals that
// hold at every look and over all days. Days that no unit has had are not there.
func bySince(at *vantage, ev *evidence, q question) []ledger.DayResult {
	data := ev.metrics[q.use.Metric]
	if data == nil || data.failed || len(data.days) == 0 {
		return nil
	}
	// As many as are asked for, so that no day that comes later changes what was
	// said of the ones before it.
	family := float64((data.measure.DayUntil - data.measure.DayFrom) * (len(at.experiment.Variations) - 1))
	q.metric.Covariate.Duration = 0
	var out []ledger.DayResult
	for day := data.measure.DayFrom; day < data.measure.DayUntil; day++ {
		if !reached(ev.since[day]) {
			break
		}
		out = append(out, ledger.DayResult{Day: day, Effect: effectAmong(at, ev, q, data.days[day], ev.since[day], alphaDays/family)})
	}
	return out
}

// reached tells whether any unit has had a day.
func reached(strata [][]counts) bool {
	for _, arms := range strata {
		for i := range arms {
			if arms[i].units > 0 {
				return true
			}
		}
	}
	return false
}
