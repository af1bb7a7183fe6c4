// Package outbound is how assay sends requests: to flag stores, receivers of
// notifications, and whoever is pinged.
//
// In: a Policy. Out: an http.Client that waits no longer than promised, follows
// no redirect, speaks TLS 1.2 or newer, and connects to public addresses only,
// unless the policy allows private ones. Send bounds what is read of an answer.
// Invariant: no text of this package names an address.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// DefaultTimeout bounds a request, from the name's resolution to the last byte
// of the answer, where a policy has no other.
const DefaultTimeout = 15 * time.Second

const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	maxHeader        = 64 << 10 // bytes
)

// Policy is what the requests of one receiver may do.
type Policy struct {
	// PrivateAddresses allows addresses of private networks and of this machine,
	// and with them the proxy of the environment: who is behind one is not seen.
	PrivateAddresses bool
	Timeout          time.Duration // of a whole request; 0 = DefaultTimeout
}

// ErrPrivate says that a name resolves to an address that is not public. It is
// found when the connection is made, for the address that is connected to: a name
// that resolves to another one the second time gains nothing.
var ErrPrivate = errors.New("the address is private, and private_addresses is not set")

// Client returns a client that keeps to the policy.
func Client(p Policy) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeader,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        time.Minute,
	}
	if p.PrivateAddresses {
		transport.Proxy = http.ProxyFromEnvironment
	} else {
		dialer.Control = publicOnly
	}
	return Strict(&http.Client{Transport: transport, Timeout: p.Timeout})
}

// Strict is the client without redirects, and with a time limit where it has
// none.
func Strict(client *http.Client) *http.Client {
	strict := *client
	strict.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if strict.Timeout == 0 {
		strict.Timeout = DefaultTimeout
	}
	return &strict
}

// publicOnly refuses an address that a socket is about to connect to.
func publicOnly(_, address string, _ syscall.RawConn) error {
	if !Public(address) {
		return ErrPrivate
	}
	return nil
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	// Body is at most as long as was asked for; Cut says that there was more,
	// Lost why the rest never came.
	Body []byte
	Cut  bool
	Lost error
}

// Send makes one request and reads at most so many bytes of the answer. The
// error is that of the client and may name the address: show Trouble instead.
func Send(client *http.Client, request *http.Request, most int64) (Answer, error) {
	answer, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	got := Answer{Status: answer.StatusCode, Header: answer.Header, Body: body, Lost: err}
	if int64(len(body)) > most {
		got.Body, got.Cut = body[:most], true
	}
	return got, nil
}

// LongestWait bounds what an answer may ask to wait.
const LongestWait = 24 * time.Hour

// RetryAfter is how long the answer asks to wait, in seconds or until an HTTP
// date; 0 where it asks for neither.
func (a Answer) RetryAfter(now time.Time) time.Duration {
	value, wait := a.Header.Get("Retry-After"), time.Duration(0)
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), LongestWait)
}

// causes are failures in words of our own.
var causes = []struct {
	cause error
	words string
}{
	{ErrPrivate, "the address is private: set private_addresses: true if it is meant to be"},
	{syscall.ECONNREFUSED, "connection refused"},
	{syscall.ECONNRESET, "the connection was closed before there was an answer"},
	{io.EOF, "the connection was closed before there was an answer"},
	{io.ErrUnexpectedEOF, "the connection was closed before there was an answer"},
}

// Trouble says why there was no answer without naming the address.
func Trouble(ctx context.Context, err error) string {
	if errors.Is(ctx.Err(), context.Canceled) {
		return "stopped before there was an answer"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name of the host does not resolve"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate of the host is not valid"
	}
	for _, c := range causes {
		if errors.Is(err, c.cause) {
			return c.words
		}
	}
	return "the connection failed"
}
