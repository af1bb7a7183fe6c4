package job

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"assay/connectors/flags"
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
	past       *past
	asOf       time.Time
	id, digest string
	plan       ledger.Plan
	newPlan    bool
	previous   *ledger.Look // last look that decided; nil = none
	number     int
	// backfill: as-of is not newer than the last decided one. Unless told
	// otherwise such a look acts on nothing.
	backfill, acts bool
	epochs         []epoch
	allocation     decide.Allocation // present state of the flag
	source         string            // where it was read
	foreign        string            // what a person made of the flag, where that is no allocation
	unread         string            // why the store did not tell its state
	strayed        bool              // a person changed the flag since the last look
	dry            bool              // nothing is recorded
	full           bool              // nothing that earlier looks kept is used
	anew           bool              // what the warehouse answered before does not count
	beside         bool              // another experiment's variations are its slices
}

// epoch is a span with a constant allocation.
type epoch struct {
	start, settled time.Time
	allocation     decide.Allocation
}

const (
	tolerance = 1e-6 // of shares: stores round weights
	byAssay   = "assay"
	byPerson  = "a person"
)

// newVantage derives the standing of an experiment from the ledger alone; what
// the flag store says is added by prepare.
func newVantage(p *spec.Project, e *spec.Experiment, past *past, o Options) *vantage {
	at := &vantage{
		project: p, experiment: restarted(e, past.History), past: past, asOf: o.AsOf, digest: p.Digest(e), source: "spec",
		previous: past.look(), backfill: past.older, acts: !past.older || o.DeliverBackfill,
	}
	at.id = lookID(e.Name, o.AsOf, at.digest)
	at.setPlan(e)
	at.setNumber()
	at.setEpochs()
	at.allocation = at.epochs[len(at.epochs)-1].allocation
	at.strayed = at.acts && at.previous != nil && slices.ContainsFunc(past.Observed, func(o ledger.Entry[ledger.Observed]) bool {
		return o.Seq > past.previous.Seq
	})
	return at
}

