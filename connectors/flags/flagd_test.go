package flags

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/decide"
	"assay/spec"
)

var update = flag.Bool("update", false, "rewrite golden files")

var (
	decidedAt = time.Date(2026, 11, 3, 0, 2, 0, 0, time.UTC)
	asOf      = time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
)

// ramp is a change of the flag answer-v2.
func ramp(from, to decide.Allocation) Change {
	return Change{
		ID: "d_4f2a", Experiment: "answer-v2", FlagKey: "answer-v2", Expected: from, Target: to,
		Verdict: decide.Ramp, Reason: "the next step is due and no guardrail is harmed", AsOf: asOf, DecidedAt: decidedAt,
	}
}

func openFile(t testing.TB, path string) Store {
	t.Helper()
	store, err := Open("local", spec.FlagStore{Type: "flagd", Path: filepath.Base(path)}, filepath.Dir(path), Options{Now: decidedAtClock})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// flagFile writes a flag file and opens it.
func flagFile(t testing.TB, text string) (Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags.json")
	put(t, path, text)
	return openFile(t, path), path
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// one is a file with the flag answer-v2 whose members after variants are given.
func one(members string) string {
	return `{"flags": {"answer-v2": {"variants": {"control": "v1", "treatment": "v2", "uncovered": "v1"}, ` + members + `}}}`
}

func TestFlagdReads(t *testing.T) {
	fractional := func(list string) string {
		return one(`"state": "ENABLED", "defaultVariant": "control", "targeting": {"fractional": [` + list + `]}`)
	}
	known := func(a decide.Allocation) State { return State{Allocation: &a, Known: true, Unit: 1e-5} }
	foreign := func(message string) State { return State{Message: message, Unit: 1e-5} }
	nameless := decide.Allocation{Coverage: 1, Arms: []decide.Arm{arm("treatment", 1)}}
	const by = `{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}, `
	const notOurs = "its targeting is not a single fractional rule"
	for name, c := range map[string]struct {
		text string
		want State
	}{
		"as assay writes it":       {fractional(by + `["treatment", 5000], ["uncovered", 90000], ["control", 5000]`), known(half(0.1))},
		"other numbers":            {fractional(by + `["treatment", 1], ["uncovered", 3], ["control", 1]`), known(half(0.4))},
		"nothing to hash":          {fractional(`["treatment", 25], ["control", 75]`), known(alloc(1, arm("control", 0.75), arm("treatment", 0.25)))},
		"weights left out":         {fractional(`{"var": "email"}, ["treatment"], ["control"]`), known(half(1))},
		"a variant twice":          {fractional(by + `["treatment", 1], ["control", 2], ["treatment", 1]`), known(half(1))},
		"zero weights":             {fractional(by + `["treatment", 0], ["uncovered", 0], ["control", 5]`), known(decide.Allocation{Coverage: 1, Arms: []decide.Arm{arm("control", 1)}})},
		"one bucket":               {fractional(by + `["treatment", 100000]`), known(alloc(1, arm("treatment", 1)))},
		"nobody":                   {fractional(by + `["uncovered", 100000]`), known(alloc(0, arm("control", 1)))},
		"default variant only":     {one(`"state": "ENABLED", "defaultVariant": "treatment"`), known(nameless)},
		"empty targeting":          {one(`"state": "ENABLED", "defaultVariant": "treatment", "targeting": {}`), known(nameless)},
		"targeting null":           {one(`"defaultVariant": "treatment", "targeting": null`), known(nameless)},
		"known-good noted":         {one(`"defaultVariant": "treatment", "metadata": {"assay.knownGood": "control"}`), known(alloc(1, arm("treatment", 1)))},
		"nobody, noted":            {one(`"defaultVariant": "uncovered", "metadata": {"assay.knownGood": "control"}`), known(alloc(0, arm("control", 1)))},
		"disabled":                 {one(`"state": "DISABLED", "defaultVariant": "control"`), foreign("its state is DISABLED: it serves the default of the code")},
		"no default":               {one(`"state": "ENABLED"`), foreign("it has neither targeting nor a default variant: it serves the default of the code")},
		"default null":             {one(`"state": "ENABLED", "defaultVariant": null`), foreign("it has neither targeting nor a default variant: it serves the default of the code")},
		"another rule":             {one(`"defaultVariant": "control", "targeting": {"if": [true, "treatment", "control"]}`), foreign(notOurs)},
		"two rules":                {one(`"defaultVariant": "control", "targeting": {"fractional": [["control", 1]], "if": []}`), foreign(notOurs)},
		"no list":                  {one(`"defaultVariant": "control", "targeting": {"fractional": {}}`), foreign(notOurs)},
		"empty list":               {fractional(``), foreign(notOurs)},
		"nothing but what to hash": {fractional(`{"var": "email"}`), foreign("its fractional rule gives no variant any weight")},
		"weight of a half":         {fractional(`["treatment", 0.5], ["control", 1]`), foreign("the weight of treatment in its fractional rule is not a whole number from 0")},
		"negative weight":          {fractional(`["treatment", -5], ["control", 1]`), foreign("the weight of treatment in its fractional rule is not a whole number from 0")},
		"weight null":              {fractional(`["treatment", null], ["control", 1]`), foreign("the weight of treatment in its fractional rule is not a whole number from 0")},
		"computed weight":          {fractional(`["treatment", {"var": "w"}], ["control", 1]`), foreign("the weight of treatment in its fractional rule is not a whole number from 0")},
		"computed variant":         {fractional(`[{"if": []}, 1], ["control", 1]`), foreign("its fractional rule has an entry that is not a variant and a weight")},
		"too much weight":          {fractional(`["treatment", 2147483647], ["control", 1]`), foreign("the weights of its fractional rule sum to more than 2147483647")},
		"a variant it has not":     {fractional(`["\u202ev3", 1], ["control", 1]`), foreign(`it serves "\u202ev3", which is not one of its variants`)},
	} {
		store, _ := flagFile(t, c.text)
		got, err := store.Read(t.Context(), "answer-v2")
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got): %v\n%s", name, err, diff)
		}
	}
}

