package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// Examination is what assay doctor is told.
type Examination struct {
	AsOf time.Time
	// Source is the only one that is looked at; "" = all.
	Source string
	// Sample bounds the identifiers of the side that is asked, 0 = 20,000. They are
	// looked for among up to fifty times as many of the other side.
	Sample int
	// Span is how long before as-of exposures and facts are looked at; 0 = since the
	// start of the experiment.
	Span time.Duration
	// MaxRows and MaxBytes bound the rows of the assignment query and of each source,
	// and what their identifiers, as texts, and timestamps come to: where there is
	// more the span is shortened, and a query that still gives more is not asked;
	// 0 = 100 million rows, 10 GB.
	MaxRows, MaxBytes int64
}

const (
	usualSample = 20000
	reachOf     = 50
	usualRows   = 100_000_000
	usualBytes  = 10_000_000_000
)

// examiner runs the statements of one checkup.
type examiner struct {
	job     *Job
	p       *spec.Project
	e       *spec.Experiment
	d       queries.Dialect
	q       *queries.Doctor
	session connectors.Session
	asOf    time.Time
	out     *ledger.Checkup
	columns []connectors.Column // of the assignment query
	clock   queries.Clock       // of the exposures
	bounds  Examination
	large   map[string]volume // queries that give too much
	joins   map[string]bool   // whether they give no more than they may
	tables  int
	place   *ledger.Place // where the last SQL that did not run is at fault
}

// Doctor says how the identifiers of an experiment's exposures and facts meet and,
// where they do not, why. It records nothing. What the user's SQL does wrong is
// part of the answer; the error is of the warehouse, or of a context that ended.
func (j *Job) Doctor(ctx context.Context, e *spec.Experiment, o Examination) (*ledger.Checkup, error) {
	from := e.Start.Time
	if o.Span > 0 {
		from = later(from, o.AsOf.Add(-o.Span))
	}
	session, err := j.Warehouse.Session(ctx, j.tags(e.Name, ""))
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }()
	o.MaxRows, o.MaxBytes = cmp.Or(o.MaxRows, usualRows), cmp.Or(o.MaxBytes, usualBytes)
	fit, err := j.fitting(ctx, session, e, o, from)
	if err != nil {
		return nil, err
	}
	sample := cmp.Or(o.Sample, usualSample)
	x := &examiner{
		job: j, p: j.Project, e: e, d: j.Warehouse.Dialect(), q: fit.q, large: fit.large, bounds: o, joins: map[string]bool{}, session: session, asOf: o.AsOf,
		out: &ledger.Checkup{
			Experiment: e.Name, Identifier: j.Project.Config.Assignments[e.Assignment].Identifier, AsOf: o.AsOf, From: fit.from,
			MaxRows: o.MaxRows, MaxBytes: o.MaxBytes, Shortened: fit.from.After(from), Partial: o.Span > 0 || fit.from.After(from) || len(fit.large) > 0, Dialect: j.Warehouse.Dialect().Name, Sample: sample, Reach: reachOf * sample,
			Problems: []ledger.Cause{}, Sources: []ledger.CheckedSource{},
		},
	}
	if err := x.all(ctx); err != nil {
		return nil, err
	}
	return x.out, fit.q.Failed()
}

// all examines the exposures and then each source.
func (x *examiner) all(ctx context.Context) error {
	cause, err := x.exposures(ctx)
	if cause != nil {
		x.out.Problems = append(x.out.Problems, *cause)
	}
	if err != nil || cause != nil {
		return err
	}
	for _, s := range x.q.Sources() {
		if only := x.bounds.Source; only != "" && s.Name != only {
			continue
		}
		found, err := x.source(ctx, s)
		if err != nil {
			return err
		}
		x.out.Sources = append(x.out.Sources, *found)
	}
	return nil
}

// run executes a statement.
func (x *examiner) run(ctx context.Context, s queries.Statement) (*connectors.Rows, error) {
	x.out.Statements++
	x.job.progress(Event{Experiment: x.e.Name, What: s.Name, Done: x.out.Statements, Total: x.out.Statements})
	return x.job.run(ctx, x.session, s)
}

