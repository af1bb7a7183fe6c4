package report

import (
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// The charts are drawn here by hand. A canvas is the only way to make SVG, and
// everything that goes on it as text is escaped by it; shapes take numbers and
// the names of classes of the style sheet, which is where all colour lives.

// canvas collects the elements of one picture.
type canvas struct {
	out strings.Builder
}

// picture is what a reader who cannot see a chart is told.
type picture struct {
	ID, Class     string
	Title, Desc   string
	Width, Height float64
}

func draw(p picture) *canvas {
	c := &canvas{}
	c.out.WriteString(`<svg role="img" class="` + p.Class + `" viewBox="0 0 ` + coord(p.Width) + ` ` + coord(p.Height) +
		`" aria-labelledby="` + p.ID + `-t ` + p.ID + `-d"><title id="` + p.ID + `-t">` + escape(p.Title) +
		`</title><desc id="` + p.ID + `-d">` + escape(p.Desc) + `</desc>`)
	return c
}

func (c *canvas) done() template.HTML {
	c.out.WriteString("</svg>")
	return template.HTML(c.out.String()) //nolint:gosec // Every text on it went through escape.
}

// box is a rectangle by its upper left corner.
type box struct{ X, Y, W, H float64 }

func (c *canvas) rect(class string, b box) {
	c.out.WriteString(`<rect class="` + class + `" x="` + coord(b.X) + `" y="` + coord(b.Y) +
		`" width="` + coord(max(b.W, 0)) + `" height="` + coord(max(b.H, 0)) + `"/>`)
}

// segment is a straight line.
type segment struct{ X1, Y1, X2, Y2 float64 }

func (c *canvas) line(class string, s segment) {
	c.out.WriteString(`<line class="` + class + `" x1="` + coord(s.X1) + `" y1="` + coord(s.Y1) +
		`" x2="` + coord(s.X2) + `" y2="` + coord(s.Y2) + `"/>`)
}

// point is a place on the canvas.
type point struct{ X, Y float64 }

// path draws straight lines through the points; end is "" or "Z". Each point is
// written as its distance from the one before, which is half as long.
func (c *canvas) path(class string, points []point, end string) {
	if len(points) == 0 {
		return
	}
	c.out.WriteString(`<path class="` + class + `" d="m`)
	c.steps(points, "", " ")
	c.out.WriteString(end + `"/>`)
}

// bars draws upright lines, all in one path.
func (c *canvas) bars(class string, lines []segment) {
	if len(lines) == 0 {
		return
	}
	c.out.WriteString(`<path class="` + class + `" d="`)
	for _, l := range lines {
		c.out.WriteString("M" + coord(l.X1) + " " + coord(l.Y1) + "V" + coord(l.Y2))
	}
	c.out.WriteString(`"/>`)
}

// dots draws a round dot at each point.
func (c *canvas) dots(class string, points []point) {
	if len(points) == 0 {
		return
	}
	c.out.WriteString(`<path class="` + class + `" d="m`)
	c.steps(points, "h0", "m")
	c.out.WriteString(`h0"/>`)
}

// steps writes the distance of each point from the one before, in tenths so that
// no rounding adds up; after and between stand between two points. A minus sign
// parts two numbers as well as a space does.
func (c *canvas) steps(points []point, after, between string) {
	x, y := 0.0, 0.0
	for i, p := range points {
		toX, toY := tenths(p.X), tenths(p.Y)
		if i > 0 {
			c.out.WriteString(after + between)
		}
		right, down := coord((toX-x)/10), coord((toY-y)/10)
		if !strings.HasPrefix(down, "-") {
			down = " " + down
		}
		c.out.WriteString(right + down)
		x, y = toX, toY
	}
}

// text writes s with its class; the class says how it is anchored.
func (c *canvas) text(class string, at point, s string) {
	c.out.WriteString(`<text class="` + class + `" x="` + coord(at.X) + `" y="` + coord(at.Y) + `">` + escape(s) + `</text>`)
}

func escape(s string) string { return template.HTMLEscapeString(clean(s)) }

// coord writes a coordinate to a tenth.
func coord(x float64) string { return strconv.FormatFloat(tenths(x)/10, 'f', -1, 64) }

// tenths is a coordinate in whole tenths; what is no number is at 0.
func tenths(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return math.Round(x*10) + 0
}

// scale maps values to places; what is outside goes to the nearer end.
type scale struct{ Lo, Hi, From, To float64 }

func (s scale) at(x float64) float64 {
	if s.Hi <= s.Lo || math.IsNaN(x) {
		return (s.From + s.To) / 2
	}
	x = min(max(x, s.Lo), s.Hi)
	return s.From + (x-s.Lo)/(s.Hi-s.Lo)*(s.To-s.From)
}

// ticks are round values inside the scale, about as many as asked for.
func (s scale) ticks(about int) []float64 {
	step := niceStep((s.Hi - s.Lo) / float64(max(about, 1)))
	if step == 0 {
		return nil
	}
	var out []float64
	for k := math.Ceil(s.Lo/step - 1e-9); k*step <= s.Hi+1e-9*step && len(out) < 20; k++ {
		out = append(out, k*step+0)
	}
	return out
}

// axisTicks are the ticks of an upright axis: fewer than three make no scale.
func (s scale) axisTicks() []float64 {
	if few := s.ticks(4); len(few) >= 3 {
		return few
	}
	return s.ticks(8)
}

// niceStep is the smallest of 1, 2, 5 times a power of ten that is not below x.
func niceStep(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 0) {
		return 0
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, f := range []float64{1, 2, 5} {
		if f*power >= x*(1-1e-9) {
			return f * power
		}
	}
	return 10 * power
}

// span is the smallest and the largest of finite values.
type span struct {
	Lo, Hi float64
	Any    bool
}

func (s *span) add(values ...float64) {
	for _, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		if !s.Any {
			s.Lo, s.Hi, s.Any = x, x, true
			continue
		}
		s.Lo, s.Hi = min(s.Lo, x), max(s.Hi, x)
	}
}

// padded widens the span by a share of its length; it is never empty.
func (s *span) padded(share float64) (lo, hi float64) {
	width := s.Hi - s.Lo
	if width == 0 {
		width = math.Max(math.Abs(s.Hi), 1e-6)
	}
	return s.Lo - share*width, s.Hi + share*width
}

// timeScale maps instants to places.
type timeScale struct{ scale }

func newTimeScale(from, to time.Time, left, right float64) timeScale {
	return timeScale{scale{float64(from.Unix()), float64(to.Unix()), left, right}}
}

func (s timeScale) when(t time.Time) float64 { return s.at(float64(t.Unix())) }

// fit cuts a label to the width it has, in units of the picture, at that size
// of type. Characters are taken to be rather wide, so that none runs over.
func fit(s string, width, size float64) string {
	const wide = 0.6
	return shorten(clean(s), int(width/(size*wide)))
}
