package job

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// wellMet is the share of the units from which on nothing is asked about
// identifiers.
const wellMet = 0.98

// diagnose asks what is wrong with a source, the cheap questions first.
func (x *examiner) diagnose(ctx context.Context, f *examined) error {
	x.timeType(f)
	steps := []func(context.Context, *examined) error{x.empty, x.course, x.spelling, x.joined, x.otherJoins, x.otherColumns, x.environment, x.clocks}
	for _, step := range steps {
		if f.Rows == 0 && len(f.Causes) > 0 {
			break
		}
		if err := step(ctx, f); err != nil {
			return err
		}
	}
	x.nobody(f)
	x.late(f)
	x.disjoint(f)
	slices.SortStableFunc(f.Causes, func(a, b ledger.Cause) int {
		return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a.Cost, b.Cost))
	})
	f.settle()
	return nil
}

// settle leaves out causes that bring next to nothing beside the best one, dates
// the first, and forgets the course of a source in which nothing is wrong: it
// follows the traffic.
func (f *examined) settle() {
	if len(f.Causes) == 0 {
		f.Change, f.Exposed, f.Hours = nil, nil, nil
		return
	}
	if best := f.Causes[0].After; best != nil {
		f.Causes = slices.DeleteFunc(f.Causes, func(c ledger.Cause) bool { return c.After != nil && *c.After < *best/5 })
	}
	if f.Change != nil && f.Change.After < f.Change.Before {
		f.Causes[0].Since = &f.Change.Since
	}
}

// weight puts causes that were tried and bring most before others, in steps of a
// tenth; those that were not tried behind them.
func weight(c ledger.Cause) float64 {
	if c.After == nil {
		return -1
	}
	return math.Round(10 * *c.After)
}

func (f *examined) blame(c ledger.Cause) { f.Causes = append(f.Causes, c) }

// timeType: the timestamp is no time, so that no look can read it.
func (x *examiner) timeType(f *examined) {
	if f.s.Clock == queries.ClockTime {
		return
	}
	after := f.rate()
	f.blame(ledger.Cause{Code: "time_type", After: &after, Cost: 0.5, Mend: x.mendTime(f, f.s.Clock), Text: fmt.Sprintf(
		"The timestamp of %s is %s and no time: the statements of a look do not run.", f.Source, f.TimeType)})
}

// empty: no rows in the span; is there any outside of it?
func (x *examiner) empty(ctx context.Context, f *examined) error {
	if f.Rows > 0 {
		return nil
	}
	cause := ledger.Cause{Code: "source_empty", Text: fmt.Sprintf("The SQL of %s gives no row between %s and %s.", f.Source, minute(x.out.From), minute(x.asOf))}
	wide := *f
	wide.CheckedSource = &ledger.CheckedSource{Source: f.Source}
	wide.s.Wide = true
	if wide.s.Clock == queries.ClockTime {
		wide.s.Clock = queries.ClockScaled
	}
	if x.d.Unbounded(x.p.Config.Facts[f.Source].SQL) != x.p.Config.Facts[f.Source].SQL {
		fits, err := x.fits(ctx, x.q.Size(wide.s))
		if err != nil {
			return err
		}
		text := ""
		if fits {
			text, err = x.meet(ctx, &wide)
		}
		if err != nil {
			return err
		}
		if text == "" && wide.Rows > 0 {
			cause = ledger.Cause{Code: "outside_span", Text: fmt.Sprintf("The SQL of %s gives no row between %s and %s, and %s without those bounds.",
				f.Source, minute(x.out.From), minute(x.asOf), decide.Count(wide.Rows))}
			if after := ratioOf(wide.InWindow, wide.Units); wide.InWindow >= 5 {
				cause = ledger.Cause{Code: "time_unit", After: &after, Mend: x.mendTime(&wide, queries.ClockScaled), Text: fmt.Sprintf(
					"The timestamps of %s were made of numbers by the wrong measure (seconds, milliseconds, microseconds): read rightly, %s of %s exposed units have a row inside their window.", f.Source, decide.Count(wide.InWindow), decide.Count(wide.Units))}
			}
		}
	}
	f.blame(cause)
	return nil
}

