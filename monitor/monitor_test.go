package monitor_test

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"assay/decide"
	"assay/ledger"
	"assay/monitor"
)

var (
	asOf  = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	quiet = slog.New(slog.DiscardHandler)
)

func clock() time.Time { return asOf.Add(time.Hour) }

func newMonitor() *monitor.Monitor {
	return monitor.New(monitor.Build{Version: "v1", Revision: "abc", Go: "go1"}, clock)
}

// scrape asks a server for the metrics and parses them as Prometheus does.
func scrape(t *testing.T, m *monitor.Monitor) map[string]*dto.MetricFamily {
	t.Helper()
	server := httptest.NewServer(monitor.Server(m.Registry(), monitor.Checks{}, quiet).Handler)
	defer server.Close()
	return parse(t, body(t, server.URL+"/metrics", http.StatusOK))
}

func parse(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families
}

func body(t *testing.T, url string, status int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s: status %d, %v\n%s", url, answer.StatusCode, err, text)
	}
	return string(text)
}

// series is a metric's value by its labels, written a=x,b=y.
func series(f *dto.MetricFamily) map[string]float64 {
	out := map[string]float64{}
	for _, m := range f.GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			labels = append(labels, l.GetName()+"="+l.GetValue())
		}
		slices.Sort(labels)
		out[strings.Join(labels, ",")] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return out
}

func want(t *testing.T, families map[string]*dto.MetricFamily, name, labels string, value float64) {
	t.Helper()
	got, ok := series(families["assay_"+name])[labels]
	if !ok || math.Abs(got-value) > 1e-6 {
		t.Errorf("%s{%s} is %v (%t), want %v", name, labels, got, ok, value)
	}
}

