package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"assay/connectors"
	"assay/connectors/flags"
	"assay/connectors/notify"
	"assay/job"
	"assay/ledger"
	"assay/queries"
	"assay/report"
	"assay/spec"
)

// runFlags are the flags of assay run.
type runFlags struct {
	asOf             string
	selected         []string
	excluded         []string
	failOn           []string
	dry, refresh     bool
	deliver, verbose bool
	full             bool
	parallel         int
	metricsFile      string
	noPing           bool
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Take a look at the experiments, decide, record and deliver",
		Long: `run takes one look at each selected experiment as of one instant, records it in
the ledger, delivers what is owed to the flag stores, and writes the report. A
look that the ledger already has is shown from there and sends nothing again. With
-o markdown the result is a comment for a pull request.`,
		Args:        exactly(0),
		Annotations: map[string]string{outputs: "markdown"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	f.bindShared(flags)
	a.waits(cmd)
	flags.StringVar(&f.asOf, "as-of", "", "look as of this instant (RFC 3339 or a date); default now, floored to the cadence")
	flags.BoolVar(&f.dry, "dry-run", false, "compute and show; record and deliver nothing")
	flags.BoolVar(&f.refresh, "refresh", false, "compute recorded looks anew and say by how much they moved; record nothing")
	flags.BoolVar(&f.deliver, "deliver", false, "deliver also for an older as-of, unless a newer decision was delivered")
	flags.BoolVar(&f.full, "full", false, "scan everything, also what incremental looks have kept, and keep it anew")
	flags.BoolVar(&f.noPing, "no-ping", false, "do not tell schedule.ping_url of this run")
	return cmd
}

// bindShared adds the flags that a run has also where assay schedule starts it.
func (f *runFlags) bindShared(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.selected, "select", nil, "experiments to look at: names and tag:NAME")
	flags.StringSliceVar(&f.excluded, "exclude", nil, "experiments to leave out: names and tag:NAME")
	flags.StringSliceVar(&f.failOn, "fail-on", nil, "exit with 5 if one of these is met: rollback, hold, srm, stale")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show each look in full")
	flags.IntVar(&f.parallel, "parallel", 1, "experiments looked at together")
	flags.StringVar(&f.metricsFile, "metrics-file", "", "write metrics for Prometheus' textfile collector to this file after the run")
}

// clockSkew is how far the clock of a scheduler may be ahead of this machine's.
const clockSkew = 5 * time.Minute

// conditions are what --fail-on can name.
var conditions = map[string]func(*ledger.Look) bool{
	"rollback": func(l *ledger.Look) bool { return l.Decision.Verdict == "rollback" },
	"hold":     func(l *ledger.Look) bool { return l.Decision.Verdict == "hold" },
	"srm":      func(l *ledger.Look) bool { return found(l, "sample_ratio") },
	"stale":    func(l *ledger.Look) bool { return found(l, "stale_exposures", "stale_source", "no_exposures") },
}

func found(l *ledger.Look, codes ...string) bool {
	return slices.ContainsFunc(l.Health.Problems, func(p ledger.Finding) bool { return slices.Contains(codes, p.Code) })
}

func (a *app) run(ctx context.Context, f runFlags) error {
	o, err := f.options(a.now())
	if err != nil {
		return badInput(err)
	}
	if o.Mode == job.ModeRun {
		a.watched(f)
	}
	project, err := a.load()
	if err != nil {
		return err
	}
	experiments, err := project.Select(f.selected, f.excluded)
	if err != nil {
		return badInput(err)
	}
	a.watch.begin(ctx, project)
	j, err := a.job(ctx, project, o.Mode == job.ModeRun)
	if err != nil {
		return err
	}
	a.watch.opened(j.Ledger)
	defer func() { _ = errors.Join(j.Ledger.Close(), j.Warehouse.Close()) }()
	j.Parallel = f.parallel
	progress := a.progress()
	if progress.width > 0 {
		j.Progress = progress.show
	}
	results, delivered, err := j.Run(ctx, experiments, o)
	progress.clear()
	if err != nil {
		return err
	}
	s := summary{results: results, delivered: delivered, job: j, flags: f, project: project}
	if o.Mode == job.ModeRun {
		s.unpublished = publish(j, results, delivered)
		s.resulted, s.unwritten = j.WriteResults(ctx)
		if s.notified, err = j.Notify(ctx); err != nil {
			return err
		}
	}
	return a.conclude(s)
}

