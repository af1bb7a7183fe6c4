package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"assay/ledger"
)

// scheduled is assay schedule as it runs, on a project of its own.
type scheduled struct {
	dir  string
	env  []string
	cmd  *exec.Cmd
	done chan struct{}
}

// newScheduled is a project whose rollout is looked at every second.
func newScheduled(t *testing.T, section string) *scheduled {
	t.Helper()
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	s := &scheduled{dir: smallProject(t, "tone "+yesterday+" control=200:10 treatment=200:11"), env: os.Environ()}
	s.edit(t, "experiments/tone.yaml", "start: 2026-11-01", "start: "+yesterday)
	s.edit(t, "experiments/tone.yaml", "cadence: 24h", "cadence: 1s")
	if err := os.Remove(filepath.Join(s.dir, "experiments", "rank.yaml")); err != nil {
		t.Fatal(err)
	}
	s.write(t, "assay.yaml", s.read(t, "assay.yaml")+"\nschedule:\n"+section)
	return s
}

func (s *scheduled) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

func (s *scheduled) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *scheduled) edit(t *testing.T, name, old, text string) {
	t.Helper()
	before := s.read(t, name)
	if !strings.Contains(before, old) {
		t.Fatalf("%s has no %s", name, old)
	}
	s.write(t, name, strings.Replace(before, old, text, 1))
}

// start begins the schedule; it is killed at the end of the test at the latest.
func (s *scheduled) start(t *testing.T, args ...string) {
	t.Helper()
	s.cmd = program(t.Context(), s.dir, append([]string{"schedule"}, args...)...)
	s.cmd.Env = s.env
	stdout, err := os.Create(filepath.Join(s.dir, "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(filepath.Join(s.dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = stdout, stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		_ = errors.Join(stdout.Close(), stderr.Close())
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.done
		if t.Failed() {
			t.Logf("stdout:\n%s\nstderr:\n%s", s.read(t, "stdout"), s.read(t, "stderr"))
		}
	})
}

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 12_000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not come", what)
}

// logged waits until a text is in the log so many times.
func (s *scheduled) logged(t *testing.T, text string, times int) {
	t.Helper()
	await(t, text, func() bool { return strings.Count(s.read(t, "stderr"), text) >= times })
}

// signal sends a signal to the schedule alone.
func (s *scheduled) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// ended holds the schedule to its exit code.
func (s *scheduled) ended(t *testing.T, code int) {
	t.Helper()
	select {
	case <-s.done:
	case <-time.After(2 * time.Minute):
		t.Fatal("it does not end")
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("it exited with %d, want %d", got, code)
	}
}

// looks are those in the ledger, which has to be whole.
func (s *scheduled) looks(t *testing.T) int {
	t.Helper()
	path := filepath.Join(s.dir, "ledger.jsonl")
	if err := ledger.Verify(path); err != nil {
		t.Error(err)
	}
	l, err := ledger.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return len(l.LookSeqs("tone"))
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// ask gets a page of the schedule's server.
func (s *scheduled) ask(t *testing.T, path string) (status int, text string) {
	t.Helper()
	s.logged(t, "msg=listening", 1)
	address := listening.FindStringSubmatch(s.read(t, "stderr"))[1]
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// metric is the value of a series, by name and one label's value; ok is false
// where there is none.
func metric(t *testing.T, text, name, label string) (value float64, ok bool) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, m := range families[name].GetMetric() {
		if label == "" || hasLabel(m, label) {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue(), true
		}
	}
	return 0, false
}

func hasLabel(m *dto.Metric, value string) bool {
	for _, l := range m.GetLabel() {
		if l.GetValue() == value {
			return true
		}
	}
	return false
}

// waiter is a service that waits for pings.
type waiter struct {
	server *httptest.Server
	status int

	mu    sync.Mutex
	pings []string
}

func newWaiter(t *testing.T, status int) *waiter {
	t.Helper()
	w := &waiter{status: status}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.pings = append(w.pings, fmt.Sprintf("%s rid=%s %s", r.URL.Path, r.URL.Query().Get("rid"), body))
		status := w.status
		w.mu.Unlock()
		out.WriteHeader(status)
	}))
	t.Cleanup(w.server.Close)
	return w
}

