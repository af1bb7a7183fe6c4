package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/connectors/flags"
	"assay/connectors/flags/serve"
	"assay/decide"
	"assay/spec"
)

const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	another = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
)

// two is a flag with two variations at a coverage, half and half.
func two(coverage string) string {
	return `{
      "variations": [{"id": "control", "value": "old"}, {"id": "treatment", "value": "new"}],
      "knownGood": "control",
      "coverage": ` + coverage + `
    }`
}

func file(members ...string) string {
	return "{\n  \"version\": 1,\n  \"flags\": {\n    " + strings.Join(members, ",\n    ") + "\n  }\n}\n"
}

// world is a server over a flags file, with a clock of its own.
type world struct {
	t      *testing.T
	path   string
	secret string // the file
	key    string
	origin string
	at     func(string) // an instant of a change
	server *serve.Server
	http   *httptest.Server
	log    *lines

	mu    sync.Mutex
	clock time.Time
}

// lines collects a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T, text string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		t: t, path: filepath.Join(dir, "flags.json"), secret: filepath.Join(dir, "secret"), log: &lines{},
		clock: time.Date(2026, 11, 3, 0, 2, 0, 0, time.UTC),
	}
	w.write(text)
	w.put(w.secret, secret+"\n")
	return w
}

func (w *world) put(path, text string) {
	w.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// write changes the file as an editor does: by a new one in its place.
func (w *world) write(text string) {
	w.t.Helper()
	w.put(w.path+".new", text)
	if err := os.Rename(w.path+".new", w.path); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(path string) string {
	w.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

func (w *world) options() serve.Options {
	return serve.Options{
		Path: w.path, SecretFile: w.secret, ReadKey: spec.NewSecret(w.key), Origin: w.origin, Now: w.now,
		Log: slog.New(slog.NewTextHandler(w.log, nil)), At: w.at,
	}
}

func (w *world) start() *world {
	w.t.Helper()
	server, problems, err := serve.Open(w.options())
	if err != nil {
		w.t.Fatalf("%v\n%s", err, problems)
	}
	w.server, w.http = server, httptest.NewServer(server.Handler())
	w.t.Cleanup(w.stop)
	return w
}

func (w *world) stop() {
	if w.server == nil {
		return
	}
	w.http.CloseClientConnections()
	w.http.Close()
	if err := w.server.Close(); err != nil {
		w.t.Error(err)
	}
	w.server = nil
}

// webhook is assay's own store for the server.
func (w *world) webhook() flags.Store {
	w.t.Helper()
	store, err := flags.Open("own", spec.FlagStore{
		Type: "webhook", PrivateAddresses: true, URL: spec.NewSecret(w.http.URL + "/webhook"),
		StateURL: spec.NewSecret(w.http.URL + "/state/{flag}?key=" + w.key), SecretFile: w.secret,
	}, "", flags.Options{Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	return store
}

func (w *world) deliver(c flags.Change) flags.Result {
	w.t.Helper()
	return flags.DeliverWith(w.t.Context(), w.webhook(), c, flags.Patience{Tries: 1, First: time.Millisecond, Longest: time.Second})
}

func half(coverage float64) decide.Allocation { return split(coverage, 0.5) }

func split(coverage, treatment float64) decide.Allocation {
	return decide.Allocation{Coverage: coverage, KnownGood: "control", Arms: []decide.Arm{
		{Variation: "control", Weight: 1 - treatment}, {Variation: "treatment", Weight: treatment},
	}}
}

func change(id string, verdict decide.Verdict, expected, target decide.Allocation) flags.Change {
	at := time.Date(2026, 11, 3, 0, 0, 0, 0, time.UTC)
	return flags.Change{
		ID: id, Experiment: "answer", FlagKey: "answer", Expected: expected, Target: target, Verdict: verdict,
		Reason: "because", AsOf: at, DecidedAt: at,
	}
}

func rollback(id string, from decide.Allocation) flags.Change {
	return change(id, decide.Rollback, from, split(1, 0))
}

// body is a webhook's body as a sender writes it.
func body(c flags.Change) []byte {
	state := func(a decide.Allocation) map[string]any {
		return map[string]any{"coverage": a.Coverage, "arms": a.Arms, "knownGood": a.KnownGood}
	}
	left := []map[string]any{}
	for _, a := range c.Left {
		left = append(left, state(a))
	}
	text, err := json.Marshal(map[string]any{"type": "assay.decision." + string(c.Verdict), "timestamp": c.DecidedAt, "data": map[string]any{
		"id": c.ID, "experiment": c.Experiment, "flagKey": c.FlagKey, "verdict": c.Verdict, "proposal": c.Proposal,
		"asOf": c.AsOf, "decidedAt": c.DecidedAt, "reason": c.Reason, "expected": state(c.Expected), "target": state(c.Target), "left": left,
	}})
	if err != nil {
		panic(err)
	}
	return text
}

// post sends a signed body and returns the status and the answer.
func (w *world) post(id string, body []byte, spoil ...func(*http.Request)) (int, string) {
	w.t.Helper()
	return w.postWith(secret, id, body, spoil...)
}

func (w *world) postWith(key, id string, body []byte, spoil ...func(*http.Request)) (int, string) {
	w.t.Helper()
	q, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.http.URL+"/webhook", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	hook, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		w.t.Fatal(err)
	}
	signature, err := hook.Sign(id, w.now(), body)
	if err != nil {
		w.t.Fatal(err)
	}
	q.Header.Set("webhook-id", id)
	q.Header.Set("webhook-timestamp", strconv.FormatInt(w.now().Unix(), 10))
	q.Header.Set("webhook-signature", signature)
	for _, f := range spoil {
		f(q)
	}
	return w.do(q)
}

func (w *world) do(q *http.Request) (int, string) {
	w.t.Helper()
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.StatusCode, string(text)
}

func (w *world) get(path string, header ...string) (int, string) {
	w.t.Helper()
	q, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.http.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	return w.do(q)
}

// entries is the audit log.
func (w *world) entries() []serve.Entry {
	w.t.Helper()
	var all []serve.Entry
	if err := serve.ReadLog(serve.LogPath(w.path), func(e serve.Entry) { all = append(all, e) }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// said is the audit log in short: who did what to which flag.
func (w *world) said() string {
	var all []string
	for _, e := range w.entries() {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s%s %s", e.By, e.What, e.Flag, e.Segment, e.ID)))
	}
	return strings.Join(all, "; ")
}

func (w *world) wantLog(want string) {
	w.t.Helper()
	if got := w.said(); got != want {
		w.t.Errorf("the audit log says\n%s\nwant\n%s", got, want)
	}
}

// state is the state of the flag by the address that assay reads.
func (w *world) state() decide.Allocation {
	w.t.Helper()
	var a decide.Allocation
	status, text := w.get("/state/answer?key=" + w.key)
	if err := json.Unmarshal([]byte(text), &a); err != nil || status != http.StatusOK {
		w.t.Fatalf("%d %s", status, text)
	}
	return a
}

func (w *world) wantState(want decide.Allocation) {
	w.t.Helper()
	if got := w.state(); !flags.Same(got, want, 1e-5) {
		w.t.Errorf("the flag is %+v, want %+v", got, want)
	}
}
