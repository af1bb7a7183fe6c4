// Package notify is the channels that people are told in.
//
// In: a Message about one experiment. Out: nil, or an *Error that says whether
// trying again can help. Invariants: no address of a channel reaches an error or
// a message; what comes from outside can neither ping anybody nor make a link.
package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/spec"
)

// Channel is one channel. Its errors are of type *Error.
type Channel interface {
	// Name is the channel's name in the spec.
	Name() string
	// Tell sends a message, with up to three tries.
	Tell(ctx context.Context, m Message) error
}

// Message is what a channel is told.
type Message struct {
	Experiment string
	// Event is a verdict, conflict, approval or undelivered; Verdict what was decided.
	Event, Verdict string
	Proposal       bool
	AsOf           time.Time
	Reason         string   // one sentence
	Done           []string // what became of the flag, a line for each store
	Link           string   // "" = none
}

// Options are what channels need from outside the spec.
type Options struct {
	// Now is the clock; it may not be nil.
	Now       func() time.Time
	UserAgent string
}

var openers = map[string]func(cfg spec.Notification, opts Options) (Channel, error){
	"slack": openSlack,
}

// Open returns the channel that cfg describes; nothing is sent yet. The error
// says what is wrong with cfg.
func Open(cfg spec.Notification, opts Options) (Channel, error) {
	open, ok := openers[cfg.Type]
	if !ok {
		kinds := slices.Sorted(maps.Keys(openers))
		return nil, fmt.Errorf("channel %s: type %q is not one of %s", cfg.Name, cfg.Type, strings.Join(kinds, ", "))
	}
	if opts.Now == nil {
		return nil, fmt.Errorf("channel %s: no clock", cfg.Name)
	}
	channel, err := open(cfg, opts)
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", cfg.Name, err)
	}
	return channel, nil
}

// What can happen at a channel.
var (
	// ErrRefused: it will never take this message.
	ErrRefused = errors.New("refused")
	// ErrGone: there is no such channel any more.
	ErrGone = errors.New("the channel is gone")
	// ErrUnavailable: later can help.
	ErrUnavailable = errors.New("not available")
)

// Error is how a channel says what went wrong. errors.Is tells its kind.
type Error struct {
	Kind   error  // one of the Err values of this package
	Detail string // in our own words
	// RetryAfter is how long the channel asked to be left alone; 0 = it did not say.
	RetryAfter time.Duration
}

func (e *Error) Error() string { return e.Kind.Error() + ": " + e.Detail }

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }
