package spec_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/spec"

	"github.com/google/go-cmp/cmp"
)

func experiment(t *testing.T, p *spec.Project, name string) *spec.Experiment {
	t.Helper()
	e, ok := p.Experiment(name)
	if !ok {
		t.Fatalf("no experiment %s", name)
	}
	return e
}

// What the files say arrives as it was meant, defaults included.
func TestLoad(t *testing.T) {
	p := load(t, "testdata/ok")
	if len(p.Warnings) > 0 {
		t.Errorf("warnings: %v", p.Warnings)
	}
	if want := (spec.Incremental{
		Overlap: spec.Duration{Duration: 12 * time.Hour}, Rebuild: spec.Duration{Duration: 7 * 24 * time.Hour}, Path: "kept",
	}); *p.Config.Incremental != want {
		t.Errorf("incremental: %+v", *p.Config.Incremental)
	}
	rollout := *experiment(t, p, "answer-v2")
	parameters := map[string]any{"temperature": 0.2, "stop": []any{"END"}}
	want := spec.Experiment{
		Path: "testdata/ok/experiments/answer-v2.yaml", Name: "answer-v2", Type: spec.TypeRollout,
		Description: "A new answer prompt.", Owner: "answers", Tags: []string{"llm", "answers"},
		Assignment: "exposures", ExperimentID: "answer-v2",
		Start:    spec.Instant{Time: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		Duration: spec.Duration{Duration: 14 * 24 * time.Hour}, Cadence: spec.Duration{Duration: 24 * time.Hour},
		PlannedUnits: 20_000, Coverage: 1, Ladder: []float64{0.1, 0.25, 0.5, 0.75, 1},
		Variations: []spec.Variation{
			{ID: "control", KnownGood: true, Weight: 0.5, Prompt: &spec.Prompt{
				Name: "answer", File: "../prompts/answer-v1.txt", Template: "Answer the question.\n", Model: "model-a", Parameters: parameters,
			}},
			{ID: "treatment", Weight: 0.5, Prompt: &spec.Prompt{Name: "answer", Template: "Answer briefly.", Model: "model-a", Parameters: parameters}},
		},
		Guardrails: []spec.Use{
			{Metric: "error_rate", MDE: &spec.Amount{Value: 0.2}, Margin: &spec.Amount{Value: 0.05}, Weight: 2, Method: "exact"},
			{Metric: "latency_ms", MDE: &spec.Amount{Value: 0.1}, Margin: &spec.Amount{Value: 25, Absolute: true}, Weight: 1, Method: "auto"},
		},
		Goals:     []spec.Use{{Metric: "cost_per_response", MDE: &spec.Amount{Value: 0.002, Absolute: true}, Weight: 1, Method: "auto", Rollback: true}},
		Secondary: []spec.Use{{Metric: "thumbs_down", Weight: 1, Method: "auto"}},
		Flag:      spec.FlagRef{Key: "answer", Stores: []string{"live", "local"}},
		Policy: spec.Policy{
			Alpha: spec.Alphas{Guardrails: 0.1, Goals: 0.02, SampleRatio: 0.01}, AutoRollback: new(false),
			GoalCorrection: spec.CorrectHolm, Prior: &spec.Prior{}, Approval: []string{},
			OnSampleRatio: "warn", OnMultiple: "hold", OnUnknown: "hold", MaxMultiple: 0.01, MaxUnknown: 0.01,
			MinUnits: 20, MinStepUnits: 100, MinDuration: spec.Duration{Duration: 14 * 24 * time.Hour},
			Freshness: spec.Duration{Duration: 36 * time.Hour}, MaxBlind: spec.Duration{Duration: 24 * time.Hour},
			BlindAction: "step_back", Settle: spec.Duration{Duration: 10 * time.Minute}, SampleRatioFloor: new(0.001),
		},
	}
	if diff := cmp.Diff(want, rollout); diff != "" {
		t.Errorf("rollout (-want +got):\n%s", diff)
	}
	if rollout.KnownGood().ID != "control" || !rollout.End().Equal(time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("known good %v, end %v", rollout.KnownGood(), rollout.End())
	}
}

func TestLoadExperiment(t *testing.T) {
	p := load(t, "testdata/ok")
	e := experiment(t, p, "pricing")
	var weights []float64
	for _, v := range e.Variations {
		weights = append(weights, v.Weight)
	}
	if diff := cmp.Diff([]float64{0.5, 0.3, 0.2}, weights); diff != "" {
		t.Error(diff)
	}
	if e.Coverage != 0.5 || e.Ladder != nil || e.ExperimentID != "pricing-2026" || e.Start.Hour() != 6 || e.Cadence.Hours() != 12 {
		t.Errorf("experiment: %+v", e)
	}
	if e.Policy.MinDuration.Hours() != 240 || e.Policy.OnSampleRatio != "rollback" || !*e.Policy.AutoRollback {
		t.Errorf("policy: %+v", e.Policy)
	}
	if e.Policy.GoalCorrection != spec.CorrectEBH || *e.Policy.Prior != (spec.Prior{Mean: 0.01, SD: 0.3}) {
		t.Errorf("goals and prior: %s, %+v", e.Policy.GoalCorrection, e.Policy.Prior)
	}
	if *e.Policy.SampleRatioFloor != 0 || *p.Config.Policy.SampleRatioFloor != 0.001 {
		t.Errorf("floors %v, %v: want 0 (none) over 0.1 %%", *e.Policy.SampleRatioFloor, *p.Config.Policy.SampleRatioFloor)
	}
	c := p.Config
	if c.Facts["responses_again"].Key != "other_id" || c.Facts["responses_again"].SQL != c.Facts["responses"].SQL {
		t.Errorf("merged source: %+v", c.Facts["responses_again"])
	}
	if sql := c.Assignments["exposures"].SQL; !strings.HasSuffix(sql, "note <> 'a ; in a text'") {
		t.Errorf("assignment:\n%s", sql)
	}
	if c.Joins["conversations"].Timezone != "UTC" || c.Assignments["exposures"].Timezone != "Europe/Berlin" || c.Warehouse.Timeout.Minutes() != 30 {
		t.Errorf("config: %+v", c)
	}
}

// After Load no field of a policy is unset.
func TestPolicyIsComplete(t *testing.T) {
	p := load(t, "testdata/ok")
	policies := []spec.Policy{p.Config.Policy}
	for _, e := range p.Experiments {
		policies = append(policies, e.Policy)
	}
	for _, policy := range policies {
		v := reflect.ValueOf(policy)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s is unset in %+v", v.Type().Field(i).Name, policy)
			}
		}
	}
	if *p.Experiments[0].Policy.AutoRollback == *p.Experiments[1].Policy.AutoRollback {
		t.Error("policies share a pointer")
	}
}

