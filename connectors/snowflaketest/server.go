// Package snowflaketest is the part of Snowflake's service that its driver asks
// for, on this machine: it signs in, runs statements on DuckDB in the
// foreground and in the background, stops them, and tells their state. For tests.
package snowflaketest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"
)

// Problem is an error as the service tells it.
type Problem struct {
	Code, State, Message string
}

// Login is how a session signed in.
type Login struct {
	Account       string `json:"ACCOUNT_NAME"`
	User          string `json:"LOGIN_NAME"`
	Password      string `json:"PASSWORD"`
	Authenticator string `json:"AUTHENTICATOR"`
	Token         string `json:"TOKEN"`
	Parameters    map[string]any
	Environment   map[string]any `json:"CLIENT_ENVIRONMENT"`
	// Role, Warehouse, Database and Schema as asked for.
	Role, Warehouse, Database, Schema string `json:"-"`
}

// Server answers on loopback.
type Server struct {
	*httptest.Server
	// Refuse may refuse to sign in, and Fail a statement; nil = never.
	Refuse func(Login) *Problem
	Fail   func(sql string) *Problem
	// Break may break a request off without an answer.
	Break func(*http.Request) bool
	// Translate gives DuckDB's SQL; nil = that of simple statements.
	Translate func(sql string) (string, error)
	// Scanned is what every statement is said to have scanned.
	Scanned int64

	mu       sync.Mutex
	db       *sql.DB
	sessions map[string]*sql.Conn
	queries  map[string]*query
	logins   []Login
	texts    []string
	paths    []string
	stopped  []string
	number   int
}

// query is a statement that runs or ran.
type query struct {
	id, request string
	cancel      context.CancelFunc
	done        chan struct{}
	answer      any
	problem     *Problem
}

// New starts a server over an empty database in memory; a path names a file.
func New(path string) (*Server, error) {
	connector, err := duckdb.NewConnector(path, nil)
	if err != nil {
		return nil, err
	}
	s := &Server{db: sql.OpenDB(connector), sessions: map[string]*sql.Conn{}, queries: map[string]*query{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s, nil
}

// Close stops the server and closes the database.
func (s *Server) Close() error {
	s.mu.Lock()
	for _, q := range s.queries {
		q.cancel()
	}
	s.mu.Unlock()
	s.Server.Close()
	return s.db.Close()
}

// Logins are those who asked to sign in so far.
func (s *Server) Logins() []Login { return snapshot(s, &s.logins) }

// Texts are the statements that were asked for so far.
func (s *Server) Texts() []string { return snapshot(s, &s.texts) }

// Paths are those of all requests so far.
func (s *Server) Paths() []string { return snapshot(s, &s.paths) }

// Stopped are the ids of the queries that were to be stopped so far.
func (s *Server) Stopped() []string { return snapshot(s, &s.stopped) }

func snapshot[T any](s *Server, of *[]T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]T(nil), *of...)
}

// Running is how many statements run.
func (s *Server) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.queries {
		select {
		case <-q.done:
		default:
			n++
		}
	}
	return n
}

// Sessions is how many sessions are open.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

