package report

import (
	"fmt"
	"strings"

	"assay/ledger"
)

// Sections of the page as a terminal has them.

// slices writes the effects by dimension, as the page's tables.
func (p *printer) slices(look *ledger.Look) {
	first := true
	for _, r := range roles {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role != r.Role || len(m.Slices) == 0 {
				continue
			}
			if first {
				p.title("by dimension (decides nothing)")
				first = false
			}
			p.sliced(look, m)
		}
	}
}

func (p *printer) sliced(look *ledger.Look, m *ledger.MetricResult) {
	several, dimension := len(treatments(look)) > 1, ""
	for i := range m.Slices {
		s := &m.Slices[i]
		if i == 0 || s.Dimension != dimension {
			dimension = s.Dimension
			p.line("  " + shorten(shorten(name(m.Name), 60)+" by "+name(s.Dimension), p.width-2))
		}
		label := shorten(sliceName(s), 40)
		if several {
			label += " in " + shorten(name(s.Variation), 40)
		}
		arms, effect := effectTexts(m, &s.Effect)
		p.item("    "+padded(label, 18)+"  ", arms+", "+effect)
	}
}

// effectTexts is the effect among some of the units: what each arm showed, and the
// effect.
func effectTexts(m *ledger.MetricResult, e *ledger.Effect) (arms, effect string) {
	v := effectVersus(e)
	q := quantityOf(term, m, &v.Comparison)
	return textArm(e.Control.N, e.Control.Value, q) + " → " + textArm(e.Treatment.N, e.Treatment.Value, q), effectText(&v, q)
}

// days writes the effects by day since exposure, as the page's tables.
func (p *printer) days(look *ledger.Look) {
	first := true
	eachDays(look, func(m *ledger.MetricResult, days []*ledger.DayResult) {
		if first {
			p.title("days since " + anchorWord(look) + " (decides nothing)")
			first = false
		}
		p.daysOf(look, m, days)
	})
}

func (p *printer) daysOf(look *ledger.Look, m *ledger.MetricResult, days []*ledger.DayResult) {
	heading := shorten(name(m.Name), 60)
	if len(treatments(look)) > 1 {
		heading += " in " + shorten(name(days[0].Variation), 40)
	}
	p.line("  " + shorten(heading, p.width-2))
	p.item("    ", daysFinding(days))
	for _, d := range days {
		arms, effect := effectTexts(m, &d.Effect)
		p.item("    "+padded(fmt.Sprintf("day %d", d.Day), 6)+"  ", arms+", "+effect)
	}
}

// steps writes the ladder: what was applied when, and what comes next.
func (p *printer) steps(look *ledger.Look, since *Since) {
	rungs := ladder(look, since, term)
	if len(rungs) == 0 {
		return
	}
	p.title("steps of coverage")
	for _, r := range rungs {
		p.item("  "+r.Badge.Icon+" "+padded(r.Coverage, 6)+"  ", joined(r.Badge.Word, ", ", r.Note))
	}
}

// diffShown is how many lines of the difference of two prompts a terminal has.
const diffShown = 60

// prompts writes what each variation runs, and what differs.
func (p *printer) prompts(look *ledger.Look, history []ledger.Look, since *Since) {
	v := newPrompts(look, complete(look, history), since)
	if v == nil {
		return
	}
	p.title("prompts")
	for _, c := range v.Cards {
		text := joined(c.Name+" "+c.Version, ", ", c.Model)
		for _, parameter := range c.Parameters {
			text += ", " + parameter.Key + " " + parameter.Value
		}
		p.item("  "+padded(shorten(c.Variation, 40), 10)+" ", text)
		for _, more := range []struct{ label, text string }{{"served to ", c.Served}, {"since ", c.Set}, {"in the spec since ", c.Introduced}, {"before it ", c.Before}} {
			if more.text != "" {
				p.item("             ", more.label+plain(more.text))
			}
		}
	}
	for i := range v.Diffs {
		p.diff(&v.Diffs[i])
	}
}

// plain is a text of the page as a terminal has it.
func plain(s string) string {
	return strings.NewReplacer(web.percent, term.percent, web.minus, term.minus, web.gap, term.gap).Replace(s)
}

func (p *printer) diff(d *promptDiff) {
	p.line("")
	p.item("  ", shorten(d.KnownGood, 40)+" and "+shorten(d.Treatment, 40)+" differ in:")
	for _, property := range d.Properties {
		p.item("    "+padded(shorten(property.Name, 40), 12)+" ", property.KnownGood+" → "+property.Treatment)
	}
	if d.Same {
		p.item("    ", "no word of the text")
		return
	}
	lines := unified(d.Lines)
	for _, l := range lines[:min(len(lines), diffShown)] {
		tone := map[byte]tone{'-': toneBad, '+': toneGood}[l[0]]
		// A line of the terminal is two columns shorter where it goes on.
		for i, part := range pieces(shorten(strings.ReplaceAll(l, "\t", "    "), messageLength), p.width-6) {
			if i > 0 {
				part = "  " + part
			}
			p.line("    " + p.painted(tone, part))
		}
	}
	if more := len(lines) - diffShown; more > 0 {
		p.item("    ", plural(more, "line", "lines")+" more; the report has them")
	}
}

// unified is a difference one line under the other, each behind its sign.
func unified(rows []diffLine) []string {
	var out, left, right []string
	flush := func() {
		out = append(append(out, left...), right...)
		left, right = nil, nil
	}
	for _, r := range rows {
		switch {
		case r.Skip:
			flush()
			out = append(out, fmt.Sprintf("  … %s", plural(r.Skipped, "unchanged line", "unchanged lines")))
		case r.Equal:
			flush()
			out = append(out, "  "+r.Left)
		default:
			if r.LeftNo > 0 {
				left = append(left, "- "+r.Left)
			}
			if r.RightNo > 0 {
				right = append(right, "+ "+r.Right)
			}
		}
	}
	flush()
	return out
}
