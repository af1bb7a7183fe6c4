package job

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

// course is simulated traffic by hours after the start; what comes of a unit does
// not depend on its arm.
type course struct {
	experiment string
	hours      int
	perHour    func(hour float64) int
	treatment  func(hour float64) float64 // share of it among the units of an instant
	fails      func(hour float64) float64 // rate of the metric
}

func steady(n int) func(float64) int { return func(float64) int { return n } }

// stepsTo is a share that changes at an hour.
func stepsTo(at, before, after float64) func(float64) float64 {
	return func(hour float64) float64 {
		if hour < at {
			return before
		}
		return after
	}
}

// incident is a rate that peaks around an hour.
func incident(at float64) func(float64) float64 {
	return func(hour float64) float64 { return 0.05 + 0.6*math.Exp(-(hour-at)*(hour-at)/4) }
}

// served logs the traffic of a course.
func (c course) served(t *testing.T, seed uint64) connectors.Warehouse {
	t.Helper()
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wh.Close() })
	rng := rand.New(rand.NewPCG(seed, 16))
	var exposures, responses []string
	for h := range c.hours {
		for i := range c.perHour(float64(h)) {
			at := float64(h) + rng.Float64()
			arm := "control"
			if rng.Float64() < c.treatment(at) {
				arm = "treatment"
			}
			stamp := func(at float64) string { return hours(at).Format("2006-01-02 15:04:05.000000") }
			exposures = append(exposures, fmt.Sprintf("('u%d-%d', '%s', '%s', '%s')", h, i, stamp(at), c.experiment, arm))
			responses = append(responses, fmt.Sprintf("('u%d-%d', '%s', %t, 100)", h, i, stamp(at+0.5), rng.Float64() < c.fails(at)))
		}
	}
	return stocked{wh, "CREATE TEMP TABLE exposures AS SELECT * FROM (VALUES " + strings.Join(exposures, ",\n") +
		") AS v (user_id, exposed_at, experiment_id, variation_id);\nALTER TABLE exposures ALTER exposed_at TYPE TIMESTAMP;\n" +
		"CREATE TEMP TABLE responses AS SELECT * FROM (VALUES " + strings.Join(responses, ",\n") +
		") AS v (user_id, ts, failed, latency_ms);\nALTER TABLE responses ALTER ts TYPE TIMESTAMP"}
}

// seenAt takes a look of the traffic; events are what the ledger has.
func (c course) seenAt(t *testing.T, w connectors.Warehouse, asOf float64, change func(*spec.Experiment), blind bool, events ...recorded) (*vantage, *evidence, *ledger.Look) {
	t.Helper()
	p, e := small(t, c.experiment, change)
	l := openLedger(t)
	for _, r := range events {
		if plan, ok := r.body.(ledger.Plan); ok && plan.Version > 1 {
			plan.PlanDigest, plan.Fields = p.PlanDigest(e)
			r.body = plan
		}
		put(t, l, r.at, r.body)
	}
	at := standingAt(t, l, p, e, Options{AsOf: hours(asOf)})
	at.searched = blind
	j := newJob(t, p, l, w)
	ev, err := j.gather(t.Context(), at)
	if err != nil || ev.failure != nil {
		t.Fatal(err, ev.failure)
	}
	weigh(at, ev)
	return at, ev, assemble(j, at, ev)
}

// versus is what the look says of a metric.
func versus(t *testing.T, ev *evidence, metric string) ledger.Versus {
	t.Helper()
	i := slices.IndexFunc(ev.results, func(r ledger.MetricResult) bool { return r.Name == metric })
	if i < 0 {
		t.Fatalf("no metric %s", metric)
	}
	return ev.results[i].Comparisons[0]
}

func unchanged(*spec.Experiment) {}

// weightsStore is a store that does not tell its state and was given other weights a
// day after the start.
func weightsStore(to decide.Allocation) []recorded {
	return []recorded{
		observed(-1, divided(1, 0.1)), looked(24, 24.05, func(l *ledger.Look) { l.Epochs[0].Allocation = divided(1, 0.1) }),
		applied(24.1, ledger.OutcomeUnverified, "local", to),
	}
}

