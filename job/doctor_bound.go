package job

import (
	"context"
	"fmt"
	"time"

	"assay/connectors"
	"assay/ledger"
	"assay/queries"
	"assay/spec"
)

// shortenings is how often a span is made shorter at the most: rows do not come
// evenly, so that once may not be enough.
const shortenings = 4

// volume is how much a query gives.
type volume struct {
	rows, bytes int64
	spanned     bool
}

// over is how many times as much that is as it may be.
func (v volume) over(o Examination) float64 {
	return max(float64(v.rows)/float64(o.MaxRows), float64(v.bytes)/float64(o.MaxBytes))
}

// fitted is a checkup that keeps to its bounds.
type fitted struct {
	q    *queries.Doctor
	from time.Time
	// large are the queries that give too much whatever the span; nothing is asked
	// of them.
	large map[string]volume
}

// fitting prepares a checkup from an instant on, or from a later one where a query
// gives more since then than it may.
func (j *Job) fitting(ctx context.Context, s connectors.Session, e *spec.Experiment, o Examination, from time.Time) (fitted, error) {
	for try := 0; ; try++ {
		q, err := queries.NewDoctor(j.Project, e, queries.Checkup{AsOf: o.AsOf, From: from}, j.Warehouse.Dialect())
		if err != nil {
			return fitted{}, err
		}
		sizes, err := measured(ctx, s, q)
		if err != nil {
			return fitted{}, err
		}
		f, most := fitted{q: q, from: from, large: map[string]volume{}}, 1.0
		for name, v := range sizes {
			if v.over(o) > 1 {
				f.large[name] = v
			}
			if v.spanned {
				most = max(most, v.over(o))
			}
		}
		if most <= 1 || try == shortenings {
			return f, nil
		}
		from = o.AsOf.Add(-time.Duration(float64(o.AsOf.Sub(from)) / most))
	}
}

// measured is how much each query gives, by its name. One that does not run is
// told of later, by its columns.
func measured(ctx context.Context, s connectors.Session, q *queries.Doctor) (map[string]volume, error) {
	out := map[string]volume{}
	for _, size := range q.Sizes() {
		v, err := given(ctx, s, size)
		if err != nil {
			return nil, err
		}
		out[size.Name] = v
	}
	return out, nil
}

func given(ctx context.Context, s connectors.Session, size queries.Size) (volume, error) {
	v := volume{spanned: size.Spanned}
	rows, err := s.Run(ctx, size.Statement)
	if refused(err) != "" {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.rows, v.bytes = intOf(rows, 0, "n"), intOf(rows, 0, "bytes")
	return v, nil
}

// fits tells whether a query that is not among those of the beginning gives no more
// than it may.
func (x *examiner) fits(ctx context.Context, size queries.Size) (bool, error) {
	x.out.Statements++
	v, err := given(ctx, x.session, size)
	return v.over(x.bounds) <= 1, err
}

// joinFits tells so of a join, and remembers it.
func (x *examiner) joinFits(ctx context.Context, join, identifier string) (bool, error) {
	if fits, known := x.joins[join]; known {
		return fits, nil
	}
	fits, err := x.fits(ctx, x.q.JoinSize(join, identifier))
	x.joins[join] = fits
	return fits, err
}

// unread is the cause of a source that is not read, since it or its join gives
// more than it may; nil = it is read.
func (x *examiner) unread(ctx context.Context, s queries.DoctorSource) (*ledger.Cause, error) {
	if cause := x.tooLarge(s.Name); cause != nil || s.Join == "" {
		return cause, nil
	}
	fits, err := x.joinFits(ctx, s.Join, s.Identifier)
	if fits || err != nil {
		return nil, err
	}
	return &ledger.Cause{
		Code: "too_large", Text: fmt.Sprintf("The join %s gives more than --max-rows or --max-bytes allows: nothing was looked at through it.", s.Join),
		Mend: &ledger.Mend{Text: "Allow more."},
	}, nil
}

// tooLarge is the cause of a query that gives more than it may; nil = it does not.
func (x *examiner) tooLarge(name string) *ledger.Cause {
	v, ok := x.large[name]
	if !ok {
		return nil
	}
	c := ledger.Cause{Code: "too_large", Text: fmt.Sprintf(
		"The SQL of %s gives %d rows, with %d bytes of identifiers and timestamps: more than --max-rows or --max-bytes allows. Nothing of it was looked at.",
		name, v.rows, v.bytes)}
	text := "Allow more, or look at a shorter --span."
	if !v.spanned {
		text = "Bound its SQL by {{start}} and {{end}}, so that a shorter span gives less, or allow more."
	}
	c.Mend = &ledger.Mend{Text: text}
	return &c
}
