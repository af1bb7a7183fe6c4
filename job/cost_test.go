package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// priced is DuckDB with prices: it binds what it is asked about, as a dry run does,
// and notes what it is asked and what it runs.
type priced struct {
	connectors.Warehouse
	price      func(statement string) (int64, error)
	mu         sync.Mutex // experiments are looked at together
	asked, ran []string
	refuse     string // a statement that its limit refuses
}

func (w *priced) note(list *[]string, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, name)
}

type pricedSession struct {
	connectors.Session
	w *priced
}

func (w *priced) Session(ctx context.Context, tags connectors.Tags) (connectors.Session, error) {
	s, err := w.Warehouse.Session(ctx, tags)
	return &pricedSession{s, w}, err
}

func (s *pricedSession) Estimate(ctx context.Context, st queries.Statement) (connectors.Estimate, error) {
	s.w.note(&s.w.asked, st.Name)
	if _, err := s.Session.Run(ctx, queries.Statement{Name: st.Name, SQL: "EXPLAIN " + st.SQL}); err != nil {
		return connectors.Estimate{}, err
	}
	bytes, err := s.w.price(st.Name)
	return connectors.Estimate{Bytes: bytes}, err
}

func (s *pricedSession) Run(ctx context.Context, st queries.Statement) (*connectors.Rows, error) {
	s.w.note(&s.w.ran, st.Name)
	if st.Name == s.w.refuse {
		return nil, &connectors.Error{Fault: connectors.FaultCost, Statement: st.Name, Err: errors.New("it would bill 9GB, more than warehouse.max_bytes_billed")}
	}
	rows, err := s.Session.Run(ctx, st)
	if err == nil {
		rows.Receipt = connectors.Receipt{ID: "job-" + strings.ReplaceAll(st.Name, " ", "-"), Bytes: 5000, Attached: st.Name == "units"}
	}
	return rows, err
}

// prices are those of a look at the small project: exposures 100, facts 1000 more.
func prices(statement string) (int64, error) {
	if strings.Contains(statement, "responses") {
		return 1100, nil
	}
	return 100, nil
}

func pricedJob(t *testing.T, budget spec.Size, w *priced) (*Job, *ledger.Ledger, []*spec.Experiment) {
	t.Helper()
	p, e := small(t, "rank")
	tone, _ := p.Experiment("tone")
	tone.Flag.Stores = nil
	p.Config.Warehouse.Budget = budget
	l := openLedger(t)
	w.Warehouse = strange(t, "")
	if w.price == nil {
		w.price = prices
	}
	return newJob(t, p, l, w), l, []*spec.Experiment{e, tone}
}

