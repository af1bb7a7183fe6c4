package flags

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"assay/decide"
	"assay/spec"
)

// ldServer follows LaunchDarkly's published interface: semantic patches with
// their media type, ids of variations, weights that sum to 100000.
type ldServer struct {
	*fake
	flags map[string]*ldFlag
	// approval: changes are taken as approved requests only.
	approval bool
	requests ldApprovals
	comments []string
}

const ldEnvironmentKey = "production"

func newLaunchDarkly(t testing.TB) vendorRig {
	_, v := ldRig(t)
	return v
}

func ldRig(t testing.TB) (*ldServer, vendorRig) {
	s := &ldServer{flags: map[string]*ldFlag{}}
	s.fake = newFake(t, "", map[string]http.HandlerFunc{
		"GET /api/v2/flags/{project}/{flag}":                                                               s.show,
		"PATCH /api/v2/flags/{project}/{flag}":                                                             s.patch,
		"GET /api/v2/projects/{project}/flags/{flag}/environments/{environment}/approval-requests":         s.list,
		"POST /api/v2/projects/{project}/flags/{flag}/environments/{environment}/approval-requests":        s.request,
		"DELETE /api/v2/projects/{project}/flags/{flag}/environments/{environment}/approval-requests/{id}": s.withdraw,
	})
	v := vendorRig{
		fake: s.fake, cfg: spec.FlagStore{Type: "launchdarkly", Environment: ldEnvironmentKey, Variations: map[string]string{"x": "id-of-x"}},
		rig: rig{
			person: func(a decide.Allocation) { s.locked(func() { s.put("answer-v2", a) }) },
			vanish: func() { s.locked(func() { delete(s.flags, "answer-v2") }) },
		},
	}.complete()
	return s, v
}

// put is what a person does by hand.
func (s *ldServer) put(key string, a decide.Allocation) {
	flag := &ldFlag{Variations: []ldVariation{
		{"id-of-treatment", "treatment", true},
		{"id-of-uncovered", "uncovered", nil},
		{"id-of-control", "", "control"},
		{"id-of-x", "third", 3},
		{"id-of-y", "y", map[string]any{"prompt": 4}},
	}}
	weights := totals(a, launchDarklyTotal)
	rollout := &ldRollout{BucketBy: "org", ContextKind: "account"}
	for i, name := range []string{"treatment", "uncovered", "control", "x", "y"} {
		rollout.Variations = append(rollout.Variations, struct {
			Variation int   `json:"variation"`
			Weight    int64 `json:"weight"`
		}{i, weights[name]})
	}
	flag.Environments = map[string]ldEnvironment{ldEnvironmentKey: {On: true, Fallthrough: ldServe{Rollout: rollout}}}
	s.flags[key] = flag
}

func (s *ldServer) show(w http.ResponseWriter, r *http.Request) {
	flag, ok := s.flags[r.PathValue("flag")]
	if !ok || r.PathValue("project") != "default" || r.URL.Query().Get("env") != ldEnvironmentKey {
		refuse(w, http.StatusNotFound, "Unknown feature flag key or invalid version")
		return
	}
	reply(w, http.StatusOK, flag)
}

func (s *ldServer) patch(w http.ResponseWriter, r *http.Request) {
	var p ldPatch
	if !s.body(w, r, "application/json; domain-model=launchdarkly.semanticpatch", &p) {
		return
	}
	flag, ok := s.flags[r.PathValue("flag")]
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "Unknown feature flag key or invalid version")
		return
	case s.approval:
		refuse(w, http.StatusMethodNotAllowed, "an approval is required")
		return
	}
	serve, err := ldApply(flag, p.Instructions)
	if err != nil || p.Environment != ldEnvironmentKey || p.Comment == "" {
		s.t.Errorf("the server takes no such patch: %+v: %v", p, err)
		refuse(w, http.StatusBadRequest, "invalid")
		return
	}
	e := flag.Environments[ldEnvironmentKey]
	if id, ok := p.Instructions[0]["ruleId"]; ok {
		for i := range e.Rules {
			if e.Rules[i].ID == id {
				e.Rules[i].ldServe = serve
			}
		}
	} else {
		e.Fallthrough = serve
	}
	flag.Environments[ldEnvironmentKey] = e
	s.taken++
	s.comments = append(s.comments, p.Comment)
	reply(w, http.StatusOK, flag)
}