var queryPath = regexp.MustCompile(`^(?:/queries|/monitoring/queries)/([^/]+)(/result)?$`)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.paths = append(s.paths, r.URL.Path)
	s.mu.Unlock()
	if s.Break != nil && s.Break(r) {
		panic(http.ErrAbortHandler)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch found := queryPath.FindStringSubmatch(r.URL.Path); {
	case r.URL.Path == "/session/v1/login-request":
		s.login(w, r, body)
	case r.URL.Path == "/session":
		s.leave(w, r)
	case r.URL.Path == "/queries/v1/query-request":
		s.begin(w, r, body)
	case r.URL.Path == "/queries/v1/abort-request":
		s.abort(w, body)
	case found != nil && strings.HasPrefix(r.URL.Path, "/monitoring"):
		s.state(w, found[1])
	case found != nil && found[2] != "":
		s.result(w, s.find(found[1]), true)
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, data any, p *Problem) {
	answer := map[string]any{"data": data, "success": p == nil}
	if p != nil {
		answer["code"], answer["message"] = p.Code, p.Message
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) login(w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct {
		Data struct {
			Login
			Session map[string]any `json:"SESSION_PARAMETERS"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l, q := asked.Data.Login, r.URL.Query()
	l.Parameters = asked.Data.Session
	l.Role, l.Warehouse, l.Database, l.Schema = q.Get("roleName"), q.Get("warehouse"), q.Get("databaseName"), q.Get("schemaName")
	conn, err := s.db.Conn(context.Background())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	s.logins = append(s.logins, l)
	s.number++
	token := fmt.Sprintf("session-%d", s.number)
	s.mu.Unlock()
	if s.Refuse != nil {
		if p := s.Refuse(l); p != nil {
			_ = conn.Close()
			write(w, nil, p)
			return
		}
	}
	if _, err := conn.ExecContext(context.Background(), "SET TimeZone = 'America/New_York'"); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	s.sessions[token] = conn
	s.mu.Unlock()
	write(w, map[string]any{"token": token, "masterToken": "master", "sessionId": s.number, "parameters": []any{}}, nil)
}

func tokenOf(r *http.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), `Snowflake Token="`), `"`)
}

func (s *Server) leave(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	conn := s.sessions[tokenOf(r)]
	delete(s.sessions, tokenOf(r))
	s.mu.Unlock()
	if conn != nil {
		// The connection goes, and not back to the pool: with it its temporary tables.
		_ = discard(conn)
	}
	write(w, nil, nil)
}

// begin starts a statement.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, body []byte) {
	var asked struct {
		SQL      string `json:"sqlText"`
		Async    bool   `json:"asyncExec"`
		Describe bool   `json:"describeOnly"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	conn := s.sessions[tokenOf(r)]
	var q *query
	for _, other := range s.queries {
		if other.request == r.URL.Query().Get("requestId") {
			q = other // asked again after the answer was lost
		}
	}
	if q == nil && conn != nil {
		ctx, cancel := context.WithCancel(context.Background())
		s.number++
		q = &query{id: fmt.Sprintf("01b2-%d", s.number), request: r.URL.Query().Get("requestId"), cancel: cancel, done: make(chan struct{})}
		s.queries[q.id] = q
		s.texts = append(s.texts, asked.SQL)
		go func() {
			defer close(q.done)
			q.answer, q.problem = s.run(ctx, conn, q.id, asked.SQL, asked.Describe)
		}()
	}
	s.mu.Unlock()
	if q == nil {
		write(w, nil, &Problem{"390111", "", "Session no longer exists. New login required to access the service."})
		return
	}
	if asked.Async {
		s.busy(w, q, "333334")
		return
	}
	s.result(w, q, false)
}

func (s *Server) busy(w http.ResponseWriter, q *query, code string) {
	_ = json.NewEncoder(w).Encode(map[string]any{
		"data": map[string]any{"queryId": q.id, "getResultUrl": "/queries/" + q.id + "/result"},
		"code": code, "success": true, "message": "Query execution in progress.",
	})
}

func (s *Server) find(id string) *query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queries[id]
}

// result waits a moment for a statement.
func (s *Server) result(w http.ResponseWriter, q *query, background bool) {
	if q == nil {
		write(w, nil, &Problem{"000709", "02000", "Statement not found."})
		return
	}
	select {
	case <-q.done:
	case <-time.After(100 * time.Millisecond):
		code := "333333"
		if background {
			code = "333334"
		}
		s.busy(w, q, code)
		return
	}
	if q.problem != nil {
		write(w, map[string]any{"queryId": q.id, "sqlState": q.problem.State, "errorCode": q.problem.Code}, q.problem)
		return
	}
	write(w, q.answer, nil)
}

func (s *Server) abort(w http.ResponseWriter, body []byte) {
	var asked struct {
		Request string `json:"requestId"`
	}
	_ = json.Unmarshal(body, &asked)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queries {
		if q.request == asked.Request {
			q.cancel()
			s.stopped = append(s.stopped, q.id)
		}
	}
	write(w, nil, nil)
}

func (s *Server) state(w http.ResponseWriter, id string) {
	q := s.find(id)
	if q == nil {
		write(w, map[string]any{"queries": []any{}}, nil)
		return
	}
	told := map[string]any{"status": "RUNNING", "stats": map[string]any{"scanBytes": s.Scanned}}
	select {
	case <-q.done:
		told["status"] = "SUCCESS"
		if q.problem != nil {
			told["status"], told["errorCode"], told["errorMessage"] = "FAILED_WITH_ERROR", q.problem.Code, q.problem.Message
		}
	default:
	}
	write(w, map[string]any{"queries": []any{told}}, nil)
}
