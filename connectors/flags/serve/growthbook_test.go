package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	growthbook "github.com/growthbook/growthbook-golang"

	"assay/connectors/flags"
	"assay/connectors/flags/serve"
	"assay/decide"
)

// client is GrowthBook's own client for Go against the server. It fetches when
// it is told to.
type client struct {
	t *testing.T
	*growthbook.Client
}

func newClient(w *world) *client {
	w.t.Helper()
	c, err := growthbook.NewClient(w.t.Context(), growthbook.WithApiHost(w.http.URL), growthbook.WithClientKey("sdk-key"),
		growthbook.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return &client{w.t, c}
}

func (c *client) fetch() {
	c.t.Helper()
	if err := c.RefreshFeatures(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// got is what a unit got.
type got struct {
	Value any
	Arm   string // of an experiment; "" = not exposed
	Key   string // of the experiment
}

func (c *client) get(flag string, attributes growthbook.Attributes) got {
	c.t.Helper()
	as, err := c.WithAttributes(attributes)
	if err != nil {
		c.t.Fatal(err)
	}
	r := as.EvalFeature(context.Background(), flag)
	g := got{Value: r.Value}
	if r.InExperiment() {
		g.Arm, g.Key = r.ExperimentResult.Key, r.Experiment.Key
	}
	return g
}

// people are the ids of units; some are not plain ASCII.
func people(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("user-%d", i)
	}
	return ids
}

func unitOf(id string) growthbook.Attributes { return growthbook.Attributes{"id": id} }

func full(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "full.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRampThenRollback climbs a ladder by webhook under a real client: everybody
// is where the hash says, nobody changes the arm, the shares are those that were
// asked for, and after the rollback everybody gets control on the next fetch.
func TestRampThenRollback(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0"))).start()
	c := newClient(w)
	before, arms := half(0), map[string]string{}
	for i, coverage := range []float64{0.1, 0.25, 0.5, 0.75, 1} {
		if r := w.deliver(change(fmt.Sprintf("d_%d", i), decide.Ramp, before, half(coverage))); r.Outcome != flags.OutcomeDelivered {
			t.Fatalf("%+v", r)
		}
		before = half(coverage)
		c.fetch()
		covered, treated := 0.0, 0.0
		for _, id := range people(10_000) {
			g := c.get("answer", unitOf(id))
			if want := flags.GrowthBook2.Redraw("answer", id, before); g.Arm != want {
				t.Fatalf("%s at %g: %s, want %s", id, coverage, g.Arm, want)
			}
			if arms[id] != "" && g.Arm != arms[id] {
				t.Fatalf("%s went from %s to %q at %g", id, arms[id], g.Arm, coverage)
			}
			arms[id] = g.Arm
			if g.Arm != "" {
				covered++
			}
			if g.Arm == "treatment" {
				treated++
			}
		}
		// Four standard deviations of a share among 10,000.
		if math.Abs(covered/1e4-coverage) > 0.02 || math.Abs(treated/1e4-coverage/2) > 0.02 {
			t.Errorf("at %g: %g covered, %g treated of 10,000", coverage, covered, treated)
		}
	}
	if r := w.deliver(rollback("d_9", before)); r.Outcome != flags.OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	c.fetch()
	for _, id := range people(10_000) {
		if g := c.get("answer", unitOf(id)); !cmp.Equal(g, got{Value: "old"}) {
			t.Fatalf("%s gets %+v after the rollback", id, g)
		}
	}
}

// TestRollbackGoesBeforeRules rolls back a flag that gives the treatment to some
// units by rules: they get control as well, until a person turns it on again.
func TestRollbackGoesBeforeRules(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := newClient(w)
	staff, beta := growthbook.Attributes{"id": "1", "email": "qa+1@x"}, growthbook.Attributes{"id": "1", "beta": true}
	old := map[string]any{"prompt": map[string]any{"name": "answer", "version": "3f1c"}}
	treated := map[string]any{"prompt": map[string]any{"name": "answer", "version": "90ab"}}
	see := func(want any, key string) {
		t.Helper()
		c.fetch()
		if g := c.get("answer", staff); !cmp.Equal(plain(t, g.Value), want) || g.Arm != "" {
			t.Errorf("staff get %+v, want %v", g, want)
		}
		if g := c.get("answer", beta); g.Key != key {
			t.Errorf("beta users are in %q, want %q", g.Key, key)
		}
	}
	see(treated, "answer/beta")
	if r := w.deliver(rollback("d_1", half(0.5))); r.Outcome != flags.OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	see(old, "")
	on, none := 0.5, map[string]float64{"control": 0.5, "treatment": 0.5}
	if _, _, problems, err := serve.Set(t.Context(), w.path, serve.ByHand{Flag: "answer", Coverage: &on, Weights: none}, w.now); err != nil || problems != nil {
		t.Fatal(err, problems)
	}
	see(treated, "answer/beta")
}

// plain is a value as JSON has it.
func plain(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	var out any
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestServiceDown stops the server: clients keep what they had, and take what is
// new once it is back.
func TestServiceDown(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.5"))).start()
	c := newClient(w)
	c.fetch()
	was := map[string]got{}
	for _, id := range people(1000) {
		was[id] = c.get("answer", unitOf(id))
	}
	w.stop()
	if err := c.RefreshFeatures(t.Context()); err == nil {
		t.Error("a fetch without a server succeeds")
	}
	for id, want := range was {
		if g := c.get("answer", unitOf(id)); !cmp.Equal(g, want) {
			t.Fatalf("%s: %+v, was %+v", id, g, want)
		}
	}
	// In the meantime a person changes the file.
	w.write(file(`"answer": ` + two("0")))
	w.start()
	again := newClient(w)
	again.fetch()
	for _, id := range people(1000) {
		if g := again.get("answer", unitOf(id)); !cmp.Equal(g, got{Value: "old"}) {
			t.Fatalf("%s: %+v", id, g)
		}
	}
	w.wantLog("server found answer; person edit answer")
}

// TestGroupsExclude ramps two experiments of one group, by rules as well: no
// unit is ever in both, and both get their part.
func TestGroupsExclude(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := newClient(w)
	ids := append(people(10_000), "ünï", "日本", "🎛", "", "a\x00b")
	ever := map[string]map[string]bool{"answer": {}, "tone": {}}
	for i, coverage := range []float64{0.5, 1} {
		if i > 0 {
			if r := w.deliver(change("d_1", decide.Ramp, half(0.5), half(coverage))); r.Outcome != flags.OutcomeDelivered {
				t.Fatalf("%+v", r)
			}
		}
		c.fetch()
		for n, id := range ids {
			for _, flag := range []string{"answer", "tone"} {
				if c.get(flag, growthbook.Attributes{"id": id, "beta": n%3 == 0}).Arm != "" {
					ever[flag][id] = true
				}
			}
		}
	}
	for id := range ever["answer"] {
		if ever["tone"][id] {
			t.Errorf("%q was in both", id)
		}
	}
	if a, b := len(ever["answer"]), len(ever["tone"]); math.Abs(float64(a)-4000) > 250 || math.Abs(float64(b)-6000) > 250 {
		t.Errorf("%d and %d of 10,000, want 4000 and 6000", a, b)
	}
}

// segmentCases are units and what the flags of full.json give them, worked out by
// hand from the conditions.
var segmentCases = []struct {
	flag       string
	attributes map[string]any
	want       any
}{
	{"regional", map[string]any{"id": "1", "country": "fr"}, true},
	{"regional", map[string]any{"id": "1", "country": "de"}, false},
	{"regional", map[string]any{"id": "1"}, true}, // notIn holds where there is nothing
	{"aged", map[string]any{"id": "1"}, "none"},
	{"aged", map[string]any{"id": "1", "age": 29.9}, "young"},
	{"aged", map[string]any{"id": "1", "age": 30}, "adult"},
	{"aged", map[string]any{"id": "1", "age": 99}, "adult"},
	{"aged", map[string]any{"id": "1", "age": 100}, "none"},
	{"aged", map[string]any{"id": "1", "age": -1}, "young"},
	{"price", map[string]any{"id": "1", "company": "c1", "plan": "free", "seats": 10}, 10.0},
	{"price", map[string]any{"id": "1", "company": "c1", "plan": "pro", "seats": 1}, 10.0},
	{"price", map[string]any{"id": "1", "company": "c1", "plan": "pro"}, 10.0},
	{"price", map[string]any{"id": "1", "plan": "pro", "seats": 3}, 10.0}, // nothing to hash
}

func TestSegments(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := newClient(w)
	c.fetch()
	for _, s := range segmentCases {
		if g := c.get(s.flag, s.attributes); !cmp.Equal(plain(t, g.Value), s.want) || g.Arm != "" {
			t.Errorf("%s %v: %+v, want %v", s.flag, s.attributes, g, s.want)
		}
	}
	// Those whom a split is for are split, by their company and not by themselves.
	arms := map[string]map[string]bool{}
	for i := range 2000 {
		company := fmt.Sprintf("c%d", i%200)
		g := c.get("price", growthbook.Attributes{"id": fmt.Sprint(i), "company": company, "plan": "team", "seats": 2})
		if arms[company] == nil {
			arms[company] = map[string]bool{}
		}
		arms[company][g.Arm] = true
		if g.Arm != "" && g.Key != "price-test" {
			t.Errorf("the experiment is %q", g.Key)
		}
	}
	count := map[string]int{}
	for company, of := range arms {
		if len(of) != 1 {
			t.Errorf("%s is in %v", company, of)
		}
		for arm := range of {
			count[arm]++
		}
	}
	if count[""] < 20 || count["old"] < 50 || count["new"] < 50 {
		t.Errorf("200 companies: %v", count)
	}
}

// TestHostileNames takes flags and variations with names and values that break
// what does not escape.
func TestHostileNames(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := newClient(w)
	c.fetch()
	const key = "naïve \"flag\" <b>&'\\/:;% 🎛"
	seen := map[string]int{}
	for _, id := range people(1000) {
		g := c.get(key, unitOf(id))
		seen[g.Arm]++
		want := map[string]any{"": "</script>\u2028\u0000"}
		if g.Arm != "a b\"<script>" {
			want = map[string]any{"": []any{1e300, "x"}}
		}
		if !cmp.Equal(plain(t, g.Value), want) {
			t.Fatalf("%s: %+v", id, g)
		}
	}
	if seen["a b\"<script>"] < 400 || seen["ünï/🎛%"] < 400 || len(seen) != 2 {
		t.Errorf("%v", seen)
	}
	// Through assay's own store: the state, a change, and the state again.
	good, arm := "a b\"<script>", "ünï/🎛%"
	at := func(share float64) decide.Allocation {
		return decide.Allocation{Coverage: 1, KnownGood: good, Arms: []decide.Arm{{Variation: good, Weight: 1 - share}, {Variation: arm, Weight: share}}}
	}
	ch := change("d_1", decide.Rollback, at(0.5), at(0))
	ch.FlagKey, ch.Reason = key, "<script>\u2028\x00\"; DROP"
	if r := w.deliver(ch); r.Outcome != flags.OutcomeDelivered {
		t.Errorf("%+v", r)
	}
	if e := w.entries(); e[len(e)-1].Flag != key || e[len(e)-1].Reason != ch.Reason {
		t.Errorf("%+v", e[len(e)-1])
	}
	for _, path := range []string{"/state/..%2f..%2fetc", "/state/%00", "/state/" + strings.Repeat("a", 8000), "/state/%ff"} {
		if status, text := w.get(path); status != 404 && status != 431 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// TestDisabledFlagIsUnknown: the code's default acts.
func TestDisabledFlagIsUnknown(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := newClient(w)
	c.fetch()
	if g := c.get("gone", unitOf("1")); g.Value != nil {
		t.Errorf("%+v", g)
	}
	if status, _ := w.get("/state/gone"); status != 410 {
		t.Errorf("status %d", status)
	}
}

// TestShipped: a flag that serves one variation exposes nobody, whatever its
// group; who is outside the segment keeps the known-good one.
func TestShipped(t *testing.T) {
	w := newWorld(t, full(t)).start()
	c := newClient(w)
	if r := w.deliver(change("d_1", decide.Ship, half(0.5), split(1, 1))); r.Outcome != flags.OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	c.fetch()
	for _, id := range people(2000) {
		if g := c.get("answer", unitOf(id)); g.Arm != "" || !strings.Contains(fmt.Sprint(plain(t, g.Value)), "90ab") {
			t.Fatalf("%s: %+v", id, g)
		}
	}
}

// TestDeterministic takes the same bytes from two servers over the same file.
func TestDeterministic(t *testing.T) {
	a, b := newWorld(t, full(t)).start(), newWorld(t, full(t)).start()
	for _, path := range []string{"/api/features/x", "/flagd/flags.json"} {
		_, one := a.get(path)
		_, two := b.get(path)
		if one != two || !strings.Contains(one, "90ab") {
			t.Errorf("%s differs:\n%s\n%s", path, one, two)
		}
	}
	var payload struct {
		Features map[string]struct {
			Rules []map[string]any `json:"rules"`
		} `json:"features"`
	}
	_, text := a.get("/api/features/x")
	if err := json.Unmarshal([]byte(text), &payload); err != nil {
		t.Fatal(err)
	}
	rule := payload.Features["answer"].Rules[2]
	for name, want := range map[string]any{
		"hashVersion": 2.0, "coverage": 0.5, "seed": "answer", "key": "answer", "hashAttribute": "id",
		"weights": []any{0.5, 0.5}, "namespace": []any{"chat", 0.0, 0.4},
	} {
		if !cmp.Equal(rule[name], want) {
			t.Errorf("%s is %v, want %v", name, rule[name], want)
		}
	}
	if !slices.Equal([]string{"staff", "beta", "answer"}, []string{
		payload.Features["answer"].Rules[0]["id"].(string), payload.Features["answer"].Rules[1]["id"].(string), rule["id"].(string),
	}) {
		t.Errorf("%v", payload.Features["answer"].Rules)
	}
}