func TestSelect(t *testing.T) {
	p := load(t, "testdata/ok")
	for _, c := range []struct{ include, exclude, want string }{
		{"", "", "answer-v2,pricing"},
		{"pricing", "", "pricing"},
		{"pricing,answer-v2,pricing", "", "answer-v2,pricing"},
		{"tag:llm", "", "answer-v2"},
		{"tag:llm,tag:growth", "answer-v2", "pricing"},
		{"", "tag:growth", "answer-v2"},
		{"pricing", "pricing", ""},
		{"prcing", "", "error: there is no experiment \"prcing\"; did you mean pricing?"},
		{"tag:x", "", "error: no experiment has the tag \"x\""},
		{"", "other", "error: there is no experiment \"other\"; valid: answer-v2, pricing"},
	} {
		selected, err := p.Select(items(c.include), items(c.exclude))
		var names []string
		for _, e := range selected {
			names = append(names, e.Name)
		}
		got := strings.Join(names, ",")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != c.want {
			t.Errorf("select %q, exclude %q: got %s, want %s", c.include, c.exclude, got, c.want)
		}
	}
	if _, ok := p.Experiment("other"); ok {
		t.Error("found an experiment that is not there")
	}
}

func items(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func TestJoinFor(t *testing.T) {
	p := load(t, "testdata/ok")
	e := experiment(t, p, "answer-v2")
	for source, want := range map[string][2]string{
		"responses": {"", "user_id"}, "feedback": {"conversations", "conversation_id"}, "nowhere": {"", ""},
	} {
		join, identifier := p.JoinFor(e, source)
		if join != want[0] || identifier != want[1] {
			t.Errorf("%s: by %q on %q", source, join, identifier)
		}
	}
}

func TestFreshnessOf(t *testing.T) {
	p := load(t, "testdata/ok")
	e := experiment(t, p, "answer-v2")
	for source, want := range map[string]time.Duration{"responses": 36 * time.Hour, "feedback": 48 * time.Hour} {
		if got := p.FreshnessOf(p.Config.Facts[source].Freshness, e); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}

// change is an edit of a project and what it does to the digests of answer-v2.
type change struct {
	name string
	edit func(*spec.Project, *spec.Experiment)
	// whole tells whether Digest changes; plan are the fields of PlanDigest that do.
	whole bool
	plan  []string
}

func edit[T any](m map[string]T, key string, change func(*T)) {
	value := m[key]
	change(&value)
	m[key] = value
}

var changes = []change{
	{"nothing", func(*spec.Project, *spec.Experiment) {}, false, nil},
	{"report", func(p *spec.Project, _ *spec.Experiment) { p.Config.Report.Path, p.Config.Ledger.Path = "x", "y" }, false, nil},
	{"incremental", func(p *spec.Project, _ *spec.Experiment) { p.Config.Incremental = nil }, false, nil},
	{"store", func(p *spec.Project, _ *spec.Experiment) { clear(p.Config.FlagStores) }, false, nil},
	{"folder", func(p *spec.Project, e *spec.Experiment) { p.Dir, p.Path, e.Path = "x", "y", "z" }, false, nil},
	{"prompt file", func(_ *spec.Project, e *spec.Experiment) { e.Variations[0].Prompt.File = "elsewhere" }, false, nil},
	{"unused metric", func(p *spec.Project, _ *spec.Experiment) { delete(p.Config.Metrics, "revenue") }, false, nil},
	{"unused source", func(p *spec.Project, _ *spec.Experiment) { delete(p.Config.Facts, "responses_again") }, false, nil},
	{"description", func(_ *spec.Project, e *spec.Experiment) { e.Description = "x" }, true, nil},
	{"start", func(_ *spec.Project, e *spec.Experiment) { e.Start.Time = e.Start.Add(time.Hour) }, true, []string{"start"}},
	{"template", func(_ *spec.Project, e *spec.Experiment) { e.Variations[1].Prompt.Template += "!" }, true, nil},
	{"parameters", func(_ *spec.Project, e *spec.Experiment) { e.Variations[1].Prompt.Parameters["temperature"] = 0.3 }, true, nil},
	{"assignment SQL", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Assignments, "exposures", func(a *spec.Assignment) { a.SQL += " " })
	}, true, nil},
	{"source SQL", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Facts, "feedback", func(s *spec.Source) { s.SQL += " " })
	}, true, nil},
	{"join SQL", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Joins, "conversations", func(j *spec.Join) { j.SQL += " " })
	}, true, nil},
	{"identifier", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Identifiers, "conversation_id", func(i *spec.Identifier) { i.Type = "integer" })
	}, true, []string{"source feedback"}},
	{"other rows", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Facts, "feedback", func(s *spec.Source) { s.SQL += " LIMIT 1" })
	}, true, []string{"source feedback"}},
	{"other links", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Joins, "conversations", func(j *spec.Join) { j.Timestamp = !j.Timestamp })
	}, true, []string{"source feedback"}},
	{"freshness", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Facts, "feedback", func(s *spec.Source) { s.Freshness.Duration++ })
	}, true, nil},
	{"owner and tags", func(_ *spec.Project, e *spec.Experiment) { e.Owner, e.Tags = "x", []string{"y"} }, true, nil},
	{"policy", func(_ *spec.Project, e *spec.Experiment) { e.Policy.MinUnits = 21 }, true, []string{"min_units"}},
	{"metric description", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "error_rate", func(m *spec.Metric) { m.Description, m.Quality, m.Unit = "x", "safety", "y" })
	}, true, nil},
	{"metric window", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "error_rate", func(m *spec.Metric) { m.Window.Duration++ })
	}, true, []string{"guardrail error_rate"}},
	{"metric base rate", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "error_rate", func(m *spec.Metric) { m.BaseRate = new(0.05) })
	}, true, []string{"guardrail error_rate"}},
	{"metric value", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "error_rate", func(m *spec.Metric) { m.Where = "NOT (" + m.Where + ")" })
	}, true, []string{"guardrail error_rate"}},
	{"metric laid out anew", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "error_rate", func(m *spec.Metric) { m.Where = "\n  " + m.Where + " /* as before */ " })
	}, true, nil},
	{"metric scale", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "error_rate", func(m *spec.Metric) { m.Scale = spec.ScaleLog })
	}, true, []string{"guardrail error_rate"}},
	{"method", func(_ *spec.Project, e *spec.Experiment) { e.Guardrails[0].Method = "exact_spending" }, true, []string{"guardrail error_rate"}},
	{"mde", func(_ *spec.Project, e *spec.Experiment) { e.Goals[0].MDE.Value *= 2 }, true, []string{"goal cost_per_response"}},
	{"no planned units", func(_ *spec.Project, e *spec.Experiment) { e.PlannedUnits = 0 }, true, []string{"planned_units"}},
	{"metric part", func(p *spec.Project, _ *spec.Experiment) {
		edit(p.Config.Metrics, "cost_per_response", func(m *spec.Metric) { m.Denominator = &spec.Part{} })
	}, true, []string{"goal cost_per_response"}},
	{"planned units", func(_ *spec.Project, e *spec.Experiment) { e.PlannedUnits++ }, true, []string{"planned_units"}},
	{"cadence", func(_ *spec.Project, e *spec.Experiment) { e.Cadence.Duration /= 2 }, true, []string{"cadence"}},
	{"duration", func(_ *spec.Project, e *spec.Experiment) { e.Duration.Duration *= 2 }, true, []string{"duration"}},
	{"alpha", func(_ *spec.Project, e *spec.Experiment) { e.Policy.Alpha.SampleRatio = 0.02 }, true, []string{"alpha"}},
	{"goal correction", func(_ *spec.Project, e *spec.Experiment) { e.Policy.GoalCorrection = spec.CorrectEBH }, true, []string{"goal_correction"}},
	{"approval", func(_ *spec.Project, e *spec.Experiment) { e.Policy.Approval = []string{"ramp"} }, true, nil},
	{"no approval", func(_ *spec.Project, e *spec.Experiment) { e.Policy.Approval = []string{} }, false, nil},
	{"prior", func(_ *spec.Project, e *spec.Experiment) { e.Policy.Prior.SD = 0.3 }, true, nil},
	{"floor", func(_ *spec.Project, e *spec.Experiment) { e.Policy.SampleRatioFloor = new(0.0) }, true, nil},
	{"the floor there is", func(_ *spec.Project, e *spec.Experiment) { e.Policy.SampleRatioFloor = new(0.001) }, false, nil},
	{"weights", func(_ *spec.Project, e *spec.Experiment) { e.Variations[0].Weight, e.Variations[1].Weight = 0.4, 0.6 }, true, []string{"allocation"}},
	{"ladder", func(_ *spec.Project, e *spec.Experiment) { e.Ladder[0] = 0.05 }, true, []string{"allocation"}},
	{"known good", func(_ *spec.Project, e *spec.Experiment) {
		e.Variations[0].KnownGood, e.Variations[1].KnownGood = false, true
	}, true, []string{"allocation"}},
	{"order of variations", func(_ *spec.Project, e *spec.Experiment) { slices.Reverse(e.Variations) }, true, nil},
	{"margin", func(_ *spec.Project, e *spec.Experiment) { e.Guardrails[0].Margin.Value = 0.06 }, true, []string{"guardrail error_rate"}},
	{"absolute", func(_ *spec.Project, e *spec.Experiment) { e.Guardrails[0].Margin.Absolute = true }, true, []string{"guardrail error_rate"}},
	{"role", func(_ *spec.Project, e *spec.Experiment) {
		e.Goals, e.Secondary = append(e.Goals, e.Secondary...), nil
	}, true, []string{"goal thumbs_down", "secondary thumbs_down"}},
}

