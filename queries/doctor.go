package queries

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/spec"
)

// Checkup is what assay doctor depends on beside the spec.
type Checkup struct {
	// AsOf bounds exposures and facts, From is where it begins to look.
	AsOf, From time.Time
}

// Doctor renders the statements that find out why identifiers do not meet. They
// are apart from those of a Script, and what each asks depends on what the one
// before it told: a table is made of the exposed units, one for each source of
// what meets them, and small samples of both; rewritings are tried on these.
type Doctor struct {
	r       *renderer
	c       Checkup
	sources []*source
}

// NewDoctor prepares a checkup of experiment e of project p; an error means that
// the project has been loaded with problems.
func NewDoctor(p *spec.Project, e *spec.Experiment, c Checkup, d Dialect) (*Doctor, error) {
	plain := *e
	plain.Activation, plain.Slices, plain.DaysSinceExposure = "", nil, 0 // windows begin at first exposure here
	r := &renderer{p: p, e: &plain, look: Look{AsOf: c.AsOf, Epochs: []Epoch{{}}}, d: d, tables: map[string]string{}}
	sources, err := r.sources()
	if err != nil {
		return nil, fmt.Errorf("rendering the checkup of %s: %w", e.Name, err)
	}
	m, activated := p.Config.Metrics[e.Activation]
	known := func(s *source) bool { return s.name == m.Source }
	if activated && !slices.ContainsFunc(sources, known) {
		src := r.source(m.Source)
		src.measures = []*measure{r.measure(e.Activation, m)}
		sources = append([]*source{src}, sources...)
	}
	return &Doctor{r: r, c: c, sources: sources}, nil
}

// DoctorSource is a fact source of a checkup, as it is to be read.
type DoctorSource struct {
	Name, Identifier, Join string
	Metrics                []string
	Clock                  Clock
	// Wide leaves {{start}} and {{end}} without bounds: where the source is empty
	// between them.
	Wide bool
	// AsText compares texts, where the engine cannot compare the columns.
	AsText bool
	// SQL is tried in place of the source's own; "" = its own.
	SQL string

	number int
	src    *source
}

// Sources lists the fact sources of the experiment's metrics, that of an
// activation metric too.
func (d *Doctor) Sources() []DoctorSource {
	out := make([]DoctorSource, len(d.sources))
	for i, s := range d.sources {
		out[i] = DoctorSource{Name: s.name, Identifier: s.identifier, Join: s.join, Metrics: names(s.measures), number: i + 1, src: s}
	}
	return out
}

// Window is the widest window of a source: how long after first exposure it opens
// and closes; 0 = it never closes.
func (s DoctorSource) Window() (opens, closes time.Duration) {
	w := share(s.src.measures)
	return w.opens, w.closes
}

// Assignment is the user's assignment query, for its columns.
func (d *Doctor) Assignment() Statement {
	return d.assignmentSQL().alone("columns of " + d.r.e.Assignment)
}

// Size asks how much a query gives over the span.
type Size struct {
	Name string // of the assignment query or of the source
	// Spanned: its SQL uses {{start}}, so that it gives less over a shorter span.
	Spanned   bool
	Statement Statement
}

// Sizes are those of the assignment query, which comes first, and of each source.
func (d *Doctor) Sizes() []Size {
	a := d.r.assignment()
	list := []Size{d.size(d.r.e.Assignment, a.Identifier, a.SQL, d.assignmentSQL())}
	for _, s := range d.Sources() {
		list = append(list, d.Size(s))
	}
	return list
}

// Size is that of a source, read as it is to be read.
func (d *Doctor) Size(s DoctorSource) Size {
	return d.size(s.Name, s.Identifier, s.src.spec.SQL, d.sql(s))
}

// JoinSize is that of a join, of one of its identifiers.
func (d *Doctor) JoinSize(join, identifier string) Size {
	j := d.r.p.Config.Joins[join]
	return d.size(join, identifier, j.SQL, d.joinSQL(join))
}

func (d *Doctor) joinSQL(join string) *userText {
	j := d.r.p.Config.Joins[join]
	return d.r.userSQL(Source{"joins", join}, j.SQL, span{start: d.c.From, end: d.c.AsOf, zone: j.Timezone})
}

