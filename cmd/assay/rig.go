//go:build !faults

package main

// rigged is the program as it is.
func rigged() rig { return rig{} }
