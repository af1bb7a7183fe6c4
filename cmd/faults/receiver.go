package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/decide"
)

const (
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwq1k2"
	hookToken  = "T0KEN-1n-the-path"
	// skewAllowed is what Standard Webhooks receivers tolerate.
	skewAllowed = 5 * time.Minute
)

// receiver takes changes over HTTP, well or badly.
type receiver struct {
	server    *httptest.Server
	remembers bool
	// comparing: a change that expects another state than the present one is
	// answered with 409.
	comparing bool

	mu      sync.Mutex
	now     time.Time
	manner  string // a kind of fault of this receiver; "" = as it should
	kill    string // a kind of fault that kills who asks
	victim  func() // kills the process that is asking
	edit    func() // what a person does right after a state was told
	flags   map[string]held
	applied map[string]int // by id
	hits    int            // how often the manner, the kill or the edit took effect
	faults  []string       // what went against the rules
}

// held is the state of a flag and whose it is.
type held struct {
	state    decide.Allocation
	byPerson bool
}

func newReceiver(kind string) *receiver {
	r := &receiver{remembers: kind != storeForgetful, comparing: kind == storeSilent, flags: map[string]held{}, applied: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+hookToken, r.take)
	mux.HandleFunc("GET /"+hookToken+"/state/{flag}", r.show)
	r.server = httptest.NewServer(mux)
	return r
}

func (r *receiver) url() string { return r.server.URL + "/" + hookToken }

func (r *receiver) close() {
	r.server.CloseClientConnections()
	r.server.Close()
}

// change is the part of a delivery's body that a receiver needs.
type change struct {
	Data struct {
		ID, FlagKey, Experiment, Verdict string
		Proposal                         bool
		Expected, Target                 decide.Allocation
		Left                             []decide.Allocation
	}
}

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 20_000))
	if err != nil {
		panic(http.ErrAbortHandler) // Who asked is gone.
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	manner := r.manner
	if r.kill == "killed by receiver before it applies" {
		r.murder()
		panic(http.ErrAbortHandler)
	}
	if before, ok := manners[manner]; ok && !before.applies {
		r.hits++
		r.respond(w, q, before)
		return
	}
	if status := r.accept(q.Header, body); status != http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	if r.kill == "killed by receiver after it applied" {
		r.murder()
		panic(http.ErrAbortHandler)
	}
	if after, ok := manners[manner]; ok {
		r.hits++
		r.respond(w, q, after)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) murder() {
	r.hits++
	r.victim()
}

// manner is how a receiver answers a change.
type manner struct {
	applies bool
	status  int
	header  map[string]string
	special string // hang, drop, twice
}

var manners = map[string]manner{
	"answers 500":             {status: 500},
	"is down":                 {status: 503},
	"answers 429":             {status: 429, header: map[string]string{"Retry-After": "3600"}},
	"answers 410":             {status: 410},
	"answers 403":             {status: 403},
	"redirects":               {status: 307, header: map[string]string{"Location": "/elsewhere"}},
	"hangs":                   {special: "hang"},
	"drops unread":            {special: "drop"},
	"accepts and forgets":     {status: 204},
	"applies and drops":       {applies: true, special: "drop"},
	"applies and answers 500": {applies: true, status: 500},
	"answers twice":           {applies: true, special: "twice"},
}

func (r *receiver) respond(w http.ResponseWriter, q *http.Request, m manner) {
	switch m.special {
	case "drop":
		panic(http.ErrAbortHandler)
	case "hang":
		r.mu.Unlock()
		defer r.mu.Lock()
		<-q.Context().Done()
	case "twice":
		if err := twice(w); err != nil {
			r.faults = append(r.faults, "harness: "+err.Error())
		}
	default:
		for name, value := range m.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(m.status)
	}
}

// twice answers one request with two answers of which the second contradicts.
func twice(w http.ResponseWriter) error {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	_, err = buffer.WriteString("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
	err = errors.Join(err, buffer.Flush(), conn.Close())
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// accept checks and applies a change, and returns the status to answer with.
func (r *receiver) accept(header http.Header, body []byte) int {
	hook, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil || hook.VerifyIgnoringTimestamp(body, header) != nil {
		r.faults = append(r.faults, "a change that is not signed")
		return http.StatusUnauthorized
	}
	seconds, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if off := time.Unix(seconds, 0).Sub(r.now); err != nil || off.Abs() > skewAllowed {
		return http.StatusUnauthorized
	}
	var c change
	if err := json.Unmarshal(body, &c); err != nil || c.Data.ID == "" || c.Data.ID != header.Get(standardwebhooks.HeaderWebhookID) {
		r.faults = append(r.faults, "a change without an id, or with two")
		return http.StatusBadRequest
	}
	if strings.Contains(string(body), hookSecret) || strings.Contains(string(body), hookToken) {
		r.faults = append(r.faults, "a secret in a change")
	}
	return r.apply(&c)
}

func (r *receiver) apply(c *change) int {
	if c.Data.Proposal || r.remembers && r.applied[c.Data.ID] > 0 {
		return http.StatusNoContent
	}
	present := r.flags[c.Data.FlagKey]
	expected, known := serves(c.Data.Expected), c.knows(present.state)
	if r.comparing && !known {
		return http.StatusConflict
	}
	if present.byPerson && !known {
		r.faults = append(r.faults, fmt.Sprintf("a person set %s to %s; %s was applied over it, from %s to %s",
			c.Data.FlagKey, serves(present.state), c.Data.Verdict, expected, serves(c.Data.Target)))
	}
	r.applied[c.Data.ID]++
	r.flags[c.Data.FlagKey] = held{state: c.Data.Target}
	return http.StatusNoContent
}

// knows tells whether a change may start from a state.
func (c *change) knows(state decide.Allocation) bool {
	for _, a := range append(c.Data.Left, c.Data.Expected, c.Data.Target) {
		if serves(a) == serves(state) {
			return true
		}
	}
	return false
}

// show tells the state of a flag.
func (r *receiver) show(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kill == "killed by receiver when asked for state" {
		r.murder()
		panic(http.ErrAbortHandler)
	}
	switch r.manner {
	case "state answers 500", "is down":
		r.hits++
		w.WriteHeader(http.StatusInternalServerError)
		return
	case "state is garbage":
		r.hits++
		_, _ = io.WriteString(w, `{"coverage": 7, "arms"`)
		return
	case "state hangs":
		r.hits++
		r.mu.Unlock()
		defer r.mu.Lock()
		<-q.Context().Done()
		return
	}
	f, ok := r.flags[q.PathValue("flag")]
	if !ok {
		http.NotFound(w, q)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"coverage": f.state.Coverage, "arms": f.state.Arms})
	if r.edit != nil {
		r.hits++
		r.edit()
	}
}

// set is what a person does to a flag.
func (r *receiver) set(flag string, state decide.Allocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(flag, state)
}

func (r *receiver) put(flag string, state decide.Allocation) { r.flags[flag] = held{state, true} }

// serves says in a word what an allocation serves: one variation to everybody,
// or a share of covered units.
func serves(a decide.Allocation) string {
	treated := 0.0
	for _, arm := range a.Arms {
		if arm.Variation != "control" {
			treated += a.Coverage * arm.Weight
		}
	}
	switch {
	case treated < 1e-9:
		return "control"
	case treated > 1-1e-9:
		return "treatment"
	}
	return fmt.Sprintf("%.4g %%", 100*a.Coverage)
}
