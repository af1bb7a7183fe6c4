package queries

import (
	"bytes"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"

	"assay/spec"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"comma": comma,
	"note":  note,
	"add":   func(a, b int) int { return a + b },
}).ParseFS(sqlFiles, "sql/*.sql"))

var (
	plainName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	exactName   = regexp.MustCompile(`^"[A-Za-z_][A-Za-z0-9_]*"$`)
	placeholder = regexp.MustCompile(`\{\{\s*(start|end|experiment)\s*\}\}`)
)

// renderer holds what every statement of one rendering needs.
type renderer struct {
	p      *spec.Project
	e      *spec.Experiment
	look   Look
	d      Dialect
	tables map[string]string // join -> its table
	kept   int               // tables of what facts come to for each unit

	acrosses []*across // ratios over two sources
	err      error

	// Of the statement that is being rendered: what is written of it, and where
	// queries of the spec stand in it.
	out   bytes.Buffer
	texts []Text
	makes string // the temporary table that it makes
	body  int    // where its query begins

	expressions []expression // of metrics, that statements have now
}

// Render writes the statements of one look at experiment e of project p. The
// project has been loaded without problems; an error means that it has not.
func Render(p *spec.Project, e *spec.Experiment, look Look, d Dialect) (*Script, error) {
	if look.State != nil && d.Name != DuckDB.Name {
		return nil, fmt.Errorf("rendering the SQL of %s: only looks on duckdb have a state", e.Name)
	}
	if len(look.Epochs) == 0 {
		return nil, fmt.Errorf("rendering the SQL of %s: a look has at least one epoch", e.Name)
	}
	r := &renderer{p: p, e: e, look: look, d: d, tables: map[string]string{}}
	sources, err := r.sources()
	if err != nil {
		return nil, fmt.Errorf("rendering the SQL of %s: %w", e.Name, err)
	}
	s := r.script(sources)
	if r.err != nil {
		return nil, fmt.Errorf("rendering the SQL of %s: %w", e.Name, r.err)
	}
	return s, nil
}

func (r *renderer) script(sources []*source) *Script {
	s := &Script{arms: len(r.e.Variations)}
	if r.keeps() {
		r.recentUnits(s)
	} else {
		s.Units = r.units()
	}
	s.Activation = r.activation(s)
	s.Sliced = r.sliced()
	horizons := r.horizons(sources)
	s.Summary = r.statement("summary", "summary.sql", "counts units per variation and epoch",
		map[string]any{"Horizons": horizons, "Activation": r.e.Activation})
	s.Hours = r.statement("hours", "hours.sql", "counts first exposures per hour", map[string]any{"Exposed": r.exposed()})
	s.Unknown = r.unknown()
	r.strays(s)
	for _, d := range r.declared() {
		s.Dimensions = append(s.Dimensions, Dimension{Name: d.Name, Statement: r.statement(
			"dimension "+d.Name, "dimension.sql", "counts units per "+d.Name,
			map[string]any{"Name": d.Name, "Alias": d.Alias, "Values": DimensionValues, "Exposed": r.exposed()})})
	}
	for _, slice := range r.slices() {
		s.Slices = append(s.Slices, Slice{Dimension: slice.Name, Column: slice.Column, Statement: r.statement(
			"slices by "+slice.Name, "slice.sql", "counts units per slice by "+slice.Name,
			map[string]any{"Name": slice.Name, "Alias": slice.Alias, "Column": slice.Column, "Values": DimensionValues, "Horizons": horizons})})
	}
	s.Days = r.days()
	for _, src := range sources {
		r.linked(s, src)
		s.Facts = append(s.Facts, r.facts(s, src))
	}
	s.Ratios = r.ratios()
	return s
}

// linked resolves the join of a source, once.
func (r *renderer) linked(s *Script, src *source) {
	if src.join != "" && r.tables[src.join] == "" {
		r.tables[src.join] = r.linkTable(src.join)
		s.Links = append(s.Links, r.link(src))
	}
}

// exposed is the table of the exposed units: that of all units, unless more is
// made of it.
func (r *renderer) exposed() string {
	if r.e.Activation != "" || len(r.e.Slices) > 0 {
		return "assay_exposed"
	}
	return "assay_units"
}

