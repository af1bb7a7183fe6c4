package flags

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"sort"
	"strings"
	"testing"

	"assay/decide"
	"assay/spec"
)

// fliptServer follows the management interface of Flipt 2: resources with the
// revision of their environment, which every write has to name.
type fliptServer struct {
	*fake
	flags    map[string]json.RawMessage
	revision int
}

func newFlipt(t testing.TB) vendorRig {
	_, v := fliptRig(t)
	return v
}

func fliptRig(t testing.TB) (*fliptServer, vendorRig) {
	s := &fliptServer{flags: map[string]json.RawMessage{}}
	const base = "/api/v2/environments/{environment}/namespaces/{namespace}/resources"
	s.fake = newFake(t, "Bearer ", map[string]http.HandlerFunc{
		"GET " + base + "/{type}/{flag}": s.show,
		"PUT " + base:                    s.update,
	})
	v := vendorRig{
		fake: s.fake, cfg: spec.FlagStore{Type: "flipt", Environment: "production"},
		rig: rig{
			person: func(a decide.Allocation) { s.locked(func() { s.put("answer-v2", a) }) },
			vanish: func() { s.locked(func() { delete(s.flags, "answer-v2"); s.revision++ }) },
			unit:   fliptUnit,
		},
	}.complete()
	return s, v
}

// put is what a person does by hand.
func (s *fliptServer) put(key string, a decide.Allocation) {
	var list []string
	for _, b := range layoutOf(a, fliptTotal) {
		list = append(list, fmt.Sprintf(`{"variant": %q, "rollout": %g}`, b.variant, float64(b.weight)/10))
	}
	s.flags[key] = json.RawMessage(fmt.Sprintf(`{"@type": "flipt.core.Flag", "key": %q, "type": "VARIANT_FLAG_TYPE", "name": "Answer", "description": "an answer", "enabled": true,
		"variants": [{"key": "control", "name": "Control", "description": "", "attachment": {"prompt": 1.50}}, {"key": "treatment"}, {"key": "uncovered"}, {"key": "x"}, {"key": "y"}],
		"rules": [{"segmentOperator": "OR_SEGMENT_OPERATOR", "segments": ["everybody"], "distributions": [%s]}],
		"rollouts": [], "defaultVariant": "control", "metadata": {"owner": "search"}}`, key, strings.Join(list, ", ")))
	s.revision++
}

func (s *fliptServer) show(w http.ResponseWriter, r *http.Request) {
	flag, ok := s.flags[r.PathValue("flag")]
	if !ok || r.PathValue("type") != "flipt.core.Flag" || r.PathValue("environment") != "production" || r.PathValue("namespace") != "default" {
		refuse(w, http.StatusNotFound, "flag default/answer-v2")
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"resource": map[string]any{"namespaceKey": "default", "key": r.PathValue("flag"), "payload": flag}, "revision": fmt.Sprint(s.revision),
	})
}

func (s *fliptServer) update(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Key      string          `json:"key"`
		Payload  json.RawMessage `json:"payload"`
		Revision string          `json:"revision"`
	}
	if !s.body(w, r, "application/json", &q) {
		return
	}
	if _, ok := s.flags[q.Key]; !ok {
		refuse(w, http.StatusNotFound, "update resource")
		return
	}
	if q.Revision != fmt.Sprint(s.revision) {
		refuse(w, http.StatusConflict, fmt.Sprintf("expected head revision %q has changed (now %q)", q.Revision, fmt.Sprint(s.revision)))
		return
	}
	if err := fliptValid(q.Payload, q.Key); err != nil {
		s.t.Errorf("the server takes no such flag: %v in %s", err, q.Payload)
		refuse(w, http.StatusBadRequest, "invalid")
		return
	}
	s.flags[q.Key] = q.Payload
	s.revision++
	s.taken++
	reply(w, http.StatusOK, map[string]any{"resource": map[string]any{"key": q.Key, "payload": q.Payload}, "revision": fmt.Sprint(s.revision)})
}