func (w *waiter) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.pings...)
}

// daily is a schedule whose only run is the one that is caught up on.
const daily = "  cron: 0 0 * * *\n  listen: 127.0.0.1:0\n"

func TestScheduleTakesLooks(t *testing.T) {
	t.Parallel()
	// On a busy machine under the race detector a run takes two seconds: with a run
	// due in each of them the schedule is late, and rightly says so.
	s := newScheduled(t, "  cron: \"@every 3s\"\n  listen: 127.0.0.1:0\n  ping_url: ${PING_URL}\n  private_addresses: true\n")
	w := newWaiter(t, http.StatusOK)
	s.env = append(s.env, "PING_URL="+w.server.URL+"/"+hookToken)
	s.start(t, "--metrics-file", "assay.prom")
	s.logged(t, `msg="a run ended" exit=0`, 3)
	for _, path := range []string{"/healthz", "/readyz"} {
		await(t, path+" ok", func() bool {
			status, text := s.ask(t, path)
			return status == http.StatusOK && text == "ok\n"
		})
	}
	_, text := s.ask(t, "/metrics")
	for _, of := range []string{text, s.read(t, "assay.prom")} {
		if n, _ := metric(t, of, "assay_runs_total", "0"); n < 2 {
			t.Errorf("assay_runs_total is %v", n)
		}
		if code, ok := metric(t, of, "assay_run_last_exit_code", ""); !ok || code != 0 {
			t.Errorf("assay_run_last_exit_code is %v, %t", code, ok)
		}
		if at, _ := metric(t, of, "assay_run_last_success_timestamp_seconds", ""); time.Since(time.Unix(int64(at), 0)) > time.Minute {
			t.Errorf("the last success was at %v", at)
		}
		if age, ok := metric(t, of, "assay_data_age_seconds", "assignment/exposures"); !ok || age <= 0 {
			t.Errorf("the age of the exposures is %v, %t", age, ok)
		}
		if n, ok := metric(t, of, "assay_experiment_verdict", "tone"); !ok || n < 0 {
			t.Error("there is no verdict")
		}
	}
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
	if n := s.looks(t); n < 2 {
		t.Errorf("%d looks", n)
	}
	if n := strings.Count(s.read(t, "stdout"), "  tone  "); n < 2 {
		t.Errorf("%d lines of results", n)
	}
	pairs := map[string][]string{}
	for _, ping := range w.all() {
		path, rest, _ := strings.Cut(ping, " rid=")
		pairs[rest[:36]] = append(pairs[rest[:36]], strings.TrimPrefix(path, "/"+hookToken))
		if strings.HasSuffix(path, "/0") && !strings.Contains(rest, "  tone  ") && s.looks(t) < 2 {
			t.Errorf("the end tells nothing: %s", ping)
		}
	}
	whole := 0
	for rid, signals := range pairs {
		if strings.Join(signals, " ") == "/start /0" {
			whole++
		} else if len(signals) > 2 {
			t.Errorf("%s: %v", rid, signals)
		}
	}
	if whole < 2 {
		t.Errorf("pings: %v", pairs)
	}
	if log := s.read(t, "stderr") + s.read(t, "stdout"); strings.Contains(log, hookToken) {
		t.Error("the ping URL shows")
	}
}

