package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// waits gives a command that writes to the ledger the flag --lock-timeout.
func (a *app) waits(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&a.lockTimeout, "lock-timeout", 0, "wait this long for a ledger that another run holds, e.g. 5m")
}

// read opens the ledger of the project for reading only. One that is kept in the
// warehouse is read through it where it is open already.
func (a *app) read(ctx context.Context, project *spec.Project, w connectors.Warehouse) (*ledger.Ledger, error) {
	return readAt(ctx, project, project.Config.Ledger, w)
}

func readAt(ctx context.Context, project *spec.Project, at spec.Ledger, w connectors.Warehouse) (*ledger.Ledger, error) {
	if at.DuckDB == "" && at.Table == "" {
		return ledger.OpenReadOnly(project.Abs(at.Path))
	}
	cfg := project.Config.Warehouse
	cfg.ReadWrite = false // So that several may read at once.
	t, err := tableOf(ctx, project, at, w, cfg)
	if err != nil {
		return nil, err
	}
	return ledger.OpenTableReadOnly(ctx, t)
}

// write opens the ledger of the project for writing; another run that has it open
// is an error, after --lock-timeout.
func (a *app) write(ctx context.Context, project *spec.Project, w connectors.Warehouse) (*ledger.Ledger, error) {
	l, err := a.writeAt(ctx, project, project.Config.Ledger, w)
	if err != nil {
		return nil, err
	}
	l.At = a.at
	if l.Recovered != "" {
		a.log.Warn("ledger recovered", "what", l.Recovered)
	}
	return l, nil
}

func (a *app) writeAt(ctx context.Context, project *spec.Project, at spec.Ledger, w connectors.Warehouse) (*ledger.Ledger, error) {
	var l *ledger.Ledger
	err := a.patiently(ctx, func() (err error) {
		if at.DuckDB == "" && at.Table == "" {
			l, err = ledger.Open(project.Abs(at.Path))
			return err
		}
		t, err := a.tableToWrite(ctx, project, at, w)
		if err == nil {
			l, err = ledger.OpenTable(ctx, t)
		}
		return err
	})
	return l, err
}

func (a *app) tableToWrite(ctx context.Context, project *spec.Project, at spec.Ledger, w connectors.Warehouse) (ledger.Table, error) {
	cfg := project.Config.Warehouse
	cfg.ReadWrite = true
	t, err := tableOf(ctx, project, at, w, cfg)
	t.At = a.at
	return t, err
}

// reach opens a warehouse for writing to a ledger in it. Where another process has
// the whole warehouse, as with a DuckDB file, that one holds the ledger.
func (a *app) reach(ctx context.Context, cfg spec.Warehouse, dir string) (connectors.Warehouse, error) {
	var w connectors.Warehouse
	err := a.patiently(ctx, func() (err error) {
		w, err = connectors.Open(ctx, cfg, dir)
		return busy(err)
	})
	if err != nil {
		return nil, fmt.Errorf("warehouse: %w", err)
	}
	return w, nil
}

// busy turns a warehouse that another process has into a ledger that it holds.
func busy(err error) error {
	if e, ok := errors.AsType[*connectors.Error](err); ok && e.Busy {
		return fmt.Errorf("%w: %w", ledger.ErrLocked, err)
	}
	return err
}

// patiently tries again while another run holds the ledger, up to --lock-timeout.
func (a *app) patiently(ctx context.Context, open func() error) error {
	until, cancel := context.WithTimeout(ctx, a.lockTimeout)
	defer cancel()
	err := open()
	for pause := 50 * time.Millisecond; errors.Is(err, ledger.ErrLocked); pause = min(2*pause, 5*time.Second) {
		select {
		case <-until.Done():
			return exit{exitLocked, held(err)}
		case <-time.After(pause):
			err = open()
		}
	}
	return err
}

// held says that another run holds the ledger, and which where that is known.
func held(err error) error {
	if l, ok := errors.AsType[*ledger.LockedError](err); ok && l.Holder != "" {
		return fmt.Errorf("another run holds the ledger: %s, until %s", l.Holder, l.Until.UTC().Format(time.RFC3339))
	}
	if _, ok := errors.AsType[*connectors.Error](err); ok {
		return fmt.Errorf("another run holds the ledger: %w", err)
	}
	return errors.New("another run holds the ledger")
}

// tableOf is a ledger in a DuckDB file of its own, or in a table of the warehouse:
// of that which is open, or else of one that is opened for the ledger alone.
func tableOf(ctx context.Context, project *spec.Project, at spec.Ledger, w connectors.Warehouse, cfg spec.Warehouse) (ledger.Table, error) {
	t := ledger.Table{Name: at.Table, Lease: at.Lease.Duration, Owner: owner()}
	if at.DuckDB != "" {
		file := &connectors.Brief{Path: project.Abs(at.DuckDB), ReadOnly: !cfg.ReadWrite}
		t.Name, t.Dialect, t.Open = "main.assay_ledger", queries.DuckDB, sessions(file.Session)
		return t, nil
	}
	if w == nil {
		var err error
		if w, err = connectors.Open(ctx, cfg, project.Dir); err != nil {
			return t, fmt.Errorf("ledger %s: %w", at.Table, busy(err))
		}
		t.Closed = w.Close
	}
	t.Dialect, t.Open = w.Dialect(), sessions(func(ctx context.Context) (connectors.Session, error) {
		return w.Session(ctx, connectors.Tags{})
	})
	return t, nil
}

// sessions are those of a warehouse as a ledger uses them.
func sessions(open func(context.Context) (connectors.Session, error)) func(context.Context) (ledger.Session, error) {
	return func(ctx context.Context) (ledger.Session, error) {
		s, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return connectors.Records{Session: s}, nil
	}
}

// owner is who holds a lease, for others to find it.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// shut closes a warehouse that was opened.
func shut(w connectors.Warehouse) error {
	if w == nil {
		return nil
	}
	return w.Close()
}
