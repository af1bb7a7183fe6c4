package job

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

// ErrNothingProposed says that there is no proposal that could be applied.
var ErrNothingProposed = errors.New("nothing is proposed")

// Apply records that a person wants done what the last look of an experiment
// proposes; the outbox then owes it. A proposal that was applied is not applied
// again. Errors: ErrNothingProposed, with what the last look decided; those of the
// ledger.
func (j *Job) Apply(e *spec.Experiment, by, note string) (*ledger.Approval, error) {
	last, err := Latest(j.Ledger, e.Name)
	if err != nil {
		return nil, errLedger{err}
	}
	if last == nil {
		return nil, fmt.Errorf("%w: %s has not been looked at", ErrNothingProposed, e.Name)
	}
	events, err := j.Ledger.Events(e.Name)
	if err != nil {
		return nil, errLedger{err}
	}
	look := &last.Body
	if reason := unfit(events, last); reason != "" {
		return nil, fmt.Errorf("%w: %s", ErrNothingProposed, reason)
	}
	a := &ledger.Approval{ID: look.ID, Experiment: e.Name, AsOf: look.AsOf, By: by, Note: note}
	a.Decision.Verdict, a.Decision.Summary = look.Decision.Verdict, look.Decision.Summary
	for _, store := range e.Flag.Stores {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00applied", look.ID, store, last.Seq))
		a.Deliveries = append(a.Deliveries, ledger.Delivery{
			ID: "assay_" + hex.EncodeToString(sum[:12]), Store: store, FlagKey: e.Flag.Key,
			Expected: look.Allocation, Target: *look.Decision.Target,
		})
	}
	if len(a.Deliveries) == 0 {
		return nil, fmt.Errorf("%w: %s names no flag store", ErrNothingProposed, e.Name)
	}
	return a, j.record(a)
}

// unfit says why the proposal of a look cannot be applied; "" = it can.
func unfit(events *ledger.History, last *ledger.Entry[ledger.Look]) string {
	look := &last.Body
	when := "the last look, as of " + minute(look.AsOf) + ", "
	switch {
	case !look.Decision.Proposal || look.Decision.Target == nil:
		return when + "decided " + string(look.Decision.Verdict) + " and proposes nothing"
	case lastClear(events) > last.Seq:
		return "it was cleared after the last look, as of " + minute(look.AsOf)
	case slices.ContainsFunc(events.Approvals, func(a ledger.Entry[ledger.Approval]) bool { return a.Body.ID == look.ID && a.Seq > last.Seq }):
		return "what " + when + "proposes is being applied already"
	case slices.ContainsFunc(events.Observed, func(o ledger.Entry[ledger.Observed]) bool { return o.Seq > last.Seq }):
		return "the flag was changed by a person after the last look; take another look first"
	}
	return ""
}

// approved is the end that a person had applied and that every store took, since
// the last clear; nil = there is none.
func (p *past) approved() *decide.Terminal {
	for _, a := range slices.Backward(p.Approvals) {
		if a.Seq < lastClear(p.History) {
			return nil
		}
		v := a.Body.Decision.Verdict
		if v != decide.Rollback && v != decide.Ship {
			continue
		}
		ids := make([]string, len(a.Body.Deliveries))
		for i, d := range a.Body.Deliveries {
			ids[i] = d.ID
		}
		if p.arrived(ids) {
			return &decide.Terminal{Verdict: v, At: a.At.UTC(), By: byPerson}
		}
	}
	return nil
}
