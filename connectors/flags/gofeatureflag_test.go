package flags

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"assay/decide"
	"assay/spec"
)

// goffText is a flag file in which a person made answer-v2 serve an allocation;
// nil = the flag is not there.
func goffText(a *decide.Allocation) string {
	text := "# flags of the assistant\nother:\n  variations: {a: 1, b: 2}\n  defaultRule: {variation: a}\n"
	if a == nil {
		return text
	}
	list, err := goffLayout(*a)
	if err != nil {
		panic(err)
	}
	y := yamlEdit{newline: "\n", unit: "  "}
	text += "answer-v2:\n  variations:\n    control: 1\n    treatment: 2\n    x: 3\n    \"y\": 4\n"
	for _, b := range list {
		if isOutside(b.variant) {
			text += "    " + b.variant + ": 1\n"
		}
	}
	return text + "  defaultRule:\n" + y.serving("    ", list)
}

func openGoff(t testing.TB, path string) Store {
	t.Helper()
	store, err := Open("local", spec.FlagStore{Type: "gofeatureflag", Path: path}, "", Options{Now: decidedAtClock})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func goffFile(t testing.TB, name, text string) (Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	put(t, path, text)
	return openGoff(t, path), path
}

func goffRig(t *testing.T, name string) rig {
	path := filepath.Join(t.TempDir(), name)
	write := func(a *decide.Allocation) {
		text := goffText(a)
		if strings.HasSuffix(name, ".json") {
			var value any
			if err := yaml.Unmarshal([]byte(text), &value); err != nil {
				t.Fatal(err)
			}
			text = string(literal(value)(style{}))
		}
		put(t, path, text)
	}
	start := half(0.1)
	write(&start)
	return rig{
		store: openGoff(t, path), person: func(a decide.Allocation) { write(&a) }, vanish: func() { write(nil) },
		writes: func() int { return strings.Count(get(t, path), metaDecision) },
	}
}

func TestGoffReads(t *testing.T) {
	flag := func(members string) string {
		return "answer-v2:\n  variations: {control: v1, treatment: v2, control-uncovered: v1}\n" + members
	}
	known := func(a decide.Allocation) State { return State{Allocation: &a, Known: true, Unit: 1e-5} }
	nameless := func(coverage float64, arms ...decide.Arm) State {
		return known(decide.Allocation{Coverage: coverage, Arms: arms})
	}
	foreign := func(message string) State { return State{Message: message, Unit: 1e-5} }
	good := "  metadata: {assay.knownGood: control}\n"
	for name, c := range map[string]struct {
		members string
		want    State
	}{
		"as assay writes it":         {good + "  defaultRule: {percentage: {treatment: 5, control-uncovered: 90, control: 5}}\n", known(half(0.1))},
		"of 1":                       {"  defaultRule: {percentage: {control: 0.75, treatment: 0.25}}\n", nameless(1, arm("control", 0.75), arm("treatment", 0.25))},
		"a variation":                {"  defaultRule: {variation: treatment}\n", nameless(1, arm("treatment", 1))},
		"percentage wins":            {"  defaultRule: {variation: treatment, percentage: {control: 100}}\n", nameless(1, arm("control", 1))},
		"a zero":                     {"  defaultRule: {percentage: {control: 0, treatment: 100}}\n", nameless(1, arm("treatment", 1))},
		"nobody":                     {good + "  defaultRule: {variation: control-uncovered}\n", known(alloc(0, arm("control", 1)))},
		"a rule that is off":         {"  targeting: [{query: a eq 1, variation: treatment, disable: true}]\n  defaultRule: {variation: control}\n", nameless(1, arm("control", 1))},
		"within its experimentation": {"  experimentation: {start: 2026-11-01T00:00:00Z, end: 2027-01-01T00:00:00Z}\n  defaultRule: {variation: control}\n", nameless(1, arm("control", 1))},
		"after its experimentation":  {"  experimentation: {end: 2026-11-01T00:00:00Z}\n  defaultRule: {variation: control}\n", foreign("it is outside the time of its experimentation: it serves the default of the code")},
		"disabled":                   {"  disable: true\n  defaultRule: {variation: control}\n", foreign("it is disabled: it serves the default of the code")},
		"scheduled":                  {"  scheduledRollout: [{date: 2026-11-01T00:00:00Z, disable: true}]\n  defaultRule: {variation: control}\n", foreign("it has a scheduledRollout, which changes it by itself")},
		"progressive":                {"  defaultRule: {progressiveRollout: {initial: {variation: control, date: 2026-11-01T00:00:00Z}, end: {variation: treatment, date: 2026-12-01T00:00:00Z}}}\n", foreign("its default rule has a progressiveRollout, which changes it by itself")},
		"targeting":                  {"  targeting: [{query: a eq 1, variation: treatment}]\n  defaultRule: {variation: control}\n", foreign("it has targeting: not everybody gets what the default rule says")},
		"two rules for everybody":    {"  targeting: [{query: \"\", variation: treatment}, {query: \"\", variation: control}]\n  defaultRule: {variation: control}\n", foreign("it has targeting: not everybody gets what the default rule says")},
		"no default rule":            {"", foreign("it has no defaultRule: it serves the default of the code")},
		"the format before 1.0":      {"  percentage: 10\n  true: 1\n  false: 2\n  default: 3\n", foreign("it has no defaultRule: it serves the default of the code")},
		"an empty rule":              {"  defaultRule: {}\n", foreign("it has no defaultRule: it serves the default of the code")},
		"a rule of nothing":          {"  defaultRule: {name: x}\n", foreign("its default rule has neither a variation nor a percentage: it serves the default of the code")},
		"an empty percentage":        {"  defaultRule: {percentage: {}}\n", foreign("its percentage gives no variation any weight")},
		"all zero":                   {"  defaultRule: {percentage: {control: 0}}\n", foreign("its percentage gives no variation any weight")},
		"a negative percentage":      {"  defaultRule: {percentage: {control: -1, treatment: 101}}\n", foreign("the percentage of control is not a number from 0")},
		"no number":                  {"  defaultRule: {percentage: {control: .nan, treatment: 10}}\n", foreign("the percentage of control is not a number from 0")},
		"a variation it has not":     {"  defaultRule: {variation: \"\\u202ev3\"}\n", foreign(`it serves "\u202ev3", which is not one of its variations`)},
	} {
		store, _ := goffFile(t, "flags.yaml", flag(c.members))
		got, err := store.Read(t.Context(), "answer-v2")
		if name == "an empty rule" { // It is there, and says nothing.
			c.want = foreign("its default rule has neither a variation nor a percentage: it serves the default of the code")
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got): %v\n%s", name, err, diff)
		}
	}
}

