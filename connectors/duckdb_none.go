//go:build !cgo || noduckdb

package connectors

import (
	"context"
	"errors"

	"assay/spec"
)

// WithDuckDB tells whether this build has DuckDB.
const WithDuckDB = false

// openDuckDB refuses: the engine is a library in C++.
func openDuckDB(context.Context, spec.Warehouse, string) (Warehouse, error) {
	return nil, errors.New("this build of assay is without DuckDB; take the one that has it (docs/building.md)")
}
