package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	"assay/stats"
)

// leastUnits is how many exposed units it takes before a fact source that meets
// none of them is called blind.
const leastUnits = 20

// evidence is what one look knows.
type evidence struct {
	statements []ledger.Statement
	strata     [][]counts // by epoch and variation
	health     ledger.Health
	days       []ledger.DayCount
	cells      []dayCell    // days by epoch, in order of time
	hourly     []dayCell    // the same by hour
	slices     []slice      // values of dimensions
	sliced     []sliced     // by dimension, the largest slice first
	since      [][][]counts // units that have had a day since exposure, by day
	metrics    map[string]*metricData
	stale      []decide.Trouble
	blind      []decide.Trouble
	unhealthy  []decide.Trouble
	findings   []ledger.Finding
	// broken tells, by epoch, whether its split is detected to be off.
	broken     []bool
	results    []ledger.MetricResult
	judgements []decide.Judgement
	// incremental is what was scanned, where looks keep what they found.
	incremental *ledger.Incremental
	// failure is why some of it is missing.
	failure error
}

// counts of one variation in one epoch.
type counts struct {
	// exposed units, and those of them that count: all, or where the experiment
	// names an activation metric those that were activated.
	exposed, units int64
	closed         map[string]int64 // units that count and whose window has closed, by column
	rows           stats.Moments    // exposures of a unit
}

// metricData is what came back for one metric.
type metricData struct {
	source  string
	measure queries.Measure
	moments [][]stats.Moments // by epoch and variation
	// quantiles, by epoch and variation, of a metric that is one.
	quantiles [][]stats.Quantile
	slices    map[sliceKey][][]stats.Moments
	days      [][][]stats.Moments // by day since exposure
	caps      []float64           // what percentile caps came to
	failed    bool
}

// gatherer runs the statements of one look.
type gatherer struct {
	job     *Job
	at      *vantage
	session connectors.Session
	script  *queries.Script
	ev      *evidence
	kept    map[string]bool // sources whose table by unit is there
	newest  int64           // activation, in microseconds
	// unsliced: the slices could not be told.
	unsliced bool
	state    *state // what earlier looks kept; nil = nothing is
	done     int
}

// gather runs every statement. A statement that fails is part of the evidence;
// the error is only for what no look can be made of.
func (j *Job) gather(ctx context.Context, at *vantage) (*evidence, error) {
	ev, err := j.gatherOnce(ctx, at)
	if errors.Is(err, errCut) {
		ev, err = j.gatherOnce(ctx, at)
	}
	return ev, err
}

// gatherOnce is gather, which is begun anew once where the exposures show that epochs
// begin at other instants.
func (j *Job) gatherOnce(ctx context.Context, at *vantage) (*evidence, error) {
	g := &gatherer{job: j, at: at, ev: newEvidence(at), kept: map[string]bool{}}
	if err := g.render(); err != nil {
		return nil, err
	}
	if at.refused != nil {
		g.fail("cost", at.refused)
		return g.ev, nil
	}
	session, err := j.Warehouse.Session(ctx, j.tags(at.experiment.Name, at.computed()))
	if err != nil {
		if canceled(err) {
			return nil, err
		}
		g.fail("warehouse", err)
		return g.ev, nil
	}
	g.session = session
	err = g.looked(ctx)
	// What was read was read; a session that does not close in peace, because the
	// warehouse is gone, changes nothing in it.
	_ = session.Close()
	return g.ev, err
}

func newEvidence(at *vantage) *evidence {
	ev := &evidence{metrics: map[string]*metricData{}}
	ev.strata = newStrata(len(at.dataEpochs()), len(at.experiment.Variations))
	ev.broken = make([]bool, len(ev.strata))
	ev.health.ByVariation = make([]int64, len(at.experiment.Variations))
	if at.experiment.Activation != "" {
		ev.health.Activated = make([]int64, len(at.experiment.Variations))
	}
	return ev
}

// newStrata are empty counts by epoch and variation.
func newStrata(epochs, variations int) [][]counts {
	strata := make([][]counts, epochs)
	for i := range strata {
		strata[i] = make([]counts, variations)
		for arm := range strata[i] {
			strata[i][arm].closed = map[string]int64{}
		}
	}
	return strata
}

func canceled(err error) bool {
	e, ok := errors.AsType[*connectors.Error](err)
	return ok && e.Fault == connectors.FaultCanceled
}

