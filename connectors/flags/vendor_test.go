package flags

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/spec"
)

// apiToken is what the servers of the stores with an API let in.
const apiToken = "T0KEN-of-the-interface"

// fake is what the servers of the stores with an API have in common in these
// tests: who may ask, what can go wrong, and who asked.
type fake struct {
	t      testing.TB
	server *httptest.Server
	scheme string // before the token

	mu    sync.Mutex
	fault answer
	reads int
	tries int // requests that are no reads
	taken int // changes
	seen  []string
}

func newFake(t testing.TB, scheme string, routes map[string]http.HandlerFunc) *fake {
	f := &fake{t: t, scheme: scheme}
	mux := http.NewServeMux()
	for route, handle := range routes {
		mux.HandleFunc(route, handle)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s is not part of the interface", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	f.server = httptest.NewServer(f.gate(mux))
	t.Cleanup(f.server.Close)
	return f
}

// gate checks what holds for every request, one at a time.
func (f *fake) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		n := &f.reads
		if r.Method != http.MethodGet {
			n = &f.tries
		}
		*n++
		f.seen = append(f.seen, r.Method+" "+r.URL.EscapedPath())
		// Only once the body is read is it noticed that the client went away.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		given := r.Header.Get("Authorization")
		if subtle.ConstantTimeCompare([]byte(given), []byte(f.scheme+apiToken)) != 1 {
			http.Error(w, `{"message": "who are you?"}`, http.StatusUnauthorized)
			return
		}
		if r.Header.Get("User-Agent") != agentName || r.Header.Get("Accept") != "application/json" {
			f.t.Errorf("%s %s says of itself %v", r.Method, r.URL.Path, r.Header)
		}
		if f.fault != nil && f.fault(w, r, *n) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// body decodes a request strictly; a fault of ours is a fault of the test.
func (f *fake) body(w http.ResponseWriter, r *http.Request, media string, into any) bool {
	text, err := io.ReadAll(r.Body)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err == nil {
		err = decoder.Decode(into)
	}
	if err == nil && r.Header.Get("Content-Type") != media {
		err = fmt.Errorf("media type %s", r.Header.Get("Content-Type"))
	}
	if err != nil {
		f.t.Errorf("%s %s: %v in %s", r.Method, r.URL.Path, err, text)
		refuse(w, http.StatusBadRequest, "the request cannot be read")
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value)
}

// locked runs a change that a person makes.
func (f *fake) locked(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken
}

// vendorRig is a rig of a store with an API, with its server.
type vendorRig struct {
	rig
	*fake
	cfg spec.FlagStore
}

// with opens the store again, with another configuration.
func (v vendorRig) with(change func(*spec.FlagStore)) Store {
	v.t.Helper()
	cfg := v.cfg
	change(&cfg)
	store, err := openVendor(cfg, 10*time.Second)
	if err != nil {
		v.t.Fatal(err)
	}
	return store
}

func openVendor(cfg spec.FlagStore, timeout time.Duration) (Store, error) {
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{}}
	return Open("vendor", cfg, "", Options{Client: client, Now: decidedAtClock, UserAgent: agentName})
}

// complete gives a rig its store.
func (v vendorRig) complete() vendorRig {
	v.cfg.URL, v.cfg.Token = spec.NewSecret(v.server.URL), spec.NewSecret(apiToken)
	v.store = v.with(func(*spec.FlagStore) {})
	if v.writes == nil {
		v.writes = v.count
	}
	v.person(half(0.1))
	return v
}

// vendors are the stores with an API.
var vendors = map[string]func(testing.TB) vendorRig{
	"flipt":        newFlipt,
	"growthbook":   newGrowthBook,
	"launchdarkly": newLaunchDarkly,
	"unleash":      newUnleash,
}

func writesOnly(fault answer) answer {
	return func(w http.ResponseWriter, r *http.Request, n int) bool {
		return r.Method != http.MethodGet && fault(w, r, n)
	}
}

