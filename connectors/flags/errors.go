package flags

import (
	"errors"
	"fmt"
	"time"
)

// What can happen at a store, each with one consequence (see outcomes).
var (
	// ErrNotFound: the flag vanished or never was there.
	ErrNotFound = errors.New("the flag does not exist")
	// ErrAuth: the store does not know us or does not let us.
	ErrAuth = errors.New("not authorised")
	// ErrRefused: the store will never take this request.
	ErrRefused = errors.New("refused")
	// ErrConflict: a person changed the flag since the decision.
	ErrConflict = errors.New("the flag was changed by someone else")
	// ErrApproval: somebody has to approve the change first.
	ErrApproval = errors.New("approval is needed")
	// ErrDisabled: the receiver wants no deliveries any more.
	ErrDisabled = errors.New("the receiver is disabled")
	// ErrRateLimited: too many requests; later is fine.
	ErrRateLimited = errors.New("too many requests")
	// ErrUnavailable: the store could not be reached or is at fault itself.
	ErrUnavailable = errors.New("not available")
)

// outcomes is what each kind of error makes of a delivery.
var outcomes = map[error]string{
	ErrNotFound:    OutcomeRefused,
	ErrAuth:        OutcomeRefused,
	ErrRefused:     OutcomeRefused,
	ErrConflict:    OutcomeConflict,
	ErrApproval:    OutcomeApproval,
	ErrDisabled:    OutcomeDisabled,
	ErrRateLimited: OutcomeUnavailable,
	ErrUnavailable: OutcomeUnavailable,
}

// Error is how a store says what went wrong. errors.Is tells its kind.
type Error struct {
	Store string
	Kind  error // one of the Err values of this package
	// Detail is in our own words; what a remote store answers is never quoted.
	Detail string
	// RetryAfter is how long the store asked to be left alone; 0 = it did not say.
	RetryAfter time.Duration
}

// Error names the store and what happened.
func (e *Error) Error() string { return fmt.Sprintf("flag store %s: %s", e.Store, e.reason()) }

func (e *Error) reason() string {
	if e.Detail == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Detail
}

// reasonOf is what went wrong without the store's name.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.reason()
	}
	return err.Error()
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Retryable tells whether the same request can succeed later.
func (e *Error) Retryable() bool { return outcomes[e.Kind] == OutcomeUnavailable }
