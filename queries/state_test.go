package queries_test

import (
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// TestStateOracle looks at random worlds several times, each time as far as
// their rows have come in, and keeps what was found. What the last look returns is
// compared with what all events say, counted one by one.
func TestStateOracle(t *testing.T) {
	first, count := uint64(1), *worlds/3
	if testing.Short() {
		count = min(count, 30)
	}
	if *oneSeed > 0 {
		first, count = *oneSeed, 1
	}
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wh.Close() }()
	list := make([]*stateCheck, count)
	for i := range list {
		list[i] = newStateCheck(first + uint64(i))
	}
	t.Run("worlds", func(t *testing.T) {
		for _, part := range slices.Collect(slices.Chunk(list, (count+1)/2)) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for _, c := range part {
					if c.w.activation != nil {
						continue // Nothing is kept of it.
					}
					c.t = t
					if c.run(wh, t.TempDir()); c.failed {
						t.Fatalf("seed %d: run again with -run TestStateOracle -seed %d", c.w.seed, c.w.seed)
					}
				}
			})
		}
	})
	var seen stateCoverage
	for _, c := range list {
		seen.add(c.kept)
	}
	t.Logf("%+v", seen)
	if *oneSeed == 0 && count >= 200 {
		seen.assert(t)
	}
}

// stateCheck is a world that is looked at several times.
type stateCheck struct {
	check
	late map[string][]time.Duration // by table: how long rows take to come in
	kept stateCoverage
}

// stateCoverage counts what the worlds came by.
type stateCoverage struct {
	Sources, Whole, Late, Turned, Looks, Bounded, Sliced, Ranked, Averages, Open, Covariates, PastEnd int
}

func (s *stateCoverage) add(o stateCoverage) {
	s.Sources += o.Sources
	s.Whole += o.Whole
	s.Late += o.Late
	s.Turned += o.Turned
	s.Looks += o.Looks
	s.Bounded += o.Bounded
	s.Sliced += o.Sliced
	s.Ranked += o.Ranked
	s.Averages += o.Averages
	s.Open += o.Open
	s.Covariates += o.Covariates
	s.PastEnd += o.PastEnd
}

func (s *stateCoverage) assert(t *testing.T) {
	t.Helper()
	for name, n := range map[string]int{
		"sources with kept facts": s.Sources, "sources without": s.Whole, "late rows": s.Late, "units that turned out to be in several variations": s.Turned,
		"bounded sources": s.Bounded, "sliced worlds": s.Sliced, "ranked": s.Ranked, "averages": s.Averages,
		"metrics of complete units only": s.Open, "covariates": s.Covariates, "metrics past the end": s.PastEnd,
	} {
		if n < 20 {
			t.Errorf("%s: only %d", name, n)
		}
	}
}

func newStateCheck(seed uint64) *stateCheck {
	w, metrics := newWorld(seed)
	c := &stateCheck{check: check{w: w, metrics: metrics, seen: &coverage{}}}
	w.look.State = &queries.State{
		Database: fmt.Sprintf("state of %d", seed), Sources: map[string]time.Time{},
		Overlap: pick(w, []time.Duration{0, time.Hour, 12 * time.Hour, 3 * day}),
	}
	if c.partial = w.one(2); c.partial {
		c.kept.Bounded++
		source := w.p.Config.Facts["direct"]
		source.SQL += " AND ts >= {{start}} AND ts < {{end}}"
		w.p.Config.Facts["direct"] = source
	}
	c.late = map[string][]time.Duration{}
	// In one order: every draw hangs on those before it.
	for _, table := range []string{"exposures", "direct"} {
		rows := len(w.exposures)
		if table == "direct" {
			rows = len(w.facts["direct"])
		}
		for range rows {
			var late time.Duration
			if w.look.State.Overlap > 0 && w.one(2) {
				late = time.Duration(w.rng.Int64N(int64(w.look.State.Overlap)))
			}
			c.late[table] = append(c.late[table], late)
		}
	}
	c.nearRepeats()
	c.moreRepeats()
	if !w.one(4) {
		c.mergeable()
	}
	c.twins()
	c.cover()
	return c
}

