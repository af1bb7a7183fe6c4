package job

import (
	"math"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

// Prospect is what an experiment can find out, from what is known before it, or
// from its last look where the ledger has one.
type Prospect struct {
	Experiment string    `json:"experiment"`
	Type       string    `json:"type"`
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	Units      float64   `json:"units"` // expected in all arms by the end; 0 = unknown
	// UnitsFrom says where Units is from: the spec or the last look.
	UnitsFrom string        `json:"unitsFrom"`
	Looks     int           `json:"looks"`
	Questions []ProspectOf  `json:"questions"`
	Alpha     ledger.Alphas `json:"alpha"`
	// False bounds the chance that a harmless variation is ever rolled back.
	False float64 `json:"false"`
}

// ProspectOf is that of one metric against one treatment.
type ProspectOf struct {
	Metric    string       `json:"metric"`
	Role      string       `json:"role"`
	Variation string       `json:"variation"`
	Design    stats.Design `json:"design"`
	// From says where the expected value of control is from.
	From string     `json:"from"`
	Mean float64    `json:"mean"`
	SD   float64    `json:"sd"`
	Plan stats.Plan `json:"plan"`
}

// mostScheduled is the number of looks that a plan has at most; more spend error
// no finer.
const mostScheduled = 128

// Plan computes what an experiment can find out by its end with a chance of
// power. It runs nothing; last is its last look, nil if there is none.
func Plan(p *spec.Project, e *spec.Experiment, last *ledger.Look, power float64) Prospect {
	at := &vantage{project: p, experiment: e}
	units, from := expectedUnits(e, last)
	schedule := timesOf(e)
	out := Prospect{
		Experiment: e.Name, Type: e.Type, Start: e.Start.UTC(), End: e.End().UTC(),
		Units: units, UnitsFrom: from, Looks: len(schedule),
		Alpha: ledger.Alphas{Guardrails: e.Policy.Alpha.Guardrails, Goals: e.Policy.Alpha.Goals, SampleRatio: e.Policy.Alpha.SampleRatio},
	}
	for _, q := range questions(at) {
		if q.role == decide.RoleSecondary {
			continue
		}
		out.Questions = append(out.Questions, prospectOf(at, q, last, units, schedule, power))
		if q.guards() {
			out.False += q.alpha
		}
	}
	return out
}

// prospectOf forecasts one question.
func prospectOf(at *vantage, q question, last *ledger.Look, units float64, times []time.Duration, power float64) ProspectOf {
	d := design(at, q)
	f := stats.Forecast{Design: d}
	if q.role == decide.RoleGoal && !q.use.Rollback {
		// Of a goal it is asked whether it gets better.
		f.TwoSided, f.Design.Harm, f.Design.Margin = true, stats.SideUp, stats.Size{}
		if q.metric.Direction == "down" {
			f.Design.Harm = stats.SideDown
		}
	}
	out := ProspectOf{Metric: q.use.Metric, Role: q.role, Variation: at.experiment.Variations[q.treatment].ID, Design: d}
	f.Mean, f.SD, out.From = expected(q, last)
	out.Mean, out.SD = f.Mean, f.SD
	pair := at.experiment.Variations[q.treatment].Weight + at.experiment.KnownGood().Weight
	f.Schedule = scheduled(at.experiment, q.metric, units*pair, times)
	out.Plan = f.Plan(power)
	if units == 0 {
		out.Plan = stats.Plan{Status: stats.StatusNoUnits, Note: "how many units to expect is not known: planned_units", Target: power}
	}
	return out
}

// expected is what control is expected to show: what the last look found, or
// what the spec declares.
func expected(q question, last *ledger.Look) (mean, sd float64, from string) {
	if m, ok := controlMoments(q, last); ok {
		variance, _ := m.Variance()
		mean, from = m.Mean, "the last look"
		if q.metric.Kind == "ratio" && m.DenMean != 0 {
			r := m.Mean / m.DenMean
			mean, variance = r, max(0, m.M2-2*r*m.Co+r*r*m.DenM2)/float64(m.N-1)/m.DenMean/m.DenMean
		}
		return mean, math.Sqrt(variance), from
	}
	if q.metric.BaseRate != nil {
		mean, from = *q.metric.BaseRate, "the spec"
	}
	if q.metric.BaseSD != nil {
		sd, from = *q.metric.BaseSD, "the spec"
	}
	return mean, sd, from
}

// controlMoments are those of the known-good variation over all epochs of the
// last look, if it has enough units to tell anything, and anything was seen.
func controlMoments(q question, last *ledger.Look) (m stats.Moments, ok bool) {
	if last == nil {
		return m, false
	}
	control := ""
	for _, v := range last.Spec.Variations {
		if v.KnownGood {
			control = v.ID
		}
	}
	for _, r := range last.Metrics {
		if r.Name != q.use.Metric || r.Role != q.role {
			continue
		}
		for _, a := range r.Arms {
			if a.Variation == control {
				m = stats.Merge(m, a.Moments)
			}
		}
	}
	return m, m.N >= 100 && m.Mean != 0
}

// expectedUnits are those of all arms by the end: the spec's, or where it has
// none the last look's at its pace.
func expectedUnits(e *spec.Experiment, last *ledger.Look) (units float64, from string) {
	if e.PlannedUnits > 0 || last == nil {
		return float64(e.PlannedUnits), "the spec"
	}
	passed := float64(last.AsOf.Sub(e.Start.Time)) / float64(e.Duration.Duration)
	if passed <= 0 {
		return 0, "the spec"
	}
	return math.Round(float64(last.Health.Units) / min(passed, 1)), "the pace until the last look"
}

// timesOf are the scheduled looks after the start, thinned out where there are
// very many; the last is at the end.
func timesOf(e *spec.Experiment) []time.Duration {
	n := int(math.Ceil(float64(e.Duration.Duration) / float64(e.Cadence.Duration)))
	step := e.Cadence.Duration
	if n > mostScheduled {
		n, step = mostScheduled, e.Duration.Duration/mostScheduled
	}
	out := make([]time.Duration, 0, n)
	for k := 1; k < n; k++ {
		out = append(out, time.Duration(k)*step)
	}
	return append(out, e.Duration.Duration)
}

// scheduled are the looks with the units of two arms that count by then: those
// that came, and where only complete ones count, those whose window has closed.
func scheduled(e *spec.Experiment, m spec.Metric, units float64, times []time.Duration) []stats.ScheduledLook {
	lag := time.Duration(0)
	if m.CompleteOnly {
		lag = m.Delay.Duration + m.Window.Duration
	}
	whole := covered(e, e.Duration.Duration)
	out := make([]stats.ScheduledLook, len(times))
	for i, t := range times {
		out[i] = stats.ScheduledLook{
			Time:  float64(t) / float64(e.Duration.Duration),
			Units: units * covered(e, t-lag) / whole,
		}
	}
	return out
}

// covered is the integral of the coverage until a time after the start: what an
// even stream of units has brought, with every step of the ladder taken when it
// is due.
func covered(e *spec.Experiment, until time.Duration) float64 {
	rungs := e.Ladder
	if len(rungs) == 0 {
		rungs = []float64{e.Coverage}
	}
	sum := 0.0
	for i, rung := range rungs {
		from, to := due(e, i), until
		if i+1 < len(rungs) {
			to = min(until, due(e, i+1))
		}
		if to > from {
			sum += rung * float64(to-from)
		}
	}
	return sum
}

// due is when a rung of the ladder is due, after the start: all of them inside
// the first quarter of the duration.
func due(e *spec.Experiment, rung int) time.Duration {
	return e.Duration.Duration / 4 * time.Duration(rung) / time.Duration(max(1, len(e.Ladder)))
}
