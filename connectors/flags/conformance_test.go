package flags

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/decide"
)

// rig is a store with a person's hands on it.
type rig struct {
	store Store
	// person sets the flag beside assay; vanish takes it away.
	person func(decide.Allocation)
	vanish func()
	// writes counts the changes that arrived.
	writes func() int
	// unit is the store's, where it is coarser than the tests'; coverage rounds to
	// what the store can express, where that is coarser still.
	unit     float64
	coverage func(float64) float64
	// told is 1 where a proposal arrives like a change, and 0 where there is
	// nobody to tell.
	told int
}

// stores are all kinds of flag stores; each starts with answer-v2 at 10 %.
var stores = map[string]func(*testing.T) rig{
	"flagd":                 flagdRig,
	"gofeatureflag":         func(t *testing.T) rig { return goffRig(t, "flags.yaml") },
	"gofeatureflag, JSON":   func(t *testing.T) rig { return goffRig(t, "flags.json") },
	"flipt":                 func(t *testing.T) rig { return newFlipt(t).rig },
	"growthbook":            func(t *testing.T) rig { return newGrowthBook(t).rig },
	"launchdarkly":          func(t *testing.T) rig { return newLaunchDarkly(t).rig },
	"unleash":               unleashRig,
	"webhook":               webhookRig,
	inGit + "flagd":         func(t *testing.T) rig { return gitRig(t, "flagd", "flags.json", flagdText) },
	inGit + "gofeatureflag": func(t *testing.T) rig { return gitRig(t, "gofeatureflag", "flags.yaml", goffText) },
}

// inGit begins the names of rigs whose file is in a branch of a repository.
const inGit = "in Git, "

func TestEveryKindConforms(t *testing.T) {
	for kind := range openers {
		if stores[kind] == nil {
			t.Errorf("%s has no rig", kind)
		}
	}
}

// flagdText is a flag file in which a person made answer-v2 serve an allocation;
// nil = the flag is not there.
func flagdText(a *decide.Allocation) string {
	if a == nil {
		return `{"flags": {}}`
	}
	var list []string
	for _, b := range layout(*a) {
		list = append(list, fmt.Sprintf("[%q, %d]", b.variant, b.weight))
	}
	return `{"flags": {"answer-v2": {
		"state": "ENABLED", "variants": {"control": 1, "treatment": 2, "uncovered": 1, "x": 3, "y": 4}, "defaultVariant": "control",
		"targeting": {"fractional": [` + strings.Join(list, ",") + `]}}}}`
}

func flagdRig(t *testing.T) rig {
	path := filepath.Join(t.TempDir(), "flags.json")
	person := func(a decide.Allocation) { put(t, path, flagdText(&a)) }
	person(half(0.1))
	return rig{
		store: openFile(t, path), person: person, vanish: func() { put(t, path, `{"flags": {}}`) },
		writes: func() int { return strings.Count(get(t, path), metaDecision) },
	}
}

func webhookRig(t *testing.T) rig {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.1))
	return rig{
		store:  rc.open(rc.config()),
		person: func(a decide.Allocation) { rc.put("answer-v2", a) },
		vanish: func() { rc.mu.Lock(); delete(rc.flags, "answer-v2"); rc.mu.Unlock() },
		writes: func() int { return len(rc.posts()) }, told: 1,
	}
}

// meddled is a store with somebody who edits the flag right after each change.
type meddled struct {
	Store
	after func()
}

func (m meddled) Apply(ctx context.Context, c Change) error {
	err := m.Store.Apply(ctx, c)
	m.after()
	return err
}

// leftAt says that an earlier change of assay's own may have left a state.
func leftAt(c Change, a decide.Allocation) Change {
	c.Left = []decide.Allocation{a}
	return c
}

