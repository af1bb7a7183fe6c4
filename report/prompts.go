package report

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"assay/decide"
	"assay/ledger"
)

// promptsView shows which prompt each variation runs, and what differs.
type promptsView struct {
	Cards []promptCard
	Diffs []promptDiff
}

type promptCard struct {
	Variation       string
	KnownGood       bool
	Name, Version   string
	Model, Template string
	Parameters      []parameter
	Lines           string
	Served, Set     string // who gets it at this look, and since when by whom
	Introduced      string // since when the spec has this version
	Before          string // version that the spec had before
}

type parameter struct{ Key, Value string }

// promptDiff compares a treatment's prompt with the known-good one.
type promptDiff struct {
	KnownGood, Treatment string
	Properties           []property
	Lines                []diffLine
	Same                 bool
}

// property is a named value that differs between the sides.
type property struct {
	Name, KnownGood, Treatment string
}

// newPrompts also tells what the looks before and, where it is known, the
// deliveries say of how each version came to be served.
func newPrompts(look *ledger.Look, history []ledger.Look, since *Since) *promptsView {
	v := &promptsView{}
	var base *ledger.Variation
	for i := range look.Spec.Variations {
		variation := &look.Spec.Variations[i]
		if variation.Prompt == nil {
			continue
		}
		card := newPromptCard(variation)
		card.served(look, variation.ID, since)
		card.introduced(variation, history)
		v.Cards = append(v.Cards, card)
		if variation.KnownGood {
			base = variation
		}
	}
	if len(v.Cards) == 0 {
		return nil
	}
	for i := range look.Spec.Variations {
		variation := &look.Spec.Variations[i]
		if base != nil && variation.Prompt != nil && !variation.KnownGood {
			v.Diffs = append(v.Diffs, newPromptDiff(base, variation))
		}
	}
	return v
}

func newPromptCard(v *ledger.Variation) promptCard {
	p := v.Prompt
	return promptCard{
		Variation: name(v.ID), KnownGood: v.KnownGood, Name: name(p.Name), Version: name(p.Version),
		Model: shorten(clean(p.Model), nameLength), Template: cleanBlock(p.Template),
		Parameters: parameters(p.Parameters), Lines: linesText(p.Template),
	}
}

// served says what share of everybody gets the prompt, since when and by whom.
func (c *promptCard) served(look *ledger.Look, variation string, since *Since) {
	if len(look.Allocation.Arms) == 0 {
		c.Served = "not known"
		return
	}
	c.Served = web.exactShare(shareIn(look.Allocation, variation)) + " of everybody"
	if target := look.Decision.Target; target != nil {
		when := afterWord(look)
		if when == "after" {
			when = "after this look"
		}
		c.Served += "; " + web.exactShare(shareIn(*target, variation)) + " " + when
	}
	if n := len(look.Epochs); n > 0 && alike(look.Epochs[n-1].Allocation, look.Allocation) {
		start := look.Epochs[n-1].Start
		c.Set = joined(instant(start), ", ", setBy(since, start, look.Allocation))
	}
}

func shareIn(a decide.Allocation, variation string) float64 {
	for _, arm := range received(a) {
		if arm.Variation == variation {
			return arm.Weight
		}
	}
	return 0
}

// shortRevision is a revision as git abbreviates it; the part on repeating has it whole.
func shortRevision(s string) string { return shorten(hash.ReplaceAllString(clean(s), "$1"), 40) }

var hash = regexp.MustCompile(`^([0-9a-f]{12})[0-9a-f]{28,52}\b`)

// introduced finds the first look of the unbroken run that has this version.
func (c *promptCard) introduced(v *ledger.Variation, history []ledger.Look) {
	first := len(history)
	for ; first > 0; first-- {
		was := promptOf(&history[first-1], v.ID)
		if was == nil || was.Version != v.Prompt.Version {
			break
		}
	}
	if first == len(history) {
		return
	}
	look := &history[first]
	c.Introduced = "look " + lookNumberShort(look.Number, look.Version) + ", as of " + instant(look.AsOf)
	if look.Revision != "" {
		c.Introduced += ", revision " + shortRevision(look.Revision)
	}
	if first == 0 {
		return
	}
	if missing(history, first) > 0 {
		c.Introduced += ", or a look before it that is not shown here"
	}
	if was := promptOf(&history[first-1], v.ID); was != nil {
		c.Before = name(was.Version)
	}
}

func promptOf(look *ledger.Look, variation string) *ledger.Prompt {
	for i := range look.Spec.Variations {
		if v := &look.Spec.Variations[i]; v.ID == variation {
			return v.Prompt
		}
	}
	return nil
}

func linesText(s string) string {
	if n := len(lines(s)); n != 1 {
		return web.count(int64(n)) + " lines"
	}
	return "1 line"
}

func parameters(values map[string]any) []parameter {
	var out []parameter
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, parameter{name(key), parameterText(values[key])})
	}
	return out
}

// parameterText writes a value as in JSON, which sorts the keys of maps.
func parameterText(value any) string {
	if s, isText := value.(string); isText {
		return message(s)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return "(a value that cannot be shown)"
	}
	return message(strings.TrimSpace(b.String()))
}

func newPromptDiff(base, other *ledger.Variation) promptDiff {
	d := promptDiff{
		KnownGood: name(base.ID), Treatment: name(other.ID),
		Same: base.Prompt.Template == other.Prompt.Template,
	}
	a, b := newPromptCard(base), newPromptCard(other)
	d.add("prompt", a.Name, b.Name)
	d.add("version", a.Version, b.Version)
	d.add("model", a.Model, b.Model)
	for _, key := range unionKeys(base.Prompt.Parameters, other.Prompt.Parameters) {
		d.add(name(key), valueOr(base.Prompt.Parameters, key), valueOr(other.Prompt.Parameters, key))
	}
	if !d.Same && len(d.Properties) == 1 && a.Version != b.Version {
		d.Properties = nil // A version is the digest of its text, which is below.
	}
	if !d.Same {
		d.Lines = sideBySide(base.Prompt.Template, other.Prompt.Template)
	}
	return d
}

func (d *promptDiff) add(what, left, right string) {
	if left != right {
		d.Properties = append(d.Properties, property{what, left, right})
	}
}

func unionKeys(a, b map[string]any) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

func valueOr(values map[string]any, key string) string {
	value, there := values[key]
	if !there {
		return dash
	}
	return parameterText(value)
}
