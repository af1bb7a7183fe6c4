package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/job"
	"assay/ledger"
	"assay/queries"
	"assay/report"
	"assay/spec"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check assay.yaml and all experiments; every problem at once",
		Args:  exactly(0),
		RunE:  func(*cobra.Command, []string) error { return a.validate() },
	}
}

func (a *app) validate() error {
	project, problems, err := spec.Load(a.project, a.env)
	if err != nil {
		return badInput(err)
	}
	if len(problems) == 0 {
		if err := renderAll(project, a.now()); err != nil {
			return badInput(err)
		}
	}
	if a.output == "json" {
		return a.validateJSON(project, problems)
	}
	if len(problems) > 0 {
		problems.Write(a.stderr)
		return badInput(errors.New(count(len(problems), "problem")))
	}
	project.Warnings.Write(a.stderr)
	a.say("ok: %s, %s, %s\n", count(len(project.Experiments), "experiment"),
		count(len(project.Config.Metrics), "metric"), count(len(project.Config.Facts), "fact source"))
	return nil
}

// renderAll makes sure that every experiment's SQL can be written.
func renderAll(project *spec.Project, now time.Time) error {
	for i := range project.Experiments {
		for _, name := range queries.DialectNames() {
			d, err := queries.DialectOf(name)
			if err != nil {
				return err
			}
			if _, err := job.Script(project, &project.Experiments[i], &ledger.History{}, now, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// jsonProblem is one problem or warning as assay validate -o json prints it.
type jsonProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Source  string `json:"source"`
}

func problemsJSON(problems spec.Problems) []jsonProblem {
	out := make([]jsonProblem, len(problems))
	for i, p := range problems {
		out[i] = jsonProblem{p.File, p.Line, p.Column, p.Message, p.Source}
	}
	return out
}

func (a *app) validateJSON(project *spec.Project, problems spec.Problems) error {
	out := struct {
		Problems []jsonProblem `json:"problems"`
		Warnings []jsonProblem `json:"warnings"`
	}{problemsJSON(problems), []jsonProblem{}}
	if project != nil {
		out.Warnings = problemsJSON(project.Warnings)
	}
	if err := a.encode(out); err != nil {
		return err
	}
	if len(problems) > 0 {
		return exit{code: exitInput}
	}
	return nil
}

func (a *app) schemaCommand() *cobra.Command {
	schemas := map[string]func() ([]byte, error){"project": spec.ProjectSchema, "experiment": spec.ExperimentSchema}
	return &cobra.Command{
		Use:       "schema project|experiment",
		Short:     "Print the JSON Schema of assay.yaml or of an experiment file, for editors",
		Args:      exactly(1),
		ValidArgs: []string{"project", "experiment"},
		RunE: func(_ *cobra.Command, args []string) error {
			schema, ok := schemas[args[0]]
			if !ok {
				return badInput(fmt.Errorf("no schema %q: want project or experiment", args[0]))
			}
			text, err := schema()
			if err != nil {
				return err
			}
			a.say("%s", text)
			return nil
		},
	}
}

func (a *app) sqlCommand() *cobra.Command {
	var dialect, asOf string
	var checks bool
	cmd := &cobra.Command{
		Use:   "sql EXPERIMENT",
		Short: "Print the SQL of a look exactly as it would run; needs no warehouse",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.sql(cmd.Context(), args[0], dialect, asOf, checks)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dialect, "dialect", "", "render for "+strings.Join(queries.DialectNames(), ", ")+"; default that of the warehouse")
	flags.StringVar(&asOf, "as-of", "", "as of this instant; default now, floored to the cadence")
	flags.BoolVar(&checks, "checks", false, "also print what runs only where the data look wrong")
	return cmd
}

func (a *app) sql(ctx context.Context, name, dialect, asOf string, checks bool) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	e, err := a.one(project, name)
	if err != nil {
		return err
	}
	if dialect == "" {
		dialect = project.Config.Warehouse.Type
	}
	d, err := queries.DialectOf(dialect)
	if err != nil {
		return badInput(err)
	}
	at := a.now().UTC().Truncate(e.Cadence.Duration)
	if asOf != "" {
		if at, err = instant(asOf); err != nil {
			return badInput(fmt.Errorf("--as-of: %w", err))
		}
	}
	l, err := a.read(ctx, project, nil)
	if err != nil {
		return err
	}
	h, err := l.History(e.Name)
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	script, err := job.Script(project, e, h, at, d)
	if err != nil {
		return err
	}
	statements := script.All()
	if checks {
		statements = append(statements, script.Checks()...)
	}
	return a.statements(statements)
}

func (a *app) statements(list []queries.Statement) error {
	if a.output == "json" {
		return a.statementsJSON(list)
	}
	for i, s := range list {
		if i > 0 {
			a.say("\n")
		}
		a.say("-- %s\n%s;\n", s.Name, strings.TrimRight(s.SQL, "\n"))
	}
	return nil
}

// jsonStatement is one statement as assay sql -o json prints it.
type jsonStatement struct {
	Name    string `json:"name"`
	Purpose string `json:"purpose"`
	SQL     string `json:"sql"`
}

func (a *app) statementsJSON(list []queries.Statement) error {
	out := make([]jsonStatement, len(list))
	for i, s := range list {
		out[i] = jsonStatement{s.Name, s.Purpose, s.SQL}
	}
	// SQL is for people too: > stays >.
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return unsaid(err)
	}
	return nil
}

func (a *app) explainCommand() *cobra.Command {
	var asOf string
	cmd := &cobra.Command{
		Use:   "explain EXPERIMENT",
		Short: "Say what was decided, why, and what would change it",
		Long: `explain says of one look what the report says: the verdict, why, and what would
have changed it; the flag, the data, the effects, the prompts, the looks before and
what repeats it. With -o json it is the look with the members history and since,
with -o markdown a comment for a pull request.`,
		Args:        exactly(1),
		Annotations: map[string]string{outputs: "markdown"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.explain(cmd.Context(), args[0], asOf) },
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "explain the look as of this instant; default the latest")
	return cmd
}

func (a *app) explain(ctx context.Context, name, asOf string) error {
	project, err := a.load()
	if err != nil {
		return err
	}
	l, err := a.read(ctx, project, nil)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	look, err := a.lookOf(project, l, name, asOf)
	if err != nil {
		return err
	}
	history, err := job.UpTo(l, look)
	if err != nil {
		return err
	}
	since, err := job.Since(l, name)
	if err != nil {
		return err
	}
	latest, err := job.Latest(l, name)
	if err != nil {
		return err
	}
	e := report.Explained{Look: &look.Body, History: history, Since: since, Later: latest != nil && latest.Seq > look.Seq}
	switch a.output {
	case "json":
		return report.LatestJSON(a.stdout, e)
	case "markdown":
		return job.FolderOf(project).Site.Markdown(a.stdout, e)
	}
	return report.Explain(a.stdout, e, a.text())
}

// lookOf finds the look that is to be explained: the latest, or the one as of
// an instant. The ledger may know experiments that the spec has no longer.
func (a *app) lookOf(project *spec.Project, l *ledger.Ledger, name, asOf string) (*ledger.Entry[ledger.Look], error) {
	if !slices.Contains(l.Experiments(), name) {
		if _, err := a.one(project, name); err != nil {
			return nil, err
		}
	}
	look, err := job.Latest(l, name)
	if asOf != "" {
		at, wrong := instant(asOf)
		if wrong != nil {
			return nil, badInput(fmt.Errorf("--as-of: %w", wrong))
		}
		look, err = lookAt(l, name, at)
	}
	if err == nil && look == nil {
		err = badInput(fmt.Errorf("the ledger has no such look of %q", name))
	}
	return look, err
}

// lookAt is the look of that as-of that was written last; nil = there is none.
func lookAt(l *ledger.Ledger, name string, at time.Time) (*ledger.Entry[ledger.Look], error) {
	for _, seq := range slices.Backward(l.LookSeqs(name)) {
		look, err := l.LookAt(seq)
		if err != nil || look.Body.AsOf.Equal(at) {
			return look, err
		}
	}
	return nil, nil
}
