package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"assay/ledger"
)

// TrafficText writes a checkup of the traffic for a terminal. Its errors are
// those of w.
func TrafficText(w io.Writer, c *ledger.TrafficCheckup, o TextOptions) error {
	p := newPrinter(o)
	p.line("traffic of " + shorten(name(c.Experiment), 60) + ", as of " + instant(c.AsOf))
	for _, f := range c.Findings {
		p.item("  "+p.painted(toneWarn, "!")+" ", message(f.Text))
		p.spot(f.Place)
	}
	if len(c.Findings) == 0 {
		p.item("  "+p.painted(toneGood, "✓")+" ", "Nothing is wrong with it beyond what the looks say.")
	}
	p.line("")
	p.volumeLines(c)
	p.outsideLines(c)
	p.missingLines(c)
	p.lagLines(c)
	p.redrawnLines(c.Redrawn)
	for i := range c.Interactions {
		p.interactionLines(c, &c.Interactions[i])
	}
	return write(w, []byte(p.out.String()))
}

func (p *printer) volumeLines(c *ledger.TrafficCheckup) {
	for _, v := range c.Volumes {
		text := term.count(v.Rows) + " rows"
		if v.Rows > 0 {
			text += ", the newest in the hour of " + instant(v.Newest)
		}
		switch {
		case v.Unjudged != "":
			text += "; days are not compared: " + message(v.Unjudged)
		case len(v.Missing) == 0 && v.Low == nil:
			text += "; no day is missing, and the last hours are like those of the days before"
		}
		p.labelled("volume", name(cmp.Or(v.Source, "exposures"))+": "+text)
	}
}

func (p *printer) outsideLines(c *ledger.TrafficCheckup) {
	for _, o := range c.Outside {
		p.labelled(shorten(o.Side, 10), fmt.Sprintf("%s: %s exposures of %s units, %s to %s",
			variationOr(o.Variation), term.count(o.Exposures), term.count(o.Units), instant(o.First), instant(o.Last)))
	}
}

// missingShown is how many values are listed for each dimension.
const missingShown = 5

func (p *printer) missingLines(c *ledger.TrafficCheckup) {
	shown := map[string]int{}
	for _, m := range c.Missing {
		if shown[m.Dimension]++; shown[m.Dimension] > missingShown {
			continue
		}
		p.labelled("missing", fmt.Sprintf("%s = %q in %s: %s of %s exposures without identifier (%s), since %s", name(m.Dimension), clean(m.Value),
			variationOr(m.Variation), term.count(m.Missing), term.count(m.Exposures), term.fraction(m.Missing, m.Exposures), instant(m.First)))
	}
}

func (p *printer) lagLines(c *ledger.TrafficCheckup) {
	for _, l := range c.Lags {
		p.labelled("lag", fmt.Sprintf("%s: %s of %s units first exposed an hour or more after assignment, %s a day or more, %s before it; %s without an instant",
			name(l.Variation), term.count(l.Hour), term.count(l.Units), term.count(l.Day), term.count(l.Before), term.count(l.Unknown)))
	}
}

// drawsShown is how many ways to draw are listed.
const drawsShown = 3

func (p *printer) redrawnLines(r *ledger.Redrawn) {
	if r == nil {
		return
	}
	if r.Verdict == "few" {
		p.labelled("redrawn", fmt.Sprintf("cannot say: %s units could be sampled, it takes 100", term.count(r.Units)))
		return
	}
	if r.Verdict == "none" {
		p.labelled("redrawn", fmt.Sprintf("cannot be checked: no known client (GrowthBook, flagd) draws what was logged from %s sampled units; another one assigns, with another seed, or by an attribute that the assignment query does not give",
			term.count(r.Units)))
		return
	}
	for _, d := range r.Draws[:min(drawsShown, len(r.Draws))] {
		order := ""
		if d.Reversed {
			order = ", variations in the other order"
		}
		p.labelled("redrawn", fmt.Sprintf("%s on %s with seed %s%s: %s of %s units as logged (by chance %s)", name(d.Draw), name(d.Attribute), name(d.Seed), order,
			term.fraction(d.Agree, r.Units), term.count(r.Units), term.share(d.Chance, 1)))
	}
}

func (p *printer) interactionLines(c *ledger.TrafficCheckup, i *ledger.Interaction) {
	if i.Failed != "" {
		p.labelled("beside", name(i.Experiment)+": cannot say: "+message(i.Failed))
		return
	}
	p.labelled("beside", fmt.Sprintf("%s: %s units are in both", name(i.Experiment), term.count(i.Shared)))
	for _, row := range i.Cross {
		var parts []string
		for arm, n := range row.Units {
			if arm < len(c.Variations) {
				parts = append(parts, name(c.Variations[arm])+" "+term.count(n))
			}
		}
		text := "in " + name(row.Other) + ": " + strings.Join(parts, ", ")
		if row.Check.Bound > 0 {
			text += "; " + term.evidence(checkedE(&row), row.Check.Bound)
		}
		p.labelled("", text)
	}
	for _, e := range i.Effects {
		text := fmt.Sprintf("effect of %s on %s where in %s less that in %s: ", name(e.Variation), name(e.Metric), name(e.Other), name(e.Base))
		if e.Note != "" {
			p.labelled("", text+message(e.Note))
			continue
		}
		p.labelled("", text+term.general(e.Difference, 3)+"; "+term.evidence(e.LogE, e.Bound))
	}
}

// checkedE is what decides: after correction where there was one.
func checkedE(row *ledger.CrossRow) float64 {
	if row.Check.Corrected != nil {
		return *row.Check.Corrected
	}
	return row.Check.LogE
}
