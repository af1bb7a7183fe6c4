package report

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

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

func newPrompts(look *ledger.Look) *promptsView {
	v := &promptsView{}
	var base *ledger.Variation
	for i := range look.Spec.Variations {
		variation := &look.Spec.Variations[i]
		if variation.Prompt == nil {
			continue
		}
		v.Cards = append(v.Cards, newPromptCard(variation))
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