// refused is what an engine says of SQL that does not run; "" for other failures.
func refused(err error) string {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Fault != connectors.FaultStatement {
		return ""
	}
	text := strings.TrimRight(oneLine(e.Err), " .!")
	if at := placeOf(err); at != nil {
		return fmt.Sprintf("%s:%d:%d: %s", at.File, at.Line, at.Column, text)
	}
	return text
}

func intOf(rows *connectors.Rows, row int, name string) int64 {
	n, _ := rows.Int(row, name)
	return n
}

func moment(rows *connectors.Rows, row int, name string) *time.Time {
	micros, ok := rows.Int(row, name)
	if !ok {
		return nil
	}
	at := time.UnixMicro(micros).UTC()
	return &at
}

// described are the columns of a query, and the clock by which its timestamp has
// to be read. A cause is returned where it does not run or lacks a column.
func (x *examiner) described(ctx context.Context, s queries.Statement, of, identifier string) ([]connectors.Column, queries.Clock, *ledger.Cause, error) {
	describer, ok := x.session.(connectors.Describer)
	if !ok {
		return nil, "", nil, nil // The statements will tell.
	}
	x.out.Statements++
	columns, err := describer.Describe(ctx, s)
	err = place(x.p, s, err)
	if text := refused(err); text != "" {
		return nil, "", &ledger.Cause{Code: "query_fails", Place: placeOf(err), Text: fmt.Sprintf("The SQL of %s does not run: %s.", of, text)}, nil
	}
	if err != nil {
		return nil, "", nil, err
	}
	for _, name := range []string{identifier, "timestamp"} {
		if typeOf(columns, name) == "" {
			return columns, "", &ledger.Cause{Code: "column_missing", Text: fmt.Sprintf(
				"The SQL of %s gives no column %s; it gives %s.", of, name, strings.Join(named(columns), ", "))}, nil
		}
	}
	return columns, clockOf(typeOf(columns, "timestamp")), nil, nil
}

