package connectors

import (
	"context"

	"assay/queries"
)

// Column is a column of a query's result, with its type in the engine's words.
type Column struct{ Name, Type string }

// Describer is a session that tells the columns of a query without running it.
type Describer interface {
	// Describe returns them in order. Errors are *Error.
	Describe(ctx context.Context, s queries.Statement) ([]Column, error)
}

var _ Describer = (*duckSession)(nil)

// Describe binds the query and reads no rows.
func (s *duckSession) Describe(ctx context.Context, st queries.Statement) ([]Column, error) {
	st.SQL = "SELECT column_name, column_type FROM (DESCRIBE " + st.SQL + "\n)"
	rows, err := s.Run(ctx, st)
	if err != nil {
		return nil, err
	}
	out := make([]Column, rows.Len())
	for i := range out {
		out[i].Name, _ = rows.Text(i, "column_name")
		out[i].Type, _ = rows.Text(i, "column_type")
	}
	return out, nil
}
