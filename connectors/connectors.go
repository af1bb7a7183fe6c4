// Package connectors runs statements on a warehouse: one file a warehouse.
//
// In: queries.Statement. Out: Rows of counts and moments, or an *Error that
// says whether the warehouse or the statement is to blame. No statistics.
package connectors

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"assay/queries"
	"assay/spec"
)

// Warehouse is an open warehouse. Sessions of one warehouse may be used at the
// same time.
type Warehouse interface {
	// Session opens a session; temporary tables live as long as it does.
	Session(ctx context.Context, tags Tags) (Session, error)
	// Dialect is what the warehouse speaks.
	Dialect() queries.Dialect
	Close() error
}

// Session runs statements one after the other. When the context ends, the
// statement is cancelled in the warehouse too.
type Session interface {
	// Run executes a statement. A statement that creates a table gives no rows.
	// Errors are *Error.
	Run(ctx context.Context, s queries.Statement) (*Rows, error)
	Close() error
}

// Tags say what the statements of a session are for: a warehouse that labels its
// jobs is told, so that costs can be traced. Any may be "".
type Tags struct {
	Experiment string
	// Look names what is computed (experiment, as-of, definition), the same in a run
	// that begins anew after it was killed; "" where statements are not of a look.
	Look     string
	Run      string // one call of the program
	Revision string // of the project's folder in Git
}

// Estimator is a session that tells what a statement will scan before it runs.
type Estimator interface {
	// Estimate costs nothing. Errors are *Error.
	Estimate(ctx context.Context, s queries.Statement) (Estimate, error)
}

// Estimate is what an engine says before it runs a statement.
type Estimate struct {
	Bytes int64 // that would be scanned, or billed where the engine bills bytes
	// Upper: it may be less, never more.
	Upper bool
}

// Receipt is what an engine says of a statement that it ran.
type Receipt struct {
	ID    string // of the job or query in the engine; "" where it has none
	Bytes int64  // billed where the engine bills bytes, scanned otherwise; 0 where it does not tell
	// Attached: a run before this one started the statement.
	Attached bool
}

// opener opens a warehouse; dir is where relative paths start.
type opener func(ctx context.Context, cfg spec.Warehouse, dir string) (Warehouse, error)

var openers = map[string]opener{
	"bigquery":  openBigQuery,
	"duckdb":    openDuckDB,
	"snowflake": openSnowflake,
}

// Open opens the warehouse of a spec. An unknown type is an error that lists
// the valid ones; a warehouse that cannot be reached is an *Error with Fault
// FaultWarehouse.
func Open(ctx context.Context, cfg spec.Warehouse, dir string) (Warehouse, error) {
	open, ok := openers[cfg.Type]
	if !ok {
		return nil, fmt.Errorf("unknown warehouse %q: want one of %s",
			cfg.Type, strings.Join(slices.Sorted(maps.Keys(openers)), ", "))
	}
	return open(ctx, cfg, dir)
}

// absolute is a path of the spec, which starts at dir.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) || strings.Contains(path, "://") {
		return path
	}
	return filepath.Join(dir, path)
}

// Fault says what is to blame for an Error.
type Fault string

// The faults.
const (
	FaultWarehouse Fault = "warehouse" // gone, locked, out of memory or time
	FaultStatement Fault = "statement" // the SQL does not run: the spec needs mending
	FaultCost      Fault = "cost"      // refused before it ran: it would have cost more than the spec allows
	FaultCanceled  Fault = "canceled"  // the caller's context ended
)

// Error is a statement or a warehouse that failed.
type Error struct {
	Fault     Fault
	Statement string // its name; "" while opening
	// Line and Column are where in the statement, from 1; 0 where the engine does not say.
	Line, Column int
	// Busy: another process has the whole warehouse and may let go of it.
	Busy bool
	Err  error
}

// Error names the statement and the engine's own words.
func (e *Error) Error() string {
	if e.Statement == "" {
		return e.Err.Error()
	}
	return e.Statement + ": " + e.Err.Error()
}

// Unwrap returns the driver's error.
func (e *Error) Unwrap() error { return e.Err }
