package job

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// stocked is a warehouse whose sessions begin with tables.
type stocked struct {
	connectors.Warehouse
	tables string
}

func (s stocked) Session(ctx context.Context, tags connectors.Tags) (connectors.Session, error) {
	session, err := s.Warehouse.Session(ctx, tags)
	if err != nil {
		return nil, err
	}
	_, err = session.Run(ctx, queries.Statement{Name: "tables", SQL: s.tables})
	return session, err
}

// traffic is a warehouse of a control and a treatment of sizes; each unit has
// two facts, a half of its total each, but the one in five whose total is nil.
// Totals of zero and below are among them.
func traffic(t *testing.T, sizes [2]int) (w connectors.Warehouse, totals [2][]*float64) {
	t.Helper()
	wh, err := connectors.Open(t.Context(), spec.Warehouse{Type: "duckdb", Threads: 1}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = wh.Close() })
	var sql strings.Builder
	sql.WriteString("BEGIN;\nCREATE TEMP TABLE exposures (user_id VARCHAR, exposed_at TIMESTAMP, experiment_id VARCHAR, variation_id VARCHAR);\n" +
		"CREATE TEMP TABLE responses (user_id VARCHAR, ts TIMESTAMP, failed BOOLEAN, latency_ms DOUBLE);\n")
	rng := rand.New(rand.NewPCG(3, 4))
	for arm, name := range []string{"control", "treatment"} {
		for i := range sizes[arm] {
			fmt.Fprintf(&sql, "INSERT INTO exposures VALUES ('%s%d', '2026-11-01 01:00', 'rank', '%[1]s');\n", name, i)
			var total *float64
			if i%5 > 0 {
				total = new(math.Exp(rng.NormFloat64()))
				switch i % 20 {
				case 1:
					*total = 0
				case 2:
					*total = -*total
				}
				for range 2 {
					fmt.Fprintf(&sql, "INSERT INTO responses VALUES ('%s%d', '2026-11-01 02:00', false, %v);\n", name, i, *total/2)
				}
			}
			totals[arm] = append(totals[arm], total)
		}
	}
	return stocked{wh, sql.String() + "COMMIT"}, totals
}

// gathered takes a look at latency, on both scales.
func gathered(t *testing.T, w connectors.Warehouse, change func(*spec.Experiment)) (*vantage, *evidence) {
	t.Helper()
	p, e := small(t, "rank", change)
	usual := p.Config.Metrics["latency"]
	usual.Scale = spec.ScaleLog
	p.Config.Metrics["usual_latency"] = usual
	e.Guardrails = append(e.Guardrails, spec.Use{Metric: "usual_latency", MDE: &spec.Amount{Value: 0.2}, Method: "mixture"})
	l := openLedger(t)
	at := standingAt(t, l, p, e, Options{AsOf: hours(24)})
	ev, err := newJob(t, p, l, w).gather(t.Context(), at)
	if err != nil || ev.failure != nil {
		t.Fatal(err, ev.failure)
	}
	weigh(at, ev)
	return at, ev
}

// sums are the number of values, their mean, and the sums of their squared and
// cubed deviations.
func sums(values []float64) stats.Moments {
	m := stats.Moments{N: int64(len(values))}
	for _, v := range values {
		m.Mean += v / float64(len(values))
	}
	for _, v := range values {
		d := v - m.Mean
		m.M2 += d * d
		m.M3 += d * d * d
	}
	return m
}

func nearly(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want)) }

// TestScales: on the linear scale units without a fact are zeros and the third
// moment is of all units; on the log scale there are only the units that have a
// logarithm, and how many are missing is tested and told.
func TestScales(t *testing.T) {
	w, totals := traffic(t, [2]int{100, 300})
	at, ev := gathered(t, w, func(e *spec.Experiment) {
		e.Variations[0].Weight, e.Variations[1].Weight = 0.25, 0.75
	})
	off := 0
	for arm := range totals {
		var linear, logs []float64
		for _, total := range totals[arm] {
			switch {
			case total == nil:
				linear = append(linear, 0)
			case *total > 0:
				linear, logs = append(linear, *total), append(logs, math.Log(*total))
			default:
				linear = append(linear, *total)
				off++
			}
		}
		got, want := ev.metrics["latency"].moments[0][arm], sums(linear)
		if got.N != want.N || !nearly(got.Mean, want.Mean) || !nearly(got.M2, want.M2) || !nearly(got.M3, want.M3) {
			t.Errorf("arm %d: %+v, want %+v", arm, got, want)
		}
		got, want = ev.metrics["usual_latency"].moments[0][arm], sums(logs)
		if got.N != want.N || got.Any != want.N || !nearly(got.Mean, want.Mean) || !nearly(got.M2, want.M2) || got.M3 != 0 {
			t.Errorf("arm %d, log: %+v, want %+v", arm, got, want)
		}
	}
	want := fmt.Sprintf("Units whose value of usual_latency is not positive and has no logarithm: %d; they are absent from it.", off)
	if !slices.ContainsFunc(ev.findings, func(f ledger.Finding) bool { return f.Code == "no_logarithm" && f.Text == want }) {
		t.Errorf("findings %+v, want %q", ev.findings, want)
	}
	usual := ev.results[slices.IndexFunc(ev.results, func(r ledger.MetricResult) bool { return r.Name == "usual_latency" })].Comparisons[0]
	if usual.Design.Scale != stats.ScaleLog || usual.Presence == nil || usual.Presence.Status != stats.StatusOK {
		t.Errorf("scale %q, presence %+v", usual.Design.Scale, usual.Presence)
	}
	if !at.look().Skewed {
		t.Error("arms of a quarter and three quarters are not skewed")
	}
}

// TestEvenArms: between equal arms nobody pays for third moments; traffic that
// nobody planned is checked all the same.
func TestEvenArms(t *testing.T) {
	w, _ := traffic(t, [2]int{40, 40})
	at, ev := gathered(t, w, func(e *spec.Experiment) { e.PlannedUnits = 0 })
	for _, s := range ev.statements {
		if strings.Contains(s.SQL, "_cube") {
			t.Errorf("%s brings third moments", s.Name)
		}
	}
	if m := ev.metrics["latency"].moments[0][1]; m.N != 40 || m.M3 != 0 || at.look().Skewed {
		t.Errorf("%+v, skewed %t", m, at.look().Skewed)
	}
	ratio, presence := ev.health.SampleRatio[0], ev.health.Sources[0].Presence
	if ratio.Status != stats.StatusOK || ratio.Failed || presence.Status != stats.StatusOK {
		t.Errorf("without planned units: %+v, %+v", ratio, presence)
	}
}

func TestUneven(t *testing.T) {
	for name, c := range map[string]struct {
		got, want bool
	}{
		"halves":            {uneven(half(0.5)), false},
		"as a store rounds": {uneven(divided(1, 0.5000001)), false},
		"thirds":            {uneven(divided(1, 1.0/3)), true},
		"over":              {uneven(half(1).All("control")), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %t", name, c.got)
		}
	}
}
