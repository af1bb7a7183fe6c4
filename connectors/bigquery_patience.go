//go:build !nobigquery

package connectors

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patient ends what the client would repeat until the context ends: a service
// that answers nothing, or nothing but that it is out of order, for too long.
type patient struct {
	base  http.RoundTripper
	limit time.Duration

	mu   sync.Mutex
	over *atomic.Bool // tells whether the failures in a row last too long; nil = there are none
}

// patience with a service that is out of reach: two minutes, and less where a
// statement may not take that long.
func patience(timeout time.Duration) time.Duration { return min(2*time.Minute, timeout/4) }

// lostError is a service that is out of reach. Neither its text nor what it unwraps
// to has the cause, in which the client would see a reason to go on.
type lostError struct {
	after time.Duration
	cause string
}

func (e *lostError) Error() string { return "the service is out of reach" }

// words are the text with the cause.
func (e *lostError) words() string {
	return fmt.Sprintf("the service is out of reach for %s: %s", e.after.Round(time.Second), e.cause)
}

// passingError is a connection that was closed under a request, which the client
// takes for the end of all. Every request may be repeated: jobs have ids.
type passingError struct{ error }

// Temporary tells the client to go on.
func (passingError) Temporary() bool { return true }

// RoundTrip passes a request on.
func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := p.base.RoundTrip(r)
	if r.Context().Err() != nil {
		return resp, err
	}
	if err == nil && resp.StatusCode < http.StatusInternalServerError {
		p.answered()
		return resp, nil
	}
	if !p.failed() {
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) {
			err = passingError{err}
		}
		return resp, err
	}
	if err != nil {
		return nil, &lostError{p.limit, err.Error()}
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
	_ = resp.Body.Close()
	return nil, &lostError{p.limit, resp.Status + " " + string(text)}
}

func (p *patient) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = nil
}

// failed tells whether patience is at an end, as it is until something is answered.
func (p *patient) failed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil {
		over := &atomic.Bool{}
		time.AfterFunc(p.limit, func() { over.Store(true) })
		p.over = over
	}
	return p.over.Load()
}
