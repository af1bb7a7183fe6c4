package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"assay/ledger"
	"assay/stats"
)

// daysView is the effects of one treatment on one metric by day since exposure.
type daysView struct {
	Metric, Versus     string // Versus is "" where there is one treatment
	Scale              string
	Unit               string // of values, with the gap before it; "" for shares
	Finding            string // whether days differ, in words
	KnownGood, Heading string
	Rows               []dayRow      // none where a page has no room for them
	Chart              template.HTML // "" where there is nothing to compare
}

// dayRow is one day against the known-good variation.
type dayRow struct {
	Day    string
	Units  string // known-good, treatment
	Values string
	Effect string
}

// daysSection is what a page has of days since exposure.
type daysSection struct {
	Anchor string // exposure or activation
	Views  []daysView
}

// newDays are the effects by day of all metrics, in the order of the effects; nil
// where there are none.
func newDays(look *ledger.Look) *daysSection {
	s := daysSection{Anchor: anchorWord(look)}
	room := daysDrawn
	eachDays(look, func(m *ledger.MetricResult, days []*ledger.DayResult) {
		v := newDaysView(look, m, days)
		if room -= len(days); room >= 0 {
			v.Chart = daysChart(m, days, v, len(s.Views))
		} else {
			v.Rows = nil
		}
		s.Views = append(s.Views, v)
	})
	if len(s.Views) == 0 {
		return nil
	}
	return &s
}

// eachDays visits the metrics that are told by day in the order of the effects, a
// treatment at a time. One day alone is no course, and left out.
func eachDays(look *ledger.Look, visit func(m *ledger.MetricResult, days []*ledger.DayResult)) {
	for _, r := range roles {
		for i := range look.Metrics {
			m := &look.Metrics[i]
			if m.Role != r.Role {
				continue
			}
			for _, t := range treatments(look) {
				if days := daysOf(m, t); len(days) > 1 {
					visit(m, days)
				}
			}
		}
	}
}

// daysDrawn is the most days that a page has numbers of: of the metrics beyond
// them it has in words whether the effect moved, and the JSON has the numbers.
const daysDrawn = 84

// anchorWord is what days are counted from.
func anchorWord(look *ledger.Look) string {
	if look.Spec.Activation != "" {
		return "activation"
	}
	return "exposure"
}

// daysOf are the days of one treatment.
func daysOf(m *ledger.MetricResult, variation string) []*ledger.DayResult {
	var out []*ledger.DayResult
	for i := range m.Days {
		if m.Days[i].Variation == variation {
			out = append(out, &m.Days[i])
		}
	}
	return out
}

func newDaysView(look *ledger.Look, m *ledger.MetricResult, days []*ledger.DayResult) daysView {
	v := daysView{
		Metric: name(m.Name), Scale: "absolute", Finding: daysFinding(days),
		KnownGood: name(knownGood(look)), Heading: name(days[0].Variation),
	}
	if unit := shorten(clean(m.Unit), 12); unit != "" && !counted(m) && m.Kind != "daily_participation" {
		v.Unit = web.gap + unit
	}
	if relativeDays(days) {
		v.Scale = "relative"
	}
	if len(treatments(look)) > 1 {
		v.Versus = name(days[0].Variation)
	}
	for _, d := range days {
		versus := effectVersus(&d.Effect)
		q := quantityOf(web, m, &versus.Comparison)
		q.after = strings.TrimPrefix(q.after, v.Unit)
		v.Rows = append(v.Rows, dayRow{
			Day:    strconv.Itoa(d.Day),
			Units:  web.count(d.Control.N) + " → " + web.count(d.Treatment.N),
			Values: textArm(d.Control.N, d.Control.Value, q) + " → " + textArm(d.Treatment.N, d.Treatment.Value, q),
			Effect: effectText(&versus, q),
		})
	}
	return v
}

// relativeDays tells whether every day that can say anything says it in relation
// to the known-good variation.
func relativeDays(days []*ledger.DayResult) bool {
	some := false
	for _, d := range days {
		if d.Status != stats.StatusOK {
			continue
		}
		v := effectVersus(&d.Effect)
		if !hasRelative(&v) || !d.Relative.Known {
			return false
		}
		some = true
	}
	return some
}

// daysFinding says whether the effect moved: the intervals hold for all days
// together, so that two which do not meet are of different effects.
func daysFinding(days []*ledger.DayResult) string {
	relative := relativeDays(days)
	said := 0
	var apart [2]*ledger.DayResult
	widest := 0.0
	for i, a := range days {
		if a.Status != stats.StatusOK {
			continue
		}
		said++
		for _, b := range days[i+1:] {
			if b.Status != stats.StatusOK {
				continue
			}
			x, y := dayInterval(a, relative), dayInterval(b, relative)
			if gap := max(y.Lower-x.Upper, x.Lower-y.Upper); gap > widest {
				apart, widest = [2]*ledger.DayResult{a, b}, gap
			}
		}
	}
	switch {
	case said < 2:
		return "Too few days can say anything to compare them."
	case widest > 0:
		return fmt.Sprintf("The effect moved: the intervals of day %d and day %d do not meet.", apart[0].Day, apart[1].Day)
	default:
		return "No two days are known to differ: all intervals meet."
	}
}

