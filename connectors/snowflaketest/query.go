package snowflaketest

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// query is a statement that runs or ran.
type query struct {
	id, request string
	of          *session
	cancel      context.CancelFunc
	done        chan struct{}
	answer      *table
	problem     *Problem
}

// over tells whether a statement has ended.
func (q *query) over() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// Running is how many statements run.
func (s *Server) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.queries {
		if !q.over() {
			n++
		}
	}
	return n
}

func (s *Server) find(id string) *query {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queries[id]
}

// statement is what a request asks to be run.
type statement struct {
	SQL      string `json:"sqlText"`
	Async    bool   `json:"asyncExec"`
	Describe bool   `json:"describeOnly"`
}

// begin starts a statement.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, open *session) {
	var asked statement
	if !read(w, r, &asked) {
		return
	}
	q := s.start(asked, r.URL.Query().Get("requestId"), open)
	if asked.Async && !s.Eager {
		write(w, q.pending("333334"), nil)
		return
	}
	s.result(w, r, q, false)
}

// start runs the statement of a request. A request that is repeated, since its answer
// was lost, is not run twice.
func (s *Server) start(asked statement, request string, open *session) *query {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.queries {
		if other.request == request {
			return other
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.number++
	q := &query{id: fmt.Sprintf("01b2-%d", s.number), request: request, of: open, cancel: cancel, done: make(chan struct{})}
	s.queries[q.id] = q
	s.texts = append(s.texts, asked.SQL)
	go func() {
		defer close(q.done)
		q.answer, q.problem = s.run(ctx, open, asked)
	}()
	return q
}

// pending tells where the result of a statement will be.
func (q *query) pending(code string) map[string]any {
	return map[string]any{"code": code, "queryId": q.id, "getResultUrl": "/queries/" + q.id + "/result"}
}

// patience is how long a request waits for a result before it is told where that
// will be; the service waits for 45 s.
const patience = 2 * time.Second

func (s *Server) result(w http.ResponseWriter, r *http.Request, q *query, background bool) {
	if q == nil {
		write(w, map[string]any{}, &Problem{"000709", "02000", "Statement not found."})
		return
	}
	select {
	case <-q.done:
		if q.problem != nil {
			write(w, map[string]any{"queryId": q.id}, q.problem)
			return
		}
		data, err := s.shown(r, q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		write(w, data, nil)
	case <-time.After(patience):
		code := "333333"
		if background {
			code = "333334"
		}
		write(w, q.pending(code), nil)
	}
}

// abort stops the statement of a request.
func (s *Server) abort(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Request string `json:"requestId"`
	}
	if !read(w, r, &asked) {
		return
	}
	s.mu.Lock()
	for _, q := range s.queries {
		if q.request == asked.Request {
			q.cancel()
			s.stopped = append(s.stopped, q.id)
		}
	}
	s.mu.Unlock()
	write(w, map[string]any{}, nil)
}

// stop ends a statement and waits until it has ended.
func (s *Server) stop(id string) {
	q := s.find(id)
	if q == nil {
		return
	}
	q.cancel()
	s.mu.Lock()
	s.stopped = append(s.stopped, q.id)
	s.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(5 * time.Second):
	}
}

// state tells how a statement fares.
func (s *Server) state(w http.ResponseWriter, id string) {
	q := s.find(id)
	if q == nil {
		write(w, map[string]any{"queries": []any{}}, nil)
		return
	}
	told := map[string]any{"status": "RUNNING", "stats": map[string]any{"scanBytes": s.Scanned}}
	if q.over() {
		told["status"] = "SUCCESS"
		if q.problem != nil {
			told["status"], told["errorCode"], told["errorMessage"] = "FAILED_WITH_ERROR", q.problem.Code, q.problem.Message
		}
	}
	write(w, map[string]any{"queries": []any{told}}, nil)
}
