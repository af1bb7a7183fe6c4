package job

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/connectors/notify"
	"assay/decide"
	"assay/ledger"
	"assay/spec"
)

// chat is a channel that keeps what it was told.
type chat struct {
	name string
	told []string
	err  error
}

func (c *chat) Name() string { return c.name }

func (c *chat) Tell(_ context.Context, m notify.Message) error {
	if c.err == nil {
		c.told = append(c.told, fmt.Sprintf("%s %s: %s", m.Event, m.Experiment, strings.Join(m.Done, "; ")))
	}
	return c.err
}

// notifiedJob is a job with channels and a clock of its own.
type notifiedJob struct {
	*Job
	t   *testing.T
	now time.Time
	seq int
}

func newNotified(t *testing.T, channels ...Channel) *notifiedJob {
	t.Helper()
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	n := &notifiedJob{t: t, now: time.Date(2026, 11, 2, 0, 2, 0, 0, time.UTC)}
	n.Job = &Job{Project: &spec.Project{}, Ledger: l, Channels: channels, Now: func() time.Time { return n.now }}
	return n
}

// decided records a look of x with its verdict, and what became of a delivery.
func (n *notifiedJob) decided(verdict decide.Verdict, since time.Time, outcomes ...string) {
	n.t.Helper()
	n.seq++
	look := ledger.Look{ID: fmt.Sprint("look-", n.seq), Experiment: "x", AsOf: n.now.Truncate(24 * time.Hour)}
	look.Decision.Verdict, look.Standing.VerdictSince = verdict, since
	for i := range outcomes {
		look.Deliveries = append(look.Deliveries, ledger.Delivery{ID: fmt.Sprintf("d-%d-%d", n.seq, i), Store: fmt.Sprint("store-", i), FlagKey: "x"})
	}
	if err := n.record(look); err != nil {
		n.t.Fatal(err)
	}
	for i, outcome := range outcomes {
		if err := n.record(ledger.Attempt{Delivery: look.Deliveries[i].ID, Experiment: "x", Outcome: outcome, Message: "because", Try: 1}); err != nil {
			n.t.Fatal(err)
		}
	}
}

// notify runs Notify and returns event and outcome of each notice.
func (n *notifiedJob) notify() (out []string) {
	n.t.Helper()
	notified, err := n.Notify(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	for _, one := range notified {
		out = append(out, one.Notice.Event+" "+one.Told.Outcome)
	}
	return out
}

func (n *notifiedJob) expect(want ...string) {
	n.t.Helper()
	if got := n.notify(); !slices.Equal(got, want) {
		n.t.Errorf("%q, want %q", got, want)
	}
}

func on(c notify.Channel, events ...string) Channel {
	return Channel{Channel: c, On: events, Experiments: []string{"x"}}
}

// TestNotifyOnce tells each change once, the verdict and its delivery together.
func TestNotifyOnce(t *testing.T) {
	team := &chat{name: "team"}
	n := newNotified(t, on(team, "rollback", "hold", "undelivered"))
	day := n.now.Truncate(24 * time.Hour)
	n.expect() // Nothing is known yet.
	n.decided(decide.Continue, day)
	n.expect()
	n.decided(decide.Rollback, day.Add(time.Hour), ledger.OutcomeDelivered, ledger.OutcomeRefused)
	n.expect("undelivered told")
	n.expect()
	n.decided(decide.Rollback, day.Add(time.Hour), ledger.OutcomeRefused, ledger.OutcomeRefused)
	n.expect("undelivered told") // Another store.
	n.decided(decide.Hold, day.Add(2*time.Hour))
	n.expect("hold told")
	n.decided(decide.Rollback, day.Add(3*time.Hour), ledger.OutcomeDelivered)
	n.expect("rollback told") // A new run of the same verdict.
	n.Channels = []Channel{on(team, "approval")}
	n.decided(decide.Ramp, day.Add(4*time.Hour), ledger.OutcomeApproval)
	n.expect("approval told")
	if len(team.told) != 5 || !strings.Contains(team.told[0], "x in store-1") || !strings.Contains(team.told[0], "(refused: because)") {
		t.Errorf("%q", team.told)
	}
}

// TestNotifyLater keeps what a channel did not take, and gives up in time.
func TestNotifyLater(t *testing.T) {
	team, other := &chat{name: "team"}, &chat{name: "other"}
	n := newNotified(t, on(team, "rollback", "hold"), on(other, "rollback"))
	day := n.now.Truncate(24 * time.Hour)
	team.err = &notify.Error{Kind: notify.ErrUnavailable, Detail: "status 503", RetryAfter: 10 * time.Minute}
	n.decided(decide.Rollback, day, ledger.OutcomeDelivered)
	n.expect("rollback unavailable", "rollback told")
	n.now = n.now.Add(9 * time.Minute)
	n.expect() // It asked to be left in peace.
	n.now = n.now.Add(time.Minute)
	n.expect("rollback unavailable")
	n.decided(decide.Hold, day.Add(time.Hour)) // Newer news.
	n.expect("hold unavailable")
	n.now = n.now.Add(oldNews - time.Hour)
	n.expect("hold unavailable")
	n.now = n.now.Add(time.Hour)
	n.expect("hold expired")
	n.now = n.now.Add(time.Hour)
	n.expect()
	n.decided(decide.Rollback, day.Add(2*time.Hour))
	team.err = &notify.Error{Kind: notify.ErrGone, Detail: "status 404"}
	n.expect("rollback disabled", "rollback told")
	n.expect()
	n.decided(decide.Hold, day.Add(3*time.Hour))
	team.err = errors.New("of no known kind")
	n.expect("hold unavailable")
	n.Channels = n.Channels[1:] // The channel is taken out of the spec.
	n.now = n.now.Add(2 * time.Hour)
	n.expect("hold expired")
}

// TestNotifyOldProject is a project that gets channels long after its last look.
func TestNotifyOldProject(t *testing.T) {
	team := &chat{name: "team"}
	n := newNotified(t, on(team, "ship"))
	n.decided(decide.Ship, n.now, ledger.OutcomeDelivered)
	n.now = n.now.Add(30 * 24 * time.Hour)
	n.expect()
}

// TestNotifyPerson tells of a person's change, and not of the hold after an end.
func TestNotifyPerson(t *testing.T) {
	team := &chat{name: "team"}
	n := newNotified(t, on(team, "hold", "conflict"))
	look := ledger.Look{ID: "1", Experiment: "x", AsOf: n.now}
	look.Decision.Verdict, look.Standing.Ended = decide.Hold, &decide.Terminal{Verdict: decide.Rollback, By: byPerson}
	if err := n.record(look); err != nil {
		t.Fatal(err)
	}
	n.expect()
	look.ID, look.Health.Problems = "2", []ledger.Finding{{Code: "conflict", Text: "A person changed the flag."}}
	if err := n.record(look); err != nil {
		t.Fatal(err)
	}
	n.expect("conflict told")
	n.expect()
}
