package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"assay/decide"
	"assay/job"
	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [EXPERIMENT]...",
		Short: "Say what each experiment can find out, how soon, how often it would be wrong, and with --cost what it scans",
		Long: `plan forecasts the sequential design that a run would use: the chance that a
harm (of a goal: a gain) of the declared size is established by the end, the
smallest one that would be, when, and the chance of a false rollback. What
control shows comes from base_rate and base_sd of the metric, or from the last
look in the ledger. It needs no warehouse but for --cost, which asks the
warehouse in dry runs what the statements of a look would scan.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args, f) },
	}
	cmd.Flags().Float64Var(&f.power, "power", 0.8, "the chance that is asked for")
	cmd.Flags().BoolVar(&f.cost, "cost", false, "ask the warehouse what a look would scan; runs nothing")
	cmd.Flags().Float64Var(&f.price, "price-per-tb", 0, "with --cost: what 10^12 bytes cost, in your currency")
	return cmd
}

func (a *app) plan(ctx context.Context, names []string, f planFlags) error {
	if err := f.check(); err != nil {
		return badInput(err)
	}
	project, err := a.load()
	if err != nil {
		return err
	}
	experiments, err := a.chosen(project, names)
	if err != nil {
		return err
	}
	l, err := a.read(ctx, project, nil)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	costs, err := a.costs(ctx, project, l, experiments, f)
	if err != nil {
		return err
	}
	prospects := make([]jsonProspect, len(experiments))
	for i, e := range experiments {
		prospects[i].Cost = costs[i]
		if prospects[i].Prospect, err = prospect(project, l, e, f.power); err != nil {
			return err
		}
	}
	if a.output == "json" {
		return a.encode(prospects)
	}
	return a.planText(prospects, f.power)
}

// chosen are the experiments of these names; all where none is named.
func (a *app) chosen(project *spec.Project, names []string) ([]*spec.Experiment, error) {
	var out []*spec.Experiment
	var problems error
	for _, name := range names {
		e, err := a.one(project, name)
		problems = errors.Join(problems, err)
		out = append(out, e)
	}
	if len(names) == 0 {
		for i := range project.Experiments {
			out = append(out, &project.Experiments[i])
		}
	}
	return out, problems
}

func prospect(project *spec.Project, l *ledger.Ledger, e *spec.Experiment, power float64) (job.Prospect, error) {
	last, err := job.Latest(l, e.Name)
	if err != nil {
		return job.Prospect{}, err
	}
	if last == nil {
		return job.Plan(project, e, nil, power), nil
	}
	return job.Plan(project, e, &last.Body, power), nil
}

func (a *app) planText(prospects []jsonProspect, power float64) error {
	for i, p := range prospects {
		if i > 0 {
			a.say("\n")
		}
		a.say("%s (%s), %s to %s, %d looks\n", p.Experiment, p.Type, p.Start.Format(time.DateOnly), p.End.Format(time.DateOnly), p.Looks)
		a.say("  %s units expected (%s)\n  a harmless variation is rolled back with at most %s, over all guardrails\n  and looks\n",
			units(p.Units), p.UnitsFrom, share(p.False))
		for _, q := range p.Questions {
			a.say("  %s, %s, %s\n", q.Metric, asked(q), q.Design.Method)
			for _, line := range questionText(p.Prospect, q, power) {
				a.say("    %s\n", line)
			}
		}
		if p.Cost != nil {
			for _, line := range costText(p.Cost) {
				a.say("  %s\n", line)
			}
		}
	}
	return nil
}

// asked is what is looked for: the gain of a goal, or harm.
func asked(q job.ProspectOf) string {
	if q.Role == decide.RoleGoal {
		return "goal, gain"
	}
	return q.Role
}

// questionText are the lines of one question, which fit a narrow terminal.
func questionText(p job.Prospect, q job.ProspectOf, power float64) []string {
	plan := q.Plan
	if plan.Status != stats.StatusOK {
		return []string{"cannot say: " + plan.Note}
	}
	var lines []string
	if plan.Power.Known {
		lines = append(lines, fmt.Sprintf("%s: found with %s; in %s of cases by %s, on average %s",
			size(stats.Some(q.Design.MDE.Value), q.Design.MDE), chance(plan.Power), share(power), when(p, plan.TargetTime), when(p, plan.MeanTime)))
	}
	last := fmt.Sprintf("smallest found in %s: %s", share(power), size(plan.Detectable, q.Design.MDE))
	if plan.Within.Known {
		last += "; if harmless, within the margin: " + chance(plan.Within)
	}
	return append(lines, last)
}

// when is an instant of the duration, as days after the start.
func when(p job.Prospect, o stats.Optional) string {
	if !o.Known {
		return "no day"
	}
	days := o.Value * p.End.Sub(p.Start).Hours() / 24
	return "day " + strconv.FormatFloat(days, 'f', 1, 64)
}

func size(o stats.Optional, like stats.Size) string {
	switch {
	case !o.Known || o.Value == 0:
		return "–"
	case like.Absolute:
		return strconv.FormatFloat(o.Value, 'g', 3, 64)
	default:
		return share(o.Value)
	}
}

func chance(o stats.Optional) string {
	if !o.Known {
		return "–"
	}
	return share(o.Value)
}

// share writes a share as a percentage of three digits.
func share(x float64) string { return strconv.FormatFloat(100*x, 'g', 3, 64) + " %" }

func units(x float64) string {
	if x == 0 {
		return "an unknown number of"
	}
	return strconv.FormatFloat(x, 'f', 0, 64)
}
