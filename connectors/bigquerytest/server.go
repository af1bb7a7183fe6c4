// Package bigquerytest is a server for tests that speaks as much of BigQuery's REST
// API as package connectors uses, and runs the statements on DuckDB.
//
// In: requests of the real client, on a loopback address. Out: jobs with ids,
// labels, sessions, dry runs, limits, pages and errors in the service's shapes. It
// is strict where the service is known to be: an id is taken once, a session takes
// one job at a time, and a zone is UTC only where somebody says so.
package bigquerytest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// Server is a http.Handler. Its fields are set before it serves.
type Server struct {
	// Translate turns GoogleSQL into DuckDB's SQL; nil = Plain.
	Translate func(sql string) (string, error)
	// Bytes is what a statement scans; nil = nothing.
	Bytes func(sql string) int64
	// Refuse may answer a request by an error; nil = it never does.
	Refuse func(r *http.Request) *Problem
	// Before is called before a statement runs and may wait; nil = nothing.
	Before func(ctx context.Context, sql string)
	// Location of all data; "" = EU.
	Location string
	// PageRows is how many rows a page has at most; 0 = 10,000.
	PageRows int

	db       *sql.DB
	project  string
	mu       sync.Mutex
	jobs     map[string]*Job
	order    []*Job
	sessions map[string]*session
	requests []string
}

// Problem is an error as the service tells it.
type Problem struct {
	Status  int    `json:"-"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func (p *Problem) Error() string { return p.Message }

// session is a connection with its temporary tables.
type session struct {
	id   string
	conn *sql.Conn
	busy sync.Mutex
}

// New opens a server over a DuckDB file, whose schemas are the datasets of the
// project, or over nothing where the path is "". The file may be written to.
func New(path, project string) (*Server, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	s := &Server{db: sql.OpenDB(connector), project: project, jobs: map[string]*Job{}, sessions: map[string]*session{}}
	s.db.SetMaxIdleConns(0)
	place := ":memory:"
	if path != "" {
		place = path
	}
	attach := "ATTACH '" + strings.ReplaceAll(place, "'", "''") + `' AS "` + project + `"`
	if _, err := s.db.ExecContext(context.Background(), attach); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// Exec runs a statement of DuckDB beside the API, in the project's database.
func (s *Server) Exec(statement string) error {
	conn, err := s.connect(context.Background(), "main")
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(context.Background(), statement)
	return errors.Join(err, conn.Close())
}

// Close stops what runs and closes the database.
func (s *Server) Close() error {
	s.mu.Lock()
	for _, j := range s.order {
		j.stop()
	}
	var err error
	for _, open := range s.sessions {
		err = errors.Join(err, open.conn.Close())
	}
	s.mu.Unlock()
	return errors.Join(err, s.db.Close())
}

// Jobs are copies of those that were begun, in order.
func (s *Server) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Job
	for _, j := range s.order {
		out = append(out, Job{ID: j.ID, SQL: j.SQL, Labels: j.Labels, Session: j.Session, State: j.State, Problem: j.Problem, Limit: j.Limit, Timeout: j.Timeout})
	}
	return out
}

// Running is how many jobs run now.
func (s *Server) Running() int {
	n := 0
	for _, j := range s.Jobs() {
		if j.State == running {
			n++
		}
	}
	return n
}

// Requests are the requests so far: method and path, and "dry run" where one is.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Sessions is how many sessions there are.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// EndSessions ends all sessions, as the service does after a day.
func (s *Server) EndSessions() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for id, open := range s.sessions {
		err = errors.Join(err, open.conn.Close())
		delete(s.sessions, id)
	}
	return err
}

