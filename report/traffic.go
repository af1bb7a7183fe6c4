package report

import (
	"cmp"
	"fmt"

	"assay/decide"
	"assay/ledger"
	"assay/stats"
)

// trafficView is what there is to say of the exposures beside the split.
type trafficView struct {
	Strays []strayRow
	Alike  []alikeRow
	Open   bool // something is wrong
}

// strayRow is exposures that count for nobody.
type strayRow struct {
	What, Where, Count, Since string
}

// alikeRow is a test that the variations do not differ in what no variation moves.
type alikeRow struct {
	What, Variation, Control, Treatment, Evidence, Note string
	Badge                                               badge
}

func newTrafficView(look *ledger.Look) *trafficView {
	t := look.Health.Traffic
	if t == nil {
		return nil
	}
	v := &trafficView{}
	v.Strays = strayRows(look, t)
	for _, r := range t.Repeats {
		v.alike(alikeRow{What: "exposures of a unit", Variation: name(r.Variation), Note: message(r.Note)}, alikeCheck(r))
	}
	for _, b := range t.Balance {
		v.alike(alikeRow{What: name(b.Metric) + " before exposure", Variation: name(b.Variation), Note: message(b.Note)},
			alikeCheck{b.Variation, b.Status, b.Note, b.Control, b.Treatment, b.LogE, b.Bound, b.Failed})
	}
	if len(v.Strays)+len(v.Alike) == 0 {
		return nil
	}
	return v
}

// alikeCheck is what both kinds of check tell.
type alikeCheck ledger.RepeatCheck

func (v *trafficView) alike(row alikeRow, c alikeCheck) {
	row.Control, row.Treatment, row.Evidence = dash, dash, dash
	if c.Status != stats.StatusNoUnits {
		row.Control, row.Treatment = web.general(c.Control, 4), web.general(c.Treatment, 4)
	}
	switch {
	case c.Failed:
		row.Badge, v.Open = badge{"✕", "differs between variations", toneWarn}, true
	case c.Status == stats.StatusOK:
		row.Badge, row.Note = badge{"✓", "alike", toneGood}, ""
	case c.Status == stats.StatusNoVariance:
		row.Badge, row.Note = badge{"✓", "the same for every unit", toneGood}, ""
	default:
		row.Badge = badge{"?", "cannot say: " + cmp.Or(decide.CannotSay(c.Status), "not tested"), toneMute}
	}
	if c.Bound > 0 && (c.Status == stats.StatusOK || c.Failed) {
		row.Evidence = web.evidence(c.LogE, c.Bound)
	}
	v.Alike = append(v.Alike, row)
}

// variationOr names a variation, or the undeclared ones.
func variationOr(s string) string {
	if s == "" {
		return "an undeclared one"
	}
	return name(s)
}

func strayRows(look *ledger.Look, t *ledger.Traffic) []strayRow {
	var rows []strayRow
	if m := t.Missing; m != nil {
		for i, n := range m.Exposures {
			if n > 0 {
				rows = append(rows, strayRow{"no identifier", variation(look, i), rowsText(n), instant(m.First)})
			}
		}
		if m.Other > 0 {
			rows = append(rows, strayRow{"no identifier", variationOr(""), rowsText(m.Other), instant(m.First)})
		}
	}
	if s := t.Several; s != nil {
		since := "by " + instant(s.By)
		if s.Change != nil {
			since = "the change of weights of " + instant(*s.Change)
		}
		for _, p := range s.Pairs {
			rows = append(rows, strayRow{
				"in several variations", name(p.From) + " and " + variationOr(p.To),
				web.count(p.Units) + " " + noun(look.Spec.Identifier) + " (" + web.fraction(p.Units, s.Units) + ")", since,
			})
		}
	}
	for _, u := range t.Unknown {
		rows = append(rows, strayRow{"undeclared variation", shorten(name(u.Name), 40), rowsText(u.Exposures), instant(u.First)})
	}
	return rows
}

func rowsText(n int64) string { return web.count(n) + " rows" }

// hourText names the hour since which a split is off, and those between which it
// lies.
func hourText(since *ledger.RatioSince) string {
	text := "Since " + instant(*since.Hour)
	if first, last := since.EarliestHour, since.LatestHour; first != nil && last != nil && !first.Equal(*last) {
		text += fmt.Sprintf(" (between %s and %s)", instant(*first), instant(*last))
	}
	return text
}

// causeLines are the usual causes of what was found, on a terminal.
func (p *printer) causeLines(t *ledger.Traffic) {
	if t == nil {
		return
	}
	for _, c := range t.Causes {
		p.labelled("look first", message(c.Text))
	}
}
