package flags

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/decide"
	"assay/spec"
)

// unleashServer follows the admin interface of Unleash 7.5 as its own server
// answers it (make conformance compares the two).
type unleashServer struct {
	*fake
	flags map[string]*unleashFlag
}

const unleashEnvironment = "development"

func newUnleash(t testing.TB) vendorRig {
	s := &unleashServer{flags: map[string]*unleashFlag{}}
	s.fake = newFake(t, "", map[string]http.HandlerFunc{
		"GET /api/admin/projects/{project}/features/{flag}":                                              s.show,
		"PATCH /api/admin/projects/{project}/features/{flag}/environments/{environment}/strategies/{id}": s.patch,
	})
	return vendorRig{
		fake: s.fake, cfg: spec.FlagStore{Type: "unleash", Environment: unleashEnvironment},
		rig: rig{
			person: func(a decide.Allocation) { s.locked(func() { s.put("answer-v2", a) }) },
			vanish: func() { s.locked(func() { delete(s.flags, "answer-v2") }) },
			unit:   unleashUnit, coverage: wholePercent,
		},
	}.complete()
}

func wholePercent(coverage float64) float64 { return math.Round(coverage*100) / 100 }

// put is what a person does by hand.
func (s *unleashServer) put(key string, a decide.Allocation) {
	flag := &unleashFlag{}
	text := fmt.Sprintf(`{"environments": [{"name": "production"}, {"name": %q, "enabled": true, "strategies": [
		{"id": "5f0e", "name": "flexibleRollout", "parameters": {"rollout": "%d", "stickiness": "userId", "groupId": %q}, "variants": %s}]}]}`,
		unleashEnvironment, int(math.Round(a.Coverage*100)), key, unleashVariants(a))
	if err := json.Unmarshal([]byte(text), flag); err != nil {
		s.t.Fatal(err)
	}
	s.flags[key] = flag
}

// unleashVariants are all that the tests use, with the weights of an allocation.
func unleashVariants(a decide.Allocation) []byte {
	parts := make([]float64, len(a.Arms))
	for i, arm := range a.Arms {
		parts[i] = arm.Weight
	}
	weights := map[string]int64{"control": 0, "treatment": 0, "x": 0, "y": 0}
	for i, weight := range apportion(parts, unleashTotal) {
		weights[a.Arms[i].Variation] = weight
	}
	var variants []unleashVariant
	for _, name := range sortedKeys(weights) {
		v := unleashVariant{Name: name, Weight: weights[name], WeightType: "fix", Stickiness: "userId"}
		if name == "control" {
			v.WeightType, v.Payload = "variable", json.RawMessage(`{"type":"string","value":"prompt-1"}`)
		}
		variants = append(variants, v)
	}
	text, _ := json.Marshal(variants)
	return text
}

func (s *unleashServer) show(w http.ResponseWriter, r *http.Request) {
	flag, ok := s.flags[r.PathValue("flag")]
	if !ok || r.PathValue("project") != "default" {
		refuse(w, http.StatusNotFound, "Could not find feature flag with name "+r.PathValue("flag"))
		return
	}
	reply(w, http.StatusOK, flag)
}