// fliptValid decodes as the server does: unknown fields are refused, and so is
// what its schema does not admit.
func fliptValid(payload json.RawMessage, key string) error {
	var flag struct {
		Type           string `json:"@type"`
		Key            string `json:"key"`
		Kind           string `json:"type"`
		Name           string `json:"name"`
		Description    string `json:"description"`
		Enabled        bool   `json:"enabled"`
		DefaultVariant string `json:"defaultVariant"`
		Variants       []struct {
			Key         string `json:"key"`
			Name        string `json:"name"`
			Description string `json:"description"`
			Attachment  any    `json:"attachment"`
		} `json:"variants"`
		Rules []struct {
			SegmentOperator string         `json:"segmentOperator"`
			Segments        []string       `json:"segments"`
			Distributions   []distribution `json:"distributions"`
		} `json:"rules"`
		Rollouts []any          `json:"rollouts"`
		Metadata map[string]any `json:"metadata"`
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&flag); err != nil {
		return err
	}
	if flag.Type != "flipt.core.Flag" || flag.Key != key || flag.Name == "" {
		return fmt.Errorf("type %s, key %s, name %s", flag.Type, flag.Key, flag.Name)
	}
	variants := map[string]bool{}
	for _, v := range flag.Variants {
		variants[v.Key] = true
	}
	for _, rule := range flag.Rules {
		for _, d := range rule.Distributions {
			if !variants[d.Variant] || d.Rollout < 0 || d.Rollout > 100 {
				return fmt.Errorf("distribution %+v", d)
			}
		}
	}
	return nil
}

func TestFliptReads(t *testing.T) {
	flag := func(members string) string {
		return `{"resource": {"payload": {"key": "answer-v2", ` + members + `}}, "revision": "1"}`
	}
	rule := func(list string) string {
		return flag(`"enabled": true, "rules": [{"segments": ["all"], "distributions": ` + list + `}]`)
	}
	for name, c := range map[string]struct{ flag, rule, want string }{
		"distributions":       {rule(`[{"variant": "treatment", "rollout": 5}, {"variant": "uncovered", "rollout": 90}, {"variant": "control", "rollout": 5}]`), "", "coverage 10 %: treatment 50 %, control 50 %"},
		"a variant twice":     {rule(`[{"variant": "x", "rollout": 12.5}, {"variant": "y", "rollout": 75}, {"variant": "x", "rollout": 12.5}]`), "", "coverage 100 %: x 25 %, y 75 %"},
		"single precision":    {rule(`[{"variant": "x", "rollout": 33.30000305175781}, {"variant": "y", "rollout": 66.69999694824219}]`), "", "coverage 100 %: x 33.3 %, y 66.7 %"},
		"too fine":            {rule(`[{"variant": "x", "rollout": 33.33}, {"variant": "y", "rollout": 66.67}]`), "", "no percentage with at most one decimal"},
		"not everybody":       {rule(`[{"variant": "x", "rollout": 50}]`), "", "sum to 50 % and not to everybody"},
		"nobody":              {rule(`[]`), "", "sum to 0 %"},
		"too much":            {rule(`[{"variant": "x", "rollout": 101}]`), "", "no percentage"},
		"disabled":            {flag(`"enabled": false`), "", "it is disabled"},
		"boolean":             {flag(`"enabled": true, "type": "BOOLEAN_FLAG_TYPE"`), "", "it is a boolean flag"},
		"no rule":             {flag(`"enabled": true`), "", "it has 0 rules"},
		"two rules":           {flag(`"enabled": true, "rules": [{}, {}]`), "", "it has 2 rules"},
		"the one of the spec": {flag(`"enabled": true, "rules": [{"segments": ["a"]}, {"segments": ["b"], "distributions": [{"variant": "x", "rollout": 100}]}]`), "b", "coverage 100 %: x 100 %"},
		"the spec's is gone":  {flag(`"enabled": true, "rules": [{"segments": ["a", "b"]}]`), "b", "is gone"},
		"no revision":         {`{"resource": {"payload": {}}}`, "", "the answer is not what the interface promises"},
		"a secret":            {rule(`[{"variant": "` + apiToken + `", "rollout": 100}]`), "", "names a secret"},
	} {
		_, v := fliptRig(t)
		v.fault = gets(say(c.flag))
		state, err := v.with(func(s *spec.FlagStore) { s.Rule = c.rule }).Read(t.Context(), "answer-v2")
		checkRead(t, name, state, err, c.want)
	}
}

// TestFliptKeepsTheRest: only the distributions and assay's own notes change.
func TestFliptKeepsTheRest(t *testing.T) {
	s, v := fliptRig(t)
	before := string(s.flags["answer-v2"])
	if r := quick(t, v.store, ramp(half(0.1), alloc(1, arm("control", 1), arm("treatment", 0)))); r.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	var old, now map[string]any
	if json.Unmarshal([]byte(before), &old) != nil || json.Unmarshal(s.flags["answer-v2"], &now) != nil {
		t.Fatal("not JSON")
	}
	notes := now["metadata"].(map[string]any)
	if notes["owner"] != "search" || notes[metaDecision] != "d_4f2a" || notes[metaKnownGood] != "control" {
		t.Errorf("%v", notes)
	}
	rules := now["rules"].([]any)[0].(map[string]any)
	if got := fmt.Sprint(rules["distributions"]); got != "[map[rollout:100 variant:control]]" {
		t.Error(got)
	}
	for _, m := range []map[string]any{old, now} {
		delete(m, "metadata")
		delete(m["rules"].([]any)[0].(map[string]any), "distributions")
	}
	if fmt.Sprint(old) != fmt.Sprint(now) || !bytes.Contains(s.flags["answer-v2"], []byte("1.50")) {
		t.Errorf("%v\nbecame %v", old, now)
	}
}

