package ledger

import (
	"bytes"
	"encoding/json"
	"time"

	"assay/decide"
)

// Glance is what is known of a look without decoding it.
type Glance struct {
	Seq int64     // of the record
	At  time.Time // when it was recorded

	ID              string
	AsOf            time.Time
	Version, Number int
	Backfill        bool
	Failed          bool // evidence is missing
	Verdict         decide.Verdict
	Proposal        bool
	Ended           bool // held because it was rolled back or shipped before
}

// Glances are all looks of an experiment, oldest first, at no cost.
func (l *Ledger) Glances(experiment string) []Glance {
	var out []Glance
	for _, e := range l.filed(experiment, kindLook) {
		g := e.glance
		g.Seq, g.At, g.ID = e.seq, e.at, e.look
		out = append(out, g)
	}
	return out
}

// LastAt is when the last record was written; zero = there is none.
func (l *Ledger) LastAt() time.Time {
	entries := l.snapshot()
	if len(entries) == 0 {
		return time.Time{}
	}
	return entries[len(entries)-1].at
}

// glanceOf reads the first members of a look's body and what its decision comes to.
// A body from elsewhere that lacks them has an empty glance.
func glanceOf(body []byte) (g Glance) {
	into := map[string]any{"asOf": &g.AsOf, "version": &g.Version, "number": &g.Number, "backfill": &g.Backfill}
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return g
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil || key == "spec" {
			break
		}
		var ignored any
		member := into[key.(string)]
		if member == nil {
			member = &ignored
		}
		if dec.Decode(member) != nil {
			break
		}
		g.Failed = g.Failed || key == "failed" && ignored != ""
	}
	g.decided(body)
	return g
}

// decided finds the decision by its first key. Quotes inside strings are escaped,
// so that no key can hide in one.
func (g *Glance) decided(body []byte) {
	_, rest, found := bytes.Cut(body, []byte(`"decision":{"verdict":`))
	if !found {
		return
	}
	decision, _, _ := bytes.Cut(rest, []byte(`"wouldChange":`))
	if json.NewDecoder(bytes.NewReader(decision)).Decode(&g.Verdict) != nil {
		return
	}
	g.Proposal = bytes.Contains(decision, []byte(`"proposal":true`))
	g.Ended = g.Verdict == decide.Hold && bytes.Contains(decision, []byte(`"reasons":[{"rule":0,`))
}