func (s *unleashServer) patch(w http.ResponseWriter, r *http.Request) {
	var operations []patch
	if !s.body(w, r, "application/json", &operations) {
		return
	}
	flag, ok := s.flags[r.PathValue("flag")]
	if !ok || r.PathValue("project") != "default" || r.PathValue("environment") != unleashEnvironment {
		refuse(w, http.StatusNotFound, "no such strategy")
		return
	}
	at := slices.IndexFunc(flag.Environments[1].Strategies, func(s strategy) bool { return s.ID == r.PathValue("id") })
	if at < 0 {
		refuse(w, http.StatusNotFound, "no such strategy")
		return
	}
	changed, err := patched(flag.Environments[1].Strategies[at], operations)
	if err != nil && strings.HasPrefix(err.Error(), "Test operation failed") {
		reply(w, http.StatusInternalServerError, map[string]string{"name": "UnknownError", "message": err.Error()})
		return
	}
	if err == nil {
		err = fixWeights(changed.Variants)
	}
	if err != nil {
		s.t.Errorf("the server takes no such patch: %v", err)
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	flag.Environments[1].Strategies[at] = changed
	s.taken++
	reply(w, http.StatusOK, changed)
}

// patched applies the operations to a copy.
func patched(s strategy, operations []patch) (strategy, error) {
	for _, o := range operations {
		text, err := json.Marshal(o.Value)
		if err != nil {
			return s, err
		}
		present, into := any(s.Variants), any(&s.Variants)
		rollout := s.Parameters["rollout"]
		switch o.Path {
		case "/parameters/rollout":
			present, into = s.Parameters["rollout"], &rollout
		case "/variants":
			s.Variants = nil
		default:
			return s, fmt.Errorf("path %s", o.Path)
		}
		switch o.Op {
		case "test":
			var want, have any
			held, _ := json.Marshal(present)
			if json.Unmarshal(text, &want) != nil || json.Unmarshal(held, &have) != nil || !reflect.DeepEqual(want, have) {
				return s, fmt.Errorf("Test operation failed\nname: TEST_OPERATION_FAILED\nindex: 0")
			}
			if o.Path == "/variants" {
				s.Variants = present.([]unleashVariant)
			}
		case "replace":
			if err := json.Unmarshal(text, into); err != nil {
				return s, err
			}
		default:
			return s, fmt.Errorf("operation %s", o.Op)
		}
		s.Parameters = map[string]string{"rollout": rollout, "stickiness": s.Parameters["stickiness"], "groupId": s.Parameters["groupId"]}
	}
	return s, nil
}

// fixWeights is what the server does to variants: it checks them, gives the
// variable ones what is left, and sorts them by name.
func fixWeights(variants []unleashVariant) error {
	left, variable := int64(unleashTotal), 0
	seen := map[string]bool{}
	for _, v := range variants {
		if v.Name == "" || seen[v.Name] || v.Weight < 0 || v.Weight > unleashTotal || v.Stickiness == "" {
			return fmt.Errorf("variant %+v", v)
		}
		seen[v.Name] = true
		switch v.WeightType {
		case "variable":
			variable++
		case "fix":
			left -= v.Weight
		default:
			return fmt.Errorf("weight type %q", v.WeightType)
		}
	}
	if variable != 1 || left < 0 {
		return fmt.Errorf("%d variable variants, %d left", variable, left)
	}
	for i := range variants {
		if variants[i].WeightType == "variable" {
			variants[i].Weight = left
		}
	}
	slices.SortFunc(variants, func(a, b unleashVariant) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// unleashRig is the server of these tests, or the real one where there is one.
func unleashRig(t *testing.T) rig {
	if address := os.Getenv("ASSAY_UNLEASH_URL"); address != "" {
		return realUnleash(t, address)
	}
	return newUnleash(t).rig
}

// realUnleash has Unleash's own server behind a gate that counts the changes.
func realUnleash(t *testing.T, address string) rig {
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	writes := 0
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(a *http.Response) error {
			if a.Request.Method == http.MethodPatch && a.StatusCode == http.StatusOK {
				writes++
			}
			return nil
		},
	}
	gate := newFake(t, "", map[string]http.HandlerFunc{"/api/": func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", os.Getenv("ASSAY_UNLEASH_TOKEN"))
		proxy.ServeHTTP(w, r)
	}})
	hand := personOfUnleash{t, address + "/api/admin", "answer-v2", unleashEnvironment}
	r := vendorRig{fake: gate, cfg: spec.FlagStore{Type: "unleash", Environment: unleashEnvironment}, rig: rig{
		person: hand.set, vanish: hand.archive, unit: unleashUnit, coverage: wholePercent,
		writes: func() int { return writes },
	}}.complete()
	return r.rig
}

// personOfUnleash does by hand what people do in the real server.
type personOfUnleash struct {
	t           *testing.T
	admin       string
	flag        string
	environment string
}

func (p personOfUnleash) do(method, path string, body any, into any) int {
	p.t.Helper()
	text := []byte(nil)
	if body != nil {
		text, _ = json.Marshal(body)
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.admin+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Authorization", os.Getenv("ASSAY_UNLEASH_TOKEN"))
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{Timeout: 30 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusInternalServerError {
		p.t.Fatalf("%s %s: %d %s, %v", method, path, answer.StatusCode, text, err)
	}
	if into != nil && answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, into); err != nil {
			p.t.Fatal(err)
		}
	}
	return answer.StatusCode
}

func (p personOfUnleash) path() string {
	return "/projects/default/features/" + p.flag + "/environments/" + p.environment
}

func (p personOfUnleash) set(a decide.Allocation) {
	p.t.Helper()
	if p.do(http.MethodPost, "/projects/default/features", map[string]string{"name": p.flag, "type": "release"}, nil) == http.StatusConflict {
		p.do(http.MethodPost, "/archive/revive/"+p.flag, nil, nil)
	}
	body := map[string]any{
		"name": "flexibleRollout", "variants": json.RawMessage(unleashVariants(a)),
		"parameters": map[string]string{"rollout": fmt.Sprint(int(math.Round(a.Coverage * 100))), "stickiness": "userId", "groupId": p.flag},
	}
	var present struct{ Strategies []strategy }
	if status := p.do(http.MethodGet, p.path(), nil, &present); status != http.StatusOK {
		p.t.Fatalf("status %d", status)
	}
	if len(present.Strategies) == 0 {
		p.do(http.MethodPost, p.path()+"/strategies", body, nil)
	} else {
		p.do(http.MethodPut, p.path()+"/strategies/"+present.Strategies[0].ID, body, nil)
	}
	if status := p.do(http.MethodPost, p.path()+"/on", map[string]any{}, nil); status != http.StatusOK {
		p.t.Fatalf("status %d", status)
	}
}

func (p personOfUnleash) archive() {
	p.do(http.MethodDelete, "/projects/default/features/"+p.flag, nil, nil)
}

// TestUnleashReads has flags as people leave them.
func TestUnleashReads(t *testing.T) {
	const variants = `[{"name": "control", "weight": 500}, {"name": "treatment", "weight": 500}]`
	flag := func(environment string) string {
		return `{"environments": [{"name": "development", ` + environment + `}]}`
	}
	gradual := func(rollout, variants string) string {
		return flag(`"enabled": true, "strategies": [{"id": "a", "name": "flexibleRollout", "parameters": {"rollout": "` + rollout + `"}, "variants": ` + variants + `}]`)
	}
	for name, c := range map[string]struct{ flag, rule, want string }{
		"a gradual rollout":   {gradual("10", variants), "", "coverage 10 %: control 50 %, treatment 50 %"},
		"nobody":              {gradual("0", variants), "", "coverage 0 %: control 50 %, treatment 50 %"},
		"old weights":         {gradual("100", `[{"name": "control", "weight": 1}, {"name": "treatment", "weight": 3}]`), "", "coverage 100 %: control 25 %, treatment 75 %"},
		"a stranger":          {gradual("100", `[{"name": "z", "weight": 1000}]`), "", "coverage 100 %: z 100 %"},
		"half a percent":      {gradual("0.5", variants), "", "is 0.5 and no whole percentage"},
		"too much":            {gradual("101", variants), "", "no whole percentage"},
		"no variants":         {gradual("10", `[]`), "", "its strategy has no variants"},
		"off":                 {flag(`"enabled": false, "strategies": [{"id": "a", "name": "flexibleRollout"}]`), "", "it is switched off in the environment"},
		"no strategy":         {flag(`"enabled": true, "strategies": []`), "", "it has 0 active strategies"},
		"two strategies":      {flag(`"enabled": true, "strategies": [{"id": "a"}, {"id": "b"}]`), "", "it has 2 active strategies"},
		"another kind":        {flag(`"enabled": true, "strategies": [{"id": "a", "name": "userWithId"}]`), "", "its strategy is userWithId and no gradual rollout"},
		"the one of the spec": {flag(`"enabled": true, "strategies": [{"id": "b"}, {"id": "a", "name": "flexibleRollout", "parameters": {"rollout": "7"}, "variants": ` + variants + `}]`), "a", "coverage 7 %"},
		"the spec's is gone":  {flag(`"enabled": true, "strategies": [{"id": "b"}]`), "a", "gone or disabled"},
		"the spec's is off":   {flag(`"enabled": true, "strategies": [{"id": "a", "disabled": true}]`), "a", "gone or disabled"},
		"archived":            {`{"archived": true}`, "", "the flag does not exist: it is archived"},
		"another environment": {`{"environments": [{"name": "production"}]}`, "", "the flag does not exist: in the environment development"},
		"a secret":            {gradual("100", `[{"name": "`+apiToken+`", "weight": 1000}]`), "", "names a secret"},
	} {
		v := newUnleash(t)
		v.fault = gets(say(c.flag))
		state, err := v.with(func(s *spec.FlagStore) { s.Rule = c.rule }).Read(t.Context(), "answer-v2")
		checkRead(t, name, state, err, c.want)
	}
}

// TestUnleashKeepsTheRest: only the rollout and the weights change.
func TestUnleashKeepsTheRest(t *testing.T) {
	v := newUnleash(t)
	var sent []patch
	v.fault = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		if r.Method == http.MethodPatch {
			text, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(text, &sent); err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(text))
		}
		return false
	}
	rollback := ramp(half(0.1), alloc(1, arm("control", 1), arm("treatment", 0)))
	if r := quick(t, v.store, rollback); r.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	text, _ := json.Marshal(sent[2:])
	const want = `[{"op":"replace","path":"/parameters/rollout","value":"100"},{"op":"replace","path":"/variants","value":[` +
		`{"name":"control","payload":{"type":"string","value":"prompt-1"},"stickiness":"userId","weight":1000,"weightType":"variable"},` +
		`{"name":"treatment","stickiness":"userId","weight":0,"weightType":"fix"},` +
		`{"name":"x","stickiness":"userId","weight":0,"weightType":"fix"},{"name":"y","stickiness":"userId","weight":0,"weightType":"fix"}]}]`
	if string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
}

