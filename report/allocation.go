package report

import (
	"html/template"
	"strings"

	"assay/decide"
	"assay/ledger"
)

// flagView is what the flag was when the look was taken and what it will be.
type flagView struct {
	Key, Source string
	Sentence    string
	Chart       template.HTML
	Rows        []flagRow
	Changes     bool
	After       string // heading of the column of what is aimed at
	Told        []toldView
}

// flagRow is one group of units and its share of everybody.
type flagRow struct {
	Group, Now, After string
	Class             string
}

func newFlagView(look *ledger.Look, since *Since) flagView {
	v := flagView{Key: shorten(clean(look.Spec.FlagKey), nameLength), Source: shorten(clean(look.AllocationSource), nameLength), After: afterWord(look), Told: newTold(look, since)}
	if len(look.Allocation.Arms) == 0 {
		v.Sentence = "The flag's state is not known."
		return v
	}
	v.Changes = look.Decision.Target != nil
	v.Sentence = flagSentence(look, web)
	labels, bars := []string{"now"}, [][]sharePart{parts(look, &look.Allocation)}
	if v.Changes {
		labels, bars = []string{"before", "after"}, append(bars, parts(look, look.Decision.Target))
	}
	v.Chart = coverageBars(picture{
		ID: "flag-chart", Class: "chart bars",
		Title: "Who gets which variation", Desc: v.Sentence,
	}, labels, bars)
	v.Rows = flagRows(look, bars)
	return v
}

// afterWord heads what the decision aims at.
func afterWord(look *ledger.Look) string {
	switch {
	case look.Backfill:
		return "not sent"
	case look.Decision.Proposal:
		return "if approved"
	}
	return "after"
}

func flagSentence(look *ledger.Look, n numbers) string {
	now := allocationText(&look.Allocation, n)
	if look.Decision.Target == nil {
		return "Stays as it is: " + now + "."
	}
	text := "Was " + now + "; " + afterWord(look) + ": " + allocationText(look.Decision.Target, n) + "."
	if look.Decision.Proposal && !look.Backfill {
		text += " To approve it: assay apply " + shellWord(look.Experiment) + "."
	}
	return text
}

// allocationText says who gets what in one phrase.
func allocationText(a *decide.Allocation, n numbers) string {
	if len(a.Arms) == 0 {
		return "not known"
	}
	if a.Coverage == 0 {
		return "everybody gets " + name(a.KnownGood)
	}
	var arms []string
	for _, arm := range a.Arms {
		if arm.Weight == 0 {
			continue
		}
		if arm.Weight == 1 && (a.Coverage == 1 || arm.Variation == a.KnownGood) {
			return "everybody gets " + name(arm.Variation)
		}
		arms = append(arms, name(arm.Variation)+" "+n.exactShare(arm.Weight))
	}
	return n.exactShare(a.Coverage) + " coverage (" + strings.Join(arms, ", ") + ")"
}

// parts are the segments of one bar: the covered arms, then the uncovered rest.
func parts(look *ledger.Look, a *decide.Allocation) []sharePart {
	var out []sharePart
	for i, arm := range a.Arms {
		out = append(out, sharePart{
			ID: arm.Variation, Label: name(arm.Variation), Share: a.Coverage * arm.Weight,
			Class: armClass(armIndex(look, arm.Variation, i)),
		})
	}
	return append(out, sharePart{
		Label: "not covered: " + name(a.KnownGood), Short: "not covered", Share: 1 - a.Coverage, Class: "uncovered",
	})
}

// armIndex is the place of a variation in the spec, which picks its colour.
func armIndex(look *ledger.Look, id string, otherwise int) int {
	for i, v := range look.Spec.Variations {
		if v.ID == id {
			return i
		}
	}
	return otherwise
}

func flagRows(look *ledger.Look, bars [][]sharePart) []flagRow {
	var rows []flagRow
	for _, part := range bars[0] {
		row := flagRow{Group: part.Label, Class: part.Class, Now: web.exactShare(part.Share)}
		if part.ID != "" && part.ID == look.Allocation.KnownGood {
			row.Group += " (known good)"
		}
		after := 0.0
		if len(bars) > 1 {
			after = shareOf(bars[1], part.ID)
			row.After = web.exactShare(after)
		}
		if part.ID == "" && part.Share <= 0 && after <= 0 {
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

// shareOf finds a group in a bar.
func shareOf(parts []sharePart, id string) float64 {
	for _, p := range parts {
		if p.ID == id {
			return p.Share
		}
	}
	return 0
}
