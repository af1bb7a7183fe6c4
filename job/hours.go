package job

import (
	"time"

	"assay/connectors"
	"assay/ledger"
	"assay/stats"
)

// dayCell is the units of one day or hour (UTC) that were first exposed in one
// epoch, by variation: an epoch that begins within it makes two cells of it.
type dayCell struct {
	day   time.Time
	epoch int
	units []int64
}

// addTo adds units to the cell of that span and epoch; they come in order of both.
func addTo(cells []dayCell, at time.Time, epoch, arm, arms int, units int64) []dayCell {
	n := len(cells)
	if n == 0 || !cells[n-1].day.Equal(at) || cells[n-1].epoch != epoch {
		cells = append(cells, dayCell{at, epoch, make([]int64, arms)})
		n++
	}
	cells[n-1].units[arm] += units
	return cells
}

// hours reads when units were first exposed.
func (g *gatherer) hours(rows *connectors.Rows) {
	arms := len(g.at.experiment.Variations)
	for row := range rows.Len() {
		micros, _ := rows.Int(row, "hour")
		code, _ := rows.Int(row, "assay_stratum")
		units, _ := rows.Int(row, "units")
		epoch, arm := g.script.Stratum(code)
		hour := time.UnixMicro(micros).UTC()
		g.ev.hourly = addTo(g.ev.hourly, hour, epoch, arm, arms, units)
		day := hour.Truncate(24 * time.Hour)
		if n := len(g.ev.days); n == 0 || !g.ev.days[n-1].Day.Equal(day) {
			g.ev.days = append(g.ev.days, ledger.DayCount{Day: day, Units: make([]int64, arms)})
		}
		g.ev.days[len(g.ev.days)-1].Units[arm] += units
	}
	g.ev.cells = byDay(g.ev.hourly)
}

// byDay adds up hours.
func byDay(hourly []dayCell) []dayCell {
	var out []dayCell
	for _, c := range hourly {
		for arm, units := range c.units {
			out = addTo(out, c.day.Truncate(24*time.Hour), c.epoch, arm, len(c.units), units)
		}
	}
	return out
}

// since finds the days in which the split was off, and in the days that may be
// the first the hour. Units that were first exposed while a change settled are
// in none of them.
func (g *gatherer) since() *ledger.RatioSince {
	change, days := g.change(g.ev.cells)
	out := &ledger.RatioSince{RatioChange: change}
	if out.Status != stats.ChangeFound {
		return out
	}
	out.Day, out.EarliestDay, out.LatestDay = days[out.From], days[out.Earliest], days[out.Latest]
	if out.To < len(days) {
		out.Until = &days[out.To]
	}
	if out.From > 0 || out.Latest > 0 {
		g.sinceHour(out)
	}
	return out
}

// change finds the span of some cells in which the split was off.
func (g *gatherer) change(cells []dayCell) (c stats.RatioChange, at []time.Time) {
	var groups []stats.RatioGroup
	for _, c := range cells {
		if group, ok := g.group(c.epoch, c.units); ok && total(group.Counts) > 0 {
			groups, at = append(groups, group), append(at, c.day)
		}
	}
	units, alpha := g.planned()
	return stats.FindRatioChange(groups, units, alpha), at
}

// mostSuspected is how many days may be the first before their hours say no more
// than the days do.
const mostSuspected = 4

// sinceHour refines the first day, which may be the one before: a day of which
// most hours were sound passes for one. What comes before the suspected days, and after
// them as long as it is off, stays as whole days.
func (g *gatherer) sinceHour(out *ledger.RatioSince) {
	const day = 24 * time.Hour
	if out.LatestDay.Sub(out.EarliestDay) >= mostSuspected*day {
		return
	}
	from, to := out.EarliestDay.Add(-day), out.LatestDay.Add(day)
	var cells []dayCell
	for _, c := range g.ev.cells {
		if c.day.Before(from) {
			cells = append(cells, c)
		}
	}
	for _, c := range g.ev.hourly {
		if !c.day.Before(from) && c.day.Before(to) {
			cells = append(cells, c)
		}
	}
	for _, c := range g.ev.cells {
		if !c.day.Before(to) && (out.Until == nil || c.day.Before(*out.Until)) {
			cells = append(cells, c)
		}
	}
	change, at := g.change(cells)
	if change.Status != stats.ChangeFound || at[change.Latest].Sub(at[change.Earliest]) >= day ||
		at[change.From].Before(from) || !at[change.Latest].Before(to) || change.From == 0 {
		return // The hours tell no more than the day.
	}
	out.Hour, out.EarliestHour, out.LatestHour = &at[change.From], &at[change.Earliest], &at[change.Latest]
}