// course finds since when the source meets the units, or no longer.
func (x *examiner) course(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.rate() >= wellMet && f.InWindow == f.Matched {
		return nil
	}
	step := time.Hour
	if x.asOf.Sub(x.out.From) > 45*24*time.Hour {
		step = 24 * time.Hour
	}
	buckets := func(s queries.Statement) ([]ledger.MeetingBucket, error) {
		rows, err := x.run(ctx, s)
		if err != nil {
			return nil, err
		}
		out := make([]ledger.MeetingBucket, rows.Len())
		for i := range out {
			out[i] = ledger.MeetingBucket{At: *moment(rows, i, "hour"), Identifiers: intOf(rows, i, "identifiers"), Matched: intOf(rows, i, "matched")}
		}
		return out, nil
	}
	hours, err := buckets(x.q.Hours(f.s, step))
	if err != nil {
		return err
	}
	f.Hours, f.Change = hours, changeOf(hours)
	exposed, err := buckets(x.q.ExposedHours(f.s, step))
	f.Exposed = changeOf(exposed)
	return err
}

// spelling: the identifiers are written otherwise.
func (x *examiner) spelling(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.rate() >= wellMet || f.s.Join != "" {
		return nil
	}
	if err := x.sampleRight(ctx, f); err != nil {
		return err
	}
	found, s, err := x.spelled(ctx, pair{"assay_sample_units", f.right, f.rate(), scaleOf(f), f.perRight(), f.reach})
	for _, t := range found {
		after := s.after(t)
		c := ledger.Cause{
			Code: t.cause, Before: f.rate(), After: &after, Cost: t.cost, Mend: x.mendSpelling(f, t),
			Text: spellingText(t, f.Source, x.out.Identifier),
		}
		if t.cause == "type" && f.uncompared != "" {
			c.Text += fmt.Sprintf(" The engine compares %s with %s and says: %s.", x.out.Exposures.Type, f.Type, f.uncompared)
		}
		f.blame(c)
	}
	return err
}

// perRight are units for each identifier of the source.
func (f *examined) perRight() float64 { return float64(f.Units) / float64(max(f.Identifiers, 1)) }

func scaleOf(f *examined) float64 { return float64(max(f.Identifiers, 1)) / float64(max(f.reach, 1)) }

// wordsOf says what a rewriting undoes.
var wordsOf = map[string]string{
	"type": "are the same texts, and are compared as another type", "case": "differ in upper and lower case", "space": "have white space at their ends",
	"quotes": "are in quotes", "url_encoding": "are percent-encoded", "base64": "are in base64", "unicode": "are in different Unicode normal forms",
	"prefixes": "differ by beginnings of several kinds, which end in ':', '/', '|' or '#'",
	"prefix":   "differ by a constant beginning", "suffix": "differ by a constant ending", "zeros": "differ by leading zeros",
	"number_format": "were written as numbers with a decimal point or an exponent", "uuid": "are UUIDs that are written differently",
	"digest": "are digests of the other side's", "email": "are e-mail addresses that are written differently",
}

// spellingText names the causes of a try, with the affixes that many share.
func spellingText(t try, source, identifier string) string {
	var parts []string
	for _, cause := range strings.Split(t.cause, "+") {
		words := wordsOf[cause]
		if cause == "prefix" || cause == "suffix" {
			words += affixText(t, cause)
		}
		if cause == "digest" {
			words += " (" + digestOf(t) + ")"
		}
		parts = append(parts, words)
	}
	return fmt.Sprintf("The identifiers of %s and the exposures' %s %s.", source, identifier, strings.Join(parts, ", and "))
}

func affixText(t try, cause string) string {
	var parts []string
	for _, s := range t.right {
		switch s.Name {
		case "un" + cause:
			parts = append(parts, fmt.Sprintf("%q in the facts", s.Text))
		case cause:
			parts = append(parts, fmt.Sprintf("%q in the exposures", s.Text))
		}
	}
	return ": " + strings.Join(parts, ", ")
}

