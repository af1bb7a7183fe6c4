package flags

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/connectors/outbound"
	"assay/decide"
	"assay/spec"
)

func decidedAtClock() time.Time { return decidedAt }

// status answers every request with a status.
func status(code int, header ...string) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		// A receiver that says too much is not quoted.
		_, _ = fmt.Fprintf(w, "the secret is %s", secret)
		return true
	}
}

// posts limits a fault to deliveries, gets to reading the state.
func posts(fault func(http.ResponseWriter, *http.Request, int) bool) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, r *http.Request, n int) bool {
		return r.Method == http.MethodPost && fault(w, r, n)
	}
}

func gets(fault func(http.ResponseWriter, *http.Request, int) bool) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, r *http.Request, n int) bool {
		return r.Method == http.MethodGet && fault(w, r, n)
	}
}

func hang(_ http.ResponseWriter, r *http.Request, _ int) bool {
	<-r.Context().Done()
	return true
}

// drop closes the connection after the request was read.
func drop(http.ResponseWriter, *http.Request, int) bool { panic(http.ErrAbortHandler) }

func huge(w http.ResponseWriter, _ *http.Request, _ int) bool {
	block := bytes.Repeat([]byte("x"), 1<<20)
	for range 64 {
		if _, err := w.Write(block); err != nil {
			break
		}
	}
	return true
}

func say(text string) func(http.ResponseWriter, *http.Request, int) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		_, _ = fmt.Fprint(w, text)
		return true
	}
}

type answer = func(http.ResponseWriter, *http.Request, int) bool

// faults is what can go wrong on the way, and what it must come to.
var faults = map[string]struct {
	answer     answer
	down       bool
	outcome    string
	says       string
	tries      int // deliveries that arrived
	retryAfter time.Duration
}{
	"500":                      {posts(status(500)), false, OutcomeUnavailable, "not available: status 500 Internal Server Error", 3, 0},
	"502":                      {posts(status(502)), false, OutcomeUnavailable, "status 502", 3, 0},
	"599":                      {posts(status(599)), false, OutcomeUnavailable, "status 599", 3, 0},
	"503, an hour":             {posts(status(503, "Retry-After", "3600")), false, OutcomeUnavailable, "status 503", 1, time.Hour},
	"429, an hour":             {posts(status(429, "Retry-After", "3600")), false, OutcomeUnavailable, "too many requests: status 429", 1, time.Hour},
	"429, until":               {posts(status(429, "Retry-After", "Tue, 03 Nov 2026 06:02:00 GMT")), false, OutcomeUnavailable, "status 429", 1, 6 * time.Hour},
	"429, a century":           {posts(status(429, "Retry-After", "2147483647")), false, OutcomeUnavailable, "status 429", 1, 24 * time.Hour},
	"429, long ago":            {posts(status(429, "Retry-After", "Tue, 03 Nov 1999 06:02:00 GMT")), false, OutcomeUnavailable, "status 429", 3, 0},
	"429, in no terms":         {posts(status(429, "Retry-After", "soon")), false, OutcomeUnavailable, "status 429", 3, 0},
	"408":                      {posts(status(408)), false, OutcomeUnavailable, "status 408", 3, 0},
	"410":                      {posts(status(410)), false, OutcomeDisabled, "the receiver is disabled: status 410", 1, 0},
	"401":                      {posts(status(401)), false, OutcomeRefused, "not authorised: status 401", 1, 0},
	"403":                      {posts(status(403)), false, OutcomeRefused, "not authorised: status 403", 1, 0},
	"400":                      {posts(status(400)), false, OutcomeRefused, "refused: status 400", 1, 0},
	"404":                      {posts(status(404)), false, OutcomeRefused, "refused: status 404", 1, 0},
	"409":                      {posts(status(409)), false, OutcomeConflict, "changed by someone else: status 409", 1, 0},
	"412":                      {posts(status(412)), false, OutcomeConflict, "changed by someone else: status 412", 1, 0},
	"302":                      {posts(status(302, "Location", "/elsewhere")), false, OutcomeRefused, "status 302 Found; redirects are not followed", 1, 0},
	"307":                      {posts(status(307, "Location", "/elsewhere")), false, OutcomeRefused, "redirects are not followed", 1, 0},
	"hangs":                    {posts(hang), false, OutcomeUnavailable, "no answer in time", 3, 0},
	"drops the connection":     {posts(drop), false, OutcomeUnavailable, "the connection was closed before there was an answer", 3, 0},
	"huge answer":              {posts(huge), false, OutcomeUnavailable, "not what was written", 1, 0},
	"is down":                  {nil, true, OutcomeUnavailable, "connection refused", 0, 0},
	"state: 500":               {gets(status(500)), false, OutcomeUnavailable, "status 500", 0, 0},
	"state: 401":               {gets(status(401)), false, OutcomeRefused, "not authorised: status 401", 0, 0},
	"state: 404":               {gets(status(404)), false, OutcomeRefused, "the flag does not exist: status 404", 0, 0},
	"state: 410":               {gets(status(410)), false, OutcomeRefused, "the flag does not exist: status 410", 0, 0},
	"state: 302":               {gets(status(302, "Location", "/elsewhere")), false, OutcomeRefused, "redirects are not followed", 0, 0},
	"state: hangs":             {gets(hang), false, OutcomeUnavailable, "no answer in time", 0, 0},
	"state: drops":             {gets(drop), false, OutcomeUnavailable, "the connection was closed", 0, 0},
	"state: huge":              {gets(huge), false, OutcomeUnavailable, "the answer of state_url is too large", 0, 0},
	"state: a page":            {gets(say("<html>")), false, OutcomeUnavailable, "the answer of state_url is not a state", 0, 0},
	"state: empty":             {gets(say("{}")), false, OutcomeUnavailable, "the answer of state_url is not a state", 0, 0},
	"state: half":              {gets(say(`{"coverage": 1, "arms": [{"variation": "control", "weight": 0.5}]}`)), false, OutcomeUnavailable, "the weights do not sum to 1", 0, 0},
	"state: tells the secret":  {gets(say(`{"coverage": 1, "arms": [{"variation": "` + secret + `", "weight": 1}]}`)), false, OutcomeUnavailable, "names a secret", 0, 0},
	"state: only the 2nd time": {gets(func(w http.ResponseWriter, r *http.Request, n int) bool { return n >= 2 && status(500)(w, r, n) }), false, OutcomeUnavailable, "accepted, but it could not be read back: not available: status 500", 1, 0},
}