// leaky answers with a status and says too much.
func leaky(code int, header ...string) answer {
	return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"message": "the token is %s"}`, apiToken)
		return true
	}
}

// apiFaults is what can go wrong on the way to any store with an API.
var apiFaults = map[string]struct {
	answer     answer
	down       bool
	outcome    string
	says       string
	tries      int // of the first request that is no read; -1 = not looked at
	retryAfter time.Duration
}{
	"500":                  {writesOnly(leaky(500)), false, OutcomeUnavailable, "not available: status 500 Internal Server Error", 3, 0},
	"502":                  {writesOnly(leaky(502)), false, OutcomeUnavailable, "status 502", 3, 0},
	"503, an hour":         {writesOnly(leaky(503, "Retry-After", "3600")), false, OutcomeUnavailable, "status 503", 1, time.Hour},
	"429, an hour":         {writesOnly(leaky(429, "Retry-After", "3600")), false, OutcomeUnavailable, "too many requests: status 429", 1, time.Hour},
	"429, reset in ms":     {writesOnly(leaky(429, "X-Ratelimit-Reset", fmt.Sprint(decidedAt.Add(2*time.Hour).UnixMilli()))), false, OutcomeUnavailable, "too many requests", 1, 2 * time.Hour},
	"429, reset in s":      {writesOnly(leaky(429, "X-Ratelimit-Reset", fmt.Sprint(decidedAt.Add(2*time.Hour).Unix()))), false, OutcomeUnavailable, "too many requests", 1, 2 * time.Hour},
	"429, reset long ago":  {writesOnly(leaky(429, "X-Ratelimit-Reset", "17")), false, OutcomeUnavailable, "too many requests", 3, 0},
	"429, reset in words":  {writesOnly(leaky(429, "X-Ratelimit-Reset", "soon")), false, OutcomeUnavailable, "too many requests", 3, 0},
	"401":                  {writesOnly(leaky(401)), false, OutcomeRefused, "not authorised: status 401", 1, 0},
	"403":                  {writesOnly(leaky(403)), false, OutcomeRefused, "not authorised: status 403", 1, 0},
	"400":                  {writesOnly(leaky(400)), false, OutcomeRefused, "refused: status 400", 1, 0},
	"404":                  {writesOnly(leaky(404)), false, OutcomeRefused, "the flag does not exist: status 404", 1, 0},
	"307":                  {writesOnly(leaky(307, "Location", "/elsewhere")), false, OutcomeRefused, "redirects are not followed", 1, 0},
	"hangs":                {writesOnly(hang), false, OutcomeUnavailable, "no answer in time", -1, 0},
	"drops the connection": {writesOnly(drop), false, OutcomeUnavailable, "the connection was closed before there was an answer", -1, 0},
	"is down":              {nil, true, OutcomeUnavailable, "connection refused", 0, 0},
	"state: 500":           {gets(leaky(500)), false, OutcomeUnavailable, "status 500", 0, 0},
	"state: 401":           {gets(leaky(401)), false, OutcomeRefused, "not authorised: status 401", 0, 0},
	"state: 404":           {gets(leaky(404)), false, OutcomeRefused, "the flag does not exist: status 404", 0, 0},
	"state: 302":           {gets(leaky(302, "Location", "/elsewhere")), false, OutcomeRefused, "redirects are not followed", 0, 0},
	"state: hangs":         {gets(hang), false, OutcomeUnavailable, "no answer in time", 0, 0},
	"state: drops":         {gets(drop), false, OutcomeUnavailable, "the connection was closed", 0, 0},
	"state: huge":          {gets(huge), false, OutcomeUnavailable, "the answer is too large", 0, 0},
	"state: a page":        {gets(say("<html>")), false, OutcomeUnavailable, "the answer is not what the interface promises", 0, 0},
	"state: a list":        {gets(say("[]")), false, OutcomeUnavailable, "the answer is not what the interface promises", 0, 0},
}

func TestAPIFaults(t *testing.T) {
	for kind, make := range vendors {
		for name, c := range apiFaults {
			t.Run(kind+"/"+name, func(t *testing.T) {
				v := make(t)
				v.fault = c.answer
				timeout := 10 * time.Second
				if strings.HasSuffix(c.says, "in time") {
					timeout = 100 * time.Millisecond
				}
				store, err := openVendor(v.cfg, timeout)
				if err != nil {
					t.Fatal(err)
				}
				if c.down {
					v.server.Close()
				}
				r := DeliverWith(t.Context(), store, ramp(half(0.1), half(0.25)), Patience{Tries: 3, First: time.Millisecond, Longest: time.Minute})
				if r.Outcome != c.outcome || !strings.Contains(r.Message, c.says) || r.Retryable != (c.outcome == OutcomeUnavailable) {
					t.Errorf("%+v, want %s: %s", r, c.outcome, c.says)
				}
				if off := c.retryAfter - r.RetryAfter; off.Abs() > time.Second {
					t.Errorf("retry after %v, want %v", r.RetryAfter, c.retryAfter)
				}
				if c.tries >= 0 && v.tries != c.tries || v.writes() != 0 {
					t.Errorf("%d tries, want %d; %d changes: %v", v.tries, c.tries, v.writes(), v.seen)
				}
			})
		}
	}
}

// TestAPIConflict has the server refuse every write as a conflict. Flipt's says
// only that something in the environment changed.
func TestAPIConflict(t *testing.T) {
	for kind, make := range vendors {
		want := OutcomeConflict
		if kind == "flipt" {
			want = OutcomeUnavailable
		}
		v := make(t)
		v.fault = writesOnly(leaky(409))
		if r := quick(t, v.store, ramp(half(0.1), half(0.25))); r.Outcome != want || v.writes() != 0 {
			t.Errorf("%s: %+v", kind, r)
		}
	}
}

// TestAPIRecovers has one failure of each passing kind and then none; the lost
// answer is that of a change that was taken.
func TestAPIRecovers(t *testing.T) {
	for kind, make := range vendors {
		for name, fault := range map[string]answer{"500": leaky(500), "429": leaky(429), "dropped": drop} {
			v := make(t)
			v.fault = writesOnly(func(w http.ResponseWriter, r *http.Request, n int) bool { return n == 1 && fault(w, r, n) })
			if r := quick(t, v.store, ramp(half(0.1), half(0.25))); r.Outcome != OutcomeDelivered || v.writes() != 1 {
				t.Errorf("%s, %s: %+v after %d changes", kind, name, r, v.writes())
			}
		}
	}
}

// TestAPIGuard has every store refuse an address of this machine unless it may.
func TestAPIGuard(t *testing.T) {
	for kind, make := range vendors {
		v := make(t)
		before := len(v.seen)
		for allowed, want := range map[bool]string{false: OutcomeRefused, true: OutcomeDelivered} {
			cfg := v.cfg
			cfg.PrivateAddresses = allowed
			store, err := Open("vendor", cfg, "", Options{Now: decidedAtClock, UserAgent: agentName})
			if err != nil {
				t.Fatal(err)
			}
			r := quick(t, store, ramp(half(0.1), half(0.25)))
			if r.Outcome != want {
				t.Errorf("%s, allowed %v: %+v", kind, allowed, r)
			}
			if !allowed && (!strings.Contains(r.Message, "set private_addresses: true") || len(v.seen) != before && v.writes() == 0) {
				t.Errorf("%s: %+v after %v", kind, r, v.seen)
			}
		}
	}
}

// badVendors is what makes a store with an API impossible to open, beside what
// the spec's own check finds.
var badVendors = map[string]func(*spec.FlagStore){
	"one of token and token_file is needed": func(c *spec.FlagStore) { c.Token = spec.Secret{} },
	"characters that no token has":          func(c *spec.FlagStore) { c.Token = spec.NewSecret(apiToken + "\nX: y") },
	"url is not an http or https address":   func(c *spec.FlagStore) { c.URL = spec.NewSecret("ftp://" + apiToken) },
	"environment is missing":                func(c *spec.FlagStore) { c.Environment = "" },
	"token_file": func(c *spec.FlagStore) {
		c.Token, c.TokenFile = spec.Secret{}, "nowhere"
	},
}

func TestBadVendors(t *testing.T) {
	for kind, make := range vendors {
		for says, spoil := range badVendors {
			cfg := make(t).cfg
			spoil(&cfg)
			if _, err := openVendor(cfg, time.Second); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %s", kind, err, says)
			}
		}
	}
}

func TestTokenFile(t *testing.T) {
	path := t.TempDir() + "/token"
	put(t, path, apiToken+"\n")
	for kind, make := range vendors {
		v := make(t)
		store := v.with(func(c *spec.FlagStore) { c.Token, c.TokenFile = spec.Secret{}, path })
		if s, err := store.Read(t.Context(), "answer-v2"); err != nil || !s.Known {
			t.Errorf("%s: %+v, %v", kind, s, err)
		}
	}
}

// TestHostileKeys has keys that must not lead elsewhere.
func TestHostileKeys(t *testing.T) {
	for kind, make := range vendors {
		v := make(t)
		v.fault = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			refuse(w, http.StatusNotFound, "no such flag")
			return true
		}
		for _, key := range []string{"..", ".", "", "../../admin", "a/b", "a?b=c", "a#b", "a%2fb", "a b", "ü\n"} {
			before := len(v.seen)
			_, err := v.store.Read(t.Context(), key)
			if err == nil {
				t.Errorf("%s: %q was read", kind, key)
			}
			for _, seen := range v.seen[before:] {
				if strings.Contains(seen, "/../") || strings.HasSuffix(seen, "/..") || strings.Contains(seen, "a/b") {
					t.Errorf("%s: %q asked %s", kind, key, seen)
				}
			}
		}
	}
}

// TestNaming has variations that the store calls otherwise, one by a name that
// is another's in the spec.
func TestNaming(t *testing.T) {
	n := newNaming(map[string]string{"control": "a", "treatment": "control"})
	for name, theirs := range map[string]string{"control": "a", "treatment": "control", "x": "x"} {
		if n.to(name) != theirs || n.from(theirs) != name {
			t.Errorf("%s: %s, %s: %s", name, n.to(name), theirs, n.from(theirs))
		}
	}
	if got := n.from("treatment"); got == "treatment" {
		t.Error("a stranger passes for a variation of the spec")
	}
}

func TestServed(t *testing.T) {
	for want, list := range map[string][]bucket{
		"coverage 10 %: treatment 50 %, control 50 %": {{"treatment", 5}, {uncovered, 90}, {"control", 5}},
		"coverage 100 %: control 100 %":               {{"control", 1}},
		"coverage 0 %: ":                              {{uncovered, 7}},
		"coverage 50 %: x 60 %, y 40 %":               {{"x", 3}, {uncovered, 5}, {"y", 2}},
	} {
		if got := describe(served(list)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// sortedKeys are those of a map of weights.
func sortedKeys(weights map[string]int64) []string {
	names := make([]string, 0, len(weights))
	for name := range weights {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
