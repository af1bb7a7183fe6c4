package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"assay/connectors/outbound"
	"assay/spec"
)

// Bounds of one signal: how long an attempt may take, how many there are, and
// what lies between two.
const (
	pingTimeout = 10 * time.Second
	pingTries   = 3
	pingPause   = time.Second
	mostRead    = 4 << 10 // bytes of an answer
	// startWait is how long the end of a run waits for its start to be told.
	startWait = 2 * time.Second
)

// Pinger tells a URL of runs, as healthchecks.io and those like it want it:
// <url>/start, then <url>/<exit code>, both with the same ?rid=<uuid>. What goes
// wrong with it is logged, without the URL, and has no other consequence.
type Pinger struct {
	url    spec.Secret
	agent  string
	client *http.Client // bounds the time of an attempt
	log    *slog.Logger
	pause  time.Duration
}

// NewPinger is a pinger for the URL of a schedule; without one it does nothing.
func NewPinger(s spec.Schedule, agent string, log *slog.Logger) *Pinger {
	return &Pinger{
		url: s.PingURL, agent: agent, log: log, pause: pingPause,
		client: outbound.Client(outbound.Policy{PrivateAddresses: s.PrivateAddresses, Timeout: pingTimeout}),
	}
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
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return backoff.Permanent(errors.New("the URL is not usable"))
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	request.Header.Set("User-Agent", p.agent)
	answer, err := outbound.Send(p.client, request, mostRead)
	if err != nil {
		trouble := errors.New(outbound.Trouble(ctx, err))
		if errors.Is(err, outbound.ErrPrivate) {
			return backoff.Permanent(trouble)
		}
		return trouble
	}
	switch status := answer.Status; {
	case status >= 200 && status < 300:
		return nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return fmt.Errorf("status %d", status)
	default:
		return backoff.Permanent(fmt.Errorf("status %d", status))
	}
}