func TestWebhookFaults(t *testing.T) {
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			rc := newReceiver(t)
			rc.put("answer-v2", half(0.1))
			rc.fault = c.answer
			if c.says == "no answer in time" {
				rc.timeout = 200 * time.Millisecond
			}
			store := rc.open(rc.config())
			if c.down {
				rc.server.Close()
			}
			r := DeliverWith(t.Context(), store, ramp(half(0.1), half(0.25)), Patience{Tries: 3, First: time.Millisecond, Longest: time.Minute})
			if r.Outcome != c.outcome || !strings.Contains(r.Message, c.says) || r.Retryable != (c.outcome == OutcomeUnavailable) {
				t.Errorf("%+v, want %s: %s", r, c.outcome, c.says)
			}
			// The clock goes on while it is asked.
			if off := c.retryAfter - r.RetryAfter; off < 0 || off > time.Minute {
				t.Errorf("retry after %v, want %v", r.RetryAfter, c.retryAfter)
			}
			arrived := rc.posts()
			if len(arrived) != c.tries {
				t.Errorf("%d deliveries arrived, want %d", len(arrived), c.tries)
			}
			for i, q := range arrived {
				if q.id != arrived[0].id || !bytes.Equal(q.body, arrived[0].body) || i > 0 && q.timestamp <= arrived[i-1].timestamp {
					t.Errorf("try %d: id %s at %s, the one before %s at %s", i, q.id, q.timestamp, arrived[0].id, arrived[max(0, i-1)].timestamp)
				}
			}
		})
	}
}

// TestWebhookRecovers has one failure of each passing kind and then none.
func TestWebhookRecovers(t *testing.T) {
	for name, fault := range map[string]answer{
		"500": status(500), "429": status(429), "dropped": drop, "hung": hang, "503 with a wait": status(503, "Retry-After", "1"),
	} {
		rc := newReceiver(t)
		rc.put("answer-v2", half(0.1))
		if name == "hung" {
			rc.timeout = 500 * time.Millisecond
		}
		rc.fault = posts(func(w http.ResponseWriter, r *http.Request, n int) bool { return n == 1 && fault(w, r, n) })
		if r := quick(t, rc.open(rc.config()), ramp(half(0.1), half(0.25))); r.Outcome != OutcomeDelivered || len(rc.posts()) != 2 {
			t.Errorf("%s: %+v after %d deliveries", name, r, len(rc.posts()))
		}
	}
}

