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
	"time"
)

const (
	running = "RUNNING"
	done    = "DONE"
)

// Job is a job that was begun.
type Job struct {
	ID, SQL, Session, State string
	Labels                  map[string]string
	Problem                 *Problem // why it failed; nil = it has not
	Limit                   int64    // maximumBytesBilled
	Timeout                 int64    // jobTimeoutMs

	created time.Time
	config  configuration
	opens   bool // began its session
	bytes   int64
	columns []column
	rows    []any
	stop    context.CancelFunc
	over    chan struct{}
}

type column struct{ name, kind string }

// configuration is what a request says of a job, as it says it.
type configuration struct {
	DryRun       bool              `json:"dryRun"`
	Labels       map[string]string `json:"labels,omitempty"`
	JobTimeoutMs int64             `json:"jobTimeoutMs,string,omitempty"`
	Query        struct {
		Query                string     `json:"query"`
		CreateSession        bool       `json:"createSession,omitempty"`
		MaximumBytesBilled   int64      `json:"maximumBytesBilled,string,omitempty"`
		UseLegacySQL         *bool      `json:"useLegacySql"`
		ConnectionProperties []property `json:"connectionProperties,omitempty"`
		DefaultDataset       *struct {
			ProjectID string `json:"projectId"`
			DatasetID string `json:"datasetId"`
		} `json:"defaultDataset,omitempty"`
	} `json:"query"`
}

