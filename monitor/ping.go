package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"assay/spec"
)

// Bounds of one signal: how long an attempt may take, how many there are, and
// what lies between two.
const (
	pingTimeout = 10 * time.Second
	pingTries   = 3
	pingPause   = time.Second
	// startWait is how long the end of a run waits for its start to be told.
	startWait = 2 * time.Second
)

// Pinger tells a URL of runs, as healthchecks.io and those like it want it:
// <url>/start, then <url>/<exit code>, both with the same ?rid=<uuid>. What goes
// wrong with it is logged, without the URL, and has no other consequence.
type Pinger struct {
	url     spec.Secret
	client  *http.Client
	log     *slog.Logger
	timeout time.Duration
	pause   time.Duration
}

// NewPinger is a pinger for a URL; without one it does nothing.
func NewPinger(address spec.Secret, agent string, log *slog.Logger) *Pinger {
	client := &http.Client{
		Transport:     named{agent},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Pinger{url: address, client: client, log: log, timeout: pingTimeout, pause: pingPause}
}

// named says who asks.
type named struct{ agent string }

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", n.agent)
	return http.DefaultTransport.RoundTrip(r)
}

// Ended tells how a run ended; body is for people.
type Ended func(ctx context.Context, code int, body string)

// Begin tells that a run begins, beside it, and returns what tells its end. A
// start that is still being told two seconds after the end is given up.
func (p *Pinger) Begin(ctx context.Context) Ended {
	if p.url.IsZero() {
		return func(context.Context, int, string) {}
	}
	rid := uuid.NewString()
	ctx, giveUp := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		p.tell(ctx, "start", rid, "")
	}()
	return func(ctx context.Context, code int, body string) {
		timer := time.AfterFunc(startWait, giveUp)
		<-told
		timer.Stop()
		giveUp()
		p.tell(ctx, strconv.Itoa(code), rid, body)
	}
}

// tell sends one signal, at most three times.
func (p *Pinger) tell(ctx context.Context, signal, rid, body string) {
	address, err := signalURL(p.url.Reveal(), signal, rid)
	if err != nil {
		p.log.Warn("the ping URL is not usable", "signal", signal)
		return
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, p.send(ctx, address, body) },
		backoff.WithBackOff(backoff.NewConstantBackOff(p.pause)), backoff.WithMaxTries(pingTries))
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
		p.log.Warn("a ping did not arrive; the run is what it is", "signal", signal, "why", err.Error())
	}
}

// signalURL is where a signal goes; a query of the URL stays.
func signalURL(base, signal, rid string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u = u.JoinPath(signal)
	query := u.Query()
	query.Set("rid", rid)
	u.RawQuery, u.Fragment = query.Encode(), ""
	return u.String(), nil
}

// send makes one attempt. Its error says why in words of our own: those of the
// library would show the URL.
func (p *Pinger) send(ctx context.Context, address, body string) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return backoff.Permanent(errors.New("the URL is not usable"))
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	answer, err := p.client.Do(request)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return errors.New("no answer in time")
		}
		return errors.New("the connection failed")
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10)
	_ = answer.Body.Close()
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fmt.Errorf("status %d", status)
	default:
		return backoff.Permanent(fmt.Errorf("status %d", status))
	}
}
