package flags

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/decide"
	"assay/spec"
)

// gbServer follows the published REST interface of GrowthBook, version 2: its
// schemas refuse unknown members, a draft has the live version for a base, and
// what is published becomes a version of its own.
type gbServer struct {
	*fake
	feature   *gbFeature
	revisions []*gbRevision
	next      int
	// gates are closed to every publication; reviewed are drafts that may pass.
	gates    []string
	reviewed map[int]bool
	comments []string
}

var gbVariations = map[string]string{"control": "v1", "treatment": "v2", "uncovered": "v1-uncovered", "x": "v3", "y": "v4"}

func newGrowthBook(t testing.TB) vendorRig {
	_, v := gbRig(t)
	return v
}

func gbRig(t testing.TB) (*gbServer, vendorRig) {
	s := &gbServer{reviewed: map[int]bool{}}
	const features, revisions = "/api/v2/features/{feature}", "/api/v2/features/{feature}/revisions"
	s.fake = newFake(t, "Bearer ", map[string]http.HandlerFunc{
		"GET " + features:                                 s.show,
		"GET /api/v2/feature-revisions":                   s.list,
		"POST " + revisions:                               s.draft,
		"POST " + revisions + "/{version}/rules":          s.add,
		"PUT " + revisions + "/{version}/rules/{rule}":    s.edit,
		"POST " + revisions + "/{version}/publish":        s.publish,
		"POST " + revisions + "/{version}/discard":        s.discard,
		"POST " + revisions + "/{version}/request-review": s.review,
	})
	v := vendorRig{
		fake: s.fake, cfg: spec.FlagStore{Type: "growthbook", Environment: "production", Variations: gbVariations},
		rig: rig{
			person: func(a decide.Allocation) { s.locked(func() { s.put(a) }) },
			vanish: func() { s.locked(func() { s.feature = nil }) },
			unit:   1e-4,
		},
	}.complete()
	return s, v
}

// put is what a person does by hand: rollouts that serve an allocation, behind
// a rule for testers and beside one for another environment.
func (s *gbServer) put(a decide.Allocation) {
	s.next++
	f := &gbFeature{DefaultValue: "v1"}
	text := `{"environments": {"production": {"enabled": true}, "staging": {"enabled": false}}, "rules": [
		{"id": "testers", "type": "force", "enabled": true, "value": "v2", "condition": "{\"tester\": true}", "allEnvironments": true},
		{"id": "elsewhere", "type": "rollout", "enabled": true, "value": "v2", "coverage": 0.5, "hashAttribute": "id", "environments": ["staging"]}]}`
	if err := json.Unmarshal([]byte(text), f); err != nil {
		s.t.Fatal(err)
	}
	f.Revision.Version = s.next
	end := int64(0)
	for i, b := range layoutOf(a, 10_000) {
		end += b.weight
		f.Rules = append(f.Rules, gbRule{
			ID: fmt.Sprintf("fr_%d", i), Type: "rollout", Enabled: new(true), Value: gbVariations[b.variant], Coverage: float64(end) / 10_000,
			HashAttribute: "id", Seed: "answer", HashVersion: 2, Environments: []string{"production"},
		})
	}
	s.feature = f
}

func (s *gbServer) show(w http.ResponseWriter, r *http.Request) {
	if s.feature == nil || r.PathValue("feature") != "answer-v2" {
		refuse(w, http.StatusNotFound, "Could not find feature")
		return
	}
	reply(w, http.StatusOK, map[string]any{"feature": s.feature})
}

func (s *gbServer) list(w http.ResponseWriter, r *http.Request) {
	for key := range r.URL.Query() {
		if !slices.Contains([]string{"featureId", "limit", "offset", "status"}, key) {
			s.t.Errorf("query %s", key)
		}
	}
	reply(w, http.StatusOK, map[string]any{"revisions": s.revisions})
}

