package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// vantage is where one look stands: the experiment, the instant, and what the
// ledger and the flag store say about it before any row is read.
type vantage struct {
	project    *spec.Project
	experiment *spec.Experiment // Start moved to the last clear
	asOf       time.Time
	id, digest string
	plan       ledger.Plan
	newPlan    bool
	previous   *ledger.Look // last look that decided; nil = none
	version    int
	number     int
	backfill   bool
	epochs     []epoch
	allocation decide.Allocation // present state of the flag
	source     string            // where it was read
	unreadable string            // why the store's state is not understood
	strayed    bool              // a person changed the flag since the last look
}

// epoch is a span with a constant allocation.
type epoch struct {
	start, settled time.Time
	allocation     decide.Allocation
}

const tolerance = 1e-6 // of shares: stores round weights

// newVantage derives the standing of an experiment from the ledger alone; what
// the flag store says is added by prepare.
func newVantage(p *spec.Project, e *spec.Experiment, h *ledger.History, asOf time.Time) *vantage {
	at := &vantage{project: p, asOf: asOf, digest: p.Digest(e), source: "spec"}
	at.id = lookID(e.Name, asOf, at.digest)
	at.experiment = restarted(e, h)
	at.setPlan(e, h)
	at.setPrevious(h)
	at.setEpochs(h)
	at.allocation = at.epochs[len(at.epochs)-1].allocation
	return at
}

func lookID(name string, asOf time.Time, digest string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + asOf.UTC().Format(time.RFC3339Nano) + "\x00" + digest))
	return hex.EncodeToString(sum[:8])
}

// restarted moves the start to the last clear: what came before is no longer
// evidence.
func restarted(e *spec.Experiment, h *ledger.History) *spec.Experiment {
	if len(h.Clears) == 0 {
		return e
	}
	moved := *e
	if last := h.Clears[len(h.Clears)-1]; last.At.After(e.Start.Time) {
		moved.Start = spec.Instant{Time: last.At.UTC()}
	}
	return &moved
}

// lastClear is the sequence number of the last clear; 0 = none.
func lastClear(h *ledger.History) int64 {
	if len(h.Clears) == 0 {
		return 0
	}
	return h.Clears[len(h.Clears)-1].Seq
}

// setPlan finds the version of what is fixed before data, or starts one.
func (at *vantage) setPlan(e *spec.Experiment, h *ledger.History) {
	digest, fields := at.project.PlanDigest(e)
	at.plan = ledger.Plan{Experiment: e.Name, Version: 1, PlanDigest: digest, Fields: fields, AsOf: at.asOf}
	at.newPlan = true
	if len(h.Plans) == 0 {
		return
	}
	last := h.Plans[len(h.Plans)-1]
	changed := changedFields(last.Body.Fields, fields)
	if last.Seq < lastClear(h) {
		changed = append(changed, "cleared")
	}
	if last.Body.PlanDigest == digest && len(changed) == 0 {
		at.plan, at.newPlan = last.Body, false
		return
	}
	at.plan.Version = last.Body.Version + 1
	at.plan.Changed = changed
}