func TestFlagdFaults(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		kind error
		says string
	}{
		"no such flag":       {`{"flags": {}}`, ErrNotFound, "answer-v2 in "},
		"no flags":           {`{}`, ErrUnavailable, "flags is missing"},
		"flags in a list":    {`{"flags": []}`, ErrUnavailable, "flags is not an object"},
		"not JSON":           {"{\"flags\": {\n  \"a\": {},\n  }\n}", ErrUnavailable, "invalid JSON at line 3, column 3"},
		"cut off":            {`{"flags": {`, ErrUnavailable, "invalid JSON at line 1, column 11"},
		"empty":              {``, ErrUnavailable, "invalid JSON at line 1"},
		"two values":         {`{"flags": {}} {}`, ErrUnavailable, "invalid JSON at line 1, column 15"},
		"a list":             {`[{"flags": {}}]`, ErrUnavailable, "the file is not a JSON object"},
		"the flag twice":     {`{"flags": {"answer-v2": {}, "answer-v2": {}}}`, ErrUnavailable, "flags has the member answer-v2 twice"},
		"a member twice":     {one(`"state": "ENABLED", "state": "DISABLED"`), ErrUnavailable, "has the member state twice"},
		"variants no object": {`{"flags": {"answer-v2": {"variants": [1]}}}`, ErrUnavailable, "cannot unmarshal"},
	} {
		store, _ := flagFile(t, c.text)
		_, err := store.Read(t.Context(), "answer-v2")
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "flag store local: ") {
			t.Errorf("%s: %v, want %v: %s", name, err, c.kind, c.says)
		}
		if r := quick(t, store, ramp(half(0.1), half(0.25))); r.Retryable != errors.Is(c.kind, ErrUnavailable) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	store := openFile(t, filepath.Join(t.TempDir(), "none.json"))
	if _, err := store.Read(t.Context(), "x"); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "none.json does not exist") {
		t.Errorf("missing file: %v", err)
	}
}

