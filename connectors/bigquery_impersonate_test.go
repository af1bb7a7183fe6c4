package connectors_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/connectors"
	"assay/connectors/bigquerytest"
)

// identityService is a service on this machine to which every connection that is
// meant for that of Google's identities goes; the client knows no other address.
func identityService(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	usual := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = usual })
	here := usual.(*http.Transport).Clone()
	here.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if host, _, _ := net.SplitHostPort(address); host != "iamcredentials.googleapis.com" {
			return nil, &net.AddrError{Err: "the test knows no such address", Addr: address}
		}
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // A server of this test.
		return d.DialContext(ctx, network, strings.TrimPrefix(s.URL, "https://"))
	}
	http.DefaultTransport = here
}

// TestBigQueryImpersonates: the account of the file asks for a token of the other
// one, with the right of BigQuery and no more, and that token is what the service
// sees. Where it may not, the service's words say so and no token shows.
func TestBigQueryImpersonates(t *testing.T) {
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "token-of-the-file", "expires_in": 3600, "token_type": "Bearer"}`))
	}))
	defer tokens.Close()
	var allowed atomic.Bool
	allowed.Store(true)
	var asked atomic.Pointer[string]
	identityService(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Scope []string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		said := r.Method + " " + r.URL.Path + " " + r.Header.Get("Authorization") + " " + strings.Join(body.Scope, ",")
		asked.Store(&said)
		w.Header().Set("Content-Type", "application/json")
		if !allowed.Load() {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied", "status": "PERMISSION_DENIED"}}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"accessToken": "token-of-the-other", "expireTime": "2100-01-01T00:00:00Z"})
	})
	var header atomic.Value
	s := serveBigQuery(t, func(s *bigquerytest.Server) {
		s.Refuse = func(r *http.Request) *bigquerytest.Problem { header.Store(r.Header.Get("Authorization")); return nil }
	})
	cfg := s.spec(10 * time.Second)
	cfg.CredentialsFile, cfg.Impersonate = robot(t, tokens.URL), "looks@other-project.iam.gserviceaccount.com"
	run(t, begin(t, open(t, cfg, "")), "SELECT CAST(1 AS INT64) AS i")
	if header.Load() != "Bearer token-of-the-other" {
		t.Errorf("signed in with %v", header.Load())
	}
	want := "POST /v1/projects/-/serviceAccounts/looks@other-project.iam.gserviceaccount.com:generateAccessToken Bearer token-of-the-file https://www.googleapis.com/auth/bigquery"
	if got := asked.Load(); got == nil || *got != want {
		t.Errorf("asked for\n%v\nwant\n%s", *got, want)
	}
	allowed.Store(false)
	_, err := connectors.Open(t.Context(), cfg, "")
	wantFault(t, err, connectors.FaultWarehouse)
	if err == nil || !strings.Contains(err.Error(), "iam.serviceAccounts.getAccessToken") || strings.Contains(err.Error(), "token-of") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