// connect gives a connection whose tables are of a dataset. Its zone is none that
// anybody wants.
func (s *Server) connect(ctx context.Context, dataset string) (*sql.Conn, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for _, set := range []string{"SET TimeZone = 'America/New_York'", `USE "` + s.project + `"."` + dataset + `"`} {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.note(r.Method + " " + r.URL.Path)
	if s.Refuse != nil {
		if p := s.Refuse(r); p != nil {
			write(w, nil, p)
			return
		}
	}
	path, found := strings.CutPrefix(r.URL.Path, "/bigquery/v2/projects/"+s.project+"/")
	part := strings.Split(path, "/")
	if !found {
		part = nil
	}
	var out any
	var p *Problem
	switch what := r.Method + " " + strings.Join(part[:min(1, len(part))], ""); {
	case what == "POST jobs" && len(part) == 1:
		out, p = s.insert(r)
	case what == "GET jobs" && len(part) == 1:
		out = s.list(r)
	case what == "GET jobs" && len(part) == 2:
		out, p = s.job(part[1])
	case what == "POST jobs" && len(part) == 3 && part[2] == "cancel":
		out, p = s.cancel(part[1])
	case what == "GET queries" && len(part) == 2:
		out, p = s.results(r, part[1])
	default:
		p = &Problem{http.StatusNotFound, "notFound", "Not found: " + r.URL.Path}
	}
	write(w, out, p)
}

func (s *Server) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, what)
}

func write(w http.ResponseWriter, out any, p *Problem) {
	w.Header().Set("Content-Type", "application/json")
	if p != nil {
		w.WriteHeader(p.Status)
		out = map[string]any{"error": map[string]any{"code": p.Status, "message": p.Message, "errors": []*Problem{p}}}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Server) find(id string) (*Job, *Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil {
		return j, nil
	}
	return nil, &Problem{http.StatusNotFound, "notFound", "Not found: Job " + s.project + ":" + id}
}

func (s *Server) job(id string) (any, *Problem) {
	j, p := s.find(id)
	if p != nil {
		return nil, p
	}
	return s.resource(j), nil
}

func (s *Server) cancel(id string) (any, *Problem) {
	j, p := s.find(id)
	if p != nil {
		return nil, p
	}
	j.stop()
	return map[string]any{"kind": "bigquery#jobCancelResponse"}, nil
}

// list lists the jobs that run.
func (s *Server) list(r *http.Request) any {
	s.mu.Lock()
	all := append([]*Job(nil), s.order...)
	s.mu.Unlock()
	var out []any
	for _, j := range all {
		resource := s.resource(j)
		if r.URL.Query().Get("stateFilter") == "running" && resource["status"].(map[string]any)["state"] == running {
			out = append(out, resource)
		}
	}
	return map[string]any{"jobs": out}
}

// results waits a while for a job and gives a page of its rows.
func (s *Server) results(r *http.Request, id string) (any, *Problem) {
	j, p := s.find(id)
	if p != nil {
		return nil, p
	}
	select {
	case <-j.over:
	case <-time.After(time.Second):
		return map[string]any{"jobComplete": false, "jobReference": s.reference(j)}, nil
	}
	if j.Problem != nil {
		return nil, j.Problem
	}
	get := r.URL.Query().Get
	from, _ := strconv.Atoi(get("startIndex"))
	if token := get("pageToken"); token != "" {
		from, _ = strconv.Atoi(token)
	}
	size := s.PageRows
	if size == 0 {
		size = 10_000
	}
	if most := get("maxResults"); most != "" {
		n, _ := strconv.Atoi(most)
		size = min(size, n)
	}
	to := min(len(j.rows), from+size)
	out := map[string]any{
		"jobComplete": true, "jobReference": s.reference(j), "schema": j.schema(), "totalRows": strconv.Itoa(len(j.rows)), "rows": j.rows[from:to],
	}
	if to < len(j.rows) && size > 0 {
		out["pageToken"] = strconv.Itoa(to)
	}
	return out, nil
}

func (s *Server) reference(j *Job) any {
	return map[string]any{"projectId": s.project, "jobId": j.ID, "location": s.location()}
}

func (s *Server) location() string {
	if s.Location == "" {
		return "EU"
	}
	return s.Location
}

func millis(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }
