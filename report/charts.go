package report

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"strconv"
	"time"

	"assay/stats"
)

// sharePart is a segment of a coverage bar.
type sharePart struct {
	ID    string // of the variation; "" = the uncovered rest
	Label string
	Short string  // in the bar; "" = Label
	Share float64 // of everybody, in [0,1]
	Class string
}

// coverageBars draws two bars, one above the other: who gets what was and
// will be.
func coverageBars(p picture, labels []string, bars [][]sharePart) template.HTML {
	const left, height, gap = 56, 30, 10
	p.Width, p.Height = 340, float64(len(bars))*(height+gap)-gap
	c := draw(p)
	x := scale{0, 1, left, p.Width}
	for i, parts := range bars {
		y := float64(i) * (height + gap)
		c.text("t-muted", point{0, y + 20}, labels[i])
		from := 0.0
		for _, part := range parts {
			if part.Share <= 0 {
				continue
			}
			b := box{x.at(from), y, x.at(from+part.Share) - x.at(from), height}
			c.rect(part.Class, b)
			if b.W >= 52 {
				if label := cmp.Or(part.Short, part.Label); fit(label, b.W-12, 12) == label { // The table has the names.
					c.text(part.Class+" t-on", point{b.X + 8, y + 20}, label)
				}
			}
			from += part.Share
		}
	}
	return c.done()
}

// forestRow is one comparison on the relative scale.
type forestRow struct {
	Group        string // heading, written where it changes
	Label        string
	Estimate     stats.Optional
	Lower, Upper float64         // ±Inf = open
	Thin         *stats.Interval // the fixed interval; nil = there is none
	Drawn        bool            // false: there is nothing to draw, only words
	Margin       *float64
	Harm         float64 // +1: right is harm, -1: left, 0: not known
	Status       badge
	Value, Range string
}

// forestLayout says where things are; there is one for a page and one for a phone.
type forestLayout struct {
	Class            string
	Width, Row, Head float64
	Left, Right      float64 // of the plot
	Stacked          bool    // numbers above the plot, not beside it
	Plain            bool    // no numbers: a table beside the plot has them
}

var forestLayouts = []forestLayout{
	{Class: "chart wide", Width: 1040, Row: 32, Head: 30, Left: 250, Right: 690},
	{Class: "chart narrow", Width: 340, Row: 66, Head: 28, Left: 8, Right: 332, Stacked: true},
}

// sliceLayout is that of the slices of one metric.
var sliceLayout = forestLayout{Class: "chart sliced", Width: 480, Row: 26, Left: 150, Right: 470, Plain: true}

// forest draws the rows in one layout.
func forest(p picture, rows []forestRow, l forestLayout) template.HTML {
	const axis = 40
	p.Class, p.Width = l.Class, l.Width
	p.Height = axis + float64(len(rows))*l.Row + float64(groups(rows))*l.Head
	c := draw(p)
	x := forestScale(rows, l)
	bottom := p.Height - axis + 4
	for _, t := range x.ticks(int((l.Right - l.Left) / 55)) {
		c.line("grid", segment{x.at(t), 8, x.at(t), bottom})
		tick := web.relativeTick(t)
		half := halfOf(tick)
		c.text("t-axis t-mid", point{min(max(x.at(t), half), p.Width-half), bottom + 15}, tick)
	}
	c.line("zero", segment{x.at(0), 4, x.at(0), bottom + 2})
	c.text("t-axis t-mid", point{(l.Left + l.Right) / 2, bottom + 32}, "relative effect, treatment against known good")
	y, group := 0.0, ""
	for _, row := range rows {
		if row.Group != group {
			group = row.Group
			c.text("t-group", point{0, y + l.Head - 10}, group)
			y += l.Head
		}
		c.forestRow(row, l, x, y)
		y += l.Row
	}
	return c.done()
}

func groups(rows []forestRow) int {
	n, last := 0, ""
	for _, r := range rows {
		if r.Group != last {
			n, last = n+1, r.Group
		}
	}
	return n
}

// forestScale covers every estimate, margin and interval end, but for ends
// twice as far out as four in five others: lest these press the rest into a dot.
func forestScale(rows []forestRow, l forestLayout) scale {
	var must span
	var ends []float64
	must.add(0)
	for _, r := range rows {
		if !r.Drawn {
			continue
		}
		if r.Margin != nil {
			must.add(r.Harm * *r.Margin * 1.2)
		}
		if r.Estimate.Known {
			must.add(r.Estimate.Value * 1.1)
		}
		for _, end := range []float64{r.Lower, r.Upper} {
			if !math.IsInf(end, 0) && !math.IsNaN(end) {
				ends = append(ends, math.Abs(end))
			}
		}
	}
	limit := 0.0
	if len(ends) > 0 {
		slices.Sort(ends)
		limit = min(ends[len(ends)-1], 2*ends[(len(ends)-1)*4/5])
	}
	for _, r := range rows {
		if r.Drawn && !math.IsNaN(r.Lower) && !math.IsNaN(r.Upper) {
			must.add(max(r.Lower, -limit), min(r.Upper, limit))
		}
	}
	if must.Lo == must.Hi {
		must.add(-0.1, 0.1)
	}
	lo, hi := must.padded(0.04)
	return scale{lo, hi, l.Left, l.Right}
}

func (c *canvas) forestRow(r forestRow, l forestLayout, x scale, y float64) {
	plot := c.forestWords(r, l, y)
	if !r.Drawn {
		return
	}
	if r.Margin != nil && r.Harm != 0 {
		c.harmZone(r, l, x, plot)
	}
	if r.Thin != nil {
		c.line("thin", segment{x.at(r.Thin.Lower), plot + 8, x.at(r.Thin.Upper), plot + 8})
	}
	c.whisker(r, x, plot)
}

// forestWords writes what a row says in words, and returns the height of its plot.
func (c *canvas) forestWords(r forestRow, l forestLayout, y float64) float64 {
	plot := y + l.Row/2
	switch {
	case l.Plain:
		c.text("t-label", point{0, plot + 5}, fit(r.Label, l.Left-8, 13))
	case l.Stacked:
		plot = y + 50
		c.text("t-label", point{0, y + 16}, fit(r.Status.Icon+" "+r.Label, 190, 13))
		c.text("t-muted t-end", point{l.Width, y + 16}, fit(r.Status.Word, 140, 13))
		c.text("t-small", point{0, y + 33}, fit(numbersOf(r), 336, 11))
	default:
		c.text("t-label "+string(r.Status.Tone), point{0, plot + 5}, r.Status.Icon)
		c.text("t-label", point{18, plot + 5}, fit(r.Label, l.Left-30, 13))
		c.text("t-num t-end", point{770, plot + 5}, r.Value)
		c.text("t-small t-end", point{905, plot + 5}, r.Range)
		c.text("t-small", point{920, plot + 5}, fit(r.Status.Word, 126, 12))
	}
	return plot
}

func numbersOf(r forestRow) string {
	if r.Value == "" || r.Range == "" {
		return r.Value + r.Range
	}
	return r.Value + " (" + r.Range + ")"
}

// harmZone tints what lies beyond the margin and draws the margin itself.
func (c *canvas) harmZone(r forestRow, l forestLayout, x scale, y float64) {
	at := x.at(r.Harm * *r.Margin)
	b := box{at, y - 11, l.Right - at, 22}
	if r.Harm < 0 {
		b.X, b.W = l.Left, at-l.Left
	}
	c.rect("harmzone", b)
	if *r.Margin > 0 {
		c.line("margin", segment{at, y - 11, at, y + 11})
	}
}

// whisker draws an interval with its estimate; an end beyond the axis is an arrow.
func (c *canvas) whisker(r forestRow, x scale, y float64) {
	from, to := x.at(r.Lower), x.at(r.Upper)
	class := "whisker s-" + string(r.Status.Tone)
	if r.Lower < x.Lo || r.Upper > x.Hi {
		class += " arrow"
	}
	low, high := capOf(r.Lower < x.Lo, point{from, y}, -1), capOf(r.Upper > x.Hi, point{to, y}, 1)
	const crowded = 10
	if to-from < crowded && len(low)+len(high) > 0 && (r.Lower < x.Lo) != (r.Upper > x.Hi) { // A cap in an arrow is a cross.
		if r.Upper > x.Hi {
			low = low[:1]
		} else {
			high = high[:1]
		}
	}
	ends := append(low, high...)
	c.path(class, ends, "")
	if r.Estimate.Known {
		c.dots("estimate s-"+string(r.Status.Tone), []point{{x.at(r.Estimate.Value), y}})
	}
}

// capOf is the stroke at an end of an interval, from its middle and back to it:
// upright, or an arrow where the interval goes on beyond the axis.
func capOf(beyond bool, at point, way float64) []point {
	back := at.X
	if beyond {
		back -= 7 * way
	}
	return []point{at, {back, at.Y - 5}, at, {back, at.Y + 5}, at}
}

// seqPoint is one look of a confidence sequence.
type seqPoint struct {
	At                     time.Time
	Estimate, Lower, Upper float64 // NaN estimate: interval only
	Known                  bool    // false: the look could not say
	Harmed                 bool
	Proof                  stats.Optional // evidence of harm over what the look needs
}

// rampMark is a change of the flag.
type rampMark struct {
	At    time.Time
	Label string
}

// sequence is a metric's confidence sequence over the looks.
type sequence struct {
	From, To time.Time
	Points   []seqPoint
	Marks    []rampMark
	Margin   *float64
	Harm     float64
	Label    func(float64) string
	Bare     bool // there are no intervals
}