func (d *Doctor) size(of, identifier, user string, sql *userText) Size {
	bytes := fmt.Sprintf(d.r.d.Bytes, cast("counted."+d.r.d.ident(identifier), d.r.d.Text))
	return Size{Name: of, Spanned: strings.Contains(user, "{{start}}"), Statement: d.r.statement(
		"size of "+of, "doctor_rows.sql", "how much there is to look at", map[string]any{"Of": of, "SQL": sql, "Bytes": bytes})}
}

func (d *Doctor) assignmentSQL() *userText {
	return d.r.assignmentSQL(d.c.From)
}

// Query is the user's query of a source, for its columns.
func (d *Doctor) Query(s DoctorSource) Statement {
	return d.sql(s).alone("columns of " + s.Name)
}

// sql is a source's query over the span that is looked at.
func (d *Doctor) sql(s DoctorSource) *userText {
	of, text := Source{"facts", s.Name}, s.SQL
	if text == "" {
		text = s.src.spec.SQL
	} else {
		of = Source{} // It is none that the user wrote.
	}
	return d.r.userSQL(of, text, span{
		start: d.c.From.Add(min(0, share(s.src.measures).opens)), end: d.c.AsOf, zone: s.src.spec.Timezone, wide: s.Wide,
	})
}

// Units makes the table of the exposed identifiers.
func (d *Doctor) Units(clock Clock) Statement {
	r, a := d.r, d.r.assignment()
	arms := make([]string, len(r.e.Variations))
	for i, v := range r.e.Variations {
		arms[i] = r.d.text(v.ID)
	}
	column := "a." + r.d.ident(a.Identifier)
	return r.statement("exposed identifiers", "doctor_units.sql", "every exposed identifier, as it is written", map[string]any{
		"Create": r.create("assay_doctor_units"), "SQL": d.assignmentSQL(), "Assignment": r.e.Assignment,
		"Raw": cast(column, r.d.Text), "Unit": r.d.key(column, r.p.Config.Identifiers[a.Identifier].Type),
		"At": clock.read(r.d, "a."+r.d.ident("timestamp"), a.Timezone),
		"ID": r.d.text(r.e.ExperimentID), "Arms": arms, "Start": moment(d.c.From), "End": moment(r.until()),
	})
}

// Exposures counts them.
func (d *Doctor) Exposures() Statement {
	return d.r.statement("exposures", "doctor_exposures.sql", "which of them name nobody", map[string]any{"Blank": d.r.d.blank()})
}

