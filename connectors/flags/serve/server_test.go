package serve_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"assay/connectors/flags"
)

// header asks for a path and returns the status and the headers.
func (w *world) header(path string, given ...string) (int, http.Header) {
	w.t.Helper()
	q, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.http.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(given); i += 2 {
		q.Header.Set(given[i], given[i+1])
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode, a.Header
}

// TestETag asks again with the tag: 304 until something that is served changed.
func TestETag(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	for _, path := range []string{"/api/features/any", "/flagd/flags.json"} {
		status, h := w.header(path)
		tag := h.Get("ETag")
		if status != 200 || tag == "" || h.Get("Cache-Control") != "no-cache" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", path, status, h)
		}
		if status, _ := w.header(path, "If-None-Match", tag); status != 304 {
			t.Errorf("%s: %d with its tag", path, status)
		}
		if status, _ := w.header(path, "If-None-Match", `"x"`); status != 200 {
			t.Errorf("%s: %d with another tag", path, status)
		}
		was := w.state()
		target := half(was.Coverage + 0.1)
		if r := w.deliver(change("d_"+strings.ReplaceAll(tag, `"`, ""), "ramp", was, target)); r.Outcome != flags.OutcomeDelivered {
			t.Fatalf("%+v", r)
		}
		if status, h := w.header(path, "If-None-Match", tag); status != 200 || h.Get("ETag") == tag {
			t.Errorf("%s: %d after a change", path, status)
		}
	}
}

// TestReadKey lets those read who know the key; webhooks need none.
func TestReadKey(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1")))
	w.key = "k3y"
	w.start()
	for _, c := range []struct {
		path   string
		header []string
		status int
	}{
		{"/api/features/k3y", nil, 200},
		{"/api/features/k3", nil, 401},
		{"/api/features/other", nil, 401},
		{"/flagd/flags.json", nil, 401},
		{"/flagd/flags.json?key=k3y", nil, 200},
		{"/flagd/flags.json?key=", nil, 401},
		{"/flagd/flags.json", []string{"Authorization", "Bearer k3y"}, 200},
		{"/flagd/flags.json", []string{"Authorization", "Bearer no"}, 401},
		{"/state/answer", nil, 401},
		{"/state/none", nil, 401},
		{"/state/answer?key=k3y", nil, 200},
		{"/healthz", nil, 200},
	} {
		if status, text := w.get(c.path, c.header...); status != c.status || status != 200 && strings.Contains(text, "answer") {
			t.Errorf("%s %v: %d %s, want %d", c.path, c.header, status, text, c.status)
		}
	}
	if _, h := w.header("/api/features/k3y"); h.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("%v", h)
	}
	if r := w.deliver(rollback("d_1", half(0.1))); r.Outcome != flags.OutcomeDelivered {
		t.Errorf("%+v", r)
	}
	w.write("{")
	if _, text := w.get("/healthz"); strings.Contains(text, "flags.json") || !strings.Contains(text, `"problems":1`) {
		t.Errorf("health tells a stranger %s", text)
	}
	if _, text := w.get("/healthz?key=k3y"); !strings.Contains(text, "flags.json:1:") {
		t.Errorf("health tells %s", text)
	}
	if strings.Contains(w.log.String(), "k3y") {
		t.Error("the log has the key")
	}
}

// TestOrigin lets a page of one origin read, or none.
func TestOrigin(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	if _, h := w.header("/api/features/x"); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", h)
	}
	w.stop()
	w.origin = "https://shop.example"
	w.start()
	if _, h := w.header("/api/features/x"); h.Get("Access-Control-Allow-Origin") != w.origin {
		t.Errorf("%v", h)
	}
}

// TestOtherRequests are answered, and change nothing.
func TestOtherRequests(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/webhook", 405},
		{http.MethodPost, "/state/answer", 405},
		{http.MethodDelete, "/flagd/flags.json", 405},
		{http.MethodGet, "/", 404},
		{http.MethodGet, "/state/", 404},
		{http.MethodGet, "/flags.json", 404},
		{http.MethodHead, "/flagd/flags.json", 200},
	} {
		q, err := http.NewRequestWithContext(t.Context(), c.method, w.http.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, text := w.do(q); status != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, text)
		}
	}
}

// TestStop ends the server while a request is under way: it is finished first.
func TestStop(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.server.Serve(ctx, listener) }()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	text := string(body(rollback("d_1", half(0.1))))
	if _, err := io.WriteString(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 20\r\n\r\n"+text[:10]); err != nil {
		t.Fatal(err)
	}
	// A second request makes sure that the first one's bytes have arrived.
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := w.do(q); status != 200 {
		t.Fatal(status, text)
	}
	stop()
	if _, err := io.WriteString(conn, text[10:20]); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401") {
		t.Errorf("%v: %s", err, answer)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestHealth tells how many flags are served, and since when.
func TestHealth(t *testing.T) {
	w := newWorld(t, file(`"answer": `+two("0.1"))).start()
	_, text := w.get("/healthz")
	var health map[string]any
	if err := json.Unmarshal([]byte(text), &health); err != nil || health["flags"] != 1.0 || health["status"] != "ok" || health["since"] != "2026-11-03T00:02:00Z" {
		t.Errorf("%s", text)
	}
}
