package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/connectors"
	"assay/ledger"
	"assay/report"
	"assay/spec"
)

func (a *app) ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Verify, show, copy or reseal the ledger",
	}
	cmd.AddCommand(a.verifyCommand(), a.showCommand(), a.copyCommand(), a.resealCommand())
	return cmd
}

func (a *app) verifyCommand() *cobra.Command {
	var known string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check every record against its hash, the one before it and the head",
		Long: `verify reads the whole ledger and says which record was changed, moved, added or
taken away since it was written. It prints the number and the hash of the last
record: noted elsewhere and given to a later --record, they show that the ledger
was not rewritten as a whole either, which its own hashes cannot.

Exit codes: 0 nothing is wrong, 1 it was tampered with, 3 it cannot be read.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), known) },
	}
	cmd.Flags().StringVar(&known, "record", "", "a record that must be there, as NUMBER:HASH")
	return cmd
}

// verdict is what verify says.
type verdict struct {
	OK      bool   `json:"ok"`
	Ledger  string `json:"ledger"`
	Records int64  `json:"records"`
	Head    string `json:"head,omitempty"`
	// Record is the number of the record that is wrong, 0 = no single one.
	Record  int64  `json:"record,omitempty"`
	Problem string `json:"problem,omitempty"`
	// Unfinished is a last line that a crash left, which the next run cuts off.
	Unfinished string `json:"unfinished,omitempty"`
}

func (a *app) verify(ctx context.Context, known string) error {
	seq, hash, err := knownRecord(known)
	if err != nil {
		return badInput(err)
	}
	project, err := a.load()
	if err != nil {
		return err
	}
	l, err := a.read(ctx, project, nil)
	if tamper, ok := errors.AsType[*ledger.TamperError](err); ok {
		return a.verified(verdict{Ledger: tamper.Path, Record: tamper.Record, Problem: tamper.Problem})
	}
	if err != nil {
		return err
	}
	v := verdict{OK: true, Ledger: l.Place(), Records: l.Len(), Head: l.Head(), Unfinished: l.Recovered}
	if known != "" && l.HashOf(seq) != hash {
		v.OK, v.Record, v.Problem = false, seq, "it is not the record that was noted"
	}
	if err := l.Close(); err != nil {
		return err
	}
	return a.verified(v)
}

// knownRecord reads NUMBER:HASH.
func knownRecord(text string) (seq int64, hash string, err error) {
	if text == "" {
		return 0, "", nil
	}
	number, hash, _ := strings.Cut(text, ":")
	seq, err = strconv.ParseInt(number, 10, 64)
	if err != nil || seq < 1 || len(hash) != 64 {
		return 0, "", fmt.Errorf("--record %q: want NUMBER:HASH as verify prints them", text)
	}
	return seq, hash, nil
}

func (a *app) verified(v verdict) error {
	if a.output == "json" {
		if err := a.encode(v); err != nil {
			return err
		}
	} else {
		a.verifiedText(v)
	}
	if !v.OK {
		return exit{code: exitFailed}
	}
	return nil
}

func (a *app) verifiedText(v verdict) {
	switch {
	case v.OK && v.Records == 0:
		a.say("ok: %s is empty\n", v.Ledger)
	case v.OK:
		a.say("ok: %s, %s, head %d:%s\n", v.Ledger, count(int(v.Records), "record"), v.Records, v.Head)
	case v.Record > 0:
		a.say("tampered: %s, record %d: %s\n", v.Ledger, v.Record, v.Problem)
	default:
		a.say("tampered: %s: %s\n", v.Ledger, v.Problem)
	}
	if v.Unfinished != "" {
		a.say("%s\n", v.Unfinished)
	}
}

func (a *app) showCommand() *cobra.Command {
	var kinds []string
	var since string
	cmd := &cobra.Command{
		Use:   "show [EXPERIMENT]",
		Short: "Print the records, one a line, oldest first",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(cmd, args); err != nil {
				return badInput(err)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.show(cmd.Context(), args, kinds, since) },
	}
	cmd.Flags().StringSliceVar(&kinds, "kind", nil, "records of these kinds only: "+strings.Join(ledger.Kinds, ", "))
	cmd.Flags().StringVar(&since, "since", "", "records written from this instant on (RFC 3339 or a date)")
	return cmd
}

func (a *app) show(ctx context.Context, names, kinds []string, since string) (err error) {
	f, err := filter(names, kinds, since)
	if err != nil {
		return badInput(err)
	}
	project, err := a.load()
	if err != nil {
		return err
	}
	l, err := a.read(ctx, project, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if f.Experiment != "" && !slices.Contains(l.Experiments(), f.Experiment) {
		if _, err := a.one(project, f.Experiment); err != nil {
			return err
		}
	}
	for r, err := range l.Records(f) {
		if err == nil {
			err = a.showRecord(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func filter(names, kinds []string, since string) (f ledger.Filter, err error) {
	f.Kinds = kinds
	if len(names) == 1 {
		f.Experiment = names[0]
	}
	for _, kind := range kinds {
		if !slices.Contains(ledger.Kinds, kind) {
			return f, fmt.Errorf("--kind %q: want some of %s", kind, strings.Join(ledger.Kinds, ", "))
		}
	}
	if since != "" {
		if f.Since, err = instant(since); err != nil {
			return f, fmt.Errorf("--since: %w", err)
		}
	}
	return f, nil
}

func (a *app) showRecord(r *ledger.Record) error {
	if a.output == "json" {
		return a.encode(r)
	}
	body, err := r.Decode()
	if err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	a.say("%6d  %s  %-8s  %s: %s\n", r.Seq, r.At.UTC().Format(time.DateTime), r.Kind, shown(oneLine(r.Experiment)), shown(oneLine(report.Record(body))))
	return a.unsaid
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (a *app) copyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "copy FROM TO",
		Short: "Copy the ledger from one place to another, record by record",
		Long: `copy brings the ledger at TO up to that at FROM, which is verified first. Each
is path:FILE, duckdb:FILE or table:SCHEMA.TABLE, as under ledger in assay.yaml.
Lines and hashes stay as they are. TO must be empty or an earlier copy; a copy
that was broken off is gone on with.`,
		Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error { return a.copy(cmd.Context(), args[0], args[1]) },
	}
	a.waits(cmd)
	return cmd
}

// placeOf reads a place of a ledger as it is written on the command line.
func placeOf(text string, lease spec.Duration) (spec.Ledger, error) {
	kind, name, _ := strings.Cut(text, ":")
	at := spec.Ledger{Lease: lease}
	field := map[string]*string{"path": &at.Path, "duckdb": &at.DuckDB, "table": &at.Table}[kind]
	if field == nil || name == "" {
		return at, fmt.Errorf("%q is no place: want path:FILE, duckdb:FILE or table:SCHEMA.TABLE", text)
	}
	*field = name
	return at, spec.CheckTable(at.Table)
}

func (a *app) copy(ctx context.Context, source, target string) (err error) {
	if source == target {
		return badInput(errors.New("FROM and TO are the same place"))
	}
	project, err := a.load()
	if err != nil {
		return err
	}
	from, err := placeOf(source, project.Config.Ledger.Lease)
	to, err2 := placeOf(target, project.Config.Ledger.Lease)
	if err := errors.Join(err, err2); err != nil {
		return badInput(err)
	}
	// Both may be in the warehouse, which is opened once.
	var w connectors.Warehouse
	if to.Table != "" {
		cfg := project.Config.Warehouse
		cfg.ReadWrite = true
		if w, err = a.reach(ctx, cfg, project.Dir); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
	}
	read, err := readAt(ctx, project, from, w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, read.Close()) }()
	written, err := a.writeAt(ctx, project, to, w)
	if err != nil {
		return err
	}
	copied, err := ledger.Copy(read, written)
	records := written.Len()
	if err = errors.Join(err, written.Close()); errors.Is(err, ledger.ErrDiverged) {
		return exit{exitFailed, err}
	} else if err != nil {
		return err
	}
	if a.output == "json" {
		return a.encode(struct {
			Copied  int64  `json:"copied"`
			Records int64  `json:"records"`
			Ledger  string `json:"ledger"`
		}{copied, records, written.Place()})
	}
	a.say("%s copied to %s, which has %d\n", count(int(copied), "record"), written.Place(), records)
	return nil
}

func (a *app) resealCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "reseal",
		Short: "Accept a ledger that you restored from a copy and that ends earlier than its head says",
		Long: `reseal sets the head to the last record, provided that the records are an
unbroken chain. It is for a ledger that a person restored from a copy. What came
after the copy is then forgotten for good: also which decisions were delivered.
Nothing calls it on its own, and it asks for --yes.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				return badInput(errors.New("reseal forgets every record that is missing; if you restored the ledger yourself say --yes"))
			}
			return a.reseal(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "accept the ledger as it is")
	a.waits(cmd)
	return cmd
}

func (a *app) reseal(ctx context.Context) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	at := project.Config.Ledger
	var last int64
	err = a.patiently(ctx, func() (err error) {
		if at.Path != "" {
			last, err = ledger.Reseal(project.Abs(at.Path))
			return err
		}
		t, err := a.tableToWrite(ctx, project, at, nil)
		if err == nil {
			last, err = ledger.ResealTable(ctx, t)
		}
		return err
	})
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.encode(struct {
			Records int64 `json:"records"`
		}{last})
	}
	a.say("the ledger ends with record %d\n", last)
	return nil
}
