package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/spec"
)

var update = flag.Bool("update", false, "rewrite golden files")

var now = time.Date(2026, 11, 3, 0, 2, 0, 0, time.UTC)

func clock() time.Time { return now }

const token = "T0KEN/in/the/path"

// hook is a server on this machine that takes messages as Slack does.
type hook struct {
	server *httptest.Server

	mu     sync.Mutex
	bodies [][]byte
	// answer writes the answer to a try, counted from 1; nil = ok.
	answer func(w http.ResponseWriter, try int)
}

func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/"+token || r.Header.Get("Content-Type") != "application/json" {
			http.Error(w, "invalid_payload", http.StatusBadRequest)
			return
		}
		h.mu.Lock()
		h.bodies = append(h.bodies, body)
		try, answer := len(h.bodies), h.answer
		h.mu.Unlock()
		if answer != nil {
			answer(w, try)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(h.server.Close)
	return h
}

func (h *hook) open(t *testing.T) *slack {
	t.Helper()
	cfg := spec.Notification{Name: "team", Type: "slack", URL: spec.NewSecret(h.server.URL + "/" + token), PrivateAddresses: true}
	channel, err := Open(cfg, Options{Now: clock, UserAgent: "assay/test"})
	if err != nil {
		t.Fatal(err)
	}
	s := channel.(*slack)
	s.pause = time.Millisecond
	s.client.Timeout = 300 * time.Millisecond
	return s
}

func rollback() Message {
	return Message{
		Experiment: "answer-v2", Event: "rollback", Verdict: "rollback", AsOf: now.Add(-2 * time.Minute),
		Reason: "error_rate of treatment is harmed beyond the margin of 10 %: 12.3 % against 4.67 %.",
		Done:   []string{"answer-v2 in local: coverage 100 %: control 100 %, treatment 0 % (delivered: written and read back)"},
		Link:   "https://reports.example/answer-v2/looks/20261103T000000Z-4f2a.html",
	}
}