// activatedTable is the table of units with their anchors, sliced or not.
func (r *renderer) activatedTable() string {
	if len(r.e.Slices) > 0 {
		return "assay_activated"
	}
	return "assay_units"
}

// sliceOf is a dimension by which effects are shown.
type sliceOf struct {
	dimension
	Number int
	Column string // of assay_units: the code of a unit's slice
}

func (r *renderer) slices() []sliceOf {
	var out []sliceOf
	for i, name := range r.e.Slices {
		for _, d := range r.dimensions() {
			if d.Name == name {
				out = append(out, sliceOf{d, i + 1, fmt.Sprintf("assay_slice_%d", i+1)})
			}
		}
	}
	return out
}

// sliced renders the statement that gives units their slices, and the one that
// puts all of them into the rest instead; nil without any.
func (r *renderer) sliced() *Sliced {
	if len(r.e.Slices) == 0 {
		return nil
	}
	from := r.exposed()
	if r.e.Activation != "" {
		from = r.activatedTable()
	}
	data := map[string]any{
		"Create": r.create("assay_units"), "Table": from, "Traits": r.dimensions()[len(r.assignment().Dimensions):],
		"Names": strings.Join(r.e.Slices, ", "), "Slices": r.slices(), "Values": DimensionValues,
	}
	return &Sliced{
		Statement: r.statement("slices", "sliced.sql", "which slice a unit belongs to", data),
		Without:   r.statement("no slices", "unsliced.sql", "the units, where their slices could not be told", data),
	}
}

// firstExposure is the column of a unit's first exposure in assay_units.
func (r *renderer) firstExposure() string {
	if r.e.Activation != "" {
		return "assay_first"
	}
	return "assay_anchor"
}

// activation renders the statement that anchors windows at the first fact of
// the activation metric; nil without one.
func (r *renderer) activation(s *Script) *Facts {
	if r.e.Activation == "" {
		return nil
	}
	m := r.p.Config.Metrics[r.e.Activation]
	src := r.source(m.Source)
	r.linked(s, src)
	a := r.measure(r.e.Activation, m)
	src.measures = []*measure{a}
	data := r.sourceData(src)
	data["Create"] = r.create(r.activatedTable())
	data["Key"], data["Ties"] = "", ""
	data["Metric"], data["Filter"], data["Limit"] = r.e.Activation, a.where, moment(a.limit)
	data["Opens"], data["Closes"] = plus(a.opens), plus(a.closes)
	r.expressions = expressionsOf(src.measures)
	defer func() { r.expressions = nil }()
	data["Dimensions"] = r.declared()
	if src.spec.Key != "" {
		data["Key"], data["Ties"] = "f."+r.d.ident(src.spec.Key), ties(data["FactKey"].(string), src.measures)
	}
	return &Facts{
		Source: src.name, Metrics: names(src.measures),
		Statement: r.statement("activation", "activation.sql", "when units were activated: their windows begin there", data),
		Alignment: r.statement("alignment of activation", "alignment.sql",
			"whether the identifiers of "+src.name+" meet the exposed units", r.alignmentData(src, "assay_exposed")),
		Shapes: r.statement("shapes of activation", "shapes.sql",
			"what the identifiers of "+src.name+" look like", r.shapesData(src, "assay_exposed")),
	}
}

func (r *renderer) assignment() spec.Assignment { return r.p.Config.Assignments[r.e.Assignment] }

// statement executes a template; the first failure is kept in r.err.
func (r *renderer) statement(name, file, purpose string, data map[string]any) Statement {
	data["D"] = r.d
	data["Experiment"] = r.e.Name
	r.out.Reset()
	r.texts, r.makes, r.body = nil, "", 0
	if err := templates.ExecuteTemplate(&r.out, file, data); err != nil && r.err == nil {
		r.err = err
	}
	return Statement{Name: name, Purpose: purpose, SQL: r.out.String(), Texts: r.texts, makes: r.makes, body: r.body, expressions: r.expressions}
}

