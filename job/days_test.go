package job

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// uncounting is a warehouse that does not count units by day.
type uncounting struct{ connectors.Warehouse }

func (u uncounting) Session(ctx context.Context, tags connectors.Tags) (connectors.Session, error) {
	s, err := u.Warehouse.Session(ctx, tags)
	return uncounted{s}, err
}

type uncounted struct{ connectors.Session }

func (u uncounted) Run(ctx context.Context, s queries.Statement) (*connectors.Rows, error) {
	if s.Name == "days since exposure" {
		return nil, &connectors.Error{Fault: connectors.FaultStatement, Statement: s.Name, Err: errors.New("out of room")}
	}
	return u.Session.Run(ctx, s)
}

// threeDays asks for days since exposure.
func threeDays(e *spec.Experiment) { e.DaysSinceExposure = 3 }

func daily3(t *testing.T, w connectors.Warehouse, hour float64) (results map[string]ledger.MetricResult, ev *evidence) {
	t.Helper()
	p, e := small(t, "rank", threeDays)
	m := p.Config.Metrics["latency"]
	m.Window.Duration = 0
	p.Config.Metrics["latency"] = m
	l := openLedger(t)
	at := standingAt(t, l, p, e, Options{AsOf: hours(hour)})
	ev, err := newJob(t, p, l, w).gather(t.Context(), at)
	if err != nil || ev.failure != nil {
		t.Fatal(err, ev.failure)
	}
	weigh(at, ev)
	results = map[string]ledger.MetricResult{}
	for _, r := range ev.results {
		results[r.Name] = r
	}
	return results, ev
}

// TestDays: a day counts once it is over, its zeros are zeros, and one on which
// nobody did anything says that it cannot say, not that nothing differs.
func TestDays(t *testing.T) {
	w, _ := traffic(t, [2]int{200, 200})
	for _, c := range []struct {
		hour float64
		days int
	}{{24.5, 0}, {25, 1}, {49, 2}, {72.9, 2}, {73, 3}, {300, 3}} {
		results, ev := daily3(t, w, c.hour)
		days := results["latency"].Days
		if len(days) != c.days {
			t.Errorf("after %v hours: %d days", c.hour, len(days))
			continue
		}
		for i, d := range days {
			if d.Day != i || d.Control.N != 200 || d.Treatment.N != 200 {
				t.Errorf("after %v hours, day %d: %+v", c.hour, i, d)
			}
			whole := results["latency"].Comparisons[0]
			switch {
			case i == 0 && (d.Status != stats.StatusOK || !nearly(d.Absolute, whole.Absolute) || !nearly(d.Control.Value, whole.Control.Value)):
				t.Errorf("day 0 is not all that was done: %+v, %+v", d, whole.Comparison)
			case i == 0 && d.AbsoluteInterval.Upper-d.AbsoluteInterval.Lower <= whole.OneLook.Interval.Upper-whole.OneLook.Interval.Lower:
				t.Errorf("the interval of one day among three is narrower than a fixed one: %+v", d.AbsoluteInterval)
			case i > 0 && d.Status == stats.StatusOK:
				t.Errorf("day %d on which nobody did anything: %+v", i, d)
			}
		}
		if len(ev.findings) > 0 && slices.ContainsFunc(ev.findings, func(f ledger.Finding) bool { return f.Code == "no_days" }) {
			t.Errorf("%+v", ev.findings)
		}
	}
}

// TestDaysUncounted: where units cannot be counted by day there are no days, a
// finding says so, and all else is as without them.
func TestDaysUncounted(t *testing.T) {
	w, _ := traffic(t, [2]int{200, 200})
	want, _ := daily3(t, w, 73)
	got, ev := daily3(t, uncounting{w}, 73)
	for name, r := range got {
		if len(r.Days) > 0 || !nearly(r.Comparisons[0].Absolute, want[name].Comparisons[0].Absolute) {
			t.Errorf("%s: %d days, %v", name, len(r.Days), r.Comparisons[0].Absolute)
		}
	}
	i := slices.IndexFunc(ev.findings, func(f ledger.Finding) bool { return f.Code == "no_days" })
	if i < 0 || !strings.Contains(ev.findings[i].Text, "out of room") {
		t.Errorf("%+v", ev.findings)
	}
}