// drawable tells whether any look has something to show.
func (s *sequence) drawable() bool {
	return slices.ContainsFunc(s.Points, func(p seqPoint) bool { return p.Known })
}

// sequenceChart draws the estimate, its interval, zero, the margin, the looks
// and the ramp steps.
func sequenceChart(p picture, s sequence) template.HTML {
	const left, right, top, foot = 56, 8, 18, 24
	p.Class, p.Width, p.Height = "chart", 340, 176
	plot := p.Height - foot
	if s.proven() {
		p.Height += proofHeight
	}
	c := draw(p)
	x := newTimeScale(s.From, s.To, left, p.Width-right)
	lo, hi := s.values()
	y := scale{lo, hi, plot, top}
	for _, t := range y.axisTicks() {
		c.line("grid", segment{left, y.at(t), p.Width - right, y.at(t)})
		c.text("t-axis t-end", point{left - 6, y.at(t) + 4}, s.Label(t))
	}
	c.harmArea(s, y, box{left, top, p.Width - right - left, plot - top})
	c.marks(s.Marks, x, segment{0, top, 0, plot})
	c.band(s, x, y)
	c.line("zero", segment{left, y.at(0), p.Width - right, y.at(0)})
	if s.proven() {
		c.proof(s.Points, x, box{left, plot + 22, p.Width - right - left, proofHeight - 26})
	}
	c.dates(s.From, s.To, x, p.Height-8)
	return c.done()
}

// proofHeight is what the evidence takes below a confidence sequence.
const proofHeight = 64

// proven tells whether any look has evidence to draw.
func (s *sequence) proven() bool {
	return slices.ContainsFunc(s.Points, func(p seqPoint) bool { return p.Proof.Known })
}

// proof draws the evidence of harm as a share of what each look needed, whose
// boundary is at one; below none and far above one it is cut.
func (c *canvas) proof(points []seqPoint, x timeScale, b box) {
	most := 1.25
	for _, p := range points {
		if p.Proof.Known {
			most = max(most, min(p.Proof.Value*1.1, 3))
		}
	}
	y := scale{0, most, b.Y + b.H, b.Y}
	c.text("t-axis", point{b.X, b.Y - 6}, "evidence of harm, of what is needed")
	for _, t := range []float64{0, 1} {
		c.text("t-axis t-end", point{b.X - 6, y.at(t) + 4}, web.share(t, 0))
	}
	c.line("zero", segment{b.X, y.at(0), b.X + b.W, y.at(0)})
	c.line("bound", segment{b.X, y.at(1), b.X + b.W, y.at(1)})
	var line, single, last []point
	flush := func() { // The line breaks where a look has no evidence to spend.
		if len(line) == 1 {
			single = append(single, line...)
		} else {
			c.path("strip", line, "")
		}
		line = nil
	}
	for _, p := range points {
		if !p.Proof.Known {
			flush()
			continue
		}
		line = append(line, point{x.when(p.At), y.at(p.Proof.Value)})
		last = line[len(line)-1:]
	}
	flush()
	c.dots("single", single)
	c.dots("look", last)
}

// values is the range of the latest third of the looks with zero and the
// margin; the wide intervals of the first looks are cut at the edge.
func (s *sequence) values() (lo, hi float64) {
	var v span
	v.add(0)
	if s.Margin != nil && s.Harm != 0 {
		v.add(s.Harm * *s.Margin)
	}
	for i, p := range s.Points {
		if !p.Known {
			continue
		}
		v.add(p.Estimate)
		if !s.Bare && i >= len(s.Points)*2/3 {
			v.add(p.Lower, p.Upper)
		}
	}
	return v.padded(0.08)
}

func (c *canvas) harmArea(s sequence, y scale, b box) {
	if s.Margin == nil || s.Harm == 0 {
		return
	}
	at := y.at(s.Harm * *s.Margin)
	zone := box{b.X, b.Y, b.W, at - b.Y}
	if s.Harm < 0 {
		zone.Y, zone.H = at, b.Y+b.H-at
	}
	c.rect("harmzone", zone)
	if *s.Margin > 0 {
		c.line("margin", segment{b.X, at, b.X + b.W, at})
	}
}

// halfOf is half the width of a label of an axis, in units of the picture: a
// character of its 11 units is at most 8 wide in fonts for screens.
func halfOf(label string) float64 { return 4 * float64(columns(label)) }

func (c *canvas) marks(marks []rampMark, x timeScale, s segment) {
	next := math.Inf(1)
	for _, m := range slices.Backward(marks) { // The last one has its label, whatever is crowded.
		at := x.when(m.At)
		c.line("ramp", segment{at, s.Y1 - 4, at, s.Y2})
		if next-at >= 40 {
			label := fit(m.Label, 44, 11)
			half := halfOf(label)
			c.text("t-axis t-mid", point{min(max(at, x.From+half), x.To-half), s.Y1 - 7}, label)
			next = at
		}
	}
}