// Between two runs the warehouse and the ledger are free, and after one that was
// missed there is one, once.
func TestScheduleCatchesUpAndLetsGo(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, daily)
	s.start(t)
	s.logged(t, `msg="a run ended" exit=0`, 1)
	if !strings.Contains(s.read(t, "stderr"), "catch_up=true") {
		t.Error("nothing was caught up on")
	}
	if err := traffic(filepath.Join(s.dir, "warehouse.duckdb"), "tone", "2026-11-20", []string{"control=1:0"}); err != nil {
		t.Errorf("the warehouse is in use: %v", err)
	}
	l, err := ledger.Open(filepath.Join(s.dir, "ledger.jsonl"))
	if err != nil {
		t.Fatalf("the ledger is in use: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.signal(t, os.Interrupt)
	s.ended(t, 130)
	s.start(t)
	status, _ := s.ask(t, "/metrics")
	s.logged(t, "the schedule begins", 1)
	time.Sleep(300 * time.Millisecond)
	if strings.Contains(s.read(t, "stderr"), "a run begins") || status != http.StatusOK {
		t.Error("it caught up twice")
	}
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
}

func TestScheduleCatchesUpOnlyIfItMay(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, "  cron: 0 0 * * *\n  catch_up: false\n  listen: 127.0.0.1:0\n")
	s.start(t)
	s.logged(t, "the schedule begins", 1)
	if status, text := s.ask(t, "/readyz"); status != http.StatusOK {
		t.Errorf("not ready before its first run: %s", text)
	}
	time.Sleep(300 * time.Millisecond)
	if strings.Contains(s.read(t, "stderr"), "a run begins") {
		t.Error("it caught up all the same")
	}
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
}

// A spec that is broken while the schedule runs is told at its place, at each
// tick; what was good before is not used in its stead.
func TestScheduleWithABrokenSpec(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, "  cron: \"@every 1s\"\n  listen: 127.0.0.1:0\n")
	s.start(t)
	s.logged(t, `msg="a run ended" exit=0`, 1)
	good := s.read(t, "experiments/tone.yaml")
	s.write(t, "experiments/tone.yaml", strings.Replace(good, "duration: 8d", "duration: eight", 1))
	s.logged(t, `msg="a run ended" exit=2`, 2)
	before := s.looks(t)
	if !strings.Contains(s.read(t, "stderr"), "experiments/tone.yaml:8:11: want a duration") {
		t.Error("the problem is not told at its place")
	}
	if status, text := s.ask(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.HasPrefix(text, "the last run ended with 2") {
		t.Errorf("/readyz: %d %s", status, text)
	}
	_, text := s.ask(t, "/metrics")
	if _, ok := metric(t, text, "assay_experiment_verdict", ""); ok {
		t.Error("a verdict is told that may not hold any more")
	}
	if code, _ := metric(t, text, "assay_run_last_exit_code", ""); code != 2 {
		t.Errorf("the last exit code is %v", code)
	}
	s.logged(t, `msg="a run ended" exit=2`, 3)
	if after := s.looks(t); after != before {
		t.Errorf("%d looks by a broken spec", after-before)
	}
	s.write(t, "experiments/tone.yaml", good)
	n := strings.Count(s.read(t, "stderr"), `msg="a run ended" exit=0`)
	s.logged(t, `msg="a run ended" exit=0`, n+1)
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
}

// paused is a schedule whose first run waits before its entry in the ledger,
// until the pause is over.
func paused(t *testing.T, section string) *scheduled {
	t.Helper()
	s := newScheduled(t, section)
	s.env = append(s.env, pauseEnv+"=before-ledger")
	s.start(t)
	await(t, "the pause", func() bool {
		_, err := os.Stat(filepath.Join(s.dir, "before-ledger"))
		return err == nil
	})
	return s
}

func (s *scheduled) resume(t *testing.T) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.dir, "before-ledger")); err != nil {
		t.Fatal(err)
	}
}

