package flags

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"assay/decide"
)

// Outcomes of a delivery; all but OutcomeUnavailable end it.
const (
	OutcomeDelivered   = "delivered"   // the flag is in the target state, read back
	OutcomeProposed    = "proposed"    // handed over as a proposal, applied nowhere
	OutcomeUnverified  = "unverified"  // accepted; the store cannot tell its state
	OutcomeConflict    = "conflict"    // a person changed the flag; nothing was written
	OutcomeRefused     = "refused"     // the store will never take it as it is
	OutcomeUnavailable = "unavailable" // not now; a later delivery can help
	OutcomeApproval    = "approval"    // a person has to approve it in the store first; nothing is applied
	OutcomeDisabled    = "disabled"    // the receiver asked for no more deliveries
)

// outcomeWritten is between a change that was accepted and its verification.
const outcomeWritten = "written"

// Result is what became of a delivery.
type Result struct {
	Outcome string
	// State is what the store served when it was last read; nil where it does
	// not tell or tells something that is not an allocation.
	State   *decide.Allocation
	Message string
	// Retryable: the same delivery may succeed later, with the same id; not
	// before RetryAfter has passed, where that is not 0.
	Retryable  bool
	RetryAfter time.Duration
}

// Patience is how long one delivery keeps trying before it is left to the
// next run.
type Patience struct {
	Tries uint // at least 1; of the change, and again of reading it back
	// First is the pause after the first failure; each further one is twice as
	// long.
	First time.Duration
	// Longest is the longest wait that a store may ask for within a run.
	Longest time.Duration
}

// Deliver brings a flag to the change's target and makes sure that it is
// there, with up to three tries. It never overwrites a state that is neither
// the target nor the one the change expects.
func Deliver(ctx context.Context, store Store, change Change) Result {
	return DeliverWith(ctx, store, change, Patience{Tries: 3, First: 500 * time.Millisecond, Longest: 10 * time.Second})
}

// DeliverWith is Deliver with another patience.
func DeliverWith(ctx context.Context, store Store, change Change, patience Patience) Result {
	if err := change.check(); err != nil {
		return Result{Outcome: OutcomeRefused, Message: err.Error()}
	}
	r := patience.try(ctx, func() Result { return hand(ctx, store, change) })
	if r.Outcome != outcomeWritten {
		return r
	}
	return patience.try(ctx, func() Result { return verify(ctx, store, change) })
}

// errAgain only tells the retry loop to go on.
var errAgain = errors.New("again")

func (p Patience) try(ctx context.Context, once func() Result) Result {
	var last Result
	pauses := &backoff.ExponentialBackOff{InitialInterval: p.First, Multiplier: 2, MaxInterval: p.Longest}
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		last = once()
		return struct{}{}, p.again(last)
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(max(1, p.Tries)), backoff.WithMaxElapsedTime(0))
	return last
}

func (p Patience) again(r Result) error {
	switch {
	case !r.Retryable || r.RetryAfter > p.Longest:
		return nil
	case r.RetryAfter > 0:
		return &backoff.RetryAfterError{Duration: r.RetryAfter}
	default:
		return errAgain
	}
}

// hand reads, compares and applies. Each try reads anew: one that seemed to
// fail may have arrived.
func hand(ctx context.Context, store Store, c Change) Result {
	state, err := store.Read(ctx, c.FlagKey)
	if err != nil {
		return failed(err)
	}
	if r, over := compare(state, c); over {
		return r
	}
	c = c.from(state)
	if err := store.Apply(ctx, c); err != nil {
		return failed(err)
	}
	switch {
	case c.Proposal:
		return Result{Outcome: OutcomeProposed, State: state.Allocation, Message: "proposed, not applied"}
	case state.Untold:
		return Result{Outcome: OutcomeUnverified, Message: "accepted, not verified: " + state.Message}
	}
	return Result{Outcome: outcomeWritten}
}

// compare tells whether the present state ends the delivery before anything is
// written.
func compare(state State, c Change) (r Result, over bool) {
	switch problem := standing(state, c); {
	case state.Untold:
		return Result{}, false
	case problem != "":
		r = Result{Outcome: OutcomeConflict, Message: ErrConflict.Error() + ": " + problem}
	case c.reached(state):
		r = Result{Outcome: OutcomeDelivered, Message: "the flag was in this state already"}
	default:
		return Result{}, false
	}
	r.State = conformed(state, c)
	return r, true
}

// standing says what a person made of the flag, or nothing where it is in the
// state the change expects or in its target.
func standing(state State, c Change) string {
	switch {
	case state.Untold:
		return ""
	case !state.Known:
		return state.Message
	case c.reached(state), c.origin(state) != nil:
		return ""
	}
	return fmt.Sprintf("found %s; expected %s", describe(Conform(*state.Allocation, c.Expected)), describe(c.Expected))
}

// reached tells whether the flag is in the target state.
func (c Change) reached(state State) bool {
	return Same(Conform(*state.Allocation, c.Target), c.Target, state.Unit)
}

// origin is which of the states that the change may start from the flag is in;
// nil = a person made it into another.
func (c Change) origin(state State) *decide.Allocation {
	present := Conform(*state.Allocation, c.Expected)
	for _, a := range append([]decide.Allocation{c.Expected}, c.Left...) {
		if Same(present, a, state.Unit) {
			return &a
		}
	}
	return nil
}

// from expects the state that the flag is in, where the change may start there.
func (c Change) from(state State) Change {
	if !state.Untold && state.Known {
		if a := c.origin(state); a != nil {
			c.Expected = *a
		}
	}
	return c
}

// verify reads back what was accepted.
func verify(ctx context.Context, store Store, c Change) Result {
	state, err := store.Read(ctx, c.FlagKey)
	if err != nil {
		r := failed(err)
		r.Outcome, r.Retryable = OutcomeUnavailable, true
		r.Message = "accepted, but it could not be read back: " + r.Message
		return r
	}
	switch {
	case state.Untold:
		return Result{Outcome: OutcomeUnverified, Message: "accepted, not verified: " + state.Message}
	case !state.Known:
		return mismatch(state, c, state.Message)
	case !c.reached(state):
		return mismatch(state, c, "found "+describe(*conformed(state, c)))
	}
	return Result{Outcome: OutcomeDelivered, State: conformed(state, c), Message: "written and read back"}
}

func mismatch(state State, c Change, found string) Result {
	return Result{
		Outcome: OutcomeUnavailable, State: conformed(state, c), Retryable: true,
		Message: fmt.Sprintf("not what was written: %s; written was %s", found, describe(c.Target)),
	}
}

// conformed is the state that was read in the terms of the change, nil where
// it is not an allocation.
func conformed(state State, c Change) *decide.Allocation {
	if !state.Known {
		return nil
	}
	a := Conform(*state.Allocation, c.Target)
	return &a
}

// failed turns a store's error into a result.
func failed(err error) Result {
	if e, ok := errors.AsType[*Error](err); ok {
		return Result{Outcome: outcomes[e.Kind], Message: e.reason(), Retryable: e.Retryable(), RetryAfter: e.RetryAfter}
	}
	return Result{Outcome: OutcomeUnavailable, Message: err.Error(), Retryable: true}
}