func digestOf(t try) string {
	names := map[string]string{"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}
	for _, s := range slices.Concat(t.left, t.right) {
		if name := names[s.Name]; name != "" {
			return name
		}
	}
	return ""
}

// joined: a source that comes by a join may miss the units on either leg.
func (x *examiner) joined(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.s.Join == "" {
		return nil
	}
	if err := x.sampleRight(ctx, f); err != nil {
		return err
	}
	pairs, err := x.pairs(ctx, f.s.Join, f.s.Identifier)
	if err != nil {
		return err
	}
	rows, err := x.run(ctx, x.q.Through(f.Source, f.s.Join, f.s.Identifier, x.out.Identifier, pairs, "assay_sample_units", f.right))
	if err != nil {
		return err
	}
	f.Join.Links, f.Join.Linked, f.Join.FannedOut = intOf(rows, 0, "links"), intOf(rows, 0, "linked"), intOf(rows, 0, "fanned_out")
	f.Join.Exposed = intOf(rows, 0, "exposed")
	if f.rate() >= wellMet {
		return nil
	}
	for _, leg := range []string{"assay_from", "assay_to"} {
		if err := x.leg(ctx, f, pairs, leg); err != nil {
			return err
		}
	}
	return nil
}

// pairs makes the table of a join's pairs.
func (x *examiner) pairs(ctx context.Context, join, from string) (string, error) {
	x.tables++
	table := fmt.Sprintf("assay_pairs_%d", x.tables)
	_, err := x.run(ctx, x.q.Pairs(join, from, x.out.Identifier, table))
	return table, err
}

// leg tries the spelling between a join and one of its ends: the facts', whose
// identifiers are looked for in it, or the units.
func (x *examiner) leg(ctx context.Context, f *examined, pairs, column string) error {
	x.tables++
	table := fmt.Sprintf("assay_leg_%d", x.tables)
	most, p := x.out.Reach, pair{left: "assay_sample_units", right: table, before: ratioOf(f.Join.Exposed, f.Units), scale: 1}
	if column == "assay_from" {
		most, p = x.out.Sample, pair{left: table, right: f.right, scale: scaleOf(f), reach: f.reach}
		p.before = ratioOf(f.Identifiers-f.Join.Orphans, max(f.Join.Linked, 1))
	}
	if _, err := x.run(ctx, x.q.Sample(queries.Table{Name: table, From: pairs, Column: column}, f.s.Join, most)); err != nil {
		return err
	}
	found, s, err := x.spelled(ctx, p)
	for _, t := range found {
		after := s.after(t)
		c := ledger.Cause{Code: t.cause, Before: p.before, After: &after, Cost: t.cost, Text: spellingText(t, f.s.Join, x.out.Identifier)}
		c.Mend = x.mendLeg(f, t, column)
		if column == "assay_from" {
			c.Text = spellingText(t, f.Source, f.s.Identifier+" of the join "+f.s.Join)
			c.Text = strings.Replace(c.Text, "the exposures' ", "the ", 1)
		}
		f.blame(c)
	}
	return err
}

// mendLeg rewrites the facts' SQL, or the join's.
func (x *examiner) mendLeg(f *examined, t try, column string) *ledger.Mend {
	cfg := x.p.Config
	join := cfg.Joins[f.s.Join]
	switch {
	case t.cause == "type":
		id := f.s.Identifier
		if column == "assay_to" {
			id = x.out.Identifier
		}
		return &ledger.Mend{Text: "Compare " + id + " as text.", Edits: []ledger.Edit{x.edit(cfg.Identifiers[id].Type, "text", "identifiers", id, "type")}}
	case column == "assay_from":
		m := &ledger.Mend{Text: fmt.Sprintf("Write %s alike in the SQL of %s and of %s.", f.s.Identifier, f.Source, f.s.Join), Edits: x.asText(f.s.Identifier)}
		if len(t.right) > 0 {
			m.Edits = append(m.Edits, x.sqlEdit(f.Source, x.d.Wrapped(cfg.Facts[f.Source].SQL, f.s.Identifier, x.d.Rewrite(x.d.TextOf(f.s.Identifier), t.right))))
		}
		if len(t.left) > 0 {
			m.Edits = append(m.Edits, x.edit(join.SQL, x.d.Wrapped(join.SQL, f.s.Identifier, x.d.Rewrite(x.d.TextOf(f.s.Identifier), t.left)), "joins", f.s.Join, "sql"))
		}
		return m
	case len(t.left) == 0:
		id := x.out.Identifier
		return &ledger.Mend{
			Text: fmt.Sprintf("Write %s of the join %s as the exposures have it, in its SQL.", id, f.s.Join),
			Edits: append([]ledger.Edit{x.edit(join.SQL, x.d.Wrapped(join.SQL, id, x.d.Rewrite(x.d.TextOf(id), t.right)), "joins", f.s.Join, "sql")},
				x.asText(id)...),
		}
	}
	return nil
}

// explained tells whether a cause was found that brings most of the units.
func (f *examined) explained() bool {
	return slices.ContainsFunc(f.Causes, func(c ledger.Cause) bool { return c.Code != "time_type" && c.After != nil && *c.After >= 0.8 })
}

// otherJoins: a join is declared that would bring the source's identifiers, by
// another name, to the units.
func (x *examiner) otherJoins(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.rate() >= wellMet || f.explained() || f.s.Join != "" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(x.p.Config.Joins)) {
		ends := x.p.Config.Joins[name].Identifiers
		at := slices.Index(ends, x.out.Identifier)
		if at < 0 {
			continue
		}
		if err := x.otherJoin(ctx, f, name, ends[1-at]); err != nil {
			return err
		}
	}
	return nil
}