// nearRepeats gives repeats that lie further apart than the overlap keys of
// their own: they are counted twice.
func (c *stateCheck) nearRepeats() {
	first := map[string]time.Time{}
	facts := c.w.facts["direct"]
	for i := range facts {
		f := &facts[i]
		if f.key == nil || f.at == nil {
			continue
		}
		if at, ok := first[*f.key]; ok && f.at.Sub(at).Abs() > c.w.look.State.Overlap/2 {
			f.key = ptr(fmt.Sprintf("%s again %d", *f.key, i))
		} else if !ok {
			first[*f.key] = *f.at
		}
	}
}

// moreRepeats adds repeats that lie within an overlap of what they repeat.
func (c *stateCheck) moreRepeats() {
	half := c.w.look.State.Overlap / 2
	for i, f := range c.w.facts["direct"] {
		if f.key == nil || f.at == nil || half == 0 || !c.w.one(3) {
			continue
		}
		f.at = ptr(f.at.Add(time.Duration(c.w.rng.Int64N(int64(half))).Truncate(time.Microsecond)))
		c.w.facts["direct"] = append(c.w.facts["direct"], f)
		c.late["direct"] = append(c.late["direct"], c.late["direct"][i])
	}
}

// twins adds to some metrics one that differs only in whether it waits for
// windows to close.
func (c *stateCheck) twins() {
	for i, use := range slices.Concat(c.w.e.Goals, c.w.e.Guardrails) {
		m, ok := c.metrics[use.Metric]
		if !ok || m.spec.Source != "direct" || m.spec.Window.Duration == 0 || !c.w.one(2) {
			continue
		}
		name := fmt.Sprintf("twin_%d", i)
		m.spec.CompleteOnly = !m.spec.CompleteOnly
		c.metrics[name], c.w.p.Config.Metrics[name] = m, m.spec
		c.w.e.Secondary = append(c.w.e.Secondary, spec.Use{Metric: name})
	}
}

// mergeable leaves out what keeps a source from being kept.
func (c *stateCheck) mergeable() {
	for _, list := range []*[]spec.Use{&c.w.e.Guardrails, &c.w.e.Goals, &c.w.e.Secondary} {
		*list = slices.DeleteFunc(*list, func(use spec.Use) bool {
			m := c.w.p.Config.Metrics[use.Metric]
			of := m.PerUnit
			if m.Total != nil {
				of = m.Total.Of
			}
			out := m.Source == "direct" && (m.Kind == "distinct" || m.Kind == "daily_participation" || m.Of == "event" || of == "distinct" || m.Lookback.Duration > 0)
			c.partial = c.partial || out
			return out
		})
	}
}

func (c *stateCheck) cover() {
	for _, m := range c.w.p.Config.Metrics {
		if m.Source != "direct" || c.w.activation != nil {
			continue
		}
		if m.Kind == "mean" {
			c.kept.Averages++
		}
		if m.CompleteOnly && m.Window.Duration > 0 {
			c.kept.Open++
		}
		if m.Covariate.Duration > 0 {
			c.kept.Covariates++
		}
		if m.PastEnd {
			c.kept.PastEnd++
		}
		if m.Cap != nil && m.Cap.At == nil || m.Kind == "quantile" && m.Of != "event" {
			c.kept.Ranked++
		}
	}
	if len(c.w.e.Slices) > 0 {
		c.kept.Sliced++
	}
}

func (c *stateCheck) run(wh connectors.Warehouse, dir string) {
	c.t.Helper()
	session, err := wh.Session(c.t.Context(), connectors.Tags{})
	if err != nil {
		c.errorf("%v", err)
		return
	}
	defer func() { _ = session.Close() }()
	c.session = session
	path := ":memory:"
	if c.w.seed%10 == 0 {
		path = filepath.Join(dir, "state.duckdb")
	}
	for _, s := range queries.AttachState(path, c.w.look.State.Database) {
		c.query(s)
	}
	last := c.w.look
	var instants []time.Time
	for range 1 + c.w.rng.IntN(3) {
		instants = append(instants, c.w.within(start.Add(time.Hour), last.AsOf.Sub(start)-time.Hour))
	}
	slices.SortFunc(instants, time.Time.Compare)
	if c.w.one(4) {
		instants = append(instants, last.AsOf) // The same look again.
	}
	for _, at := range instants {
		c.earlier(wh, at)
		c.kept.Looks++
	}
	c.tables(c.w)
	c.look()
	if c.script == nil {
		return
	}
	for _, f := range c.script.Facts {
		if f.Whole == "" {
			c.kept.Sources++
		} else {
			c.kept.Whole++
		}
	}
	rows := c.query(queries.Statement{Name: "turned", SQL: fmt.Sprintf(
		`SELECT COUNT(*) AS n FROM "%s".units AS k JOIN %s AS u USING (assay_unit) WHERE k.assay_low = k.assay_high AND u.assay_stratum = -1`,
		c.w.look.State.Database, c.exposed())})
	turned, _ := rows.Int(0, "n")
	c.kept.Turned += int(turned)
	c.query(queries.DetachState(c.w.look.State.Database))
}