// computed names for the warehouse what is computed: a run that begins anew may go
// on with it. What is computed anew on purpose has no name.
func (at *vantage) computed() string {
	if at.anew {
		return ""
	}
	return at.id
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

// setPlan finds the version of what is fixed before data, or starts one.
func (at *vantage) setPlan(e *spec.Experiment) {
	h := at.past.History
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

// setNumber counts the looks of this version that did not fail.
func (at *vantage) setNumber() {
	at.number = 1
	if p := at.previous; p != nil && p.Version == at.plan.Version {
		at.number = p.Number + 1
		if p.Failed != "" {
			at.number = p.Number
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

// setEpochs lists the spans with constant weights: the first split until the
// first change that was read back from the store or seen in it.
func (at *vantage) setEpochs() {
	start := at.experiment.Start.Time
	current := at.first()
	at.epochs = []epoch{{start: start, settled: start, allocation: current}}
	for _, c := range at.changes() {
		switch {
		case !c.at.After(start):
			current = c.state
			at.epochs[0].allocation = current
		case !same(c.state, current) && (c.at.Before(at.asOf) || at.acts):
			current = c.state
			at.epochs = append(at.epochs, at.epochFrom(c.at, current))
		}
	}
}

func (at *vantage) epochFrom(start time.Time, state decide.Allocation) epoch {
	return epoch{start: start, settled: start.Add(at.experiment.Policy.Settle.Duration), allocation: state}
}

// first is the split at the start: what the look before found it to be, so that
// an edited spec does not change what was, and otherwise the spec's.
func (at *vantage) first() decide.Allocation {
	from := initial(at.experiment)
	if p := at.previous; p != nil && len(p.Epochs) > 0 && p.Epochs[0].Start.Equal(at.experiment.Start.Time) {
		return flags.Conform(p.Epochs[0].Allocation, from)
	}
	return from
}

// changes lists what attempts applied and what persons did, in order. Where
// there is no flag store the spec is what the product does, and a version with
// another split is a change.
func (at *vantage) changes() []change {
	var out []change
	stores := at.experiment.Flag.Stores
	for _, a := range at.past.Attempts {
		applied := took(a.Body)
		// The first store is the one that is asked; another may lag behind it.
		if applied && a.Body.State != nil && slices.Index(stores, a.Body.Store) <= 0 {
			out = append(out, change{a.Seq, a.At.UTC(), *a.Body.State})
		}
	}
	for _, o := range at.past.Observed {
		out = append(out, change{o.Seq, o.At.UTC(), o.Body.State})
	}
	if len(stores) == 0 {
		out = append(out, at.edits()...)
	}
	slices.SortStableFunc(out, func(a, b change) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// edits are the splits that versions of the spec brought: those the look before
// knew, and the present one.
func (at *vantage) edits() []change {
	var out []change
	if at.previous != nil {
		for _, e := range at.previous.Epochs {
			out = append(out, change{0, e.Start, e.Allocation})
		}
	}
	if n := len(at.past.Plans); n > 1 && !at.newPlan {
		plan := at.past.Plans[n-1]
		out = append(out, change{plan.Seq, plan.At.UTC(), initial(at.experiment)})
	}
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
func (at *vantage) skip(mode Mode) string {
	e := at.experiment
	if mode == ModeRefresh {
		return fmt.Sprintf("the ledger has no look as of %s to refresh", minute(at.asOf))
	}
	if !at.asOf.After(e.Start.Time) {
		return fmt.Sprintf("starts on %s", e.Start.UTC().Format("2006-01-02 15:04Z"))
	}
	if end := at.confirmed(); end != nil && !at.previous.AsOf.Before(e.End()) {
		return fmt.Sprintf("over since %s", end.At.UTC().Format("2006-01-02"))
	}
	return ""
}

// span is a time during which units were exposed without a break.
type span struct {
	from time.Time
	to   *time.Time // nil = they still are
}

// exposed is the last span in which units were exposed; ok is false where there
// was none.
func (at *vantage) exposed() (s span, ok bool) {
	for i := range slices.Backward(at.epochs) {
		e := &at.epochs[i]
		switch _, sole := e.allocation.Sole(); {
		case !sole:
			s.from, ok = e.start, true
		case ok:
			return s, true
		default:
			s.to = &e.start
		}
	}
	return s, ok
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
		l.Skewed = l.Skewed || uneven(e.allocation)
	}
	return l
}

// uneven tells whether an allocation's arms differ in size.
func uneven(a decide.Allocation) bool {
	_, sole := a.Sole()
	return !sole && slices.ContainsFunc(a.Arms, func(arm decide.Arm) bool {
		return math.Abs(arm.Weight-a.Arms[0].Weight) > tolerance
	})
}

// ended is the end that was reached before this look, by assay or by a person.
func (at *vantage) ended() *decide.Terminal {
	if end := at.confirmed(); end != nil {
		return end
	}
	if at.past.ended != nil {
		return at.past.ended
	}
	if end := at.past.approved(); end != nil {
		return end
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
	return &decide.Terminal{Verdict: verdict, At: at.epochs[len(at.epochs)-1].start, By: byPerson}
}

// confirmed is the end that the look before handed on. One that assay ordered
// and that no store took has ended nothing: it is decided anew.
func (at *vantage) confirmed() *decide.Terminal {
	if at.previous == nil || at.previous.Standing.Ended == nil {
		return nil
	}
	s := at.previous.Standing
	if s.Ended.By == byAssay && !at.past.arrived(s.Owes) {
		return nil
	}
	return s.Ended
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
		s.Due = e.Start.Add(due(e, next))
	}
	s.LastRung = s.Coverage >= rungs[len(rungs)-1]-tolerance
	return s
}

// Script renders the statements of a look without a warehouse, with the epochs
// that the ledger knows.
func Script(p *spec.Project, e *spec.Experiment, h *ledger.History, asOf time.Time, d queries.Dialect) (*queries.Script, error) {
	known := &past{History: h}
	for _, look := range slices.Backward(h.Looks) {
		if known.meet(&look, asOf) {
			break
		}
	}
	at := newVantage(p, e, known, Options{AsOf: asOf})
	return queries.Render(p, at.experiment, at.look(), d)
}