// options turns the flags into what the job takes.
func (f runFlags) options(now time.Time) (job.Options, error) {
	o := job.Options{DeliverBackfill: f.deliver, Full: f.full}
	if f.parallel < 1 {
		return o, fmt.Errorf("--parallel %d: want at least 1", f.parallel)
	}
	if f.dry && f.refresh {
		return o, errors.New("--dry-run and --refresh do not go together")
	}
	if f.metricsFile != "" && (f.dry || f.refresh) {
		return o, errors.New("--metrics-file is for runs that record: neither --dry-run nor --refresh goes with it")
	}
	if f.dry {
		o.Mode = job.ModeDry
	}
	if f.refresh {
		o.Mode = job.ModeRefresh
	}
	for _, name := range f.failOn {
		if conditions[name] == nil {
			return o, fmt.Errorf("--fail-on %q: want some of rollback, hold, srm, stale", name)
		}
	}
	if f.asOf == "" {
		return o, nil
	}
	var err error
	if o.AsOf, err = instant(f.asOf); err != nil {
		return o, fmt.Errorf("--as-of: %w", err)
	}
	if o.AsOf.After(now.Add(clockSkew)) {
		// Such a look would stand in the way of all those until then.
		return o, fmt.Errorf("--as-of %s is in the future; it is %s", f.asOf, now.UTC().Format(time.RFC3339))
	}
	return o, nil
}

// job opens what a run needs: first the ledger, whose lock keeps two runs
// apart, then the stores and the warehouse.
func (a *app) job(ctx context.Context, project *spec.Project, writing bool) (*job.Job, error) {
	openLedger := a.read
	if writing {
		openLedger = a.write
	}
	var warehouse connectors.Warehouse
	var err error
	if project.Config.Ledger.Table != "" {
		// Without the warehouse there is no ledger either.
		if warehouse, err = a.reach(ctx, project.Config.Warehouse, project.Dir); err != nil {
			return nil, err
		}
	}
	l, err := openLedger(ctx, project, warehouse)
	if err != nil {
		return nil, errors.Join(err, shut(warehouse))
	}
	stores, err := a.stores(project)
	if err != nil {
		return nil, errors.Join(badInput(err), l.Close(), shut(warehouse))
	}
	channels, err := a.channels(project)
	if err != nil {
		return nil, errors.Join(badInput(err), l.Close(), shut(warehouse))
	}
	if warehouse == nil {
		if warehouse, err = open(ctx, project); err != nil {
			return nil, errors.Join(fmt.Errorf("warehouse: %w", err), l.Close())
		}
	}
	v := buildVersion()
	return &job.Job{
		Project: project, Warehouse: warehouse, Ledger: l, Stores: stores, Channels: channels,
		Now: a.now, Tool: v.Version, Revision: a.revision(ctx, project.Dir), At: a.at, Patience: a.patience,
	}, nil
}

// open opens the warehouse. One that cannot be reached is found out by each
// look, so that the hold is recorded and the fail-safe keeps its time.
func open(ctx context.Context, project *spec.Project) (connectors.Warehouse, error) {
	warehouse, err := connectors.Open(ctx, project.Config.Warehouse, project.Dir)
	if !unreachable(err) {
		return warehouse, err
	}
	dialect, unknown := queries.DialectOf(project.Config.Warehouse.Type)
	return job.Unreachable(dialect, err), unknown
}

// unreachable tells whether there was no warehouse to run statements on.
func unreachable(err error) bool {
	e, ok := errors.AsType[*connectors.Error](err)
	return ok && e.Fault == connectors.FaultWarehouse && e.Statement == ""
}

func (a *app) stores(project *spec.Project) (map[string]flags.Store, error) {
	stores := map[string]flags.Store{}
	for name, cfg := range project.Config.FlagStores {
		store, err := flags.Open(name, cfg, project.Dir, flags.Options{
			Now: a.now, UserAgent: "assay/" + buildVersion().Version, Client: a.client, At: a.at,
		})
		if err != nil {
			return nil, err
		}
		stores[name] = store
	}
	return stores, nil
}

// channels opens those that are notified.
func (a *app) channels(project *spec.Project) ([]job.Channel, error) {
	var channels []job.Channel
	for _, cfg := range project.Config.Notify {
		channel, err := notify.Open(cfg, notify.Options{Now: a.now, UserAgent: "assay/" + buildVersion().Version})
		if err != nil {
			return nil, err
		}
		selected, err := project.Select(cfg.Select, nil)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", cfg.Name, err)
		}
		c := job.Channel{Channel: channel, On: cfg.On}
		for _, e := range selected {
			c.Experiments = append(c.Experiments, e.Name)
		}
		channels = append(channels, c)
	}
	return channels, nil
}

