package monitor

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("assay_"+name, help, labels, nil)
}

// Names that are also read back from a file.
const (
	successName   = "run_last_success_timestamp_seconds"
	runsName      = "runs_total"
	decisionsName = "decisions_total"
)

var (
	buildDesc     = describe("build_info", "What is running; always 1.", "version", "revision", "go_version")
	successDesc   = describe(successName, "When the last run ended that took a look at all experiments (exit code 0, 4 or 5).")
	codeDesc      = describe("run_last_exit_code", "Exit code of the last run; 0 is done.")
	durationDesc  = describe("run_duration_seconds", "How long the last run took.")
	runsDesc      = describe(runsName, "Runs that ended, by exit code.", "code")
	decisionsDesc = describe(decisionsName, "Looks that were recorded, by verdict.", "verdict")
	pendingDesc   = describe("outbox_pending", "Decisions that no flag store has taken yet.")
	oldestDesc    = describe("outbox_oldest_seconds", "How long ago the oldest of these was decided; 0 where there is none.")
	verdictDesc   = describe("experiment_verdict", "1 for the verdict of the latest look, 0 for the others.", "experiment", "verdict")
	ratioDesc     = describe("sample_ratio_failed", "1 where traffic did not split as intended at the latest look.", "experiment")
	ageDesc       = describe("data_age_seconds", "Age of a source's newest row at the as-of of the latest look.", "experiment", "source")
	skippedDesc   = describe("ticks_skipped_total", "Ticks that came while a run went on.")
	nextDesc      = describe("next_run_timestamp_seconds", "When the next run is due.")
)

// Describe tells no descriptions: what there is depends on what is known.
func (m *Monitor) Describe(chan<- *prometheus.Desc) {}

// Collect gives the metrics as they are now. Where nothing is known of
// something its metrics are absent.
func (m *Monitor) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	send(buildDesc, prometheus.GaugeValue, 1, clean(m.build.Version), clean(m.build.Revision), clean(m.build.Go))
	if !m.success.IsZero() {
		send(successDesc, prometheus.GaugeValue, seconds(m.success))
	}
	if m.last != nil {
		send(codeDesc, prometheus.GaugeValue, float64(m.last.Code))
		send(durationDesc, prometheus.GaugeValue, m.last.Ended.Sub(m.last.Began).Seconds())
	}
	for code, n := range m.runs {
		send(runsDesc, prometheus.CounterValue, n, code)
	}
	for verdict, n := range m.decisions {
		send(decisionsDesc, prometheus.CounterValue, n, verdict)
	}
	if m.loop != nil {
		loop := m.loop()
		send(skippedDesc, prometheus.CounterValue, float64(loop.Skipped))
		if !loop.Next.IsZero() {
			send(nextDesc, prometheus.GaugeValue, seconds(loop.Next))
		}
	}
	m.collectView(send)
}

// sender gives one metric.
type sender func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string)

func (m *Monitor) collectView(send sender) {
	if m.view == nil {
		return
	}
	oldest := 0.0
	if !m.view.Oldest.IsZero() {
		oldest = max(0, m.now().Sub(m.view.Oldest).Seconds())
	}
	send(pendingDesc, prometheus.GaugeValue, float64(m.view.Pending))
	send(oldestDesc, prometheus.GaugeValue, oldest)
	known := map[string]Standing{}
	for _, s := range m.view.Experiments {
		known[clean(s.Experiment)] = s // Two series of the same labels would spoil all.
	}
	for name, s := range known {
		for _, verdict := range verdicts {
			send(verdictDesc, prometheus.GaugeValue, truth(verdict == s.Verdict), name, verdict)
		}
		send(ratioDesc, prometheus.GaugeValue, truth(s.SampleRatioFailed), name)
		ages := map[string]float64{}
		for source, age := range s.Ages {
			ages[clean(source)] = age.Seconds()
		}
		for source, age := range ages {
			send(ageDesc, prometheus.GaugeValue, age, name, source)
		}
	}
}

// clean makes a label of text from outside: the exposition format escapes
// everything but what is no text.
func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Registry is a registry of its own with the monitor and what else is given.
func (m *Monitor) Registry(more ...prometheus.Collector) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	for _, c := range append(more, m) {
		registry.MustRegister(c)
	}
	return registry
}

// WriteFile replaces a file by the metrics, in the format of the textfile
// collector: a reader sees the old file or the new one.
func (m *Monitor) WriteFile(path string) error {
	return prometheus.WriteToTextfile(path, m.Registry())
}

// Restore takes the counters and the last success over from a file that
// WriteFile wrote: a process that ends after one run counts on where the one
// before it stopped. A missing file is none; one that cannot be read is an
// error, and nothing is taken over.
func (m *Monitor) Restore(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(file)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, code := range append(labels(codes), other) {
		take(families["assay_"+runsName], "code", code, m.runs)
	}
	for _, verdict := range verdicts {
		take(families["assay_"+decisionsName], "verdict", verdict, m.decisions)
	}
	if f := families["assay_"+successName]; f != nil && len(f.GetMetric()) == 1 {
		m.success = instant(value(f.GetMetric()[0]))
	}
	return nil
}

func labels(codes []int) []string {
	var out []string
	for _, code := range codes {
		out = append(out, codeLabel(code))
	}
	return out
}

// take adds the series with a label's value to the counts.
func take(f *dto.MetricFamily, label, name string, counts map[string]float64) {
	for _, metric := range f.GetMetric() {
		has := slices.ContainsFunc(metric.GetLabel(), func(p *dto.LabelPair) bool {
			return p.GetName() == label && p.GetValue() == name
		})
		if n := value(metric); has && n > 0 {
			counts[name] += n
		}
	}
}

// value is that of a counter, a gauge, or a series that a file gives no type of.
func value(m *dto.Metric) float64 {
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
}
