// Package noprobe keeps the Snowflake driver to what it is asked for. By itself
// it unpacks a native library into a temporary folder and loads it as soon as
// it is linked, and asks the metadata services of three clouds where it runs.
// It lets itself be told by the environment only, and reads that while packages
// are initialised: this one imports nothing but os and its path sorts before
// the driver's, so that the language initialises it first.
package noprobe

import (
	"errors"
	"os"
)

// Err is why the environment could not be set; nil where it was.
var Err = errors.Join(
	os.Setenv("SF_DISABLE_MINICORE", "true"),
	os.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true"),
)
