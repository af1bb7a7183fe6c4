package job

import (
	"context"
	"slices"

	"assay/connectors/flags"
	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

// What an earlier look decided and could not deliver may be out of date: in the
// meantime harm may have become known. What narrows exposure is never wrong to send at
// once; what widens it waits for the look that the run takes anyway.

// beforeLooks gives what a run sends before it looks at these experiments: first what
// narrows exposure, then what is owed to the others.
func beforeLooks(experiments []*spec.Experiment) func([]ledger.Pending) []ledger.Pending {
	return func(live []ledger.Pending) []ledger.Pending {
		var first, others []ledger.Pending
		for _, p := range live {
			switch {
			case !widens(p.Delivery):
				first = append(first, p)
			case !slices.ContainsFunc(experiments, func(e *spec.Experiment) bool { return e.Name == p.Experiment }):
				others = append(others, p)
			}
		}
		return append(first, others...)
	}
}

// widens tells whether a delivery lets more units have another variation than the
// known-good one. A proposal changes nothing.
func widens(d ledger.Delivery) bool {
	if d.Proposal {
		return false
	}
	before := map[string]float64{}
	for _, arm := range d.Expected.Arms {
		before[arm.Variation] += d.Expected.Coverage * arm.Weight
	}
	return slices.ContainsFunc(d.Target.Arms, func(arm decide.Arm) bool {
		return arm.Variation != d.Target.KnownGood && d.Target.Coverage*arm.Weight > before[arm.Variation]+tolerance
	})
}

// holdBack ends deliveries of earlier looks that widen exposure, where the look that
// this run took would not: it holds, or has to be reviewed. What a person had applied,
// and what another store has taken already, is gone on with.
func (j *Job) holdBack(ctx context.Context, results []Result) ([]Delivered, error) {
	pending, err := j.Ledger.Outbox()
	if err != nil {
		return nil, errLedger{err}
	}
	live, _ := ledger.Supersede(pending)
	var out []Delivered
	for _, p := range live {
		look := newerLook(results, p)
		if look == nil || !widens(p.Delivery) || ctx.Err() != nil {
			continue
		}
		ok, err := j.untouched(ctx, p)
		if err != nil {
			return out, err
		}
		if !ok {
			continue
		}
		a := attempt(p, ledger.OutcomeSuperseded, "the look as of "+minute(look.AsOf)+" decided "+string(look.Decision.Verdict)+", which widens nothing")
		if err := j.record(a); err != nil {
			return out, err
		}
		out = append(out, Delivered{p, a})
	}
	return out, nil
}

// newerLook is the look of this run that speaks against a delivery of an earlier one;
// nil = there is none.
func newerLook(results []Result, p ledger.Pending) *ledger.Look {
	for _, r := range results {
		k := r.Look
		if k == nil || r.Experiment != p.Experiment || k.Backfill || k.ID == p.LookID || !k.AsOf.After(p.AsOf) {
			continue
		}
		if k.Decision.Verdict == decide.Hold || k.Decision.Verdict == decide.Review {
			return k
		}
	}
	return nil
}

// untouched tells whether a delivery can be ended without a trace: no person had it
// applied, no other store has taken its like, and its own store still serves what it
// was decided on. A store that cannot be asked keeps what is owed to
// it, and one that has the change, or a person's, is answered by sending; so is one
// that tells nothing, which may have the change.
func (j *Job) untouched(ctx context.Context, p ledger.Pending) (bool, error) {
	events, err := j.Ledger.Events(p.Experiment)
	if err != nil {
		return false, errLedger{err}
	}
	if slices.ContainsFunc(events.Approvals, func(a ledger.Entry[ledger.Approval]) bool { return a.Seq == p.LookSeq }) {
		return false, nil
	}
	debts, err := j.Ledger.Debts(p.Experiment)
	if err != nil {
		return false, errLedger{err}
	}
	known := &past{History: events}
	for _, debt := range debts {
		if debt.Seq == p.LookSeq && slices.ContainsFunc(debt.Body.Deliveries, func(d ledger.Delivery) bool { return known.arrived([]string{d.ID}) }) {
			return false, nil
		}
	}
	store, ok := j.Stores[p.Delivery.Store]
	if !ok {
		return false, nil
	}
	state, err := store.Read(ctx, p.Delivery.FlagKey)
	return err == nil && state.Known && flags.Same(*state.Allocation, p.Delivery.Expected, state.Unit), nil
}
