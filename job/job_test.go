package job

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/connectors"
	"assay/decide"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// broken is a warehouse that does not answer.
type broken struct {
	err          error // of every statement
	session      error // of opening a session
	asked, ended int
	tags         []connectors.Tags // of the sessions
}

func (b *broken) Session(_ context.Context, tags connectors.Tags) (connectors.Session, error) {
	b.tags = append(b.tags, tags)
	if b.session != nil {
		return nil, b.session
	}
	return b, nil
}

func (b *broken) Run(_ context.Context, s queries.Statement) (*connectors.Rows, error) {
	b.asked++
	var e *connectors.Error
	if errors.As(b.err, &e) {
		return nil, &connectors.Error{Fault: e.Fault, Statement: s.Name, Err: e.Err}
	}
	return nil, b.err
}

func (b *broken) Dialect() queries.Dialect { return queries.DuckDB }

// Close fails as it does where the connection is gone.
func (b *broken) Close() error { b.ended++; return errors.New("bad connection") }

func fault(f connectors.Fault) error {
	return &connectors.Error{Fault: f, Err: errors.New("it is gone\nwith all of its details")}
}

func newJob(t *testing.T, p *spec.Project, l *ledger.Ledger, w connectors.Warehouse) *Job {
	t.Helper()
	return &Job{Project: p, Ledger: l, Warehouse: w, Now: func() time.Time { return hours(24.1) }, Tool: "test", Parallel: 2}
}

// TestLostWarehouse: a warehouse that goes away is evidence, recorded as a look
// that holds; one that the caller stopped is nothing at all.
func TestLostWarehouse(t *testing.T) {
	for name, c := range map[string]struct {
		warehouse *broken
		says      string // "" = no look
	}{
		"no session":        {&broken{session: fault(connectors.FaultWarehouse)}, "The warehouse did not answer: it is gone."},
		"lost in between":   {&broken{err: fault(connectors.FaultWarehouse)}, "The warehouse did not answer: units: it is gone."},
		"a wrong statement": {&broken{err: fault(connectors.FaultStatement)}, "A statement does not run: units: it is gone."},
		"stopped":           {&broken{err: fault(connectors.FaultCanceled)}, ""},
		"stopped early":     {&broken{session: fault(connectors.FaultCanceled)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, e := small(t, "rank")
			l := openLedger(t)
			results, _, err := newJob(t, p, l, c.warehouse).Run(t.Context(), []*spec.Experiment{e}, Options{AsOf: hours(24)})
			if err != nil || results[0].Err == nil {
				t.Fatalf("%v, result %v; want an error of the experiment only", err, results[0].Err)
			}
			look, err := l.LastLook("rank")
			if err != nil || (look == nil) != (c.says == "") {
				t.Fatalf("look %+v, %v", look, err)
			}
			if look == nil {
				return
			}
			d := look.Body.Decision
			if d.Verdict != decide.Hold || d.Summary != c.says || look.Body.Failed == "" || look.Body.Standing.BlindSince.IsZero() {
				t.Errorf("%s: %s, failed %q, blind since %s", d.Verdict, d.Summary, look.Body.Failed, look.Body.Standing.BlindSince)
			}
			if c.warehouse.asked > 0 && c.warehouse.ended != 1 {
				t.Errorf("the session was closed %d times", c.warehouse.ended)
			}
			if m := look.Body.Metrics; len(m) != 2 || m[0].Comparisons[0].Status != "no_units" {
				t.Errorf("metrics %+v, want two that cannot say", m)
			}
		})
	}
}

// TestNamesForWarehouse: a look that begins anew has the name it had, so that its
// jobs are found; what is computed anew on purpose has none.
func TestNamesForWarehouse(t *testing.T) {
	p, e := small(t, "rank")
	l := openLedger(t)
	w := &broken{err: fault(connectors.FaultWarehouse)}
	j := newJob(t, p, l, w)
	j.Call, j.Revision = "call-1", "1a2b"
	for _, mode := range []Mode{ModeDry, ModeRun, ModeRefresh} {
		if _, _, err := j.Run(t.Context(), []*spec.Experiment{e}, Options{AsOf: hours(24), Mode: mode}); err != nil {
			t.Fatal(err)
		}
	}
	name := lookID("rank", hours(24), p.Digest(e))
	want := connectors.Tags{Experiment: "rank", Look: name, Run: "call-1", Revision: "1a2b"}
	anew := want
	anew.Look = ""
	if !slices.Equal(w.tags, []connectors.Tags{want, want, anew}) {
		t.Errorf("sessions for %+v", w.tags)
	}
}

// TestLedgerFails: without a ledger nothing goes on.
func TestLedgerFails(t *testing.T) {
	p, e := small(t, "rank")
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	l, err := ledger.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = newJob(t, p, l, &broken{err: fault(connectors.FaultWarehouse)}).Run(t.Context(), []*spec.Experiment{e}, Options{AsOf: hours(24)})
	if !errors.Is(err, ledger.ErrReadOnly) || !strings.HasPrefix(err.Error(), "ledger: ") {
		t.Errorf("%v, want that the ledger is for reading only", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a ledger was made: %v", err)
	}
}

// TestLatchedThroughFailure: what was established, and is only proposed, stays
// so while the warehouse is away.
func TestLatchedThroughFailure(t *testing.T) {
	p, e := small(t, "rank", func(e *spec.Experiment) { e.Policy.AutoRollback = new(false) })
	l := openLedger(t)
	w := &broken{err: fault(connectors.FaultWarehouse)}
	j := newJob(t, p, l, w)
	run := func(asOf float64) *ledger.Look {
		t.Helper()
		j.Now = func() time.Time { return hours(asOf + 0.1) }
		results, _, err := j.Run(t.Context(), []*spec.Experiment{e}, Options{AsOf: hours(asOf)})
		if err != nil || results[0].Look == nil {
			t.Fatalf("%v %v", err, results[0].Err)
		}
		return results[0].Look
	}
	established := *run(24)
	for i := range established.Metrics {
		established.Metrics[i].Comparisons[0].MaxLogE = 30
		established.Metrics[i].Comparisons[0].Latched = true
	}
	established.ID, established.AsOf, established.Failed = "established", hours(36), ""
	put(t, l, hours(36.1), established)
	for _, asOf := range []float64{48, 72} {
		look := run(asOf)
		if look.Decision.Verdict != decide.Rollback || look.Metrics[0].Comparisons[0].MaxLogE != 30 {
			t.Errorf("as of %s: %s (%s)", look.AsOf, look.Decision.Verdict, look.Decision.Summary)
		}
	}
}
