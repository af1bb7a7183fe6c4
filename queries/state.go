package queries

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/spec"
)

// State is what earlier looks at an experiment left in a database beside the
// warehouse, and what this one is to leave: the units and, for each source, what
// its facts come to for each of them. A look then scans what is newer and adds
// it. Rows that come in later than Overlap after their time are not seen.
//
// Only the dialect of DuckDB has such looks, and only experiments without an
// activation metric: an activation moves when a late fact comes in.
type State struct {
	// Database is the name under which the database is attached.
	Database string
	// Overlap is how far before as-of the rows lie that the next look scans again.
	Overlap time.Duration
	// Units is the instant up to which exposures are in the state, Sources that of
	// the facts of each source. Zero or absent: all are scanned.
	Units   time.Time
	Sources map[string]time.Time
}

// Until is where the rows end that a look as of an instant leaves: an overlap
// before it, and never before what is there.
func (s *State) Until(asOf time.Time) time.Time {
	until := later(asOf.Add(-s.Overlap), s.Units)
	for _, through := range s.Sources {
		until = later(until, through)
	}
	return until
}

// Leave is what writes the state, in transactions. Units runs right after
// Script.Units and before Script.Merge, which reads what it wrote; Sources has the
// statements of each source that is kept, to be run after its own.
type Leave struct {
	Begin, Commit, Rollback Statement
	Units                   []Statement
	Sources                 map[string][]Statement
}

// Entry is a row of the table that says what a state holds: Part is a source's
// name or UnitsPart, Digest that of its definition, Through and Built microseconds
// since 1970 UTC: up to where rows are in it, and the as-of of the look that began
// it.
type Entry struct {
	Part, Digest   string
	Through, Built int64
}

// UnitsPart is the part of a state that has the units; no source is called so.
const UnitsPart = ""

// AttachState opens the database of a state, which is made where it is missing.
func AttachState(path, database string) []Statement {
	return []Statement{
		{Name: "attach state", Purpose: "opens what earlier looks left", SQL: fmt.Sprintf(
			"ATTACH IF NOT EXISTS %s AS %s (READ_WRITE)", DuckDB.text(path), DuckDB.ident(database))},
		{Name: "create state", Purpose: "makes it where it is missing", SQL: fmt.Sprintf(
			"CREATE TABLE IF NOT EXISTS %s.entries (part VARCHAR, digest VARCHAR, through BIGINT, built BIGINT)", DuckDB.ident(database))},
		{Name: "read state", Purpose: "says what they left", SQL: fmt.Sprintf(
			"SELECT part, digest, through, built FROM %s.entries ORDER BY part", DuckDB.ident(database))},
	}
}

// DetachState closes it.
func DetachState(database string) Statement {
	return Statement{Name: "detach state", Purpose: "closes what looks leave", SQL: "DETACH DATABASE IF EXISTS " + DuckDB.ident(database)}
}

// SetEntry writes an entry; it runs inside a transaction of a Leave. The first one
// forgets all others, and keeps when that was: a later one of the part leaves it.
func SetEntry(database string, e Entry, first bool) []Statement {
	table := DuckDB.ident(database) + ".entries"
	if !first {
		return []Statement{{Name: "set entry", Purpose: "replaces what the state says of itself", SQL: fmt.Sprintf(
			"MERGE INTO %s AS k\nUSING (SELECT %s AS part) AS e\nON e.part = k.part\n"+
				"WHEN MATCHED THEN UPDATE SET digest = %s, through = %d\nWHEN NOT MATCHED THEN INSERT VALUES (%s, %[3]s, %[4]d, %[6]d)",
			table, DuckDB.text(e.Part), DuckDB.text(e.Digest), e.Through, DuckDB.text(e.Part), e.Built)}}
	}
	return []Statement{
		{Name: "forget entries", Purpose: "replaces what the state says of itself", SQL: "DELETE FROM " + table},
		{Name: "set entry", Purpose: "replaces what the state says of itself", SQL: fmt.Sprintf(
			"INSERT INTO %s VALUES (%s, %s, %d, %d)", table, DuckDB.text(e.Part), DuckDB.text(e.Digest), e.Through, e.Built)},
	}
}

