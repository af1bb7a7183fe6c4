package spec

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const defaultCadence = day

// defaultSampleRatioFloor is a tenth of a percentage point: far less than what
// moves a result, and what chance alone does to a quarter of a million units.
const defaultSampleRatioFloor = 0.001

// defaultPolicy holds where neither the experiment nor the project says
// otherwise. A rollout's least duration is its own duration instead.
var defaultPolicy = Policy{
	Alpha:            Alphas{Guardrails: 0.05, Goals: 0.05, SampleRatio: 0.01},
	GoalCorrection:   CorrectHolm,
	Prior:            &Prior{},
	AutoRollback:     new(true),
	Approval:         []string{},
	OnSampleRatio:    "hold",
	OnMultiple:       "hold",
	OnUnknown:        "hold",
	MaxMultiple:      0.01,
	MaxUnknown:       0.01,
	MinUnits:         20,
	MinStepUnits:     100,
	MinDuration:      Duration{7 * day},
	Freshness:        Duration{day},
	MaxBlind:         Duration{day},
	BlindAction:      "step_back",
	Settle:           Duration{10 * time.Minute},
	SampleRatioFloor: new(defaultSampleRatioFloor),
}

// defaultLadder are the coverages of a rollout that names none.
var defaultLadder = []float64{0.1, 0.25, 0.5, 0.75, 1}

// firstList is the first list that is given; an empty one is.
func firstList(lists ...[]string) []string {
	for _, list := range lists {
		if list != nil {
			return list
		}
	}
	return []string{}
}

// defaultOn is what a channel is told of that names nothing: what somebody has to
// know, or to do something about.
var defaultOn = []string{"rollback", "ship", "review", "hold", "conflict", "approval", "undelivered"}

// over is p where p says something, else base.
func (p Policy) over(base Policy) Policy {
	return Policy{
		Alpha: Alphas{
			Guardrails:  cmp.Or(p.Alpha.Guardrails, base.Alpha.Guardrails),
			Goals:       cmp.Or(p.Alpha.Goals, base.Alpha.Goals),
			SampleRatio: cmp.Or(p.Alpha.SampleRatio, base.Alpha.SampleRatio),
		},
		GoalCorrection:   cmp.Or(p.GoalCorrection, base.GoalCorrection),
		Prior:            new(*cmp.Or(p.Prior, base.Prior, &Prior{})),
		AutoRollback:     new(*cmp.Or(p.AutoRollback, base.AutoRollback, new(true))),
		Approval:         firstList(p.Approval, base.Approval),
		OnSampleRatio:    cmp.Or(p.OnSampleRatio, base.OnSampleRatio),
		OnMultiple:       cmp.Or(p.OnMultiple, base.OnMultiple),
		OnUnknown:        cmp.Or(p.OnUnknown, base.OnUnknown),
		MaxMultiple:      cmp.Or(p.MaxMultiple, base.MaxMultiple),
		MaxUnknown:       cmp.Or(p.MaxUnknown, base.MaxUnknown),
		MinUnits:         cmp.Or(p.MinUnits, base.MinUnits),
		MinStepUnits:     cmp.Or(p.MinStepUnits, base.MinStepUnits),
		MinDuration:      cmp.Or(p.MinDuration, base.MinDuration),
		Freshness:        cmp.Or(p.Freshness, base.Freshness),
		MaxBlind:         cmp.Or(p.MaxBlind, base.MaxBlind),
		BlindAction:      cmp.Or(p.BlindAction, base.BlindAction),
		Settle:           cmp.Or(p.Settle, base.Settle),
		SampleRatioFloor: new(*cmp.Or(p.SampleRatioFloor, base.SampleRatioFloor, defaultPolicy.SampleRatioFloor)),
	}
}

// fillDefaults completes a project without problems.
func fillDefaults(p *Project) {
	given := p.Config.Policy
	for i := range p.Experiments {
		fillExperiment(&p.Experiments[i], given)
	}
	slices.SortFunc(p.Experiments, func(a, b Experiment) int { return cmp.Compare(a.Name, b.Name) })
	p.Config.Policy = given.over(defaultPolicy)
	fillConfig(&p.Config)
}