// TestWebhookLostAnswer applies the change and loses the answer: the next try
// sees that it arrived and sends nothing.
func TestWebhookLostAnswer(t *testing.T) {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.1))
	rc.fault = posts(func(http.ResponseWriter, *http.Request, int) bool {
		rc.apply(rc.requests[0])
		panic(http.ErrAbortHandler)
	})
	if r := quick(t, rc.open(rc.config()), ramp(half(0.1), half(0.25))); r.Outcome != OutcomeDelivered || len(rc.posts()) != 1 {
		t.Errorf("%+v after %d deliveries", r, len(rc.posts()))
	}
}

// TestWebhookSlowToShow has a receiver that serves the old state for a while.
func TestWebhookSlowToShow(t *testing.T) {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.1))
	rc.fault = gets(func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n > 2 {
			return false
		}
		_ = json.NewEncoder(w).Encode(half(0.1))
		return true
	})
	if r := quick(t, rc.open(rc.config()), ramp(half(0.1), half(0.25))); r.Outcome != OutcomeDelivered || len(rc.posts()) != 1 {
		t.Errorf("%+v after %d deliveries", r, len(rc.posts()))
	}
}

func TestWebhookWithoutState(t *testing.T) {
	rc := newReceiver(t)
	cfg := rc.config()
	cfg.StateURL = spec.Secret{}
	store := rc.open(cfg)
	state, err := store.Read(t.Context(), "answer-v2")
	if diff := cmp.Diff(State{Untold: true, Message: "no state_url"}, state); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	r := quick(t, store, ramp(half(0.1), half(0.25)))
	if diff := cmp.Diff(Result{Outcome: OutcomeUnverified, Message: "accepted, not verified: no state_url"}, r); diff != "" {
		t.Error(diff)
	}
	if got := rc.flags["answer-v2"]; !Same(got, half(0.25), 1e-5) {
		t.Errorf("the flag is %v", got)
	}
	proposal := ramp(half(0.25), half(0.5))
	proposal.Proposal, proposal.ID = true, "d_2"
	if r := quick(t, store, proposal); r.Outcome != OutcomeProposed || !Same(rc.flags["answer-v2"], half(0.25), 1e-5) {
		t.Errorf("%+v", r)
	}
}

// TestWebhookSaysWhatMayBeLeft is for a receiver that compares and does not
// tell its state: what an earlier change may have left there is no conflict.
func TestWebhookSaysWhatMayBeLeft(t *testing.T) {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.25)) // Its answer got lost.
	rc.fault = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		d := rc.requests[len(rc.requests)-1].message.Data
		known := append([]wireState{d.Expected}, d.Left...)
		if slices.ContainsFunc(known, func(s wireState) bool { return Same(s.Allocation, rc.flags["answer-v2"], 1e-5) }) {
			return false
		}
		w.WriteHeader(http.StatusConflict)
		return true
	}
	cfg := rc.config()
	cfg.StateURL = spec.Secret{}
	c := ramp(half(0.1), half(0.1).All("control"))
	if r := quick(t, rc.open(cfg), c); r.Outcome != OutcomeConflict {
		t.Errorf("%+v, want a conflict where nothing is left", r)
	}
	c.ID, c.Left = "d_2", []decide.Allocation{half(0.25)}
	if r := quick(t, rc.open(cfg), c); r.Outcome != OutcomeUnverified {
		t.Errorf("%+v", r)
	}
}