func TestUnleashRefuses(t *testing.T) {
	for says, target := range map[string]decide.Allocation{
		"Unleash rolls out whole percents":             half(0.125),
		"variation z is not a variant of the strategy": alloc(1, arm("control", 0.5), arm("z", 0.5)),
	} {
		v := newUnleash(t)
		if r := quick(t, v.store, ramp(half(0.1), target)); r.Outcome != OutcomeRefused || !strings.Contains(r.Message, says) || v.tries != 0 {
			t.Errorf("%+v, want %s", r, says)
		}
	}
}

// TestUnleashWeights: shares survive the way to the server and back within half
// a unit, and sum to the whole.
func TestUnleashWeights(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	u := &unleash{naming: newNaming(nil)}
	var present []unleashVariant
	if err := json.Unmarshal(unleashVariants(half(1)), &present); err != nil {
		t.Fatal(err)
	}
	for range 2000 {
		a, b := random.Float64(), random.Float64()
		target := alloc(float64(random.IntN(101))/100, arm("control", a), arm("treatment", (1-a)*b), arm("x", (1-a)*(1-b)))
		rollout, variants, problem := u.write(target, present)
		if problem != "" {
			t.Fatal(problem)
		}
		if err := fixWeights(variants); err != nil {
			t.Fatal(err)
		}
		state := u.state(strategy{Name: "flexibleRollout", Parameters: map[string]string{"rollout": rollout}, Variants: variants}, "")
		if !state.Known || !Same(Conform(*state.Allocation, target), target, unleashUnit/2) {
			t.Fatalf("%s became %s", describe(target), describe(*state.Allocation))
		}
	}
}

