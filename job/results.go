package job

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/stats"
)

// resultBatch is how many rows are written at once, about: a statement has to stay
// well below what engines take.
const resultBatch = 200

// resultsAtOnce is how many looks one run writes at the most: a table that is new
// beside a long ledger fills up over several runs, the newest looks first.
const resultsAtOnce = 1000

// Resulted is what became of the table of results.
type Resulted struct {
	Written int // looks
	Left    int // looks that the next run writes
}

// WriteResults brings the table of results up to the ledger: every look whose
// latest record the table has not is written, newest first. It decides nothing,
// and what it does not come to the next run does.
func (j *Job) WriteResults(ctx context.Context) (Resulted, error) {
	r := j.Project.Config.Results
	if r == nil {
		return Resulted{}, nil
	}
	out, err := j.writeResults(ctx, queries.ResultsTable{Dialect: j.Warehouse.Dialect(), Name: r.Table})
	if err != nil {
		return out, fmt.Errorf("results in %s: %w", r.Table, err)
	}
	return out, nil
}

func (j *Job) writeResults(ctx context.Context, table queries.ResultsTable) (out Resulted, err error) {
	session, err := j.Warehouse.Session(ctx, j.tags("", ""))
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if err := ensure(ctx, session, table); err != nil {
		return out, err
	}
	due, err := j.unwritten(ctx, session, table)
	if err != nil {
		return out, err
	}
	out.Left = len(due)
	var rows []queries.ResultRow
	looks := 0
	for i, ref := range due[:min(len(due), resultsAtOnce)] {
		look, err := j.Ledger.LookAt(ref.Seq)
		if err != nil {
			return out, err
		}
		rows, looks = append(rows, resultRows(look)...), looks+1
		if len(rows) < resultBatch && i+1 < min(len(due), resultsAtOnce) {
			continue
		}
		if err := j.transact(ctx, session, table.Dialect, table.Write(rows)); err != nil {
			return out, err
		}
		j.reached("results-written")
		out.Written, out.Left = out.Written+looks, out.Left-looks
		rows, looks = nil, 0
	}
	return out, nil
}

// ensure makes the table, or the columns that an older one has not.
func ensure(ctx context.Context, s connectors.Session, table queries.ResultsTable) error {
	if _, err := s.Run(ctx, table.Probe()); err == nil || canceled(err) {
		return err
	}
	for _, statement := range append([]queries.Statement{table.Create()}, table.Add()...) {
		if _, err := s.Run(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// unwritten are the looks that the table has not, or of an earlier record: one
// that failed and was repeated.
func (j *Job) unwritten(ctx context.Context, s connectors.Session, table queries.ResultsTable) ([]ledger.LookRef, error) {
	rows, err := s.Run(ctx, table.Written())
	if err != nil {
		return nil, err
	}
	written := map[string]int64{}
	for i := range rows.Len() {
		look, _ := rows.Text(i, "look")
		written[look], _ = rows.Int(i, "record_seq")
	}
	due := slices.DeleteFunc(j.Ledger.LookRefs(), func(r ledger.LookRef) bool { return written[r.ID] == r.Seq })
	slices.Reverse(due)
	return due, nil
}

// transact runs the statements of a transaction and ends it where one fails.
func (j *Job) transact(ctx context.Context, s connectors.Session, d queries.Dialect, statements []queries.Statement) error {
	for _, statement := range statements {
		j.reached("results")
		if _, err := s.Run(ctx, statement); err != nil {
			// One that is over cannot be ended; the session is closed after it.
			_, _ = s.Run(context.WithoutCancel(ctx), d.Rollback())
			return err
		}
	}
	return nil
}

// resultRows are the rows of a look: one for each metric and variation, or one
// alone where it found nothing.
func resultRows(e *ledger.Entry[ledger.Look]) []queries.ResultRow {
	base := resultOf(e)
	var rows []queries.ResultRow
	for i := range e.Body.Metrics {
		m := &e.Body.Metrics[i]
		for k := range m.Comparisons {
			rows = append(rows, comparisonRow(base, &e.Body, m, &m.Comparisons[k]))
		}
	}
	if len(rows) == 0 {
		rows = append(rows, base)
	}
	return rows
}

// resultOf is what all rows of a look have.
func resultOf(e *ledger.Entry[ledger.Look]) queries.ResultRow {
	k, none := &e.Body, math.NaN()
	r := queries.ResultRow{
		LookID: k.ID, Record: e.Seq, RecordedAt: e.At, Experiment: k.Experiment, AsOf: k.AsOf,
		Version: int64(k.Version), LookNumber: int64(k.Number), Backfill: k.Backfill, Failed: firstLine(k.Failed),
		Verdict: string(k.Decision.Verdict), Summary: k.Decision.Summary,
		Coverage: k.Allocation.Coverage, KnownGood: k.Allocation.KnownGood, Epoch: int64(len(k.Epochs)), Units: k.Health.Units,
		ControlValue: none, VariationValue: none, Absolute: none, AbsoluteLower: none, AbsoluteUpper: none,
		Relative: none, RelativeLower: none, RelativeUpper: none, Alpha: none, LogE: none, Bound: none, EValue: none, AdjustedP: none,
		SpecDigest: k.Digest, PlanDigest: k.PlanDigest, Tool: k.Tool,
	}
	if len(k.Decision.Reasons) > 0 {
		r.ReasonCode = k.Decision.Reasons[0].Code
	}
	return r
}

func comparisonRow(r queries.ResultRow, k *ledger.Look, m *ledger.MetricResult, v *ledger.Versus) queries.ResultRow {
	r.Metric, r.Role, r.Kind, r.Direction = m.Name, m.Role, m.Kind, m.Direction
	r.Variation, r.Status, r.Outcome, r.Method = v.Variation, string(v.Status), outcome(m, v, k.Spec.Alpha.Goals), string(v.Design.Method)
	r.ControlUnits, r.VariationUnits = &v.Control.N, &v.Treatment.N
	r.Alpha = v.Design.Alpha
	r.LogE, r.Bound, r.EValue = v.LogE, v.Bound, math.Exp(v.LogE)
	if v.Adjusted != nil {
		r.AdjustedP = *v.Adjusted
	}
	if v.Control.N > 0 {
		r.ControlValue = v.Control.Value
	}
	if v.Treatment.N > 0 {
		r.VariationValue = v.Treatment.Value
	}
	if v.Status != stats.StatusOK {
		return r
	}
	r.Absolute, r.AbsoluteLower, r.AbsoluteUpper = v.Absolute, v.AbsoluteInterval.Lower, v.AbsoluteInterval.Upper
	r.RelativeLower, r.RelativeUpper = v.RelativeInterval.Lower, v.RelativeInterval.Upper
	if v.Relative.Known {
		r.Relative = v.Relative.Value
	}
	return r
}

// outcome is what has been established of a metric; "" = nothing yet.
func outcome(m *ledger.MetricResult, v *ledger.Versus, alphaGoals float64) string {
	good := v.Design.Harm == stats.SideUp && v.Absolute < 0 || v.Design.Harm == stats.SideDown && v.Absolute > 0
	switch {
	case v.Harmed || v.Latched:
		return "harmed"
	case v.Status != stats.StatusOK:
		return ""
	case m.Role == "goal" && v.Adjusted != nil && *v.Adjusted <= alphaGoals && good:
		return "better"
	case m.Role == "goal" || !v.NonInferior:
		return ""
	case v.Design.Margin.Value > 0:
		return "non_inferior"
	}
	return "better"
}
