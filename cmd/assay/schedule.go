package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"assay/monitor"
	"assay/schedule"
	"assay/spec"
)

func (a *app) scheduleCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "schedule",
		Short: "Run what is due, when it is due, until it is stopped",
		Long: `schedule starts assay run whenever the section schedule of assay.yaml says, and
waits for the next time. Each run is a process of its own: between two runs
nothing is open, and whatever a run ends in, the schedule goes on. The spec is
read anew for each run. Two runs never overlap; a tick that comes while one goes
on is skipped.

SIGTERM and SIGINT start no other run, give the one that goes on its grace, ask
it to stop, and end; a second signal ends it at once.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.schedule(cmd.Context(), f) },
	}
	f.bindShared(cmd.Flags())
	return cmd
}

// scheduler starts runs and tells the outside of them.
type scheduler struct {
	app     *app
	flags   runFlags
	host    string
	began   time.Time
	loop    *schedule.Loop
	monitor *monitor.Monitor
	hurry   <-chan struct{} // closed: whatever goes on has to end
	pings   sync.WaitGroup
	pinging context.Context
	mark    int64 // the last record that is counted; used by one run at a time

	mu      sync.Mutex
	project *spec.Project // as it was last read without a problem
	plan    schedule.Plan
	bad     bool // it has problems now
}

func (a *app) schedule(ctx context.Context, f runFlags) error {
	if a.clock != "" {
		return badInput(errors.New("--now stands still, and a schedule waits: they do not go together"))
	}
	if _, err := f.options(a.now()); err != nil {
		return badInput(err)
	}
	project, err := a.load()
	if err != nil {
		return err
	}
	if _, err := project.Select(f.selected, f.excluded); err != nil {
		return badInput(err)
	}
	s := &scheduler{app: a, flags: f, began: a.now(), monitor: a.newMonitor(), project: project}
	s.host, _ = os.Hostname() // Without a name the jitter is that of the project.
	if s.plan, err = schedule.For(project, s.host); err != nil {
		return badInput(err)
	}
	s.loop = &schedule.Loop{Now: a.now, Plan: s.reload, Run: s.run, Log: a.log}
	s.monitor.Follow(func() monitor.Loop {
		at := s.loop.Status()
		return monitor.Loop{Next: at.Next, Skipped: at.Skipped}
	})
	return s.work(ctx)
}

// work goes on until the context ends.
func (s *scheduler) work(ctx context.Context) error {
	stop, err := s.listen(ctx)
	if err != nil {
		return err
	}
	defer stop()
	hurry, calm := second()
	defer calm()
	s.hurry = hurry
	pinging, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	s.pinging = pinging
	if s.flags.metricsFile != "" {
		s.app.restore(s.monitor, s.flags.metricsFile)
	}
	s.loop.CatchUp = s.missed(ctx)
	s.loop.Work(ctx)
	s.farewell(giveUp)
	return nil
}

// missed tells whether a run was due since the last look, or since the first
// experiment started where there is none, and takes over what the ledger says.
func (s *scheduler) missed(ctx context.Context) bool {
	since := time.Time{}
	if v := s.app.view(ctx, s.project, math.MaxInt64, true); v != nil {
		s.monitor.Saw(*v)
		s.mark, since = v.Mark, v.Looked
	}
	if since.IsZero() {
		for i := range s.project.Experiments {
			if start := s.project.Experiments[i].Start.Time; since.IsZero() || start.Before(since) {
				since = start
			}
		}
	}
	return *s.project.Config.Schedule.CatchUp && !since.IsZero() && s.plan.Missed(since, s.app.now())
}

// reload reads the spec anew. Where it has problems the run that follows says
// which and does nothing; only when to run stays what it was.
func (s *scheduler) reload() schedule.Plan {
	project, problems, err := spec.Load(s.app.project, s.app.env)
	s.mu.Lock()
	defer s.mu.Unlock()
	var plan schedule.Plan
	if err == nil && len(problems) == 0 {
		plan, err = schedule.For(project, s.host)
	}
	s.bad = err != nil || len(problems) > 0
	if s.bad {
		s.app.log.Error("the spec cannot be used: a run does nothing, and the schedule stays as it was", "schedule", s.plan.Text)
		return s.plan
	}
	if plan.Text != s.plan.Text || plan.Offset() != s.plan.Offset() {
		s.app.log.Info("the schedule changed", "schedule", plan.Text, "jitter", plan.Offset().String())
	}
	if project.Config.Schedule.Listen != s.project.Config.Schedule.Listen {
		s.app.log.Warn("schedule.listen changed; that takes a restart")
		project.Config.Schedule.Listen = s.project.Config.Schedule.Listen
	}
	s.project, s.plan = project, plan
	return plan
}

func (s *scheduler) present() (project *spec.Project, plan schedule.Plan, bad bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.project, s.plan, s.bad
}

// run is one tick.
func (s *scheduler) run(ctx context.Context, tick schedule.Tick) {
	project, _, bad := s.present()
	r := monitor.Run{Began: s.app.now()}
	s.app.log.Info("a run begins", "due", tick.At, "catch_up", tick.CatchUp)
	ended := s.app.pinger(project).Begin(s.pinging)
	r.Code = s.attempt(ctx, project.Config.Schedule.Grace.Duration)
	r.Ended, r.Done = s.app.now(), done(r.Code)
	s.monitor.Ended(r)
	summary := ""
	if v := s.app.view(context.WithoutCancel(ctx), project, s.mark, !bad); v != nil {
		s.monitor.Saw(*v)
		s.mark, summary = v.Mark, v.Summary()
	} else {
		s.monitor.Blind()
	}
	_ = s.app.writeMetrics(s.monitor, s.flags.metricsFile) // It is in the log.
	s.app.log.Info("a run ended", "exit", r.Code, "took", r.Ended.Sub(r.Began).Round(time.Millisecond).String())
	s.pings.Go(func() { ended(s.pinging, r.Code, summary) })
}

// farewell lets the pings that are under way arrive, for a while.
func (s *scheduler) farewell(giveUp func()) {
	sent := make(chan struct{})
	go func() {
		s.pings.Wait()
		close(sent)
	}()
	select {
	case <-sent:
	case <-s.hurry:
	case <-time.After(pingsWhenStopped):
	}
	giveUp()
	<-sent
}

// second is closed when a second signal asks to stop; calm ends the watch. The
// first one ends the context of the program.
func second() (hurry <-chan struct{}, calm func()) {
	signals, quiet, again := make(chan os.Signal, 2), make(chan struct{}), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range 2 {
			select {
			case <-signals:
			case <-quiet:
				return
			}
		}
		close(again)
	}()
	return again, func() {
		signal.Stop(signals)
		close(quiet)
	}
}

// listen answers questions about health where the spec gives an address; stop
// ends it.
func (s *scheduler) listen(ctx context.Context) (stop func(), err error) {
	address := s.project.Config.Schedule.Listen
	if address == "" {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("schedule.listen: %w", err)
	}
	registry := s.monitor.Registry(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	server := monitor.Server(registry, monitor.Checks{Alive: s.alive, Ready: s.ready}, s.app.log)
	s.app.log.Info("listening", "address", listener.Addr().String())
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.app.log.Error("nobody answers at schedule.listen any more", "error", err)
		}
	}()
	return func() {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			_ = server.Close()
		}
	}, nil
}

// alive: the loop looks at the clock.
func (s *scheduler) alive() error {
	beat := s.loop.Status().Beat
	if quiet := s.app.now().Sub(beat); !beat.IsZero() && quiet > 3*schedule.Rest {
		return fmt.Errorf("the schedule has not looked at the clock for %s", quiet.Round(time.Second))
	}
	return nil
}

// ready: the last run was done, and no two ticks have come since it began.
func (s *scheduler) ready() error {
	_, plan, _ := s.present()
	since := s.began
	if last, ok := s.monitor.Last(); ok {
		if since = last.Began; !last.Done {
			return fmt.Errorf("the last run ended with %d at %s", last.Code, last.Ended.UTC().Format(time.RFC3339))
		}
	}
	if plan.Overdue(since, s.app.now()) {
		return fmt.Errorf("two runs were due since %s, and none has ended", since.UTC().Format(time.RFC3339))
	}
	return nil
}