// all runs the statements in order. Only cancellation stops it.
func (g *gatherer) all(ctx context.Context) error {
	if ok, err := g.exposed(ctx); !ok || err != nil {
		return err
	}
	links := map[string]*ledger.JoinHealth{}
	for _, l := range g.script.Links {
		health, err := g.link(ctx, l)
		if err != nil {
			return err
		}
		links[l.Join] = health
	}
	if ok, err := g.units(ctx); !ok || err != nil {
		return err
	}
	g.ratios()
	g.repeats()
	if err := g.activated(ctx); err != nil {
		return err
	}
	for _, d := range g.script.Dimensions {
		if err := g.dimension(ctx, d); err != nil {
			return err
		}
	}
	g.dimensionRatios()
	for i, s := range g.script.Slices {
		if err := g.slice(ctx, i, s); err != nil {
			return err
		}
	}
	if err := g.daysSinceExposure(ctx); err != nil {
		return err
	}
	for _, f := range g.script.Facts {
		join, _ := g.at.project.JoinFor(g.at.experiment, f.Source)
		if err := g.facts(ctx, f, links[join]); err != nil {
			return err
		}
	}
	for _, a := range g.script.Ratios {
		if err := g.across(ctx, a); err != nil {
			return err
		}
	}
	g.balance()
	g.sourceVolume()
	g.ratioCauses()
	return nil
}

// run executes one statement and keeps it for the report. ok is false where it
// failed, which is then part of the evidence.
func (g *gatherer) run(ctx context.Context, s queries.Statement) (rows *connectors.Rows, ok bool, err error) {
	rows, err = g.try(ctx, s)
	if err != nil {
		if canceled(err) {
			return nil, false, err
		}
		g.fail(s.Name, err)
		return nil, false, nil
	}
	return rows, true, nil
}

// try executes one statement and keeps it for the report.
func (g *gatherer) try(ctx context.Context, s queries.Statement) (*connectors.Rows, error) {
	g.done++
	stop := g.watch(Event{Experiment: g.at.experiment.Name, What: s.Name, Done: g.done, Total: max(g.done, len(g.script.All()))})
	g.job.reached("statement")
	rows, err := g.job.run(ctx, g.session, s)
	stop()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(s.SQL))
	g.ev.statements = append(g.ev.statements, ledger.Statement{
		Name: s.Name, Purpose: s.Purpose, SQL: s.SQL, Digest: hex.EncodeToString(sum[:]), Rows: int64(rows.Len()),
		ID: rows.Receipt.ID, Bytes: rows.Receipt.Bytes, Attached: rows.Receipt.Attached,
	})
	return rows, nil
}

// tick is how often a running statement is asked how far it is.
const tick = 500 * time.Millisecond

// watch tells that a statement begins and, where the engine can say so, how far
// it is until stop is called.
func (g *gatherer) watch(e Event) (stop func()) {
	g.job.progress(e)
	meter, ok := g.session.(connectors.Meter)
	if !ok || g.job.Progress == nil {
		return func() {}
	}
	over, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				if share, ok := meter.Progress(); ok {
					e.Share = share
					g.job.progress(e)
				}
			}
		}
	}()
	return func() { close(over); <-left }
}

// fail makes a failed statement a reason to hold.
func (g *gatherer) fail(what string, err error) {
	t := troubleOf(err)
	g.ev.failure = errors.Join(g.ev.failure, err)
	g.ev.stale = append(g.ev.stale, t)
	g.find(t.Code, t.Text, what)
	g.ev.findings[len(g.ev.findings)-1].Place = placeOf(err)
}

// troubleOf is why there is no answer.
func troubleOf(err error) decide.Trouble {
	code, text := "warehouse_failed", "The warehouse did not answer: %s."
	if e, ok := errors.AsType[*connectors.Error](err); ok {
		switch e.Fault {
		case connectors.FaultStatement:
			text = "A statement does not run: %s."
		case connectors.FaultCost:
			code, text = "over_budget", "Refused for its cost: %s."
		case connectors.FaultWarehouse, connectors.FaultCanceled:
		}
	}
	return decide.Trouble{Code: code, Text: fmt.Sprintf(text, oneLine(err))}
}

// oneLine is what an engine says without the statement that it shows below.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimRight(line, " .")
}

