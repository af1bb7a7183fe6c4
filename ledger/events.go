package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/decide"
)

// Kinds of records.
const (
	kindPlan     = "plan"
	kindLook     = "look"
	kindAttempt  = "attempt"
	kindObserved = "observed"
	kindClear    = "clear"
	kindApproval = "approval"
	kindNotice   = "notice"
	kindTold     = "told"
)

// Body is what a record says: a Plan, Look, Attempt, Observed, Clear, Approval,
// Notice or Told, or a pointer to one.
type Body interface {
	kind() string
	// experiment is the name the record is filed under; never empty in the file.
	experiment() string
}

// Plan is look 0: what is fixed before data. A change of one of the fields,
// and of nothing else, starts a new version with its own error rates.
type Plan struct {
	Experiment string `json:"experiment"`
	// Version counts from 1.
	Version    int    `json:"version"`
	PlanDigest string `json:"planDigest"`
	// Fields are the fixed fields in words, by name.
	Fields map[string]string `json:"fields"`
	// Changed are the names that differ from the version before; empty for the first.
	Changed []string  `json:"changed,omitempty"`
	AsOf    time.Time `json:"asOf"`
}

// Outcomes of an attempt to deliver. All but OutcomeUnavailable are terminal:
// the delivery leaves the outbox.
const (
	OutcomeDelivered   = "delivered"   // written and read back
	OutcomeProposed    = "proposed"    // handed over as a proposal, applied nowhere
	OutcomeUnverified  = "unverified"  // accepted; the store cannot tell its state
	OutcomeConflict    = "conflict"    // a person changed the flag; nothing was written
	OutcomeRefused     = "refused"     // the store will never take it as it is
	OutcomeUnavailable = "unavailable" // not now; a later attempt can help
	OutcomeApproval    = "approval"    // a person has to approve it in the store first
	OutcomeDisabled    = "disabled"    // the receiver asked for no more deliveries
	OutcomeSuperseded  = "superseded"  // a newer decision for the same store took its place, or a look holds it back
	OutcomeWithdrawn   = "withdrawn"   // the spec has no such store any more
)

// Attempt is one attempt to deliver what a look owes to a flag store.
type Attempt struct {
	Delivery   string `json:"delivery"` // Delivery.ID
	Experiment string `json:"experiment"`
	Store      string `json:"store"`
	FlagKey    string `json:"flagKey"`
	Outcome    string `json:"outcome"`
	// State is what the store served afterwards, where it was read.
	State     *decide.Allocation `json:"state,omitempty"`
	Message   string             `json:"message,omitempty"`
	Retryable bool               `json:"retryable,omitempty"`
	// Try counts attempts at this delivery, from 1.
	Try int `json:"try"`
	// NextTry is the earliest instant of the next attempt; zero = any time.
	NextTry time.Time `json:"nextTry,omitzero"`
}

// Terminal tells whether the attempt ends its delivery.
func (a Attempt) Terminal() bool { return a.Outcome != OutcomeUnavailable }

func (a Attempt) check() error {
	known := []string{
		OutcomeDelivered, OutcomeProposed, OutcomeUnverified, OutcomeConflict,
		OutcomeRefused, OutcomeUnavailable, OutcomeApproval, OutcomeDisabled, OutcomeSuperseded,
		OutcomeWithdrawn,
	}
	if !slices.Contains(known, a.Outcome) {
		return fmt.Errorf("outcome %q is not one of %q", a.Outcome, known)
	}
	if a.Delivery == "" {
		return errors.New("an attempt needs the id of its delivery")
	}
	return nil
}

// Observed is a state seen in a store that assay did not set: a person's change.
type Observed struct {
	Experiment string            `json:"experiment"`
	Store      string            `json:"store"`
	FlagKey    string            `json:"flagKey"`
	State      decide.Allocation `json:"state"`
	Expected   decide.Allocation `json:"expected"`
}

// Clear ends the memory of a rollback or ship: what follows is a new epoch
// with fresh evidence.
type Clear struct {
	Experiment string    `json:"experiment"`
	Note       string    `json:"note"`
	AsOf       time.Time `json:"asOf"`
}

// Approval is a person's word that what a look proposed is to be done. It owes the
// deliveries, which the look only proposed.
type Approval struct {
	ID         string    `json:"id"` // of the look
	Experiment string    `json:"experiment"`
	AsOf       time.Time `json:"asOf"` // of the look
	Decision   struct {
		Verdict decide.Verdict `json:"verdict"`
		Summary string         `json:"summary"`
	} `json:"decision"`
	Deliveries []Delivery `json:"deliveries"`
	By         string     `json:"by,omitempty"`
	Note       string     `json:"note,omitempty"`
}

func (Plan) kind() string     { return kindPlan }
func (Look) kind() string     { return kindLook }
func (Attempt) kind() string  { return kindAttempt }
func (Observed) kind() string { return kindObserved }
func (Clear) kind() string    { return kindClear }
func (Approval) kind() string { return kindApproval }

func (p Plan) experiment() string     { return p.Experiment }
func (k Look) experiment() string     { return k.Experiment }
func (a Attempt) experiment() string  { return a.Experiment }
func (o Observed) experiment() string { return o.Experiment }
func (c Clear) experiment() string    { return c.Experiment }
func (a Approval) experiment() string { return a.Experiment }
