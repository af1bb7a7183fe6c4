package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14:443": true, "8.8.8.8:53": true, "172.15.255.255:1": true, "172.32.0.1:1": true,
		"100.63.255.255:1": true, "100.128.0.1:1": true, "169.253.0.1:1": true, "192.167.1.1:1": true,
		"[2606:4700::1111]:443": true, "[::ffff:8.8.8.8]:443": true, "[64:ff9b::8.8.8.8]:443": true,

		"127.0.0.1:80": false, "127.255.0.1:80": false, "0.0.0.0:80": false, "0.1.2.3:80": false, "10.1.2.3:80": false,
		"172.16.0.1:80": false, "172.31.255.255:80": false, "192.168.0.1:80": false, "100.64.0.1:80": false,
		"169.254.169.254:80": false, "198.18.0.1:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false,
		"192.0.0.192:80": false, "[::1]:80": false, "[::]:80": false, "[::ffff:127.0.0.1]:80": false,
		"[::ffff:169.254.169.254]:80": false, "[::ffff:10.0.0.1]:80": false, "[::127.0.0.1]:80": false,
		"[64:ff9b::10.0.0.1]:80": false, "[64:ff9b::169.254.169.254]:80": false, "[64:ff9b:1::808:808]:80": false,
		"[fc00::1]:80": false, "[fd00:ec2::254]:80": false, "[fe80::1]:80": false, "[fe80::1%eth0]:80": false,
		"[fec0::1]:80": false, "[2002:7f00:1::]:80": false, "[2001::1]:80": false, "[ff02::1]:80": false,
		"localhost:80": false, "": false, "8.8.8.8": false, "/run/socket": false,
	} {
		if got := Public(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// counting is a server on this machine that counts who comes.
func counting(t *testing.T, answer http.HandlerFunc) (server *httptest.Server, asked *int) {
	t.Helper()
	asked = new(int)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked++
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server, asked
}

func send(t *testing.T, client *http.Client, url string) (Answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Send(client, request, 10)
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	server, asked := counting(t, func(http.ResponseWriter, *http.Request) {})
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"} {
		_, err := send(t, Client(Policy{}), "http://"+host+port)
		if err == nil {
			t.Errorf("%s was reached", host)
			continue
		}
		if words := Trouble(t.Context(), err); strings.Contains(words, host) || strings.Contains(words, port) {
			t.Errorf("%q names the address", words)
		}
	}
	_, err := send(t, Client(Policy{}), server.URL)
	if !errors.Is(err, ErrPrivate) || !strings.Contains(Trouble(t.Context(), err), "private_addresses: true") {
		t.Errorf("%v: %s", err, Trouble(t.Context(), err))
	}
	if *asked != 0 {
		t.Fatalf("%d requests arrived", *asked)
	}
	if got, err := send(t, Client(Policy{PrivateAddresses: true}), server.URL); err != nil || got.Status != http.StatusOK || *asked != 1 {
		t.Errorf("allowed: %+v, %v", got, err)
	}
}

// TestRebinding has a name that resolves to this machine only when the
// connection is made.
func TestRebinding(t *testing.T) {
	server, asked := counting(t, func(http.ResponseWriter, *http.Request) {})
	client := Client(Policy{})
	transport := client.Transport.(*http.Transport)
	dial, resolved := transport.DialContext, 0
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		resolved++
		return dial(ctx, network, server.Listener.Addr().String())
	}
	if _, err := send(t, client, "http://flags.example/"); !errors.Is(err, ErrPrivate) {
		t.Errorf("%v", err)
	}
	if resolved != 1 || *asked != 0 {
		t.Errorf("resolved %d times, %d requests arrived", resolved, *asked)
	}
}

// TestNoProxyPastTheGuard: a proxy of the environment would hide who is asked.
func TestNoProxyPastTheGuard(t *testing.T) {
	proxied := func(p Policy) bool { return Client(p).Transport.(*http.Transport).Proxy != nil }
	if proxied(Policy{}) || !proxied(Policy{PrivateAddresses: true}) {
		t.Error("the proxy of the environment is used with the guard, or not without")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	server, asked := counting(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	got, err := send(t, Client(Policy{PrivateAddresses: true}), server.URL)
	if err != nil || got.Status != http.StatusTemporaryRedirect || *asked != 1 {
		t.Errorf("%+v, %v after %d requests", got, err, *asked)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	for body, want := range map[string]Answer{
		"":            {Status: 200},
		"0123456789":  {Status: 200, Body: []byte("0123456789")},
		"0123456789a": {Status: 200, Body: []byte("0123456789"), Cut: true},
	} {
		server, _ := counting(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
		got, err := send(t, Client(Policy{PrivateAddresses: true}), server.URL)
		if err != nil || got.Status != want.Status || string(got.Body) != string(want.Body) || got.Cut != want.Cut || got.Lost != nil {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
	server, _ := counting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "9")
		_, _ = w.Write([]byte("0123"))
	})
	if got, err := send(t, Client(Policy{PrivateAddresses: true}), server.URL); err != nil || got.Lost == nil {
		t.Errorf("a torn answer: %+v, %v", got, err)
	}
}

func TestTimeouts(t *testing.T) {
	server, _ := counting(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	_, err := send(t, Client(Policy{PrivateAddresses: true, Timeout: 50 * time.Millisecond}), server.URL)
	if words := Trouble(t.Context(), err); words != "no answer in time" {
		t.Errorf("%v: %s", err, words)
	}
	if got := Client(Policy{}).Timeout; got != DefaultTimeout {
		t.Errorf("timeout %v", got)
	}
	if got := Strict(&http.Client{}); got.Timeout != DefaultTimeout || got.CheckRedirect == nil {
		t.Errorf("%+v", got)
	}
}

// TestOldTLS has a server that speaks no newer TLS than 1.1.
func TestOldTLS(t *testing.T) {
	for version, works := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		server.Config.ErrorLog = nil
		server.StartTLS()
		defer server.Close()
		client := Client(Policy{PrivateAddresses: true})
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		client.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
		if _, err := send(t, client, server.URL); (err == nil) != works {
			t.Errorf("TLS %x: %v", version, err)
		}
		if _, err := send(t, Client(Policy{PrivateAddresses: true}), server.URL); err == nil || works && Trouble(t.Context(), err) != "the certificate of the host is not valid" {
			t.Errorf("an unknown certificate: %v", err)
		}
	}
}

func TestTrouble(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for want, c := range map[string]struct {
		ctx context.Context
		err error
	}{
		"stopped before there was an answer":    {stopped, errors.New("secret.example")},
		"the name of the host does not resolve": {t.Context(), &net.DNSError{Err: "no such host", Name: "secret.example"}},
		"the connection failed":                 {t.Context(), errors.New("secret.example")},
	} {
		if got := Trouble(c.ctx, c.err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
