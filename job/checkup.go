package job

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// checkup runs the statements of one checkup of the traffic.
type checkup struct {
	job     *Job
	at      *vantage
	session connectors.Session
	script  *queries.TrafficCheckup
	out     *ledger.TrafficCheckup
}

// TrafficCheckup asks of the exposures of an experiment what no look asks, since
// it scans them and the fact sources several times: where identifiers are
// missing, when units changed their variation, what lies outside of the dates,
// the volume by hour, whether known clients would have drawn the same variations,
// and whether other experiments interfere. Nothing is recorded. Its errors are
// those of the ledger, of rendering and *connectors.Error.
func (j *Job) TrafficCheckup(ctx context.Context, e *spec.Experiment, asOf time.Time) (*ledger.TrafficCheckup, error) {
	past, err := recall(j.Ledger, e.Name, asOf, lookID(e.Name, asOf, j.Project.Digest(e)))
	if err != nil {
		return nil, err
	}
	at := newVantage(j.Project, e, past, Options{AsOf: asOf, Mode: ModeDry})
	at.dry, at.acts = true, false
	c := &checkup{job: j, at: at, out: &ledger.TrafficCheckup{Experiment: e.Name, AsOf: asOf.UTC(), Findings: []ledger.Finding{}}}
	for _, v := range e.Variations {
		c.out.Variations = append(c.out.Variations, v.ID)
	}
	if c.script, err = queries.RenderTraffic(at.project, at.experiment, at.look(), j.Warehouse.Dialect()); err != nil {
		return nil, err
	}
	if c.session, err = j.Warehouse.Session(ctx, j.tags(e.Name, "")); err != nil {
		return nil, err
	}
	err = c.all(ctx)
	_ = c.session.Close()
	if err != nil {
		return nil, err
	}
	return c.out, c.interactions(ctx)
}

