package queries

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"assay/spec"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

var templates = template.Must(template.ParseFS(sqlFiles, "sql/*.sql"))

// renderer holds what every statement of one rendering needs.
type renderer struct {
	p    *spec.Project
	e    *spec.Experiment
	look Look
	d    Dialect
	err  error
}

// Render writes the statements of one look at experiment e of project p. The
// project has been loaded without problems; an error means that it has not.
func Render(p *spec.Project, e *spec.Experiment, look Look, d Dialect) (*Script, error) {
	r := &renderer{p: p, e: e, look: look, d: d}
	sources, err := r.sources()
	if err != nil {
		return nil, err
	}
	s := &Script{arms: len(e.Variations)}
	s.Units = r.units()
	s.Summary = r.statement("summary", "summary.sql", "counts units per variation and epoch",
		map[string]any{"Horizons": r.horizons(sources)})
	s.Days = r.statement("days", "days.sql", "counts first exposures per day", map[string]any{})
	s.Unknown = r.unknown()
	for _, name := range r.assignment().Dimensions {
		s.Dimensions = append(s.Dimensions, Dimension{Name: name, Statement: r.statement(
			"dimension "+name, "dimension.sql", "counts units per "+name,
			map[string]any{"Name": name, "Alias": dimensionAlias(name)})})
	}
	linked := map[string]bool{}
	for _, src := range sources {
		if src.join != "" && !linked[src.join] {
			linked[src.join] = true
			s.Links = append(s.Links, r.link(src))
		}
		s.Facts = append(s.Facts, r.facts(src))
	}
	if r.err != nil {
		return nil, fmt.Errorf("rendering the SQL of %s: %w", e.Name, r.err)
	}
	return s, nil
}

func (r *renderer) assignment() spec.Assignment { return r.p.Config.Assignments[r.e.Assignment] }

// statement executes a template; the first failure is kept in r.err.
func (r *renderer) statement(name, file, purpose string, data map[string]any) Statement {
	data["D"] = r.d
	data["Experiment"] = r.e.Name
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, file, data); err != nil && r.err == nil {
		r.err = err
	}
	return Statement{Name: name, Purpose: purpose, SQL: out.String()}
}

// until is where exposures stop to count: at as-of or the experiment's end.
func (r *renderer) until() time.Time {
	if end := r.e.End(); end.Before(r.look.AsOf) {
		return end
	}
	return r.look.AsOf
}

// userSQL fills the placeholders of the user's text and indents it.
func (r *renderer) userSQL(sql string, start, end time.Time) string {
	sql = strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n")
	sql = placeholder.ReplaceAllStringFunc(sql, func(m string) string {
		switch placeholder.FindStringSubmatch(m)[1] {
		case "start":
			return r.d.instant(start)
		case "end":
			return r.d.instant(end)
		default:
			return r.d.text(r.e.ExperimentID)
		}
	})
	return "  " + strings.ReplaceAll(sql, "\n", "\n  ")
}

// moment writes an instant as the integer that the statements compare, with
// the date beside it for the reader.
func moment(t time.Time) string {
	return fmt.Sprintf("%d /* %s */", t.UnixMicro(), t.UTC().Format("2006-01-02 15:04:05Z"))
}

func dimensionAlias(name string) string { return "assay_dimension_" + name }

// exposures is the data that every statement over the assignment query needs.
func (r *renderer) exposures() map[string]any {
	a := r.assignment()
	arms := make([]string, len(r.e.Variations))
	for i, v := range r.e.Variations {
		arms[i] = r.d.text(v.ID)
	}
	return map[string]any{
		"SQL":   r.userSQL(a.SQL, r.e.Start.Time, r.until()),
		"Unit":  r.d.key("a."+r.d.ident(a.Identifier), r.p.Config.Identifiers[a.Identifier].Type),
		"At":    r.d.micros("a."+r.d.ident("timestamp"), a.Timezone),
		"ID":    r.d.text(r.e.ExperimentID),
		"Arms":  arms,
		"Start": moment(r.e.Start.Time),
		"End":   moment(r.until()),
	}
}