func named(columns []connectors.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

// typeOf finds a column's type; engines do not tell case in names.
func typeOf(columns []connectors.Column, name string) string {
	for _, c := range columns {
		if strings.EqualFold(c.Name, name) {
			return c.Type
		}
	}
	return ""
}

// clockOf is the clock for a column of a type.
func clockOf(typ string) queries.Clock {
	switch t := strings.ToUpper(typ); {
	case strings.Contains(t, "TIME") || strings.Contains(t, "DATE"):
		return queries.ClockTime
	case isText(t):
		return queries.ClockText
	case isNumber(t):
		return queries.ClockNumber
	}
	return queries.ClockTime
}

func isText(typ string) bool {
	t := strings.ToUpper(typ)
	return strings.Contains(t, "CHAR") || strings.Contains(t, "STRING") || strings.Contains(t, "TEXT")
}

func isNumber(typ string) bool {
	t := strings.ToUpper(typ)
	for _, name := range []string{"INT", "NUM", "DEC", "DOUBLE", "FLOAT", "REAL"} {
		if strings.Contains(t, name) && !strings.Contains(t, "INTERVAL") {
			return true
		}
	}
	return false
}

// exposures makes the table of units and its sample.
func (x *examiner) exposures(ctx context.Context) (*ledger.Cause, error) {
	if cause := x.tooLarge(x.e.Assignment); cause != nil {
		return cause, nil
	}
	id := x.out.Identifier
	columns, clock, cause, err := x.described(ctx, x.q.Assignment(), "the assignment query "+x.e.Assignment, id)
	if cause != nil || err != nil {
		return cause, err
	}
	x.columns, x.clock = columns, clock
	side := &x.out.Exposures
	side.Type, side.TimeType = typeOf(columns, id), typeOf(columns, "timestamp")
	if _, err := x.run(ctx, x.q.Units(clock)); err != nil {
		if text := refused(err); text != "" {
			return &ledger.Cause{Code: "query_fails", Place: placeOf(err), Text: fmt.Sprintf("The exposures of %s cannot be read: %s.", x.e.Assignment, text)}, nil
		}
		return nil, err
	}
	rows, err := x.run(ctx, x.q.Exposures())
	if err != nil {
		return nil, err
	}
	x.out.Units, side.Identifiers = intOf(rows, 0, "units"), intOf(rows, 0, "units")
	sideOf(side, rows)
	if _, err := x.run(ctx, x.q.Sample(queries.Table{Name: "assay_sample_units", From: "assay_doctor_units", Column: "assay_raw"}, "the exposed units", x.out.Sample)); err != nil {
		return nil, err
	}
	return x.exposureCause(), nil
}

// exposureCause is what keeps any source from being met: nobody is exposed.
func (x *examiner) exposureCause() *ledger.Cause {
	side := x.out.Exposures
	switch {
	case x.asOf.Before(x.e.Start.Time):
		return &ledger.Cause{Code: "not_started", Text: fmt.Sprintf("The experiment starts at %s; nobody is exposed before.", minute(x.e.Start.Time))}
	case side.Rows == 0:
		return &ledger.Cause{Code: "no_exposures", Text: fmt.Sprintf(
			"The assignment query %s gives no row of experiment_id %q between %s and %s.", x.e.Assignment, x.e.ExperimentID, minute(x.out.From), minute(x.asOf))}
	case side.Null+side.Empty+side.Placeholder == side.Rows:
		return &ledger.Cause{Code: "no_identifiers", Text: fmt.Sprintf("None of %s exposures has a %s: null %s, empty %s, placeholder %s.",
			decide.Count(side.Rows), x.out.Identifier, decide.Count(side.Null), decide.Count(side.Empty), decide.Count(side.Placeholder))}
	}
	return nil
}

func sideOf(side *ledger.CheckedSide, rows *connectors.Rows) {
	side.Rows, side.Null, side.Empty = intOf(rows, 0, "all_rows"), intOf(rows, 0, "null_rows"), intOf(rows, 0, "empty_rows")
	side.Placeholder, side.Commonest, side.Unread = intOf(rows, 0, "placeholder_rows"), intOf(rows, 0, "top_rows"), intOf(rows, 0, "unread")
	side.Oldest, side.Newest = moment(rows, 0, "oldest"), moment(rows, 0, "newest")
}

// examined is a source while it is looked at.
type examined struct {
	*ledger.CheckedSource
	s       queries.DoctorSource
	columns []connectors.Column
	right   string // sample of its identifiers
	reach   int64  // identifiers in it
	// uncompared is what the engine says of comparing the columns as they are.
	uncompared string
}

// source examines one source.
func (x *examiner) source(ctx context.Context, s queries.DoctorSource) (*ledger.CheckedSource, error) {
	out := &ledger.CheckedSource{Source: s.Name, Identifier: s.Identifier, Metrics: s.Metrics, Units: x.out.Units, Causes: []ledger.Cause{}, Variations: []ledger.CheckedArm{}}
	cause, err := x.unread(ctx, s)
	if cause != nil || err != nil {
		if cause != nil {
			out.Causes = append(out.Causes, *cause)
		}
		return out, err
	}
	columns, clock, cause, err := x.described(ctx, x.q.Query(s), s.Name, s.Identifier)
	if cause != nil || err != nil {
		if cause != nil {
			out.Causes = append(out.Causes, *cause)
		}
		return out, err
	}
	s.Clock = clock
	f := &examined{CheckedSource: out, s: s, columns: columns}
	f.Type, f.TimeType = typeOf(columns, s.Identifier), typeOf(columns, "timestamp")
	if text, err := x.meet(ctx, f); text != "" || err != nil {
		if text != "" {
			out.Causes = append(out.Causes, ledger.Cause{Code: "query_fails", Place: x.place, Text: fmt.Sprintf("The rows of %s cannot be read: %s.", s.Name, text)})
		}
		return out, err
	}
	if err := x.diagnose(ctx, f); err != nil {
		return nil, err
	}
	return out, nil
}

// meet makes the table of what meets, as the look compares, and counts it. The
// text is what the engine says of SQL that does not run.
func (x *examiner) meet(ctx context.Context, f *examined) (string, error) {
	if link := x.q.Link(f.s); link != nil {
		if _, err := x.run(ctx, *link); err != nil {
			return x.told(err)
		}
	}
	_, err := x.run(ctx, x.q.Met(f.s))
	if text := refused(err); text != "" {
		f.uncompared, f.s.AsText = text, true
		_, err = x.run(ctx, x.q.Met(f.s))
	}
	if err != nil {
		return x.told(err)
	}
	return "", x.count(ctx, f)
}

// told parts what the user's SQL does wrong from other failures.
func (x *examiner) told(err error) (string, error) {
	x.place = placeOf(err)
	if text := refused(err); text != "" {
		return text, nil
	}
	return "", err
}

// count reads the table of what meets.
func (x *examiner) count(ctx context.Context, f *examined) error {
	rows, err := x.run(ctx, x.q.Totals(f.s))
	if err != nil {
		return err
	}
	sideOf(&f.CheckedSide, rows)
	f.Identifiers = intOf(rows, 0, "identifiers")
	f.Foreign = f.Identifiers - intOf(rows, 0, "matched")
	f.Before, f.Future = intOf(rows, 0, "before_rows"), intOf(rows, 0, "future_rows")
	if f.s.Join != "" {
		f.Join = &ledger.CheckedJoin{Join: f.s.Join, Orphans: intOf(rows, 0, "orphans")}
	}
	return x.arms(ctx, f)
}

func (x *examiner) arms(ctx context.Context, f *examined) error {
	rows, err := x.run(ctx, x.q.Arms(f.s))
	if err != nil {
		return err
	}
	f.Units, f.Matched, f.InWindow, f.OnlyBefore, f.Variations = 0, 0, 0, 0, []ledger.CheckedArm{}
	for row := range rows.Len() {
		a := ledger.CheckedArm{Variation: "(undeclared)", Units: intOf(rows, row, "units"), Matched: intOf(rows, row, "matched"), InWindow: intOf(rows, row, "in_window")}
		if arm := int(intOf(rows, row, "arm")); arm < len(x.e.Variations) {
			a.Variation = x.e.Variations[arm].ID
		}
		f.Variations = append(f.Variations, a)
		f.Units, f.Matched, f.InWindow = f.Units+a.Units, f.Matched+a.Matched, f.InWindow+a.InWindow
		f.OnlyBefore += intOf(rows, row, "only_before")
	}
	return nil
}

// rate is the share of the units that are found, in [0,1].
func (f *examined) rate() float64 { return ratioOf(f.Matched, f.Units) }

func ratioOf(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// sampleRight makes the sample of a source's identifiers, once.
func (x *examiner) sampleRight(ctx context.Context, f *examined) error {
	if f.right != "" {
		return nil
	}
	x.tables++
	f.right = fmt.Sprintf("assay_right_%d", x.tables)
	f.reach = min(f.Identifiers, int64(x.out.Reach))
	_, err := x.run(ctx, x.q.Sample(queries.Table{Name: f.right, From: f.s.MetTable(), Column: "assay_raw"}, f.Source, x.out.Reach))
	return err
}

// pair is two samples of which the left one is looked for in the right one.
type pair struct {
	left, right string
	before      float64 // share of the left that is found now
	scale       float64
	perRight    float64 // see sampleOf
	reach       int64   // identifiers in the right sample; 0 = few
}

// screened is how many rewritings are tried on the whole right sample.
const screened = 12

// spelled finds the rewritings that bring a pair together. Where the right sample
// is large all of them are tried on a part of it first, and only those that find
// most there on the whole.
func (x *examiner) spelled(ctx context.Context, p pair) ([]try, sampleOf, error) {
	part := p
	if p.reach > 2*int64(x.out.Sample) {
		x.tables++
		part.right = fmt.Sprintf("assay_part_%d", x.tables)
		part.scale *= float64(p.reach) / float64(x.out.Sample)
		table := queries.Table{Name: part.right, From: p.right, Column: "assay_raw"}
		if _, err := x.run(ctx, x.q.Sample(table, "part of them", x.out.Sample)); err != nil {
			return nil, sampleOf{}, err
		}
	}
	left, right, err := x.profiles(ctx, part)
	if err != nil || left.n == 0 || right.n == 0 {
		return nil, sampleOf{}, err
	}
	list := tries(moves(left, right), x.d)
	const together = 60
	for some := range slices.Chunk(list, together) {
		if err := x.try(ctx, part, some); err != nil {
			return nil, sampleOf{}, err
		}
	}
	s := sampleOf{n: left.n, before: p.before, scale: p.scale, perRight: p.perRight}
	if part != p {
		slices.SortStableFunc(list, func(a, b try) int { return cmp.Or(cmp.Compare(b.matched, a.matched), cmp.Compare(a.cost, b.cost)) })
		list = list[:min(len(list), screened)]
		if err := x.try(ctx, p, list); err != nil {
			return nil, s, err
		}
	}
	found := ranked(list, s)
	if len(found) == 0 && right.most("base64") {
		s.scale = part.scale
		found, err = x.encoded(ctx, part, s)
	}
	return found, s, err
}

// encoded learns how the right side is written once it is decoded.
func (x *examiner) encoded(ctx context.Context, p pair, s sampleOf) ([]try, error) {
	x.tables++
	decode := steps("unbase64")
	table := queries.Table{Name: fmt.Sprintf("assay_decoded_%d", x.tables), From: p.right, Column: x.d.Rewrite("assay_raw", decode)}
	if _, err := x.run(ctx, x.q.Sample(table, "the decoded identifiers", x.out.Reach)); err != nil {
		return nil, err
	}
	p.right = table.Name
	left, right, err := x.profiles(ctx, p)
	if err != nil {
		return nil, err
	}
	list := tries(moves(left, right), x.d)
	if err := x.try(ctx, p, list); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].cause, list[i].right = "base64+"+list[i].cause, slices.Concat(decode, list[i].right)
	}
	return ranked(list, s), nil
}