// until is where exposures stop to count: at as-of or the experiment's end.
func (r *renderer) until() time.Time {
	if end := r.e.End(); end.Before(r.look.AsOf) {
		return end
	}
	return r.look.AsOf
}

// span is what {{start}} and {{end}} stand for: bounds by which the user's own
// SQL can leave out partitions. What counts is decided after it, exactly.
type span struct {
	start, end time.Time
	zone       string // of timestamps that carry none
	wide       bool   // the bounds leave nothing out
}

// literals of the bounds. Beside a source with a zone of its own, whose column
// may hold wall clocks or instants, they are a day wider on both sides, which
// covers every zone: they save scanning, and what counts is decided after them.
func (s span) literals(d Dialect) (start, end string) {
	if s.wide {
		return d.instant(earliest), d.Farthest
	}
	if s.zone == "" || s.zone == "UTC" {
		return d.instant(s.start), d.instant(s.end)
	}
	return d.instant(s.start.AddDate(0, 0, -1)), d.instant(s.end.AddDate(0, 0, 1))
}

// userSQL fills the placeholders of a query of the spec and indents it, outside
// of texts and comments.
func (r *renderer) userSQL(of Source, sql string, s span) *userText {
	sql = strings.TrimRight(strings.TrimSpace(sql), "; \t\r\n")
	w := &weaver{}
	w.out.WriteString("  ")
	last := 0
	for _, at := range spec.Verbatim(r.d.Name).FindAllStringIndex(sql, -1) {
		r.fill(w, sql[last:at[0]], s)
		w.copy(sql[at[0]:at[1]])
		last = at[1]
	}
	r.fill(w, sql[last:], s)
	return &userText{r: r, of: of, sql: w.out.String(), pieces: w.pieces}
}

// fill replaces placeholders by literals of the dialect.
func (r *renderer) fill(w *weaver, sql string, s span) {
	start, end := s.literals(r.d)
	last := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(sql, -1) {
		w.indent(sql[last:at[0]])
		literal := r.d.text(r.e.ExperimentID)
		switch sql[at[2]:at[3]] {
		case "start":
			literal = start
		case "end":
			literal = end
		}
		w.fill(sql[at[0]:at[1]], literal)
		last = at[1]
	}
	w.indent(sql[last:])
}

// comma separates item i of n from the next one.
func comma(i, n int) string {
	if i < n-1 {
		return ","
	}
	return ""
}

// note makes a name fit for a comment, which ends with its line.
func note(name string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, name)
}

// moment writes an instant as the integer that the statements compare, with
// the date beside it for the reader.
func moment(t time.Time) string {
	return fmt.Sprintf("%d /* %s */", t.UnixMicro(), t.UTC().Format("2006-01-02 15:04:05Z"))
}

// dimensionAlias is the column of the unit table for dimension i.
func dimensionAlias(i int) string { return fmt.Sprintf("assay_dimension_%d", i+1) }

// assignmentSQL is the assignment query, of exposures since an instant.
func (r *renderer) assignmentSQL(since time.Time) *userText {
	a := r.assignment()
	return r.userSQL(Source{"assignments", r.e.Assignment}, a.SQL, span{start: since, end: r.until(), zone: a.Timezone})
}

// exposures is the data that every statement over the assignment query needs.
func (r *renderer) exposures() map[string]any {
	a := r.assignment()
	arms := make([]string, len(r.e.Variations))
	for i, v := range r.e.Variations {
		arms[i] = r.d.text(v.ID)
	}
	return map[string]any{
		"SQL":        r.assignmentSQL(r.e.Start.Time),
		"Assignment": r.e.Assignment,
		"Unit":       r.d.key("a."+r.d.ident(a.Identifier), r.p.Config.Identifiers[a.Identifier].Type),
		"At":         r.d.micros("a."+r.d.ident("timestamp"), a.Timezone),
		"ID":         r.d.text(r.e.ExperimentID),
		"Arms":       arms,
		"Start":      moment(r.e.Start.Time),
		"End":        moment(r.until()),
	}
}