// ldApply is the rollout that an instruction makes.
func ldApply(flag *ldFlag, instructions []map[string]any) (serve ldServe, err error) {
	if len(instructions) != 1 {
		return serve, fmt.Errorf("%d instructions", len(instructions))
	}
	i := instructions[0]
	kinds := map[any]bool{"updateFallthroughVariationOrRollout": i["ruleId"] == nil, "updateRuleVariationOrRollout": i["ruleId"] != nil}
	weights, ok := i["rolloutWeights"].(map[string]any)
	if !kinds[i["kind"]] || !ok {
		return serve, fmt.Errorf("instruction %v", i)
	}
	serve.Rollout = &ldRollout{}
	serve.Rollout.BucketBy, _ = i["rolloutBucketBy"].(string)
	serve.Rollout.ContextKind, _ = i["rolloutContextKind"].(string)
	sum, used := int64(0), 0
	for index, v := range flag.Variations {
		weight, given := weights[v.ID].(float64)
		if !given {
			continue
		}
		if weight < 0 || weight != float64(int64(weight)) {
			return serve, fmt.Errorf("weight %v", weight)
		}
		used++
		sum += int64(weight)
		serve.Rollout.Variations = append(serve.Rollout.Variations, struct {
			Variation int   `json:"variation"`
			Weight    int64 `json:"weight"`
		}{index, int64(weight)})
	}
	if sum != launchDarklyTotal || used != len(weights) {
		return serve, fmt.Errorf("weights %v", weights)
	}
	return serve, nil
}

func (s *ldServer) list(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.requests) }

func (s *ldServer) request(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Description     string           `json:"description"`
		Comment         string           `json:"comment"`
		Instructions    []map[string]any `json:"instructions"`
		NotifyMemberIDs []string         `json:"notifyMemberIds"`
	}
	if !s.body(w, r, "application/json", &q) {
		return
	}
	if _, err := ldApply(s.flags[r.PathValue("flag")], q.Instructions); err != nil || q.Description == "" || q.NotifyMemberIDs == nil || r.PathValue("environment") != ldEnvironmentKey {
		s.t.Errorf("the server takes no such request: %+v, %v", q, err)
		refuse(w, http.StatusBadRequest, "invalid")
		return
	}
	text, _ := json.Marshal(map[string]any{"items": []any{map[string]any{"_id": fmt.Sprint(len(s.seen)), "description": q.Description, "status": "pending", "reviewStatus": "pending", "instructions": q.Instructions}}})
	var open ldApprovals
	if err := json.Unmarshal(text, &open); err != nil {
		s.t.Error(err)
	}
	s.requests.Items = append(s.requests.Items, open.Items...)
	reply(w, http.StatusCreated, open.Items[0])
}

func (s *ldServer) withdraw(w http.ResponseWriter, r *http.Request) {
	at := -1
	for i, item := range s.requests.Items {
		if item.ID == r.PathValue("id") {
			at = i
		}
	}
	if at < 0 {
		s.t.Errorf("no request %s", r.PathValue("id"))
		return
	}
	s.requests.Items = slices.Delete(s.requests.Items, at, at+1)
	w.WriteHeader(http.StatusNoContent)
}