func (x *examiner) otherJoin(ctx context.Context, f *examined, join, from string) error {
	if fits, err := x.joinFits(ctx, join, from); !fits || err != nil {
		return err
	}
	pairs, err := x.pairs(ctx, join, from)
	if refused(err) != "" {
		return nil // That join is another's trouble.
	}
	if err != nil {
		return err
	}
	rows, err := x.run(ctx, x.q.Through(f.Source, join, from, x.out.Identifier, pairs, "assay_sample_units", f.right))
	if err != nil {
		return err
	}
	s := sampleOf{x.sampleUnits(), f.rate(), scaleOf(f), f.perRight()}
	t := try{matched: intOf(rows, 0, "matched")}
	if !s.helps(t) {
		return nil
	}
	after := s.after(t)
	facts := x.p.Config.Facts[f.Source]
	f.blame(ledger.Cause{
		Code: "join", Before: f.rate(), After: &after, Cost: 1,
		Text: fmt.Sprintf("The column %s of %s holds %ss; the declared join %s says whose they are, and is not used.", f.s.Identifier, f.Source, from, join),
		Mend: &ledger.Mend{
			Text: fmt.Sprintf("Call the column of %s what it is, %s: it is then joined through %s.", f.Source, from, join),
			Edits: []ledger.Edit{
				x.edit(strings.Join(facts.Identifiers, ", "), x.instead(f, from), "facts", f.Source, "identifiers"),
				x.sqlEdit(f.Source, x.d.Renamed(facts.SQL, f.s.Identifier, from)),
			},
		},
	})
	return nil
}

// sampleUnits is the size of the sample of units.
func (x *examiner) sampleUnits() int64 { return min(x.out.Units, int64(x.out.Sample)) }

// candidates are the columns that may hold identifiers. Numbers are taken only
// from columns that are called like one: small numbers meet by chance.
func candidates(columns []connectors.Column, numbers bool, not ...string) []string {
	var out []string
	for _, c := range columns {
		skip := slices.ContainsFunc(not, func(n string) bool { return strings.EqualFold(n, c.Name) })
		called := idName.MatchString(strings.Trim(c.Name, `"`))
		if skip || numbers && !called || !isText(c.Type) && !isNumber(c.Type) && !strings.EqualFold(c.Type, "UUID") || isNumber(c.Type) && !called {
			continue
		}
		if out = append(out, c.Name); len(out) == 16 {
			break
		}
	}
	return out
}