func (g *gatherer) find(code, text, source string) {
	g.ev.findings = append(g.ev.findings, ledger.Finding{Code: code, Text: text, Source: source})
}

// units activates the units where a metric says so, and counts them.
func (g *gatherer) units(ctx context.Context) (bool, error) {
	if a := g.script.Activation; a != nil {
		if _, ok, err := g.run(ctx, a.Statement); !ok {
			return false, err
		}
	}
	if ok, err := g.sliceUnits(ctx); !ok {
		return false, err
	}
	rows, ok, err := g.run(ctx, g.script.Summary)
	if !ok {
		return false, err
	}
	unknown := g.summary(rows)
	if unknown > 0 {
		if err := g.unknown(ctx); err != nil {
			return false, err
		}
	}
	rows, ok, err = g.run(ctx, g.script.Hours)
	if !ok {
		return false, err
	}
	g.hours(rows)
	if g.cut() {
		return false, errCut
	}
	g.unapplied()
	g.closedAlready()
	if err := g.strays(ctx); err != nil {
		return false, err
	}
	g.exposureHealth()
	g.exposureVolume()
	return true, nil
}

// closedAlready finds, at the first look, a flag that serves everybody one
// variation although units of a treatment were exposed: it was open, and a
// person has closed it or shipped. That is an end, not a flag to be opened.
func (g *gatherer) closedAlready() {
	_, sole := g.at.allocation.Sole()
	if !sole || g.at.previous != nil || len(g.at.past.Clears) > 0 || len(g.at.experiment.Flag.Stores) == 0 {
		return
	}
	for i, v := range g.at.experiment.Variations {
		if !v.KnownGood && g.ev.health.ByVariation[i] > 0 {
			g.at.strayed = true
		}
	}
}

// summary reads the counts per stratum and returns the units in undeclared
// variations.
func (g *gatherer) summary(rows *connectors.Rows) (unknown int64) {
	h := &g.ev.health
	var newest int64
	for row := range rows.Len() {
		code, _ := rows.Int(row, "assay_stratum")
		units, _ := rows.Int(row, "units")
		exposures, _ := rows.Int(row, "exposures")
		last, _ := rows.Int(row, "newest")
		if code != queries.StratumNull {
			newest = max(newest, last)
			h.Exposures += exposures
		}
		switch code {
		case queries.StratumMultiple:
			h.Multiple = units
		case queries.StratumUnknown:
			h.Unknown = units
		case queries.StratumSettling:
			h.Settling = units
		case queries.StratumNull:
			h.NullRows = exposures
		default:
			g.stratum(rows, row, code, units)
		}
	}
	if newest > 0 {
		at := time.UnixMicro(newest).UTC()
		h.NewestExposure = &at
	}
	return h.Unknown
}

func (g *gatherer) stratum(rows *connectors.Rows, row int, code, units int64) {
	inactive, without := queries.Inactive(code)
	if without {
		code = inactive
	}
	epoch, arm := g.script.Stratum(code)
	c := &g.ev.strata[epoch][arm]
	c.exposed += units
	c.rows = stats.Merge(c.rows, rowsOf(rows, row, units))
	g.ev.health.Units += units
	g.ev.health.ByVariation[arm] += units
	if without {
		return
	}
	c.units = units
	if g.ev.health.Activated != nil {
		g.ev.health.Activated[arm] += units
		newest, _ := rows.Int(row, "activated")
		g.newest = max(g.newest, newest)
	}
	g.closed(rows, row, c)
}

func (g *gatherer) unknown(ctx context.Context) error {
	rows, ok, err := g.run(ctx, g.script.Unknown)
	if !ok {
		return err
	}
	for row := range rows.Len() {
		name, ok := rows.Text(row, "variation")
		if !ok {
			name = "(null)"
		}
		g.ev.health.UnknownNames = append(g.ev.health.UnknownNames, name)
		g.unknownSince(rows, row, name)
	}
	return nil
}

// link resolves a join source and measures its fan-out.
func (g *gatherer) link(ctx context.Context, l queries.Link) (*ledger.JoinHealth, error) {
	if _, ok, err := g.run(ctx, l.Create); !ok {
		return nil, err
	}
	rows, ok, err := g.run(ctx, l.Health)
	if !ok {
		return nil, err
	}
	health := &ledger.JoinHealth{Join: l.Join}
	health.Links, _ = rows.Int(0, "links")
	health.FannedOut, _ = rows.Int(0, "fanned_out")
	return health, nil
}