func TestDigests(t *testing.T) {
	before := load(t, "testdata/ok")
	base := experiment(t, before, "answer-v2")
	digest, plan, fields := before.Digest(base), "", map[string]string(nil)
	plan, fields = before.PlanDigest(base)
	for _, c := range changes {
		p := load(t, "testdata/ok")
		e := experiment(t, p, "answer-v2")
		c.edit(p, e)
		if got := p.Digest(e) != digest; got != c.whole {
			t.Errorf("%s: digest changed: %v", c.name, got)
		}
		gotPlan, gotFields := p.PlanDigest(e)
		if (gotPlan != plan) != (c.plan != nil) {
			t.Errorf("%s: plan digest changed: %v", c.name, gotPlan != plan)
		}
		if changed := differing(fields, gotFields); !slices.Equal(changed, c.plan) {
			t.Errorf("%s: plan fields changed: %v, want %v", c.name, changed, c.plan)
		}
	}
}

// differing are the keys whose values differ, sorted.
func differing(a, b map[string]string) []string {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = a[key] != b[key]
	}
	for key := range b {
		keys[key] = a[key] != b[key]
	}
	var out []string
	for key, differs := range keys {
		if differs {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Digests are the keys of ledgers: a change of code must not change them.
func TestDigestsAreStable(t *testing.T) {
	p := load(t, "testdata/ok")
	e := experiment(t, p, "answer-v2")
	plan, fields := p.PlanDigest(e)
	want := []string{"7bfbe24fb9638e672c92b72c7f697a6c", "1611718a1fd13377d3d613a3e07f80b0", "6a85633fd3ca6fda", "8f0d26ad697c"}
	got := []string{p.Digest(e), plan, fields["alpha"], e.Variations[0].Prompt.Version()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