// exposed is the table of units.
func (c *stateCheck) exposed() string {
	if len(c.w.e.Slices) > 0 {
		return "assay_exposed"
	}
	return "assay_units"
}

// earlier is a look as of an instant, at what had come in by then.
func (c *stateCheck) earlier(wh connectors.Warehouse, at time.Time) {
	c.t.Helper()
	w := *c.w
	w.look.AsOf = at
	w.look.Epochs = slices.DeleteFunc(slices.Clone(w.look.Epochs), func(e queries.Epoch) bool { return e.Start.After(start) && !e.Start.Before(at) })
	w.exposures, w.facts = nil, map[string][]fact{"joined": c.w.facts["joined"]}
	for i, x := range c.w.exposures {
		if x.at.Add(c.late["exposures"][i]).Before(at) || x.at.After(at) {
			w.exposures = append(w.exposures, x)
		} else {
			c.kept.Late++
		}
	}
	for i, f := range c.w.facts["direct"] {
		if f.at == nil || f.at.Add(c.late["direct"][i]).Before(at) {
			w.facts["direct"] = append(w.facts["direct"], f)
		} else if f.at.Before(at) {
			c.kept.Late++
		}
	}
	inner, err := wh.Session(c.t.Context(), connectors.Tags{})
	if err != nil {
		c.errorf("%v", err)
		return
	}
	defer func() { _ = inner.Close() }()
	outer := c.session
	c.session = inner
	defer func() { c.session = outer }()
	c.tables(&w)
	script, err := queries.Render(w.p, w.e, w.look, queries.DuckDB)
	if err != nil {
		c.errorf("%v", err)
		return
	}
	for _, s := range script.All() {
		if c.query(s); c.failed {
			return
		}
	}
	until := w.look.State.Until(at)
	w.look.State.Units = until
	c.query(script.Leave.Begin)
	for source, list := range script.Leave.Sources {
		for _, s := range list {
			c.query(s)
		}
		w.look.State.Sources[source] = until
	}
	c.query(script.Leave.Commit)
}

// keptExample is the example as of a later look, which finds kept what an earlier
// one left.
func keptExample() (*spec.Project, *spec.Experiment, queries.Look) {
	p, e, look := example()
	e.Activation, e.Slices = "", nil
	// What ranks facts, counts distinct ones or looks back is not kept.
	e.Secondary = slices.DeleteFunc(e.Secondary, func(use spec.Use) bool {
		return slices.Contains([]string{"dearest", "kinds_of_event", "days_active", "p95_score"}, use.Metric)
	})
	through := look.AsOf.Add(-2 * day)
	look.State = &queries.State{
		Database: "kept", Overlap: day, Units: through,
		Sources: map[string]time.Time{"events": through, "feedback": through},
	}
	return p, e, look
}

// TestStateGolden shows the statements of an incremental look.
func TestStateGolden(t *testing.T) {
	p, e, look := keptExample()
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	text := listing(script)
	for _, source := range slices.Sorted(maps.Keys(script.Leave.Sources)) {
		for _, s := range script.Leave.Sources[source] {
			text += fmt.Sprintf("-- === %s: %s\n%s\n", s.Name, s.Purpose, s.SQL)
		}
	}
	golden(t, filepath.Join("testdata", "duckdb-incremental.sql"), text)
}