type property struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (c *configuration) property(key string) string {
	for _, p := range c.Query.ConnectionProperties {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

func (c *configuration) dataset() string {
	if c.Query.DefaultDataset == nil {
		return "main"
	}
	return c.Query.DefaultDataset.DatasetID
}

func invalid(format string, values ...any) *Problem {
	return &Problem{http.StatusBadRequest, "invalid", fmt.Sprintf(format, values...)}
}

// insert begins a job, or says what it would do.
func (s *Server) insert(r *http.Request) (any, *Problem) {
	var body struct {
		JobReference struct {
			JobID    string `json:"jobId"`
			Location string `json:"location"`
		} `json:"jobReference"`
		Configuration configuration `json:"configuration"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, invalid("%v", err)
	}
	c := body.Configuration
	if c.Query.UseLegacySQL == nil || *c.Query.UseLegacySQL {
		return nil, invalid("legacy SQL")
	}
	if at := body.JobReference.Location; at != "" && at != s.location() {
		return nil, &Problem{http.StatusNotFound, "notFound", "Not found: Dataset " + s.project + ":" + c.dataset() + " was not found in location " + at}
	}
	j := &Job{
		ID: body.JobReference.JobID, SQL: c.Query.Query, Labels: c.Labels, State: running, Limit: c.Query.MaximumBytesBilled, Timeout: c.JobTimeoutMs,
		created: time.Now(), //nolint:forbidigo // a service has a clock
		config:  c, stop: func() {}, over: make(chan struct{}),
	}
	j.Session = c.property("session_id")
	if s.Bytes != nil {
		j.bytes = s.Bytes(j.SQL)
	}
	if c.DryRun {
		s.note("dry run")
		return s.dry(j)
	}
	if p := s.enter(j); p != nil {
		return nil, p
	}
	ctx, cancel := context.WithCancel(context.Background())
	if c.JobTimeoutMs > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.JobTimeoutMs)*time.Millisecond)
	}
	s.mu.Lock()
	j.stop = cancel
	s.mu.Unlock()
	go s.run(ctx, j)
	return s.resource(j), nil
}

// enter takes the id of a job, which is taken for ever.
func (s *Server) enter(j *Job) *Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[j.ID] != nil {
		return &Problem{http.StatusConflict, "duplicate", "Already Exists: Job " + s.project + ":" + s.location() + "." + j.ID}
	}
	s.jobs[j.ID] = j
	s.order = append(s.order, j)
	return nil
}

// run runs a job to its end.
func (s *Server) run(ctx context.Context, j *Job) {
	columns, rows, p := s.execute(ctx, j)
	if ctx.Err() != nil && p != nil {
		p = &Problem{http.StatusBadRequest, "stopped", "Job execution was cancelled: User requested cancellation"}
	}
	s.mu.Lock()
	j.columns, j.rows, j.Problem, j.State = columns, rows, p, done
	s.mu.Unlock()
	j.stop()
	close(j.over)
}

func (s *Server) execute(ctx context.Context, j *Job) ([]column, []any, *Problem) {
	if limit := j.Limit; limit > 0 && j.bytes > limit {
		return nil, nil, &Problem{
			http.StatusBadRequest, "bytesBilledLimitExceeded",
			fmt.Sprintf("Query exceeded limit for bytes billed: %d. %d or higher required.", limit, j.bytes),
		}
	}
	if j.config.Query.CreateSession {
		if p := s.begin(ctx, j); p != nil {
			return nil, nil, p
		}
	}
	if strings.HasPrefix(j.SQL, "CALL BQ.ABORT_SESSION(") {
		return nil, nil, s.end(j.config.property("session_id"))
	}
	conn, leave, p := s.enterSession(ctx, j)
	if p != nil {
		return nil, nil, p
	}
	defer leave()
	if s.Before != nil {
		s.Before(ctx, j.SQL)
	}
	text, p := s.translated(j.SQL)
	if p != nil {
		return nil, nil, p
	}
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return nil, nil, problem(err)
	}
	defer func() { _ = rows.Close() }()
	columns, cells, err := fetch(rows)
	if err != nil {
		return nil, nil, problem(err)
	}
	return columns, cells, nil
}

// begin opens a session for a job.
func (s *Server) begin(ctx context.Context, j *Job) *Problem {
	conn, err := s.connect(context.WithoutCancel(ctx), j.config.dataset())
	if err != nil {
		return problem(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	open := &session{id: "session-" + strconv.Itoa(len(s.order)), conn: conn}
	s.sessions[open.id], j.Session, j.opens = open, open.id, true
	return nil
}

func (s *Server) end(id string) *Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.sessions[id]
	if open == nil {
		return invalid("Session %s is not found or has ended", id)
	}
	delete(s.sessions, id)
	if err := open.conn.Close(); err != nil {
		return problem(err)
	}
	return nil
}

// enterSession gives the connection of a job and what is to be done after it.
func (s *Server) enterSession(ctx context.Context, j *Job) (*sql.Conn, func(), *Problem) {
	id := j.config.property("session_id")
	if id == "" && j.opens {
		id = j.Session
	}
	if id == "" && statementType(j.SQL) == "SCRIPT" {
		return nil, nil, invalid("Transaction control statements are supported only in scripts or sessions")
	}
	if id == "" {
		return s.alone(ctx, j)
	}
	s.mu.Lock()
	open := s.sessions[id]
	s.mu.Unlock()
	if open == nil {
		return nil, nil, invalid("Session %s is not found or has ended", id)
	}
	if !open.busy.TryLock() {
		return nil, nil, invalid("Session %s runs another query: no concurrent queries are allowed", id)
	}
	return open.conn, open.busy.Unlock, nil
}

// alone gives a connection to a job that is of no session.
func (s *Server) alone(ctx context.Context, j *Job) (*sql.Conn, func(), *Problem) {
	conn, err := s.connect(ctx, j.config.dataset())
	if err != nil {
		return nil, nil, problem(err)
	}
	if zone := j.config.property("time_zone"); zone != "" {
		if _, err := conn.ExecContext(ctx, "SET TimeZone = '"+zone+"'"); err != nil {
			return nil, nil, problem(errors.Join(err, conn.Close()))
		}
	}
	return conn, func() { _ = conn.Close() }, nil
}

// dry binds a statement and says what it would do.
func (s *Server) dry(j *Job) (any, *Problem) {
	conn, leave, p := s.enterSession(context.Background(), j)
	if p != nil {
		return nil, p
	}
	defer leave()
	text, p := s.translated(j.SQL)
	if p != nil {
		return nil, p
	}
	var err error
	if query, is := queryOf(text); is {
		j.columns, err = describe(conn, query)
	} else {
		_, err = conn.ExecContext(context.Background(), "EXPLAIN "+text)
	}
	if err != nil {
		return nil, problem(err)
	}
	j.State, j.ID = done, ""
	resource := s.resource(j)
	resource["statistics"].(map[string]any)["query"].(map[string]any)["schema"] = j.schema()
	return resource, nil
}

// resource is a job as the API shows it.
func (s *Server) resource(j *Job) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := map[string]any{"state": j.State}
	if j.Problem != nil {
		status["errorResult"] = j.Problem
		status["errors"] = []*Problem{j.Problem}
	}
	billed := int64(0)
	if j.State == done && !j.config.DryRun && j.Problem == nil {
		billed = j.bytes
	}
	query := map[string]any{
		"statementType": statementType(j.SQL), "totalBytesProcessed": fmt.Sprint(j.bytes), "totalBytesBilled": fmt.Sprint(billed), "totalBytesProcessedAccuracy": "PRECISE",
	}
	statistics := map[string]any{"creationTime": millis(j.created), "startTime": millis(j.created), "totalBytesProcessed": fmt.Sprint(j.bytes), "query": query}
	if j.Session != "" {
		statistics["sessionInfo"] = map[string]any{"sessionId": j.Session}
	}
	return map[string]any{"jobReference": s.reference(j), "configuration": j.config, "status": status, "statistics": statistics}
}

func (j *Job) schema() any {
	fields := []any{}
	for _, c := range j.columns {
		fields = append(fields, map[string]any{"name": c.name, "type": c.kind, "mode": "NULLABLE"})
	}
	return map[string]any{"fields": fields}
}