func (r *renderer) units() Statement {
	data := r.exposures()
	data["Create"] = fmt.Sprintf(r.d.Temp, "assay_units")
	data["Order"] = fmt.Sprintf("LPAD(CAST(%s AS %s), 20, '0')", data["At"], r.d.Text)
	type dimension struct{ Column, Alias string }
	var dimensions []dimension
	for _, name := range r.assignment().Dimensions {
		dimensions = append(dimensions, dimension{r.d.ident(name), dimensionAlias(name)})
	}
	data["Dimensions"] = dimensions
	data["Bounds"], data["Last"] = r.strata()
	return r.statement("units", "units.sql", "one row per unit: first exposure, variation, epoch", data)
}

// bound gives a stratum code to units first exposed before an instant.
type bound struct{ Before, Code string }

// strata lists the bounds of the epochs by time and the code after the last.
func (r *renderer) strata() (bounds []bound, last string) {
	code := func(epoch int) string { return fmt.Sprintf("%d + assay_low", epoch*len(r.e.Variations)) }
	for i, epoch := range r.look.Epochs {
		if i > 0 {
			bounds = append(bounds, bound{moment(epoch.Start), code(i - 1)})
		}
		if epoch.Settled.After(epoch.Start) {
			bounds = append(bounds, bound{moment(epoch.Settled), fmt.Sprint(StratumSettling)})
		}
	}
	return bounds, code(len(r.look.Epochs) - 1)
}

func (r *renderer) unknown() Statement {
	return r.statement("unknown variations", "unknown.sql", "names the undeclared variations", r.exposures())
}

// horizon is a column of the summary: units whose window has closed.
type horizon struct{ Column, Latest string }

// horizons lists the distinct instants before which a unit must have been
// exposed for a window to have closed at as-of, and names their columns.
func (r *renderer) horizons(sources []*source) []horizon {
	var list []horizon
	names := map[int64]string{}
	for _, src := range sources {
		for _, m := range src.measures {
			if m.closes == 0 {
				continue
			}
			latest := r.look.AsOf.Add(-m.closes)
			key := latest.UnixMicro()
			if names[key] == "" {
				names[key] = fmt.Sprintf("closed_%d", len(list))
				list = append(list, horizon{names[key], moment(latest)})
			}
			m.closed = names[key]
		}
	}
	return list
}

func (r *renderer) link(src *source) Link {
	j := r.p.Config.Joins[src.join]
	from, to := src.identifier, r.assignment().Identifier
	data := map[string]any{
		"Create":   fmt.Sprintf(r.d.Temp, linkTable(src.join)),
		"SQL":      r.userSQL(j.SQL, r.e.Start.Time, r.look.AsOf),
		"FromName": from,
		"ToName":   to,
		"From":     r.d.key("l."+r.d.ident(from), r.p.Config.Identifiers[from].Type),
		"To":       r.d.key("l."+r.d.ident(to), r.p.Config.Identifiers[to].Type),
		"Rule":     "smallest " + to,
		"AsOf":     moment(r.look.AsOf),
		"At":       "",
	}
	if j.Timestamp {
		data["At"] = r.d.micros("l."+r.d.ident("timestamp"), j.Timezone)
		data["Rule"] = "earliest link"
	}
	return Link{
		Join: src.join,
		Create: r.statement("links of "+src.join, "links.sql",
			fmt.Sprintf("one %s for every %s", to, from), data),
		Health: r.statement("health of "+src.join, "link_health.sql", "how far the join fans out",
			map[string]any{"Join": src.join, "Table": linkTable(src.join)}),
	}
}

func linkTable(join string) string {
	return "assay_links_" + strings.ReplaceAll(join, "-", "_")
}