func TestConformance(t *testing.T) {
	up := ramp(half(0.1), half(0.25))
	proposal := up
	proposal.Proposal = true
	fixed := func(change Change, before func(rig)) func(*testing.T, rig) Result {
		return func(t *testing.T, r rig) Result {
			before(r)
			return quick(t, r.store, change)
		}
	}
	nothing := func(rig) {}
	for name, c := range map[string]struct {
		run       func(*testing.T, rig) Result
		outcome   string
		says      string
		retryable bool
		state     *decide.Allocation // nil = none
		writes    int                // -1 = not looked at; a proposal adds told
	}{
		"apply":                            {fixed(up, nothing), OutcomeDelivered, "written and read back", false, new(half(0.25)), 1},
		"apply twice":                      {fixed(up, func(r rig) { quick(t, r.store, up) }), OutcomeDelivered, "in this state already", false, new(half(0.25)), 1},
		"somebody was first with the same": {fixed(up, func(r rig) { r.person(half(0.25)) }), OutcomeDelivered, "in this state already", false, new(half(0.25)), 0},
		"a person's change": {
			fixed(up, func(r rig) { r.person(half(0.5)) }), OutcomeConflict,
			"found coverage 50 %: control 50 %, treatment 50 %; expected coverage 10 %: control 50 %, treatment 50 %", false, new(half(0.5)), 0,
		},
		"a person's split": {
			fixed(up, func(r rig) { r.person(alloc(0.1, arm("control", 0.4), arm("treatment", 0.6))) }), OutcomeConflict,
			"the flag was changed by someone else", false, new(alloc(0.1, arm("control", 0.4), arm("treatment", 0.6))), 0,
		},
		"a person's variation": {
			fixed(up, func(r rig) { r.person(alloc(1, arm("control", 0.5), arm("x", 0.5))) }), OutcomeConflict,
			"x 50 %", false, new(alloc(1, arm("control", 0.5), arm("treatment", 0), arm("x", 0.5))), 0,
		},
		"what an earlier change left": {fixed(leftAt(up, half(0.5)), func(r rig) { r.person(half(0.5)) }), OutcomeDelivered, "written and read back", false, new(half(0.25)), 1},
		"vanished":                    {fixed(up, func(r rig) { r.vanish() }), OutcomeRefused, "the flag does not exist", false, nil, 0},
		"changed before it was read back": {
			func(t *testing.T, r rig) Result {
				return quick(t, meddled{r.store, func() { r.person(half(0.9)) }}, up)
			}, OutcomeUnavailable, "not what was written: found coverage 90 %", true, new(half(0.9)), -1,
		},
		"vanished before it was read back": {
			func(t *testing.T, r rig) Result { return quick(t, meddled{r.store, r.vanish}, up) },
			OutcomeUnavailable, "accepted, but it could not be read back: the flag does not exist", true, nil, -1,
		},
		"proposal":                  {fixed(proposal, nothing), OutcomeProposed, "proposed, not applied", false, new(half(0.1)), 0},
		"proposal after a person's": {fixed(proposal, func(r rig) { r.person(half(0.5)) }), OutcomeConflict, "changed by someone else", false, new(half(0.5)), 0},
		"no target at all":          {fixed(ramp(half(0.1), decide.Allocation{}), nothing), OutcomeRefused, "target state", false, nil, 0},
	} {
		for kind, make := range stores {
			t.Run(kind+"/"+name, func(t *testing.T) {
				r := make(t)
				got := c.run(t, r)
				if got.Outcome != c.outcome || !strings.Contains(got.Message, c.says) || got.Retryable != c.retryable {
					t.Errorf("%+v, want %s: %s", got, c.outcome, c.says)
				}
				if (got.State == nil) != (c.state == nil) || got.State != nil && !Same(*got.State, *c.state, max(r.unit, 1e-5)) {
					t.Errorf("state %+v, want %+v", got.State, c.state)
				}
				writes := c.writes
				if c.outcome == OutcomeProposed {
					writes += r.told
				}
				if writes >= 0 && r.writes() != writes {
					t.Errorf("%d changes arrived, want %d", r.writes(), writes)
				}
				if c.outcome == OutcomeProposed || c.outcome == OutcomeConflict {
					unchanged(t, r, got)
				}
			})
		}
	}
}

// unchanged asks the store itself whether what it served is what it serves.
func unchanged(t *testing.T, r rig, got Result) {
	t.Helper()
	state, err := r.store.Read(t.Context(), "answer-v2")
	if err != nil || !Same(*state.Allocation, *got.State, state.Unit) {
		t.Errorf("the flag is now %+v, %v", state.Allocation, err)
	}
}