func TestScheduleNeverOverlaps(t *testing.T) {
	t.Parallel()
	s := paused(t, "  cron: \"@every 1s\"\n  listen: 127.0.0.1:0\n")
	s.logged(t, "a tick is skipped", 2)
	if n := strings.Count(s.read(t, "stderr"), "a run begins"); n != 1 {
		t.Errorf("%d runs at once", n)
	}
	if n, _ := func() (float64, bool) {
		_, text := s.ask(t, "/metrics")
		return metric(t, text, "assay_ticks_skipped_total", "")
	}(); n < 2 {
		t.Errorf("assay_ticks_skipped_total is %v", n)
	}
	if status, text := s.ask(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.HasPrefix(text, "two runs were due") {
		t.Errorf("/readyz: %d %s", status, text)
	}
	if status, _ := s.ask(t, "/healthz"); status != http.StatusOK {
		t.Errorf("/healthz: %d", status)
	}
	s.signal(t, syscall.SIGTERM)
	s.resume(t)
	s.ended(t, 143)
}

// Within its grace a run finishes.
func TestScheduleStoppedMidLook(t *testing.T) {
	t.Parallel()
	s := paused(t, daily)
	s.signal(t, syscall.SIGTERM)
	s.logged(t, "the run that goes on may finish", 1)
	s.resume(t)
	s.ended(t, 143)
	if n := s.looks(t); n != 1 {
		t.Errorf("%d looks", n)
	}
	if !strings.Contains(s.read(t, "stderr"), `msg="a run ended" exit=0`) {
		t.Error("the run did not end well")
	}
}

// After its grace it is stopped, cleanly: nothing is half done.
func TestScheduleStoppedAfterItsGrace(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, daily+"  grace: 100ms\n")
	s.edit(t, "assay.yaml", "FROM responses", "FROM responses, (SELECT MAX(a.range + b.range) FROM range(1000000) a, range(10000000) b) AS slow")
	s.start(t)
	await(t, "the plan", func() bool { return strings.Contains(s.read(t, "ledger.jsonl"), `"kind":"plan"`) })
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
	if n := s.looks(t); n != 0 {
		t.Errorf("%d looks", n)
	}
	if !strings.Contains(s.read(t, "stderr"), `msg="a run ended" exit=143`) {
		t.Error("the run was not stopped cleanly")
	}
}