func TestLaunchDarklyReads(t *testing.T) {
	const variations = `"variations": [{"_id": "1", "name": "control", "value": true}, {"_id": "2", "value": "treatment"}, {"_id": "3", "name": "uncovered", "value": false}, {"_id": "4", "value": 7}]`
	flag := func(environment string) string {
		return `{` + variations + `, "environments": {"production": ` + environment + `}}`
	}
	rollout := func(list string) string {
		return flag(`{"on": true, "fallthrough": {"rollout": {"variations": ` + list + `}}}`)
	}
	for name, c := range map[string]struct{ flag, rule, want string }{
		"a rollout":           {rollout(`[{"variation": 1, "weight": 5000}, {"variation": 2, "weight": 90000}, {"variation": 0, "weight": 5000}]`), "", "coverage 10 %: treatment 50 %, control 50 %"},
		"one variation":       {flag(`{"on": true, "fallthrough": {"variation": 1}}`), "", "coverage 100 %: treatment 100 %"},
		"one without a name":  {flag(`{"on": true, "fallthrough": {"variation": 3}}`), "", "coverage 100 %: 4 100 %"},
		"nobody":              {flag(`{"on": true, "fallthrough": {"variation": 2}}`), "", "coverage 0 %"},
		"off":                 {flag(`{"on": false, "fallthrough": {"variation": 1}}`), "", "it is switched off in the environment"},
		"prerequisites":       {flag(`{"on": true, "prerequisites": [{"key": "x"}], "fallthrough": {"variation": 1}}`), "", "it has prerequisites"},
		"nothing":             {flag(`{"on": true, "fallthrough": {}}`), "", "its rule serves no variation"},
		"out of range":        {flag(`{"on": true, "fallthrough": {"variation": 9}}`), "", "its rule serves no variation"},
		"rollout of nobody":   {rollout(`[{"variation": 9, "weight": 100000}]`), "", "a variation that the flag does not have"},
		"no weights":          {rollout(`[{"variation": 1, "weight": 0}]`), "", "are no shares"},
		"an experiment":       {flag(`{"on": true, "fallthrough": {"rollout": {"experimentAllocation": {"defaultVariation": 1}, "variations": []}}}`), "", "an experiment of LaunchDarkly runs on its rule"},
		"a rule":              {flag(`{"on": true, "rules": [{"_id": "r", "variation": 0}], "fallthrough": {"variation": 1}}`), "r", "coverage 100 %: control 100 %"},
		"a rule that is gone": {flag(`{"on": true, "fallthrough": {"variation": 1}}`), "r", "the rule that the spec names is gone"},
		"archived":            {`{"archived": true, "environments": {"production": {}}}`, "", "the flag does not exist: it is archived"},
		"another environment": {`{"environments": {"test": {}}}`, "", "the flag does not exist: in the environment production"},
		"a secret":            {strings.ReplaceAll(flag(`{"on": true, "fallthrough": {"variation": 1}}`), `"treatment"`, `"`+apiToken+`"`), "", "names a secret"},
	} {
		_, v := ldRig(t)
		v.fault = gets(say(c.flag))
		state, err := v.with(func(s *spec.FlagStore) { s.Rule = c.rule }).Read(t.Context(), "answer-v2")
		checkRead(t, name, state, err, c.want)
	}
}

// checkRead compares what was read, in words.
func checkRead(t *testing.T, name string, state State, err error, want string) {
	t.Helper()
	got := state.Message
	switch {
	case err != nil:
		got = err.Error()
	case state.Known:
		got = describe(*state.Allocation)
	}
	if !strings.Contains(got, want) || state.Known != strings.HasPrefix(want, "coverage") {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
}

// TestLaunchDarklyKeepsTheRest: what is hashed stays, and the comment says why.
func TestLaunchDarklyKeepsTheRest(t *testing.T) {
	s, v := ldRig(t)
	c := ramp(half(0.1), alloc(1, arm("control", 1), arm("treatment", 0)))
	c.Reason = strings.Repeat("long ", 100)
	if r := quick(t, v.store, c); r.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	got := s.flags["answer-v2"].Environments[ldEnvironmentKey].Fallthrough.Rollout
	if got.BucketBy != "org" || got.ContextKind != "account" || len(got.Variations) != 5 || got.Variations[2].Weight != launchDarklyTotal {
		t.Errorf("%+v", got)
	}
	if len(s.comments) != 1 || !strings.HasPrefix(s.comments[0], "assay d_4f2a: ramp of answer-v2: long") || len([]rune(s.comments[0])) > maxReason {
		t.Errorf("%q", s.comments)
	}
}

// TestLaunchDarklyRule moves one rule and leaves the default rule alone.
func TestLaunchDarklyRule(t *testing.T) {
	s, v := ldRig(t)
	e := s.flags["answer-v2"].Environments[ldEnvironmentKey]
	rule := e.Fallthrough
	text := `[{"_id": "r-1", "variation": 0}, {"_id": "r-2"}]`
	if err := json.Unmarshal([]byte(text), &e.Rules); err != nil {
		t.Fatal(err)
	}
	e.Rules[1].ldServe, e.Fallthrough = rule, ldServe{Variation: new(2)}
	s.flags["answer-v2"].Environments[ldEnvironmentKey] = e
	store := v.with(func(c *spec.FlagStore) { c.Rule = "r-2" })
	if r := quick(t, store, ramp(half(0.1), half(0.25))); r.Outcome != OutcomeDelivered {
		t.Errorf("%+v", r)
	}
	after := s.flags["answer-v2"].Environments[ldEnvironmentKey]
	if *after.Fallthrough.Variation != 2 || *after.Rules[0].Variation != 0 {
		t.Errorf("%+v", after)
	}
}

func TestLaunchDarklyApproval(t *testing.T) {
	s, v := ldRig(t)
	s.approval = true
	for _, says := range []string{"a request for it was opened in LaunchDarkly", "a request for it waits in LaunchDarkly"} {
		c := ramp(half(0.1), half(0.25))
		c.ID = fmt.Sprintf("d_%d", len(s.seen)) // Decided anew at the next look.
		r := quick(t, v.store, c)
		checkApproval(t, r)
		if !strings.Contains(r.Message, says) || len(s.requests.Items) != 1 {
			t.Errorf("%+v with %d requests, want %s", r, len(s.requests.Items), says)
		}
	}
	// Somebody else's request stays, that of the earlier decision does not.
	s.requests.Items = append(s.requests.Items, s.requests.Items[0])
	s.requests.Items[1].ID, s.requests.Items[1].Description = "theirs", "more of x"
	s.requests.Items[1].Instructions = nil
	r := quick(t, v.store, ramp(half(0.1), half(0.5)))
	checkApproval(t, r)
	if len(s.requests.Items) != 2 || s.requests.Items[0].ID != "theirs" {
		t.Errorf("%+v", s.requests.Items)
	}
	v.fault = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		return strings.Contains(r.URL.Path, "approval-requests") && leaky(403)(w, r, 1)
	}
	r = quick(t, v.store, ramp(half(0.1), half(0.75)))
	checkApproval(t, r)
	if !strings.Contains(r.Message, "could not be opened: not authorised") {
		t.Errorf("%+v", r)
	}
}

