package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"

	"assay/connectors"
	"assay/ledger"
)

// Exit codes. 99 is never used: a scheduler may read it as "skip".
const (
	exitDone        = 0
	exitFailed      = 1  // some experiment failed; the rest was done
	exitInput       = 2  // flags or spec; nothing was run
	exitUnreachable = 3  // warehouse or ledger
	exitUndelivered = 4  // done, but a decision is still in the outbox
	exitCondition   = 5  // done, and a --fail-on condition was met
	exitLocked      = 11 // another run holds the lock
)

// precedence orders the codes where several hold.
var precedence = []int{exitLocked, exitInput, exitUnreachable, exitFailed, exitUndelivered, exitCondition}

// worst picks the code that is reported.
func worst(codes ...int) int {
	for _, code := range precedence {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return exitDone
}

// exit is an error with its exit code. An empty one has said all it had to say.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// badInput marks an error of the user's flags or spec.
func badInput(err error) error { return exit{exitInput, err} }

// signalled is why the context ended.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return "stopped by " + s.String() }

// codeOf finds the exit code of an error.
func codeOf(ctx context.Context, err error) int {
	if s, ok := errors.AsType[signalled](context.Cause(ctx)); ok {
		if s.Signal == syscall.SIGTERM {
			return 143
		}
		return 130
	}
	if err == nil {
		return exitDone
	}
	if e, ok := errors.AsType[exit](err); ok {
		return e.code
	}
	if errors.Is(err, ledger.ErrLocked) {
		return exitLocked
	}
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Fault == connectors.FaultStatement {
		return exitInput
	}
	return exitUnreachable
}
