// Package flags is the flag stores that decisions go to: read the present
// state, apply an absolute change, and say whether it holds.
//
// In: a Change, with the state it was decided on and the state the flag should
// have. Out: a Result. Invariants: a state that a person set is never
// overwritten; a change that is applied twice ends in the same state; no
// secret and no address of a store ever reaches an error or a message.
package flags

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"assay/decide"
	"assay/spec"
)

// Store is one flag store. Its errors are of type *Error.
type Store interface {
	// Name is the store's name in the spec.
	Name() string
	// Read returns what the store serves now.
	Read(ctx context.Context, flagKey string) (State, error)
	// Apply brings the flag to the change's target, if it is still in the state
	// that the change expects or in the target already. A proposal is handed
	// over where the store has a way to, and never applied.
	Apply(ctx context.Context, change Change) error
}

// State is what a store serves for one flag.
type State struct {
	// Allocation is the state in assay's terms; nil unless Known.
	Allocation *decide.Allocation
	// Known: the store told a state that is an allocation. Otherwise, unless
	// Untold, a person made the flag into something else; Message says what.
	Known bool
	// Untold: this store has no way to tell; the caller goes by what the ledger
	// last saw accepted.
	Untold  bool
	Message string
	// Unit is the smallest share of all units, in (0,1), that the store can
	// express; states that differ by no more than rounding to it are the same.
	Unit float64
}

// Change is one absolute change of a flag.
type Change struct {
	// ID is constant over retries: letters, digits, - and _, at most 255.
	ID         string
	Experiment string
	FlagKey    string
	// Expected is the state that the decision was based on, Target the one the
	// flag should have.
	Expected, Target decide.Allocation
	// Left are other states that the flag may be in without a person having
	// touched it: what earlier changes to this store, whose end is not known, may
	// have left there.
	Left    []decide.Allocation
	Verdict decide.Verdict
	Reason  string
	// Report is where the look's page is published; "" = nowhere.
	Report          string
	Metric          string // the metric that decided, where one did
	AsOf, DecidedAt time.Time
	// Proposal: to be told, not applied.
	Proposal bool
	Prompts  []Prompt // for information; may be empty
}

// Prompt is the prompt version that a variation runs.
type Prompt struct {
	Variation string `json:"variation"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Model     string `json:"model,omitempty"`
}

// Options are what stores need from outside the spec.
type Options struct {
	// Client sends the requests; nil = one of its own, which connects to private
	// addresses only where the spec says so. Its CheckRedirect is never used, and
	// a Timeout of zero becomes 15 seconds.
	Client *http.Client
	// Now is the clock; it may not be nil.
	Now       func() time.Time
	UserAgent string
}

type opener func(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error)

var openers = map[string]opener{
	"flagd":         inFile(newFlagd),
	"gofeatureflag": inFile(newGoff),
	"flipt":         openFlipt,
	"growthbook":    openGrowthBook,
	"launchdarkly":  openLaunchDarkly,
	"unleash":       openUnleash,
	"webhook":       openWebhook,
}

// Open returns the store that cfg describes; nothing is read or sent yet. dir
// is where relative paths start. The error says what is wrong with cfg.
func Open(name string, cfg spec.FlagStore, dir string, opts Options) (Store, error) {
	open, ok := openers[cfg.Type]
	if !ok {
		kinds := slices.Sorted(maps.Keys(openers))
		return nil, fmt.Errorf("flag store %s: type %q is not one of %s", name, cfg.Type, strings.Join(kinds, ", "))
	}
	if opts.Now == nil {
		return nil, fmt.Errorf("flag store %s: no clock", name)
	}
	store, err := open(name, cfg, dir, opts)
	if err != nil {
		return nil, fmt.Errorf("flag store %s: %w", name, err)
	}
	return store, nil
}

const maxID = 255

// check finds what would make the change ambiguous or unsafe to send.
func (c Change) check() error {
	if c.ID == "" || len(c.ID) > maxID || strings.ContainsFunc(c.ID, notIDRune) {
		return errors.New("the id of a change is made of letters, digits, - and _")
	}
	if c.FlagKey == "" {
		return errors.New("the change names no flag")
	}
	known := []decide.Verdict{decide.Rollback, decide.Hold, decide.Ramp, decide.Ship, decide.Continue, decide.Review}
	if !slices.Contains(known, c.Verdict) {
		return fmt.Errorf("verdict %q is unknown", c.Verdict)
	}
	if err := valid(c.Expected); err != nil {
		return fmt.Errorf("expected state: %w", err)
	}
	if err := valid(c.Target); err != nil {
		return fmt.Errorf("target state: %w", err)
	}
	return nil
}

func notIDRune(r rune) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return !strings.ContainsRune(letters+"0123456789-_", r)
}
