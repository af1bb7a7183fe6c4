package queries

import (
	"fmt"
	"strings"
	"time"

	"assay/spec"
)

// TrafficCheckup is what a person may ask of the exposures beyond a look. Each
// statement but Sample scans the assignment query or a fact source once.
type TrafficCheckup struct {
	Units    Statement // creates the table of exposed units, as in a look
	Outside  Statement
	Missing  []Dimension // exposures without an identifier, by dimension
	Switches Statement
	Hours    Statement
	Facts    []FactHours
	// Lag compares first exposures with assignments; nil where the query does not
	// give these.
	Lag *Statement
	// Sample draws SampledUnits units at the most; columns of Dimensions hold what
	// their names say.
	Sample     Statement
	Dimensions []SampleColumn
}

// FactHours counts the facts of a source by hour.
type FactHours struct {
	Source string
	Statement
}

// SampleColumn is a dimension and its column in the sample.
type SampleColumn struct{ Name, Column string }

// SampledUnits is how many units are drawn again at the most.
const SampledUnits = 20_000

// outsideDays is how far before the start exposures are looked for.
const outsideDays = 30

// RenderTraffic writes the statements of a checkup of the traffic. Its errors are
// those of Render.
func RenderTraffic(p *spec.Project, e *spec.Experiment, look Look, d Dialect) (*TrafficCheckup, error) {
	look.State = nil
	script, err := Render(p, e, look, d)
	if err != nil {
		return nil, err
	}
	r := &renderer{p: p, e: e, look: look, d: d, tables: map[string]string{}}
	c := &TrafficCheckup{Units: script.Units}
	r.checkup(c)
	if r.err != nil {
		return nil, fmt.Errorf("rendering the checkup of %s: %w", e.Name, r.err)
	}
	return c, nil
}

func (r *renderer) checkup(c *TrafficCheckup) {
	data := func() map[string]any {
		data := r.exposures()
		data["Dimensions"] = r.declared()
		return data
	}
	outside := data()
	outside["SQL"] = r.userSQL(Source{"assignments", r.e.Assignment}, r.assignment().SQL,
		span{start: r.e.Start.AddDate(0, 0, -outsideDays), end: r.look.AsOf, zone: r.assignment().Timezone})
	outside["Until"] = moment(r.look.AsOf)
	c.Outside = r.statement("exposures outside", "traffic_outside.sql", "exposures before the start and after the end", outside)
	for _, dim := range r.declared() {
		missing := data()
		missing["Name"], missing["Alias"], missing["Values"] = dim.Name, dim.Alias, DimensionValues
		c.Missing = append(c.Missing, Dimension{Name: dim.Name, Statement: r.statement(
			"missing identifiers by "+dim.Name, "traffic_missing.sql", "where identifiers are missing", missing)})
		c.Dimensions = append(c.Dimensions, SampleColumn{dim.Name, dim.Alias})
	}
	c.Switches = r.statement("switches", "traffic_switches.sql", "when units came into a second variation", data())
	c.Hours = r.statement("exposures by hour", "traffic_hours.sql", "the volume of exposures", data())
	if column := r.assignment().AssignedAt; column != "" {
		lag := data()
		lag["AssignedAt"], lag["Exposed"] = r.d.micros("a."+r.d.ident(column), r.assignment().Timezone), r.exposed()
		c.Lag = new(r.statement("lag of exposures", "traffic_lag.sql", "how long after assignment exposures are logged", lag))
	}
	for _, name := range r.sourceNames() {
		c.Facts = append(c.Facts, FactHours{name, r.factHours(name)})
	}
	sample := data()
	sample["Exposed"], sample["Limit"] = r.exposed(), SampledUnits
	c.Sample = r.statement("sample of units", "traffic_sample.sql", "units whose variation is drawn again", sample)
}

// sourceNames are the fact sources of the experiment's metrics, in order.
func (r *renderer) sourceNames() []string {
	var names []string
	seen := map[string]bool{}
	for _, uses := range [][]spec.Use{r.e.Guardrails, r.e.Goals, r.e.Secondary} {
		for _, use := range uses {
			for _, name := range r.p.Config.Metrics[use.Metric].Sources() {
				if !seen[name] {
					seen[name], names = true, append(names, name)
				}
			}
		}
	}
	return names
}

func (r *renderer) factHours(name string) Statement {
	s := r.p.Config.Facts[name]
	return r.statement("facts of "+name+" by hour", "traffic_fact_hours.sql", "the volume of "+name, map[string]any{
		"Source": name, "SQL": r.userSQL(Source{"facts", name}, s.SQL, span{start: r.e.Start.Time, end: r.look.AsOf, zone: s.Timezone}),
		"At": r.d.micros("f."+r.d.ident("timestamp"), s.Timezone), "From": moment(r.e.Start.Time), "Until": moment(r.look.AsOf),
	})
}

// All lists the statements of a checkup in order.
func (c *TrafficCheckup) All() []Statement {
	all := []Statement{c.Units, c.Outside, c.Switches, c.Hours}
	for _, m := range c.Missing {
		all = append(all, m.Statement)
	}
	if c.Lag != nil {
		all = append(all, *c.Lag)
	}
	for _, f := range c.Facts {
		all = append(all, f.Statement)
	}
	return append(all, c.Sample)
}

// OtherArms is the variation that units have in another experiment, as a trait:
// the last, in the order of text, of several. The experiments share an
// identifier, and overlap from one instant to another.
func OtherArms(p *spec.Project, other *spec.Experiment, from, to time.Time, d Dialect) spec.Trait {
	a := p.Config.Assignments[other.Assignment]
	r := &renderer{p: p, e: other, d: d}
	sql := r.userSQL(Source{"assignments", other.Assignment}, a.SQL, span{start: from, end: to, zone: a.Timezone})
	at := d.micros("a."+d.ident("timestamp"), a.Timezone)
	return spec.Trait{
		Identifier: a.Identifier,
		SQL: strings.Join([]string{
			"SELECT a." + d.ident(a.Identifier) + ", CAST(a.variation_id AS " + d.Text + ") AS " + d.ident("value"),
			"FROM (",
			sql.sql,
			") AS a",
			"WHERE CAST(a.experiment_id AS " + d.Text + ") = " + d.text(other.ExperimentID),
			"  AND " + at + " >= " + fmt.Sprint(from.UnixMicro()),
			"  AND " + at + " < " + fmt.Sprint(to.UnixMicro()),
		}, "\n"),
	}
}
