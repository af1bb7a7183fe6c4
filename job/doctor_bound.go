package job

import (
	"context"
	"time"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// shortenings is how often a span is made shorter at the most: rows do not come
// evenly, so that once may not be enough.
const shortenings = 4

// fitting prepares a checkup from an instant on, or from a later one where a query
// has more rows than it may have since. A query that does not use {{start}} has as
// many rows whatever the span, and is read as it is.
func (j *Job) fitting(ctx context.Context, s connectors.Session, e *spec.Experiment, o Examination, from time.Time) (*queries.Doctor, time.Time, error) {
	before := int64(0)
	for try := 0; ; try++ {
		q, err := queries.NewDoctor(j.Project, e, queries.Checkup{AsOf: o.AsOf, From: from}, j.Warehouse.Dialect())
		if err != nil {
			return nil, from, err
		}
		most, err := largest(ctx, s, q)
		if err != nil || most <= o.MaxRows || most == before || try == shortenings {
			return q, from, err
		}
		before = most
		span := time.Duration(float64(o.AsOf.Sub(from)) * float64(o.MaxRows) / float64(most))
		from = o.AsOf.Add(-span)
	}
}

// largest is the number of rows of the query that has most. One that does not run
// is told of later, by its columns.
func largest(ctx context.Context, s connectors.Session, q *queries.Doctor) (most int64, err error) {
	for _, statement := range q.Sizes() {
		rows, err := s.Run(ctx, statement)
		if err != nil {
			if refused(err) != "" {
				continue
			}
			return 0, err
		}
		most = max(most, intOf(rows, 0, "n"))
	}
	return most, nil
}