// A second signal waits for nothing, and leaves nothing behind that runs.
func TestScheduleStoppedAtOnce(t *testing.T) {
	t.Parallel()
	s := paused(t, daily+"  grace: 1h\n")
	s.signal(t, syscall.SIGTERM)
	s.logged(t, "the run that goes on may finish", 1)
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
	l, err := ledger.Open(filepath.Join(s.dir, "ledger.jsonl"))
	if err != nil {
		t.Fatalf("the run goes on: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n := s.looks(t); n != 0 {
		t.Errorf("%d looks", n)
	}
}

// Who holds the ledger for a moment does not cost a look.
func TestScheduleWaitsForTheLock(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, daily)
	l, err := ledger.Open(filepath.Join(s.dir, "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	s.start(t)
	s.logged(t, "another run holds the ledger; it is tried again", 2)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.logged(t, `msg="a run ended" exit=0`, 1)
	if n := s.looks(t); n != 1 {
		t.Errorf("%d looks", n)
	}
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
}

// One that is stopped while it waits for the lock waits no longer.
func TestScheduleStoppedWhileLocked(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, daily)
	l, err := ledger.Open(filepath.Join(s.dir, "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	s.start(t)
	s.logged(t, "another run holds the ledger; it is tried again", 1)
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
	if !strings.Contains(s.read(t, "stderr"), `msg="a run ended" exit=11`) {
		t.Error("it is not said how the run ended")
	}
}

// A run that dies ends nothing but itself.
func TestScheduleSurvivesItsRuns(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, "  cron: \"@every 1s\"\n  listen: 127.0.0.1:0\n  ping_url: ${PING_URL}\n  private_addresses: true\n")
	w := newWaiter(t, http.StatusOK)
	s.env = append(s.env, "PING_URL="+w.server.URL, killEnv+"=before-ledger")
	s.start(t)
	s.logged(t, `msg="a run ended" exit=137`, 2)
	_, text := s.ask(t, "/metrics")
	if n, _ := metric(t, text, "assay_runs_total", "other"); n < 1 {
		t.Errorf("runs that were killed: %v", n)
	}
	await(t, "the ping", func() bool { return strings.Contains(strings.Join(w.all(), "\n"), "/137 rid=") })
	s.signal(t, syscall.SIGTERM)
	s.ended(t, 143)
}

func TestScheduleRefuses(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, daily)
	busy := httptest.NewServer(http.NotFoundHandler())
	defer busy.Close()
	for _, c := range []struct {
		edit, text string
		args       []string
		code       int
		said       string
	}{
		{"", "", []string{"--now", "2026-11-01"}, 2, "--now stands still"},
		{"", "", []string{"--select", "tne"}, 2, "tne"},
		{"", "", []string{"--fail-on", "rain"}, 2, `--fail-on "rain"`},
		{"0 0 * * *", "0 0 30 2 *", nil, 2, "assay.yaml:"},
		{"127.0.0.1:0", busy.Listener.Addr().String(), nil, 3, "schedule.listen: "},
	} {
		whole := s.read(t, "assay.yaml")
		if c.edit != "" {
			s.edit(t, "assay.yaml", c.edit, c.text)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := program(ctx, s.dir, append([]string{"schedule"}, c.args...)...).CombinedOutput()
		cancel()
		e, ok := errors.AsType[*exec.ExitError](err)
		if !ok || e.ExitCode() != c.code || !strings.Contains(string(out), c.said) {
			t.Errorf("%v %s: %v\n%s", c.args, c.text, err, out)
		}
		s.write(t, "assay.yaml", whole)
	}
}

// assay run tells the same as assay schedule: in a file and by pings.
func TestRunTells(t *testing.T) {
	t.Parallel()
	s := newScheduled(t, "  ping_url: ${PING_URL}\n  private_addresses: true\n")
	w := newWaiter(t, http.StatusOK)
	s.env = append(s.env, "PING_URL="+w.server.URL+"/"+hookToken)
	once := func(code int, args ...string) string {
		t.Helper()
		cmd := program(t.Context(), s.dir, append([]string{"run"}, args...)...)
		cmd.Env = s.env
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit %d, want %d\n%s", args, got, code, &out)
		}
		if strings.Contains(out.String(), hookToken) {
			t.Errorf("%v shows the ping URL:\n%s", args, &out)
		}
		return out.String()
	}
	once(0, "--metrics-file", "assay.prom")
	pings := w.all()
	if len(pings) != 2 || !strings.HasPrefix(pings[0], "/"+hookToken+"/start rid=") || !strings.HasPrefix(pings[1], "/"+hookToken+"/0 rid=") ||
		pings[0][len(hookToken)+8:][:40] != pings[1][len(hookToken)+4:][:40] || !strings.Contains(pings[1], "  tone  ") {
		t.Errorf("pings: %q", pings)
	}
	for _, quiet := range []string{"--no-ping", "--dry-run"} {
		once(0, quiet)
	}
	if len(w.all()) != 2 {
		t.Errorf("pings of runs that ping nobody: %q", w.all()[2:])
	}
	// Two more runs: one that cannot reach the warehouse, one whose spec is bad.
	if err := os.Rename(filepath.Join(s.dir, "warehouse.duckdb"), filepath.Join(s.dir, "away")); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.status = http.StatusInternalServerError
	w.mu.Unlock()
	if out := once(3, "--metrics-file", "assay.prom", "--as-of", time.Now().UTC().Add(time.Minute).Format(time.RFC3339)); !strings.Contains(out, "status 500") {
		t.Errorf("a ping that failed is not said:\n%s", out)
	}
	s.edit(t, "experiments/tone.yaml", "duration: 8d", "duration: eight")
	once(2, "--metrics-file", "assay.prom")
	text := s.read(t, "assay.prom")
	for code, want := range map[string]float64{"0": 1, "3": 1, "2": 1} {
		if n, _ := metric(t, text, "assay_runs_total", code); n != want {
			t.Errorf("%v runs with %s, want %v", n, code, want)
		}
	}
	if code, _ := metric(t, text, "assay_run_last_exit_code", ""); code != 2 {
		t.Errorf("the last exit code is %v", code)
	}
	if _, ok := metric(t, text, "assay_run_last_success_timestamp_seconds", ""); !ok {
		t.Error("the last success is forgotten")
	}
	once(2, "--metrics-file", "assay.prom", "--dry-run")
	s.edit(t, "experiments/tone.yaml", "duration: eight", "duration: 8d")
	if err := os.Rename(filepath.Join(s.dir, "away"), filepath.Join(s.dir, "warehouse.duckdb")); err != nil {
		t.Fatal(err)
	}
	if out := once(1, "--no-ping", "--metrics-file", "nowhere/assay.prom"); !strings.Contains(out, "the metrics could not be written") {
		t.Errorf("%s", out)
	}
}
