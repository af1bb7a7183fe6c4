package ledger_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 123456789, time.UTC)

// at is the instant at which the i-th record of a test is written.
func at(i int) time.Time { return noon.Add(time.Duration(i) * time.Hour) }

func open(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func mustAppend(t testing.TB, l *ledger.Ledger, i int, body ledger.Body) {
	t.Helper()
	if err := l.Append(at(i), body); err != nil {
		t.Fatal(err)
	}
}

func split(coverage float64) decide.Allocation {
	return decide.Allocation{
		Coverage: coverage, KnownGood: "control",
		Arms: []decide.Arm{{Variation: "control", Weight: 0.5}, {Variation: "treatment", Weight: 0.5}},
	}
}

// look is the i-th look of an experiment; it owes one delivery a store.
func look(experiment string, i int, stores ...string) ledger.Look {
	k := ledger.Look{
		ID: fmt.Sprintf("%s-%d", experiment, i), Experiment: experiment,
		AsOf: at(i).Truncate(time.Hour), Version: 1, Number: i, Allocation: split(0.1),
		Decision: decide.Decision{Verdict: decide.Ramp, Summary: fmt.Sprintf("step %d is due", i)},
	}
	for _, store := range stores {
		k.Deliveries = append(k.Deliveries, ledger.Delivery{
			ID: fmt.Sprintf("%s-%d-%s", experiment, i, store), Store: store, FlagKey: experiment,
			Expected: split(0.1), Target: split(0.25),
		})
	}
	return k
}

func attempt(k ledger.Look, n int, outcome string, try int) ledger.Attempt {
	d := k.Deliveries[n]
	return ledger.Attempt{
		Delivery: d.ID, Experiment: k.Experiment, Store: d.Store, FlagKey: d.FlagKey, Outcome: outcome, Try: try,
	}
}

func TestHistory(t *testing.T) { each(t, historyKept) }

func historyKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	state := split(0.25)
	k := look("x", 1, "local")
	want := &ledger.History{
		Plans: []ledger.Entry[ledger.Plan]{{Seq: 1, At: at(1), Body: ledger.Plan{
			Experiment: "x", Version: 1, PlanDigest: "d", AsOf: at(0), Fields: map[string]string{"alpha": "0.05", "b": "<\"\u2028"},
		}}},
		Looks: []ledger.Entry[ledger.Look]{{Seq: 2, At: at(2), Body: k}, {Seq: 8, At: at(8), Body: look("x", 2)}},
		Attempts: []ledger.Entry[ledger.Attempt]{{Seq: 4, At: at(4), Body: ledger.Attempt{
			Delivery: "x-1-local", Experiment: "x", Store: "local", FlagKey: "x", Outcome: ledger.OutcomeUnavailable,
			State: &state, Message: "timed out", Retryable: true, Try: 1, NextTry: at(9),
		}}},
		Observed: []ledger.Entry[ledger.Observed]{{Seq: 5, At: at(5), Body: ledger.Observed{
			Experiment: "x", Store: "local", FlagKey: "x", State: split(1), Expected: split(0.25),
		}}},
		Clears: []ledger.Entry[ledger.Clear]{{Seq: 7, At: at(7), Body: ledger.Clear{Experiment: "x", Note: "mended", AsOf: at(7)}}},
	}
	other := ledger.Clear{Experiment: "another", Note: "n", AsOf: at(1)}
	bodies := []ledger.Body{
		want.Plans[0].Body, &k, other, want.Attempts[0].Body, want.Observed[0].Body, other, &want.Clears[0].Body, look("x", 2),
	}
	for i, b := range bodies {
		mustAppend(t, l, i+1, b)
	}
	check := func(l *ledger.Ledger) {
		t.Helper()
		got, err := l.History("x")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"another", "x"}, l.Experiments()); diff != "" {
			t.Error(diff)
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := s.must(t, path)
	check(again)
	if again.Recovered != "" {
		t.Errorf("recovered %q from a clean file", again.Recovered)
	}
	readOnly, err := s.readOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	check(readOnly)
	if err := readOnly.Append(at(9), other); !errors.Is(err, ledger.ErrReadOnly) {
		t.Errorf("append to a read-only ledger: %v", err)
	}
	if err := errors.Join(readOnly.Close(), readOnly.Close()); err != nil {
		t.Error(err)
	}
	if _, err := readOnly.History("x"); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("history of a closed ledger: %v", err)
	}
}

func TestLooks(t *testing.T) { each(t, looksKept) }

func looksKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	for i := 1; i <= 4; i++ {
		mustAppend(t, l, i, look("x", i))
		mustAppend(t, l, i, look("y", i))
	}
	var got []string
	for e, err := range l.Looks("x") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Body.ID)
		if len(got) == 3 {
			break
		}
	}
	if diff := cmp.Diff([]string{"x-1", "x-2", "x-3"}, got); diff != "" {
		t.Error(diff)
	}
	last, err := l.LastLook("y")
	if err != nil || last.Body.ID != "y-4" || last.Seq != 8 {
		t.Errorf("last look: %+v, %v", last, err)
	}
	found, err := l.FindLook("x-2")
	if err != nil || found.Body.Number != 2 {
		t.Errorf("found look: %+v, %v", found, err)
	}
	for _, find := range []func(string) (*ledger.Entry[ledger.Look], error){l.LastLook, l.FindLook} {
		if none, err := find("z"); none != nil || err != nil {
			t.Errorf("a look that is not there: %+v, %v", none, err)
		}
	}
	if h, err := l.History("z"); err != nil || !reflect.DeepEqual(*h, ledger.History{}) {
		t.Errorf("history of nothing: %+v, %v", h, err)
	}
}

// TestWholeLook puts a look through the file whose every field is set, so that
// a field that does not survive encoding is noticed wherever it is declared.
func TestWholeLook(t *testing.T) { each(t, wholeLookKept) }

func wholeLookKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	var want ledger.Look
	fill(reflect.ValueOf(&want).Elem(), new(int))
	want.Experiment = "x"
	mustAppend(t, l, 1, want)
	got, err := l.LastLook("x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Body); diff != "" {
		t.Errorf("look (-want +got):\n%s", diff)
	}
}

// fill sets every field to a value of its own.
func fill(v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(at(*n)))
		return
	}
	setters := map[reflect.Kind]func(){
		reflect.String:  func() { v.SetString(fmt.Sprint("s", *n)) },
		reflect.Bool:    func() { v.SetBool(true) },
		reflect.Int:     func() { v.SetInt(int64(*n)) },
		reflect.Int64:   func() { v.SetInt(int64(*n)) },
		reflect.Float64: func() { v.SetFloat(float64(*n) / 3) },
		reflect.Map: func() {
			v.Set(reflect.MakeMap(v.Type()))
			v.SetMapIndex(reflect.ValueOf(fmt.Sprint("k", *n)), reflect.ValueOf("<v>"))
		},
		reflect.Pointer: func() { v.Set(reflect.New(v.Type().Elem())); fill(v.Elem(), n) },
		reflect.Slice: func() {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0), n)
			fill(v.Index(1), n)
		},
		reflect.Struct: func() {
			for i := range v.NumField() {
				fill(v.Field(i), n)
			}
		},
	}
	setters[v.Kind()]()
}

func TestOpenIntervalSurvives(t *testing.T) { each(t, openIntervalSurvivesKept) }

func openIntervalSurvivesKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	k := look("x", 1)
	end := stats.Interval{Lower: math.Inf(-1), Upper: math.Inf(1)}
	k.Metrics = []ledger.MetricResult{{Comparisons: []ledger.Versus{{Comparison: stats.Comparison{AbsoluteInterval: end}}}}}
	mustAppend(t, l, 1, k)
	got, err := l.LastLook("x")
	if err != nil {
		t.Fatal(err)
	}
	if i := got.Body.Metrics[0].Comparisons[0].AbsoluteInterval; i != end {
		t.Errorf("interval came back as %v", i)
	}
}

func TestAppendRefuses(t *testing.T) { each(t, appendRefusesKept) }

func appendRefusesKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	mustAppend(t, l, 1, look("x", 1))
	before := s.looks(t, path)
	for name, b := range map[string]ledger.Body{
		"no experiment":   ledger.Clear{Note: "n"},
		"unknown outcome": ledger.Attempt{Experiment: "x", Delivery: "d", Outcome: "done"},
		"no delivery":     ledger.Attempt{Experiment: "x", Outcome: ledger.OutcomeDelivered},
		"not a number":    ledger.Observed{Experiment: "x", State: decide.Allocation{Coverage: math.NaN()}},
	} {
		if err := l.Append(at(2), b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if diff := cmp.Diff(before, s.looks(t, path)); diff != "" {
		t.Error("a refused record was kept", diff)
	}
	mustAppend(t, l, 2, look("x", 2))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func ids(pending []ledger.Pending) []string {
	got := []string{}
	for _, p := range pending {
		got = append(got, p.Delivery.ID)
	}
	return got
}

func TestOutbox(t *testing.T) { each(t, outboxKept) }

func outboxKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	x1, y1, x2, x3 := look("x", 1, "a", "b"), look("y", 2, "a"), look("x", 3, "a", "b"), look("x", 4, "a")
	later := attempt(x1, 0, ledger.OutcomeUnavailable, 2)
	later.NextTry = at(20)
	steps := []struct {
		body          ledger.Body
		live, dropped []string
	}{
		{look("x", 0), nil, nil},
		{x1, []string{"x-1-a", "x-1-b"}, nil},
		{y1, []string{"x-1-a", "x-1-b", "y-2-a"}, nil},
		{attempt(y1, 0, ledger.OutcomeDelivered, 1), []string{"x-1-a", "x-1-b"}, nil},
		{attempt(x1, 0, ledger.OutcomeUnavailable, 1), []string{"x-1-a", "x-1-b"}, nil},
		{later, []string{"x-1-a", "x-1-b"}, nil},
		{x2, []string{"x-3-a", "x-3-b"}, []string{"x-1-a", "x-1-b"}},
		{attempt(x1, 1, ledger.OutcomeSuperseded, 1), []string{"x-3-a", "x-3-b"}, []string{"x-1-a"}},
		{x3, []string{"x-3-b", "x-4-a"}, []string{"x-1-a", "x-3-a"}},
		// What is older than a delivery that had its end is never sent again.
		{attempt(x3, 0, ledger.OutcomeConflict, 1), []string{"x-3-b"}, []string{"x-1-a", "x-3-a"}},
		// What a person had applied is owed like a look's.
		{ledger.Approval{ID: "look-x-4", Experiment: "x", AsOf: x3.AsOf, Deliveries: []ledger.Delivery{{ID: "x-4-a-applied", Store: "a"}}}, []string{"x-3-b", "x-4-a-applied"}, []string{"x-1-a", "x-3-a"}},
	}
	for i, step := range steps {
		mustAppend(t, l, i, step.body)
		pending, err := l.Outbox()
		if err != nil {
			t.Fatal(err)
		}
		live, dropped := ledger.Supersede(pending)
		if diff := cmp.Diff([2][]string{append([]string{}, step.live...), append([]string{}, step.dropped...)}, [2][]string{ids(live), ids(dropped)}); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	pending, err := s.must(t, path).Outbox()
	if err != nil {
		t.Fatal(err)
	}
	want := ledger.Pending{
		Delivery: x1.Deliveries[0], Experiment: "x", AsOf: x1.AsOf, DecidedAt: at(1), Verdict: decide.Ramp, Reason: "step 1 is due",
		LookID: "x-1", LookSeq: 2, Tries: 2, NextTry: at(20), LastTry: at(5), Overtaken: true,
	}
	if diff := cmp.Diff(want, pending[0]); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
}

func TestEveryOutcomeButUnavailableIsTerminal(t *testing.T) {
	each(t, everyOutcomeButUnavailableIsTerminalKept)
}

func everyOutcomeButUnavailableIsTerminalKept(t *testing.T, s storage, path string) {
	for outcome, ends := range map[string]bool{
		ledger.OutcomeDelivered: true, ledger.OutcomeProposed: true, ledger.OutcomeUnverified: true,
		ledger.OutcomeConflict: true, ledger.OutcomeRefused: true, ledger.OutcomeUnavailable: false,
		ledger.OutcomeDisabled: true, ledger.OutcomeSuperseded: true, ledger.OutcomeApproval: true,
	} {
		l := s.must(t, path+outcome)
		k := look("x", 1, "a")
		mustAppend(t, l, 1, k)
		mustAppend(t, l, 2, attempt(k, 0, outcome, 1))
		pending, err := l.Outbox()
		if err != nil || (len(pending) == 0) != ends {
			t.Errorf("%s: %d pending, %v", outcome, len(pending), err)
		}
	}
}

func TestOlderDataDoesNotSupersede(t *testing.T) { each(t, olderDataDoesNotSupersedeKept) }

func olderDataDoesNotSupersedeKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	mustAppend(t, l, 1, look("x", 9, "a"))
	mustAppend(t, l, 2, look("x", 3, "a")) // A backfill that was told to deliver.
	pending, err := l.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	live, dropped := ledger.Supersede(pending)
	if diff := cmp.Diff([][]string{{"x-9-a"}, {"x-3-a"}}, [][]string{ids(live), ids(dropped)}); diff != "" {
		t.Error(diff)
	}
}

// TestKeyInAPrompt has the word that the index looks for where it means
// nothing: inside a string, and as a key of a prompt's parameters.
func TestKeyInAPrompt(t *testing.T) { each(t, keyInAPromptKept) }

func keyInAPromptKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	k := look("x", 1)
	k.Spec.Description = `{"deliveries":[{"id":"no"}]}`
	k.Spec.Variations = []ledger.Variation{{Prompt: &ledger.Prompt{Parameters: map[string]any{"deliveries": []any{map[string]any{"id": "no"}}}}}}
	mustAppend(t, l, 1, k)
	if pending, err := l.Outbox(); err != nil || len(pending) != 0 {
		t.Errorf("pending %v, %v", pending, err)
	}
}

func TestConcurrentUse(t *testing.T) { each(t, concurrentUseKept) }

func concurrentUseKept(t *testing.T, s storage, path string) {
	l := s.must(t, path)
	n := map[bool]int{true: 10, false: 2}[s.name == "file"] // A table takes longer.
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range n {
				k := look(fmt.Sprint("x", w), i, "a")
				if err := l.Append(at(i), k); err != nil {
					t.Error(err)
				}
				if last, err := l.LastLook(k.Experiment); err != nil || last.Body.Number != i {
					t.Errorf("last look %+v, %v", last, err)
				}
				if _, err := l.Outbox(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	// Readers verify the file from outside while it grows.
	group.Go(func() {
		for range 5 * n {
			if err := s.verify(path); err != nil {
				t.Error(err)
			}
		}
	})
	group.Wait()
	if got := len(s.looks(t, path)); got != 4*n {
		t.Errorf("%d records, want %d", got, 4*n)
	}
}