func TestWebhookBody(t *testing.T) {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.1))
	c := ramp(half(0.1), alloc(1, arm("control", 1), arm("treatment", 0)))
	c.Verdict, c.Metric, c.Reason = decide.Rollback, "error_rate", "error_rate <is> worse"
	c.Prompts = []Prompt{{Variation: "treatment", Name: "answer", Version: "9f86d081", Model: "m"}}
	if r := quick(t, rc.open(rc.config()), c); r.Outcome != OutcomeDelivered {
		t.Fatalf("%+v", r)
	}
	q := rc.posts()[0]
	const want = `{"type":"assay.decision.rollback","timestamp":"2026-11-03T00:02:00Z","data":{` +
		`"id":"d_4f2a","experiment":"answer-v2","flagKey":"answer-v2","verdict":"rollback","proposal":false,` +
		`"asOf":"2026-11-03T00:00:00Z","decidedAt":"2026-11-03T00:02:00Z","reason":"error_rate \u003cis\u003e worse","metric":"error_rate",` +
		`"expected":{"coverage":0.1,"arms":[{"variation":"control","weight":0.5},{"variation":"treatment","weight":0.5}],"knownGood":"control","percent":{"control":95,"treatment":5}},` +
		`"target":{"coverage":1,"arms":[{"variation":"control","weight":1},{"variation":"treatment","weight":0}],"knownGood":"control","percent":{"control":100,"treatment":0}},` +
		`"prompts":[{"variation":"treatment","name":"answer","version":"9f86d081","model":"m"}]}}`
	if diff := cmp.Diff(want, string(q.body)); diff != "" {
		t.Error(diff)
	}
	if q.id != "d_4f2a" || q.key != "d_4f2a" || q.agent != agentName {
		t.Errorf("id %s, key %s, agent %s", q.id, q.key, q.agent)
	}
	c.Proposal = true
	body, err := encode(c)
	if err != nil || !bytes.HasPrefix(body, []byte(`{"type":"assay.decision.proposed"`)) || !bytes.Contains(body, []byte(`"verdict":"rollback","proposal":true`)) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestWebhookBodyStaysSmall(t *testing.T) {
	c := ramp(half(0.1), half(0.25))
	c.Reason = strings.Repeat("\x01\u2028", 1<<20)
	for i := range 100 {
		c.Prompts = append(c.Prompts, Prompt{Variation: fmt.Sprint(i), Name: strings.Repeat("n", 200)})
	}
	body, err := encode(c)
	if err != nil || len(body) >= maxBody || !json.Valid(body) || !bytes.Contains(body, []byte(`"coverage":0.25`)) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	c.Experiment = strings.Repeat("x", maxBody)
	if _, err := encode(c); err == nil {
		t.Error("a body that cannot be made small was sent")
	}
}

// TestWebhookSignature checks against a signature computed by hand from the
// standard's text, and with the receiver's library.
func TestWebhookSignature(t *testing.T) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	const second = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	for name, c := range map[string]struct {
		secrets string
		want    int
	}{"one": {secret, 1}, "rotation": {second + "\n" + secret + "\n", 2}} {
		path := filepath.Join(t.TempDir(), "secret")
		put(t, path, c.secrets)
		store, err := Open("hook", spec.FlagStore{Type: "webhook", URL: spec.NewSecret("https://x.invalid/"), SecretFile: "secret"}, filepath.Dir(path), Options{Now: decidedAtClock})
		if err != nil {
			t.Fatal(err)
		}
		header, body := http.Header{}, []byte(`{"a": 1}`)
		if err := store.(*webhook).sign(header, "d_1", body); err != nil {
			t.Fatal(err)
		}
		signatures := strings.Split(header.Get("webhook-signature"), " ")
		if len(signatures) != c.want || header.Get("webhook-timestamp") != "1793664120" {
			t.Errorf("%s: %v at %s", name, signatures, header.Get("webhook-timestamp"))
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(`d_1.1793664120.{"a": 1}`))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); !slices.Contains(signatures, want) {
			t.Errorf("%s: %v, want %s among them", name, signatures, want)
		}
		hook, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := hook.VerifyIgnoringTimestamp(body, header); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if hook.VerifyIgnoringTimestamp([]byte(`{"a": 2}`), header) == nil {
			t.Errorf("%s: another body verifies", name)
		}
	}
}

// TestWebhookCoarseReceiver rounds to whole percent and says so.
func TestWebhookCoarseReceiver(t *testing.T) {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.1))
	rc.round = func(a decide.Allocation) decide.Allocation { return alloc(0.33, a.Arms...) }
	store := rc.open(rc.config())
	target := half(1.0 / 3)
	if r := quick(t, store, ramp(half(0.1), target)); r.Outcome != OutcomeUnavailable || !strings.Contains(r.Message, "not what was written") {
		t.Errorf("without a unit: %+v", r)
	}
	rc.unit = 0.005
	if r := quick(t, store, ramp(half(0.1), target)); r.Outcome != OutcomeDelivered {
		t.Errorf("with a unit: %+v", r)
	}
	rc.unit = 1
	if r := quick(t, store, ramp(half(0.9), half(0.5))); r.Outcome != OutcomeConflict {
		t.Errorf("a unit that makes everything equal: %+v", r)
	}
}