// facts reads the moments of one source and judges how it meets the units.
func (g *gatherer) facts(ctx context.Context, f queries.Facts, join *ledger.JoinHealth) error {
	for _, m := range f.Measures {
		g.ev.metrics[m.Metric] = &metricData{source: f.Source, measure: m, failed: true}
	}
	if f.Recent != nil {
		if _, ok, err := g.run(ctx, *f.Recent); !ok {
			return err
		}
	}
	if f.Keep != nil {
		if _, ok, err := g.run(ctx, *f.Keep); !ok {
			return err
		}
		g.kept[f.Source] = true
	}
	rows, ok, err := g.run(ctx, f.Statement)
	if !ok {
		return err
	}
	health := ledger.SourceHealth{Source: f.Source, Join: join}
	health.Units = slices.Clone(counted(&g.ev.health))
	health.Present = make([]int64, len(health.Units))
	var lost int64
	for row := range rows.Len() {
		lost += g.presence(rows, row, layout{true, f.Days}, &health)
	}
	g.valueless(f.Source, lost, total(health.Present))
	for _, m := range f.Measures {
		g.ev.metrics[m.Metric] = g.measured(rows, f.Source, m, layout{true, f.Days})
	}
	health.Presence = g.sourcePresence(f, rows)
	err = g.sourceHealth(ctx, f, &health)
	g.ev.health.Sources = append(g.ev.health.Sources, health)
	if err != nil {
		return err
	}
	return g.leaveFacts(ctx, f)
}

// sourcePresence tests whether units have any fact of a source equally often in
// all arms, epoch by epoch: in a ramp the arms' shares move, and units that came
// later have had less time.
func (g *gatherer) sourcePresence(f queries.Facts, rows *connectors.Rows) stats.SampleRatio {
	present := make([][]int64, len(g.ev.strata))
	for i := range present {
		present[i] = make([]int64, len(g.at.experiment.Variations))
	}
	for row := range rows.Len() {
		class, _ := rows.Int(row, "assay_class")
		if class != queries.ClassAll || g.partial(rows, row, layout{true, f.Days}) {
			continue
		}
		code, _ := rows.Int(row, "assay_stratum")
		epoch, arm := g.script.Stratum(code)
		present[epoch][arm], _ = rows.Int(row, "units")
	}
	var groups []stats.RatioGroup
	for i, counts := range present {
		counted := make([]int64, len(counts))
		for arm := range counted {
			counted[arm] = g.ev.strata[i][arm].any(f.Measures)
		}
		if group := (stats.RatioGroup{Counts: counts, Expected: shares(counted)}); total(counted) > 0 {
			groups = append(groups, group)
		}
	}
	if len(groups) == 0 {
		return stats.SampleRatio{Status: stats.StatusNoUnits}
	}
	return stats.CombineRatios(groups, plannedUnits(g.at.experiment), g.at.experiment.Policy.Alpha.SampleRatio)
}

// any are the units that count for any of the metrics.
func (c *counts) any(measures []queries.Measure) int64 {
	var most int64
	for _, m := range measures {
		most = max(most, c.counted(m))
	}
	if len(measures) == 0 {
		return c.units
	}
	return most
}

// across reads the moments of ratios over two sources.
func (g *gatherer) across(ctx context.Context, a queries.Across) error {
	for _, m := range a.Measures {
		g.ev.metrics[m.Metric] = &metricData{source: a.Sources[0], measure: m, failed: true}
	}
	if !g.kept[a.Sources[0]] || !g.kept[a.Sources[1]] {
		return nil // What failed there has been told.
	}
	rows, ok, err := g.run(ctx, a.Statement)
	if !ok {
		return err
	}
	for _, m := range a.Measures {
		g.ev.metrics[m.Metric] = g.measured(rows, a.Sources[0], m, layout{})
	}
	return nil
}

