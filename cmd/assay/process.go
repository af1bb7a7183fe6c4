package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopTime is how long a run that was asked to stop may take to.
const stopTime = 10 * time.Second

// A run that finds the ledger locked is tried again: who holds it may be a person
// who clears an experiment, and the next tick may be a day away.
const (
	lockTries = 15
	lockPause = 2 * time.Second
)

// attempt is process until another run lets go of the ledger, for half a minute.
func (s *scheduler) attempt(ctx context.Context, grace time.Duration) int {
	for range lockTries - 1 {
		code := s.process(ctx, grace)
		if code != exitLocked {
			return code
		}
		s.app.log.Warn("another run holds the ledger; it is tried again", "in", lockPause.String())
		select {
		case <-ctx.Done():
			return code
		case <-time.After(lockPause):
		}
	}
	return s.process(ctx, grace)
}

// process runs assay run as a process of its own, and returns what it exited
// with; killed by a signal that is 128 and the signal, as shells say it.
func (s *scheduler) process(ctx context.Context, grace time.Duration) int {
	self, err := os.Executable()
	if err != nil {
		s.app.log.Error("a run could not be started", "error", err)
		return exitUnreachable
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self, s.arguments()...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = s.app.stdout, s.app.stderr
	apart(cmd)
	if err := cmd.Start(); err != nil {
		s.app.log.Error("a run could not be started", "error", err)
		return exitUnreachable
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return s.exited(err)
	case <-ctx.Done():
		return s.exited(s.stop(cmd, ended, grace))
	}
}

// stop lets the run go on for its grace, asks it to stop, and at last makes it.
func (s *scheduler) stop(cmd *exec.Cmd, ended <-chan error, grace time.Duration) error {
	s.app.log.Info("stopping: the run that goes on may finish", "grace", grace.String())
	for _, step := range []struct {
		wait time.Duration
		then os.Signal
	}{{grace, syscall.SIGTERM}, {stopTime, os.Kill}} {
		timer := time.NewTimer(step.wait)
		select {
		case err := <-ended:
			timer.Stop()
			return err
		case <-timer.C:
			s.app.log.Warn("the run goes on; it is told to stop", "signal", step.then.String())
			_ = cmd.Process.Signal(step.then)
		case <-s.hurry:
			timer.Stop()
			_ = cmd.Process.Kill()
			return <-ended
		}
	}
	return <-ended
}

// exited is the exit code of a process that ended.
func (s *scheduler) exited(err error) int {
	e, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return exitDone
	case !ok:
		s.app.log.Error("a run ended nobody knows how", "error", err)
		return exitUnreachable
	}
	if status, ok := e.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		s.app.log.Error("a run was killed", "signal", status.Signal().String())
		return 128 + int(status.Signal())
	}
	return e.ExitCode()
}

// arguments are those of the run.
func (s *scheduler) arguments() []string {
	a, f := s.app, s.flags
	args := []string{"run", "--no-ping", "--project", a.project, "--output", a.output, "--log-format", a.logFormat, "--parallel", strconv.Itoa(f.parallel)}
	for flag, names := range map[string][]string{"--select": f.selected, "--exclude": f.excluded, "--fail-on": f.failOn} {
		if len(names) > 0 {
			args = append(args, flag, strings.Join(names, ","))
		}
	}
	if a.quiet {
		args = append(args, "--quiet")
	}
	if f.verbose {
		args = append(args, "--verbose")
	}
	return args
}
