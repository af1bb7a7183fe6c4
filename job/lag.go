package job

import (
	"context"
	"time"

	"assay/ledger"
	"assay/stats"
)

// Values of the column lag.
const (
	lagBefore = -1
	lagHour   = 1 // an hour or more
	lagDay    = 2
)

// lags compares first exposures with the instants at which the flag assigned the
// variation, where the assignment query gives these.
func (c *checkup) lags(ctx context.Context) error {
	if c.script.Lag == nil {
		return nil
	}
	rows, err := c.job.run(ctx, c.session, *c.script.Lag)
	if err != nil {
		return err
	}
	arms := int64(len(c.out.Variations))
	c.out.Lags = make([]ledger.Lag, arms)
	late, all := make([][]int64, len(c.at.dataEpochs())), make([][]int64, len(c.at.dataEpochs()))
	for i := range late {
		late[i], all[i] = make([]int64, arms), make([]int64, arms)
	}
	for row := range rows.Len() {
		code, _ := rows.Int(row, "assay_stratum")
		units, _ := rows.Int(row, "units")
		lag, known := rows.Int(row, "lag")
		longest, _ := rows.Int(row, "longest")
		l := &c.out.Lags[code%arms]
		l.Variation = c.arm(code % arms)
		l.Units += units
		if !known {
			l.Unknown += units
			continue
		}
		l.Longest = max(l.Longest, time.Duration(longest)*time.Microsecond)
		all[code/arms][code%arms] += units
		switch lag {
		case lagBefore:
			l.Before += units
		case lagHour, lagDay:
			l.Hour += units
			late[code/arms][code%arms] += units
			if lag == lagDay {
				l.Day += units
			}
		}
	}
	c.judgeLags(late, all)
	return nil
}

// mostLate is the share of units that may be exposed an hour or more after their
// assignment without anybody being told.
const mostLate = 0.05

// judgeLags tests whether units of all variations are late equally often, epoch by
// epoch, and tells where many are.
func (c *checkup) judgeLags(late, all [][]int64) {
	var groups []stats.RatioGroup
	var lateUnits, units, before int64
	for i := range all {
		if total(all[i]) > 0 {
			groups = append(groups, stats.RatioGroup{Counts: late[i], Expected: shares(all[i])})
		}
		lateUnits, units = lateUnits+total(late[i]), units+total(all[i])
	}
	for _, l := range c.out.Lags {
		before += l.Before
	}
	if units == 0 {
		return
	}
	check := stats.CombineRatios(groups, plannedUnits(c.at.experiment), c.at.experiment.Policy.Alpha.SampleRatio)
	switch {
	case check.Detected:
		c.find("lag_differs", "", "Units are exposed an hour or more after their assignment more often in one variation than in another (%v of them, in the order of the spec): what the variation does decides when, and perhaps whether, its exposure is logged.", check.Counts)
	case float64(lateUnits) > mostLate*float64(units):
		c.find("exposed_late", "", "%s of %d units are first exposed an hour or more after their assignment, alike in all variations: what they did in between is not counted, and who never came back is not exposed.", percent(lateUnits, units), units)
	}
	if before > 0 {
		c.find("exposed_before_assignment", "", "%d units are exposed before their assignment: one of the two clocks is wrong, or a time zone is missing.", before)
	}
}