func (s *gbServer) draft(w http.ResponseWriter, r *http.Request) {
	var q struct{ Comment, Title string }
	if !s.body(w, r, "application/json", &q) {
		return
	}
	s.next++
	draft := &gbRevision{Version: s.next, BaseVersion: s.feature.Revision.Version, Status: "draft", Comment: q.Comment, Rules: slices.Clone(s.feature.Rules)}
	s.revisions = append([]*gbRevision{draft}, s.revisions...)
	reply(w, http.StatusOK, gbEnvelope{*draft})
}

// of is the draft that a request names; it has to be one.
func (s *gbServer) of(w http.ResponseWriter, r *http.Request) *gbRevision {
	version, err := strconv.Atoi(r.PathValue("version"))
	at := slices.IndexFunc(s.revisions, func(d *gbRevision) bool { return d.Version == version })
	if err != nil || at < 0 {
		refuse(w, http.StatusNotFound, "Could not find feature revision")
		return nil
	}
	if d := s.revisions[at]; d.Status != "published" && d.Status != "discarded" {
		return d
	}
	refuse(w, http.StatusBadRequest, "Cannot edit a revision with this status")
	return nil
}

// gbRuleBody is what the schemas of rules admit.
type gbRuleBody struct {
	Rule struct {
		Type, Description          string
		Enabled, AllEnvironments   *bool
		Value, HashAttribute, Seed *string
		Coverage                   *float64
		HashVersion                *int
		Environments               []string
	}
}

func (s *gbServer) write(into *gbRule, b gbRuleBody) error {
	q := b.Rule
	if q.Enabled != nil {
		into.Enabled = q.Enabled
	}
	if q.Value != nil {
		into.Value = *q.Value
	}
	if q.Coverage != nil {
		if *q.Coverage < 0 || *q.Coverage > 1 {
			return fmt.Errorf("coverage %v", *q.Coverage)
		}
		into.Coverage = *q.Coverage
	}
	if q.HashAttribute != nil {
		into.HashAttribute = *q.HashAttribute
	}
	if q.Seed != nil {
		into.Seed = *q.Seed
	}
	if q.HashVersion != nil {
		if *q.HashVersion != 1 && *q.HashVersion != 2 {
			return fmt.Errorf("hashVersion %v", *q.HashVersion)
		}
		into.HashVersion = *q.HashVersion
	}
	// The server infers the type from the coverage.
	into.Type = "rollout"
	if into.Coverage == 1 {
		into.Type = "force"
	}
	if into.Type == "rollout" && into.HashAttribute == "" {
		return fmt.Errorf("hashAttribute is required when coverage < 1")
	}
	return nil
}

func (s *gbServer) add(w http.ResponseWriter, r *http.Request) {
	var b gbRuleBody
	if !s.body(w, r, "application/json", &b) {
		return
	}
	draft := s.of(w, r)
	if draft == nil {
		return
	}
	s.next++
	rule := gbRule{ID: fmt.Sprintf("fr_new_%d", s.next), Coverage: 1, Enabled: new(true), Environments: b.Rule.Environments}
	if err := s.write(&rule, b); err != nil || b.Rule.Value == nil || b.Rule.AllEnvironments == nil || *b.Rule.AllEnvironments || b.Rule.Type != "rollout" {
		s.t.Errorf("the server takes no such rule: %+v, %v", b, err)
		refuse(w, http.StatusBadRequest, "invalid")
		return
	}
	draft.Rules = append(draft.Rules, rule)
	reply(w, http.StatusOK, gbEnvelope{*draft})
}