// TestLateWeights: a store that takes other weights at once and applies them three
// hours later. By what it said the split is off and a passing incident looks like an
// effect; by the exposures neither is.
func TestLateWeights(t *testing.T) {
	const seeds = 5
	c := course{"tone", 48, steady(150), stepsTo(27.2, 0.1, 0.5), incident(25.5)}
	bias := map[bool]float64{}
	for seed := range uint64(seeds) {
		w := c.served(t, seed)
		for _, blind := range []bool{true, false} {
			at, ev, look := c.seenAt(t, w, 48, unchanged, blind, weightsStore(divided(1, 0.5))...)
			ratio, effect := ev.health.SampleRatio[0], versus(t, ev, "error_rate")
			bias[blind] += effect.Absolute / seeds
			if ratio.Detected != blind {
				t.Errorf("seed %d, blind %t: ratio %+v", seed, blind, ratio)
			}
			e := look.Epochs[1]
			if blind {
				if e.Opened != ledger.OpenedAccepted || e.Seen != nil || !e.Start.Equal(hours(24.1)) {
					t.Errorf("seed %d: %+v", seed, e)
				}
				continue
			}
			if e.Opened != ledger.OpenedData || !e.Seen.Stated.Equal(hours(24.1)) || e.Seen.Basis != ledger.OpenedAccepted || e.Seen.LogLR < stats.DecisiveSplit ||
				e.Start.After(hours(27.2)) || e.Seen.Latest.Before(hours(27.2)) || e.Start.Before(hours(25)) || e.Settled.After(hours(30)) {
				t.Errorf("seed %d: %+v, %+v", seed, e, e.Seen)
			}
			if !effect.AbsoluteInterval.Contains(0) {
				t.Errorf("seed %d: the effect %+v is not 0", seed, effect.AbsoluteInterval)
			}
			if at.recut() || ev.health.Settling == 0 {
				t.Errorf("seed %d: recut %t, %d settling", seed, at.recut(), ev.health.Settling)
			}
		}
	}
	t.Logf("bias by what was said %.4f, by what was seen %.4f", bias[true], bias[false])
	if math.Abs(bias[true]) < 0.02 || math.Abs(bias[false]) > 0.008 {
		t.Errorf("the mean effect is %.4f by what was said, %.4f by what was seen; want a bias, and none", bias[true], bias[false])
	}
}

// TestPromptWeights: where what was said is right nothing changes, to the bit.
func TestPromptWeights(t *testing.T) {
	for seed := range uint64(5) {
		c := course{"tone", 60, steady(100), stepsTo(24.1, 0.1, 0.5), incident(25.5)}
		w := c.served(t, seed)
		_, _, blind := c.seenAt(t, w, 60, unchanged, true, weightsStore(divided(1, 0.5))...)
		at, _, look := c.seenAt(t, w, 60, unchanged, false, weightsStore(divided(1, 0.5))...)
		if at.moved || !slices.EqualFunc(blind.Epochs, look.Epochs, func(a, b ledger.Epoch) bool {
			return a.Opened == b.Opened && a.Start.Equal(b.Start) && slices.Equal(a.Units, b.Units)
		}) || len(blind.Statements) != len(look.Statements) {
			t.Errorf("seed %d: %+v, then %+v", seed, blind.Epochs, look.Epochs)
		}
	}
}

// TestUnappliedWeights: a change that never came is told, and counted by the old
// weights.
func TestUnappliedWeights(t *testing.T) {
	c := course{"tone", 60, steady(60), stepsTo(1e9, 0.1, 0.5), incident(25.5)}
	at, ev, look := c.seenAt(t, c.served(t, 1), 60, unchanged, false, weightsStore(divided(1, 0.5))...)
	if len(look.Epochs) != 1 || ev.health.SampleRatio[0].Detected || at.step().Coverage != 1 {
		t.Errorf("epochs %+v, ratio %+v, step %+v", look.Epochs, ev.health.SampleRatio[0], at.step())
	}
	if !slices.ContainsFunc(look.Health.Problems, func(f ledger.Finding) bool {
		return f.Code == "change_unseen" && strings.HasPrefix(f.Text, "The weights that the flag store accepted on 2026-11-02 00:06Z are not seen")
	}) {
		t.Errorf("problems %+v", look.Health.Problems)
	}
	if versus(t, ev, "error_rate").Status != stats.StatusOK {
		t.Error("the units of the old weights are not judged")
	}
}

