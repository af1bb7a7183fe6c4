// Package serve is a flag store of its own, for those who have none: a file of
// flags, changed by assay's webhooks and by people, and served to clients.
//
// In: the file, signed webhooks. Out: the GrowthBook payload, flagd's format,
// the state of a flag, an audit log. Invariants: a change is applied once; a
// state that a person set is never overwritten; a file with a problem is never
// served, the last good one is; whatever changed the flags is in the audit log.
package serve

import (
	"encoding/json"
	"slices"
	"time"

	"assay/connectors/flags"
	"assay/decide"
)

// File is what a flags file says.
type File struct {
	// Segments are conditions on the attributes of a unit, by name; all of one
	// segment's must hold.
	Segments map[string][]Condition
	Flags    map[string]*Flag
}

// Condition is one question about an attribute; exactly one member beside
// Attribute is set. A unit without the attribute meets NotIn and nothing else.
type Condition struct {
	Attribute string            `json:"attribute"`
	Equals    json.RawMessage   `json:"equals,omitempty"` // text, number, or truth value
	In        []json.RawMessage `json:"in,omitempty"`     // of the same kinds
	NotIn     []json.RawMessage `json:"notIn,omitempty"`
	Prefix    string            `json:"prefix,omitempty"`
	LT        *float64          `json:"lt,omitempty"`
	LTE       *float64          `json:"lte,omitempty"`
	GT        *float64          `json:"gt,omitempty"`
	GTE       *float64          `json:"gte,omitempty"`
}

// Flag is one flag: its rules, then the split that assay steers, then the
// known-good variation for everybody else.
type Flag struct {
	Description string `json:"description,omitempty"`
	// Disabled: it is not served and takes no changes; the code's default acts.
	Disabled   bool        `json:"disabled,omitempty"`
	Variations []Variation `json:"variations"`
	KnownGood  string      `json:"knownGood"`
	Split
	// Unit is the attribute that is hashed; "id" is also flagd's targeting key.
	Unit string `json:"unit"`
	// Seed is hashed with the unit: flags with different seeds split independently.
	Seed string `json:"seed"`
	// Experiment is what clients log with an exposure; by default the flag's key.
	Experiment string `json:"experiment"`
	// Segment limits the split to some units; "" = all.
	Segment  string    `json:"segment,omitempty"`
	Group    *Group    `json:"group,omitempty"`
	Rules    []Rule    `json:"rules,omitempty"`
	Decision *Decision `json:"decision,omitempty"`

	kind kind // of all values
}

// Variation is one value of a flag.
type Variation struct {
	ID    string          `json:"id"`
	Value json.RawMessage `json:"value"` // any JSON but null; all of a flag's of one kind
}

// Split is who gets what: a share of the units, and the arms' shares of it.
type Split struct {
	Coverage float64            `json:"coverage"`          // share of the units, in [0,1]
	Weights  map[string]float64 `json:"weights,omitempty"` // by variation, in [0,1], sum 1; empty = equal
}

// Group is a flag's part [From,To) of an exclusion group: shares of the range of
// a hash, in [0,1]. Parts of different flags do not overlap.
type Group struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Rule comes before the flag's split: the units of a segment get one variation,
// or a split of their own, which assay does not steer.
type Rule struct {
	Name    string `json:"name"`
	Segment string `json:"segment"`
	Serve   string `json:"serve,omitempty"` // a variation; "" = Split
	*Split
}

// Decision is the last change by assay.
type Decision struct {
	ID         string         `json:"id"`
	Digest     string         `json:"digest,omitempty"` // SHA-256 of what was asked for
	Experiment string         `json:"experiment,omitempty"`
	Verdict    decide.Verdict `json:"verdict"`
	AsOf       time.Time      `json:"asOf"`
	Reason     string         `json:"reason,omitempty"`
}

// allocation is a split in assay's terms: every variation in the flag's order.
func (f *Flag) allocation(s Split) decide.Allocation {
	a := decide.Allocation{Coverage: s.Coverage, KnownGood: f.KnownGood}
	for _, v := range f.Variations {
		weight := s.Weights[v.ID]
		if len(s.Weights) == 0 {
			weight = 1 / float64(len(f.Variations))
		}
		a.Arms = append(a.Arms, decide.Arm{Variation: v.ID, Weight: weight})
	}
	return a
}

// Allocation is what the flag's own split serves.
func (f *Flag) Allocation() decide.Allocation { return f.allocation(f.Split) }

// RolledBack tells whether assay rolled the flag back and nobody changed that
// since. Then everybody gets the known-good variation, also where a rule says
// otherwise.
func (f *Flag) RolledBack() bool {
	sole, ok := flags.Sole(f.Allocation())
	return f.Decision != nil && f.Decision.Verdict == decide.Rollback && ok && sole == f.KnownGood
}

// value is the value of a variation of the flag.
func (f *Flag) value(variation string) json.RawMessage {
	for _, v := range f.Variations {
		if v.ID == variation {
			return v.Value
		}
	}
	return nil
}

// otherPrompts are those that an experiment is about while the variation's value
// names another version.
func (f *Flag) otherPrompts(prompts []flags.Prompt) []flags.Prompt {
	return slices.DeleteFunc(slices.Clone(prompts), func(p flags.Prompt) bool {
		var value struct{ Prompt *flags.Prompt }
		if json.Unmarshal(f.value(p.Variation), &value) != nil || value.Prompt == nil {
			return true
		}
		return value.Prompt.Name == p.Name && value.Prompt.Version == p.Version
	})
}