func TestUnleashChangeRequests(t *testing.T) {
	v := newUnleash(t)
	v.fault = writesOnly(func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		reply(w, http.StatusForbidden, map[string]any{
			"name": "PermissionError", "message": `You don't have the required permissions to perform this operation. To perform this action, you need the "SKIP_CHANGE_REQUEST" permission.`,
		})
		return true
	})
	checkApproval(t, quick(t, v.store, ramp(half(0.1), half(0.25))))
	if v.tries != 1 {
		t.Errorf("%d tries", v.tries)
	}
}

// checkApproval looks at a delivery that somebody has to approve.
func checkApproval(t *testing.T, r Result) {
	t.Helper()
	if r.Outcome != OutcomeApproval || r.Retryable || !strings.HasPrefix(r.Message, "approval is needed: ") {
		t.Errorf("%+v", r)
	}
}

// TestUnleashRace has a person change the strategy between the comparison and
// the write.
func TestUnleashRace(t *testing.T) {
	v := newUnleash(t)
	v.fault = writesOnly(func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		reply(w, http.StatusInternalServerError, map[string]string{"message": "Test operation failed\nname: TEST_OPERATION_FAILED\nindex: 0"})
		return true
	})
	if r := quick(t, v.store, ramp(half(0.1), half(0.25))); r.Outcome != OutcomeConflict || !strings.Contains(r.Message, "while this change was under way") {
		t.Errorf("%+v", r)
	}
}