func dayInterval(d *ledger.DayResult, relative bool) stats.Interval {
	if relative {
		return d.RelativeInterval
	}
	return d.AbsoluteInterval
}

// daysChart draws the effect of each day with its interval, zero and the margin of
// the whole comparison.
func daysChart(m *ledger.MetricResult, days []*ledger.DayResult, v daysView, index int) template.HTML {
	const left, right, top, foot = 56, 8, 10, 32
	p := picture{
		ID: "days-" + strconv.Itoa(index), Class: "chart", Width: 340, Height: 168,
		Title: joined(v.Metric, ", ", v.Versus) + ": " + v.Scale + " effect by day",
		Desc:  v.Finding + " The table below holds the numbers.",
	}
	relative := v.Scale == "relative"
	whole := versus(m, days[0].Variation)
	s := sequence{Label: web.relativeTick}
	if whole != nil && m.Direction != "" {
		s.Harm = towardsHarm(whole.Design.Harm)
	}
	if whole != nil {
		q := quantityOf(web, m, &whole.Comparison)
		switch {
		case relative:
			s.Margin = marginRelative(whole)
		case whole.Design.Margin.Absolute || whole.Design.Margin.Value == 0:
			s.Margin = &whole.Design.Margin.Value
		}
		if !relative {
			s.Label = q.tick
		}
	}
	lo, hi, drawable := daysRange(days, s, relative)
	if !drawable {
		return ""
	}
	plot := p.Height - foot
	c := draw(p)
	x := scale{float64(days[0].Day) - 0.5, float64(days[len(days)-1].Day) + 0.5, left, p.Width - right}
	y := scale{lo, hi, plot, top}
	for _, t := range y.axisTicks() {
		c.line("grid", segment{left, y.at(t), p.Width - right, y.at(t)})
		c.text("t-axis t-end", point{left - 6, y.at(t) + 4}, s.Label(t))
	}
	c.harmArea(s, y, box{left, top, p.Width - right - left, plot - top})
	c.line("zero", segment{left, y.at(0), p.Width - right, y.at(0)})
	c.daysDrawn(days, x, y, relative)
	for _, t := range x.ticks(7) {
		if t == math.Trunc(t) {
			c.text("t-axis t-mid", point{x.at(t), plot + 14}, web.count(int64(t)))
		}
	}
	c.text("t-axis t-mid", point{(left + p.Width - right) / 2, p.Height - 4}, "day")
	return c.done()
}

// daysRange is what the axis covers: all estimates, zero and the margin, and the
// intervals unless one is so wide that nothing else could be seen, which is cut.
func daysRange(days []*ledger.DayResult, s sequence, relative bool) (lo, hi float64, drawable bool) {
	var middle, all span
	middle.add(0)
	if s.Margin != nil && s.Harm != 0 {
		middle.add(s.Harm * *s.Margin)
	}
	narrow := math.Inf(1)
	for _, d := range days {
		if d.Status == stats.StatusOK {
			i := dayInterval(d, relative)
			middle.add(dayEstimate(d, relative))
			if width := i.Upper - i.Lower; width > 0 {
				narrow = min(narrow, width)
			}
			drawable = true
		}
	}
	all = middle
	for _, d := range days {
		if i := dayInterval(d, relative); d.Status == stats.StatusOK && i.Upper-i.Lower <= 8*narrow {
			all.add(i.Lower, i.Upper)
		}
	}
	lo, hi = all.padded(0.08)
	return lo, hi, drawable
}

func dayEstimate(d *ledger.DayResult, relative bool) float64 {
	if relative {
		return d.Relative.Value
	}
	return d.Absolute
}

// daysDrawn draws the interval and the estimate of each day.
func (c *canvas) daysDrawn(days []*ledger.DayResult, x, y scale, relative bool) {
	var dots []point
	var lines []segment
	for _, d := range days {
		if d.Status != stats.StatusOK {
			continue
		}
		at, i := x.at(float64(d.Day)), dayInterval(d, relative)
		if bounded(i) {
			lines = append(lines, segment{at, y.at(i.Lower), at, y.at(i.Upper)})
		}
		dots = append(dots, point{at, y.at(dayEstimate(d, relative))})
	}
	c.bars("whisker s-info", lines)
	for _, l := range lines { // Where the frame cuts an interval, it goes on.
		for _, end := range []struct{ y, edge, way float64 }{{l.Y1, y.From, -1}, {l.Y2, y.To, 1}} {
			if end.y == end.edge {
				c.path("whisker s-info", []point{{l.X1 - 4, end.edge + 6*end.way}, {l.X1, end.edge}, {l.X1 + 4, end.edge + 6*end.way}}, "")
			}
		}
	}
	c.dots("look", dots)
}