// quick delivers without waiting between tries.
func quick(t testing.TB, store Store, c Change) Result {
	t.Helper()
	return DeliverWith(t.Context(), store, c, Patience{Tries: 3, First: time.Millisecond, Longest: time.Minute})
}

// TestFlagdEdits compares whole files with golden ones: what was not asked for
// keeps every byte.
func TestFlagdEdits(t *testing.T) {
	whole := get(t, "testdata/flags.json")
	expected := alloc(1, arm("control", 0.95), arm("treatment", 0.05))
	var small bytes.Buffer
	if err := json.Compact(&small, []byte(whole)); err != nil {
		t.Fatal(err)
	}
	hostile := ramp(expected, half(0.1))
	hostile.Reason = "\"},\"x\":{<script>\u2028\x00\xff" + strings.Repeat("é", 400)
	for name, c := range map[string]struct {
		text   string
		change Change
	}{
		"ramp":      {whole, ramp(expected, half(0.25))},
		"ship":      {whole, ramp(expected, alloc(1, arm("control", 0), arm("treatment", 1)))},
		"rollback":  {whole, ramp(expected, alloc(1, arm("control", 1), arm("treatment", 0)))},
		"nobody":    {whole, ramp(expected, half(0))},
		"minified":  {small.String(), ramp(expected, half(0.1))},
		"tabs_crlf": {strings.ReplaceAll(strings.ReplaceAll(whole, "    ", "\t"), "\n", "\r\n"), ramp(expected, half(0.1))},
		"hostile":   {whole, hostile},
		"bare":      {one(`"state": "ENABLED", "defaultVariant": "control"`), ramp(alloc(1, arm("control", 1)), half(0.1))},
		"empty_meta": {
			"{\n  \"flags\": {\n    \"answer-v2\": {\n      \"variants\": {\"control\": 1, \"treatment\": 2},\n      \"defaultVariant\": \"control\",\n      \"metadata\": {}\n    }\n  }\n}\n",
			ramp(alloc(1, arm("control", 1)), half(0.1)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, path := flagFile(t, c.text)
			if r := quick(t, store, c.change); r.Outcome != OutcomeDelivered {
				t.Fatalf("%+v", r)
			}
			got, golden := get(t, path), "testdata/"+name+".golden.json"
			if *update {
				put(t, golden, got)
			}
			if diff := cmp.Diff(get(t, golden), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			keepsTheRest(t, c.text, got)
			if r := quick(t, store, c.change); r.Outcome != OutcomeDelivered || get(t, path) != got {
				t.Errorf("once more: %+v", r)
			}
		})
	}
}

// keepsTheRest checks by other means that nothing else changed its meaning.
func keepsTheRest(t *testing.T, before, after string) {
	t.Helper()
	var was, is map[string]any
	for text, into := range map[string]*map[string]any{before: &was, after: &is} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	for _, doc := range []map[string]any{was, is} {
		flag := doc["flags"].(map[string]any)["answer-v2"].(map[string]any)
		delete(flag, "targeting")
		delete(flag, "defaultVariant")
		delete(flag["variants"].(map[string]any), uncovered)
		meta, _ := flag["metadata"].(map[string]any)
		for name := range meta {
			if strings.HasPrefix(name, "assay.") {
				delete(meta, name)
			}
		}
		if len(meta) == 0 {
			delete(flag, "metadata")
		}
	}
	if diff := cmp.Diff(was, is); diff != "" {
		t.Errorf("something else changed (-was +is):\n%s", diff)
	}
}

func TestFlagdRefuses(t *testing.T) {
	nobodyKnown := half(0.25)
	nobodyKnown.KnownGood = "gone"
	for says, target := range map[string]decide.Allocation{
		"variation v9 is not a variant":                 alloc(0.5, arm("control", 0.5), arm("v9", 0.5)),
		"known-good variation gone is not a variant":    nobodyKnown,
		"uncovered cannot be the name of a variation":   alloc(0.5, arm("control", 0.5), arm("uncovered", 0.5)),
		`known-good variation "" is not a variant`:      {Coverage: 1, Arms: []decide.Arm{arm("control", 1)}},
		"target state: the weights do not sum to 1":     alloc(1, arm("control", 0.1)),
		"target state: coverage is not in [0,1]":        half(2),
		"target state: it has no arms":                  {},
		"target state: a variation has no name, one th": alloc(1, arm("control", 0.5), arm("control", 0.5)),
	} {
		text := one(`"state": "ENABLED", "defaultVariant": "treatment"`)
		store, path := flagFile(t, text)
		r := quick(t, store, ramp(alloc(1, arm("treatment", 1)), target))
		if r.Outcome != OutcomeRefused || r.Retryable || !strings.Contains(r.Message, says) || get(t, path) != text {
			t.Errorf("%s: %+v", says, r)
		}
	}
}

func TestFlagdKeepsFileAsItWas(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "data", "real.json"), filepath.Join(dir, "flags.json")
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, target, one(`"state": "ENABLED", "defaultVariant": "control"`))
	if err := errors.Join(os.Chmod(target, 0o604), os.Symlink(filepath.Join("data", "real.json"), link)); err != nil {
		t.Fatal(err)
	}
	if r := quick(t, openFile(t, link), ramp(alloc(1, arm("control", 1)), half(0.1))); r.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v, %v", info.Mode(), err)
	}
	if info, err = os.Stat(target); err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("the mode became %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "data", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestFlagdLosesNoUpdate has many writers with the same expectation and
// different targets: one gets through, the others hear of a conflict.
func TestFlagdLosesNoUpdate(t *testing.T) {
	store, path := flagFile(t, one(`"state": "ENABLED", "defaultVariant": "control"`))
	const writers = 8
	results := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			target := half(float64(i+1) / 10)
			results[i] = openFile(t, path).Apply(t.Context(), ramp(alloc(1, arm("control", 1)), target))
		})
	}
	group.Wait()
	applied := 0
	for i, err := range results {
		switch {
		case err == nil:
			applied++
			state, err := store.Read(t.Context(), "answer-v2")
			if err != nil || !Same(*state.Allocation, half(float64(i+1)/10), state.Unit) {
				t.Errorf("writer %d got through, and the flag is %+v, %v", i, state, err)
			}
		case !errors.Is(err, ErrConflict):
			t.Error(err)
		}
	}
	if applied != 1 {
		t.Errorf("%d writers got through", applied)
	}
}