// index is the report's first page, named from where the user named the project.
func index(project *spec.Project) string {
	dir := project.Config.Report.Path
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(project.Path), dir)
	}
	return filepath.Join(dir, "index.html")
}

func publish(j *job.Job, results []job.Result, delivered []job.Delivered) error {
	var looks []*ledger.Look
	for _, r := range results {
		if r.Look != nil {
			looks = append(looks, r.Look)
		}
	}
	return j.Publish(job.FolderOf(j.Project), looks, touched(delivered)...)
}

// touched are the experiments that something was delivered of.
func touched(delivered []job.Delivered) []string {
	var names []string
	for _, d := range delivered {
		names = append(names, d.Pending.Experiment)
	}
	return names
}

// summary is what a run says at its end.
type summary struct {
	results   []job.Result
	delivered []job.Delivered
	notified  []job.Notified
	job       *job.Job
	flags     runFlags
	project   *spec.Project
	// unpublished is why the report could not be written.
	unpublished error
	// resulted is what was written to the table of results, unwritten why not all.
	resulted  job.Resulted
	unwritten error
}

// conclude writes the result and chooses the exit code.
func (a *app) conclude(s summary) error {
	undelivered := 0
	if s.writes() {
		var err error
		if undelivered, err = s.job.Undelivered(); err != nil {
			return err
		}
	}
	code := s.code(undelivered)
	if s.unpublished != nil {
		a.log.Error("the report could not be written; assay report writes it anew", "error", s.unpublished)
	}
	if s.unwritten != nil {
		a.log.Error("the table of results was not brought up to the ledger; the next run does it", "error", s.unwritten)
	}
	if s.resulted.Left > 0 && s.unwritten == nil {
		a.log.Info("the table of results is behind the ledger; the next runs go on", "written", s.resulted.Written, "left", s.resulted.Left)
	}
	if err := a.summarise(s, undelivered, code); err != nil {
		return err
	}
	if code == exitDone {
		return nil
	}
	return exit{code: code}
}

// summarise writes the result as it is asked for.
func (a *app) summarise(s summary, undelivered, code int) error {
	switch a.output {
	case "json":
		return a.summaryJSON(s, undelivered, code)
	case "markdown":
		return a.summaryMarkdown(s, undelivered)
	}
	return a.summaryText(s, undelivered)
}

func (s summary) writes() bool { return !s.flags.dry && !s.flags.refresh }

func (s summary) code(undelivered int) int {
	var codes []int
	if undelivered > 0 || slices.ContainsFunc(s.delivered, lost) {
		codes = append(codes, exitUndelivered)
	}
	if s.unpublished != nil || s.unwritten != nil {
		codes = append(codes, exitFailed)
	}
	for _, r := range s.results {
		if r.Err != nil {
			codes = append(codes, exitFailed)
		}
		if unreachable(r.Err) {
			codes = append(codes, exitUnreachable)
		}
		if r.Look != nil && slices.ContainsFunc(s.flags.failOn, func(name string) bool { return conditions[name](r.Look) }) {
			codes = append(codes, exitCondition)
		}
	}
	return worst(codes...)
}

// lost tells whether a store will never take what was decided. It is decided
// anew at the next look; until then it is not done.
func lost(d job.Delivered) bool {
	switch d.Attempt.Outcome {
	case ledger.OutcomeRefused, ledger.OutcomeConflict, ledger.OutcomeApproval, ledger.OutcomeDisabled:
		return true
	}
	return false
}

func (a *app) summaryText(s summary, undelivered int) error {
	o := a.text()
	for _, r := range s.results {
		switch {
		case r.Err != nil:
			a.say("%-8s  %s: %s\n", "failed", r.Experiment, shown(firstLine(r.Err)))
		case r.Skipped != "":
			a.say("%-8s  %s: %s\n", "skipped", r.Experiment, r.Skipped)
		case s.flags.refresh:
			a.say("%-8s  %s: estimates moved by at most %.2g of their size\n", "refresh", r.Experiment, r.Moved)
		case s.flags.verbose:
			if err := report.Text(a.stdout, r.Look, o); err != nil {
				return err
			}
		default:
			a.say("%s\n", report.Line(r.Look, o.Width))
		}
	}
	for _, d := range s.delivered {
		a.say("%-8s  %s: %s of %s in %s: %s (%s)\n", "flag", d.Pending.Experiment, d.Pending.Verdict,
			d.Pending.Delivery.FlagKey, d.Pending.Delivery.Store, d.Attempt.Outcome, shown(d.Attempt.Message))
	}
	for _, n := range s.notified {
		a.say("%-8s  %s: %s in %s: %s\n", "notice", n.Notice.Experiment, n.Notice.Event, n.Notice.Channel, outcomeOf(n.Told))
	}
	if undelivered > 0 {
		a.say("%s in the outbox; the next run or assay deliver tries again\n", count(undelivered, "decision"))
	}
	if s.writes() && s.unpublished == nil {
		a.say("report    %s\n", index(s.project))
	}
	return nil
}