// try fills in how many are found.
func (x *examiner) try(ctx context.Context, p pair, list []try) error {
	asked := make([]queries.Try, len(list))
	for i, t := range list {
		asked[i] = queries.Try{Name: t.cause, Left: t.left, Right: t.right}
	}
	rows, err := x.run(ctx, x.q.Tries(p.left, p.right, asked))
	if err != nil {
		return err
	}
	for row := range rows.Len() {
		t := &list[intOf(rows, row, "try")]
		t.matched, t.merged = intOf(rows, row, "matched"), intOf(rows, row, "merged")
	}
	return nil
}

// profiles reads how both sides are written.
func (x *examiner) profiles(ctx context.Context, p pair) (left, right profile, err error) {
	rows, err := x.run(ctx, x.q.Profile(p.left, p.right))
	if err != nil {
		return left, right, err
	}
	sides := map[string]*profile{"left": &left, "right": &right}
	for row := range rows.Len() {
		name, _ := rows.Text(row, "side")
		side := sides[name]
		side.n, side.signs = intOf(rows, row, "n"), map[string]int64{}
		side.fewestDigits, side.mostDigits = intOf(rows, row, "fewest_digits"), intOf(rows, row, "most_digits")
		for _, sign := range queries.Signs() {
			side.signs[sign] = intOf(rows, row, sign)
		}
	}
	rows, err = x.run(ctx, x.q.Affixes(p.left, p.right, leastUnits))
	if err != nil {
		return left, right, err
	}
	longest := map[string][2]string{}
	for row := range rows.Len() {
		name, _ := rows.Text(row, "side")
		affix, _ := rows.Text(row, "affix")
		both := longest[name]
		both[intOf(rows, row, "at_end")] = affix // ordered by length
		longest[name] = both
	}
	for name, side := range sides {
		side.prefixes = cuts(longest[name][0])
		for _, s := range cuts(backwards(longest[name][1])) {
			side.suffixes = append(side.suffixes, backwards(s))
		}
	}
	return left, right, nil
}