// band draws each unbroken run of looks: its interval, estimate and dots.
func (c *canvas) band(s sequence, x timeScale, y scale) {
	points := s.Points
	for start := 0; start < len(points); {
		if !points[start].Known {
			start++
			continue
		}
		end := start
		for end < len(points) && points[end].Known {
			end++
		}
		if !s.Bare {
			c.interval(points[start:end], x, y)
		}
		c.run(points[start:end], x, y)
		start = end
	}
}

// interval draws the confidence sequence of an unbroken run of looks.
func (c *canvas) interval(points []seqPoint, x timeScale, y scale) {
	var edge []point
	for _, p := range points {
		edge = append(edge, point{x.when(p.At), y.at(p.Upper)})
	}
	for _, p := range slices.Backward(points) {
		edge = append(edge, point{x.when(p.At), y.at(p.Lower)})
	}
	c.path("band", edge, "Z")
	c.line("lastlook", segment{edge[len(points)-1].X, edge[len(points)-1].Y, edge[len(points)].X, edge[len(points)].Y})
}

// dotted is the most looks of which each is a dot: of more they would run into
// one another, and only the latest is one.
const dotted = 40

// run draws the estimates of an unbroken run of looks.
func (c *canvas) run(points []seqPoint, x timeScale, y scale) {
	var middle, harmed, rest []point
	for _, p := range points {
		if math.IsNaN(p.Estimate) {
			continue
		}
		at := point{x.when(p.At), y.at(p.Estimate)}
		middle = append(middle, at)
		if p.Harmed {
			harmed = append(harmed, at)
		} else {
			rest = append(rest, at)
		}
	}
	c.path("course", middle, "")
	if len(points) > dotted {
		rest = rest[max(len(rest)-1, 0):]
	}
	c.dots("look", rest)
	c.dots("look hit", harmed)
}

// dates labels the first and the last day of a time axis.
func (c *canvas) dates(from, to time.Time, x timeScale, y float64) {
	c.text("t-axis", point{x.From, y}, day(from))
	if day(from) != day(to) {
		c.text("t-axis t-end", point{x.To, y}, day(to))
	}
}

// dayBars are the units of one day by variation.
type dayBars struct {
	Day   time.Time
	Units []int64
}

// dailyLayouts are the widths of the chart on a page and on a phone.
var dailyLayouts = []picture{
	{Class: "chart wide", Width: 1040, Height: 190},
	{Class: "chart narrow", Width: 340, Height: 170},
}

// widestBar keeps the bars of a few days from filling the picture.
const widestBar = 40

// daily draws a group of bars per day, one bar a variation.
func daily(p picture, days []dayBars, marks []rampMark) template.HTML {
	const left, top, foot = 54, 18, 24
	c := draw(p)
	var v span
	v.add(0)
	for _, d := range days {
		for _, u := range d.Units {
			v.add(float64(u))
		}
	}
	y := scale{0, max(v.Hi*1.05, 1), p.Height - foot, top}
	for _, t := range y.ticks(4) {
		if t != math.Trunc(t) {
			continue
		}
		c.line("grid", segment{left, y.at(t), p.Width, y.at(t)})
		c.text("t-axis t-end", point{left - 6, y.at(t) + 4}, web.count(int64(t)))
	}
	first, last := days[0].Day, days[len(days)-1].Day.AddDate(0, 0, 1)
	x := newTimeScale(first, last, left, p.Width)
	for _, d := range days {
		from, to := x.when(d.Day), x.when(d.Day.AddDate(0, 0, 1))
		bar := min((to-from)*0.8/float64(max(len(d.Units), 1)), widestBar)
		left := from + (to-from-bar*float64(len(d.Units)))/2
		for i, u := range d.Units {
			at := left + float64(i)*bar
			c.rect(armClass(i), box{at, y.at(float64(u)), bar, y.at(0) - y.at(float64(u))})
		}
	}
	c.marks(marks, x, segment{0, top, 0, p.Height - foot})
	c.line("zero", segment{left, y.at(0), p.Width, y.at(0)})
	half := halfOf(day(first))
	for i, d := range days {
		if i == 0 || i == len(days)-1 { // Below its bars, as far as that is inside.
			middle := (x.when(d.Day) + x.when(d.Day.AddDate(0, 0, 1))) / 2
			c.text("t-axis t-mid", point{min(max(middle, left+half), p.Width-half), p.Height - 8}, day(d.Day))
		}
	}
	return c.done()
}

// armColours is the number of colours for arms in the style sheet.
const armColours = 6

// armClass is the colour of the i-th variation of the spec.
func armClass(i int) string { return "arm" + strconv.Itoa(i%armColours) }