// nobody are texts that stand for nobody.
var nobody = []string{
	"null", "undefined", "none", "nan", "nil", "n/a", "na", "unknown", "0", "-1", "anonymous", "anon", "guest", "(not set)", "not set",
	"(none)", "-", "[object object]", "00000000-0000-0000-0000-000000000000",
	// Digests of nothing.
	"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}

// blank tells how an identifier names nobody: 1 null, 2 empty, 3 a placeholder;
// 0 = it may name somebody.
func (d Dialect) blank() string {
	list := make([]string, len(nobody))
	for i, text := range nobody {
		list[i] = d.text(text)
	}
	return "CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN (" +
		strings.Join(list, ", ") + ") THEN 3 ELSE 0 END"
}

// Link resolves the join of a source; nil without one, or where that is done.
func (d *Doctor) Link(s DoctorSource) *Statement {
	if s.Join == "" || d.r.tables[s.Join] != "" {
		return nil
	}
	d.r.tables[s.Join] = d.r.linkTable(s.Join)
	create := d.r.link(s.src).Create
	return &create
}

// MetTable is the table of a source's identifiers and what they meet.
func (s DoctorSource) MetTable() string {
	table := fmt.Sprintf("assay_met_%d", s.number)
	if s.Wide {
		table += "_wide"
	}
	if s.AsText {
		table += "_text"
	}
	return table + strings.TrimSuffix("_"+string(s.Clock), "_")
}

// read is what the statements over a source need.
func (d *Doctor) read(s DoctorSource) map[string]any {
	r := d.r
	column := "f." + r.d.ident(s.Identifier)
	other := "f.assay_id"
	if s.Join != "" {
		other = "l.assay_to"
	}
	on := "u.assay_unit = " + other
	if s.AsText {
		on = cast("u.assay_unit", r.d.Text) + " = " + cast(other, r.d.Text)
	}
	w := share(s.src.measures)
	return map[string]any{
		"Source": s.Name, "SQL": d.sql(s), "Join": s.Join, "Link": r.tables[s.Join], "On": on,
		"Raw": cast(column, r.d.Text), "Key": r.d.key(column, r.p.Config.Identifiers[s.Identifier].Type),
		"At":   s.Clock.read(r.d, "f."+r.d.ident("timestamp"), s.src.spec.Timezone),
		"AsOf": moment(d.c.AsOf), "Start": moment(d.c.From), "Met": s.MetTable(), "Blank": r.d.blank(),
		"Opens": plus(w.opens), "Closes": plus(w.closes), "Limit": moment(w.limit),
	}
}

// Met makes the table of a source's identifiers and what they meet: its one whole
// scan.
func (d *Doctor) Met(s DoctorSource) Statement {
	data := d.read(s)
	data["Create"] = d.r.create(s.MetTable())
	return d.r.statement("identifiers of "+s.Name, "doctor_met.sql", "every identifier of "+s.Name+" and the unit that it meets", data)
}

// Totals counts that table.
func (d *Doctor) Totals(s DoctorSource) Statement {
	return d.r.statement("totals of "+s.Name, "doctor_totals.sql", "how "+s.Name+" meets the units", d.read(s))
}

// Arms counts units by variation.
func (d *Doctor) Arms(s DoctorSource) Statement {
	return d.r.statement("units in "+s.Name, "doctor_arms.sql", "how the units meet "+s.Name, d.read(s))
}

// Table is a column of a table that holds identifiers as texts.
type Table struct{ Name, From, Column string }

// Sample makes a table of some of the identifiers of another. Each side is drawn
// for itself: what is drawn of one by its text would not be drawn of the other
// under another spelling. So one side may be small, the other has to be large.
func (d *Doctor) Sample(t Table, what string, most int) Statement {
	return d.r.statement("sample of "+what, "doctor_sample.sql", "some identifiers of "+what, map[string]any{
		"Create": d.r.create(t.Name), "From": t.From, "Column": t.Column, "What": what, "Most": most,
		"Blank": d.r.d.blank(), "Order": fmt.Sprintf(d.r.d.MD5, "CONCAT("+d.r.d.text(t.Name)+", assay_raw)"),
	})
}

// sampled is one of the two tables of a statement, named left and right.
type sampled struct {
	Name, Table string
	AtEnd       int
	Affix       string
}

// Profile counts what the spelling of two samples shows.
func (d *Doctor) Profile(left, right string) Statement {
	digits := fmt.Sprintf(d.r.d.Length, "assay_raw") + " - " + fmt.Sprintf(d.r.d.Length, d.r.d.replaced("assay_raw", "[0-9]+$", ""))
	return d.r.statement("spelling", "doctor_profile.sql", "how the identifiers of both sides are written", map[string]any{
		"Sides": []sampled{{Name: "left", Table: left}, {Name: "right", Table: right}}, "Signs": d.r.d.signs(), "Digits": digits,
	})
}

// affixLength is the longest beginning or end that is learned, in characters.
const affixLength = 24

// Affixes finds what most of two samples begin and end with; least is the number
// of identifiers that have to share it.
func (d *Doctor) Affixes(left, right string, least int) Statement {
	length := fmt.Sprintf(d.r.d.Length, "assay_raw")
	var sides []sampled
	for _, s := range []sampled{{Name: "left", Table: left}, {Name: "right", Table: right}} {
		s.Affix = "SUBSTR(assay_raw, 1, k.n)"
		sides = append(sides, s)
		s.AtEnd, s.Affix = 1, "SUBSTR(assay_raw, "+length+" - k.n + 1)"
		sides = append(sides, s)
	}
	lengths := make([]int, affixLength)
	for i := range lengths {
		lengths[i] = i + 1
	}
	return d.r.statement("affixes", "doctor_affixes.sql", "what most identifiers begin and end with",
		map[string]any{"Sides": sides, "Lengths": lengths, "Length": length, "Least": least})
}

// Try is a way to write both sides.
type Try struct {
	Name        string
	Left, Right []Step
}

// Tries counts how many of the left sample are found on the right, written so.
func (d *Doctor) Tries(left, right string, tries []Try) Statement {
	type pair struct{ Name, Left, Right string }
	list := make([]pair, len(tries))
	for i, t := range tries {
		list[i] = pair{t.Name, d.r.d.Rewrite("assay_raw", t.Left), d.r.d.Rewrite("assay_raw", t.Right)}
	}
	return d.r.statement("tries", "doctor_tries.sql", "whether the sides meet if they are written otherwise",
		map[string]any{"Left": left, "Right": right, "Tries": list})
}

// Columns counts which columns of a source hold identifiers of a sample.
func (d *Doctor) Columns(s DoctorSource, columns []string, sample string) Statement {
	return d.columns(s.Name, d.sql(s), s.Identifier, columns, sample)
}

// ExposureColumns does so with the assignment query.
func (d *Doctor) ExposureColumns(columns []string, sample string) Statement {
	return d.columns(d.r.e.Assignment, d.assignmentSQL(), d.r.assignment().Identifier, columns, sample)
}

func (d *Doctor) columns(of string, sql *userText, identifier string, columns []string, sample string) Statement {
	texts := make([]string, len(columns))
	for i, c := range columns {
		texts[i] = cast("f."+d.r.d.ident(c), d.r.d.Text)
	}
	return d.r.statement("other columns of "+of, "doctor_columns.sql", "which columns hold the identifiers of the other side", map[string]any{
		"Source": of, "SQL": sql, "Identifier": cast("f."+d.r.d.ident(identifier), d.r.d.Text), "Columns": texts, "Sample": sample,
	})
}

// Shifts counts the units of a sample with a fact inside the window, were the
// clock of the source set otherwise by up to fourteen hours.
func (d *Doctor) Shifts(s DoctorSource, sample string) Statement {
	data := d.read(s)
	var shifts []int
	for n := -28; n <= 28; n++ {
		shifts = append(shifts, n)
	}
	data["Sample"], data["Shifts"] = sample, shifts
	return d.r.statement("clock of "+s.Name, "doctor_shifts.sql", "whether another clock brings its rows into the windows", data)
}

// Hours tells by hours how the rows of a source meet the units; step is an hour
// or a day.
func (d *Doctor) Hours(s DoctorSource, step time.Duration) Statement {
	data := d.read(s)
	data["Step"] = step.Microseconds()
	return d.r.statement("hours of "+s.Name, "doctor_hours.sql", "since when they meet or no longer", data)
}

// ExposedHours tells by hours of first exposure how the units meet a source.
func (d *Doctor) ExposedHours(s DoctorSource, step time.Duration) Statement {
	data := d.read(s)
	data["Step"] = step.Microseconds()
	return d.r.statement("hours of exposures in "+s.Name, "doctor_exposed_hours.sql", "which units are not found yet", data)
}

// Values tells the commonest values of a column of a source, or of the assignment
// query where s is nil.
func (d *Doctor) Values(s *DoctorSource, column string) Statement {
	name, sql := d.r.e.Assignment, d.assignmentSQL()
	if s != nil {
		name, sql = s.Name, d.sql(*s)
	}
	return d.r.statement("values of "+column, "doctor_values.sql", "which environments the rows of "+name+" come from",
		map[string]any{"Source": name, "SQL": sql, "Column": column, "Value": "f." + d.r.d.ident(column)})
}

// Pairs makes the table of a join's identifiers, as texts, from one to the
// other.
func (d *Doctor) Pairs(join, from, to, table string) Statement {
	return d.r.statement("pairs of "+join, "doctor_pairs.sql", "both identifiers of "+join, map[string]any{
		"Create": d.r.create(table), "Join": join, "SQL": d.joinSQL(join),
		"From": cast("j."+d.r.d.ident(from), d.r.d.Text), "To": cast("j."+d.r.d.ident(to), d.r.d.Text),
	})
}

// Through tells whether such pairs bring the right sample to the left one.
func (d *Doctor) Through(source, join, from, to, pairs, left, right string) Statement {
	return d.r.statement("through "+join, "doctor_join.sql", "whether "+join+" brings them to the units", map[string]any{
		"Source": source, "Join": join, "FromName": from, "ToName": to, "Pairs": pairs, "Left": left, "Right": right,
	})
}

// Failed is the first failure to render a statement.
func (d *Doctor) Failed() error { return d.r.err }