// dimension is a column of the assignment query, or a trait, and its name in the
// unit table.
type dimension struct {
	Name, Alias string
	Column      string // of the assignment query; "" for a trait

	// Of a trait: its SQL, its identifier and its value.
	SQL        *userText
	Key, Value string
}

func (r *renderer) units() Statement {
	data := r.exposures()
	data["Create"] = r.create(r.exposed())
	data["Dimensions"] = r.declared()
	data["Bounds"], data["Last"] = r.strata()
	return r.statement("units", "units.sql", "one row per unit: first exposure, variation, epoch", data)
}

// declared are the columns of the assignment query that units keep.
func (r *renderer) declared() []dimension { return r.dimensions()[:len(r.assignment().Dimensions)] }

// dimensions are those and the traits that effects are sliced by.
func (r *renderer) dimensions() []dimension {
	var list []dimension
	declared := r.assignment().Dimensions
	for i, name := range declared {
		list = append(list, dimension{Name: name, Alias: dimensionAlias(i), Column: r.d.ident(name)})
	}
	for _, name := range r.e.Slices {
		if slices.Contains(declared, name) {
			continue
		}
		t := r.p.Config.Traits[name]
		list = append(list, dimension{
			Name: name, Alias: dimensionAlias(len(list)),
			SQL:   r.userSQL(Source{"traits", name}, t.SQL, span{start: r.e.Start.Time, end: r.look.AsOf}),
			Key:   r.d.key("t."+r.d.ident(t.Identifier), r.p.Config.Identifiers[t.Identifier].Type),
			Value: "t." + r.d.ident("value"),
		})
	}
	return list
}

// bound gives a stratum code to units first exposed before an instant.
type bound struct{ Before, Code string }

// strata lists the bounds of the epochs by time and the code after the last.
func (r *renderer) strata() (bounds []bound, last string) {
	code := func(epoch int) string {
		if epoch == 0 {
			return "assay_low"
		}
		return fmt.Sprintf("%d + assay_low", epoch*len(r.e.Variations))
	}
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
type horizon struct{ Column, Latest, Closes string }

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
			// A window that the end cuts off never closes.
			latest := m.limit.Add(-m.closes)
			key := latest.UnixMicro()
			if names[key] == "" {
				names[key] = fmt.Sprintf("closed_%d", len(list))
				list = append(list, horizon{names[key], moment(latest), spec.Duration{Duration: m.closes}.String()})
			}
			m.closed = names[key]
		}
	}
	return list
}

// link resolves the join by which a source is brought to the units.
func (r *renderer) link(src *source) Link {
	j := r.p.Config.Joins[src.join]
	from, to := src.identifier, r.assignment().Identifier
	table := r.tables[src.join]
	data := map[string]any{
		"Create":   r.create(table),
		"SQL":      r.userSQL(Source{"joins", src.join}, j.SQL, span{start: r.e.Start.Time, end: r.look.AsOf, zone: j.Timezone}),
		"Join":     src.join,
		"FromName": from,
		"ToName":   to,
		"From":     r.d.key("j."+r.d.ident(from), r.p.Config.Identifiers[from].Type),
		"To":       r.d.key("j."+r.d.ident(to), r.p.Config.Identifiers[to].Type),
		"AsOf":     moment(r.look.AsOf),
		"At":       "",
	}
	if j.Timestamp {
		data["At"] = r.d.micros("j."+r.d.ident("timestamp"), j.Timezone)
	}
	return Link{
		Join: src.join,
		Create: r.statement("links of "+src.join, "links.sql",
			fmt.Sprintf("one %s for every %s", to, from), data),
		Health: r.statement("health of "+src.join, "link_health.sql", "how far the join fans out",
			map[string]any{"Join": src.join, "Table": table}),
	}
}

// linkTable names the table of a join. Names of tables do not tell - from _ nor
// upper from lower case, so the names of joins may meet: a number tells them
// apart.
func (r *renderer) linkTable(join string) string {
	table := "assay_links_" + strings.ToLower(strings.ReplaceAll(join, "-", "_"))
	for _, taken := range r.tables {
		if taken == table {
			return fmt.Sprintf("assay_links__%d", len(r.tables)+1)
		}
	}
	return table
}