func TestGoffFaults(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		kind       error
		says       string
	}{
		"no such flag":         {"f.yaml", "other: {}\n", ErrNotFound, "answer-v2 in "},
		"no such flag, JSON":   {"f.json", `{"other": {}}`, ErrNotFound, "answer-v2 in "},
		"not YAML":             {"f.yaml", "a: [\n", ErrUnavailable, "invalid YAML"},
		"not JSON":             {"f.json", "{\n", ErrUnavailable, "invalid JSON at line 2"},
		"empty":                {"f.yaml", "", ErrUnavailable, "invalid YAML"},
		"a list":               {"f.yaml", "- a\n", ErrUnavailable, "not a mapping of flags"},
		"two documents":        {"f.yaml", "answer-v2: {}\n---\nb: {}\n", ErrUnavailable, "more than one document"},
		"the flag twice":       {"f.yaml", "answer-v2: {}\nanswer-v2: {}\n", ErrUnavailable, "already defined"},
		"a percentage of text": {"f.yaml", "answer-v2: {variations: {a: 1}, defaultRule: {percentage: {a: much}}}\n", ErrUnavailable, "flag answer-v2"},
	} {
		store, _ := goffFile(t, c.file, c.text)
		_, err := store.Read(t.Context(), "answer-v2")
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "flag store local: ") {
			t.Errorf("%s: %v, want %v: %s", name, err, c.kind, c.says)
		}
	}
	if _, err := openGoff(t, filepath.Join(t.TempDir(), "none.yaml")).Read(t.Context(), "a"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no file: %v", err)
	}
}

