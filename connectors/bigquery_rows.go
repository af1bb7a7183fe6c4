//go:build !nobigquery

package connectors

import (
	"context"
	"errors"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

// readJob reads the rows of a finished job, page by page. What is no query has
// none, though the service may tell of a table.
func readJob(ctx context.Context, job *bigquery.Job, did *bigquery.QueryStatistics) (*Rows, error) {
	if did.StatementType != "SELECT" {
		return &Rows{}, nil
	}
	it, err := job.Read(ctx)
	if err != nil {
		return nil, err
	}
	if it.TotalRows > maxRows {
		return nil, tooMany()
	}
	out := &Rows{columns: make(map[string]int, len(it.Schema))}
	for i, field := range it.Schema {
		out.columns[field.Name] = i
	}
	for {
		var values []bigquery.Value
		err := it.Next(&values)
		if errors.Is(err, iterator.Done) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(out.cells) == maxRows {
			return nil, tooMany()
		}
		cells := make([]any, len(values))
		for i, v := range values {
			if err := plainCell(it.Schema[i].Name, v); err != nil {
				return nil, err
			}
			cells[i] = v
		}
		out.cells = append(out.cells, cells)
	}
}