func fillConfig(c *Config) {
	c.Warehouse.Timeout = cmp.Or(c.Warehouse.Timeout, Duration{time.Hour})
	c.Report.Path = cmp.Or(c.Report.Path, "report")
	c.Report.Assets = cmp.Or(c.Report.Assets, "inline")
	if c.Ledger.DuckDB == "" && c.Ledger.Table == "" {
		c.Ledger.Path = cmp.Or(c.Ledger.Path, "ledger.jsonl")
	} else {
		c.Ledger.Lease = cmp.Or(c.Ledger.Lease, Duration{10 * time.Minute})
	}
	c.Schedule.fill()
	if i := c.Incremental; i != nil {
		i.Rebuild = cmp.Or(i.Rebuild, Duration{7 * 24 * time.Hour})
		i.Path = cmp.Or(i.Path, "kept")
	}
	if c.Experiments == nil {
		c.Experiments = []string{defaultGlob}
	}
	for i := range c.Notify {
		n := &c.Notify[i]
		n.Name = cmp.Or(n.Name, n.Type)
		if n.On == nil {
			n.On = slices.Clone(defaultOn)
		}
	}
	sql := sqlFor(c.Warehouse.Type)
	for name, a := range c.Assignments {
		a.SQL, a.Timezone = sql.statement(a.SQL), cmp.Or(a.Timezone, "UTC")
		c.Assignments[name] = a
	}
	for name, t := range c.Traits {
		t.SQL = sql.statement(t.SQL)
		c.Traits[name] = t
	}
	for name, j := range c.Joins {
		j.SQL, j.Timezone = sql.statement(j.SQL), cmp.Or(j.Timezone, "UTC")
		c.Joins[name] = j
	}
	for name, s := range c.Facts {
		s.SQL, s.Timezone = sql.statement(s.SQL), cmp.Or(s.Timezone, "UTC")
		c.Facts[name] = s
	}
	for name, m := range c.Metrics {
		m.Where, m.Value = strings.TrimSpace(m.Where), strings.TrimSpace(m.Value)
		if m.Scale == scaleLinear {
			m.Scale = ""
		}
		m.Rule, m.Total = m.Rule.trimmed(), m.Total.trimmed()
		m.Numerator, m.Denominator = m.Numerator.trimmed(), m.Denominator.trimmed()
		if m.Kind == "quantile" && m.Of == "unit" {
			m.PerUnit = cmp.Or(m.PerUnit, "mean")
		}
		c.Metrics[name] = m
	}
}

// trimmed is the rule without blanks around its SQL, and with the default left
// out: writing it changes no digest.
func (r *Rule) trimmed() *Rule {
	if r == nil {
		return nil
	}
	out := *r
	out.Text = strings.TrimSpace(r.Text)
	if out.Counts == ruleBroken {
		out.Counts = ""
	}
	return &out
}

func (t *Total) trimmed() *Total {
	if t == nil {
		return nil
	}
	out := *t
	out.Value = strings.TrimSpace(t.Value)
	return &out
}

// trimmed is the part without blanks around its SQL.
func (p *Part) trimmed() *Part {
	if p == nil {
		return nil
	}
	return &Part{Source: p.Source, Value: strings.TrimSpace(p.Value), Where: strings.TrimSpace(p.Where), Rule: p.Rule.trimmed(), Cap: p.Cap}
}

func fillExperiment(e *Experiment, project Policy) {
	base := defaultPolicy
	if e.Type == TypeRollout {
		base.MinDuration = e.Duration
		if e.Ladder == nil {
			e.Ladder = slices.Clone(defaultLadder)
		}
	}
	e.Policy = e.Policy.over(project.over(base))
	e.ExperimentID = cmp.Or(e.ExperimentID, e.Name)
	e.Cadence = cmp.Or(e.Cadence, Duration{defaultCadence})
	e.Coverage = cmp.Or(e.Coverage, 1)
	for i := range e.Variations {
		v := &e.Variations[i]
		v.Weight = cmp.Or(v.Weight, 1/float64(len(e.Variations)))
	}
	for _, uses := range [][]Use{e.Guardrails, e.Goals, e.Secondary} {
		for i := range uses {
			uses[i].Weight = cmp.Or(uses[i].Weight, 1)
			uses[i].Method = cmp.Or(uses[i].Method, "auto")
		}
	}
}
