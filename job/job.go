// Package job runs looks: it reads the ledger and the flag store, renders the
// SQL, runs it, weighs the moments, decides, records, and delivers.
//
// In: a spec.Project, an open warehouse, a ledger and flag stores. Out: a
// Summary and what was written to the ledger and the stores. The ledger's
// entry always comes first; whatever happens after it can be repeated.
package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/connectors"
	"assay/connectors/flags"
	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

// Job is what a run needs. The clock is a value: Now is called, never the
// system's.
type Job struct {
	Project   *spec.Project
	Warehouse connectors.Warehouse
	Ledger    *ledger.Ledger
	Stores    map[string]flags.Store
	Channels  []Channel
	Now       func() time.Time
	// Tool and Revision are versions of assay and of the folder of specs.
	Tool, Revision string
	// Call names this call of the program, for the warehouse's own records.
	Call string
	// Parallel bounds how many experiments are looked at together; at least 1.
	Parallel int
	// Progress is told what is being done, by several experiments at once; nil =
	// nobody listens.
	Progress func(Event)
	// At is called at each instant between an entry and its effect, by several
	// experiments at once; tests stop the process there. nil = nothing.
	At func(instant string)
	// Patience is how long one delivery keeps trying; zero = as long as
	// flags.Deliver does.
	Patience flags.Patience

	recording sync.Mutex
}

// tags say what the statements of a session are for.
func (j *Job) tags(experiment, look string) connectors.Tags {
	return connectors.Tags{Experiment: experiment, Look: look, Run: j.Call, Revision: j.Revision}
}

// Event is a piece of progress: statement Done of Total is about to run, or
// runs and is Share of the way, in [0,1], as far as the engine can tell.
type Event struct {
	Experiment  string
	What        string
	Done, Total int
	Share       float64
}

// Mode says what a run does with its results.
type Mode int

// The modes.
const (
	ModeRun     Mode = iota // record and deliver
	ModeDry                 // compute and show; nothing is recorded or delivered
	ModeRefresh             // compute a recorded look anew and say by how much it moved
)

// Options of one run.
type Options struct {
	// AsOf bounds the facts; zero = now, floored to each experiment's cadence.
	AsOf time.Time
	Mode Mode
	// DeliverBackfill lets a look that is not newer than the last decided one
	// act all the same, on the present state of the flag.
	DeliverBackfill bool
	// Full scans everything, whatever earlier looks kept, and keeps it anew.
	Full bool
}

// Result is one experiment in a run.
type Result struct {
	Experiment string
	Look       *ledger.Look
	// Again: the look was already in the ledger and is shown from there.
	Again bool
	// Skipped says why there is no look: not started, over, or nothing to refresh.
	Skipped string
	// Moved is the largest relative change of an estimate (ModeRefresh).
	Moved float64
	Err   error
}

// Run looks at the experiments and delivers what is owed, also from earlier
// runs. A failing experiment is in its Result; the error is one of the ledger.
func (j *Job) Run(ctx context.Context, experiments []*spec.Experiment, o Options) ([]Result, []Delivered, error) {
	var delivered []Delivered
	if o.Mode == ModeRun {
		first, err := j.Deliver(ctx)
		if err != nil {
			return nil, nil, err
		}
		delivered = first
	}
	results := make([]Result, len(experiments))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, j.Parallel))
	for i, e := range experiments {
		group.Go(func() error {
			results[i] = j.one(groupCtx, e, o)
			return ledgerFailure(results[i].Err)
		})
	}
	if err := group.Wait(); err != nil {
		return results, delivered, err
	}
	if o.Mode != ModeRun || ctx.Err() != nil {
		return results, delivered, ctx.Err()
	}
	more, err := j.Deliver(ctx)
	return results, append(delivered, more...), err
}

// errLedger marks a failure of the ledger: nothing may go on after it.
type errLedger struct{ error }

func (e errLedger) Unwrap() error { return e.error }

func ledgerFailure(err error) error {
	if l, ok := errors.AsType[errLedger](err); ok {
		return l.error
	}
	return nil
}

// one looks at one experiment, or finds that the look exists already.
func (j *Job) one(ctx context.Context, e *spec.Experiment, o Options) Result {
	r := Result{Experiment: e.Name}
	if o.AsOf.IsZero() {
		o.AsOf = j.Now().UTC().Truncate(e.Cadence.Duration)
	}
	past, err := recall(j.Ledger, e.Name, o.AsOf, lookID(e.Name, o.AsOf, j.Project.Digest(e)))
	if err != nil {
		r.Err = errLedger{err}
		return r
	}
	late := o.DeliverBackfill && past.known != nil && past.known.Backfill && len(past.known.Deliveries) == 0
	if past.known != nil && past.known.Failed == "" && o.Mode == ModeRun && !late {
		r.Look, r.Again = past.known, true
		return r
	}
	at := newVantage(j.Project, e, past, o)
	if past.known == nil {
		if r.Skipped = at.skip(o.Mode); r.Skipped != "" {
			return r
		}
	}
	at.dry, at.full, at.anew = o.Mode != ModeRun, o.Full, o.Mode == ModeRefresh
	if o.Mode != ModeRefresh {
		if err := j.prepare(ctx, at); err != nil {
			r.Err = err
			return r
		}
	}
	r.Look, r.Err = j.look(ctx, at, o)
	if past.known != nil && r.Look != nil {
		r.Moved = moved(past.known, r.Look)
	}
	return r
}

// look computes, decides and, in ModeRun, records one look.
func (j *Job) look(ctx context.Context, at *vantage, o Options) (*ledger.Look, error) {
	evidence, err := j.gather(ctx, at)
	if err != nil {
		return nil, err
	}
	weigh(at, evidence)
	look := assemble(j, at, evidence)
	if at.acts {
		look.Deliveries = at.deliveries(look)
		look.Standing.Owes = at.owes(look)
	}
	if o.Mode != ModeRun {
		return look, evidence.failure
	}
	j.reached("before-ledger")
	if err := j.record(*look); err != nil {
		return nil, err
	}
	j.reached("after-ledger")
	return look, evidence.failure
}

// record appends to the ledger.
func (j *Job) record(body ledger.Body) error {
	j.recording.Lock()
	defer j.recording.Unlock()
	if err := j.Ledger.Append(j.Now().UTC(), body); err != nil {
		return errLedger{fmt.Errorf("ledger: %w", err)}
	}
	return nil
}

func (j *Job) reached(instant string) {
	if j.At != nil {
		j.At(instant)
	}
}

func (j *Job) progress(e Event) {
	if j.Progress != nil {
		j.Progress(e)
	}
}

// policyOf turns the spec's policy into the one that decides.
func policyOf(p spec.Policy) decide.Policy {
	var approval []decide.Verdict
	for _, verdict := range p.Approval {
		approval = append(approval, decide.Verdict(verdict))
	}
	return decide.Policy{
		AutoRollback:  p.AutoRollback == nil || *p.AutoRollback,
		Approval:      approval,
		MinStepUnits:  p.MinStepUnits,
		MinDuration:   p.MinDuration.Duration,
		MaxBlind:      p.MaxBlind.Duration,
		BlindRollback: p.BlindAction == "rollback",
		AlphaGoals:    p.Alpha.Goals,
	}
}