// open makes a ledger with looks.
func open(t *testing.T, looks ...ledger.Look) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, look := range looks {
		if err := l.Append(look.AsOf.Add(time.Minute), look); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func look(id, name string, verdict decide.Verdict, at time.Time) ledger.Look {
	return ledger.Look{
		ID: id, Experiment: name, AsOf: at, Spec: ledger.SpecInfo{Assignment: "exposures"},
		Decision: decide.Decision{Verdict: verdict, Summary: "Nothing is due."},
	}
}

func TestWhatTheLedgerSays(t *testing.T) {
	split := look("a2", "answer", decide.Hold, asOf)
	split.Health.NewestExposure = new(asOf.Add(-30 * time.Minute))
	split.Health.Problems = []ledger.Finding{{Code: "sample_ratio"}}
	split.Health.Sources = []ledger.SourceHealth{
		{Source: "responses", Newest: new(asOf.Add(-2 * time.Hour))},
		{Source: "silent"},
		{Source: "responses", Activation: true, Newest: new(asOf.Add(-9 * time.Hour))},
	}
	rolled := look("t1", "tone", decide.Rollback, asOf)
	rolled.Deliveries = []ledger.Delivery{{ID: "d1", Store: "live", FlagKey: "tone"}}
	late := look("a0", "answer", decide.Continue, asOf.Add(-48*time.Hour))
	late.Backfill = true
	l := open(t, look("a1", "answer", decide.Ramp, asOf.Add(-24*time.Hour)), split, rolled, late)

	v, err := monitor.Read(l, []string{"answer", "tone", "new"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.New) != 3 || v.Mark != 4 || v.Pending != 1 || !v.Looked.Equal(asOf.Add(time.Minute)) {
		t.Errorf("%d new, mark %d, %d pending, looked %s", len(v.New), v.Mark, v.Pending, v.Looked)
	}
	m := newMonitor()
	m.Saw(v)
	m.Ended(monitor.Run{Began: asOf, Ended: asOf.Add(90 * time.Second), Code: 4, Done: true})
	m.Ended(monitor.Run{Began: asOf.Add(time.Minute), Ended: asOf.Add(100 * time.Second), Code: 3})
	m.Ended(monitor.Run{Began: asOf.Add(time.Minute), Ended: asOf.Add(100 * time.Second), Code: 137})
	m.Follow(func() monitor.Loop { return monitor.Loop{Next: asOf.Add(2 * time.Hour), Skipped: 3} })
	got := scrape(t, m)
	for _, w := range []struct {
		name, labels string
		value        float64
	}{
		{"build_info", "go_version=go1,revision=abc,version=v1", 1},
		{"experiment_verdict", "experiment=answer,verdict=hold", 1},
		{"experiment_verdict", "experiment=answer,verdict=ramp", 0},
		{"experiment_verdict", "experiment=tone,verdict=rollback", 1},
		{"sample_ratio_failed", "experiment=answer", 1},
		{"sample_ratio_failed", "experiment=tone", 0},
		{"data_age_seconds", "experiment=answer,source=assignment/exposures", 1800},
		{"data_age_seconds", "experiment=answer,source=responses", 7200},
		{"outbox_pending", "", 1},
		{"outbox_oldest_seconds", "", 59 * 60},
		{"decisions_total", "verdict=hold", 1},
		{"decisions_total", "verdict=rollback", 1},
		{"decisions_total", "verdict=continue", 1},
		{"decisions_total", "verdict=ramp", 0},
		{"run_last_exit_code", "", 137},
		{"run_duration_seconds", "", 40},
		{"run_last_success_timestamp_seconds", "", float64(asOf.Add(90 * time.Second).Unix())},
		{"runs_total", "code=4", 1},
		{"runs_total", "code=3", 1},
		{"runs_total", "code=other", 1},
		{"ticks_skipped_total", "", 3},
		{"next_run_timestamp_seconds", "", float64(asOf.Add(2 * time.Hour).Unix())},
	} {
		want(t, got, w.name, w.labels, w.value)
	}
	documented, err := os.ReadFile("../docs/scheduling.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range got {
		if !strings.Contains(string(documented), "`"+name) {
			t.Errorf("%s is not in docs/scheduling.md", name)
		}
	}
	if ages := series(got["assay_data_age_seconds"]); len(ages) != 2 {
		t.Errorf("a source without a row has an age: %v", ages)
	}
	m.Blind()
	for _, name := range []string{"assay_experiment_verdict", "assay_outbox_pending"} {
		if scrape(t, m)[name] != nil {
			t.Errorf("%s is told where nothing is known", name)
		}
	}
}

func TestNothingKnown(t *testing.T) {
	got := scrape(t, newMonitor())
	want(t, got, "decisions_total", "verdict=ship", 0)
	for name := range got {
		if name != "assay_build_info" && name != "assay_decisions_total" {
			t.Errorf("%s is told and nothing is known", name)
		}
	}
	v, err := monitor.Read(open(t), []string{"tone"}, 0)
	if err != nil || v.Mark != 0 || len(v.Experiments) > 0 || !v.Looked.IsZero() || v.Summary() != "" {
		t.Errorf("an empty ledger: %+v, %v", v, err)
	}
}

// Labels are data a stranger may have influenced.
func TestHostileNames(t *testing.T) {
	hostile := []string{
		`quote" brace} 1`, "line\nassay_outbox_pending 99\n", `back\slash`, "bad\xffutf", "bad\xfeutf", "", strings.Repeat("x", 10_000),
	}
	v := monitor.View{}
	for _, name := range hostile {
		v.Experiments = append(v.Experiments, monitor.Standing{Experiment: name, Verdict: "hold", Ages: map[string]time.Duration{name: time.Second, "bad\xfd": 0, "bad\xfc": 0}})
	}
	m := newMonitor()
	m.Saw(v)
	got := scrape(t, m)
	want(t, got, "outbox_pending", "", 0)
	seen := series(got["assay_sample_ratio_failed"])
	for _, name := range hostile {
		if _, ok := seen["experiment="+strings.ToValidUTF8(name, "\uFFFD")]; !ok {
			t.Errorf("%q is not among %d", name, len(seen))
		}
	}
	if path := filepath.Join(t.TempDir(), "assay.prom"); m.WriteFile(path) != nil || newMonitor().Restore(path) != nil {
		t.Error("they cannot be written to a file and read back")
	}
}

// Processes that end after one run count on in the file of the one before.
func TestFileCountsOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.prom")
	for i, code := range []int{0, 3, 0, 255} {
		m := newMonitor()
		if err := m.Restore(path); err != nil {
			t.Fatal(err)
		}
		at := asOf.Add(time.Duration(i) * time.Hour)
		m.Ended(monitor.Run{Began: at, Ended: at.Add(time.Second), Code: code, Done: code == 0})
		m.Saw(monitor.View{New: []*ledger.Look{{Decision: decide.Decision{Verdict: decide.Hold}}, {Decision: decide.Decision{Verdict: "unheard"}}}})
		if err := m.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := parse(t, string(text))
	want(t, got, "runs_total", "code=0", 2)
	want(t, got, "runs_total", "code=3", 1)
	want(t, got, "runs_total", "code=other", 1)
	want(t, got, "decisions_total", "verdict=hold", 4)
	want(t, got, "run_last_exit_code", "", 255)
	want(t, got, "run_last_success_timestamp_seconds", "", float64(asOf.Add(2*time.Hour+time.Second).Unix()))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v: the collector is another user", info.Mode())
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files beside it: %v", left)
	}
}

func TestUnreadableFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.prom")
	for _, text := range []string{"assay_runs_total{code=\"0\" 1\n", "assay_runs_total{code=\"0\"} -5\nassay_run_last_success_timestamp_seconds NaN\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		m := newMonitor()
		_ = m.Restore(path)
		m.Ended(monitor.Run{Code: 0})
		got := scrape(t, m)
		want(t, got, "runs_total", "code=0", 1)
		if got["assay_run_last_success_timestamp_seconds"] != nil {
			t.Errorf("a success out of %q", text)
		}
	}
	if newMonitor().Restore(t.TempDir()) == nil {
		t.Error("a folder is read as a file")
	}
	if newMonitor().WriteFile(filepath.Join(path, "below", "assay.prom")) == nil {
		t.Error("a file is written below a file")
	}
}