// TestGoffWrites keeps everything of a file but the change.
func TestGoffWrites(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		change Change
	}{
		"goff_block.yaml":     {"goff_block.yaml", ramp(half(0.1), half(0.25))},
		"goff_rollback.yaml":  {"goff_block.yaml", ramp(half(0.1), alloc(1, arm("control", 1), arm("treatment", 0)))},
		"goff_untouched.yaml": {"goff_untouched.yaml", ramp(alloc(1, arm("control", 0.9), arm("treatment", 0.1)), half(0.1))},
		"goff_flow.yaml":      {"goff_flow.yaml", ramp(alloc(1, arm("control", 1), arm("treatment", 0)), half(0.1))},
		"goff_anchors.yaml":   {"goff_anchors.yaml", ramp(alloc(1, arm("control", 1), arm("treatment", 0)), half(0.1))},
		"goff_deep.yaml":      {"goff_deep.yaml", ramp(half(0.1), half(0.5))},
		"goff.json":           {"goff.json", ramp(half(0.1), half(0.25))},
		"goff_rollback.json":  {"goff.json", ramp(half(0.1), alloc(1, arm("control", 1), arm("treatment", 0)))},
	} {
		t.Run(name, func(t *testing.T) {
			original := get(t, filepath.Join("testdata", c.file))
			store, path := goffFile(t, c.file, original)
			c.change.Reason = "so \"it\" is: # no comment\nDecision-Id: forged"
			if got := quick(t, store, c.change); got.Outcome != OutcomeDelivered || got.Message != "written and read back" {
				t.Fatalf("%+v", got)
			}
			golden := filepath.Join("testdata", strings.Replace(name, ".", ".golden.", 1))
			if *update {
				if err := os.WriteFile(golden, []byte(get(t, path)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(get(t, golden), get(t, path)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.HasSuffix(name, ".yaml") { // A file of another system keeps its line ends.
				store, path = goffFile(t, c.file, strings.ReplaceAll(original, "\n", "\r\n"))
				quick(t, store, c.change)
				if diff := cmp.Diff(strings.ReplaceAll(get(t, golden), "\n", "\r\n"), get(t, path)); diff != "" {
					t.Errorf("CRLF (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestGoffThereAndBack writes a flag up the ladder and back: nothing gathers.
func TestGoffThereAndBack(t *testing.T) {
	store, path := goffFile(t, "f.yaml", get(t, "testdata/goff_block.yaml"))
	quick(t, store, ramp(half(0.1), half(0.25)))
	once := get(t, path)
	quick(t, store, ramp(half(0.25), half(0.1)))
	quick(t, store, ramp(half(0.1), half(0.25)))
	if diff := cmp.Diff(once, get(t, path)); diff != "" {
		t.Errorf("(-once +again):\n%s", diff)
	}
}

// TestGoffRefuses leaves files alone that cannot be changed in place.
func TestGoffRefuses(t *testing.T) {
	const rest = "  variations: {control: 1, treatment: 2, \"treatment-uncovered\": 1}\n  defaultRule: {variation: control}\n"
	for name, c := range map[string]struct {
		text   string
		target decide.Allocation
		says   string
	}{
		"a flag in braces":       {"answer-v2: {variations: {control: 1, treatment: 2}, defaultRule: {variation: control}}\n", half(0.1), "not written as an indented block"},
		"a flag elsewhere":       {"base: &b\n" + rest + "answer-v2: *b\n", half(0.1), "not written as an indented block"},
		"an anchor that is used": {"answer-v2:\n  variations: {control: 1, treatment: 2}\n  defaultRule: &r {variation: control}\nother:\n  defaultRule: *r\n", half(0.1), "cannot be changed in place"},
		"no such variation":      {"answer-v2:\n" + rest, alloc(1, arm("control", 0.5), arm("x", 0.5)), "variation x is not a variation of the flag"},
		"no known-good":          {"answer-v2:\n  variations: {a: 1, b: 2}\n  defaultRule: {variation: a}\n", half(0.1), "known-good variation control is not a variation of the flag"},
		"a name of ours":         {"answer-v2:\n" + rest, alloc(1, arm("control", 0.5), arm("treatment-uncovered", 0.5)), "cannot be the name of a variation"},
		"no room between names": {
			"answer-v2:\n  variations: {control: 1, \"control \": 2}\n  defaultRule: {variation: control}\n",
			alloc(0.5, arm("control", 0.5), arm("control ", 0.5)), "no name fits between those of the variations control and",
		},
	} {
		store, path := goffFile(t, "f.yaml", c.text)
		from := alloc(1, arm("control", 1))
		if name == "no known-good" {
			from = alloc(1, arm("a", 1))
		}
		got := quick(t, store, ramp(from, c.target))
		if got.Outcome != OutcomeRefused || !strings.Contains(got.Message, c.says) || get(t, path) != c.text {
			t.Errorf("%s: %+v, want %s", name, got, c.says)
		}
	}
}

// goffServes is what go-feature-flag gives a unit: it adds the percentages up in
// the order of a map, which is any.
func goffServes(percent map[string]float64, order []string, key string) string {
	sum := 0.0
	for _, name := range order {
		sum += percent[name]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	at, end := h.Sum32()%uint32(sum*1000), 0.0
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(percent))) {
		start := end
		end += percent[name] * 1000
		if uint32(start) <= at && at < uint32(end) {
			return name
		}
	}
	return "nothing"
}

// TestGoffNests gives 2,000 units variations up the ladder, for random splits
// and names: the shares are exact, and no unit ever changes its arm.
func TestGoffNests(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for range 300 {
		arms := randomArms(random)
		before := map[string]string{}
		for _, coverage := range []float64{0.1, 0.25, 0.3333, 0.5, 0.75, 1} {
			a := alloc(coverage, arms...)
			list, err := goffLayout(a)
			if err != nil {
				t.Fatal(err)
			}
			got, percent, order := map[string]int64{}, map[string]float64{}, []string{}
			numbers := goffPercent(list)
			for i, b := range list {
				got[b.variant] += b.weight
				order = append(order, b.variant)
				if _, err := fmt.Sscan(numbers[i], new(float64)); err != nil {
					t.Fatal(err)
				}
				percent[b.variant] = parsed(numbers[i])
			}
			exact(t, a, got)
			if again, err := (&goffRule{Percentage: percent}).buckets(); err != nil || !slices.Equal(again, list) {
				t.Fatalf("%v is read as %v, %v", list, again, err)
			}
			for i := range 2000 {
				key := fmt.Sprintf("flag-%d", i)
				random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				now := goffServes(percent, order, key)
				if was := before[key]; was != "" && !isOutside(was) && was != now {
					t.Fatalf("at %g %s goes from %s to %s", coverage, key, was, now)
				}
				before[key] = now
			}
		}
	}
}

func parsed(number string) (x float64) {
	_, _ = fmt.Sscan(number, &x)
	return x
}

// exact holds the weights of arms to the allocation, within one unit.
func exact(t *testing.T, a decide.Allocation, weights map[string]int64) {
	t.Helper()
	covered, all := int64(0), int64(0)
	for name, w := range weights {
		all += w
		if !isOutside(name) {
			covered += w
		}
	}
	if all != totalWeight || float64(covered) < a.Coverage*totalWeight-0.51 || float64(covered) > a.Coverage*totalWeight+0.51 {
		t.Fatalf("%s: %d of %d are covered", describe(a), covered, all)
	}
	for _, arm := range a.Arms {
		if d := float64(weights[arm.Variation]) - arm.Weight*a.Coverage*totalWeight; d < -2 || d > 2 {
			t.Fatalf("%s: %s has %d", describe(a), arm.Variation, weights[arm.Variation])
		}
	}
}

// FuzzGoffFile edits any text: it is refused and left as it was, or it serves the
// target and means the same otherwise.
func FuzzGoffFile(f *testing.F) {
	files, err := filepath.Glob("testdata/goff*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		f.Add(get(f, path))
	}
	f.Fuzz(func(t *testing.T, text string) {
		form := newGoff("local", "f.yaml", Options{Now: decidedAtClock})
		state, err := form.state([]byte(text), "answer-v2")
		if err != nil || !state.Known {
			return
		}
		change := ramp(*state.Allocation, half(0.25))
		edited, err := form.edit([]byte(text), change)
		if err != nil {
			return
		}
		state, err = form.state(edited, "answer-v2")
		if err != nil || !state.Known || !change.reached(state) {
			t.Errorf("%q became %q: %+v, %v", text, edited, state, err)
		}
	})
}
