// Package snowflaketest is a server for tests that speaks as much of Snowflake's
// protocol as its driver uses for package connectors, and runs the statements on
// DuckDB.
//
// In: requests of the real driver, on a loopback address. Out: sessions whose tokens
// expire and are renewed, statements in the foreground and in the background, results
// in Arrow or JSON, of which all but the first rows lie in chunks beside, states,
// aborts, and errors with the service's numbers and words.
package snowflaketest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"
)

// Problem is an error as the service tells it.
type Problem struct {
	Code    string // six digits
	State   string // SQLSTATE
	Message string
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

// Server is a http.Handler. Its fields are set before what they are about is asked.
type Server struct {
	// Refuse may refuse to sign in, and Fail a statement; nil = never.
	Refuse func(Login) *Problem
	Fail   func(sql string) *Problem
	// Break may break a request off without an answer.
	Break func(*http.Request) bool
	// Translate gives DuckDB's SQL; nil = Plain.
	Translate func(sql string) (string, error)
	// Scanned is what every statement is said to have scanned, in bytes.
	Scanned int64
	// Eager has statements that are to run in the background answered with their
	// result.
	Eager bool
	// JSON has results of queries come in JSON and not, as the service gives them to
	// drivers that read it, in Arrow.
	JSON bool
	// ChunkRows is how many rows come with the answer, and in each chunk beside it; 0 =
	// 5,000.
	ChunkRows int

	mu       sync.Mutex
	db       *sql.DB
	sessions map[string]*session // by token
	replaced map[string]bool     // tokens that were renewed
	queries  map[string]*query
	logins   []Login
	texts    []string
	paths    []string
	stopped  []string
	number   int
	signed   int // generation of the addresses of chunks that are valid
}

// session is a connection with its temporary tables.
type session struct {
	conn    *sql.Conn
	busy    sync.Mutex
	expired bool
}

// New starts a server over a DuckDB file, which may be written to; over nothing
// where the path is "".
func New(path string) (*Server, error) {
	connector, err := duckdb.NewConnector(path, nil)
	if err != nil {
		return nil, err
	}
	return &Server{db: sql.OpenDB(connector), sessions: map[string]*session{}, replaced: map[string]bool{}, queries: map[string]*query{}}, nil
}

// Exec runs a statement of DuckDB beside the protocol.
func (s *Server) Exec(statement string) error {
	_, err := s.db.ExecContext(context.Background(), statement)
	return err
}

// Close stops what runs and closes the database.
func (s *Server) Close() error {
	s.mu.Lock()
	for _, q := range s.queries {
		q.cancel()
	}
	open := s.sessions
	s.sessions = map[string]*session{}
	s.mu.Unlock()
	var err error
	for _, o := range open {
		err = errors.Join(err, o.end())
	}
	return errors.Join(err, s.db.Close())
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

// Sessions is how many sessions are open.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Expire makes the tokens of all sessions expire, as they do after an hour. Whoever
// has a master token renews them.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, open := range s.sessions {
		open.expired = true
	}
}

// ExpireChunks makes the addresses of chunks that were told so far invalid, as they
// are after six hours. Whoever asks for the result again is told others.
func (s *Server) ExpireChunks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed++
}

var (
	resultPath = regexp.MustCompile(`^/queries/([^/]+)/result$`)
	statePath  = regexp.MustCompile(`^/monitoring/queries/([^/]+)$`)
	chunkPath  = regexp.MustCompile(`^/chunks/(\d+)/([^/]+)/(\d+)$`)
)

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.paths = append(s.paths, r.URL.Path)
	s.mu.Unlock()
	if s.Break != nil && s.Break(r) {
		panic(http.ErrAbortHandler)
	}
	switch r.URL.Path {
	case "/session/v1/login-request":
		s.login(w, r)
	case "/session/token-request":
		s.renew(w, r)
	case "/queries/v1/abort-request":
		s.abort(w, r)
	default:
		if at := chunkPath.FindStringSubmatch(r.URL.Path); at != nil {
			s.chunk(w, r, at)
			return
		}
		s.inSession(w, r)
	}
}