func TestMessages(t *testing.T) {
	hostile := rollback()
	hostile.Experiment = "x*y"
	hostile.Reason = "<!channel> <@U1|bob> & @everyone [click](https://evil.example) \u202egnp\u2066 *bold* `code`\n*next* \x00\xff"
	hostile.Done = []string{"flag <http://evil|ok>\nin @here: done"}
	hostile.Link = "https://reports.example/a|b>c d&e"
	conflict, refused, approval, long := rollback(), rollback(), rollback(), rollback()
	approval.Event = "approval"
	conflict.Event, conflict.Proposal, conflict.Link = "conflict", true, ""
	refused.Event, refused.Done = "undelivered", nil
	long.Reason = strings.Repeat("ä<", 2000)
	for range 20 {
		long.Done = append(long.Done, strings.Repeat("<", 500))
	}
	for name, m := range map[string]Message{"rollback": rollback(), "hostile": hostile, "conflict": conflict, "undelivered": refused, "approval": approval, "long": long} {
		h := newHook(t)
		if err := h.open(t).Tell(t.Context(), m); err != nil {
			t.Fatal(name, err)
		}
		var sent payload
		if err := json.Unmarshal(h.bodies[0], &sent); err != nil {
			t.Fatal(name, err)
		}
		for _, b := range sent.Blocks {
			if b.Text != nil && len([]rune(b.Text.Text)) > 3000 {
				t.Errorf("%s: a block has %d characters", name, len([]rune(b.Text.Text)))
			}
		}
		for _, ping := range []string{"<!", "<@", "@everyone", "@here", "](", "\u202e", "\u2066"} {
			if strings.Contains(strings.ReplaceAll(string(h.bodies[0]), `\u003c`, "<"), ping) {
				t.Errorf("%s: the message has %q: %s", name, ping, h.bodies[0])
			}
		}
		var pretty bytes.Buffer
		encoder := json.NewEncoder(&pretty)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(sent); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name+".golden.json")
		if *update {
			if err := os.WriteFile(golden, pretty.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnswers(t *testing.T) {
	status := func(code int, header ...string) func(http.ResponseWriter, int) {
		return func(w http.ResponseWriter, _ int) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			http.Error(w, "token "+token, code)
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, int)
		kind   error
		says   string
		wait   time.Duration
		tries  int
	}{
		"ok":                 {nil, nil, "", 0, 1},
		"no content":         {func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNoContent) }, nil, "", 0, 1},
		"not at once":        {func(w http.ResponseWriter, try int) { w.WriteHeader(map[bool]int{true: 503, false: 200}[try < 3]) }, nil, "", 0, 3},
		"down":               {status(503), ErrUnavailable, "not available: status 503 Service Unavailable", 0, 3},
		"invalid payload":    {status(400), ErrRefused, "refused: status 400 Bad Request", 0, 1},
		"not allowed":        {status(403), ErrRefused, "refused: status 403 Forbidden", 0, 1},
		"no service":         {status(404), ErrGone, "the channel is gone: status 404 Not Found", 0, 1},
		"archived":           {status(410), ErrGone, "the channel is gone: status 410 Gone", 0, 1},
		"too many":           {status(429, "Retry-After", "30"), ErrUnavailable, "not available: status 429 Too Many Requests", 30 * time.Second, 1},
		"too many, for long": {status(429, "Retry-After", "999999999"), ErrUnavailable, "not available: status 429 Too Many Requests", 24 * time.Hour, 1},
		"too many, a date":   {status(429, "Retry-After", now.Add(time.Minute).Format(http.TimeFormat)), ErrUnavailable, "status 429", time.Minute, 1},
		"elsewhere":          {status(302, "Location", "http://127.0.0.1:9/x"), ErrRefused, "refused: status 302 Found; redirects are not followed", 0, 1},
		"hangs":              {func(http.ResponseWriter, int) { time.Sleep(time.Second) }, ErrUnavailable, "not available: no answer in time", 0, 3},
		"drops":              {func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }, ErrUnavailable, "not available: the connection was closed before there was an answer", 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t)
			h.answer = c.answer
			channel := h.open(t)
			err := channel.Tell(t.Context(), rollback())
			if !errors.Is(err, c.kind) || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %v: %s", err, c.kind, c.says)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if len(h.bodies) != c.tries {
				t.Errorf("%d tries, want %d", len(h.bodies), c.tries)
			}
			if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter != c.wait {
				t.Errorf("wait %s, want %s", e.RetryAfter, c.wait)
			}
			for _, said := range []string{fmt.Sprint(err), fmt.Sprintf("%+v %#v", channel, channel)} {
				if strings.Contains(said, "T0KEN") || strings.Contains(said, h.server.URL) {
					t.Errorf("%s shows the address", said)
				}
			}
		})
	}
}

// TestPrivate is the same channel where private addresses are not allowed.
func TestPrivate(t *testing.T) {
	h := newHook(t)
	cfg := spec.Notification{Name: "team", Type: "slack", URL: spec.NewSecret(h.server.URL + "/" + token)}
	channel, err := Open(cfg, Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	err = channel.Tell(t.Context(), rollback())
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "private") || len(h.bodies) > 0 {
		t.Errorf("%v after %d messages", err, len(h.bodies))
	}
}

func TestOpenRefuses(t *testing.T) {
	good := spec.Notification{Name: "team", Type: "slack", URL: spec.NewSecret("https://chat.example/T0KEN")}
	for says, spoil := range map[string]func(*spec.Notification, *Options){
		`channel team: type "pager" is not one of slack`:          func(n *spec.Notification, _ *Options) { n.Type = "pager" },
		"channel team: no clock":                                  func(_ *spec.Notification, o *Options) { o.Now = nil },
		"channel team: its address is not an http or https URL":   func(n *spec.Notification, _ *Options) { n.URL = spec.NewSecret("ftp://T0KEN") },
		"channel team: its address is not an http or https URL ":  func(n *spec.Notification, _ *Options) { n.URL = spec.Secret{} },
		"channel team: its address is not an http or https URL  ": func(n *spec.Notification, _ *Options) { n.URL = spec.NewSecret("https://\x00T0KEN") },
	} {
		n, o := good, Options{Now: clock}
		spoil(&n, &o)
		if _, err := Open(n, o); err == nil || err.Error() != strings.TrimSpace(says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
