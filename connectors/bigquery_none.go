//go:build nobigquery

package connectors

import (
	"context"
	"errors"

	"assay/spec"
)

// openBigQuery refuses: its client was left out.
func openBigQuery(context.Context, spec.Warehouse, string) (Warehouse, error) {
	return nil, errors.New("this build of assay is without BigQuery")
}