// TestFlagdMindsAnEditor has a person save the file at every instant of a
// change: where it was not in the file yet, theirs stays, and is a conflict.
func TestFlagdMindsAnEditor(t *testing.T) {
	fraction := func(covered int) string {
		return one(fmt.Sprintf(`"state": "ENABLED", "defaultVariant": "control", "targeting": {"fractional": [["treatment", %d], ["control", %[1]d], ["uncovered", %d]]}`, covered, 100-2*covered))
	}
	for instant, lost := range map[string]bool{"flag-locked": true, "flag-rename": true, "flag-renamed": false} {
		path := filepath.Join(t.TempDir(), "flags.json")
		put(t, path, fraction(5))
		once := true
		edit := func(at string) {
			if at == instant && once {
				once = false
				put(t, path, fraction(20))
			}
		}
		store, err := Open("local", spec.FlagStore{Type: "flagd", Path: path}, "", Options{Now: decidedAtClock, At: edit})
		if err != nil {
			t.Fatal(err)
		}
		r := quick(t, store, ramp(half(0.1), half(0.25)))
		if got := get(t, path); got != fraction(20) {
			t.Errorf("edited at %s: the person's file is gone:\n%s", instant, got)
		}
		if lost && r.Outcome != OutcomeConflict {
			t.Errorf("edited at %s: %+v, want a conflict", instant, r)
		}
	}
}

