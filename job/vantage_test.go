package job

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

var started = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// hours is an instant so many hours after the start.
func hours(n float64) time.Time { return started.Add(time.Duration(n * float64(time.Hour))) }

// small loads the project of the scripts; change edits an experiment of it.
func small(t *testing.T, name string, change ...func(*spec.Experiment)) (*spec.Project, *spec.Experiment) {
	t.Helper()
	p, problems, err := spec.Load("../testdata/small", func(string) (string, bool) { return "", false })
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v %v", err, problems)
	}
	e, ok := p.Experiment(name)
	if !ok {
		t.Fatalf("no experiment %s", name)
	}
	for _, c := range change {
		c(e)
	}
	return p, e
}

func openLedger(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func put(t *testing.T, l *ledger.Ledger, at time.Time, body ledger.Body) {
	t.Helper()
	if err := l.Append(at, body); err != nil {
		t.Fatal(err)
	}
}

// standingAt is the vantage of a look as of an instant.
func standingAt(t *testing.T, l *ledger.Ledger, p *spec.Project, e *spec.Experiment, o Options) *vantage {
	t.Helper()
	past, err := recall(l, e.Name, o.AsOf, lookID(e.Name, o.AsOf, p.Digest(e)))
	if err != nil {
		t.Fatal(err)
	}
	return newVantage(p, e, past, o)
}

// half covers a share, half of it treatment.
func half(coverage float64) decide.Allocation {
	return decide.Allocation{Coverage: coverage, KnownGood: "control", Arms: []decide.Arm{{Variation: "control", Weight: 0.5}, {Variation: "treatment", Weight: 0.5}}}
}

func divided(coverage, treatment float64) decide.Allocation {
	return decide.Allocation{Coverage: coverage, KnownGood: "control", Arms: []decide.Arm{{Variation: "control", Weight: 1 - treatment}, {Variation: "treatment", Weight: treatment}}}
}

// recorded is an event of the ledger and when it was written.
type recorded struct {
	at   time.Time
	body ledger.Body
}

func applied(at float64, outcome, store string, state decide.Allocation) recorded {
	return recorded{hours(at), ledger.Attempt{
		Delivery: fmt.Sprintf("d%g%s", at, store), Experiment: "tone", Store: store, FlagKey: "tone", Outcome: outcome, State: &state, Try: 1,
	}}
}

func observed(at float64, state decide.Allocation) recorded {
	return recorded{hours(at), ledger.Observed{Experiment: "tone", Store: "local", FlagKey: "tone", State: state, Expected: half(0.1)}}
}

func cleared(at float64) recorded {
	return recorded{hours(at), ledger.Clear{Experiment: "tone", AsOf: hours(at)}}
}

// looked is a recorded look; change makes it other than an ordinary one.
func looked(asOf, at float64, change ...func(*ledger.Look)) recorded {
	look := ledger.Look{
		ID: fmt.Sprintf("look-%g-%g", asOf, at), Experiment: "tone", AsOf: hours(asOf), Version: 1, Number: 1,
		Epochs:   []ledger.Epoch{{Index: 1, Start: started, Settled: started, Allocation: half(0.1)}},
		Decision: decide.Decision{Verdict: decide.Continue, Reasons: []decide.Reason{{}}},
	}
	for _, c := range change {
		c(&look)
	}
	return recorded{hours(at), look}
}

func backfilled(l *ledger.Look) { l.Backfill = true }
func failed(l *ledger.Look)     { l.Failed = "no answer" }

func numbered(n int) func(*ledger.Look) { return func(l *ledger.Look) { l.Number = n } }

// rolledBack ends the experiment; delivery d has to arrive.
func rolledBack(l *ledger.Look) {
	l.Decision.Verdict = decide.Rollback
	l.Standing.Ended = &decide.Terminal{Verdict: decide.Rollback, At: l.AsOf, By: byAssay}
	l.Standing.Owes = []string{"d"}
	l.Deliveries = []ledger.Delivery{{ID: "d", Store: "local", FlagKey: "tone", Target: half(0.1).All("control")}}
}

// epochsText is the epochs, each "hour: coverage/weight of treatment".
func epochsText(epochs []epoch) string {
	var out []string
	for _, e := range epochs {
		text := fmt.Sprintf("%g: %g/%g", e.start.Sub(started).Hours(), e.allocation.Coverage, e.allocation.Arms[1].Weight)
		if e.settled.After(e.start) {
			text += fmt.Sprintf(" settled %g", e.settled.Sub(e.start).Minutes())
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestEpochs(t *testing.T) {
	storeless := func(e *spec.Experiment) { e.Flag = spec.FlagRef{} }
	twoStores := func(e *spec.Experiment) { e.Flag.Stores = []string{"local", "second"} }
	thirds := func(e *spec.Experiment) { e.Variations[0].Weight, e.Variations[1].Weight = 0.4, 0.6 }
	plan := func(at float64, version int) recorded {
		return recorded{hours(at), ledger.Plan{Experiment: "tone", Version: version, PlanDigest: "d", AsOf: hours(at)}}
	}
	for name, c := range map[string]struct {
		asOf   float64
		spec   []func(*spec.Experiment)
		events []recorded
		want   string
	}{
		"the spec's":                {24, nil, nil, "0: 0.1/0.5"},
		"a step that was delivered": {48, nil, []recorded{applied(24.1, ledger.OutcomeDelivered, "local", half(0.25))}, "0: 0.1/0.5; 24.1: 0.25/0.5 settled 10"},
		"one that cannot be verified": {
			48, nil, []recorded{applied(24.1, ledger.OutcomeUnverified, "local", half(0.25))}, "0: 0.1/0.5; 24.1: 0.25/0.5 settled 10",
		},
		"what did not arrive": {48, nil, []recorded{
			applied(24.1, ledger.OutcomeUnavailable, "local", half(0.25)), applied(24.2, ledger.OutcomeConflict, "local", half(0.4)),
			applied(24.3, ledger.OutcomeProposed, "local", half(0.25)), applied(24.4, ledger.OutcomeSuperseded, "local", half(0.25)),
		}, "0: 0.1/0.5"},
		"the same again":         {72, nil, []recorded{applied(24.1, ledger.OutcomeDelivered, "local", half(0.1)), applied(48.1, ledger.OutcomeDelivered, "local", half(0.1+1e-9))}, "0: 0.1/0.5"},
		"a person's":             {72, nil, []recorded{observed(30, divided(0.4, 0.25))}, "0: 0.1/0.5; 30: 0.4/0.25 settled 10"},
		"before the start":       {24, nil, []recorded{observed(-5, half(0.3)), observed(-2, half(0.2))}, "0: 0.2/0.5"},
		"after as-of":            {24, nil, []recorded{applied(24.1, ledger.OutcomeDelivered, "local", half(0.25))}, "0: 0.1/0.5; 24.1: 0.25/0.5 settled 10"},
		"off and on":             {96, nil, []recorded{observed(30, half(0.1).All("control")), observed(50, half(0.1))}, "0: 0.1/0.5; 30: 1/0 settled 10; 50: 0.1/0.5 settled 10"},
		"a store that lags":      {96, []func(*spec.Experiment){twoStores}, []recorded{applied(24.1, ledger.OutcomeDelivered, "local", half(0.25)), applied(50, ledger.OutcomeDelivered, "second", half(0.5))}, "0: 0.1/0.5; 24.1: 0.25/0.5 settled 10"},
		"a store of another day": {96, nil, []recorded{applied(24.1, ledger.OutcomeDelivered, "renamed", half(0.25))}, "0: 0.1/0.5; 24.1: 0.25/0.5 settled 10"},
		"since a clear": {96, nil, []recorded{
			applied(24.1, ledger.OutcomeDelivered, "local", half(0.1).All("control")), cleared(30), applied(48.1, ledger.OutcomeDelivered, "local", half(0.1)),
		}, "30: 1/0; 48.1: 0.1/0.5 settled 10"},
		"an edited spec does not change what was": {48, []func(*spec.Experiment){thirds}, []recorded{looked(24, 24.1)}, "0: 0.1/0.5"},
		"nor does it before the first look":       {48, []func(*spec.Experiment){thirds}, nil, "0: 0.1/0.6"},
		"without a store an edit is a change": {
			72,
			[]func(*spec.Experiment){thirds, storeless},
			[]recorded{plan(0.1, 1), looked(24, 24.1), plan(48.1, 2)},
			"0: 0.1/0.5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := openLedger(t)
			for _, e := range c.events {
				put(t, l, e.at, e.body)
			}
			p, e := small(t, "tone", c.spec...)
			at := standingAt(t, l, p, e, Options{AsOf: hours(c.asOf)})
			if got := epochsText(at.epochs); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for _, e := range at.dataEpochs()[1:] {
				if !e.start.Before(at.asOf) {
					t.Errorf("an epoch from %s has data as of %s", e.start, at.asOf)
				}
			}
		})
	}
}

// TestEpochsWithoutStore: the product follows the spec, from the instant at
// which a run first saw the new version.
func TestEpochsWithoutStore(t *testing.T) {
	l := openLedger(t)
	p, e := small(t, "rank")
	record := func(asOf float64) *vantage {
		at := standingAt(t, l, p, e, Options{AsOf: hours(asOf)})
		if at.newPlan {
			put(t, l, hours(asOf+0.1), at.plan)
		}
		look := ledger.Look{ID: at.id, Experiment: "rank", AsOf: at.asOf, Version: at.plan.Version, Number: at.number}
		for i, epoch := range at.dataEpochs() {
			look.Epochs = append(look.Epochs, ledger.Epoch{Index: i + 1, Start: epoch.start, Settled: epoch.settled, Allocation: epoch.allocation})
		}
		put(t, l, hours(asOf+0.1), look)
		return at
	}
	record(24)
	e.Variations[0].Weight, e.Variations[1].Weight = 0.25, 0.75
	if got := epochsText(record(48).epochs); got != "0: 1/0.5" {
		t.Errorf("as the edit is seen: %s", got)
	}
	want := "0: 1/0.5; 48.1: 1/0.75 settled 10"
	if got := epochsText(record(72).epochs); got != want {
		t.Errorf("a look later: %s, want %s", got, want)
	}
	e.Variations[0].Weight, e.Variations[1].Weight = 0.5, 0.5
	record(96)
	want += "; 96.1: 1/0.5 settled 10"
	if got := epochsText(record(120).epochs); got != want {
		t.Errorf("after a second edit: %s, want %s", got, want)
	}
}

func TestSteps(t *testing.T) {
	for name, c := range map[string]struct {
		experiment string
		state      decide.Allocation
		index      int
		next       float64
		due        time.Duration // after the start
		last       bool
	}{
		"first rung":                    {"tone", half(0.1), 0, 0.25, 48 * time.Hour / 5, false},
		"second rung":                   {"tone", half(0.25), 1, 0.5, 2 * 48 * time.Hour / 5, false},
		"between rungs, by a person":    {"tone", half(0.4), 1, 0.5, 2 * 48 * time.Hour / 5, false},
		"below the first, by a person":  {"tone", half(0.02), 0, 0.25, 48 * time.Hour / 5, false},
		"last rung":                     {"tone", half(1), 4, 0, 0, true},
		"rounded by a store":            {"tone", half(0.4999999), 2, 0.75, 3 * 48 * time.Hour / 5, false},
		"nobody exposed":                {"tone", half(0.1).All("control"), -1, 0.1, 0, false},
		"everybody has it":              {"tone", half(1).All("treatment"), -1, 0.1, 0, false},
		"experiment":                    {"rank", half(1), 0, 0, 0, true},
		"experiment that is not open":   {"rank", half(1).All("control"), -1, 1, 0, false},
		"experiment, less by a person":  {"rank", half(0.3), 0, 0, 0, false},
		"three arms left of two, halve": {"tone", divided(0.5, 0.3), 2, 0.75, 3 * 48 * time.Hour / 5, false},
	} {
		p, e := small(t, c.experiment)
		at := newVantage(p, e, &past{History: &ledger.History{}}, Options{AsOf: hours(24)})
		at.allocation = c.state
		s := at.step()
		next := 0.0
		if s.Next != nil {
			next = *s.Next
		}
		if s.Index != c.index || next != c.next || s.LastRung != c.last {
			t.Errorf("%s: rung %d, next %g, last %t; want %d, %g, %t", name, s.Index, next, s.LastRung, c.index, c.next, c.last)
		}
		if c.due > 0 && !s.Due.Equal(started.Add(c.due)) {
			t.Errorf("%s: due %s, want %s", name, s.Due, started.Add(c.due))
		}
	}
}

func TestVersions(t *testing.T) {
	l := openLedger(t)
	p, e := small(t, "tone")
	see := func(asOf float64) *vantage {
		t.Helper()
		at := standingAt(t, l, p, e, Options{AsOf: hours(asOf)})
		if at.newPlan {
			put(t, l, hours(asOf+0.1), at.plan)
		}
		put(t, l, hours(asOf+0.1), ledger.Look{ID: at.id, Experiment: "tone", AsOf: at.asOf, Version: at.plan.Version, Number: at.number})
		return at
	}
	check := func(at *vantage, version, number int, changed ...string) {
		t.Helper()
		if at.plan.Version != version || at.number != number || !slices.Equal(at.plan.Changed, changed) {
			t.Errorf("version %d, look %d, changed %q; want %d, %d, %q", at.plan.Version, at.number, at.plan.Changed, version, number, changed)
		}
	}
	check(see(24), 1, 1)
	e.Description = "other words"
	check(see(48), 1, 2)
	e.PlannedUnits, e.Policy.Alpha.Guardrails = 5000, 0.1
	check(see(72), 2, 1, "alpha", "planned_units")
	check(see(96), 2, 2, "alpha", "planned_units")
	put(t, l, hours(97), ledger.Clear{Experiment: "tone", AsOf: hours(97)})
	at := see(120)
	check(at, 3, 1, "cleared")
	if at.previous != nil || !at.experiment.Start.Equal(hours(97)) || !at.experiment.End().Equal(hours(97+8*24)) {
		t.Errorf("after a clear: previous %v, from %s to %s", at.previous, at.experiment.Start, at.experiment.End())
	}
	e.PlannedUnits, e.Policy.Alpha.Guardrails = 4000, 0.05
	check(see(144), 4, 1, "alpha", "planned_units")
}

// TestWhatStartsVersion: after the first look a change of what is fixed before
// data starts a version that names it; a change of anything else does not.
func TestWhatStartsVersion(t *testing.T) {
	metric := func(change func(*spec.Metric)) func(*spec.Project, *spec.Experiment) {
		return func(p *spec.Project, _ *spec.Experiment) {
			m := p.Config.Metrics["latency"]
			change(&m)
			p.Config.Metrics["latency"] = m
		}
	}
	source := func(change func(*spec.Source)) func(*spec.Project, *spec.Experiment) {
		return func(p *spec.Project, _ *spec.Experiment) {
			s := p.Config.Facts["responses"]
			change(&s)
			p.Config.Facts["responses"] = s
		}
	}
	use := func(change func(*spec.Use)) func(*spec.Project, *spec.Experiment) {
		return func(_ *spec.Project, e *spec.Experiment) { change(&e.Guardrails[0]) }
	}
	of := func(change func(*spec.Experiment)) func(*spec.Project, *spec.Experiment) {
		return func(_ *spec.Project, e *spec.Experiment) { change(e) }
	}
	for name, c := range map[string]struct {
		change func(*spec.Project, *spec.Experiment)
		want   []string // nil = the version stays
	}{
		"planned units":       {of(func(e *spec.Experiment) { e.PlannedUnits = 9000 }), []string{"planned_units"}},
		"none planned":        {of(func(e *spec.Experiment) { e.PlannedUnits = 0 }), []string{"planned_units"}},
		"alpha":               {of(func(e *spec.Experiment) { e.Policy.Alpha.Guardrails = 0.1 }), []string{"alpha"}},
		"the cap":             {of(func(e *spec.Experiment) { e.Duration.Duration += 24 * time.Hour }), []string{"duration"}},
		"cadence":             {of(func(e *spec.Experiment) { e.Cadence.Duration /= 2 }), []string{"cadence"}},
		"weights":             {of(func(e *spec.Experiment) { e.Variations[0].Weight, e.Variations[1].Weight = 0.4, 0.6 }), []string{"allocation"}},
		"coverage":            {of(func(e *spec.Experiment) { e.Coverage = 0.5 }), []string{"allocation"}},
		"known good":          {of(func(e *spec.Experiment) { e.Variations[0].KnownGood, e.Variations[1].KnownGood = false, true }), []string{"allocation"}},
		"condition":           {metric(func(m *spec.Metric) { m.Where = "NOT failed" }), []string{"guardrail latency"}},
		"value":               {metric(func(m *spec.Metric) { m.Value = "2 * latency_ms" }), []string{"guardrail latency"}},
		"kind":                {metric(func(m *spec.Metric) { m.Kind = "mean" }), []string{"guardrail latency"}},
		"scale":               {metric(func(m *spec.Metric) { m.Scale = spec.ScaleLog }), []string{"guardrail latency"}},
		"window":              {metric(func(m *spec.Metric) { m.Window.Duration++ }), []string{"guardrail latency"}},
		"delay":               {metric(func(m *spec.Metric) { m.Delay.Duration++ }), []string{"guardrail latency"}},
		"complete only":       {metric(func(m *spec.Metric) { m.CompleteOnly = false }), []string{"guardrail latency"}},
		"past the end":        {metric(func(m *spec.Metric) { m.PastEnd = true }), []string{"guardrail latency"}},
		"cap":                 {metric(func(m *spec.Metric) { m.Cap = &spec.Cap{At: new(9.0)} }), []string{"guardrail latency"}},
		"covariate":           {metric(func(m *spec.Metric) { m.Covariate.Duration = 24 * time.Hour }), []string{"guardrail latency"}},
		"lookback":            {metric(func(m *spec.Metric) { m.Lookback.Duration = 24 * time.Hour }), []string{"guardrail latency"}},
		"rule":                {metric(func(m *spec.Metric) { m.Rule = &spec.Rule{Text: "body", JSON: true} }), []string{"guardrail latency"}},
		"activation":          {of(func(e *spec.Experiment) { e.Activation = "error_rate" }), []string{"activation"}},
		"direction":           {metric(func(m *spec.Metric) { m.Direction = "up" }), []string{"guardrail latency"}},
		"base rate":           {metric(func(m *spec.Metric) { m.BaseRate = new(2.0) }), []string{"guardrail latency"}},
		"rows of the source":  {source(func(s *spec.Source) { s.SQL = "SELECT * FROM (" + s.SQL + ")" }), []string{"source responses"}},
		"repeats count once":  {source(func(s *spec.Source) { s.Key = "id" }), []string{"source responses"}},
		"zone of the source":  {source(func(s *spec.Source) { s.Timezone = "Europe/Berlin" }), []string{"source responses"}},
		"margin":              {use(func(u *spec.Use) { u.Margin = &spec.Amount{Value: 0.11} }), []string{"guardrail latency"}},
		"smallest effect":     {use(func(u *spec.Use) { u.MDE = &spec.Amount{Value: 0.11} }), []string{"guardrail latency"}},
		"method":              {use(func(u *spec.Use) { u.Method = "calibrated" }), []string{"guardrail latency"}},
		"weight of the error": {use(func(u *spec.Use) { u.Weight = 2 }), []string{"guardrail latency"}},
		"another goal":        {of(func(e *spec.Experiment) { e.Goals = nil }), []string{"goal error_rate"}},
		"two at once": {
			of(func(e *spec.Experiment) { e.PlannedUnits, e.Cadence.Duration = 9000, time.Hour }), []string{"cadence", "planned_units"},
		},

		"description":        {of(func(e *spec.Experiment) { e.Description = "other words" }), nil},
		"owner":              {of(func(e *spec.Experiment) { e.Owner = "somebody@example.com" }), nil},
		"tags":               {of(func(e *spec.Experiment) { e.Tags = append(e.Tags, "llm") }), nil},
		"prompt":             {of(func(e *spec.Experiment) { e.Variations[1].Prompt = &spec.Prompt{Name: "p", Template: "Hello."} }), nil},
		"policy":             {of(func(e *spec.Experiment) { e.Policy.OnSampleRatio = "warn" }), nil},
		"words of a metric":  {metric(func(m *spec.Metric) { m.Description, m.Quality, m.Unit = "other words", "cost", "s" }), nil},
		"layout of a metric": {metric(func(m *spec.Metric) { m.Value = " latency_ms /* total */\n" }), nil},
		"layout of a source": {source(func(s *spec.Source) { s.SQL = strings.ReplaceAll(s.SQL, "\n", "\n\t-- next\n") }), nil},
		"freshness":          {source(func(s *spec.Source) { s.Freshness.Duration = time.Hour }), nil},
		"a metric elsewhere": {func(p *spec.Project, _ *spec.Experiment) { p.Config.Metrics["new"] = spec.Metric{Kind: "count"} }, nil},
	} {
		l := openLedger(t)
		p, e := small(t, "rank")
		at := standingAt(t, l, p, e, Options{AsOf: hours(24)})
		put(t, l, hours(24.1), at.plan)
		put(t, l, hours(24.1), ledger.Look{ID: at.id, Experiment: "rank", AsOf: at.asOf, Version: 1, Number: at.number})
		c.change(p, e)
		at = standingAt(t, l, p, e, Options{AsOf: hours(48)})
		version := 1
		if c.want != nil {
			version = 2
		}
		if at.plan.Version != version || at.newPlan != (c.want != nil) || !slices.Equal(at.plan.Changed, c.want) {
			t.Errorf("%s: version %d, changed %q; want %d, %q", name, at.plan.Version, at.plan.Changed, version, c.want)
		}
	}
}

func TestEnds(t *testing.T) {
	arrived := recorded{hours(24.2), ledger.Attempt{Delivery: "d", Experiment: "tone", Store: "local", FlagKey: "tone", Outcome: ledger.OutcomeDelivered, State: new(half(0.1).All("control")), Try: 1}}
	refused := recorded{hours(24.2), ledger.Attempt{Delivery: "d", Experiment: "tone", Store: "local", FlagKey: "tone", Outcome: ledger.OutcomeRefused, Try: 1}}
	superseded := recorded{hours(24.2), ledger.Attempt{Delivery: "d", Experiment: "tone", Store: "local", FlagKey: "tone", Outcome: ledger.OutcomeSuperseded, Try: 1}}
	for name, c := range map[string]struct {
		events []recorded
		want   string // verdict and by whom; "" = it goes on
	}{
		"nothing":                     {nil, ""},
		"an ordinary look":            {[]recorded{looked(24, 24.1)}, ""},
		"a rollback that arrived":     {[]recorded{looked(24, 24.1, rolledBack), arrived}, "rollback by assay"},
		"one that did not":            {[]recorded{looked(24, 24.1, rolledBack), refused}, ""},
		"one that was cleared":        {[]recorded{looked(24, 24.1, rolledBack), arrived, cleared(30)}, ""},
		"a backfill that was sent":    {[]recorded{looked(36, 36.1), looked(24, 40, backfilled, rolledBack), arrived}, "rollback by assay"},
		"a backfill that was not":     {[]recorded{looked(36, 36.1), looked(24, 40, backfilled, rolledBack), superseded}, ""},
		"a person switched it off":    {[]recorded{looked(24, 24.1), observed(30, half(0.1).All("control"))}, "rollback by a person"},
		"a person gave it to all":     {[]recorded{looked(24, 24.1), observed(30, half(0.1).All("treatment"))}, "ship by a person"},
		"a person widened it":         {[]recorded{looked(24, 24.1), observed(30, half(0.5))}, ""},
		"off before the first look":   {[]recorded{observed(20, half(0.1).All("control"))}, ""},
		"off, and a crash after that": {[]recorded{looked(24, 24.1), observed(48.05, half(0.1).All("control"))}, "rollback by a person"},
		"off, and a look that failed": {[]recorded{looked(24, 24.1), observed(47, half(0.1).All("control")), looked(48, 48.1, failed)}, "rollback by a person"},
	} {
		l := openLedger(t)
		for _, e := range c.events {
			put(t, l, e.at, e.body)
		}
		p, e := small(t, "tone")
		at := standingAt(t, l, p, e, Options{AsOf: hours(48)})
		got := ""
		if end := at.ended(); end != nil {
			got = string(end.Verdict) + " by " + end.By
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestRecall writes random histories and compares what is recalled, walking
// back from the newest record, with what a look at every record says.
func TestRecall(t *testing.T) {
	p, e := small(t, "tone")
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 7))
		l := openLedger(t)
		h := history{t: t, l: l, random: random}
		for range random.IntN(14) {
			h.happen(p, e)
		}
		asOf := hours(24 * float64(1+random.IntN(12)))
		at := standingAt(t, l, p, e, Options{AsOf: asOf})
		previous, older, number := h.naive(asOf, at.plan.Version)
		got := ""
		if at.previous != nil {
			got = at.previous.ID
		}
		if got != previous || at.backfill != older || at.number != number {
			t.Errorf("seed %d, as of %s: previous %q, older %t, number %d; want %q, %t, %d",
				seed, asOf, got, at.backfill, at.number, previous, older, number)
		}
		if t.Failed() {
			return
		}
	}
}

// history is a random one.
type history struct {
	t      *testing.T
	l      *ledger.Ledger
	random *rand.Rand
	clock  float64
}

// happen lets one thing happen: a look, perhaps an old or a failed one, or a
// clear.
func (h *history) happen(p *spec.Project, e *spec.Experiment) {
	h.clock++
	if h.random.IntN(8) == 0 {
		put(h.t, h.l, hours(24*12+h.clock), ledger.Clear{Experiment: "tone", AsOf: hours(24*12 + h.clock)})
		return
	}
	asOf := hours(24 * float64(1+h.random.IntN(12)))
	at := standingAt(h.t, h.l, p, e, Options{AsOf: asOf})
	if at.past.known != nil && at.past.known.Failed == "" {
		return
	}
	if at.newPlan {
		put(h.t, h.l, hours(24*12+h.clock), at.plan)
	}
	look := ledger.Look{
		ID: at.id, Experiment: "tone", AsOf: asOf, Version: at.plan.Version, Number: at.number, Backfill: at.backfill,
		Digest: fmt.Sprint(h.clock),
	}
	if h.random.IntN(4) == 0 {
		look.Failed = "no answer"
	}
	put(h.t, h.l, hours(24*12+h.clock), look)
}

// naive reads everything: the last look that decided before as-of since the
// last clear, whether one decided at or after it, and how many of the version
// did not fail.
func (h *history) naive(asOf time.Time, version int) (previous string, older bool, number int) {
	all, err := h.l.History("tone")
	if err != nil {
		h.t.Fatal(err)
	}
	var found *ledger.Look
	number = 1
	for i := range all.Looks {
		look := &all.Looks[i].Body
		switch {
		case look.Backfill:
		case !look.AsOf.Before(asOf):
			older = older || look.Failed == "" || look.AsOf.After(asOf)
		default:
			if all.Looks[i].Seq > lastClear(all) && (found == nil || !look.AsOf.Before(found.AsOf)) {
				found = look
			}
			if look.Version == version && look.Failed == "" {
				number++
			}
		}
	}
	if found == nil {
		return "", older, 1
	}
	return found.ID, older, number
}