// StateDigests identify what a state's parts are made by: the statements that
// make them, as of one and the same instant whenever that is asked. Where one has
// changed its part is of no use any more.
func StateDigests(p *spec.Project, e *spec.Experiment) (map[string]string, error) {
	at := Look{
		AsOf:   time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		Epochs: []Epoch{{Start: e.Start.Time, Settled: e.Start.Time}},
		State:  &State{Database: "state"},
	}
	s, err := Render(p, e, at, DuckDB)
	if err != nil {
		return nil, err
	}
	digest := func(made Statement, left []Statement) string {
		h := sha256.New()
		for _, st := range append([]Statement{made}, left...) {
			h.Write([]byte(st.SQL + "\x00"))
		}
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
	out := map[string]string{}
	if s.Leave == nil {
		return out, nil
	}
	out[UnitsPart] = digest(s.Units, s.Leave.Units)
	for _, f := range s.Facts {
		if f.Recent != nil {
			out[f.Source] = digest(*f.Recent, s.Leave.Sources[f.Source])
		}
	}
	return out, nil
}

// keeps tells whether the rendering works with a state.
func (r *renderer) keeps() bool { return r.look.State != nil && r.e.Activation == "" }

// stateUntil is where the rows end that this look leaves: an overlap before
// as-of, and never before what is there.
func (r *renderer) stateUntil() time.Time { return r.look.State.Until(r.look.AsOf) }

// stateTable is a table of the state.
func (r *renderer) stateTable(name string) string {
	return r.d.ident(r.look.State.Database) + "." + r.d.ident(name)
}

// unkept says why what a source's facts come to cannot be kept; "" where it can.
// Each of these would need the facts themselves, or windows that stand still.
func (r *renderer) unkept(src *source) string {
	if src.join != "" {
		return fmt.Sprintf("its facts reach units through join %s, and a link that comes in later brings older facts along", src.join)
	}
	if toldByDay(src.measures, r.e.DaysSinceExposure) {
		return "effects are shown by days since exposure, which are not kept"
	}
	for _, m := range src.measures {
		switch {
		case m.metric.Of == "event":
			return fmt.Sprintf("%s ranks facts", m.name)
		case !m.since.IsZero():
			return fmt.Sprintf("%s looks back from as-of", m.name)
		}
		for _, p := range m.parts {
			if p.of.merge == "" {
				return fmt.Sprintf("%s counts distinct values or days", m.name)
			}
		}
	}
	return ""
}

// recentUnits renders the scan of the newer exposures in place of the unit
// table, and what puts them together with the kept ones.
func (r *renderer) recentUnits(s *Script) {
	through := r.look.State.Units
	data := r.exposures()
	data["Dimensions"] = r.declared()
	data["Until"], data["Through"] = moment(r.stateUntil()), atOrNone(through)
	if !through.IsZero() {
		data["SQL"] = r.assignmentSQL(later(r.e.Start.Time, through))
	}
	data["Bounds"], data["Last"] = r.strata()
	data["Table"], data["Exposed"] = r.stateTable("units"), r.exposed()
	s.Units = r.statement("recent units", "recent_units.sql", "exposures since what earlier looks kept", data)
	s.Leave = &Leave{
		Begin:    Statement{Name: "begin", Purpose: "keeps for the next look all or nothing", SQL: "BEGIN TRANSACTION"},
		Commit:   Statement{Name: "commit", Purpose: "keeps for the next look all or nothing", SQL: "COMMIT"},
		Rollback: Statement{Name: "rollback", Purpose: "keeps nothing for the next look", SQL: "ROLLBACK"},
		Sources:  map[string][]Statement{},
	}
	if through.IsZero() {
		s.Leave.Units = []Statement{r.statement("keep units", "first_units", "what the next look need not scan again", data)}
	} else {
		s.Leave.Units = r.exposedTo(r.stateTable("units"), false, "keep", data)
	}
	s.Merge = []Statement{r.statement("kept units", "copy_units", "the units that are kept", data)}
	s.Merge = append(s.Merge, r.exposedTo("assay_all", true, "add", data)...)
	s.Merge = append(s.Merge, r.statement("units", "all_units.sql", "one row per unit: first exposure, variation, epoch", data))
}

// exposedTo renders what adds recent exposures, early or late ones, to a table of
// units.
func (r *renderer) exposedTo(table string, late bool, verb string, data map[string]any) []Statement {
	data["Into"], data["Late"] = table, late
	return []Statement{
		r.statement(verb+" exposures", "more_exposures", "units that were exposed again, or for the first time", data),
	}
}

// leave renders what brings a table of the state up to date: its rows that have
// changed are replaced; without any the table is made anew.
func (r *renderer) leave(what, file, early, table string, kept bool, data map[string]any) []Statement {
	if !kept {
		data["Create"] = "CREATE OR REPLACE TABLE " + table + " AS"
		return []Statement{r.statement("keep "+what, file, "what the next look need not scan again", data)}
	}
	data["Create"] = r.create(early)
	return []Statement{
		r.statement("early "+what, file, "what the next look need not scan again", data),
		{Name: "forget " + what, Purpose: "makes room for what is newer", SQL: fmt.Sprintf(
			"DELETE FROM %s AS k USING %s AS e WHERE e.assay_unit IS NOT DISTINCT FROM k.assay_unit", table, early)},
		{Name: "keep " + what, Purpose: "what the next look need not scan again", SQL: fmt.Sprintf("INSERT INTO %s SELECT * FROM %s", table, early)},
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// recentFacts renders the scan of a source's newer facts and, in place of the
// statement that scans them all, the one that adds what is kept.
func (r *renderer) recentFacts(s *Script, src *source, b *builder, data map[string]any, f *Facts) {
	n := len(s.Leave.Sources) + 1
	through := r.look.State.Sources[src.name]
	table := r.stateTable("facts " + src.name)
	data["State"], data["Arms"] = true, len(r.e.Variations)
	data["Until"], data["Through"] = moment(r.stateUntil()), atOrNone(through)
	data["Recent"], data["Table"], data["Units"] = fmt.Sprintf("assay_recent_%d", n), table, r.stateTable("units")
	data["Stored"], data["Finals"] = b.stored, b.finals
	data["Bounds"], data["Last"] = r.strata()
	data["Early"] = false
	if !through.IsZero() {
		from := through.Add(min(0, share(src.measures).earliest()))
		if src.spec.Key != "" {
			from = from.Add(-r.look.State.Overlap) // A repeat is one of something earlier.
		}
		data["SQL"] = r.sourceSQL(src, later(from, r.e.Start.Add(min(0, share(src.measures).earliest()))))
		data["ThroughLessCloses"] = " " + moment(through.Add(-b.shared.closes))
	}
	recent := r.statement("recent facts of "+src.name, "recent_facts.sql", "what newer facts of "+src.name+" come to for each unit", data)
	f.Recent = &recent
	with := r.statement("facts of "+src.name, "with_recent.sql", "moments of all metrics of "+src.name, data)
	if src.table != "" {
		with.Name, with.Purpose = "units of "+src.name, "what the facts of "+src.name+" come to for each unit"
		f.Keep = &with
		f.Statement = r.statement("facts of "+src.name, "kept.sql", "moments of all metrics of "+src.name, data)
	} else {
		f.Statement = with
	}
	data["Early"] = true
	s.Leave.Sources[src.name] = r.leave("facts of "+src.name, "early_facts.sql", fmt.Sprintf("assay_early_%d", n), table, !through.IsZero(), data)
}

// stored is a column of what is kept of the facts of a unit: what it is of some
// facts, and what it is of two sets of them together.
type stored struct{ Name, Expression, Merge string }

// keep adds the columns that have to be kept for an aggregate of an input, and
// its value, which is none where open holds: a unit whose window is not closed.
func (b *builder) keep(name string, of aggregate, in, open string) {
	if !b.keeps || of.merge == "" {
		return
	}
	value := name
	if of.name == average.name {
		sum, n := name+"_sum", name+"_of"
		b.stored = append(b.stored,
			stored{sum, fmt.Sprintf("SUM(%s)", in), fmt.Sprintf("SUM(%s)", sum)},
			stored{n, fmt.Sprintf("COUNT(%s)", in), cast(fmt.Sprintf("SUM(%s)", n), b.d.Integer)})
		value = fmt.Sprintf("%s / NULLIF(%s, 0)", sum, n)
	} else {
		b.stored = append(b.stored, stored{name, of.of(b.d, in), fmt.Sprintf(of.merge, name)})
	}
	if open != "" {
		value = fmt.Sprintf("CASE WHEN %s THEN NULL ELSE %s END", open, value)
	}
	b.finals = append(b.finals, column{Name: name, Expression: value})
}

// isOpen is the condition that a unit's window had not closed at an instant; ""
// for none.
func isOpen(latest time.Time) string {
	if latest.IsZero() {
		return ""
	}
	return "p.assay_anchor > " + moment(latest)
}

// openIn is the condition that the window of the class that a row is about had
// not closed.
func (b *builder) openIn(places map[int64]input) string {
	var arms []string
	for _, c := range b.classes {
		if in, ok := places[c.Number]; ok && !in.latest.IsZero() {
			arms = append(arms, fmt.Sprintf("p.assay_group = %d AND %s", c.Number, isOpen(in.latest)))
		}
	}
	return strings.Join(arms, " OR ")
}

// fixedLimit is the condition that a fact lies before the experiment's end,
// which is written down before that comes, so that what is kept means the same
// before and after; "" where all measures share their limit at all times.
func (b *builder) fixedLimit(m *measure) string {
	if m.metric.PastEnd || !b.pastEnd {
		return ""
	}
	return "f.assay_at < " + moment(b.end)
}

// mixesPastEnd tells whether some of the measures go on after the experiment's
// end.
func mixesPastEnd(measures []*measure) bool {
	return slices.ContainsFunc(measures, func(m *measure) bool { return m.metric.PastEnd })
}