// TestFliptRaces has others write to the environment while a change is under
// way: to another flag, to this one, and without end.
func TestFliptRaces(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *fliptServer, n int)
		outcome string
		says    string
	}{
		"another flag": {func(s *fliptServer, n int) {
			if n == 1 {
				s.revision++
			}
		}, OutcomeDelivered, "written and read back"},
		"this flag":   {func(s *fliptServer, _ int) { s.put("answer-v2", half(0.5)) }, OutcomeConflict, "found coverage 50 %"},
		"without end": {func(s *fliptServer, _ int) { s.revision++ }, OutcomeUnavailable, "changed by others each time"},
	} {
		s, v := fliptRig(t)
		v.fault = writesOnly(func(_ http.ResponseWriter, _ *http.Request, n int) bool { c.change(s, n); return false })
		if r := quick(t, v.store, ramp(half(0.1), half(0.25))); r.Outcome != c.outcome || !strings.Contains(r.Message, c.says) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestFliptRefuses(t *testing.T) {
	for says, target := range map[string]decide.Allocation{
		"units outside the coverage need a variant of the flag of their own": half(0.5),
		"variation z is not a variant of the flag":                           alloc(1, arm("control", 0.5), arm("z", 0.5)),
	} {
		s, v := fliptRig(t)
		s.put("plain", alloc(1, arm("control", 1)))
		s.flags["plain"] = bytes.ReplaceAll(s.flags["plain"], []byte(`{"key": "uncovered"}, `), nil)
		c := ramp(alloc(1, arm("control", 1)), target)
		c.FlagKey = "plain"
		if r := quick(t, v.store, c); r.Outcome != OutcomeRefused || !strings.Contains(r.Message, says) || v.tries != 0 {
			t.Errorf("%+v, want %s", r, says)
		}
	}
}

// fliptPick is how Flipt finds the variant of a unit: its place among 1000 in
// the sums of the rollouts, which it keeps in single precision.
func fliptPick(list []distribution, flagKey, unit string) string {
	var sums []int
	for i, d := range list {
		sums = append(sums, int(float32(d.Rollout)*float32(10)))
		if i > 0 {
			sums[i] += sums[i-1]
		}
	}
	place := int(crc32.ChecksumIEEE([]byte(flagKey+unit)) % 1000)
	at := sort.SearchInts(sums, place+1)
	if at == len(list) {
		return ""
	}
	return list[at].Variant
}

// TestFliptWeights: every share that is written is exact where Flipt cuts off,
// everybody gets a variant, and no unit changes its arm while coverage grows.
func TestFliptWeights(t *testing.T) {
	for k := range fliptTotal + 1 {
		if got := int(float32(float64(k)*100/fliptTotal) * float32(10)); got != k {
			t.Fatalf("%d of 1000 is cut to %d", k, got)
		}
	}
	random := rand.New(rand.NewPCG(8, 8))
	f := &flipt{naming: newNaming(nil)}
	flag := fliptFlag{Variants: []fliptVariant{{"control"}, {"treatment"}, {"x"}, {uncovered}}}
	for range 50 {
		a, b := random.Float64(), random.Float64()
		arms := []decide.Arm{arm("control", a), arm("treatment", (1-a)*b), arm("x", (1-a)*(1-b))}
		before := map[int]string{}
		for _, coverage := range []float64{0.1, 0.25, 0.5, 0.75, 1} {
			target := alloc(coverage, arms...)
			list, problem := f.distributions(flag, target)
			if problem != "" {
				t.Fatal(problem)
			}
			flag.Enabled, flag.Rules = true, []fliptRule{{Distributions: list}}
			if state := f.state(flag); !state.Known || !Same(Conform(*state.Allocation, target), target, fliptUnit/2) {
				t.Fatalf("%s became %+v", describe(target), state)
			}
			for unit := range 500 {
				got := fliptPick(list, "answer-v2", fmt.Sprint(unit))
				if was := before[unit]; got == "" || was != "" && was != uncovered && was != got {
					t.Fatalf("unit %d had %q and has %q", unit, was, got)
				}
				before[unit] = got
			}
		}
	}
}