func (s *gbServer) edit(w http.ResponseWriter, r *http.Request) {
	var b gbRuleBody
	if !s.body(w, r, "application/json", &b) {
		return
	}
	draft := s.of(w, r)
	if draft == nil {
		return
	}
	at := slices.IndexFunc(draft.Rules, func(rule gbRule) bool { return rule.ID == r.PathValue("rule") })
	if at < 0 || b.Rule.Type != "" {
		s.t.Errorf("the server takes no such edit: %s, %+v", r.PathValue("rule"), b)
		refuse(w, http.StatusNotFound, "no such rule")
		return
	}
	draft.Rules = slices.Clone(draft.Rules)
	if err := s.write(&draft.Rules[at], b); err != nil {
		s.t.Errorf("the server takes no such edit: %v", err)
		refuse(w, http.StatusBadRequest, "invalid")
		return
	}
	reply(w, http.StatusOK, gbEnvelope{*draft})
}

func (s *gbServer) publish(w http.ResponseWriter, r *http.Request) {
	var q struct{ Comment string }
	if !s.body(w, r, "application/json", &q) {
		return
	}
	draft := s.of(w, r)
	if draft == nil {
		return
	}
	var closed []map[string]any
	for _, gate := range s.gates {
		if !s.reviewed[draft.Version] {
			closed = append(closed, map[string]any{"type": gate, "severity": "blocker", "messages": []string{apiToken}})
		}
	}
	if draft.BaseVersion != s.feature.Revision.Version {
		closed = append(closed, map[string]any{"type": "stale-base"})
	}
	if len(closed) > 0 {
		reply(w, http.StatusUnprocessableEntity, map[string]any{"message": "Publish blocked", "gates": closed})
		return
	}
	s.next++
	draft.Status = "published"
	s.feature.Rules, s.feature.Revision.Version = draft.Rules, draft.Version
	s.taken++
	s.comments = append(s.comments, q.Comment)
	reply(w, http.StatusOK, gbEnvelope{*draft})
}

func (s *gbServer) discard(w http.ResponseWriter, r *http.Request) {
	var q struct{}
	if !s.body(w, r, "application/json", &q) {
		return
	}
	if draft := s.of(w, r); draft != nil {
		draft.Status = "discarded"
		reply(w, http.StatusOK, gbEnvelope{*draft})
	}
}

func (s *gbServer) review(w http.ResponseWriter, r *http.Request) {
	var q struct{ Comment string }
	if !s.body(w, r, "application/json", &q) {
		return
	}
	draft := s.of(w, r)
	if draft == nil {
		return
	}
	if draft.Status != "draft" {
		s.t.Errorf("a review of %s", draft.Status)
		refuse(w, http.StatusBadRequest, "Can only request review on a draft")
		return
	}
	draft.Status = "pending-review"
	reply(w, http.StatusOK, gbEnvelope{*draft})
}

// open are the drafts that are neither published nor discarded.
func (s *gbServer) open() []string {
	var open []string
	for _, r := range s.revisions {
		if r.Status != "published" && r.Status != "discarded" {
			open = append(open, r.Status)
		}
	}
	return open
}

