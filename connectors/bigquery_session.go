//go:build !nobigquery

package connectors

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/bigquery"

	"assay/queries"
	"assay/spec"
)

// bigQuerySession runs jobs. The first temporary table or transaction begins a
// session in the service, and what follows is part of it.
type bigQuerySession struct {
	w        *bigQuery
	look     string // names the jobs; "" = they are named by chance
	labels   map[string]string
	location string // of the jobs; "" = the service finds it

	id     string // of the session in the service; "" = there is none
	inside bool   // a transaction is open
	taken  bool   // a run before this one began it
	ran    map[string]int

	planned map[string]bigquery.Schema // temporary tables that were estimated and not made
}

var (
	_ Session   = (*bigQuerySession)(nil)
	_ Estimator = (*bigQuerySession)(nil)
	_ Describer = (*bigQuerySession)(nil)
)

const (
	// setUp is the first statement of every session in the service. A project may have
	// another default zone, and times without one are read as UTC everywhere.
	setUp = "SET @@time_zone = 'UTC'"
	// shutDown is the last one; without it temporary tables are kept for a day.
	shutDown = "CALL BQ.ABORT_SESSION()"
	// parting bounds what is still done where the caller waits no longer.
	parting = 15 * time.Second
)

// Run executes a statement as a job.
func (s *bigQuerySession) Run(ctx context.Context, st queries.Statement) (*Rows, error) {
	limited, cancel := context.WithTimeout(ctx, s.w.timeout)
	defer cancel()
	rows, err := s.run(limited, st)
	if err != nil {
		return nil, s.failed(ctx, limited, st.Name, err)
	}
	return rows, nil
}

func (s *bigQuerySession) run(ctx context.Context, st queries.Statement) (*Rows, error) {
	_, _, creates := temporary(st.SQL)
	control := transaction(st.SQL)
	if s.id == "" && (creates || control == "BEGIN") {
		if err := s.begin(ctx, st); err != nil {
			return nil, err
		}
	}
	job, attached, err := s.start(ctx, st)
	if err != nil {
		return nil, err
	}
	did, err := s.wait(ctx, job)
	if err != nil {
		return nil, err
	}
	if control != "" {
		s.inside = control == "BEGIN"
	}
	rows, err := readJob(ctx, job, did)
	if err != nil {
		return nil, err
	}
	rows.Receipt = Receipt{ID: job.ID(), Bytes: did.TotalBytesBilled, Attached: attached}
	return rows, nil
}

// query is a statement as a job of the session.
func (s *bigQuerySession) query(sql string) *bigquery.Query {
	q := s.w.query(sql, s.labels)
	q.Location = s.location
	if s.id != "" {
		q.ConnectionProperties = []*bigquery.ConnectionProperty{{Key: "session_id", Value: s.id}}
	} else {
		q.ConnectionProperties = []*bigquery.ConnectionProperty{{Key: "time_zone", Value: "UTC"}}
	}
	return q
}

// wait waits until a job is over, and cancels it where the context is over first.
// It asks for the state and not for rows: that the client asks again and again for
// rows of a job that failed is a failure that never arrives.
func (s *bigQuerySession) wait(ctx context.Context, job *bigquery.Job) (*bigquery.QueryStatistics, error) {
	for pause := 50 * time.Millisecond; ; pause = min(pause*3/2, 5*time.Second) {
		status, err := job.Status(ctx)
		if err != nil {
			s.cancel(ctx, job.ID())
			return nil, err
		}
		if status.Done() {
			return outcome(status)
		}
		select {
		case <-ctx.Done():
			s.cancel(ctx, job.ID())
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// outcome of a job that is over.
func outcome(status *bigquery.JobStatus) (*bigquery.QueryStatistics, error) {
	if err := status.Err(); err != nil {
		return nil, err
	}
	did, ok := status.Statistics.Details.(*bigquery.QueryStatistics)
	if !ok {
		return nil, errors.New("the service tells nothing of the job")
	}
	return did, nil
}

// cancel cancels a job in the service where the context is over, which the client
// does not, and sees that it stops: a session runs one job at a time. A job that
// is not found was never begun. What cannot be cancelled ends with its own timeout.
func (s *bigQuerySession) cancel(ctx context.Context, id string) {
	if ctx.Err() == nil {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer stop()
	job, err := s.w.client.JobFromIDLocation(ctx, id, s.location)
	if err != nil || job.Cancel(ctx) != nil {
		return
	}
	for {
		if status, err := job.Status(ctx); err != nil || status.Done() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *bigQuerySession) tookLong(err, plain error) error {
	long := fmt.Sprintf("took longer than %s (warehouse.timeout)", spec.Duration{Duration: s.w.timeout})
	if plain.Error() == context.DeadlineExceeded.Error() {
		return fmt.Errorf("%s%w", long, &plainError{cause: err})
	}
	return fmt.Errorf("%s: %w", long, plain)
}

// Close ends the session in the service, and with it its temporary tables.
func (s *bigQuerySession) Close() error {
	if s.look != "" {
		s.w.ended(s.look)
	}
	if s.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	q := s.query(shutDown)
	q.JobID = byChance()
	s.id = ""
	job, err := q.Run(ctx)
	if err == nil {
		_, err = s.wait(ctx, job)
	}
	if err != nil {
		return s.failed(ctx, ctx, "end of the session", err)
	}
	return nil
}

// byChance is the id of a job that no other has.
func byChance() string { return jobPrefix + rand.Text() }
