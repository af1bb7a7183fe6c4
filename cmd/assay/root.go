package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/report"
	"assay/spec"
)

// app is one call of the program.
type app struct {
	system
	project   string
	output    string
	logFormat string
	quiet     bool
	clock     string
	log       *slog.Logger
	begun     bool  // the command line was understood
	unsaid    error // why a result could not be written
	watch     *watch
	// lockTimeout is how long a command waits for a ledger that another run holds.
	lockTimeout time.Duration
}

// execute runs the command line and returns the exit code.
func execute(ctx context.Context, args []string, s system) int {
	a := &app{system: s}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.stdin)
	root.SetOut(s.stdout)
	root.SetErr(s.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && !a.begun {
		err = badInput(err)
	}
	if err == nil && a.unsaid != nil {
		err = unsaid(a.unsaid)
	}
	if stop, ok := errors.AsType[signalled](context.Cause(ctx)); ok {
		err = stop
	}
	if err != nil && err.Error() != "" {
		_, _ = fmt.Fprintf(s.stderr, "assay: %s\n", shown(err.Error()))
	}
	return a.watch.end(ctx, codeOf(ctx, err))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "assay",
		Short: "Judge changes behind feature flags from the data in the warehouse",
		Long: `assay runs your assignment query and metric queries, checks that identifiers
meet and that traffic split as intended, computes confidence sequences that are
valid however often one looks, decides, and tells the flag store.

Exit codes: 0 done, 1 an experiment or the report failed and the rest was done,
2 bad flags or spec, 3 warehouse or ledger unreachable, 4 a decision is
undelivered, 5 a --fail-on condition was met, 11 another run holds the lock, 130
and 143 stopped by a signal.`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd) },
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.project, "project", "p", "assay.yaml", "assay.yaml or its folder")
	flags.StringVarP(&a.output, "output", "o", "text", "result on stdout: text or json; run and explain also markdown, for a comment")
	flags.StringVar(&a.logFormat, "log-format", "text", "log on stderr: text or json")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "log errors only, show no progress")
	flags.StringVar(&a.clock, "now", "", "use this instant as the clock (RFC 3339), for simulations and replays")
	root.AddCommand(a.initCommand(), a.validateCommand(), a.schemaCommand(), a.sqlCommand(), a.planCommand(), a.runCommand(), a.scheduleCommand(),
		a.deliverCommand(), a.applyCommand(), a.clearCommand(), a.explainCommand(), a.doctorCommand(), a.reportCommand(), a.ledgerCommand(),
		a.flagsCommand(), a.versionCommand())
	return root
}

// outputs is the annotation of commands that write more than text and JSON.
const outputs = "outputs"

// setUp checks the flags that all commands share.
func (a *app) setUp(cmd *cobra.Command) error {
	a.begun = true
	known := append([]string{"text", "json"}, strings.Fields(cmd.Annotations[outputs])...)
	if !slices.Contains(known, a.output) {
		last := len(known) - 1
		return badInput(fmt.Errorf("--output %q: want %s or %s", a.output, strings.Join(known[:last], ", "), known[last]))
	}
	level := slog.LevelInfo
	if a.quiet {
		level = slog.LevelError
	}
	options := &slog.HandlerOptions{Level: level}
	switch a.logFormat {
	case "text":
		a.log = slog.New(slog.NewTextHandler(a.stderr, options))
	case "json":
		a.log = slog.New(slog.NewJSONHandler(a.stderr, options))
	default:
		return badInput(fmt.Errorf("--log-format %q: want text or json", a.logFormat))
	}
	if a.clock == "" {
		return nil
	}
	now, err := instant(a.clock)
	if err != nil {
		return badInput(fmt.Errorf("--now: %w", err))
	}
	a.now = func() time.Time { return now }
	return nil
}

// instant reads RFC 3339 or a date.
func instant(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no instant: want RFC 3339 (2026-11-02T00:00:00Z) or a date", text)
}

// load reads the spec. Problems go to stderr, all at once.
func (a *app) load() (*spec.Project, error) {
	project, problems, err := spec.Load(a.project, a.env)
	if err != nil {
		return nil, badInput(err)
	}
	if len(problems) > 0 {
		problems.Write(a.stderr)
		return nil, badInput(fmt.Errorf("%s in the spec; nothing was run", count(len(problems), "problem")))
	}
	return project, nil
}

// one finds the experiment that is named on the command line.
func (a *app) one(project *spec.Project, name string) (*spec.Experiment, error) {
	e, ok := project.Experiment(name)
	if !ok {
		names := make([]string, len(project.Experiments))
		for i := range project.Experiments {
			names[i] = project.Experiments[i].Name
		}
		return nil, badInput(fmt.Errorf("no experiment %q: want one of %s", name, strings.Join(names, ", ")))
	}
	return e, nil
}

// say writes a part of the result for people; the first failure is kept.
func (a *app) say(format string, args ...any) {
	_, err := fmt.Fprintf(a.stdout, format, args...)
	a.unsaid = cmp.Or(a.unsaid, err)
}

// encode writes the result for machines, as one line.
func (a *app) encode(result any) error {
	if err := json.NewEncoder(a.stdout).Encode(result); err != nil {
		return unsaid(err)
	}
	return nil
}

// unsaid is a result that could not be written.
func unsaid(err error) error { return exit{exitFailed, fmt.Errorf("writing the result: %w", err)} }

// text is how results are written for a person.
func (a *app) text() report.TextOptions {
	o := report.TextOptions{Width: a.terminal(a.stdout)}
	if off, _ := a.env("NO_COLOR"); o.Width > 0 && off == "" {
		o.Colour = report.ANSI
	}
	return o
}

func count(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// exactly refuses another number of arguments as bad input.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return badInput(err)
		}
		return nil
	}
}
