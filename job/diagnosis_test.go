package job

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// watched counts the doctor's statements, and fails them where it is told to.
type watched struct {
	connectors.Warehouse
	asked *int
	fails bool
}

type watchedSession struct {
	connectors.Session
	watched
}

func (w watched) Session(ctx context.Context, tags connectors.Tags) (connectors.Session, error) {
	s, err := w.Warehouse.Session(ctx, tags)
	return watchedSession{s, w}, err
}

func (s watchedSession) Run(ctx context.Context, q queries.Statement) (*connectors.Rows, error) {
	if strings.HasPrefix(q.Name, "size of ") || q.Name == "tries" {
		*s.asked++
		if s.fails {
			return nil, &connectors.Error{Fault: connectors.FaultWarehouse, Err: errors.New("it is gone")}
		}
	}
	return s.Session.Run(ctx, q)
}

// TestDiagnosis: a look that finds a source blind says why, once a day for as
// long as the spec and the blindness last, and what it cannot find out does no harm.
func TestDiagnosis(t *testing.T) {
	shouted := ward{units: 3000, id: plain, fact: "upper(" + plain + ")"}
	p, wh := shouted.admit(t)
	asked := 0
	j := newJob(t, p, openLedger(t), watched{wh, &asked, false})
	at := func(day float64) *ledger.Look {
		t.Helper()
		j.Now = func() time.Time { return hours(24*day + 0.1) }
		results, _, err := j.Run(t.Context(), []*spec.Experiment{&p.Experiments[0]}, Options{AsOf: hours(24 * day)})
		if err != nil || results[0].Err != nil {
			t.Fatal(err, results[0].Err)
		}
		return results[0].Look
	}
	first := at(2)
	s := first.Health.Sources[0]
	if !s.Blind || s.Diagnosis == nil || s.Diagnosis.Causes[0].Code != "case" || !strings.HasPrefix(s.Diagnosis.Causes[0].Paste, "# assay.yaml\nfacts:\n  events:\n    sql: |\n      SELECT * REPLACE (") {
		t.Fatalf("%+v", s)
	}
	problem := first.Health.Problems[0]
	if problem.Code != "source_blind" || !strings.Contains(problem.Text, "The likeliest cause: "+s.Diagnosis.Causes[0].Text) || !strings.HasSuffix(problem.Text, "More: assay doctor rank.") {
		t.Errorf("%+v", problem)
	}
	before := asked
	if next := at(2.5).Health.Sources[0]; asked != before || next.Diagnosis == nil || !next.Diagnosis.AsOf.Equal(hours(48)) {
		t.Errorf("asked %d times more, %+v", asked-before, next.Diagnosis)
	}
	p.Experiments[0].Description = "changed"
	if next := at(4).Health.Sources[0]; asked == before || !next.Diagnosis.AsOf.Equal(hours(96)) {
		t.Errorf("of another spec: %+v", next.Diagnosis)
	}
	j = newJob(t, p, openLedger(t), watched{wh, &asked, true})
	lost := at(2)
	if s := lost.Health.Sources[0]; !s.Blind || s.Diagnosis != nil || lost.Failed != "" || !strings.HasSuffix(lost.Health.Problems[0].Text, "To find out why: assay doctor rank.") {
		t.Errorf("%+v %+v", s, lost.Health.Problems)
	}
	for _, sound := range []ward{{units: 3000, id: plain, fact: plain}} {
		p, wh = sound.admit(t)
		asked = 0
		j = newJob(t, p, openLedger(t), watched{wh, &asked, false})
		if s := at(2).Health.Sources[0]; s.Blind || asked > 0 {
			t.Errorf("a sound source was asked %d times: %+v", asked, s)
		}
	}
}