// presence takes in a row that covers all facts of its units, and returns how
// many of the facts have a value that is not a number.
func (g *gatherer) presence(rows *connectors.Rows, row int, l layout, health *ledger.SourceHealth) (lost int64) {
	if class, _ := rows.Int(row, "assay_class"); class != queries.ClassAll || g.partial(rows, row, l) {
		return 0
	}
	code, _ := rows.Int(row, "assay_stratum")
	_, arm := g.script.Stratum(code)
	units, _ := rows.Int(row, "units")
	health.Present[arm] += units
	if newest, ok := rows.Int(row, "newest"); ok {
		at := time.UnixMicro(newest).UTC()
		if health.Newest == nil || at.After(*health.Newest) {
			health.Newest = &at
		}
	}
	lost, _ = rows.Int(row, "not_finite")
	return lost
}

// counted are the units that can have facts, by variation.
func counted(h *ledger.Health) []int64 {
	if h.Activated != nil {
		return h.Activated
	}
	return h.ByVariation
}

// shares are the parts of a whole; nil where there is none.
func shares(list []int64) []float64 {
	var total int64
	for _, n := range list {
		total += n
	}
	out := make([]float64, len(list))
	for i, n := range list {
		if total > 0 {
			out[i] = float64(n) / float64(total)
		}
	}
	return out
}

// measured turns the rows of one metric into moments over all units that
// count: those without a fact enter as exact zeros.
func (g *gatherer) measured(rows *connectors.Rows, source string, m queries.Measure, l layout) *metricData {
	data := &metricData{source: source, measure: m}
	for epoch := range g.ev.strata {
		data.moments = append(data.moments, make([]stats.Moments, len(g.at.experiment.Variations)))
		data.quantiles = append(data.quantiles, make([]stats.Quantile, len(g.at.experiment.Variations)))
		for arm := range data.moments[epoch] {
			data.moments[epoch][arm] = completed(stats.Moments{}, m, &g.ev.strata[epoch][arm])
		}
	}
	g.emptySlices(data)
	g.emptyDays(data)
	var off int64
	for row := range rows.Len() {
		if class, _ := rows.Int(row, "assay_class"); class != m.Class {
			continue
		}
		code, _ := rows.Int(row, "assay_stratum")
		epoch, arm := g.script.Stratum(code)
		if day, ok := dayOf(rows, row, l); ok {
			g.measuredDay(rows, row, day, epoch, arm, data)
			continue
		}
		if key, ok := g.sliceOf(rows, row, l); ok {
			if units := g.unitsOf(key); m.Sliced && units != nil {
				data.slices[key][epoch][arm] = whole(rows, row, m, &units[epoch][arm])
			}
			continue
		}
		if m.Quantile > 0 {
			q := quantileOf(rows, row, m)
			data.quantiles[epoch][arm] = q
			data.moments[epoch][arm], _, _ = q.Moments()
			continue
		}
		data.moments[epoch][arm] = whole(rows, row, m, &g.ev.strata[epoch][arm])
		if m.Log {
			without, _ := rows.Int(row, m.Prefix+"_off")
			off += without
		}
		g.cap(rows, row, source, data)
	}
	if off > 0 {
		g.find("no_logarithm", fmt.Sprintf("Units whose value of %s is not positive and has no logarithm: %s; they are absent from it.", m.Metric, decide.Count(off)), source)
	}
	return data
}

// cap reads what a percentile cap came to, and says where it caps nothing.
func (g *gatherer) cap(rows *connectors.Rows, row int, source string, data *metricData) {
	m := data.measure
	for i, column := range m.Caps {
		at, _ := rows.Float(row, column) // NULL: it falls among the zeros.
		if i < len(data.caps) {
			continue
		}
		if data.caps = append(data.caps, at); at > 0 {
			continue
		}
		g.find("no_cap", fmt.Sprintf("The percentile at which %s is capped falls among units without a positive value, so that nothing is capped; a higher one, or a fixed cap, would.", m.Metric), source)
	}
}

// emptySlices are the moments of all slices as they are without any fact.
func (g *gatherer) emptySlices(data *metricData) {
	if !data.measure.Sliced || len(g.ev.sliced) == 0 {
		return
	}
	data.slices = map[sliceKey][][]stats.Moments{}
	for _, s := range g.ev.sliced {
		moments := make([][]stats.Moments, len(s.strata))
		for epoch := range moments {
			moments[epoch] = make([]stats.Moments, len(s.strata[epoch]))
			for arm := range moments[epoch] {
				moments[epoch][arm] = completed(stats.Moments{}, data.measure, &s.strata[epoch][arm])
			}
		}
		data.slices[s.key] = moments
	}
}