// TestStateScans: an incremental look reads a source once, and what it kept of it.
func TestStateScans(t *testing.T) {
	p, e, look := keptExample()
	e.Guardrails, e.Goals, e.Secondary = nil, nil, []spec.Use{{Metric: "total"}}
	p.Config.Metrics["total"] = spec.Metric{Kind: "sum", Source: "events", Value: "amount", Window: spec.Duration{Duration: day}}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	run := func(statements ...queries.Statement) {
		t.Helper()
		for _, s := range statements {
			if _, err := db.ExecContext(t.Context(), s.SQL); err != nil {
				t.Fatalf("%v\n%s", err, s.SQL)
			}
		}
	}
	render := func() *queries.Script {
		t.Helper()
		script, err := queries.Render(p, e, look, queries.DuckDB)
		if err != nil {
			t.Fatal(err)
		}
		return script
	}
	run(queries.Statement{SQL: exampleTables})
	recent := look.AsOf.Add(-time.Hour).Format("'2006-01-02 15:04:05'")
	run(queries.Statement{SQL: "INSERT INTO exposures (user_id, exposed_at) VALUES ('u', " + recent + ");\nINSERT INTO events (user_id, ts) VALUES ('u', " + recent + ")"})
	run(queries.AttachState(":memory:", "kept")[:2]...)
	now := *look.State
	look.State = &queries.State{Database: "kept", Overlap: day}
	first := render()
	run(first.Units)
	run(first.Leave.Units...)
	run(first.Merge...)
	run(*first.Facts[0].Recent)
	run(first.Leave.Sources["events"]...)
	for _, made := range []string{"VIEW assay_units", "TABLE assay_all", "TABLE assay_recent", "TABLE assay_recent_1"} {
		run(queries.Statement{SQL: "DROP " + made})
	}
	look.State = &now
	next := render()
	if got := scans(t, db, next.Units.SQL)["exposures"]; got != 1 {
		t.Errorf("exposures are scanned %d times", got)
	}
	run(next.Units)
	run(next.Leave.Units...)
	run(next.Merge...)
	if got := scans(t, db, next.Facts[0].Recent.SQL); got["events"] != 1 {
		t.Errorf("recent facts: scans of %v", got)
	}
	run(*next.Facts[0].Recent)
	got := scans(t, db, next.Facts[0].SQL)
	if got["events"] != 0 || got["exposures"] != 0 || got[`"facts events"`] == 0 {
		t.Errorf("all facts: scans of %v", got)
	}
}

// TestStateDigests: a part is made anew where what it is made by changes, and
// nowhere else.
func TestStateDigests(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *spec.Project, e *spec.Experiment)
		want   []string // parts whose digest changes
	}{
		"nothing":     {func(*spec.Project, *spec.Experiment) {}, nil},
		"margin":      {func(_ *spec.Project, e *spec.Experiment) { e.Policy.Alpha.Goals = 0.01 }, nil},
		"description": {func(_ *spec.Project, e *spec.Experiment) { e.Description = "other" }, nil},
		"query": {func(p *spec.Project, _ *spec.Experiment) {
			a := p.Config.Assignments["exposures"]
			a.SQL += " -- other"
			p.Config.Assignments["exposures"] = a
		}, []string{queries.UnitsPart}},
		"source": {func(p *spec.Project, _ *spec.Experiment) {
			s := p.Config.Facts["events"]
			s.SQL += " -- other"
			p.Config.Facts["events"] = s
		}, []string{"events"}},
		"start":      {func(_ *spec.Project, e *spec.Experiment) { e.Start.Time = e.Start.Add(time.Hour) }, []string{queries.UnitsPart, "events"}},
		"variations": {func(_ *spec.Project, e *spec.Experiment) { e.Variations[1].ID = "other" }, []string{queries.UnitsPart}},
		"window": {func(p *spec.Project, e *spec.Experiment) {
			e.Secondary = []spec.Use{{Metric: "more"}}
			p.Config.Metrics["more"] = spec.Metric{Kind: "count", Source: "events", Window: spec.Duration{Duration: time.Hour}}
		}, []string{"events"}},
	} {
		digests := func(change func(*spec.Project, *spec.Experiment)) map[string]string {
			p, e, _ := keptExample()
			e.Guardrails, e.Goals, e.Secondary = nil, nil, nil
			p.Config.Metrics["total"] = spec.Metric{Kind: "sum", Source: "events", Value: "amount"}
			e.Goals = []spec.Use{{Metric: "total"}}
			change(p, e)
			out, err := queries.StateDigests(p, e)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		before, after := digests(func(*spec.Project, *spec.Experiment) {}), digests(c.change)
		if len(before) != 2 {
			t.Fatalf("parts: %v", before)
		}
		for part := range before {
			if changed := before[part] != after[part]; changed != slices.Contains(c.want, part) {
				t.Errorf("%s: part %q changed: %t", name, part, changed)
			}
		}
	}
}
