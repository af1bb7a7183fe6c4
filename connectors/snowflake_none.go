//go:build nosnowflake

package connectors

import (
	"context"
	"errors"

	"assay/spec"
)

// openSnowflake refuses: this build does not carry the driver.
func openSnowflake(context.Context, spec.Warehouse, string) (Warehouse, error) {
	return nil, errors.New("this build of assay is without Snowflake")
}