func changedFields(before, after map[string]string) []string {
	var out []string
	for name, value := range after {
		if old, ok := before[name]; !ok || old != value {
			out = append(out, name)
		}
	}
	for name := range maps.Keys(before) {
		if _, ok := after[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// setPrevious finds the last look that decided, and whether this one is older.
func (at *vantage) setPrevious(h *ledger.History) {
	at.number = 1
	for i := range h.Looks {
		look := &h.Looks[i].Body
		if look.Backfill {
			continue
		}
		if look.AsOf.Before(at.asOf) {
			if look.Version == at.plan.Version && look.Failed == "" {
				at.number++
			}
			if h.Looks[i].Seq > lastClear(h) && (at.previous == nil || !look.AsOf.Before(at.previous.AsOf)) {
				at.previous = look
			}
			continue
		}
		if look.ID != at.id || look.Failed == "" {
			at.backfill = true
		}
	}
}

// initial is the allocation that the spec starts with.
func initial(e *spec.Experiment) decide.Allocation {
	a := decide.Allocation{Coverage: e.Coverage, KnownGood: e.KnownGood().ID}
	if len(e.Ladder) > 0 {
		a.Coverage = e.Ladder[0]
	}
	for _, v := range e.Variations {
		a.Arms = append(a.Arms, decide.Arm{Variation: v.ID, Weight: v.Weight})
	}
	return a
}

// change is an allocation that came into force.
type change struct {
	seq   int64
	at    time.Time
	state decide.Allocation
}

// setEpochs lists the spans with constant weights: the spec's until the first
// change that was read back from the store or seen in it.
func (at *vantage) setEpochs(h *ledger.History) {
	start := at.experiment.Start.Time
	current := initial(at.experiment)
	var later []epoch
	for _, c := range changes(h) {
		if same(c.state, current) {
			continue
		}
		current = c.state
		if !c.at.After(start) {
			continue
		}
		later = append(later, epoch{start: c.at, settled: c.at.Add(at.experiment.Policy.Settle.Duration), allocation: c.state})
	}
	first := initial(at.experiment)
	for _, c := range changes(h) {
		if !c.at.After(start) {
			first = c.state
		}
	}
	at.epochs = []epoch{{start: start, settled: start, allocation: first}}
	for _, e := range later {
		if e.start.Before(at.asOf) || !at.backfill {
			at.epochs = append(at.epochs, e)
		}
	}
}

// changes lists what attempts applied and what persons did, in order.
func changes(h *ledger.History) []change {
	var out []change
	for _, a := range h.Attempts {
		applied := a.Body.Outcome == ledger.OutcomeDelivered || a.Body.Outcome == ledger.OutcomeUnverified
		if applied && a.Body.State != nil {
			out = append(out, change{a.Seq, a.At.UTC(), *a.Body.State})
		}
	}
	for _, o := range h.Observed {
		out = append(out, change{o.Seq, o.At.UTC(), o.Body.State})
	}
	slices.SortFunc(out, func(a, b change) int { return int(a.seq - b.seq) })
	return out
}

// same compares allocations up to the rounding of stores.
func same(a, b decide.Allocation) bool {
	av, aok := a.Sole()
	bv, bok := b.Sole()
	if aok || bok {
		return aok && bok && av == bv
	}
	if math.Abs(a.Coverage-b.Coverage) > tolerance {
		return false
	}
	weights := map[string]float64{}
	for _, arm := range a.Arms {
		weights[arm.Variation] += arm.Weight
	}
	for _, arm := range b.Arms {
		weights[arm.Variation] -= arm.Weight
	}
	for _, w := range weights {
		if math.Abs(w) > tolerance {
			return false
		}
	}
	return true
}

// skip says why no look is taken; "" = it is.
func (at *vantage) skip() string {
	e := at.experiment
	if !at.asOf.After(e.Start.Time) {
		return fmt.Sprintf("starts on %s", e.Start.UTC().Format("2006-01-02 15:04Z"))
	}
	if at.previous != nil && at.previous.Standing.Ended != nil && !at.previous.AsOf.Before(e.End()) {
		return fmt.Sprintf("over since %s", at.previous.Standing.Ended.At.UTC().Format("2006-01-02"))
	}
	return ""
}

// dataEpochs are the epochs that can have data at as-of.
func (at *vantage) dataEpochs() []epoch {
	var out []epoch
	for i, e := range at.epochs {
		if i == 0 || e.start.Before(at.asOf) {
			out = append(out, e)
		}
	}
	return out
}

// look is the part of the vantage that SQL depends on.
func (at *vantage) look() queries.Look {
	l := queries.Look{AsOf: at.asOf}
	for _, e := range at.dataEpochs() {
		l.Epochs = append(l.Epochs, queries.Epoch{Start: e.start, Settled: e.settled})
	}
	return l
}

// ended is the end that was reached before this look, by assay or by a person.
func (at *vantage) ended() *decide.Terminal {
	if at.previous != nil && at.previous.Standing.Ended != nil {
		return at.previous.Standing.Ended
	}
	if !at.strayed {
		return nil
	}
	sole, ok := at.allocation.Sole()
	if !ok {
		return nil
	}
	verdict := decide.Ship
	if sole == at.allocation.KnownGood {
		verdict = decide.Rollback
	}
	return &decide.Terminal{Verdict: verdict, At: at.epochs[len(at.epochs)-1].start, By: "a person"}
}

// step finds the rung of the ladder that the flag stands on.
func (at *vantage) step() decide.Step {
	e := at.experiment
	s := decide.Step{Index: -1, Since: at.epochs[len(at.epochs)-1].start}
	rungs := e.Ladder
	if len(rungs) == 0 {
		rungs = []float64{e.Coverage}
	}
	if _, sole := at.allocation.Sole(); !sole {
		s.Coverage = at.allocation.Coverage
		for i, rung := range rungs {
			if rung <= at.allocation.Coverage+tolerance {
				s.Index = i
			}
		}
		s.Index = max(s.Index, 0)
	}
	if next := s.Index + 1; next < len(rungs) {
		s.Next = &rungs[next]
		s.Due = e.Start.Add(e.Duration.Duration / 4 * time.Duration(next) / time.Duration(len(rungs)))
	}
	s.LastRung = s.Index == len(rungs)-1
	return s
}

// Script renders the statements of a look without a warehouse, with the epochs
// that the ledger knows.
func Script(p *spec.Project, e *spec.Experiment, h *ledger.History, asOf time.Time, d queries.Dialect) (*queries.Script, error) {
	at := newVantage(p, e, h, asOf)
	return queries.Render(p, at.experiment, at.look(), d)
}