var idName = regexp.MustCompile(`(?i)(^|_|\b)(id|uid|uuid|guid|user|account|member|visitor|customer|device|key|hash|sub|anonymous)|(id|key)$`)

// otherColumns: another column of either query holds the identifiers.
func (x *examiner) otherColumns(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.rate() >= wellMet || f.explained() || f.s.Join != "" {
		return nil
	}
	numbers := isNumber(x.out.Exposures.Type) || isNumber(f.Type)
	facts := x.p.Config.Facts[f.Source]
	if err := x.factColumns(ctx, f, candidates(f.columns, numbers, f.s.Identifier, "timestamp", facts.Key)); err != nil {
		return err
	}
	return x.exposureColumns(ctx, f, candidates(x.columns, numbers, x.out.Identifier, "timestamp", "experiment_id", "variation_id"))
}

func (x *examiner) factColumns(ctx context.Context, f *examined, columns []string) error {
	if len(columns) == 0 {
		return nil
	}
	rows, err := x.run(ctx, x.q.Columns(f.s, columns, "assay_sample_units"))
	if err != nil {
		return err
	}
	s := sampleOf{x.sampleUnits(), f.rate(), 1, f.perRight()}
	for row := range rows.Len() {
		t := try{matched: intOf(rows, row, "matched")}
		if !s.helps(t) {
			continue
		}
		column, after := columns[intOf(rows, row, "assay_column")], s.after(t)
		sql := x.d.Wrapped(x.p.Config.Facts[f.Source].SQL, f.s.Identifier, x.d.Ident(column))
		f.blame(ledger.Cause{
			Code: "column", Before: f.rate(), After: &after, Cost: 1.1,
			Text: fmt.Sprintf("The exposures' %s is in the column %s of %s, not in %s.", x.out.Identifier, column, f.Source, f.s.Identifier),
			Mend: &ledger.Mend{
				Text:  fmt.Sprintf("Take %s as %s in the SQL of %s.", column, f.s.Identifier, f.Source),
				Edits: append([]ledger.Edit{x.sqlEdit(f.Source, sql)}, x.asText(f.s.Identifier)...),
			},
		})
	}
	return nil
}

func (x *examiner) exposureColumns(ctx context.Context, f *examined, columns []string) error {
	if len(columns) == 0 {
		return nil
	}
	rows, err := x.run(ctx, x.q.ExposureColumns(columns, f.right))
	if err != nil {
		return err
	}
	s := sampleOf{x.out.Units, f.rate(), scaleOf(f), f.perRight()}
	for row := range rows.Len() {
		t := try{matched: intOf(rows, row, "identifiers")}
		if !s.helps(t) {
			continue
		}
		column, after := columns[intOf(rows, row, "assay_column")], s.after(t)
		unit := x.out.Identifier
		name := x.fresh(unit + "_in_" + f.Source)
		pairs := x.d.Linking(x.p.Config.Assignments[x.e.Assignment].SQL, x.d.TextOf(column), name, unit)
		f.blame(ledger.Cause{
			Code: "column", Before: f.rate(), After: &after, Cost: 1.2,
			Text: fmt.Sprintf("What %s calls %s is in the column %s of the exposures.", f.Source, f.s.Identifier, column),
			Mend: &ledger.Mend{
				Text:  fmt.Sprintf("Declare it as an identifier of its own, and join by it through the exposures' %s.", column),
				Edits: x.through(f, x.p.Config.Facts[f.Source].SQL, name, pairs),
			},
		})
	}
	return nil
}

var (
	environmentName = regexp.MustCompile(`(?i)^(env|environment|stage|deployment|tier|tenant|cluster|realm)(_name)?$`)
	environmentWord = regexp.MustCompile(`(?i)prod(uction)?|staging|stage|dev(elopment)?|test(ing)?|qa|sandbox|preprod|uat|live`)
)

