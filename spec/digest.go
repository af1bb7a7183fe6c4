package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Digest identifies everything an experiment's looks depend on: the resolved
// experiment with the definitions it uses, prompts included; 32 hex digits. It
// does not depend on paths, on the report, the ledger or the flag stores.
func (p *Project) Digest(e *Experiment) string { return digest(p.resolved(e), 16) }

// resolved is what Digest is made of.
func (p *Project) resolved(e *Experiment) map[string]any {
	assignment := p.Config.Assignments[e.Assignment]
	assignment.AssignedAt = "" // No look reads it.
	identifiers := map[string]Identifier{assignment.Identifier: p.Config.Identifiers[assignment.Identifier]}
	metrics, facts, joins := map[string]Metric{}, map[string]Source{}, map[string]Join{}
	for _, name := range e.metrics() {
		metrics[name] = p.Config.Metrics[name]
		for _, source := range metrics[name].Sources() {
			facts[source] = p.Config.Facts[source]
			join, identifier := p.JoinFor(e, source)
			identifiers[identifier] = p.Config.Identifiers[identifier]
			if join != "" {
				joins[join] = p.Config.Joins[join]
			}
		}
	}
	values := map[string]any{
		"experiment":  canonical(reflect.ValueOf(e.digested())),
		"assignment":  canonical(reflect.ValueOf(assignment)),
		"identifiers": canonical(reflect.ValueOf(identifiers)),
		"metrics":     canonical(reflect.ValueOf(metrics)),
		"facts":       canonical(reflect.ValueOf(facts)),
		"joins":       canonical(reflect.ValueOf(joins)),
	}
	// The key is younger than ledgers: where it says nothing it is not there.
	if traits := p.traits(e); len(traits) > 0 {
		values["traits"] = canonical(reflect.ValueOf(traits))
	}
	return values
}

// traits are those that the experiment slices by.
func (p *Project) traits(e *Experiment) map[string]Trait {
	out := map[string]Trait{}
	for _, name := range e.Slices {
		if t, ok := p.Config.Traits[name]; ok {
			out[name] = t
		}
	}
	return out
}

// PlanDigest identifies what is fixed before data. The fields have names for
// people ("alpha", "guardrail error_rate") and digests of their values, so that
// a change can be named.
func (p *Project) PlanDigest(e *Experiment) (whole string, fields map[string]string) {
	values := map[string]any{
		"planned_units": e.PlannedUnits,
		"start":         e.Start,
		"cadence":       e.Cadence,
		"min_units":     e.Policy.MinUnits,
		"duration":      e.Duration,
		"alpha":         canonical(reflect.ValueOf(e.Policy.Alpha)),
		"allocation":    e.allocation(),
	}
	if correction := e.digested().Policy.GoalCorrection; correction != "" {
		values["goal_correction"] = correction
	}
	if e.Activation != "" {
		all := p.Config.Metrics[e.Activation].planned(sqlFor(p.Config.Warehouse.Type))
		// What it is beside an instant does not matter.
		m := Metric{Where: all.Where, Rule: all.Rule, Delay: all.Delay, Window: all.Window, PastEnd: all.PastEnd, Source: all.Source}
		values["activation"] = map[string]any{"metric": canonical(reflect.ValueOf(m)), "source": p.plannedSource(e, m.Source)}
	}
	for role, r := range e.roles() {
		for _, use := range r.uses {
			for _, source := range p.Config.Metrics[use.Metric].Sources() {
				values["source "+source] = p.plannedSource(e, source)
			}
			values[role+" "+use.Metric] = map[string]any{
				"use":    canonical(reflect.ValueOf(use)),
				"metric": canonical(reflect.ValueOf(p.Config.Metrics[use.Metric].planned(sqlFor(p.Config.Warehouse.Type)))),
			}
		}
	}
	fields = make(map[string]string, len(values))
	for name, value := range values {
		fields[name] = digest(value, 8)
	}
	return digest(fields, 16), fields
}

// metrics are the names of all that the experiment uses.
func (e *Experiment) metrics() []string {
	var names []string
	for _, r := range e.roles() {
		for _, use := range r.uses {
			names = append(names, use.Metric)
		}
	}
	if e.Activation != "" {
		names = append(names, e.Activation)
	}
	return names
}

