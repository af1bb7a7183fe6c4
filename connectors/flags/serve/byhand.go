package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"assay/connectors/flags"
	"assay/spec"
)

// ByHand is a person's change of one flag; what is nil stays.
type ByHand struct {
	Flag     string
	Coverage *float64           // share of the units, in [0,1]
	Weights  map[string]float64 // of all variations; those not named get 0
	Disabled *bool
	User     string // who; may be empty
	Note     string // why; may be empty
}

// ErrUnknownFlag says that the file has no such flag.
var ErrUnknownFlag = errUnknownFlag

// Set makes a person's change in a flags file, whether or not a server runs, and
// records it in the audit log. Problems are those of the file as it is or as it
// would be; then nothing was written.
func Set(ctx context.Context, path string, change ByHand, now func() time.Time) (before, after *Flag, problems spec.Problems, err error) {
	s := &Store{path: path, now: now, log: slog.New(slog.DiscardHandler), audit: auditLog{path: LogPath(path)}, base: map[string]json.RawMessage{}}
	err = s.locked(ctx, func() error {
		if err := s.sync(); err != nil {
			return err
		}
		if problems = s.problems; len(problems) > 0 {
			return nil
		}
		if s.unlogged != nil {
			return fmt.Errorf("audit log: %w", s.unlogged)
		}
		if before = s.view.file.Flags[change.Flag]; before == nil {
			return ErrUnknownFlag
		}
		text, err := flags.EditJSON(s.text, change.edits(before)...)
		if err != nil {
			return err
		}
		return s.write(text, func(before, after json.RawMessage) Entry {
			return Entry{
				At: now().UTC(), By: ByPerson, User: change.User, What: WasSet, Flag: change.Flag, Reason: change.Note,
				Before: before, After: after,
			}
		}, flagKey(change.Flag))
	})
	if bad, ok := errors.AsType[impossible](err); ok {
		return nil, nil, bad.Problems, nil
	}
	if err != nil || len(problems) > 0 {
		return nil, nil, problems, err
	}
	return before, s.view.file.Flags[change.Flag], nil, nil
}

func (c ByHand) edits(flag *Flag) []flags.Edit {
	at := []string{"flags", c.Flag}
	var edits []flags.Edit
	if c.Coverage != nil {
		edits = append(edits, flags.Edit{Path: at, Name: "coverage", Value: *c.Coverage})
	}
	if c.Weights != nil {
		weights := map[string]float64{}
		for _, v := range flag.Variations {
			weights[v.ID] = 0
		}
		for id, weight := range c.Weights {
			weights[id] = weight
		}
		edits = append(edits, flags.Edit{Path: at, Name: "weights", Value: weights})
	}
	if c.Disabled != nil {
		edits = append(edits, flags.Edit{Path: at, Name: "disabled", Value: *c.Disabled})
	}
	return edits
}

// Read reads a flags file; problems are all that is wrong with it.
func Read(path string) (*File, spec.Problems, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	f, problems := Parse(path, text)
	return f, problems, nil
}
