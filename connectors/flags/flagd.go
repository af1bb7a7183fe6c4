package flags

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/decide"
)

// maxReason is how many characters of a reason are kept beside a flag.
const maxReason = 255

// flagd is flagd's flag definition format. Only the flag's targeting,
// defaultVariant, metadata and the variant uncovered are ever written; every
// other byte of the file stays as it is.
type flagd struct {
	name, path string
}

func newFlagd(name, path string, _ Options) format { return &flagd{name: name, path: path} }

func (f *flagd) state(text []byte, key string) (State, error) {
	d, err := f.flag(text, key)
	if err != nil {
		return State{}, err
	}
	return d.state(), nil
}

func (f *flagd) fail(kind error, detail string) error {
	return &Error{Store: f.name, Kind: kind, Detail: detail}
}

// flag finds one flag's definition in the file.
func (f *flagd) flag(text []byte, key string) (*definition, error) {
	if err := checkJSON(text); err != nil {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
	}
	o, err := find(text, "flags", key)
	if errors.Is(err, errAbsent) {
		if _, err := find(text, "flags"); err == nil {
			return nil, f.fail(ErrNotFound, fmt.Sprintf("%s in %s", printable(key), f.path))
		}
	}
	var d definition
	if err == nil {
		err = json.Unmarshal(text[o.open:o.close+1], &d)
	}
	if err == nil {
		err = d.readOrder(text, key)
	}
	if err != nil {
		return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
	}
	return &d, nil
}

func (d *definition) readOrder(text []byte, key string) error {
	variants, err := find(text, "flags", key, "variants")
	if errors.Is(err, errAbsent) {
		return nil
	}
	for _, m := range variants.members {
		d.order = append(d.order, m.name)
	}
	return err
}

// edit is one member to be written.
type edit struct {
	path  []string
	name  string
	value writer
}

// edit returns the file with the flag in its target state and a note of why.
func (f *flagd) edit(text []byte, c Change) ([]byte, error) {
	d, err := f.flag(text, c.FlagKey)
	if err != nil {
		return nil, err
	}
	if problem := d.lacks(c.Target); problem != "" {
		return nil, f.fail(ErrRefused, problem)
	}
	list, flag := layout(c.Target), []string{"flags", c.FlagKey}
	edits := []edit{
		{flag, "defaultVariant", literal(fallback(c.Target, list))},
		{flag, "targeting", fractionalRule(d.bucketBy(), list)},
	}
	// Written each time: the variant may stem from an earlier experiment on the
	// same flag, with another known-good variation.
	if serves(list, uncovered) {
		edits = append(edits, edit{append(flag, "variants"), uncovered, raw(d.Variants[c.Target.KnownGood])})
	}
	if d.Metadata == nil {
		edits = append(edits, edit{flag, "metadata", raw([]byte("{}"))})
	}
	for _, note := range notes(c) {
		edits = append(edits, edit{append(flag, "metadata"), note[0], literal(note[1])})
	}
	for _, e := range edits {
		if text, err = set(text, e.path, e.name, e.value); err != nil {
			return nil, f.fail(ErrUnavailable, fmt.Sprintf("flag file %s: %v", f.path, err))
		}
	}
	return text, nil
}

// lacks says what a flag would need to serve an allocation.
func (d *definition) lacks(target decide.Allocation) string {
	if _, ok := d.Variants[target.KnownGood]; !ok {
		return fmt.Sprintf("the known-good variation %s is not a variant of the flag", printable(target.KnownGood))
	}
	for _, arm := range target.Arms {
		if arm.Variation == uncovered {
			return uncovered + " cannot be the name of a variation: it is the variant of units outside the coverage"
		}
		if _, ok := d.Variants[arm.Variation]; !ok && arm.Weight > 0 {
			return fmt.Sprintf("variation %s is not a variant of the flag", printable(arm.Variation))
		}
	}
	return ""
}

func serves(list []bucket, variant string) bool {
	return slices.ContainsFunc(list, func(b bucket) bool { return b.variant == variant })
}

// fallback is the default variant: what everybody gets, where everybody gets
// the same, and otherwise the known-good variation.
func fallback(target decide.Allocation, list []bucket) string {
	if len(list) == 1 && list[0].variant != uncovered {
		return list[0].variant
	}
	return target.KnownGood
}

// notes are what the flag's metadata says of the change.
func notes(c Change) [][2]string {
	return [][2]string{
		{metaKnownGood, c.Target.KnownGood},
		{metaExperiment, c.Experiment},
		{metaDecision, c.ID},
		{metaVerdict, string(c.Verdict)},
		{metaAsOf, c.AsOf.UTC().Format(time.RFC3339)},
		{metaReason, shorten(c.Reason, maxReason)},
	}
}

// shorten cuts a text to at most so many characters.
func shorten(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}