func TestStateAddress(t *testing.T) {
	for key, want := range map[string]string{
		"answer-v2": "https://h/answer-v2/x?f=answer-v2",
		"a/../b?&#": "https://h/a%2F..%2Fb%3F&%23/x?f=a%2F..%2Fb%3F%26%23",
		"é &=":      "https://h/%C3%A9%20&=/x?f=%C3%A9+%26%3D",
	} {
		if got := stateAddress("https://h/{flag}/x?f={flag}", key); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	rc := newReceiver(t)
	for _, key := range []string{".", ".."} {
		if _, err := rc.open(rc.config()).Read(t.Context(), key); !errors.Is(err, ErrRefused) {
			t.Errorf("key %s: %v", key, err)
		}
	}
	rc.put("a/../b?&# é", half(1))
	if state, err := rc.open(rc.config()).Read(t.Context(), "a/../b?&# é"); err != nil || !state.Known {
		t.Errorf("%+v, %v", state, err)
	}
}

// badConfigs are faults of the spec.
var badConfigs = map[string]struct {
	spoil func(*spec.FlagStore)
	says  string
}{
	"no secret":         {func(c *spec.FlagStore) { c.Secret = spec.Secret{} }, "one of secret and secret_file is needed"},
	"no secret file":    {func(c *spec.FlagStore) { c.Secret, c.SecretFile = spec.Secret{}, "none" }, "secret_file: "},
	"secret too short":  {func(c *spec.FlagStore) { c.Secret = spec.NewSecret("whsec_c2hvcnQ=") }, "24 to 64 bytes"},
	"secret too long":   {func(c *spec.FlagStore) { c.Secret = spec.NewSecret("whsec_" + strings.Repeat("AAAA", 30)) }, "24 to 64 bytes"},
	"secret unprefixed": {func(c *spec.FlagStore) { c.Secret = spec.NewSecret(strings.TrimPrefix(secret, "whsec_")) }, "whsec_"},
	"secret no base64":  {func(c *spec.FlagStore) { c.Secret = spec.NewSecret("whsec_bad-secret!") }, "base64"},
	"secret blank":      {func(c *spec.FlagStore) { c.Secret = spec.NewSecret(" \n") }, "the signing secret is empty"},
	"no url":            {func(c *spec.FlagStore) { c.URL = spec.Secret{} }, "url is not an http or https address"},
	"url of a file":     {func(c *spec.FlagStore) { c.URL = spec.NewSecret("file:///" + urlToken) }, "url is not an http or https address"},
	"url malformed":     {func(c *spec.FlagStore) { c.URL = spec.NewSecret("http://" + urlToken + "%zz:x/") }, "url is not an http or https address"},
	"state_url of ftp":  {func(c *spec.FlagStore) { c.StateURL = spec.NewSecret("ftp://" + urlToken) }, "state_url is not an http or https address"},
}

// TestSecretFileOfAProject opens what spec makes of secret_file: it has read the
// file.
func TestSecretFileOfAProject(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "secret"), secret+"\n")
	put(t, filepath.Join(dir, "assay.yaml"), `version: 1
warehouse: {type: duckdb}
identifiers: {user_id: {}}
flag_stores:
  hook: {type: webhook, url: "https://x.invalid/", secret_file: secret}
`)
	project, _, err := spec.Load(dir, func(string) (string, bool) { return "", false })
	if err != nil || project == nil {
		t.Fatalf("%v, %v", project, err)
	}
	if _, err := Open("hook", project.Config.FlagStores["hook"], dir, Options{Now: decidedAtClock}); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range badConfigs {
		cfg := newReceiver(t).config()
		c.spoil(&cfg)
		if _, err := Open("hook", cfg, t.TempDir(), Options{Now: decidedAtClock}); err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "flag store hook: ") {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
	for says, cfg := range map[string]spec.FlagStore{
		`type "carrier-pigeon" is not one of flagd, `: {Type: "carrier-pigeon"}, "path is missing": {Type: "flagd"},
	} {
		if _, err := Open("hook", cfg, "", Options{Now: decidedAtClock}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
	if _, err := Open("x", spec.FlagStore{Type: "flagd", Path: "p"}, "", Options{}); err == nil {
		t.Error("a store without a clock was opened")
	}
}

// TestDefaultClient is the one without Options.Client: it has a time limit and
// does not follow.
func TestDefaultClient(t *testing.T) {
	client := Options{}.client(spec.FlagStore{PrivateAddresses: true})
	if client.Timeout != outbound.DefaultTimeout {
		t.Errorf("timeout %v", client.Timeout)
	}
	followed := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		followed = followed || r.URL.Path != "/"
		http.Redirect(w, r, "/elsewhere", http.StatusPermanentRedirect)
	}))
	defer server.Close()
	given := server.Client()
	for _, client := range []*http.Client{client, Options{Client: given}.client(spec.FlagStore{})} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusPermanentRedirect || followed {
			t.Errorf("status %d, followed %v", response.StatusCode, followed)
		}
	}
	if given.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

