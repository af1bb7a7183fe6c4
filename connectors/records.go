package connectors

import (
	"context"

	"assay/queries"
)

// Records is a session that gives its results as plain values, for those that
// must not know a driver: int64, float64, string or nil by column.
type Records struct{ Session }

// Run executes a statement. Errors are *Error.
func (r Records) Run(ctx context.Context, s queries.Statement) ([]map[string]any, error) {
	rows, err := r.Session.Run(ctx, s)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]any, rows.Len())
	for i := range out {
		out[i] = make(map[string]any, len(rows.columns))
		for name, column := range rows.columns {
			out[i][name] = rows.cells[i][column]
		}
	}
	return out, nil
}
