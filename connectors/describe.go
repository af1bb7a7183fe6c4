package connectors

import (
	"context"

	"assay/queries"
)

// Column is a column of a query's result, with its type in the engine's words. Where
// an engine folds the case of bare names, Name is in quotes if the column is found
// only by them, and would be taken for another name without.
type Column struct{ Name, Type string }

// Describer is a session that tells the columns of a query without running it.
type Describer interface {
	// Describe returns them in order. Errors are *Error.
	Describe(ctx context.Context, s queries.Statement) ([]Column, error)
}