func (c *checkup) all(ctx context.Context) error {
	if _, err := c.job.run(ctx, c.session, c.script.Units); err != nil {
		return c.unasked(err)
	}
	steps := []func(context.Context) error{c.outside, c.missing, c.switches, c.lags, c.volumes, c.redraw}
	for _, step := range steps {
		if err := c.unasked(step(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// unasked takes SQL of the user that does not run for an answer: other questions
// can still be asked.
func (c *checkup) unasked(err error) error {
	if text := refused(err); text != "" {
		c.find("query_fails", "", "A question could not be asked: %s.", text)
		c.out.Findings[len(c.out.Findings)-1].Place = placeOf(err)
		return nil
	}
	return err
}

func (c *checkup) find(code, source, format string, values ...any) {
	c.out.Findings = append(c.out.Findings, ledger.Finding{Code: code, Source: source, Text: fmt.Sprintf(format, values...)})
}

// arm is the name of a variation; "" = undeclared.
func (c *checkup) arm(arm int64) string {
	if arm >= 0 && arm < int64(len(c.out.Variations)) {
		return c.out.Variations[arm]
	}
	return ""
}

// outside counts the exposures before the start and after the end.
func (c *checkup) outside(ctx context.Context) error {
	rows, err := c.job.run(ctx, c.session, c.script.Outside)
	if err != nil {
		return err
	}
	sums := map[string]int64{}
	for row := range rows.Len() {
		o := ledger.Outside{First: instantOf(rows, row, "first_exposure"), Last: instantOf(rows, row, "last_exposure")}
		o.Side, _ = rows.Text(row, "side")
		arm, _ := rows.Int(row, "arm")
		o.Variation = c.arm(arm)
		o.Exposures, _ = rows.Int(row, "exposures")
		o.Units, _ = rows.Int(row, "units")
		sums[o.Side] += o.Exposures
		c.out.Outside = append(c.out.Outside, o)
	}
	if n := sums["before"]; n > 0 {
		c.find("exposed_before", "", "%s exposures were logged before the start (%s): the flag was on earlier than the spec says, or this is an older experiment of the same id. "+
			"They are left out; units that came back were treated before they count.", decide.Count(n), minute(c.at.experiment.Start.Time))
	}
	if n := sums["after"]; n > 0 {
		c.find("exposed_after", "", "%s exposures were logged after the end (%s): the flag still splits. They are left out.", decide.Count(n), minute(c.at.experiment.End()))
	}
	return nil
}

// missing finds the values of dimensions from which exposures come without an
// identifier.
func (c *checkup) missing(ctx context.Context) error {
	for _, d := range c.script.Missing {
		rows, err := c.job.run(ctx, c.session, d.Statement)
		if err != nil {
			return err
		}
		var all, total int64
		worst, of := map[string]int64{}, map[string]int64{}
		for row := range rows.Len() {
			m := ledger.MissingBy{Dimension: d.Name}
			m.Value, _ = rows.Text(row, "value")
			arm, _ := rows.Int(row, "arm")
			m.Variation = c.arm(arm)
			m.Exposures, _ = rows.Int(row, "exposures")
			m.Missing, _ = rows.Int(row, "missing")
			all += m.Exposures
			of[m.Value] += m.Exposures
			if m.Missing == 0 {
				continue
			}
			m.First = instantOf(rows, row, "first_missing")
			worst[m.Value] += m.Missing
			total += m.Missing
			c.out.Missing = append(c.out.Missing, m)
		}
		for value, n := range worst {
			if oneSource(n, total, of[value], all) {
				c.find("missing_from", d.Name, "%s of %s exposures without an identifier come from %s = %q: that client asks for the flag before it knows who is there, or logs another attribute.", decide.Count(n), decide.Count(total), d.Name, value)
			}
		}
	}
	slices.SortStableFunc(c.out.Missing, func(a, b ledger.MissingBy) int {
		return cmp.Or(cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(b.Missing, a.Missing))
	})
	return nil
}

// oneSource tells whether exposures without an identifier come from one value of
// a dimension: nearly all of them, far more than its part of the exposures, and
// from the others not half as often.
func oneSource(n, missing, of, exposures int64) bool {
	if missing < leastUnits || of <= 0 || of >= exposures {
		return false
	}
	part, all := float64(of)/float64(exposures), float64(missing)
	return float64(n) >= nearlyAll*all &&
		float64(n) > all*part+farBeyond*math.Sqrt(all*part*(1-part)) &&
		float64(missing-n)/float64(exposures-of) < notHalf*float64(n)/float64(of)
}

// soonAfter is how long after a change of weights units that return still change
// their variation because of it.
const soonAfter = 24 * time.Hour

// switches finds when units came into a second variation.
func (c *checkup) switches(ctx context.Context) error {
	rows, err := c.job.run(ctx, c.session, c.script.Switches)
	if err != nil {
		return err
	}
	byPair := map[[2]int64]*ledger.Switch{}
	for row := range rows.Len() {
		from, _ := rows.Int(row, "arm_before")
		to, _ := rows.Int(row, "arm_after")
		units, _ := rows.Int(row, "units")
		hour := instantOf(rows, row, "hour")
		s := byPair[[2]int64{from, to}]
		if s == nil {
			s = &ledger.Switch{From: c.arm(from), To: c.arm(to), First: hour}
			byPair[[2]int64{from, to}] = s
		}
		if s.Units += units; units > s.PeakUnits {
			s.Peak, s.PeakUnits = hour, units
		}
	}
	for _, s := range byPair {
		for _, e := range c.at.dataEpochs()[1:] {
			if since := s.Peak.Add(time.Hour).Sub(e.start); since > 0 && since <= soonAfter {
				at := e.start.UTC()
				s.After = &at
			}
		}
		c.out.Switches = append(c.out.Switches, *s)
	}
	slices.SortFunc(c.out.Switches, func(a, b ledger.Switch) int {
		return cmp.Or(cmp.Compare(b.Units, a.Units), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	for _, s := range c.out.Switches[:min(3, len(c.out.Switches))] {
		text := fmt.Sprintf("%s units went from %s to %s, the first in the hour of %s, most of them (%s) in that of %s",
			decide.Count(s.Units), cmp.Or(s.From, "an undeclared variation"), cmp.Or(s.To, "an undeclared variation"), minute(s.First), decide.Count(s.PeakUnits), minute(s.Peak))
		if s.After != nil {
			text += fmt.Sprintf(", after the change of weights of %s: the store does not keep units in their arm when it ramps", minute(*s.After))
		}
		c.find("switched", "", "%s.", text)
	}
	return nil
}

// volumes judges the rows per day and hour of the exposures and the sources.
func (c *checkup) volumes(ctx context.Context) error {
	rows, err := c.job.run(ctx, c.session, c.script.Hours)
	if err != nil {
		return err
	}
	c.volume("", rows)
	for _, f := range c.script.Facts {
		rows, err := c.job.run(ctx, c.session, f.Statement)
		if err != nil {
			return err
		}
		c.volume(f.Source, rows)
	}
	return nil
}

func (c *checkup) volume(source string, rows *connectors.Rows) {
	counts := map[time.Time]int64{}
	v := ledger.Volume{Source: source}
	for row := range rows.Len() {
		hour := instantOf(rows, row, "hour")
		counts[hour], _ = rows.Int(row, "n")
		v.Rows += counts[hour]
		v.Newest = later(v.Newest, hour)
	}
	until := c.at.asOf
	if end := c.at.experiment.End(); source == "" && end.Before(until) {
		until = end
	}
	judgeVolume(&v, counts, c.at.experiment.Start.Time, until)
	c.out.Volumes = append(c.out.Volumes, v)
	what := cmp.Or(source, "the exposures")
	if len(v.Missing) > 0 {
		var days []string
		for _, d := range v.Missing {
			days = append(days, d.Format(time.DateOnly))
		}
		c.find("missing_days", source, "Of %s these days are not in the table, or all but empty: %s.", what, strings.Join(days, ", "))
	}
	if l := v.Low; l != nil {
		c.find("volume_collapsed", source, "Of %s there are only %s rows from %s to %s; in the same hours of each of the seven days before there were at least %s.",
			what, decide.Count(l.Units), minute(l.From), minute(l.To), decide.Count(l.Before))
	}
}

// judgeVolume compares days, and the last hours that are loaded, with the fewest
// of the same hours on the seven days before, as looks do with first exposures.
func judgeVolume(v *ledger.Volume, counts map[time.Time]int64, start, until time.Time) {
	first := start.UTC().Truncate(wholeDay)
	if first.Before(start) {
		first = first.Add(wholeDay)
	}
	in := func(from, to time.Time) (n int64) {
		for hour := from; hour.Before(to); hour = hour.Add(time.Hour) {
			n += counts[hour]
		}
		return n
	}
	compared := func(from, to time.Time) (n, least int64, ok bool) {
		if from.Add(-comparedDays * wholeDay).Before(first) {
			return 0, 0, false
		}
		for day := 1; day <= comparedDays; day++ {
			back := -time.Duration(day) * wholeDay
			if n := in(from.Add(back), to.Add(back)); day == 1 || n < least {
				least = n
			}
		}
		return in(from, to), least, least >= fewestUnits
	}
	v.Unjudged = "it takes eight days, and a hundred rows in the fewest of seven"
	for day := first; !day.Add(wholeDay).After(until); day = day.Add(wholeDay) {
		n, least, ok := compared(day, day.Add(wholeDay))
		if !ok {
			continue
		}
		if v.Unjudged = ""; float64(n) < missingShare*float64(least) {
			v.Missing = append(v.Missing, day)
		}
	}
	to := v.Newest
	if n, least, ok := compared(to.Add(-newestSpan), to); ok && float64(n) < collapseShare*float64(least) {
		v.Low = &ledger.Collapse{From: to.Add(-newestSpan), To: to, Units: n, Before: least}
	}
}