// TestLaunchDarklyProposal hands a proposal over as a request for approval, once.
func TestLaunchDarklyProposal(t *testing.T) {
	s, v := ldRig(t)
	c := ramp(half(0.1), half(0.25))
	c.Proposal = true
	for range 2 {
		if r := quick(t, v.store, c); r.Outcome != OutcomeProposed || len(s.requests.Items) != 1 || s.taken != 0 {
			t.Errorf("%+v with %d requests", r, len(s.requests.Items))
		}
	}
}

func TestLaunchDarklyRefuses(t *testing.T) {
	s, v := ldRig(t)
	s.flags["answer-v2"].Variations[1].Name = "other"
	s.put("plain", alloc(1, arm("control", 1)))
	s.flags["plain"].Variations[1].Name = "other"
	for says, target := range map[string]decide.Allocation{
		"one called uncovered with the value of the known-good variation": half(0.5),
		"variation z is not a variation of the flag":                      alloc(1, arm("control", 0.5), arm("z", 0.5)),
	} {
		c := ramp(alloc(1, arm("control", 1)), target)
		c.FlagKey = "plain"
		if r := quick(t, v.store, c); r.Outcome != OutcomeRefused || !strings.Contains(r.Message, says) || v.tries != 0 {
			t.Errorf("%+v, want %s", r, says)
		}
	}
}

// TestLaunchDarklyNested: with two arms, and the variations in the order
// treatment, uncovered, control, nobody changes their arm while coverage grows.
func TestLaunchDarklyNested(t *testing.T) {
	s, v := ldRig(t)
	now, before := half(0.1), map[string]int64{}
	for _, coverage := range []float64{0.25, 0.5, 0.75, 1} {
		if r := quick(t, v.store, ramp(now, half(coverage))); r.Outcome != OutcomeDelivered {
			t.Fatalf("%+v", r)
		}
		now = half(coverage)
		start := int64(0)
		for _, b := range s.flags["answer-v2"].Environments[ldEnvironmentKey].Fallthrough.Rollout.Variations[:3] {
			name := []string{"treatment", "uncovered", "control"}[b.Variation]
			end := start + b.Weight
			if name == "treatment" && (start != 0 || end < before[name]) || name == "control" && (end != launchDarklyTotal || start > launchDarklyTotal-before[name]) {
				t.Errorf("%s has [%d, %d) at %v", name, start, end, coverage)
			}
			before[name], start = b.Weight, end
		}
	}
}

func TestLaunchDarklyAsksLittle(t *testing.T) {
	_, v := ldRig(t)
	if r := quick(t, v.store, ramp(half(0.1), half(0.25))); r.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	want := []string{"GET", "GET", "PATCH", "GET"}
	var got []string
	for _, seen := range v.seen {
		got = append(got, strings.Fields(seen)[0])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", v.seen)
	}
}
