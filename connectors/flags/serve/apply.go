package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/connectors/flags"
	"assay/decide"
)

// Why a change was not applied; each has its HTTP status in receive.go.
var (
	errUnknownFlag = errors.New("the flag does not exist")
	errDisabled    = errors.New("the flag is disabled: it takes no changes")
	errMoved       = errors.New("the flag was changed by a person")
	errOtherBody   = errors.New("another change with this id was taken before")
	errNotNow      = errors.New("the flags file has problems; somebody has to mend it first")
	errImpossible  = errors.New("the flag cannot be in the state that is asked for")
)

// refusal is why a change was not applied, in words, and the flag's state.
type refusal struct {
	kind   error
	detail string
	flag   *Flag // nil where there is none
}

func (r refusal) Error() string {
	if r.detail == "" {
		return r.kind.Error()
	}
	return r.kind.Error() + ": " + r.detail
}

func (r refusal) Unwrap() error { return r.kind }

// apply takes one change, once: a repetition changes nothing. applied tells
// whether the file was changed. Errors: a refusal, or one of the file and its
// log; after those the same change can be tried again.
func (s *Store) apply(ctx context.Context, c flags.Change, digest string) (flag *Flag, applied bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.locked(ctx, func() error {
		if err := s.sync(); err != nil {
			return err
		}
		flag, applied, err = s.applyLocked(c, digest)
		return err
	})
	return flag, applied, err
}

func (s *Store) applyLocked(c flags.Change, digest string) (*Flag, bool, error) {
	if len(s.problems) > 0 {
		return nil, false, refusal{kind: errNotNow}
	}
	flag := s.view.file.Flags[c.FlagKey]
	if known, again := s.seen.taken[c.ID]; again {
		return flag, false, s.repeated(c, flag, known.digest == digest)
	}
	switch {
	case flag == nil:
		return nil, false, refusal{kind: errUnknownFlag}
	case flag.Disabled:
		return flag, false, refusal{kind: errDisabled, flag: flag}
	}
	reached, problem := c.Compare(flag.state())
	if problem != "" {
		return flag, false, refusal{errMoved, problem, flag}
	}
	entry := entryOf(c, digest)
	entry.At = s.now().UTC()
	if c.Proposal {
		entry.What, entry.Target = Proposed, &c.Target
		return flag, false, s.record([]Entry{entry})
	}
	if err := s.bring(c, flag, entry); err != nil {
		return flag, false, err
	}
	return s.view.file.Flags[c.FlagKey], !reached, nil
}

// repeated answers a change that was taken before. Where a person changed the
// flag since, the sender learns that instead.
func (s *Store) repeated(c flags.Change, flag *Flag, same bool) error {
	if !same {
		return refusal{kind: errOtherBody, flag: flag}
	}
	if c.Proposal || flag == nil || flag.Decision == nil || flag.Decision.ID != c.ID {
		return nil
	}
	if reached, _ := c.Compare(flag.state()); !reached {
		return refusal{errMoved, "it is not where this change left it", flag}
	}
	return nil
}

// bring writes the target into the file, with the decision beside it: so the
// file itself knows what was applied if the log does not.
func (s *Store) bring(c flags.Change, flag *Flag, entry Entry) error {
	weights := map[string]float64{}
	for _, arm := range c.Target.Arms {
		if flag.value(arm.Variation) == nil && arm.Weight > 0 {
			return refusal{errImpossible, fmt.Sprintf("%q is not one of its variations", arm.Variation), flag}
		}
	}
	for _, v := range flag.Variations {
		i := slices.IndexFunc(c.Target.Arms, func(a decide.Arm) bool { return a.Variation == v.ID })
		weights[v.ID] = 0
		if i >= 0 {
			weights[v.ID] = c.Target.Arms[i].Weight
		}
	}
	at := []string{"flags", c.FlagKey}
	edits := []flags.Edit{{Path: at, Name: "coverage", Value: c.Target.Coverage}, {Path: at, Name: "weights", Value: weights}}
	if good := c.Target.KnownGood; good != "" && good != flag.KnownGood {
		edits = append(edits, flags.Edit{Path: at, Name: "knownGood", Value: good})
	}
	edits = append(edits, flags.Edit{Path: at, Name: "decision", Value: Decision{
		ID: c.ID, Digest: entry.Digest, Experiment: c.Experiment, Verdict: c.Verdict, AsOf: c.AsOf.UTC(), Reason: entry.Reason,
	}})
	text, err := flags.EditJSON(s.text, edits...)
	if err != nil {
		return err
	}
	return s.write(text, func(before, after json.RawMessage) Entry {
		entry.Before, entry.After = before, after
		return entry
	}, flagKey(c.FlagKey))
}

// maxReason is how many characters of a reason are kept.
const maxReason = 1000

func entryOf(c flags.Change, digest string) Entry {
	reason := []rune(strings.ToValidUTF8(c.Reason, "\uFFFD"))
	return Entry{
		By: ByAssay, What: Decided, Flag: c.FlagKey, ID: c.ID, Digest: digest, Experiment: c.Experiment,
		Verdict: c.Verdict, Reason: string(reason[:min(len(reason), maxReason)]),
	}
}

// state is what a flag serves, in the terms of a flag store.
func (f *Flag) state() flags.State {
	a := f.Allocation()
	return flags.State{Allocation: &a, Known: true, Unit: unit}
}

// unit is the finest share, in (0,1), that states are told apart by.
const unit = 1e-5
