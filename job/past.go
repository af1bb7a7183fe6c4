package job

import (
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

// past is what the ledger knows of an experiment when a look as of one instant
// begins. However long the history, few of its looks are decoded.
type past struct {
	*ledger.History // plans, attempts, changes and clears; its looks are not used
	// previous is the last look that decided before as-of, since the last clear.
	previous *ledger.Entry[ledger.Look]
	// known is this very look, as it was written last.
	known *ledger.Look
	// looks is how many looks the ledger has.
	looks int
	// older: a look as of this instant or a later one has decided already.
	older bool
	// ended is an end that a look brought which was delivered although it was older.
	ended *decide.Terminal
}

// recall reads the past of an experiment. Looks that decided lie in the ledger
// in the order of their as-of, so that the search ends at the first one that
// is older.
func recall(l *ledger.Ledger, name string, asOf time.Time, id string) (*past, error) {
	events, err := l.Events(name)
	if err != nil {
		return nil, err
	}
	seqs := l.LookSeqs(name)
	p := &past{History: events, looks: len(seqs)}
	for _, seq := range slices.Backward(seqs) {
		look, err := l.LookAt(seq)
		if err != nil {
			return nil, err
		}
		if look.Body.ID == id && p.known == nil {
			p.known = &look.Body
		}
		if p.meet(look, asOf) {
			break
		}
	}
	if p.known != nil {
		return p, nil
	}
	known, err := l.FindLook(id)
	if known != nil {
		p.known = &known.Body
	}
	return p, err
}

// meet takes in a look, the newest first, and tells whether that was enough.
func (p *past) meet(look *ledger.Entry[ledger.Look], asOf time.Time) (enough bool) {
	fresh := look.Seq > lastClear(p.History)
	if look.Body.Backfill {
		if fresh && p.ended == nil && ends(look.Body.Decision) && p.sent(look.Body.Deliveries) {
			p.ended = look.Body.Standing.Ended
		}
		return false
	}
	if look.Body.AsOf.Before(asOf) {
		if fresh {
			p.previous = look
		}
		return true
	}
	// A failed look is there to be repeated, also after the spec was mended.
	p.older = p.older || look.Body.Failed == "" || look.Body.AsOf.After(asOf)
	return false
}

// arrived tells whether all these deliveries were taken by their stores, but for
// those whose store the spec has no more, as long as another took its own.
func (p *past) arrived(ids []string) bool {
	taken := 0
	for _, id := range ids {
		i := slices.IndexFunc(p.Attempts, func(a ledger.Entry[ledger.Attempt]) bool {
			return a.Body.Delivery == id && (took(a.Body) || a.Body.Outcome == ledger.OutcomeWithdrawn)
		})
		if i < 0 {
			return false
		}
		if took(p.Attempts[i].Body) {
			taken++
		}
	}
	return taken > 0 || len(ids) == 0
}

// closedAt tells whether it was a delivery that changed the flag at an instant.
func (p *past) closedAt(at time.Time) bool {
	return slices.ContainsFunc(p.Attempts, func(a ledger.Entry[ledger.Attempt]) bool { return took(a.Body) && a.At.Equal(at) })
}

// took tells whether the store took what was delivered.
func took(a ledger.Attempt) bool {
	return a.Outcome == ledger.OutcomeDelivered || a.Outcome == ledger.OutcomeUnverified
}

// sent tells whether any of the deliveries went out, or still is to.
func (p *past) sent(deliveries []ledger.Delivery) bool {
	return slices.ContainsFunc(deliveries, func(d ledger.Delivery) bool {
		return !slices.ContainsFunc(p.Attempts, func(a ledger.Entry[ledger.Attempt]) bool {
			return a.Body.Delivery == d.ID && (a.Body.Outcome == ledger.OutcomeSuperseded || a.Body.Outcome == ledger.OutcomeWithdrawn)
		})
	})
}

// ends tells whether a decision ends an experiment.
func ends(d decide.Decision) bool {
	return !d.Proposal && (d.Verdict == decide.Rollback || d.Verdict == decide.Ship)
}

// lastClear is the sequence number of the last clear; 0 = none.
func lastClear(h *ledger.History) int64 {
	if len(h.Clears) == 0 {
		return 0
	}
	return h.Clears[len(h.Clears)-1].Seq
}

// look is the previous look; nil = none.
func (p *past) look() *ledger.Look {
	if p.previous == nil {
		return nil
	}
	return &p.previous.Body
}