// storeless is the experiment whose product follows the spec.
func storeless(treatment float64) func(*spec.Experiment) {
	return func(e *spec.Experiment) { e.Variations[0].Weight, e.Variations[1].Weight = 1-treatment, treatment }
}

func plannedAt(at float64, version int) recorded {
	return recorded{hours(at), ledger.Plan{Experiment: "rank", Version: version, PlanDigest: "d", AsOf: hours(at)}}
}

// halved is the look of the first day, which knew halves only.
func halved() recorded {
	return looked(24, 24.1, func(l *ledger.Look) {
		l.Experiment = "rank"
		l.Epochs = []ledger.Epoch{{Start: started, Settled: started, Allocation: half(1), Opened: ledger.OpenedSpec}}
	})
}

// TestEditedWeights: weights that the spec has since an edit ran before it, or ran
// later; the look that sees the edit and those after it agree on when.
func TestEditedWeights(t *testing.T) {
	for name, c := range map[string]struct {
		truth  float64
		asOf   float64
		events []recorded
		found  bool
	}{
		"before, at the look that sees the edit": {30.3, 48, []recorded{plannedAt(0.1, 1), halved()}, true},
		"before, at the look after it":           {30.3, 72, []recorded{plannedAt(0.1, 1), halved(), plannedAt(48.1, 2)}, true},
		"after":                                  {60.3, 96, []recorded{plannedAt(0.1, 1), halved(), plannedAt(48.1, 2)}, true},
		"from the start":                         {0, 72, []recorded{plannedAt(0.1, 1), halved(), plannedAt(48.1, 2)}, false},
		"as said":                                {48.1, 96, []recorded{plannedAt(0.1, 1), halved(), plannedAt(48.1, 2)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := course{"rank", int(c.asOf), steady(60), stepsTo(c.truth, 0.5, 0.75), incident(40)}
			at, ev, look := c2.seenAt(t, c2.served(t, 3), c.asOf, storeless(0.75), false, c.events...)
			if !c.found {
				if at.moved || slices.ContainsFunc(look.Epochs, func(e ledger.Epoch) bool { return e.Seen != nil }) {
					t.Errorf("epochs %+v", look.Epochs)
				}
				return
			}
			if len(look.Epochs) != 2 || look.Epochs[1].Seen == nil || look.Epochs[1].Seen.Earliest.After(hours(c.truth)) || look.Epochs[1].Seen.Latest.Before(hours(c.truth)) {
				t.Fatalf("epochs %+v", look.Epochs)
			}
			if ev.health.SampleRatio[0].Detected || !same(look.Allocation, divided(1, 0.75)) {
				t.Errorf("ratio %+v, allocation %+v", ev.health.SampleRatio[0], look.Allocation)
			}
		})
	}
}

// TestSeenStays: an epoch that was found in the data is the same at later looks, from
// the ledger; rows that come in later and clearly say otherwise move it, and then the
// boundaries build on no look of the old cut.
func TestSeenStays(t *testing.T) {
	late := course{"tone", 60, steady(150), stepsTo(27.2, 0.1, 0.5), incident(25.5)}
	w := late.served(t, 1)
	events := weightsStore(divided(1, 0.5))
	_, _, first := late.seenAt(t, w, 48, unchanged, false, events...)
	first.Experiment, first.Version = "tone", 1
	events = append(events, recorded{hours(48.05), *first})
	at, _, again := late.seenAt(t, w, 60, unchanged, false, events...)
	if at.moved || at.recut() || !again.Epochs[1].Start.Equal(first.Epochs[1].Start) || !again.Epochs[1].Settled.Equal(first.Epochs[1].Settled) || again.Epochs[1].Opened != ledger.OpenedData {
		t.Errorf("found %+v, then %+v", first.Epochs[1], again.Epochs[1])
	}
	if v := again.Metrics[0].Comparisons[0]; v.Recut || len(v.Looks) != len(first.Metrics[0].Comparisons[0].Looks)+1 || v.Looks[len(v.Looks)-1].Anew {
		t.Errorf("looks %+v, recut %t", v.Looks, v.Recut)
	}
	for i := range first.Metrics {
		for k := range first.Metrics[i].Comparisons {
			first.Metrics[i].Comparisons[k].Within = true
		}
	}
	events[len(events)-1].body = *first
	other := course{"tone", 60, steady(150), stepsTo(35.5, 0.1, 0.5), incident(25.5)}
	at, ev, moved := other.seenAt(t, other.served(t, 2), 60, unchanged, false, events...)
	v := versus(t, ev, "error_rate")
	if !at.moved || !at.recut() || moved.Epochs[1].Start.Before(hours(33)) || ev.health.SampleRatio[0].Detected {
		t.Fatalf("epochs %+v, moved %t", moved.Epochs, at.moved)
	}
	if n := len(v.Looks); n < 2 || !v.Looks[n-1].Anew || v.Looks[n-1].Spent <= v.Looks[n-2].Spent || v.Recut || v.Within && !v.NonInferior {
		t.Errorf("looks %+v, recut %t, within %t", v.Looks, v.Recut, v.Within)
	}
}

