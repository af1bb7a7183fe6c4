//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart gives the process a group of its own, so that what is typed on the
// terminal stops the schedule, which then gives the run its grace.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
