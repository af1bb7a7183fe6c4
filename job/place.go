package job

import (
	"context"
	"errors"
	"strings"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// SQLError is a statement that does not run for what the user wrote: the engine's
// error, at its place in the user's file.
type SQLError struct {
	Problem spec.Problem
	Err     error // a *connectors.Error
}

// Error is file:line:column: message, the line, and a caret.
func (e *SQLError) Error() string {
	var b strings.Builder
	spec.Problems{e.Problem}.Write(&b)
	return strings.TrimRight(b.String(), "\n")
}

// Unwrap returns the engine's error.
func (e *SQLError) Unwrap() error { return e.Err }

// run executes a statement; an error in the user's text is an *SQLError.
func (j *Job) run(ctx context.Context, session connectors.Session, s queries.Statement) (*connectors.Rows, error) {
	rows, err := session.Run(ctx, s)
	return rows, place(j.Project, s, err)
}

// place finds where in the user's files an error stands; one that stands nowhere
// there is left as it is.
func place(p *spec.Project, s queries.Statement, err error) error {
	e, ok := errors.AsType[*connectors.Error](err)
	if !ok || e.Fault != connectors.FaultStatement {
		return err
	}
	of, offset, ok := s.Locate(e.Line, e.Column)
	if !ok {
		return err
	}
	problem, ok := p.Locate(of.Kind, of.Name, offset, oneLine(e))
	if !ok {
		return err
	}
	return &SQLError{problem, err}
}

// placeOf is where an error stands, for the ledger; nil = nowhere.
func placeOf(err error) *ledger.Place {
	e, ok := errors.AsType[*SQLError](err)
	if !ok {
		return nil
	}
	p := e.Problem
	return &ledger.Place{File: p.File, Line: p.Line, Column: p.Column, Source: p.Source, Caret: p.Caret()}
}

// SQLErrors are those among the joined errors of a look, in order.
func SQLErrors(err error) []*SQLError {
	var out []*SQLError
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok {
		for _, e := range joined.Unwrap() {
			out = append(out, SQLErrors(e)...)
		}
		return out
	}
	if e, ok := errors.AsType[*SQLError](err); ok {
		out = append(out, e)
	}
	return out
}