// environment: the facts are another environment's. What the spec or the exposures
// call theirs is put in place of it, and tried.
func (x *examiner) environment(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.rate() >= 0.5 || f.explained() || f.s.Join != "" {
		return nil
	}
	own := x.p.Config.Facts[f.Source].SQL
	words := environmentWord.FindAllString(own, -1)
	slices.Sort(words)
	for _, word := range slices.Compact(words) {
		for _, other := range x.environments() {
			if strings.EqualFold(word, other) {
				continue
			}
			sql := strings.ReplaceAll(own, word, other)
			if done, err := x.elsewhere(ctx, f, sql, word, other); done || err != nil {
				return err
			}
		}
	}
	return x.environmentColumns(ctx, f)
}

// environments are the names that production goes by, those of the assignment
// query first.
func (x *examiner) environments() []string {
	list := append(environmentWord.FindAllString(x.p.Config.Assignments[x.e.Assignment].SQL, -1), "prod", "production", "live")
	var out []string
	for _, name := range list {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// elsewhere tries the source's SQL with another environment in it.
func (x *examiner) elsewhere(ctx context.Context, f *examined, sql, word, other string) (bool, error) {
	s := f.s
	s.SQL = sql
	if fits, err := x.fits(ctx, x.q.Size(s)); !fits || err != nil {
		return false, err
	}
	rows, err := x.run(ctx, x.q.Columns(s, []string{f.s.Identifier}, "assay_sample_units"))
	if refused(err) != "" {
		return false, nil // There is no such environment.
	}
	if err != nil || rows.Len() == 0 {
		return false, err
	}
	by, t := sampleOf{x.sampleUnits(), f.rate(), 1, f.perRight()}, try{matched: intOf(rows, 0, "matched")}
	if !by.helps(t) {
		return false, nil
	}
	after := by.after(t)
	f.blame(ledger.Cause{
		Code: "environment", Before: f.rate(), After: &after, Cost: 1,
		Text: fmt.Sprintf("The rows of %s are of another environment than the exposures: %q in its SQL; with %q they meet.", f.Source, word, other),
		Mend: &ledger.Mend{Text: "Read the environment that the exposures come from.", Edits: []ledger.Edit{x.sqlEdit(f.Source, sql)}},
	})
	return true, nil
}

// environmentColumns compares the environments that both queries name.
func (x *examiner) environmentColumns(ctx context.Context, f *examined) error {
	if f.Matched > 0 {
		return nil
	}
	theirs, err := x.environmentsIn(ctx, &f.s, f.columns)
	if err != nil || len(theirs) == 0 {
		return err
	}
	ours, err := x.environmentsIn(ctx, nil, x.columns)
	if err != nil || slices.ContainsFunc(theirs, func(v string) bool { return slices.Contains(ours, v) }) {
		return err
	}
	text := fmt.Sprintf("The rows of %s come from %s", f.Source, strings.Join(theirs, ", "))
	if len(ours) > 0 {
		text += ", the exposures from " + strings.Join(ours, ", ")
	}
	f.blame(ledger.Cause{Code: "environment", Before: f.rate(), Text: text + ".", Cost: 1})
	return nil
}

func (x *examiner) environmentsIn(ctx context.Context, s *queries.DoctorSource, columns []connectors.Column) ([]string, error) {
	for _, c := range columns {
		if !environmentName.MatchString(strings.Trim(c.Name, `"`)) {
			continue
		}
		rows, err := x.run(ctx, x.q.Values(s, c.Name))
		if err != nil {
			return nil, err
		}
		var out []string
		for row := range rows.Len() {
			value, _ := rows.Text(row, "value")
			out = append(out, value)
		}
		return out, nil
	}
	return nil, nil
}

// clocks: units are known, but their rows are outside of the windows.
func (x *examiner) clocks(ctx context.Context, f *examined) error {
	if f.Rows == 0 || f.Matched < 5 || 2*f.InWindow >= f.Matched {
		return nil
	}
	if err := x.measure(ctx, f); err != nil || slices.ContainsFunc(f.Causes, func(c ledger.Cause) bool { return c.Code == "time_unit" }) {
		return err
	}
	rows, err := x.run(ctx, x.q.Shifts(f.s, "assay_sample_units"))
	if err != nil {
		return err
	}
	in := map[int64]int64{}
	for row := range rows.Len() {
		in[intOf(rows, row, "half_hours")] = intOf(rows, row, "in_window")
	}
	best := slices.Max(append(slices.Collect(maps.Values(in)), 0))
	if now := in[0]; best < 3*now || best-now < 5 || float64(best-now) < 0.2*float64(f.Matched) {
		x.outOfWindow(f)
		return nil
	}
	// The earliest clock at which nearly all are inside: facts follow an exposure at
	// once, and wait for nothing.
	var shift int64
	for _, n := range slices.Sorted(maps.Keys(in)) {
		if 100*in[n] >= 97*best {
			shift = n
			break
		}
	}
	x.shifted(f, time.Duration(shift)*30*time.Minute, min(1, ratioOf(in[shift], x.sampleUnits())))
	return nil
}

// measure: times of 1970 or of a far future were made by the wrong measure.
func (x *examiner) measure(ctx context.Context, f *examined) error {
	odd := f.Oldest != nil && (f.Newest.Year() < 1990 || f.Oldest.After(x.asOf.AddDate(1, 0, 0)))
	if !odd || f.s.Clock != queries.ClockTime {
		return nil
	}
	scaled := *f
	scaled.CheckedSource = &ledger.CheckedSource{Source: f.Source}
	scaled.s.Clock = queries.ClockScaled
	if text, err := x.meet(ctx, &scaled); text != "" || err != nil || scaled.InWindow < 5 {
		return err
	}
	after := ratioOf(scaled.InWindow, scaled.Units)
	f.blame(ledger.Cause{
		Code: "time_unit", Before: ratioOf(f.InWindow, f.Units), After: &after, Cost: 0.5, Mend: x.mendTime(&scaled, queries.ClockScaled),
		Text: fmt.Sprintf("The timestamps of %s are of %d to %d: they were made of numbers by the wrong measure (seconds, milliseconds, microseconds).",
			f.Source, f.Oldest.Year(), f.Newest.Year()),
	})
	return nil
}

// outOfWindow is what is known where no clock brings the rows inside.
func (x *examiner) outOfWindow(f *examined) {
	if f.InWindow > 0 || f.Matched < leastUnits {
		return
	}
	_, closes := f.s.Window()
	text := fmt.Sprintf("%s exposed units are known to %s, and none has a row inside its window", decide.Count(f.Matched), f.Source)
	if 2*f.OnlyBefore > f.Matched {
		text += ": the rows of most come before their first exposure. Is the exposure logged when the result is seen?"
	} else if closes > 0 {
		text += fmt.Sprintf(": the rows come after it closes, %s after first exposure.", spec.Duration{Duration: closes})
	}
	f.blame(ledger.Cause{Code: "window", Text: strings.TrimSuffix(text, ".") + ".", Cost: 2})
}

// shifted: another zone brings the rows inside.
func (x *examiner) shifted(f *examined, by time.Duration, after float64) {
	cfg := x.p.Config.Facts[f.Source]
	direction := "early"
	if by < 0 {
		direction = "late"
	}
	c := ledger.Cause{
		Code: "clock", Before: ratioOf(f.InWindow, f.Units), After: &after, Cost: 0.5,
		Text: fmt.Sprintf("The clock of %s is %s too %s: set right, its rows fall inside the windows. Or that of the exposures is wrong by as much, the other way.",
			f.Source, spec.Duration{Duration: by.Abs()}, direction),
	}
	zone := ""
	if !strings.Contains(strings.ToUpper(f.TimeType), "ZONE") && f.Newest != nil && by%time.Hour == 0 {
		zone = zoneOf(cfg.Timezone, *f.Newest, by)
	}
	if zone != "" {
		c.Mend = &ledger.Mend{
			Text:  fmt.Sprintf("Say what zone the timestamps of %s are in; if it has summer time, name the place instead.", f.Source),
			Edits: []ledger.Edit{x.edit(cfg.Timezone, zone, "facts", f.Source, "timezone")},
		}
	} else {
		c.Mend = &ledger.Mend{
			Text:  fmt.Sprintf("Set the timestamps of %s right in its SQL.", f.Source),
			Edits: []ledger.Edit{x.sqlEdit(f.Source, x.d.Wrapped(cfg.SQL, "timestamp", x.d.Shifted("timestamp", by)))},
		}
	}
	f.blame(c)
}

// zoneOf is the zone of timestamps that are too early by so much when read in the
// declared one; "" where there is none of whole hours. Etc zones count westwards.
func zoneOf(declared string, at time.Time, by time.Duration) string {
	offset := 0
	if declared != "" {
		if zone, err := time.LoadLocation(declared); err == nil {
			_, offset = at.In(zone).Zone()
		}
	}
	hours := offset/3600 - int(by/time.Hour)
	switch {
	case offset%3600 != 0 || hours < -12 || hours > 14:
		return ""
	case hours == 0:
		return "UTC"
	}
	return fmt.Sprintf("Etc/GMT%+d", -hours)
}

// nobody: most rows name nobody.
func (x *examiner) nobody(f *examined) {
	if f.Rows == 0 || f.rate() >= 0.5 || f.explained() {
		return
	}
	for _, c := range []struct {
		code, words string
		rows        int64
	}{
		{"null", "have no identifier", f.Null},
		{"empty", "have an empty identifier", f.Empty},
		{"placeholder", "have a placeholder (null, unknown, anonymous, 0, ...) for an identifier", f.Placeholder},
		{"constant", "have one and the same identifier", f.Commonest},
	} {
		if 2*c.rows > f.Rows && f.Rows >= leastUnits && (c.code != "constant" || f.Identifiers < f.Units/2 && f.rate() < 0.2) {
			f.blame(ledger.Cause{
				Code: c.code, Before: f.rate(), Cost: 1, Text: fmt.Sprintf("%s of %s rows of %s %s.", decide.Count(c.rows), decide.Count(f.Rows), f.Source, c.words),
				Mend: &ledger.Mend{Text: "Fill " + f.s.Identifier + " where the rows are written; no SQL can bring back who it was."},
			})
		}
	}
}

// late: the source is not loaded up to now.
func (x *examiner) late(f *examined) {
	limit := x.p.FreshnessOf(x.p.Config.Facts[f.Source].Freshness, x.e)
	reference := x.asOf
	if end := x.e.End(); end.Before(reference) {
		reference = end
	}
	if f.Rows == 0 || f.Newest == nil || reference.Sub(*f.Newest) <= limit || f.Newest.Year() < 1990 {
		return
	}
	text := fmt.Sprintf("The newest row of %s is from %s, %s before as-of.", f.Source, minute(*f.Newest), spec.Duration{Duration: reference.Sub(*f.Newest).Round(time.Minute)})
	if f.Exposed != nil && f.Exposed.After < f.Exposed.Before {
		text += fmt.Sprintf(" Of the units first exposed before %s %.3g %% are found, of those since %.3g %%: the load is late or has stopped.",
			minute(f.Exposed.Since), 100*f.Exposed.Before, 100*f.Exposed.After)
	}
	f.blame(ledger.Cause{Code: "late", Before: f.rate(), Text: text, Cost: 0.5, Mend: &ledger.Mend{Text: "Nothing in the spec: look at the job that loads " + f.Source + "."}})
}

// disjoint: nobody is met, and nothing that was tried explains it.
func (x *examiner) disjoint(f *examined) {
	if f.Rows == 0 || len(f.Causes) > 0 || f.Matched > 0 || f.Units < leastUnits || f.Identifiers < leastUnits || f.Units < manyUnits && 2*f.Identifiers < f.Units {
		return
	}
	f.blame(ledger.Cause{
		Code: "disjoint", Cost: 5, Text: fmt.Sprintf(
			"None of %s exposed units is among the %s identifiers of %s, and no rewriting, other column or declared join brings any together: they are of another kind, another environment or another population.",
			decide.Count(f.Units), decide.Count(f.Identifiers), f.Source),
		Mend: &ledger.Mend{Text: "Find the table that knows both identifiers, and declare it as a join."},
	})
}
