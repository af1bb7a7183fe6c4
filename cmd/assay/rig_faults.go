//go:build faults

package main

import (
	"net/http"
	"os"
	"time"

	"assay/cmd/faults/instants"
	"assay/connectors/flags"
)

// rigged is the program as a fault campaign builds it: it stops where the
// environment says, and loses patience with a receiver after a second, so that
// thousands of runs against receivers that never answer take minutes.
func rigged() rig {
	return rig{
		at:       instants.FromEnv(os.Getenv),
		client:   &http.Client{Timeout: time.Second},
		patience: flags.Patience{Tries: 3, First: 10 * time.Millisecond, Longest: 10 * time.Second},
	}
}