// outcomeOf is what became of a notice, in words.
func outcomeOf(t ledger.Told) string {
	if t.Message == "" {
		return t.Outcome
	}
	return fmt.Sprintf("%s (%s)", t.Outcome, shown(t.Message))
}

// shown makes text from outside safe for a terminal: no control character but a new line, and
// no sign that turns the direction of writing gets through.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// jsonResult is one experiment in the summary line.
type jsonResult struct {
	Experiment string     `json:"experiment"`
	Verdict    string     `json:"verdict,omitempty"`
	Summary    string     `json:"summary,omitempty"`
	Code       string     `json:"code,omitempty"`
	AsOf       *time.Time `json:"asOf,omitempty"`
	Look       string     `json:"look,omitempty"`
	Page       string     `json:"page,omitempty"`
	Again      bool       `json:"again,omitempty"`
	Skipped    string     `json:"skipped,omitempty"`
	Moved      *float64   `json:"moved,omitempty"`
	Error      string     `json:"error,omitempty"`
}

// jsonDelivery is one delivery in the summary line.
type jsonDelivery struct {
	ID         string `json:"id"`
	Experiment string `json:"experiment"`
	Store      string `json:"store"`
	Flag       string `json:"flag"`
	Outcome    string `json:"outcome"`
	Message    string `json:"message"`
}

// jsonNotice is one notice in the summary line.
type jsonNotice struct {
	ID         string `json:"id"`
	Experiment string `json:"experiment"`
	Channel    string `json:"channel"`
	Event      string `json:"event"`
	Outcome    string `json:"outcome"`
	Message    string `json:"message,omitempty"`
}

func (a *app) summaryJSON(s summary, undelivered, code int) error {
	out := struct {
		Results     []jsonResult   `json:"results"`
		Deliveries  []jsonDelivery `json:"deliveries"`
		Notices     []jsonNotice   `json:"notices,omitempty"`
		Undelivered int            `json:"undelivered"`
		Report      string         `json:"report,omitempty"`
		Exit        int            `json:"exit"`
	}{Results: []jsonResult{}, Deliveries: []jsonDelivery{}, Undelivered: undelivered, Exit: code}
	if s.writes() && s.unpublished == nil {
		out.Report = index(s.project)
	}
	for _, r := range s.results {
		out.Results = append(out.Results, resultJSON(r, s.flags.refresh))
	}
	for _, d := range s.delivered {
		out.Deliveries = append(out.Deliveries, jsonDelivery{
			ID: d.Pending.Delivery.ID, Experiment: d.Pending.Experiment, Store: d.Pending.Delivery.Store,
			Flag: d.Pending.Delivery.FlagKey, Outcome: d.Attempt.Outcome, Message: d.Attempt.Message,
		})
	}
	for _, n := range s.notified {
		out.Notices = append(out.Notices, jsonNotice{
			ID: n.Notice.ID, Experiment: n.Notice.Experiment, Channel: n.Notice.Channel,
			Event: n.Notice.Event, Outcome: n.Told.Outcome, Message: n.Told.Message,
		})
	}
	return a.encode(out)
}

func resultJSON(r job.Result, refreshed bool) jsonResult {
	out := jsonResult{Experiment: r.Experiment, Again: r.Again, Skipped: r.Skipped}
	if r.Err != nil {
		out.Error = r.Err.Error()
	}
	if refreshed {
		out.Moved = &r.Moved
	}
	if l := r.Look; l != nil {
		out.Verdict, out.Summary, out.Code = string(l.Decision.Verdict), l.Decision.Summary, l.Decision.Reasons[0].Code
		out.AsOf, out.Look, out.Page = &l.AsOf, l.ID, job.LookPath(l)
	}
	return out
}
