package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"assay/decide"
	"assay/ledger"
)

// JSON writes the look, indented, with one newline at the end. It fails where
// w does, or where the look holds a number that JSON cannot say.
func JSON(w io.Writer, look *ledger.Look) error { return data(w, look, look) }

// LatestJSON is JSON with what else the latest page shows: what to do, the looks
// before, and what has happened since, as the members todo, history and since of
// the look.
func LatestJSON(w io.Writer, e Explained) error {
	out := latestData{Look: e.Look, History: []pastData{}, Since: e.Since.data()}
	if !e.Later {
		out.Todo = lookTodo(e.Look, e.Since.Acted)
	}
	for i := range e.History {
		out.History = append(out.History, newPastData(&e.History[i]))
	}
	return data(w, e.Look, out)
}

func data(w io.Writer, look *ledger.Look, value any) error {
	b, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("look %s of %s as JSON: %w", look.ID, look.Experiment, err)
	}
	return write(w, append(b, '\n'))
}

// latestData is a look with what goes with it.
type latestData struct {
	*ledger.Look
	Todo    string     `json:"todo,omitempty"`
	History []pastData `json:"history"` // oldest first, of many a selection
	Since   Since      `json:"since"`
}

// pastData is a look of the history.
type pastData struct {
	ID       string            `json:"id"`
	AsOf     time.Time         `json:"asOf"`
	Version  int               `json:"version"`
	Number   int               `json:"number"`
	Verdict  decide.Verdict    `json:"verdict"`
	Proposal bool              `json:"proposal,omitempty"`
	Summary  string            `json:"summary"`
	Failed   string            `json:"failed,omitempty"`
	Units    int64             `json:"units"`
	Now      decide.Allocation `json:"allocation"`
	Page     string            `json:"page"` // relative to the folder of the experiment
}

func newPastData(h *ledger.Look) pastData {
	return pastData{
		ID: h.ID, AsOf: h.AsOf, Version: h.Version, Number: h.Number, Verdict: h.Decision.Verdict, Proposal: h.Decision.Proposal,
		Summary: h.Decision.Summary, Failed: h.Failed, Units: h.Health.Units, Now: h.Allocation, Page: lookLink("looks/", h.AsOf, h.ID),
	}
}

// data is Since with a list wherever there may be one.
func (s Since) data() Since {
	s.Deliveries, s.Changes = orEmpty(s.Deliveries), orEmpty(s.Changes)
	s.Clears, s.Approvals, s.Plans = orEmpty(s.Clears), orEmpty(s.Approvals), orEmpty(s.Plans)
	return s
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
