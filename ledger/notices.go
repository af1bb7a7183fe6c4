package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/decide"
)

// Notice is what a channel is to be told, recorded before it is tried. It is
// complete: what is told does not change between attempts.
type Notice struct {
	// ID is the same for the same change of the same experiment and channel.
	ID         string         `json:"id"`
	Experiment string         `json:"experiment"`
	Channel    string         `json:"channel"`
	Event      string         `json:"event"` // a verdict, conflict, approval or undelivered
	Verdict    decide.Verdict `json:"verdict"`
	Proposal   bool           `json:"proposal,omitempty"`
	AsOf       time.Time      `json:"asOf"`
	Reason     string         `json:"reason"` // one sentence
	// Done says what became of the flag, a line for each store.
	Done []string `json:"done,omitempty"`
	Link string   `json:"link,omitempty"` // of the look's page, where it is published
}

// Outcomes of an attempt to tell; refused, unavailable, disabled and superseded
// are those of deliveries.
const (
	OutcomeTold    = "told"    // the channel took it
	OutcomeExpired = "expired" // it is no news any more, or its channel is gone
)

// Told is one attempt to tell a notice.
type Told struct {
	Notice     string `json:"notice"` // Notice.ID
	Experiment string `json:"experiment"`
	Channel    string `json:"channel"`
	Outcome    string `json:"outcome"`
	Message    string `json:"message,omitempty"`
	// Try counts attempts at this notice, from 1.
	Try int `json:"try"`
	// NextTry is the earliest instant of the next attempt; zero = any time.
	NextTry time.Time `json:"nextTry,omitzero"`
}

// Terminal tells whether the attempt is the last at its notice.
func (t Told) Terminal() bool { return t.Outcome != OutcomeUnavailable }

func (t Told) check() error {
	known := []string{OutcomeTold, OutcomeExpired, OutcomeRefused, OutcomeUnavailable, OutcomeDisabled, OutcomeSuperseded}
	if !slices.Contains(known, t.Outcome) {
		return fmt.Errorf("outcome %q is not one of %q", t.Outcome, known)
	}
	if t.Notice == "" {
		return errors.New("an attempt to tell needs the id of its notice")
	}
	return nil
}

func (n Notice) check() error {
	if n.ID == "" || n.Channel == "" {
		return errors.New("a notice needs an id and a channel")
	}
	return nil
}

func (Notice) kind() string { return kindNotice }
func (Told) kind() string   { return kindTold }

func (n Notice) experiment() string { return n.Experiment }
func (t Told) experiment() string   { return t.Experiment }

func indexNotice(e *entry, body []byte) error {
	id, err := firstMember(body, "id")
	e.notice = id
	return err
}

func indexTold(e *entry, body []byte) error {
	var t Told
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	e.told = &attempted{delivery: t.Notice, terminal: t.Terminal(), next: t.NextTry}
	return nil
}

// Untold is a notice that has not had its end.
type Untold struct {
	Notice Notice
	Seq    int64
	At     time.Time // when it was recorded
	// Tries counts the attempts so far; NextTry is the earliest instant of the
	// next one, zero = any time.
	Tries   int
	NextTry time.Time
}

// Noticed tells whether the ledger has a notice with this id.
func (l *Ledger) Noticed(id string) bool {
	return slices.ContainsFunc(l.snapshot(), func(e entry) bool { return e.kind == kindNotice && e.notice == id })
}

// Untold returns the notices without a terminal attempt, oldest first. Errors
// are those of the file system.
func (l *Ledger) Untold() ([]Untold, error) {
	entries := l.snapshot()
	done := map[string]progress{}
	for _, e := range entries {
		if e.told != nil {
			p := done[e.told.delivery]
			done[e.told.delivery] = progress{tries: p.tries + 1, ended: p.ended || e.told.terminal, next: e.told.next}
		}
	}
	var out []Untold
	for _, e := range entries {
		p := done[e.notice]
		if e.kind != kindNotice || p.ended {
			continue
		}
		n, err := body[Notice](l, e)
		if err != nil {
			return nil, err
		}
		out = append(out, Untold{Notice: n.Body, Seq: e.seq, At: e.at, Tries: p.tries, NextTry: p.next})
	}
	return out, nil
}

// Newest keeps, of each experiment and channel, only the notice that was
// recorded last, and drops the others; both in the given order. The caller
// records the dropped ones as OutcomeSuperseded.
func Newest(untold []Untold) (live, dropped []Untold) {
	last := map[lane]int64{}
	for _, u := range untold {
		at := lane{u.Notice.Experiment, u.Notice.Channel}
		last[at] = max(last[at], u.Seq)
	}
	for _, u := range untold {
		if last[lane{u.Notice.Experiment, u.Notice.Channel}] == u.Seq {
			live = append(live, u)
		} else {
			dropped = append(dropped, u)
		}
	}
	return live, dropped
}
