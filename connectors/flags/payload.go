package flags

import (
	"encoding/json"
	"errors"
	"time"

	"assay/decide"
)

// Limits of the body of a webhook.
const (
	maxBody          = 20_000 // bytes
	maxWebhookReason = 4000   // characters
)

// message is the body of a webhook. It is a function of the change alone.
type message struct {
	Type      string    `json:"type"`      // assay.decision.<verdict> or assay.decision.proposed
	Timestamp time.Time `json:"timestamp"` // when it was decided
	Data      payload   `json:"data"`
}

type payload struct {
	ID         string         `json:"id"` // constant over retries; the idempotency key
	Experiment string         `json:"experiment"`
	FlagKey    string         `json:"flagKey"`
	Verdict    decide.Verdict `json:"verdict"`
	// Proposal: to be shown to a person, not to be applied.
	Proposal  bool      `json:"proposal"`
	AsOf      time.Time `json:"asOf"`
	DecidedAt time.Time `json:"decidedAt"`
	Reason    string    `json:"reason"` // data a stranger may have influenced: escape it
	Metric    string    `json:"metric,omitempty"`
	Expected  wireState `json:"expected"`
	Target    wireState `json:"target"`
	// Left are other states that the flag may be in without a person having
	// touched it. A receiver that compares the present state with expected has to
	// take these too.
	Left    []wireState `json:"left,omitempty"`
	Prompts []Prompt    `json:"prompts,omitempty"`
}

// wireState is an absolute state, twice: as coverage and arms, and for simple
// receivers as percentages of all units.
type wireState struct {
	decide.Allocation
	Percent map[string]float64 `json:"percent"` // by variation, sum 100
}

func wire(a decide.Allocation) wireState { return wireState{Allocation: a, Percent: percent(a)} }

// encode returns the body. What is only there to be read is cut down where the
// body would be too large; the states never are.
func encode(c Change) ([]byte, error) {
	kind := string(c.Verdict)
	if c.Proposal {
		kind = "proposed"
	}
	m := message{
		Type: "assay.decision." + kind, Timestamp: c.DecidedAt.UTC(),
		Data: payload{
			ID: c.ID, Experiment: c.Experiment, FlagKey: c.FlagKey, Verdict: c.Verdict, Proposal: c.Proposal,
			AsOf: c.AsOf.UTC(), DecidedAt: c.DecidedAt.UTC(), Reason: shorten(c.Reason, maxWebhookReason), Metric: c.Metric,
			Expected: wire(c.Expected), Target: wire(c.Target), Prompts: c.Prompts,
		},
	}
	for _, a := range c.Left {
		m.Data.Left = append(m.Data.Left, wire(a))
	}
	for _, cut := range []func(){func() {}, func() { m.Data.Prompts = nil }, func() { m.Data.Reason = shorten(c.Reason, maxReason) }} {
		cut()
		body, err := json.Marshal(m)
		if err != nil || len(body) < maxBody {
			return body, err
		}
	}
	return nil, errors.New("the change takes more than 20 kB")
}
