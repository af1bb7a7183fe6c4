package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/decide"
)

// receiver is what a user writes to take changes: it checks signatures with the
// standard's own library, remembers the ids it applied, and shows the state of
// its flags.
type receiver struct {
	server *httptest.Server

	mu      sync.Mutex
	answer  string // to changes: ok, a status, hang, drop, apply-drop
	stated  string // to questions about the state: ok or a status
	strict  bool   // timestamps must be of now
	flags   map[string]decide.Allocation
	applied map[string]int // by id, in order from 1
	posts   int            // changes that arrived, repetitions included
	log     []string       // what was applied, in order
}

func newReceiver() *receiver {
	r := &receiver{answer: "ok", stated: "ok", flags: map[string]decide.Allocation{}, applied: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+hookToken, r.take)
	mux.HandleFunc("GET /"+hookToken+"/state/{flag}", r.show)
	r.server = httptest.NewServer(mux)
	return r
}

func (r *receiver) url() string { return r.server.URL + "/" + hookToken }

// change is the part of a delivery's body that a receiver needs.
type change struct {
	Data struct {
		ID, FlagKey, Experiment string
		Verdict                 string
		Proposal                bool
		Target                  decide.Allocation
	}
}

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 20_000))
	if err != nil || !r.authentic(q.Header, body) {
		http.Error(w, "not authentic", http.StatusUnauthorized)
		return
	}
	r.mu.Lock()
	r.posts++
	answer := r.answer
	if answer == "ok" || answer == "apply-drop" {
		err = r.apply(q.Header.Get("webhook-id"), body)
	}
	r.mu.Unlock()
	status, _ := strconv.Atoi(answer)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case answer == "drop" || answer == "apply-drop":
		panic(http.ErrAbortHandler)
	case answer == "hang":
		<-q.Context().Done()
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
	case status != 0:
		w.WriteHeader(status)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *receiver) authentic(header http.Header, body []byte) bool {
	hook, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strict {
		return hook.Verify(body, header) == nil
	}
	// Scripts run by a clock of their own.
	return hook.VerifyIgnoringTimestamp(body, header) == nil
}

// apply takes over a change, each id once.
func (r *receiver) apply(id string, body []byte) error {
	var c change
	if err := json.Unmarshal(body, &c); err != nil {
		return err
	}
	if id != c.Data.ID || id == "" {
		return fmt.Errorf("the id is %q in the header and %q in the body", id, c.Data.ID)
	}
	if _, again := r.applied[id]; again {
		return nil
	}
	r.applied[id] = len(r.applied) + 1
	what := c.Data.Verdict
	if c.Data.Proposal {
		what += " proposed"
	} else {
		r.flags[c.Data.FlagKey] = c.Data.Target
	}
	r.log = append(r.log, fmt.Sprintf("%d %s %s: %s", r.applied[id], c.Data.FlagKey, what, allocationText(c.Data.Target)))
	return nil
}

func allocationText(a decide.Allocation) string {
	parts := []string{fmt.Sprintf("coverage %g %%", 100*a.Coverage)}
	for _, arm := range a.Arms {
		parts = append(parts, fmt.Sprintf("%s %g %%", arm.Variation, 100*arm.Weight))
	}
	return strings.Join(parts, ", ")
}

func (r *receiver) show(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if status, err := strconv.Atoi(r.stated); err == nil {
		w.WriteHeader(status)
		return
	}
	state, ok := r.flags[q.PathValue("flag")]
	if !ok {
		http.NotFound(w, q)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"coverage": state.Coverage, "arms": state.Arms})
}

// set makes a flag serve a coverage, half of it treatment.
func (r *receiver) set(flag string, coverage float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flags[flag] = decide.Allocation{
		Coverage: coverage, KnownGood: "control",
		Arms: []decide.Arm{{Variation: "control", Weight: 0.5}, {Variation: "treatment", Weight: 0.5}},
	}
}

func (r *receiver) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log
}

// receiverOf is the key of a script's receiver among its values.
type receiverOf struct{}

const receiverUsage = "receiver start | strict | answer KIND | state KIND | set FLAG COVERAGE | log FILE | posts N"

// cmdReceiver starts a receiver, tells it how to answer, and asks it.
func cmdReceiver(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, len(args) > 0, receiverUsage)
	held := ts.Value(receiverOf{}).(**receiver)
	if args[0] == "start" {
		r := newReceiver()
		ts.Defer(func() {
			r.server.CloseClientConnections()
			r.server.Close()
		})
		*held = r
		ts.Setenv("HOOK_URL", r.url())
		return
	}
	if *held == nil || !(*held).obey(ts, args) {
		ts.Fatalf("usage: %s", receiverUsage)
	}
}

func (r *receiver) obey(ts *testscript.TestScript, args []string) bool {
	switch {
	case args[0] == "log" && len(args) == 2:
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(append(r.lines(), ""), "\n")), 0o644))
		return true
	case args[0] == "set" && len(args) == 3:
		coverage, err := strconv.ParseFloat(args[2], 64)
		ts.Check(err)
		r.set(args[1], coverage)
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case args[0] == "strict":
		r.strict = true
	case args[0] == "answer" && len(args) == 2:
		r.answer = args[1]
	case args[0] == "state" && len(args) == 2:
		r.stated = args[1]
	case args[0] == "posts" && len(args) == 2:
		if strconv.Itoa(r.posts) != args[1] {
			ts.Fatalf("%d changes arrived, want %s", r.posts, args[1])
		}
	default:
		return false
	}
	return true
}