// TestConformanceOfWeights climbs the ladder with even, odd and random splits;
// each rung is decided on what was read back at the one before.
func TestConformanceOfWeights(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	splits := [][]decide.Arm{
		{arm("control", 0.5), arm("treatment", 0.5)},
		{arm("control", 0.9), arm("treatment", 0.1)},
		{arm("control", 1.0/3), arm("treatment", 1.0/3), arm("x", 1.0/3)},
		{arm("x", 1.0/7), arm("control", 2.0/7), arm("treatment", 4.0/7)},
	}
	for range 20 {
		a := random.Float64()
		b := (1 - a) * random.Float64()
		splits = append(splits, []decide.Arm{arm("treatment", a), arm("control", b), arm("y", 1-a-b)})
	}
	for kind, make := range stores {
		if strings.HasPrefix(kind, inGit) {
			continue // The weights are those of the same file elsewhere.
		}
		t.Run(kind, func(t *testing.T) {
			r := make(t)
			now := half(0.1)
			for _, arms := range splits {
				for _, coverage := range []float64{0.1, 0.25, 0.5, 0.75, 1, random.Float64()} {
					if r.coverage != nil {
						coverage = r.coverage(coverage)
					}
					c := ramp(now, alloc(coverage, arms...))
					c.ID = fmt.Sprintf("d_%d", random.Uint64())
					got := quick(t, r.store, c)
					if got.Outcome != OutcomeDelivered || !Same(*got.State, c.Target, max(r.unit, 1e-5)) {
						t.Fatalf("%s: %+v", describe(c.Target), got)
					}
					now = *got.State
				}
			}
		})
	}
}

// TestNoSecretShows makes everything go wrong and looks for the secret and the
// address in all that comes out.
func TestNoSecretShows(t *testing.T) {
	var said []string
	note := func(values ...any) {
		for _, v := range values {
			said = append(said, fmt.Sprintf("%v %+v %#v", v, v, v))
			if data, err := json.Marshal(v); err == nil {
				said = append(said, string(data))
			}
		}
	}
	chain := func(err error) {
		for err != nil {
			note(err)
			unwrapped, ok := err.(interface{ Unwrap() error })
			if !ok {
				break
			}
			err = unwrapped.Unwrap()
		}
	}
	all := func(store Store) {
		state, readErr := store.Read(t.Context(), "answer-v2")
		applyErr := store.Apply(t.Context(), ramp(half(0.1), half(0.25)))
		note(store, state, quick(t, store, ramp(half(0.1), half(0.25))))
		chain(readErr)
		chain(applyErr)
	}
	for _, fault := range faults {
		rc := newReceiver(t)
		rc.put("answer-v2", half(0.1))
		rc.fault, rc.timeout = fault.answer, 100*time.Millisecond
		cfg := rc.config()
		if fault.down {
			rc.server.Close()
		}
		all(rc.open(cfg))
	}
	for _, bad := range badConfigs {
		cfg := newReceiver(t).config()
		bad.spoil(&cfg)
		_, err := Open("hook", cfg, t.TempDir(), Options{Now: decidedAtClock})
		note(err)
	}
	for _, make := range vendors {
		for _, fault := range apiFaults {
			v := make(t)
			v.fault = fault.answer
			store, err := openVendor(v.cfg, 100*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			if fault.down {
				v.server.Close()
			}
			all(store)
		}
		v := make(t)
		guarded, err := Open("vendor", v.cfg, "", Options{Now: decidedAtClock})
		if err != nil {
			t.Fatal(err)
		}
		all(guarded)
		for _, spoil := range badVendors {
			cfg := v.cfg
			spoil(&cfg)
			_, err := openVendor(cfg, time.Second)
			note(err)
		}
	}
	host := strings.TrimPrefix(newReceiver(t).server.URL, "http://")
	host = host[:strings.LastIndex(host, ":")]
	if len(said) < 500 {
		t.Fatalf("only %d things said", len(said))
	}
	for _, text := range said {
		for _, private := range []string{secret, strings.TrimPrefix(secret, "whsec_"), urlToken, apiToken, host, "bad-secret"} {
			if strings.Contains(text, private) {
				t.Errorf("%q shows %q", text, private)
			}
		}
	}
}