func TestGrowthBookReads(t *testing.T) {
	feature := func(rules string) string {
		return `{"feature": {"defaultValue": "v1", "environments": {"production": {"enabled": true}}, "rules": [` + rules + `]}}`
	}
	rollout := func(value string, coverage float64, more string) string {
		return fmt.Sprintf(`{"id": "r", "type": "rollout", "value": %q, "coverage": %v, "hashAttribute": "id", "seed": "s", "environments": ["production"]%s}`, value, coverage, more)
	}
	for name, c := range map[string]struct{ feature, want string }{
		"a cascade":             {feature(rollout("v2", 0.05, "") + "," + rollout("v1-uncovered", 0.95, "")), "coverage 10 %: treatment 50 %, control 50 %"},
		"only the default":      {feature(""), "coverage 100 %: control 100 %"},
		"one rollout":           {feature(rollout("v2", 0.25, "")), "coverage 100 %: treatment 25 %, control 75 %"},
		"a hidden one":          {feature(rollout("v2", 0.25, "") + "," + rollout("v3", 0.25, "") + "," + rollout("v4", 0.1, "")), "coverage 100 %: treatment 25 %, control 75 %"},
		"a disabled one":        {feature(rollout("v2", 0.25, `, "enabled": false`)), "coverage 100 %: control 100 %"},
		"everybody":             {feature(rollout("v2", 0.25, "") + `, {"id": "f", "type": "force", "value": "v3", "allEnvironments": true}`), "coverage 100 %: treatment 25 %, x 75 %"},
		"a stranger":            {feature(rollout("v9", 1, "")), "coverage 100 %: v9 100 %"},
		"testers first":         {feature(rollout("v3", 1, `, "condition": "{\"a\": 1}"`) + "," + rollout("v2", 1, "")), "coverage 100 %: treatment 100 %"},
		"a group first":         {feature(rollout("v3", 1, `, "savedGroupTargeting": [{}]`) + "," + rollout("v2", 1, "")), "coverage 100 %: treatment 100 %"},
		"testers last":          {feature(rollout("v2", 0.5, "") + "," + rollout("v3", 1, `, "condition": "{\"a\": 1}"`)), "a rule with a condition stands behind its rollouts"},
		"another hash":          {feature(rollout("v2", 0.5, "") + "," + rollout("v3", 0.6, `, "hashVersion": 2`)), "its rollouts do not hash alike"},
		"an experiment":         {feature(`{"id": "e", "type": "experiment-ref", "allEnvironments": true}`), "a rule of it is experiment-ref"},
		"another environment's": {feature(`{"id": "e", "type": "experiment-ref", "environments": ["staging"]}`), "coverage 100 %: control 100 %"},
		"off":                   {`{"feature": {"environments": {"production": {"enabled": false}}}}`, "it is switched off"},
		"prerequisites":         {`{"feature": {"prerequisites": ["x"], "environments": {"production": {"enabled": true}}}}`, "it has prerequisites"},
		"archived":              {`{"feature": {"archived": true}}`, "the flag does not exist: it is archived"},
		"no environment":        {`{"feature": {"environments": {"staging": {}}}}`, "the flag does not exist: in the environment production"},
		"no feature":            {`{}`, "the answer is not what the interface promises"},
		"a secret":              {feature(rollout(apiToken, 1, "")), "names a secret"},
	} {
		_, v := gbRig(t)
		v.fault = gets(say(c.feature))
		state, err := v.store.Read(t.Context(), "answer-v2")
		checkRead(t, name, state, err, c.want)
	}
}

// TestGrowthBookKeepsTheRest: a rollback disables the rollouts, so that the seed
// is there when the flag is opened again, and touches no other rule.
func TestGrowthBookKeepsTheRest(t *testing.T) {
	s, v := gbRig(t)
	others := fmt.Sprint(s.feature.Rules[:2])
	for _, target := range []decide.Allocation{
		alloc(1, arm("control", 1), arm("treatment", 0)), half(0.1), alloc(1, arm("treatment", 1), arm("control", 0)), half(0.5), alloc(0.5, arm("control", 0.4), arm("treatment", 0.3), arm("x", 0.3)),
	} {
		state, err := v.store.Read(t.Context(), "answer-v2")
		if err != nil {
			t.Fatal(err)
		}
		if r := quick(t, v.store, ramp(*state.Allocation, target)); r.Outcome != OutcomeDelivered {
			t.Fatalf("%s: %+v", describe(target), r)
		}
		if got := fmt.Sprint(s.feature.Rules[:2]); got != others {
			t.Errorf("%s became %s", others, got)
		}
		for _, rule := range s.feature.Rules[2:] {
			if rule.Seed != "answer" || rule.HashVersion != 2 || !rule.own("production") {
				t.Errorf("%s: %+v", describe(target), rule)
			}
		}
	}
	if len(s.open()) != 0 || !strings.HasPrefix(s.comments[0], "assay d_4f2a: ramp of answer-v2: ") {
		t.Errorf("%v, %v", s.open(), s.comments)
	}
}