func TestStopped(t *testing.T) {
	rc := newReceiver(t)
	rc.put("answer-v2", half(0.1))
	ctx, stop := context.WithCancel(t.Context())
	rc.fault = posts(func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		stop()
		<-r.Context().Done()
		return true
	})
	r := DeliverWith(ctx, rc.open(rc.config()), ramp(half(0.1), half(0.25)), Patience{Tries: 3, First: time.Millisecond, Longest: time.Minute})
	if r.Outcome != OutcomeUnavailable || !r.Retryable || !strings.Contains(r.Message, "stopped before there was an answer") || len(rc.posts()) != 1 {
		t.Errorf("%+v after %d deliveries", r, len(rc.posts()))
	}
}

// slow is a store that fails in a given way; it notes when it is asked.
type slow struct {
	asked []time.Time
	err   error
}

func (s *slow) Name() string { return "slow" }

func (s *slow) Read(context.Context, string) (State, error) {
	return State{Untold: true}, nil
}

func (s *slow) Apply(context.Context, Change) error {
	s.asked = append(s.asked, time.Now()) //nolint:forbidigo // the clock of the bubble
	return s.err
}

// TestPatience runs on a clock that jumps, so the pauses are exact.
func TestPatience(t *testing.T) {
	failure := func(after time.Duration) error {
		return &Error{Store: "slow", Kind: ErrRateLimited, RetryAfter: after}
	}
	for name, c := range map[string]struct {
		err  error
		want []time.Duration // pauses between tries
	}{
		"fails":                 {failure(0), []time.Duration{500 * time.Millisecond, time.Second}},
		"asks for five seconds": {failure(5 * time.Second), []time.Duration{5 * time.Second, 5 * time.Second}},
		"asks for too long":     {failure(11 * time.Second), nil},
		"refuses":               {&Error{Store: "slow", Kind: ErrRefused}, nil},
		"fails in other words":  {errors.New("odd"), []time.Duration{500 * time.Millisecond, time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &slow{err: c.err}
			r := Deliver(t.Context(), s, ramp(half(0.1), half(0.25)))
			var pauses []time.Duration
			for i := 1; i < len(s.asked); i++ {
				pauses = append(pauses, s.asked[i].Sub(s.asked[i-1]))
			}
			if diff := cmp.Diff(c.want, pauses); diff != "" || r.Message == "" {
				t.Errorf("%s: %+v\n%s", name, r, diff)
			}
		})
	}
}

func TestEveryErrorHasAnOutcome(t *testing.T) {
	for _, kind := range []error{ErrNotFound, ErrAuth, ErrRefused, ErrConflict, ErrDisabled, ErrRateLimited, ErrUnavailable} {
		e := &Error{Store: "s", Kind: kind}
		if outcomes[kind] == "" || !errors.Is(e, kind) || e.Error() != "flag store s: "+kind.Error() {
			t.Errorf("%v: %q, %q", kind, outcomes[kind], e)
		}
	}
	for says, spoil := range map[string]func(*Change){
		"the id of a change":        func(c *Change) { c.ID = "a.b" },
		"names no flag":             func(c *Change) { c.FlagKey = "" },
		`verdict "stop" is unknown`: func(c *Change) { c.Verdict = "stop" },
		"expected state":            func(c *Change) { c.Expected = decide.Allocation{} },
	} {
		c := ramp(half(0.1), half(0.25))
		spoil(&c)
		if r := Deliver(t.Context(), &slow{}, c); r.Outcome != OutcomeRefused || !strings.Contains(r.Message, says) {
			t.Errorf("%+v, want %s", r, says)
		}
	}
}
