package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"assay/connectors"
	"assay/job"
	"assay/report"
	"assay/spec"
)

// doctorFlags are the flags of assay doctor.
type doctorFlags struct {
	asOf   string
	sample int
	rows   int64
	bytes  int64
	span   string
	// identifiers: the traffic is left out.
	identifiers bool
}

func (a *app) doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor EXPERIMENT",
		Short: "Say why the data cannot be trusted, and print the mend",
		Long: `doctor looks at the identifiers of the exposures and of each fact source, in the
warehouse: how many meet, what is wrong with the others, since when, and what to
change in the spec. Then it looks at the traffic: exposures outside the dates or
without an identifier, units that changed their variation, days that are missing,
whether a known client would have drawn the same variations, and what other
experiments on the same units change. It records nothing and decides nothing. The
answer, whatever it is, exits with 0.

Every source is scanned a few times, between --span before as-of (default: the
start of the experiment) and as-of. Causes are tried on a sample. The traffic
takes a scan of all exposures for each question, and a look for each other
experiment; --identifiers and --span leave it out. What each query gives is counted
first: beyond --max-rows or --max-bytes the span is shortened, the traffic left
out, and a query that still gives more is not asked.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.doctor(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.asOf, "as-of", "", "look as of this instant (RFC 3339 or a date); default now, floored to the cadence")
	flags.IntVar(&f.sample, "sample", 20000, "identifiers that causes are tried on, among fifty times as many")
	flags.Int64Var(&f.rows, "max-rows", 100_000_000, "rows of a query at the most")
	flags.Int64Var(&f.bytes, "max-bytes", 10_000_000_000, "bytes of a query's identifiers and timestamps at the most")
	flags.BoolVar(&f.identifiers, "identifiers", false, "look at identifiers only")
	flags.StringVar(&f.span, "span", "", "how long before as-of rows are looked at (3d); default since the start")
	return cmd
}

// examination turns the flags into what the job takes.
func (f doctorFlags) examination(now time.Time, e *spec.Experiment) (job.Examination, error) {
	x := job.Examination{AsOf: now.UTC().Truncate(e.Cadence.Duration), Sample: f.sample, MaxRows: f.rows, MaxBytes: f.bytes}
	if f.rows < 1 {
		return x, fmt.Errorf("--max-rows %d: want at least 1", f.rows)
	}
	if f.bytes < 1 {
		return x, fmt.Errorf("--max-bytes %d: want at least 1", f.bytes)
	}
	if f.sample < 1 {
		return x, fmt.Errorf("--sample %d: want at least 1", f.sample)
	}
	var err error
	if f.asOf != "" {
		if x.AsOf, err = instant(f.asOf); err != nil {
			return x, fmt.Errorf("--as-of: %w", err)
		}
	}
	if f.span == "" {
		return x, nil
	}
	span, err := spec.ParseDuration(f.span)
	if err != nil || span.Duration <= 0 {
		return x, fmt.Errorf("--span %q: want a time like 36h or 3d", f.span)
	}
	x.Span = span.Duration
	return x, nil
}

func (a *app) doctor(ctx context.Context, name string, f doctorFlags) (err error) {
	project, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.one(project, name)
	if err != nil {
		return err
	}
	examination, err := f.examination(a.now(), e)
	if err != nil {
		return badInput(err)
	}
	warehouse, err := connectors.Open(ctx, project.Config.Warehouse, project.Dir)
	if err != nil {
		return fmt.Errorf("warehouse: %w", err)
	}
	defer func() { err = errors.Join(err, warehouse.Close()) }()
	l, err := a.read(ctx, project, warehouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	progress := a.progress()
	j := &job.Job{Project: project, Warehouse: warehouse, Ledger: l, Now: a.now}
	if progress.width > 0 {
		j.Progress = progress.show
	}
	checkup, err := j.Doctor(ctx, e, examination)
	if err == nil && !f.identifiers && !checkup.Partial {
		checkup.Traffic, err = j.TrafficCheckup(ctx, e, examination.AsOf)
	}
	progress.clear()
	if err != nil {
		return fmt.Errorf("doctor: %w", err)
	}
	if a.output == "json" {
		err = report.DoctorJSON(a.stdout, checkup)
	} else {
		err = report.Doctor(a.stdout, checkup, a.text())
	}
	if err != nil {
		return unsaid(err)
	}
	return nil
}
