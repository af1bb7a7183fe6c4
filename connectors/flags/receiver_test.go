package flags

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/decide"
	"assay/spec"
)

const (
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	urlToken  = "T0KEN-in-the-path"
	window    = 5 * time.Minute
	agentName = "assay/test"
)

// clock goes on by a second each time it is asked.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Second)
	return c.at
}

// request is what the receiver saw of one delivery.
type request struct {
	id, timestamp, key, agent string
	body                      []byte
	message                   message
}

// receiver is what a user writes to take changes: an HTTP server that checks
// signature and age, applies an id once, and shows the state of its flags.
type receiver struct {
	t      testing.TB
	server *httptest.Server
	clock  *clock

	mu       sync.Mutex
	flags    map[string]decide.Allocation
	seen     map[string]bool
	requests []request
	reads    int
	// fault may answer a request in the place of the receiver; it says if it
	// did. tries counts the requests of this method, from 1.
	fault func(w http.ResponseWriter, r *http.Request, tries int) bool
	// round is applied to what is stored.
	round func(decide.Allocation) decide.Allocation
	unit  float64
	// timeout of those who open it; generous, but where it is the subject.
	timeout time.Duration
}

func newReceiver(t testing.TB) *receiver {
	rc := &receiver{t: t, clock: &clock{at: decidedAt}, flags: map[string]decide.Allocation{}, seen: map[string]bool{}, timeout: 10 * time.Second}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+urlToken, rc.receive)
	mux.HandleFunc("GET /"+urlToken+"/state/{flag}", rc.show)
	rc.server = httptest.NewServer(mux)
	t.Cleanup(rc.server.Close)
	return rc
}

func (rc *receiver) config() spec.FlagStore {
	base := rc.server.URL + "/" + urlToken
	return spec.FlagStore{
		Type: "webhook", URL: spec.NewSecret(base), StateURL: spec.NewSecret(base + "/state/{flag}"), Secret: spec.NewSecret(secret),
	}
}

func (rc *receiver) open(cfg spec.FlagStore) Store {
	rc.t.Helper()
	client := &http.Client{Timeout: rc.timeout, Transport: &http.Transport{}}
	store, err := Open("hook", cfg, "", Options{Client: client, Now: rc.clock.now, UserAgent: agentName})
	if err != nil {
		rc.t.Fatal(err)
	}
	return store
}

func (rc *receiver) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	if !rc.authentic(r.Header, body) {
		http.Error(w, "signature", http.StatusUnauthorized)
		return
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	q := request{
		id: r.Header.Get("webhook-id"), timestamp: r.Header.Get("webhook-timestamp"),
		key: r.Header.Get("Idempotency-Key"), agent: r.Header.Get("User-Agent"), body: body,
	}
	if err := json.Unmarshal(body, &q.message); err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	rc.requests = append(rc.requests, q)
	if rc.fault != nil && rc.fault(w, r, len(rc.requests)) {
		return
	}
	rc.apply(q)
	w.WriteHeader(http.StatusNoContent)
}

// authentic checks the signature with the standard's own library and the age
// against the receiver's clock.
func (rc *receiver) authentic(header http.Header, body []byte) bool {
	hook, err := standardwebhooks.NewWebhook(secret)
	if err != nil || hook.VerifyIgnoringTimestamp(body, header) != nil {
		return false
	}
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	return err == nil && rc.clock.now().Sub(time.Unix(seconds, 0)).Abs() <= window
}

func (rc *receiver) apply(q request) {
	if rc.seen[q.id] || q.message.Data.Proposal {
		return
	}
	rc.seen[q.id] = true
	state := q.message.Data.Target.Allocation
	if rc.round != nil {
		state = rc.round(state)
	}
	rc.flags[q.message.Data.FlagKey] = state
}

func (rc *receiver) show(w http.ResponseWriter, r *http.Request) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.reads++
	if rc.fault != nil && rc.fault(w, r, rc.reads) {
		return
	}
	state, ok := rc.flags[r.PathValue("flag")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	answer := map[string]any{"coverage": state.Coverage, "arms": state.Arms}
	if rc.unit > 0 {
		answer["unit"] = rc.unit
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (rc *receiver) put(flagKey string, a decide.Allocation) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.flags[flagKey] = a
}

func (rc *receiver) posts() []request {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return rc.requests
}