// digested is the experiment without the defaults of keys that came to the
// format after its first version: they leave digests alone.
func (e *Experiment) digested() Experiment {
	out := *e
	if out.Policy.GoalCorrection == CorrectHolm {
		out.Policy.GoalCorrection = ""
	}
	if len(out.Policy.Approval) == 0 {
		out.Policy.Approval = nil
	}
	if p := out.Policy.Prior; p != nil && *p == (Prior{}) {
		out.Policy.Prior = nil
	}
	return out
}

// allocation is who is meant to get what; the order of the arms and their
// prompts are no part of it.
func (e *Experiment) allocation() any {
	arms := slices.Clone(e.Variations)
	for i := range arms {
		arms[i].Prompt = nil
	}
	slices.SortFunc(arms, func(a, b Variation) int { return strings.Compare(a.ID, b.ID) })
	return map[string]any{
		"variations": canonical(reflect.ValueOf(arms)),
		"coverage":   e.Coverage,
		"ladder":     e.Ladder,
	}
}

// planned is the metric without what does not change its value.
func (m Metric) planned(sql sqlOf) Metric {
	m.Description, m.Quality, m.Unit, m.BaseSD = "", "", "", nil
	m.Where, m.Value = sql.plain(m.Where), sql.plain(m.Value)
	m.Numerator, m.Denominator = m.Numerator.planned(sql), m.Denominator.planned(sql)
	m.Rule = m.Rule.planned(sql)
	if m.Total != nil {
		m.Total = new(*m.Total)
		m.Total.Value = sql.plain(m.Total.Value)
	}
	return m
}

func (r *Rule) planned(sql sqlOf) *Rule {
	if r == nil {
		return nil
	}
	out := *r
	out.Text = sql.plain(out.Text)
	return &out
}

func (p *Part) planned(sql sqlOf) *Part {
	if p == nil {
		return nil
	}
	return &Part{Source: p.Source, Value: sql.plain(p.Value), Where: sql.plain(p.Where), Rule: p.Rule.planned(sql), Cap: p.Cap}
}

// plannedSource is what a source's metrics are made of: its rows, how they are
// counted once, and how they come to the units.
func (p *Project) plannedSource(e *Experiment, name string) any {
	sql := sqlFor(p.Config.Warehouse.Type)
	source := p.Config.Facts[name]
	source.SQL, source.Freshness = sql.plain(source.SQL), Duration{}
	join, identifier := p.JoinFor(e, name)
	link := p.Config.Joins[join]
	link.SQL = sql.plain(link.SQL)
	return map[string]any{
		"source": canonical(reflect.ValueOf(source)),
		"join":   canonical(reflect.ValueOf(link)),
		"types":  []string{p.Config.Identifiers[identifier].Type, p.Config.Identifiers[p.Config.Assignments[e.Assignment].Identifier].Type},
	}
}

// Version identifies the prompt's template, model and parameters: 12 hex digits.
func (p *Prompt) Version() string {
	return digest(map[string]any{"template": p.Template, "model": p.Model, "parameters": p.Parameters}, 6)
}

// digest is the first n bytes of the SHA-256 of the value's JSON, in hex. The
// keys of maps are sorted there.
func digest(value any, n int) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("spec: %T has no JSON: %v", value, err)) // decoded values always have
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:n])
}

// canonical is a value as JSON has it, under the names of the YAML and without
// what is zero, so that a key added to the format later leaves digests alone.
// Secrets and the paths of prompts are left out.
func canonical(v reflect.Value) any {
	switch kind := v.Kind(); {
	case kind == reflect.Pointer && v.IsNil():
		return nil
	case kind == reflect.Pointer:
		return canonical(v.Elem())
	case kind == reflect.Struct:
		return canonicalStruct(v)
	case kind == reflect.Map:
		out := map[string]any{}
		for key, element := range v.Seq2() {
			out[key.String()] = canonical(element)
		}
		return out
	case kind == reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = canonical(v.Index(i))
		}
		return out
	default:
		return v.Interface()
	}
}

func canonicalStruct(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case Duration, Instant, Amount:
		return value
	case Secret:
		return nil
	case Prompt:
		value.File = ""
		v = reflect.ValueOf(value)
	case Policy:
		// The key is younger than ledgers: where it says nothing it is not there.
		if floor := value.SampleRatioFloor; floor != nil && *floor == defaultSampleRatioFloor {
			value.SampleRatioFloor = nil
		}
		v = reflect.ValueOf(value)
	}
	out := map[string]any{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" && !v.Field(i).IsZero() {
			out[name] = canonical(v.Field(i))
		}
	}
	return out
}
