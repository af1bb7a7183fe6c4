package monitor

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/spec"
)

// listener is a service that waits for pings.
type listener struct {
	server *httptest.Server
	answer func(w http.ResponseWriter, r *http.Request, n int) // to the nth ping

	mu    sync.Mutex
	pings []string // path, rid and body
}

func newListener(t *testing.T) *listener {
	t.Helper()
	l := &listener{answer: func(http.ResponseWriter, *http.Request, int) {}}
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		l.pings = append(l.pings, r.Method+" "+r.URL.RequestURI()+" "+string(body))
		n := len(l.pings)
		l.mu.Unlock()
		l.answer(w, r, n)
	}))
	t.Cleanup(l.server.Close)
	return l
}

// pinger is one of little patience, with its log.
func (l *listener) pinger(path string) (*Pinger, *bytes.Buffer) {
	var log bytes.Buffer
	s := spec.Schedule{PingURL: spec.NewSecret(l.server.URL + path), PrivateAddresses: true}
	p := NewPinger(s, "assay/test", slog.New(slog.NewTextHandler(&log, nil)))
	p.pause = time.Millisecond
	return p, &log
}

// rid closes the service and takes the only rid out of its pings.
func (l *listener) rid(t *testing.T) (pings []string) {
	t.Helper()
	l.server.Close() // waits for what is still being answered
	rids := map[string]bool{}
	for _, ping := range l.pings {
		_, after, _ := strings.Cut(ping, "rid=")
		rid := after[:min(36, len(after))]
		rids[rid] = true
		pings = append(pings, strings.ReplaceAll(ping, rid, "RID"))
	}
	if len(rids) != 1 || len(l.pings[0]) < 36 {
		t.Errorf("rids %v", rids)
	}
	return pings
}

func TestPing(t *testing.T) {
	for path, want := range map[string][]string{
		"/hook":            {"POST /hook/start?rid=RID ", "POST /hook/3?rid=RID hold  tone\n"},
		"/hook/":           {"POST /hook/start?rid=RID ", "POST /hook/3?rid=RID hold  tone\n"},
		"/k/slug?create=1": {"POST /k/slug/start?create=1&rid=RID ", "POST /k/slug/3?create=1&rid=RID hold  tone\n"},
		"/a%2Fb":           {"POST /a%2Fb/start?rid=RID ", "POST /a%2Fb/3?rid=RID hold  tone\n"},
	} {
		l := newListener(t)
		p, log := l.pinger(path)
		p.Begin(t.Context())(t.Context(), 3, "hold  tone\n")
		if got := l.rid(t); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if log.Len() > 0 {
			t.Errorf("%s: %s", path, log)
		}
	}
}

func TestPingTwoRuns(t *testing.T) {
	l := newListener(t)
	p, _ := l.pinger("/hook")
	first := p.Begin(t.Context())
	second := p.Begin(t.Context())
	first(t.Context(), 0, "")
	second(t.Context(), 0, "")
	l.server.Close()
	count := map[string]int{}
	for _, ping := range l.pings {
		_, rid, _ := strings.Cut(ping, "rid=")
		count[strings.TrimSpace(rid)]++
	}
	if len(count) != 2 || len(l.pings) != 4 {
		t.Errorf("%q", l.pings)
	}
}

func TestNoPingWithoutURL(t *testing.T) {
	NewPinger(spec.Schedule{}, "assay/test", slog.New(slog.DiscardHandler)).Begin(t.Context())(t.Context(), 0, "")
}

// What goes wrong has its bound, is said without the URL, and harms nothing.
func TestPingsThatDoNotArrive(t *testing.T) {
	elsewhere := newListener(t)
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request, int)
		ends   int // how often the end is tried
		said   string
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(500) }, 3, "status 500"},
		"429": {func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(429) }, 3, "status 429"},
		"404": {func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(404) }, 1, "status 404"},
		"redirect": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, elsewhere.server.URL, http.StatusTemporaryRedirect)
		}, 1, "status 307"},
		"hang": {func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }, 3, "no answer in time"},
		"drop": {func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }, 3, "the connection was closed before there was an answer"},
		"once": {func(w http.ResponseWriter, r *http.Request, _ int) {
			if strings.Contains(r.URL.Path, "start") {
				w.WriteHeader(503)
			}
		}, 1, "status 503"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newListener(t)
			l.answer = c.answer
			p, log := l.pinger("/T0KEN")
			if name == "hang" {
				p.client.Timeout = 2 * time.Second
			}
			p.Begin(t.Context())(t.Context(), 0, "all well")
			ends := 0
			for _, ping := range l.rid(t) {
				if strings.HasPrefix(ping, "POST /T0KEN/0") {
					ends++
				}
			}
			if ends != c.ends || !strings.Contains(log.String(), c.said) {
				t.Errorf("%d pings of the end, want %d; log:\n%s", ends, c.ends, log)
			}
			if host := strings.TrimPrefix(l.server.URL, "http://"); strings.Contains(log.String(), "T0KEN") || strings.Contains(log.String(), host) {
				t.Errorf("the log shows the URL:\n%s", log)
			}
		})
	}
	if len(elsewhere.pings) > 0 {
		t.Errorf("a redirect was followed: %q", elsewhere.pings)
	}
}

func TestPingNobodyThere(t *testing.T) {
	l := newListener(t)
	p, log := l.pinger("/T0KEN")
	l.server.Close()
	p.Begin(t.Context())(t.Context(), 0, "")
	if got := log.String(); strings.Count(got, "connection refused") != 2 || strings.Contains(got, "127.0.0.1") {
		t.Errorf("log:\n%s", got)
	}
	odd, log := l.pinger("/%zz")
	odd.Begin(t.Context())(t.Context(), 0, "")
	if !strings.Contains(log.String(), "not usable") || strings.Contains(log.String(), "zz") {
		t.Errorf("log:\n%s", log)
	}
}

// Nobody is pinged in a private network unless the spec says that it is meant.
func TestPingPrivate(t *testing.T) {
	l := newListener(t)
	var log bytes.Buffer
	s := spec.Schedule{PingURL: spec.NewSecret(l.server.URL + "/T0KEN")}
	NewPinger(s, "assay/test", slog.New(slog.NewTextHandler(&log, nil))).Begin(t.Context())(t.Context(), 0, "")
	l.server.Close()
	if len(l.pings) > 0 || strings.Count(log.String(), "the address is private") != 2 || strings.Contains(log.String(), "T0KEN") {
		t.Errorf("%q, log:\n%s", l.pings, &log)
	}
}

// A run that is stopped waits no longer for its ping than its context says.
func TestPingGivenUp(t *testing.T) {
	l := newListener(t)
	l.answer = func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }
	p, _ := l.pinger("/hook")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p.Begin(ctx)(ctx, 143, "")
	l.server.Close()
	if len(l.pings) > 2 {
		t.Errorf("%q", l.pings)
	}
}