// TestFlagdRoundTrip writes and reads back every rung with every split.
func TestFlagdRoundTrip(t *testing.T) {
	text := `{"flags": {"answer-v2": {"variants": {"a": 1, "b": 2, "c": 3, "control": 0}, "defaultVariant": "control"}}}`
	now := alloc(1, arm("control", 1))
	store, _ := flagFile(t, text)
	for _, arms := range [][]decide.Arm{
		{arm("a", 0.5), arm("control", 0.5)},
		{arm("control", 0.9), arm("a", 0.1)},
		{arm("control", 1.0/3), arm("a", 1.0/3), arm("b", 1.0/3)},
		{arm("a", 0.123456), arm("b", 0.2), arm("control", 0.4), arm("c", 0.276544)},
		{arm("a", 0.001), arm("control", 0.999)},
	} {
		for _, coverage := range []float64{0.1, 0.25, 0.5, 0.75, 1, 0.123, 0, 0.001} {
			r := quick(t, store, ramp(now, alloc(coverage, arms...)))
			if r.Outcome != OutcomeDelivered || !Same(*r.State, alloc(coverage, arms...), 1e-5) {
				t.Fatalf("%v of %v: %+v", coverage, arms, r)
			}
			// What was read is what the next change expects.
			now = *r.State
		}
	}
}

// FuzzFlagd reads and changes foreign files: it must answer, and a file that
// it writes is JSON whose other flags are what they were.
func FuzzFlagd(f *testing.F) {
	whole, err := os.ReadFile("testdata/flags.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(whole))
	f.Add(one(`"state": "ENABLED", "defaultVariant": "control"`))
	f.Add(`{"flags":{"answer-v2":{"variants":{"control":1,"treatment":{}},"defaultVariant":"control","metadata":{ }}, "b" : null}}`)
	f.Fuzz(func(t *testing.T, text string) {
		store, path := flagFile(t, text)
		state, err := store.Read(t.Context(), "answer-v2")
		if err != nil || !state.Known {
			return
		}
		if err := store.Apply(t.Context(), ramp(*state.Allocation, half(0.1))); err != nil {
			return
		}
		after, err := store.Read(t.Context(), "answer-v2")
		if err != nil || !after.Known || !Same(*after.Allocation, half(0.1), after.Unit) && !Same(*state.Allocation, half(0.1), state.Unit) {
			t.Fatalf("%+v, %v from\n%s\nto\n%s", after, err, text, get(t, path))
		}
		keepsTheRest(t, text, get(t, path))
	})
}

// A flag that served an earlier experiment names another known-good variation
// and has the variant uncovered with its value: neither may survive.
func TestFlagdForgetsAnEarlierExperiment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	put(t, path, `{"flags": {"answer-v2": {"state": "ENABLED",
		"variants": {"control": "v2", "treatment": "v3", "old": "v1", "uncovered": "v1"}, "defaultVariant": "control",
		"metadata": {"assay.knownGood": "old"},
		"targeting": {"fractional": [["treatment", 50], ["control", 50]]}}}}`)
	store := openFile(t, path)
	if got := quick(t, store, ramp(half(1), half(0.1))); got.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", got)
	}
	var file struct {
		Flags map[string]struct {
			Variants map[string]string
		}
	}
	if err := json.Unmarshal([]byte(get(t, path)), &file); err != nil {
		t.Fatal(err)
	}
	if got := file.Flags["answer-v2"].Variants["uncovered"]; got != "v2" {
		t.Errorf("uncovered units get %q, want the known-good v2", got)
	}
	back := ramp(half(0.1), half(0.1).All("control"))
	back.Verdict = decide.Rollback
	if got := quick(t, store, back); got.Outcome != OutcomeDelivered {
		t.Errorf("%+v", got)
	}
}
