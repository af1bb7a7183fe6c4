package report_test

import (
	"strings"
	"testing"
	"time"

	"assay/ledger"
	"assay/report"
	"assay/stats"
)

// checked is a checkup in which something is wrong everywhere.
func checked() *ledger.TrafficCheckup {
	at := time.Date(2026, 5, 12, 14, 0, 0, 0, time.UTC)
	corrected := 9.2
	return &ledger.TrafficCheckup{
		Experiment: "answer-v2", AsOf: at, Variations: []string{"v1", "v2"},
		Findings: []ledger.Finding{{Code: "missing_from", Text: "300 of 300 exposures without an identifier come from platform = \"ios\"\x1b[31m."}},
		Volumes:  []ledger.Volume{{Rows: 4000, Newest: at}, {Source: "events", Rows: 12, Newest: at, Unjudged: "it takes eight days"}},
		Outside:  []ledger.Outside{{Side: "before", Variation: "v1", Exposures: 300, Units: 200, First: at, Last: at}},
		Missing:  []ledger.MissingBy{{Dimension: "platform", Value: "ios", Variation: "v1", Exposures: 1200, Missing: 300, First: at}},
		Lags:     []ledger.Lag{{Variation: "v1", Units: 2000, Hour: 20, Day: 2}},
		Redrawn: &ledger.Redrawn{Units: 4000, Verdict: "part", Draws: []ledger.DrawnBy{
			{Draw: "GrowthBook, hashVersion 2", Seed: "answer", Attribute: "user_id", Agree: 3000, Chance: 0.5},
		}},
		Interactions: []ledger.Interaction{
			{Experiment: "tone", Shared: 3900, Cross: []ledger.CrossRow{
				{Other: "control", Units: []int64{1200, 700}, Check: stats.SampleRatio{Bound: 4.6, LogE: 12, Corrected: &corrected}},
			}, Effects: []ledger.InteractionEffect{
				{Metric: "latency", Variation: "v2", Base: "control", Other: "treatment", Difference: 40, SE: 4, LogE: 30, Bound: 6},
				{Metric: "errors", Variation: "v2", Base: "control", Other: "treatment", Note: "cannot say: nothing varies"},
			}},
			{Experiment: "gone", Failed: "no such table"},
		},
	}
}

// TestTrafficText: everything that was found is on the terminal, in its width, and
// nothing of the data can paint it.
func TestTrafficText(t *testing.T) {
	var out strings.Builder
	if err := report.TrafficText(&out, checked(), report.TextOptions{Width: 80}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"traffic of answer-v2", "come from platform", "exposures: 4000 rows", "days are not compared", "v1: 300 exposures of 200 units",
		"platform = \"ios\" in v1: 300 of 1200", "v1: 20 of 2000 units", "GrowthBook, hashVersion 2 on user_id with seed answer", "by chance 50.0",
		"tone: 3900 units are in both", "in control: v1 1200, v2 700", "less that in control: 40", "cannot say: nothing varies", "gone: cannot say: no such table",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	for _, line := range strings.Split(out.String(), "\n") {
		if len([]rune(line)) > 80 || strings.Contains(line, "\x1b") {
			t.Errorf("%q", line)
		}
	}
	out.Reset()
	if err := report.TrafficText(&out, &ledger.TrafficCheckup{Experiment: "answer-v2"}, report.TextOptions{}); err != nil || !strings.Contains(out.String(), "Nothing is wrong") {
		t.Errorf("%v %s", err, out.String())
	}
}