// whole are the moments that a row tells, over all units that count.
func whole(rows *connectors.Rows, row int, m queries.Measure, c *counts) stats.Moments {
	all := completed(momentsOf(rows, row, m), m, c)
	if !m.Cube {
		return all
	}
	n, _ := rows.Int(row, m.Prefix+"_n")
	cube, _ := rows.Float(row, m.Prefix+"_cube")
	// Zeros add nothing to the cubes, so that they need no merging.
	return all.WithThird(cube * float64(n) / float64(max(all.N, 1)))
}

// completed adds the units that count and have no fact, where those are zeros.
func completed(got stats.Moments, m queries.Measure, c *counts) stats.Moments {
	if !m.Zeros {
		return got
	}
	return stats.WithZeros(got, c.counted(m)-got.N)
}

// counted are the units that count for a metric.
func (c *counts) counted(m queries.Measure) int64 {
	if m.CompleteOnly {
		return c.closed[m.Closed]
	}
	return c.units
}

// momentsOf reads the moments of the units that have a value; the third one,
// which is of all units, is not among them.
func momentsOf(rows *connectors.Rows, row int, m queries.Measure) stats.Moments {
	n, _ := rows.Int(row, m.Prefix+"_n")
	nonzero := n // every unit with a logarithm has a value
	if !m.Log {
		nonzero, _ = rows.Int(row, m.Prefix+"_any")
	}
	if m.Share() && !m.Covariate {
		// A unit counts once however many of its facts match.
		return stats.FromWarehouse(nonzero, nonzero, 1, 0)
	}
	number := func(name string) float64 {
		x, _ := rows.Float(row, m.Prefix+name)
		return x
	}
	out := stats.FromWarehouse(n, nonzero, number("_mean"), number("_var"))
	ratio := m.Kind == "ratio"
	if ratio {
		out = out.WithDenominator(number("_den_mean"), number("_den_var"), number("_co"))
	}
	switch {
	case m.Covariate && ratio:
		return out.WithCovariate(stats.PreMoments{
			Mean: number("_pre_mean"), M2: number("_pre_var"), DenMean: number("_pre_den_mean"), DenM2: number("_pre_den_var"),
			Co: number("_pre_co"), Value: number("_pre_value"), Den: number("_pre_den"),
			OfValue: number("_pre_of_value"), OfDen: number("_pre_of_den"),
		})
	case m.Covariate:
		return out.WithCovariate(stats.PreMoments{Mean: number("_pre_mean"), M2: number("_pre_var"), Value: number("_pre_value")})
	default:
		return out
	}
}

// quantileOf reads a quantile.
func quantileOf(rows *connectors.Rows, row int, m queries.Measure) stats.Quantile {
	number := func(name string) float64 {
		x, _ := rows.Float(row, m.Prefix+name)
		return x
	}
	n, _ := rows.Int(row, m.Prefix+"_n")
	q := stats.Quantile{N: n, Nu: m.Quantile, Value: number("_at"), Lower: number("_lower"), Upper: number("_upper")}
	if m.Events {
		some, _ := rows.Int(row, m.Prefix+"_any")
		q.Below = stats.FromWarehouse(n, some, number("_mean"), number("_var")).
			WithDenominator(number("_den_mean"), number("_den_var"), number("_co"))
		q.N = int64(math.Round(number("_den_mean") * float64(n)))
	}
	return q
}

// usualUnits is what the checks of traffic are tuned for where the spec plans no
// number of units. They hold whatever it is; it is where they are sharpest.
const usualUnits = 10000

// plannedUnits is the number of units that the checks of traffic are tuned for.
func plannedUnits(e *spec.Experiment) float64 {
	if e.PlannedUnits > 0 {
		return float64(e.PlannedUnits)
	}
	return usualUnits
}

// Unreachable stands for a warehouse that could not be opened: every look says
// so and holds, and the fail-safe keeps its time.
func Unreachable(d queries.Dialect, err error) connectors.Warehouse { return unreachable{d, err} }

type unreachable struct {
	dialect queries.Dialect
	err     error
}

func (u unreachable) Session(context.Context, connectors.Tags) (connectors.Session, error) {
	return nil, u.err
}
func (u unreachable) Dialect() queries.Dialect { return u.dialect }
func (u unreachable) Close() error             { return nil }
