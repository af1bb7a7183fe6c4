package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/connectors/flags"
	"assay/connectors/notify"
	"assay/decide"
	"assay/ledger"
)

// Channel is where people are told, and what of.
type Channel struct {
	notify.Channel
	// On are the events that are told: verdicts, conflict, approval and undelivered.
	On []string
	// Experiments are those that it is told of.
	Experiments []string
}

// Notified is what became of telling one notice.
type Notified struct {
	Notice ledger.Notice
	Told   ledger.Told
}

// Events beside the verdicts.
const (
	eventConflict    = "conflict"
	eventUndelivered = "undelivered"
	eventApproval    = "approval"
)

const (
	// oldNews is after how long something is not told any more.
	oldNews = 3 * 24 * time.Hour
	// firstRetry and lastRetry bound the wait before a notice is tried by another
	// run; each is twice the one before.
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// Notify tells the channels what changed: first it records what each is to be
// told, then it tries what is still to be told, also from earlier runs. Of
// several notices about one experiment only the newest is told. A channel that
// fails is in the result; the error is one of the ledger.
func (j *Job) Notify(ctx context.Context) ([]Notified, error) {
	if len(j.Channels) == 0 || ctx.Err() != nil {
		return nil, nil
	}
	if err := j.notice(); err != nil {
		return nil, err
	}
	untold, err := j.Ledger.Untold()
	if err != nil {
		return nil, errLedger{err}
	}
	live, dropped := ledger.Newest(untold)
	for _, u := range dropped {
		if err := j.record(toldOf(u, ledger.OutcomeSuperseded, "a newer notice took its place")); err != nil {
			return nil, err
		}
	}
	var out []Notified
	silent := map[string]bool{}
	for _, u := range live {
		if ctx.Err() != nil {
			return out, nil
		}
		if silent[u.Notice.Channel] || u.NextTry.After(j.Now()) && j.Now().Sub(u.At) < oldNews {
			continue // Later: it stays recorded.
		}
		j.reached("before-notice")
		t := j.tell(ctx, u)
		j.reached("after-notice")
		if err := j.record(t); err != nil {
			return out, err
		}
		silent[u.Notice.Channel] = t.Outcome == ledger.OutcomeUnavailable
		out = append(out, Notified{u.Notice, t})
	}
	return out, nil
}

func toldOf(u ledger.Untold, outcome, message string) ledger.Told {
	return ledger.Told{
		Notice: u.Notice.ID, Experiment: u.Notice.Experiment, Channel: u.Notice.Channel,
		Outcome: outcome, Message: message, Try: u.Tries + 1,
	}
}

// tellings is what each kind of failure makes of a notice.
var tellings = map[error]string{
	notify.ErrRefused:     ledger.OutcomeRefused,
	notify.ErrGone:        ledger.OutcomeDisabled,
	notify.ErrUnavailable: ledger.OutcomeUnavailable,
}

// tell hands one notice to its channel.
func (j *Job) tell(ctx context.Context, u ledger.Untold) ledger.Told {
	n := u.Notice
	i := slices.IndexFunc(j.Channels, func(c Channel) bool { return c.Name() == n.Channel })
	switch {
	case i < 0:
		return toldOf(u, ledger.OutcomeExpired, "the channel is not in the spec any more")
	case j.Now().Sub(u.At) >= oldNews:
		return toldOf(u, ledger.OutcomeExpired, "it is no news any more")
	}
	err := j.Channels[i].Tell(ctx, notify.Message{
		Experiment: n.Experiment, Event: n.Event, Verdict: string(n.Verdict), Proposal: n.Proposal,
		AsOf: n.AsOf, Reason: n.Reason, Done: n.Done, Link: n.Link,
	})
	if err == nil {
		return toldOf(u, ledger.OutcomeTold, "")
	}
	failure, ok := errors.AsType[*notify.Error](err)
	if !ok {
		failure = &notify.Error{Kind: notify.ErrUnavailable, Detail: "it failed"}
	}
	t := toldOf(u, tellings[failure.Kind], failure.Error())
	if t.Outcome == ledger.OutcomeUnavailable {
		wait := min(firstRetry<<min(u.Tries, 10), lastRetry)
		t.NextTry = j.Now().UTC().Add(max(wait, failure.RetryAfter))
	}
	return t
}

// notice records what is to be told and is not recorded yet.
func (j *Job) notice() error {
	for _, c := range j.Channels {
		for _, name := range c.Experiments {
			due, err := j.due(c, name)
			if err != nil {
				return errLedger{err}
			}
			for _, n := range due {
				if j.Ledger.Noticed(n.ID) {
					continue
				}
				if err := j.record(n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// due are the notices that the newest decision about an experiment calls for:
// of its verdict, where that has changed, and of what became of it in the flag
// stores. Each has the same id at every later look of the same unbroken run of
// that verdict.
func (j *Job) due(c Channel, experiment string) ([]ledger.Notice, error) {
	latest, err := Latest(j.Ledger, experiment)
	if err != nil || latest == nil || j.Now().Sub(latest.At) >= oldNews {
		return nil, err
	}
	events, err := j.Ledger.Events(experiment)
	if err != nil {
		return nil, err
	}
	look := &latest.Body
	n := ledger.Notice{
		Experiment: experiment, Channel: c.Name(), Verdict: look.Decision.Verdict, Proposal: look.Decision.Proposal,
		AsOf: look.AsOf, Reason: look.Decision.Summary, Link: j.link(look),
	}
	var found []delivery
	for _, d := range look.Deliveries {
		found = append(found, delivery{d, lastAttempt(events, d.ID)})
		n.Done = append(n.Done, found[len(found)-1].line())
	}
	var out []ledger.Notice
	add := func(event, store string) {
		if !slices.Contains(c.On, event) {
			return
		}
		n.Event, n.ID = event, noticeID(c.Name(), look, event, store, lastClear(events))
		out = append(out, n)
	}
	if !over(look) {
		add(string(look.Decision.Verdict), "")
	}
	for _, d := range found {
		if event := d.event(); event != "" {
			add(event, d.Store)
		}
	}
	for _, f := range look.Health.Problems {
		if f.Code == eventConflict { // A person's change, seen in the flag itself.
			since := f.Since
			if since.IsZero() {
				since = look.AsOf
			}
			n.Done = append(n.Done, f.Text)
			add(eventConflict, "seen "+since.UTC().Format(time.RFC3339Nano))
		}
	}
	return out, nil
}

// over tells whether a look only says that the experiment had ended before it.
func over(look *ledger.Look) bool {
	return look.Decision.Verdict == decide.Hold && look.Standing.Ended != nil
}

// noticeID names an event of one unbroken run of looks with the same verdict.
func noticeID(channel string, look *ledger.Look, event, store string, cleared int64) string {
	since := look.Standing.VerdictSince
	if since.IsZero() {
		since = look.AsOf
	}
	key := strings.Join([]string{
		channel, look.Experiment, event, store, string(look.Decision.Verdict), since.UTC().Format(time.RFC3339Nano), fmt.Sprint(cleared),
	}, "\x00")
	sum := sha256.Sum256([]byte(key))
	return "n_" + hex.EncodeToString(sum[:8])
}

// delivery is what is owed to a store, and the last attempt at it.
type delivery struct {
	ledger.Delivery
	last *ledger.Attempt // nil = none yet
}

func lastAttempt(h *ledger.History, id string) *ledger.Attempt {
	for _, a := range slices.Backward(h.Attempts) {
		if a.Body.Delivery == id {
			return &a.Body
		}
	}
	return nil
}

// event is what somebody has to know of a delivery; "" = nothing.
func (d delivery) event() string {
	if d.last == nil {
		return ""
	}
	switch d.last.Outcome {
	case ledger.OutcomeConflict:
		return eventConflict
	case ledger.OutcomeApproval:
		return eventApproval
	case ledger.OutcomeRefused, ledger.OutcomeDisabled, ledger.OutcomeUnavailable:
		return eventUndelivered
	}
	return ""
}

// line says what was to be done in a store, and what became of it.
func (d delivery) line() string {
	what := fmt.Sprintf("%s in %s: %s", d.FlagKey, d.Store, flags.Describe(d.Target))
	if d.last == nil {
		return what + " (not tried yet)"
	}
	became := d.last.Message
	if !strings.HasPrefix(became, d.last.Outcome) {
		became = strings.TrimSuffix(d.last.Outcome+": "+became, ": ")
	}
	return fmt.Sprintf("%s (%s)", what, became)
}

// link is where a look's page is published; "" = nowhere.
func (j *Job) link(look *ledger.Look) string {
	base := j.Project.Config.Report.URL
	if base == "" {
		return ""
	}
	link, err := url.JoinPath(base, strings.Split(filepath.ToSlash(LookPath(look)), "/")...)
	if err != nil {
		return base
	}
	return link
}