func FuzzRestore(f *testing.F) {
	f.Add("# TYPE assay_runs_total counter\nassay_runs_total{code=\"0\"} 3\nassay_run_last_success_timestamp_seconds 1.7e9\n")
	f.Add("assay_runs_total{code=\"0\"} +Inf\nassay_decisions_total{verdict=\"hold\"} NaN\n")
	path := filepath.Join(f.TempDir(), "assay.prom")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := newMonitor()
		_ = m.Restore(path)
		if _, err := m.Registry().Gather(); err != nil {
			t.Errorf("%v after %q", err, text)
		}
	})
}

func TestHealth(t *testing.T) {
	var alive, ready error
	server := httptest.NewServer(monitor.Server(newMonitor().Registry(), monitor.Checks{
		Alive: func() error { return alive }, Ready: func() error { return ready },
	}, quiet).Handler)
	defer server.Close()
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := body(t, server.URL+path, http.StatusOK); got != "ok\n" {
			t.Errorf("%s: %q", path, got)
		}
	}
	ready = errors.New("the last run ended with 3")
	if got := body(t, server.URL+"/readyz", http.StatusServiceUnavailable); got != "the last run ended with 3\n" {
		t.Errorf("%q", got)
	}
	body(t, server.URL+"/healthz", http.StatusOK)
	alive = errors.New("asleep")
	body(t, server.URL+"/healthz", http.StatusServiceUnavailable)
	body(t, server.URL+"/", http.StatusNotFound)
	answer, err := http.Post(server.URL+"/metrics", "text/plain", nil) //nolint:noctx // loopback
	if err != nil || answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("posting to /metrics: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
}

// What is told to others has no text of an error, and no more than its limit.
func TestSummary(t *testing.T) {
	failed := look("f", "broken", decide.Hold, asOf)
	failed.Failed, failed.Decision.Summary = "conversion of 'anna@example.com'", "The warehouse failed: 'anna@example.com'"
	v := monitor.View{New: []*ledger.Look{new(look("a", "tone", decide.Continue, asOf)), &failed}}
	const text = "continue  tone                  Nothing is due.\nhold      broken: evidence is missing; the log says why\n"
	if got := v.Summary(); got != text {
		t.Errorf("%q", got)
	}
	for range 500 {
		v.New = append(v.New, v.New[0])
	}
	v.New = append(v.New, &failed)
	got := v.Summary()
	if len(got) > 8<<10 || !strings.HasPrefix(got, "continue  tone") || !strings.HasSuffix(got, "the log says why\n") {
		t.Errorf("%d bytes: %q ...", len(got), got[:60])
	}
}