// inSession answers what only a session may ask.
func (s *Server) inSession(w http.ResponseWriter, r *http.Request) {
	open, p := s.session(r)
	result, state := resultPath.FindStringSubmatch(r.URL.Path), statePath.FindStringSubmatch(r.URL.Path)
	switch {
	case p != nil:
		write(w, map[string]any{}, p)
	case r.URL.Path == "/session" && r.URL.Query().Get("delete") == "true":
		s.leave(w, r, open)
	case r.URL.Path == "/queries/v1/query-request":
		s.begin(w, r, open)
	case result != nil:
		s.result(w, r, s.find(result[1]), true)
	case state != nil:
		s.state(w, state[1])
	default:
		http.NotFound(w, r)
	}
}

// read decodes the body of a request, or refuses it.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// write answers; an answer without a problem may say by "code" that it is no result
// yet.
func write(w http.ResponseWriter, data map[string]any, p *Problem) {
	answer := map[string]any{"data": data, "success": p == nil, "code": data["code"]}
	if p != nil {
		answer["code"], answer["message"] = p.Code, p.Message
		data["sqlState"], data["errorCode"] = p.State, p.Code
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Data struct {
			Login
			Session map[string]any `json:"SESSION_PARAMETERS"`
		} `json:"data"`
	}
	if !read(w, r, &asked) {
		return
	}
	l, get := asked.Data.Login, r.URL.Query().Get
	l.Parameters = asked.Data.Session
	l.Role, l.Warehouse, l.Database, l.Schema = get("roleName"), get("warehouse"), get("databaseName"), get("schemaName")
	s.mu.Lock()
	s.logins = append(s.logins, l)
	s.mu.Unlock()
	if s.Refuse != nil {
		if p := s.Refuse(l); p != nil {
			write(w, map[string]any{}, p)
			return
		}
	}
	conn, err := s.connect()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	token, number := s.enter(&session{conn: conn})
	write(w, map[string]any{
		"token": token, "masterToken": masterOf(token), "validityInSeconds": validity, "masterValidityInSeconds": 4 * validity,
		"sessionId": number, "parameters": []any{},
	}, nil)
}

// validity of a token, in seconds.
const validity = 3600

// connect gives a session its connection. Its zone is none that anybody wants.
func (s *Server) connect() (*sql.Conn, error) {
	ctx := context.Background()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	for _, set := range append([]string{"SET TimeZone = 'America/New_York'"}, standIns...) {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// enter gives a session a token.
func (s *Server) enter(open *session) (token string, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	token = fmt.Sprintf("session-%d", s.number)
	s.sessions[token] = open
	return token, s.number
}

func masterOf(token string) string { return "master-of-" + token }

// renew gives a session another token, which its master token asks for.
func (s *Server) renew(w http.ResponseWriter, r *http.Request) {
	old := strings.TrimPrefix(tokenOf(r), masterOf(""))
	s.mu.Lock()
	open := s.sessions[old]
	delete(s.sessions, old)
	s.replaced[old] = true
	s.mu.Unlock()
	if open == nil {
		write(w, map[string]any{}, &Problem{"390114", "08001", "Authentication token has expired.  The user must authenticate again."})
		return
	}
	token, number := s.enter(open)
	s.mu.Lock()
	open.expired = false
	s.mu.Unlock()
	write(w, map[string]any{
		"sessionToken": token, "masterToken": masterOf(token), "validityInSecondsST": validity, "validityInSecondsMT": 4 * validity, "sessionId": number,
	}, nil)
}

func tokenOf(r *http.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Authorization"), `Snowflake Token="`), `"`)
}

func (s *Server) session(r *http.Request) (*session, *Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.sessions[tokenOf(r)]
	switch {
	case open == nil && !s.replaced[tokenOf(r)]:
		return nil, &Problem{"390111", "08001", "Session no longer exists.  New login required to access the service."}
	case open == nil, open.expired:
		return nil, &Problem{"390112", "08001", "Your session has expired. Please login again."}
	default:
		return open, nil
	}
}

// leave ends a session and what runs in it.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, open *session) {
	s.mu.Lock()
	delete(s.sessions, tokenOf(r))
	for _, q := range s.queries {
		if q.of == open {
			q.cancel()
		}
	}
	s.mu.Unlock()
	if err := open.end(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, map[string]any{}, nil)
}

// end closes the connection for good: with it go its temporary tables.
func (o *session) end() error {
	o.busy.Lock()
	defer o.busy.Unlock()
	err := o.conn.Raw(func(any) error { return driver.ErrBadConn })
	if errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return errors.Join(err, o.conn.Close())
}