// TestRampUnseen: coverage that was to rise from 10 to 25 % and brings no more units
// is told, one that rises is not; no epoch moves for either, nor where a quiet day or
// too few units may be the reason.
func TestRampUnseen(t *testing.T) {
	for name, c := range map[string]struct {
		perHour func(float64) int
		state   decide.Allocation
		outcome string
		says    bool
	}{
		"not applied":       {steady(40), half(0.25), ledger.OutcomeUnverified, true},
		"applied":           {func(h float64) int { return int(stepsTo(48.1, 40, 100)(h)) }, half(0.25), ledger.OutcomeUnverified, false},
		"on a quiet day":    {func(h float64) int { return int(stepsTo(48.1, 40, 60)(h)) }, half(0.25), ledger.OutcomeUnverified, false},
		"few units":         {steady(1), half(0.25), ledger.OutcomeUnverified, false},
		"read back":         {steady(40), half(0.25), ledger.OutcomeDelivered, false},
		"a small step":      {steady(40), half(0.15), ledger.OutcomeUnverified, false},
		"exposures are out": {func(h float64) int { return int(stepsTo(48.1, 40, 3)(h)) }, half(0.25), ledger.OutcomeUnverified, false},
	} {
		t.Run(name, func(t *testing.T) {
			c2 := course{"tone", 72, c.perHour, stepsTo(0, 0.5, 0.5), incident(40)}
			at, _, look := c2.seenAt(t, c2.served(t, 4), 72, unchanged, false, looked(48, 48.05), applied(48.1, c.outcome, "local", c.state))
			got := slices.ContainsFunc(look.Health.Problems, func(f ledger.Finding) bool { return f.Code == "ramp_unseen" })
			if got != c.says || at.moved || len(look.Epochs) != 2 || look.Epochs[1].Seen != nil {
				t.Errorf("told %t, moved %t, epochs %+v, problems %+v", got, at.moved, look.Epochs, look.Health.Problems)
			}
			if wantOpened := map[string]string{ledger.OutcomeUnverified: ledger.OpenedAccepted, ledger.OutcomeDelivered: ledger.OpenedReadBack}[c.outcome]; look.Epochs[1].Opened != wantOpened {
				t.Errorf("opened %q, want %q", look.Epochs[1].Opened, wantOpened)
			}
		})
	}
}

// TestOutcomesMoveNothing: the statement that epochs are found with has no fact in it.
func TestOutcomesMoveNothing(t *testing.T) {
	c := course{"tone", 60, steady(80), stepsTo(27.2, 0.1, 0.5), incident(25.5)}
	at, _, one := c.seenAt(t, c.served(t, 7), 60, unchanged, false, weightsStore(divided(1, 0.5))...)
	c.fails = incident(50) // The draws of exposures stay, those of failures change.
	_, _, other := c.seenAt(t, c.served(t, 7), 60, unchanged, false, weightsStore(divided(1, 0.5))...)
	if !at.moved || *one.Epochs[1].Seen != *other.Epochs[1].Seen || one.Metrics[0].Comparisons[0].Control.Value == other.Metrics[0].Comparisons[0].Control.Value {
		t.Errorf("%+v, then %+v", one.Epochs[1].Seen, other.Epochs[1].Seen)
	}
}
