package main

import (
	"context"
	"errors"
	"time"

	"assay/ledger"
	"assay/monitor"
	"assay/spec"
)

// watch tells the outside of one run: who waits for a ping, and who reads a file
// of metrics. It is told what happens and has no say in it.
type watch struct {
	app     *app
	monitor *monitor.Monitor
	path    string // of the metrics; "" = none is written
	silent  bool   // nobody is pinged
	began   time.Time

	project *spec.Project // nil = the spec was not read
	mark    int64
	ended   monitor.Ended
}

// pingsWhenStopped bounds how long a run that was stopped stays for its ping.
const pingsWhenStopped = 3 * time.Second

func (a *app) newMonitor() *monitor.Monitor {
	v := buildVersion()
	return monitor.New(monitor.Build{Version: v.Version, Revision: v.Revision, Go: v.Go}, a.now)
}

func (a *app) pinger(project *spec.Project) *monitor.Pinger {
	return monitor.NewPinger(project.Config.Schedule, "assay/"+buildVersion().Version, a.log)
}

// watched begins the watch over a run that records; the flags name the file of
// the metrics and say whether to ping.
func (a *app) watched(f runFlags) {
	w := &watch{app: a, monitor: a.newMonitor(), path: f.metricsFile, silent: f.noPing, began: a.now()}
	if w.path != "" {
		a.restore(w.monitor, w.path)
	}
	a.watch = w
}

// restore counts on from the file that the process before wrote.
func (a *app) restore(m *monitor.Monitor, path string) {
	if err := m.Restore(path); err != nil {
		a.log.Warn("the metrics of earlier runs cannot be read; counters begin at 0", "file", path, "error", err)
	}
}

// begin is called when the spec is read, before anything is opened.
func (w *watch) begin(ctx context.Context, project *spec.Project) {
	if w == nil {
		return
	}
	w.project = project
	if !w.silent {
		w.ended = w.app.pinger(project).Begin(ctx)
	}
}

// opened is called when the ledger is open, before any look.
func (w *watch) opened(l *ledger.Ledger) {
	if w != nil {
		w.mark = monitor.Mark(l)
	}
}

// end tells how the run ended, and returns the code to exit with: a file that
// was asked for and cannot be written is a failure.
func (w *watch) end(ctx context.Context, code int) int {
	if w == nil {
		return code
	}
	view := w.app.view(context.WithoutCancel(ctx), w.project, w.mark, w.path != "" || w.ended != nil)
	w.monitor.Ended(monitor.Run{Began: w.began, Ended: w.app.now(), Code: code, Done: done(code)})
	if view != nil {
		w.monitor.Saw(*view)
	}
	if err := w.app.writeMetrics(w.monitor, w.path); err != nil {
		code = worse(code, exitFailed)
	}
	if w.ended != nil {
		summary := ""
		if view != nil {
			summary = view.Summary()
		}
		pings, cancel := pingContext(ctx)
		defer cancel()
		w.ended(pings, code, summary)
	}
	return code
}

// pingContext goes on where a signal has ended ctx, but not for long.
func pingContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() != nil {
		return context.WithTimeout(context.WithoutCancel(ctx), pingsWhenStopped)
	}
	return context.WithCancel(ctx)
}

func (a *app) writeMetrics(m *monitor.Monitor, path string) error {
	if path == "" {
		return nil
	}
	err := m.WriteFile(path)
	if err != nil {
		a.log.Error("the metrics could not be written", "file", path, "error", err)
	}
	return err
}

// view reads the ledger once more, as anybody may at any time; nil = it was not
// wanted, or nothing can be said.
func (a *app) view(ctx context.Context, project *spec.Project, mark int64, wanted bool) *monitor.View {
	if project == nil || !wanted {
		return nil
	}
	l, err := a.read(ctx, project, nil)
	if err != nil {
		a.log.Warn("the metrics say nothing of experiments", "error", err)
		return nil
	}
	v, err := monitor.Read(l, names(project), mark)
	if err := errors.Join(err, l.Close()); err != nil {
		a.log.Warn("the metrics say nothing of experiments", "error", err)
		return nil
	}
	return &v
}

func names(project *spec.Project) []string {
	names := make([]string, len(project.Experiments))
	for i := range project.Experiments {
		names[i] = project.Experiments[i].Name
	}
	return names
}

// done tells whether a look was taken of all experiments.
func done(code int) bool { return code == exitDone || code == exitUndelivered || code == exitCondition }

// worse is the code that is reported where another failure comes to it; a
// signal stays one.
func worse(code, more int) int {
	if code > exitLocked {
		return code
	}
	return worst(code, more)
}