func TestGrowthBookApproval(t *testing.T) {
	s, v := gbRig(t)
	s.gates = []string{"approval-required"}
	for range 2 { // Decided anew at the next look: the same draft waits.
		r := quick(t, v.store, ramp(half(0.1), half(0.25)))
		checkApproval(t, r)
		if !strings.HasSuffix(r.Message, "waits for a review") || fmt.Sprint(s.open()) != "[pending-review]" {
			t.Errorf("%+v with %v", r, s.open())
		}
	}
	// Another decision takes the place of the draft.
	checkApproval(t, quick(t, v.store, ramp(half(0.1), alloc(1, arm("control", 1)))))
	if fmt.Sprint(s.open()) != "[pending-review]" || s.taken != 0 {
		t.Errorf("%v", s.open())
	}
	s.revisions[0].Status = "changes-requested"
	r := quick(t, v.store, ramp(half(0.1), alloc(1, arm("control", 1))))
	checkApproval(t, r)
	if !strings.Contains(r.Message, "want revision") {
		t.Errorf("%+v", r)
	}
	s.revisions[0].Status, s.reviewed[s.revisions[0].Version] = "approved", true
	if r := quick(t, v.store, ramp(half(0.1), alloc(1, arm("control", 1)))); r.Outcome != OutcomeDelivered || s.taken != 1 {
		t.Errorf("%+v after %d", r, s.taken)
	}
}

// TestGrowthBookGates has each way in which a publication is blocked.
func TestGrowthBookGates(t *testing.T) {
	for name, c := range map[string]struct {
		gates   []string
		status  int
		message string
		outcome string
		says    string
	}{
		"named approvers": {gates: []string{"required-approvers-missing"}, outcome: OutcomeApproval, says: "waits for a review"},
		"stale":           {gates: []string{"stale-base"}, outcome: OutcomeConflict, says: "while this change was under way"},
		"not allowed":     {gates: []string{"permission-denied"}, outcome: OutcomeRefused, says: "not authorised: the token may not publish"},
		"a ramp":          {gates: []string{"ramp-locked"}, outcome: OutcomeRefused, says: "a gate of GrowthBook is closed: ramp-locked"},
		"an older server": {status: 400, message: `This revision requires approval before publishing (status: "draft").`, outcome: OutcomeApproval, says: "waits for a review"},
		"a conflict":      {status: 409, message: "rebase", outcome: OutcomeConflict, says: "status 409"},
		"forbidden":       {status: 403, message: "no", outcome: OutcomeRefused, says: "not authorised: status 403"},
	} {
		s, v := gbRig(t)
		s.gates = c.gates
		v.fault = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if c.status != 0 && strings.HasSuffix(r.URL.Path, "/publish") {
				refuse(w, c.status, c.message)
				return true
			}
			return false
		}
		r := quick(t, v.store, ramp(half(0.1), half(0.25)))
		if r.Outcome != c.outcome || !strings.Contains(r.Message, c.says) || s.taken != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if left := len(s.open()); left != map[bool]int{true: 1}[c.outcome == OutcomeApproval] {
			t.Errorf("%s: %d drafts are left", name, left)
		}
	}
}

// TestGrowthBookProposal leaves a draft, once.
func TestGrowthBookProposal(t *testing.T) {
	s, v := gbRig(t)
	c := ramp(half(0.1), half(0.25))
	c.Proposal = true
	for range 2 {
		if r := quick(t, v.store, c); r.Outcome != OutcomeProposed || fmt.Sprint(s.open()) != "[draft]" || s.taken != 0 {
			t.Errorf("%+v with %v", r, s.open())
		}
	}
}