// TestUnleashReal asks the real server what the table does not: change requests,
// tokens that it does not know, and a patch whose test fails.
func TestUnleashReal(t *testing.T) {
	address, editor := os.Getenv("ASSAY_UNLEASH_URL"), os.Getenv("ASSAY_UNLEASH_EDITOR")
	if address == "" || editor == "" {
		t.Skip("no server; make conformance has one")
	}
	hand := personOfUnleash{t, address + "/api/admin", "answer-v3", "production"}
	hand.set(half(0.1))
	open := func(environment, token string) Store {
		cfg := spec.FlagStore{Type: "unleash", URL: spec.NewSecret(address), Environment: environment, Token: spec.NewSecret(token), PrivateAddresses: true}
		store, err := Open("unleash", cfg, "", Options{Now: decidedAtClock, UserAgent: agentName})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	c := ramp(half(0.1), half(0.25))
	c.FlagKey = "answer-v3"
	checkApproval(t, quick(t, open("production", editor), c))
	for says, store := range map[string]Store{
		"not authorised: status 401": open("production", "unknown"), "the flag does not exist: in the environment nowhere": open("nowhere", editor),
	} {
		if r := quick(t, store, c); r.Outcome != OutcomeRefused || !strings.Contains(r.Message, says) {
			t.Errorf("%+v, want %s", r, says)
		}
	}
	hand.environment = unleashEnvironment
	hand.set(half(0.1))
	if r := quick(t, open(unleashEnvironment, editor), c); r.Outcome != OutcomeDelivered {
		t.Errorf("an editor without change requests: %+v", r)
	}
	u := open(unleashEnvironment, editor).(*unleash)
	s, problem, err := u.strategy(t.Context(), "answer-v3")
	if err != nil || problem != "" {
		t.Fatal(problem, err)
	}
	err = u.do(t.Context(), call{
		method: http.MethodPatch, path: u.path("answer-v3", "environments", unleashEnvironment, "strategies", s.ID),
		body: []patch{{"test", "/parameters/rollout", "10"}, {"replace", "/parameters/rollout", "50"}},
	}, nil)
	if !errors.Is(err, ErrConflict) {
		t.Errorf("a patch whose test fails: %v", err)
	}
}
