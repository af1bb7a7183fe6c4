package job

import (
	"math"
	"strings"
	"testing"

	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
	"assay/stats"
)

// judged is evidence about metrics in their roles: goals a, b and c, and a
// guardrail between them that no correction may touch.
func judged() *evidence {
	ev := &evidence{}
	for _, g := range []struct {
		metric, role string
		e            float64
	}{
		{"a", decide.RoleGoal, 30},
		{"guard", decide.RoleGuardrail, 50},
		{"b", decide.RoleGoal, 45},
		{"c", decide.RoleGoal, 0.5},
	} {
		j := decide.Judgement{Metric: g.metric, Role: g.role, Variation: "new", WinP: min(1, 1/g.e)}
		j.Comparison.LogETwoSided = math.Log(g.e)
		ev.judgements = append(ev.judgements, j)
		ev.results = append(ev.results, ledger.MetricResult{
			Name: g.metric, Role: g.role, Comparisons: []ledger.Versus{{Variation: "new"}},
		})
	}
	return ev
}

func TestAdjustGoals(t *testing.T) {
	for correction, want := range map[string][]float64{
		// By hand, over a, b and c: p is 1/30, 1/45 and 1.
		spec.CorrectHolm: {2.0 / 30, 3.0 / 45, 1},
		spec.CorrectBH:   {1.5 / 30, 1.5 / 30, 1},
		spec.CorrectEBH:  {1.5 / 30, 1.5 / 30, 1},
	} {
		ev := judged()
		adjustGoals(ev, correction)
		k := 0
		for i, j := range ev.judgements {
			shown := ev.results[i].Comparisons[0].Adjusted
			if j.Role != decide.RoleGoal {
				if shown != nil || j.WinP != 1.0/50 {
					t.Errorf("%s touched the guardrail: %v, %g", correction, shown, j.WinP)
				}
				continue
			}
			if shown == nil || *shown != j.WinP || math.Abs(j.WinP-want[k]) > 1e-12 {
				t.Errorf("%s of %s: %g, want %g", correction, j.Metric, j.WinP, want[k])
			}
			k++
		}
	}
}

// Every correction that a policy may name has its arithmetic, and no goal at
// all is no trouble.
func TestCorrectionsAreComplete(t *testing.T) {
	for _, name := range []string{spec.CorrectHolm, spec.CorrectBH, spec.CorrectEBH} {
		adjustGoals(&evidence{}, name)
	}
	if len(corrections) != 3 {
		t.Errorf("%d corrections", len(corrections))
	}
}

// A metric that does not say which way is good has an interval at one look and
// no chance to win.
func TestAtOneLookWithoutDirection(t *testing.T) {
	d := stats.Design{Kind: stats.KindMean, Method: stats.MethodMixture, Harm: stats.SideUp, Alpha: 0.05, Planned: 5000}
	strata := []stats.Stratum{{
		Share: 0.5, Control: stats.FromWarehouse(100, 100, 5, 4), Treatment: stats.FromWarehouse(100, 100, 5.1, 4),
	}}
	for direction, want := range map[string]stats.Status{"": "", "down": stats.StatusOK} {
		o := atOneLook(question{metric: spec.Metric{Direction: direction}}, d, strata)
		if o.Posterior.Status != want || !o.P.Known {
			t.Errorf("direction %q: %+v", direction, o)
		}
	}
}

// TestScaleAuto: a heavy tail is judged on the log scale where the declared arms
// differ in size, in SQL and in the test alike, and the reason says so.
func TestScaleAuto(t *testing.T) {
	for _, c := range []struct {
		weights [2]float64
		scale   stats.Scale
		says    string
	}{
		{[2]float64{0.5, 0.5}, "", "scale auto, and the arms are equal"},
		{[2]float64{0.9, 0.1}, stats.ScaleLog, "scale auto, and the arms differ in size"},
	} {
		p, e := small(t, "rank", func(e *spec.Experiment) {
			e.Variations[0].Weight, e.Variations[1].Weight = c.weights[0], c.weights[1]
		})
		m := p.Config.Metrics["latency"]
		m.Scale = spec.ScaleAuto
		p.Config.Metrics["latency"] = m
		at := &vantage{project: p, experiment: e}
		for _, q := range questions(at) {
			if d := design(at, q); q.use.Metric == "latency" && (d.Scale != c.scale || d.Method != stats.MethodCalibrated || !strings.Contains(d.Reason, c.says)) {
				t.Errorf("%v: %+v", c.weights, d)
			}
		}
		script, err := queries.Render(p, e, queries.Look{AsOf: hours(24), Epochs: []queries.Epoch{{Start: e.Start.Time, Settled: e.Start.Time}}}, queries.DuckDB)
		if err != nil {
			t.Fatal(err)
		}
		if logs := strings.Contains(script.Facts[0].SQL, "LN("); logs != (c.scale == stats.ScaleLog) {
			t.Errorf("%v: logarithms %v in\n%s", c.weights, logs, script.Facts[0].SQL)
		}
	}
}

// Whether units have a value is compared within epochs and among those that
// count: a ramp in which the first units were mostly control and are complete,
// and those since then are not, shows no difference; one arm without values does.
func TestPresenceInRamp(t *testing.T) {
	p, e := small(t, "rank")
	at := standingAt(t, openLedger(t), p, e, Options{AsOf: hours(24)})
	ev := &evidence{strata: newStrata(2, 2)}
	ev.strata[0][0] = counts{exposed: 900, units: 900, closed: map[string]int64{"closed_0": 900}}
	ev.strata[0][1] = counts{exposed: 100, units: 100, closed: map[string]int64{"closed_0": 100}}
	ev.strata[1][0] = counts{exposed: 500, units: 500, closed: map[string]int64{}}
	ev.strata[1][1] = counts{exposed: 500, units: 500, closed: map[string]int64{}}
	data := &metricData{
		measure:   queries.Measure{Kind: "mean", Closed: "closed_0", CompleteOnly: true},
		moments:   [][]stats.Moments{{{N: 720}, {N: 80}}, {{}, {}}},
		quantiles: [][]stats.Quantile{make([]stats.Quantile, 2), make([]stats.Quantile, 2)},
	}
	if r := presence(at, ev, data, 1); r == nil || r.Failed {
		t.Errorf("no difference: %+v", r)
	}
	data.moments[0][1].N = 20
	if r := presence(at, ev, data, 1); r == nil || !r.Failed {
		t.Errorf("80 and 20 %%: %+v", r)
	}
	data.measure = queries.Measure{Kind: "quantile", Quantile: 0.5, Closed: "closed_0", CompleteOnly: true}
	data.quantiles[0][0].N, data.quantiles[0][1].N = 720, 80
	if r := presence(at, ev, data, 1); r == nil || r.Failed {
		t.Errorf("a quantile: %+v", r)
	}
}