// TestGrowthBookRace has a person publish between the comparison and the draft,
// and between the draft and its publication.
func TestGrowthBookRace(t *testing.T) {
	for _, moment := range []string{"/revisions", "/publish"} {
		s, v := gbRig(t)
		v.fault = writesOnly(func(_ http.ResponseWriter, r *http.Request, _ int) bool {
			if strings.HasSuffix(r.URL.Path, moment) {
				s.put(half(0.5))
			}
			return false
		})
		r := quick(t, v.store, ramp(half(0.1), half(0.25)))
		if r.Outcome != OutcomeConflict || s.taken != 0 || len(s.open()) != 0 {
			t.Errorf("%s: %+v, %v", moment, r, s.open())
		}
	}
}

// TestGrowthBookHalfDone breaks off after each request; the next try ends in the
// same state with no draft left.
func TestGrowthBookHalfDone(t *testing.T) {
	for broken := 1; broken < 8; broken++ {
		s, v := gbRig(t)
		v.fault = writesOnly(func(w http.ResponseWriter, r *http.Request, n int) bool { return n == broken && drop(w, r, n) })
		r := quick(t, v.store, ramp(half(0.1), half(0.25)))
		v.fault = nil
		if r.Outcome == OutcomeUnavailable {
			r = quick(t, v.store, ramp(half(0.1), half(0.25)))
		}
		if r.Outcome != OutcomeDelivered || s.taken != 1 || len(s.open()) != 0 {
			t.Errorf("broken at %d: %+v after %d, %v", broken, r, s.taken, s.open())
		}
	}
}

func TestGrowthBookRefuses(t *testing.T) {
	for says, spoil := range map[string]func(*gbServer, *spec.FlagStore, *Change){
		"variations of the flag store does not say which value uncovered has": func(_ *gbServer, cfg *spec.FlagStore, _ *Change) {
			cfg.Variations = map[string]string{"control": "v1", "treatment": "v2", "other": "v1-uncovered"}
		},
		"does not say which value z has": func(_ *gbServer, _ *spec.FlagStore, c *Change) {
			c.Target = alloc(1, arm("control", 0.5), arm("z", 0.5))
		},
		"is for other environments too": func(s *gbServer, _ *spec.FlagStore, _ *Change) {
			s.feature.Rules[3].Environments = []string{"production", "staging"}
		},
		"has no percentage rollout in the environment": func(s *gbServer, _ *spec.FlagStore, c *Change) {
			s.feature.Rules, c.Expected = nil, alloc(1, arm("control", 1))
		},
	} {
		s, v := gbRig(t)
		c := ramp(half(0.1), half(0.5))
		store := v.with(func(cfg *spec.FlagStore) { spoil(s, cfg, &c) })
		if strings.Contains(says, "uncovered has") {
			c.Expected = alloc(1, arm("other", 0.9), arm("treatment", 0.05), arm("control", 0.05))
		}
		if r := quick(t, store, c); r.Outcome != OutcomeRefused || !strings.Contains(r.Message, says) || v.tries != 0 {
			t.Errorf("%+v, want %s", r, says)
		}
	}
}

// TestGrowthBookWeights: with hash version 2 every ten-thousandth is exact, and
// no unit changes its arm while coverage grows.
func TestGrowthBookWeights(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		a, b := random.Float64(), random.Float64()
		arms := []decide.Arm{arm("control", a), arm("treatment", (1-a)*b), arm("x", (1-a)*(1-b))}
		before := map[int]string{}
		for _, coverage := range []float64{0.1, 0.25, 0.5, 0.75, 1} {
			list := layoutOf(alloc(coverage, arms...), 10_000)
			for unit := range 500 {
				place := int64(GrowthBook2.growthBook("answer", fmt.Sprint(unit)) * 10_000)
				got := ""
				for _, b := range list {
					if place -= b.weight; place < 0 {
						got = b.variant
						break
					}
				}
				if was := before[unit]; got == "" || was != "" && was != uncovered && was != got {
					t.Fatalf("unit %d had %q and has %q", unit, was, got)
				}
				before[unit] = got
			}
		}
	}
}
