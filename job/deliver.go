package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/connectors/flags"
	"assay/decide"
	"assay/ledger"
)

// Delivered is what became of one delivery.
type Delivered struct {
	Pending ledger.Pending
	Attempt ledger.Attempt
}

// prepare writes look 0 where the plan is new, and asks the flag store for the
// present state: what it says counts from now on.
func (j *Job) prepare(ctx context.Context, at *vantage) error {
	if at.newPlan && !at.dry {
		if err := j.record(at.plan); err != nil {
			return err
		}
		at.newPlan = false
	}
	e := at.experiment
	if len(e.Flag.Stores) == 0 {
		return nil
	}
	at.source = "ledger"
	if !at.acts {
		return nil
	}
	store, ok := j.Stores[e.Flag.Stores[0]]
	if !ok {
		return fmt.Errorf("flag store %s is not open", e.Flag.Stores[0])
	}
	state, err := store.Read(ctx, e.Flag.Key)
	switch {
	case err != nil:
		// The decision does not wait for the store: the outbox does.
		at.unread = err.Error()
		return nil
	case state.Untold:
		return nil
	case !state.Known:
		at.foreign = state.Message
		return nil
	}
	return j.observe(at, store.Name(), flags.Conform(*state.Allocation, initial(e)), state.Unit)
}

// observe takes over what the store serves. Where assay did not set it, a
// person did: that opens an epoch and is recorded.
func (j *Job) observe(at *vantage, store string, state decide.Allocation, unit float64) error {
	if flags.Same(state, at.allocation, unit) {
		at.source = store
		return nil
	}
	owed, err := j.owed(at.experiment.Name, store)
	if err != nil {
		return err
	}
	if owed {
		// A delivery is under way: what the store shows may be half of it.
		return nil
	}
	at.source = store
	seen := ledger.Observed{
		Experiment: at.experiment.Name, Store: store, FlagKey: at.experiment.Flag.Key,
		State: state, Expected: at.allocation,
	}
	if !at.dry {
		if err := j.record(seen); err != nil {
			return err
		}
	}
	ours, err := j.left(at.experiment.Name, store, "")
	if err != nil {
		return err
	}
	own := slices.ContainsFunc(ours, func(a decide.Allocation) bool { return flags.Same(state, a, unit) })
	at.strayed = at.previous != nil && !own
	at.allocation = state
	at.epochs = append(at.epochs, at.epochFrom(j.Now().UTC(), state, ledger.OpenedReadBack))
	return nil
}

// owed tells whether a delivery to the store is still to be made.
func (j *Job) owed(experiment, store string) (bool, error) {
	pending, err := j.Ledger.Outbox()
	if err != nil {
		return false, errLedger{err}
	}
	return slices.ContainsFunc(pending, func(p ledger.Pending) bool {
		return p.Experiment == experiment && p.Delivery.Store == store
	}), nil
}

// Deliver sends what the outbox holds, oldest first. Of several decisions for
// the same store only the newest is sent; the older ones are recorded as
// superseded. One that failed in several runs waits a while, so that frequent runs
// do not beat upon a store that is down. The error is one of the ledger.
func (j *Job) Deliver(ctx context.Context) ([]Delivered, error) { return j.deliver(ctx, pause, all) }

// DeliverNow is Deliver without these waits, for a person who knows that the store
// is up again; what the store itself asked for is kept to.
func (j *Job) DeliverNow(ctx context.Context) ([]Delivered, error) {
	return j.deliver(ctx, func(ledger.Pending) time.Duration { return 0 }, all)
}

// all sends everything, oldest first.
func all(live []ledger.Pending) []ledger.Pending { return live }

// pause is how long a delivery waits after its last failure: not at first, so that
// the next run tries; then five minutes, and half an hour for what is less urgent
// than a rollback.
func pause(p ledger.Pending) time.Duration {
	const soon, later = 5 * time.Minute, 30 * time.Minute
	switch {
	case p.Tries < 3:
		return 0
	case p.Tries < 6 || p.Verdict == decide.Rollback:
		return soon
	}
	return later
}

// deliver sends those of the live deliveries that choose gives, in that order.
func (j *Job) deliver(ctx context.Context, pause func(ledger.Pending) time.Duration, choose func([]ledger.Pending) []ledger.Pending) ([]Delivered, error) {
	pending, err := j.Ledger.Outbox()
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	live, dropped := ledger.Supersede(pending)
	var out []Delivered
	for _, p := range dropped {
		a := attempt(p, ledger.OutcomeSuperseded, "a newer decision took its place")
		if err := j.record(a); err != nil {
			return out, err
		}
		out = append(out, Delivered{p, a})
	}
	for _, p := range choose(live) {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		if _, declared := j.Project.Config.FlagStores[p.Delivery.Store]; !declared {
			a := attempt(p, ledger.OutcomeWithdrawn, "flag store "+p.Delivery.Store+" is not in the spec any more; nothing was sent")
			if err := j.record(a); err != nil {
				return out, err
			}
			out = append(out, Delivered{p, a})
			continue
		}
		next := p.NextTry
		if own := p.LastTry.Add(pause(p)); own.After(next) && pause(p) > 0 {
			next = own
		}
		if next.After(j.Now()) {
			out = append(out, Delivered{p, attempt(p, ledger.OutcomeUnavailable, "waiting until "+next.UTC().Format(time.RFC3339))})
			continue
		}
		a, err := j.send(ctx, p)
		if err != nil {
			return out, err
		}
		j.reached("after-delivery")
		if err := j.record(a); err != nil {
			return out, err
		}
		j.reached("after-attempt")
		out = append(out, Delivered{p, a})
	}
	return out, nil
}

