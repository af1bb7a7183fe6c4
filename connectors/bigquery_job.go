//go:build !nobigquery

package connectors

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"cloud.google.com/go/bigquery"

	"assay/queries"
)

// The jobs of a look are named by what they compute, so that a run that begins
// anew after it was killed finds those of the run before it: docs/adr/0017.
const (
	jobPrefix = "assay_"
	// attempts bounds how many jobs of one name are looked at; then chance names it.
	attempts = 32
	// attachable is how long a session may have been begun before another run goes on
	// in it: its temporary tables show what was loaded by then.
	attachable = 6 * time.Hour
	// listed bounds how many running jobs are looked through.
	listed = 1000
)

// named is the id of a job: the same for the same parts.
func (s *bigQuerySession) named(parts ...string) string {
	h := sha256.New()
	for _, part := range append([]string{s.w.cfg.Project, s.w.cfg.Dataset, s.look}, parts...) {
		_, _ = fmt.Fprintf(h, "%d:", len(part))
		_, _ = io.WriteString(h, part)
	}
	return jobPrefix + hex.EncodeToString(h.Sum(nil)[:20])
}

// begin begins a session in the service, or takes over that of a run before this
// one. The statement is the first one that needs it; it finds the place where the
// session has to be, and is refused before anything is begun.
func (s *bigQuerySession) begin(ctx context.Context, first queries.Statement) error {
	if err := s.allow(ctx, first); err != nil {
		return err
	}
	if s.look != "" {
		for attempt := range attempts {
			id := s.named("session", strconv.Itoa(attempt))
			err := s.open(ctx, id)
			if err == nil || !duplicate(err) {
				return err
			}
			if taken, err := s.takeOver(ctx, id); taken || err != nil {
				return err
			}
		}
	}
	return s.open(ctx, byChance())
}

// open begins a session by a job of that id.
func (s *bigQuerySession) open(ctx context.Context, id string) error {
	q := s.query(setUp)
	q.ConnectionProperties = nil
	q.CreateSession, q.JobID = true, id
	job, err := s.insert(ctx, q)
	if err != nil {
		return err
	}
	if _, err := s.wait(ctx, job); err != nil {
		return err
	}
	info := job.LastStatus().Statistics.SessionInfo
	if info == nil || info.SessionID == "" {
		return errors.New("the service began no session")
	}
	s.id, s.location = info.SessionID, job.Location()
	return nil
}

// takeOver goes on in the session that an earlier job began, unless that failed, is
// long ago, or its session is over, as it is where a run has ended in peace. It
// asks by a job: what a dry run says of a session that is over is not documented.
func (s *bigQuerySession) takeOver(ctx context.Context, id string) (bool, error) {
	job, err := s.find(ctx, id)
	if job == nil || err != nil {
		return false, err
	}
	if _, err := s.wait(ctx, job); err != nil {
		return false, ctx.Err()
	}
	did := job.LastStatus().Statistics
	if did.SessionInfo == nil || time.Since(did.CreationTime) > attachable {
		return false, nil
	}
	s.id, s.location = did.SessionInfo.SessionID, job.Location()
	if s.working(ctx, did.CreationTime) {
		s.taken = true
		return true, nil
	}
	q := s.query("SELECT 1")
	q.JobID = byChance()
	alive, err := s.insert(ctx, q)
	if err == nil {
		_, err = s.wait(ctx, alive)
	}
	if err == nil {
		s.taken = true
		return true, nil
	}
	s.id = ""
	if bigQueryFault(err) == FaultStatement {
		return false, nil
	}
	return false, err
}

// working tells whether a job runs in the session: then it is there, and takes no
// other job meanwhile. Who may not list jobs is told no.
func (s *bigQuerySession) working(ctx context.Context, since time.Time) bool {
	jobs := s.w.client.Jobs(ctx)
	jobs.State, jobs.MinCreationTime = bigquery.Running, since
	for range listed {
		job, err := jobs.Next()
		if err != nil {
			return false
		}
		config, err := job.Config()
		if q, ok := config.(*bigquery.QueryConfig); err == nil && ok {
			for _, property := range q.ConnectionProperties {
				if property.Key == "session_id" && property.Value == s.id {
					return true
				}
			}
		}
	}
	return false
}

// start begins the job of a statement, or finds it where a run before this one
// began it in this session: ids name the session too.
func (s *bigQuerySession) start(ctx context.Context, st queries.Statement) (job *bigquery.Job, attached bool, err error) {
	if s.look == "" || s.id == "" {
		job, err = s.fresh(ctx, st, byChance())
		return job, false, err
	}
	digest := s.named("statement", s.id, st.Name, st.SQL)
	s.ran[digest]++ // the same statement again is another job
	for attempt := range attempts {
		id := s.named(digest, strconv.Itoa(s.ran[digest]), strconv.Itoa(attempt))
		job, failed, err := s.attach(ctx, id)
		if job != nil || err != nil {
			return job, true, err
		}
		if !failed {
			job, err = s.fresh(ctx, st, id)
			return job, false, err
		}
	}
	job, err = s.fresh(ctx, st, byChance())
	return job, false, err
}

// attach finds a job of a run before this one that is running or has succeeded; nil
// = there is none, or it failed.
func (s *bigQuerySession) attach(ctx context.Context, id string) (job *bigquery.Job, failed bool, err error) {
	if !s.taken {
		return nil, false, nil
	}
	job, err = s.find(ctx, id)
	if job == nil || err != nil {
		return nil, false, err
	}
	if status := job.LastStatus(); status.Done() && status.Err() != nil {
		return nil, true, nil
	}
	return job, false, nil
}

// fresh begins a job that is not there yet. The dry run comes after it is known
// that it is not: a table that is there cannot be made again, in a dry run neither.
func (s *bigQuerySession) fresh(ctx context.Context, st queries.Statement, id string) (*bigquery.Job, error) {
	if err := s.allow(ctx, st); err != nil {
		return nil, err
	}
	q := s.query(st.SQL)
	q.JobID = id
	job, err := s.insert(ctx, q)
	if err != nil && duplicate(err) {
		// The answer to the request was lost, which was repeated.
		return s.w.client.JobFromIDLocation(ctx, id, s.location)
	}
	return job, err
}

// find finds a job of that id; nil = there is none, or it may not be seen.
func (s *bigQuerySession) find(ctx context.Context, id string) (*bigquery.Job, error) {
	job, err := s.w.client.JobFromIDLocation(ctx, id, s.location)
	if err != nil && (missing(err) || bigQueryFault(err) == FaultStatement) {
		return nil, nil
	}
	return job, err
}

// insert begins a job. Where the context is over meanwhile, nobody knows whether it
// was begun.
func (s *bigQuerySession) insert(ctx context.Context, q *bigquery.Query) (*bigquery.Job, error) {
	job, err := q.Run(ctx)
	if err != nil {
		s.cancel(ctx, q.JobID)
		return nil, err
	}
	return job, nil
}