// TestCost adds up what the engine says, and says what is counted again.
func TestCost(t *testing.T) {
	w := &priced{}
	j, _, e := pricedJob(t, 0, w)
	j.Now = func() time.Time { return hours(30) }
	c, err := j.Cost(t.Context(), e[0])
	if err != nil {
		t.Fatal(err)
	}
	left := int(e[0].End().Sub(c.AsOf) / e[0].Cadence.Duration)
	if c.Bytes != 1200 || c.Again != 100 || c.Looks != left+1 || c.Remaining != 1200*int64(c.Looks) || c.Doubt == 0 {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Statements {
		if s.Made != (s.Bytes == 0) || s.Upper != (s.Again > 0) || s.Unknown != "" {
			t.Errorf("%+v", s)
		}
	}
	if len(w.ran) > 0 {
		t.Errorf("ran: %v", w.ran)
	}
}

// TestCostDates bounds the look by the dates of the experiment.
func TestCostDates(t *testing.T) {
	w := &priced{}
	j, _, e := pricedJob(t, 0, w)
	for now, want := range map[float64]time.Time{-100: e[0].Start.Add(e[0].Cadence.Duration), 10000: e[0].End()} {
		j.Now = func() time.Time { return hours(now) }
		if c, err := j.Cost(t.Context(), e[0]); err != nil || !c.AsOf.Equal(want) || now > 0 && c.Looks != 1 {
			t.Errorf("at %v: %+v %v, want as of %s", now, c, err, want)
		}
	}
}

// TestCostUnknown: a statement that does not run has no cost, and says where.
func TestCostUnknown(t *testing.T) {
	j, _, e := pricedJob(t, 0, &priced{})
	source := j.Project.Config.Facts["responses"]
	source.SQL = strings.Replace(source.SQL, "latency_ms", "latency_s", 1)
	j.Project.Config.Facts["responses"] = source
	c, err := j.Cost(t.Context(), e[0])
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(c.Statements, func(s StatementCost) bool { return s.Name == "facts of responses" })
	if s := c.Statements[i]; s.Bytes != 0 || !strings.Contains(s.Unknown, "latency_s") || c.Bytes != 100 {
		t.Errorf("%+v of %+v", s, c)
	}
	j.Warehouse = strange(t, "")
	if _, err := j.Cost(t.Context(), e[0]); !errors.Is(err, ErrNoEstimates) {
		t.Errorf("%v, want that the engine does not tell", err)
	}
}

// TestBudget holds a run against its budget before any statement has run.
func TestBudget(t *testing.T) {
	for name, c := range map[string]struct {
		budget spec.Size
		price  func(string) (int64, error)
		says   string // by each look; "" = all ran
	}{
		"no budget": {0, nil, ""},
		"just kept": {2400, nil, ""},
		"over":      {2000, nil, "Refused for its cost: the run would scan at most 2.4KB and warehouse.budget is 2KB, so that nothing was run: rank 1.2KB, tone 1.2KB."},
		"gone": {5000, func(string) (int64, error) {
			return 0, &connectors.Error{Fault: connectors.FaultWarehouse, Statement: "units", Err: errors.New("it is gone")}
		}, "The warehouse did not answer: units: it is gone."},
	} {
		t.Run(name, func(t *testing.T) {
			w := &priced{price: c.price}
			j, l, experiments := pricedJob(t, c.budget, w)
			results, _, err := j.Run(t.Context(), experiments, Options{AsOf: hours(48)})
			if err != nil {
				t.Fatal(err)
			}
			if c.says == "" {
				if results[0].Err != nil || results[1].Err != nil || len(w.ran) == 0 {
					t.Fatalf("%v, %v, ran %v", results[0].Err, results[1].Err, w.ran)
				}
				s := results[0].Look.Statements[0]
				if s.ID != "job-units" || s.Bytes != 5000 || !s.Attached {
					t.Errorf("the receipt of %+v", s)
				}
				return
			}
			if len(w.ran) > 0 {
				t.Errorf("over budget, and ran %v", w.ran)
			}
			for _, r := range results {
				look, err := l.LastLook(r.Experiment)
				if err != nil || look == nil || r.Err == nil {
					t.Fatalf("%s: %v %v", r.Experiment, err, r.Err)
				}
				d := look.Body.Decision
				if d.Verdict != decide.Hold || d.Summary != c.says || look.Body.Failed == "" || look.Body.Standing.BlindSince.IsZero() {
					t.Errorf("%s: %s", d.Verdict, d.Summary)
				}
				if code := look.Body.Health.Problems[0].Code; name == "over" && code != "over_budget" {
					t.Errorf("the problem is %s", code)
				}
			}
			// The same as-of is tried anew, and runs once there is a budget for it.
			j.Project.Config.Warehouse.Budget, w.price = 1<<40, prices
			results, _, err = j.Run(t.Context(), experiments, Options{AsOf: hours(48)})
			if err != nil || results[0].Err != nil || results[0].Again || len(w.ran) == 0 {
				t.Errorf("with a budget: %+v %v", results[0], err)
			}
			asked := len(w.asked)
			if results, _, err = j.Run(t.Context(), experiments, Options{AsOf: hours(48)}); err != nil || !results[0].Again || len(w.asked) != asked {
				t.Errorf("a look that is there was asked about: %v", w.asked[asked:])
			}
		})
	}
}

// TestBudgetFailSafe: no budget holds an exposure for ever.
func TestBudgetFailSafe(t *testing.T) {
	j, l, experiments := pricedJob(t, 1, &priced{})
	for _, e := range experiments {
		e.Policy.MaxBlind = spec.Duration{Duration: 24 * time.Hour}
		e.Policy.BlindAction = "rollback"
	}
	for _, asOf := range []float64{48, 60, 84} {
		j.Now = func() time.Time { return hours(asOf + 0.1) }
		if _, _, err := j.Run(t.Context(), experiments, Options{AsOf: hours(asOf)}); err != nil {
			t.Fatal(err)
		}
	}
	look, err := l.LastLook("rank")
	if err != nil || look.Body.Decision.Verdict != decide.Rollback {
		t.Errorf("%+v %v, want the fail-safe's rollback", look.Body.Decision, err)
	}
}

// TestBudgetWithoutEstimates: a promise that cannot be kept is not made.
func TestBudgetWithoutEstimates(t *testing.T) {
	j, l, experiments := pricedJob(t, 1000, &priced{})
	j.Warehouse = strange(t, "")
	results, _, err := j.Run(t.Context(), experiments[:1], Options{AsOf: hours(48)})
	look, ledgerErr := l.LastLook("rank")
	if err != nil || ledgerErr != nil || results[0].Err == nil || !strings.Contains(look.Body.Decision.Summary, "warehouse.budget cannot be kept") {
		t.Errorf("%v, %+v", err, results[0])
	}
}

// TestStatementLimit: a statement that the warehouse refuses for its cost is told
// as a budget is.
func TestStatementLimit(t *testing.T) {
	j, l, experiments := pricedJob(t, 0, &priced{refuse: "facts of responses"})
	results, _, err := j.Run(t.Context(), experiments[:1], Options{AsOf: hours(48)})
	if err != nil || results[0].Err == nil {
		t.Fatal(err, results[0].Err)
	}
	look, err := l.LastLook("rank")
	if err != nil {
		t.Fatal(err)
	}
	want := "Refused for its cost: facts of responses: it would bill 9GB, more than warehouse.max_bytes_billed."
	if d := look.Body.Decision; d.Summary != want || look.Body.Health.Problems[0].Code != "over_budget" {
		t.Errorf("%s, %+v", d.Summary, look.Body.Health.Problems[0])
	}
}

// TestOverBudgetOrder names the dearest look first.
func TestOverBudgetOrder(t *testing.T) {
	w := &priced{}
	j, _, experiments := pricedJob(t, 100, w)
	asked := 0
	w.price = func(string) (int64, error) { asked++; return int64(asked) * 1000, nil }
	results, _, err := j.Run(t.Context(), experiments, Options{AsOf: hours(48)})
	if err != nil {
		t.Fatal(err)
	}
	over, ok := errors.AsType[*OverBudget](results[0].Err)
	if !ok || len(over.Looks) != 2 || over.Looks[0].Experiment != "tone" || over.Looks[0].Bytes <= over.Looks[1].Bytes ||
		over.Bytes != over.Looks[0].Bytes+over.Looks[1].Bytes || over.Error() != fmt.Sprint(over) {
		t.Errorf("%+v", over)
	}
}