func attempt(p ledger.Pending, outcome, message string) ledger.Attempt {
	return ledger.Attempt{
		Delivery: p.Delivery.ID, Experiment: p.Experiment, Store: p.Delivery.Store, FlagKey: p.Delivery.FlagKey,
		Outcome: outcome, Message: message, Try: p.Tries + 1,
	}
}

// send hands one delivery to its store.
func (j *Job) send(ctx context.Context, p ledger.Pending) (ledger.Attempt, error) {
	store, ok := j.Stores[p.Delivery.Store]
	if !ok {
		a := attempt(p, ledger.OutcomeUnavailable, "flag store "+p.Delivery.Store+" is not open")
		a.Retryable = true
		return a, nil
	}
	change := j.change(p)
	var err error
	if change.Left, err = j.left(p.Experiment, p.Delivery.Store, p.Delivery.ID); err != nil {
		return ledger.Attempt{}, err
	}
	j.reached("before-delivery")
	if err := j.Ledger.Held(ctx); errors.Is(err, ledger.ErrLocked) {
		// This run slept so long that another one took over: that one decides now. A
		// ledger that does not answer stops no delivery, whose decision it has.
		return ledger.Attempt{}, errLedger{fmt.Errorf("ledger: %w", err)}
	}
	r := j.hand(ctx, store, change)
	a := attempt(p, r.Outcome, r.Message)
	a.State, a.Retryable = r.State, r.Retryable
	if r.Outcome == flags.OutcomeUnverified {
		a.State = &p.Delivery.Target
	}
	if r.Outcome == flags.OutcomeUnavailable && r.RetryAfter > 0 {
		a.NextTry = j.Now().UTC().Add(r.RetryAfter)
	}
	return a, nil
}

func (j *Job) hand(ctx context.Context, store flags.Store, change flags.Change) flags.Result {
	if j.Patience == (flags.Patience{}) {
		return flags.Deliver(ctx, store, change)
	}
	return flags.DeliverWith(ctx, store, change, j.Patience)
}

// left are the states that a store may be in without a person having touched
// it: the one that was last confirmed there, and what the deliveries since then
// (but not the named one) may have left, whose end is not known.
func (j *Job) left(experiment, store, except string) ([]decide.Allocation, error) {
	events, err := j.Ledger.Events(experiment)
	if err != nil {
		return nil, errLedger{err}
	}
	var out []decide.Allocation
	confirmed := map[string]bool{}
	for _, a := range events.Attempts {
		if a.Body.Store == store && took(a.Body) && a.Body.State != nil {
			out = []decide.Allocation{*a.Body.State}
			confirmed[a.Body.Delivery] = true
		}
	}
	debts, err := j.Ledger.Debts(experiment)
	if err != nil {
		return nil, errLedger{err}
	}
	for _, debt := range slices.Backward(debts) {
		for _, d := range debt.Body.Deliveries {
			if d.Store != store || d.ID == except || d.Proposal {
				continue // A proposal changes nothing.
			}
			if confirmed[d.ID] {
				return out, nil
			}
			for _, state := range []decide.Allocation{d.Expected, d.Target} {
				if !slices.ContainsFunc(out, func(a decide.Allocation) bool { return same(a, state) }) {
					out = append(out, state)
				}
			}
		}
	}
	return out, nil
}

func (j *Job) change(p ledger.Pending) flags.Change {
	c := flags.Change{
		ID: p.Delivery.ID, Experiment: p.Experiment, FlagKey: p.Delivery.FlagKey,
		Expected: p.Delivery.Expected, Target: p.Delivery.Target,
		Verdict: p.Verdict, Reason: p.Reason, AsOf: p.AsOf, DecidedAt: p.DecidedAt, Proposal: p.Delivery.Proposal,
		Report: j.link(&ledger.Look{Experiment: p.Experiment, AsOf: p.AsOf, ID: p.LookID}),
	}
	if e, ok := j.Project.Experiment(p.Experiment); ok {
		for _, v := range e.Variations {
			if v.Prompt != nil {
				c.Prompts = append(c.Prompts, flags.Prompt{Variation: v.ID, Name: v.Prompt.Name, Version: v.Prompt.Version(), Model: v.Prompt.Model})
			}
		}
	}
	return c
}

// Undelivered counts the decisions that are still owed.
func (j *Job) Undelivered() (int, error) {
	pending, err := j.Ledger.Outbox()
	if err != nil {
		return 0, errors.Join(errors.New("outbox"), err)
	}
	return len(pending), nil
}
