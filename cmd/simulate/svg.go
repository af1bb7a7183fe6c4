package main

import (
	"html"
	"math"
	"strconv"
	"strings"
)

// canvas collects the elements of a picture. Colours are attributes and the
// ground is a white rectangle, so that it reads the same on light and dark pages.
type canvas struct{ out strings.Builder }

// The size of every picture and the place of its axes.
const (
	width, height            = 860.0, 420.0
	left, right, top, bottom = 70.0, 600.0, 50.0, 360.0
)

func newCanvas(title string) *canvas {
	c := &canvas{}
	c.out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + number(width) + ` ` + number(height) +
		`" font-family="sans-serif" role="img"><title>` + html.EscapeString(title) + `</title>`)
	c.rect("#ffffff", 0, 0, width, height)
	c.text(left, 28, "start", 16, title)
	return c
}

func (c *canvas) done() string { return c.out.String() + "</svg>\n" }

func (c *canvas) rect(fill string, x, y, w, h float64) {
	c.out.WriteString(`<rect x="` + number(x) + `" y="` + number(y) + `" width="` + number(w) + `" height="` + number(h) +
		`" fill="` + fill + `"/>` + "\n")
}

// pen is how a line is drawn.
type pen struct {
	colour string
	width  float64
	dash   string // "" = solid
}

// line joins places; each is x and y.
func (c *canvas) line(p pen, places ...[2]float64) {
	var d strings.Builder
	for i, at := range places {
		d.WriteString(string("ML"[min(i, 1)]) + number(at[0]) + " " + number(at[1]))
	}
	c.out.WriteString(`<path d="` + d.String() + `" fill="none" stroke="` + p.colour + `" stroke-width="` + number(p.width) + `"`)
	if p.dash != "" {
		c.out.WriteString(` stroke-dasharray="` + p.dash + `"`)
	}
	c.out.WriteString("/>\n")
}

func (c *canvas) text(x, y float64, anchor string, size float64, s string) {
	c.out.WriteString(`<text x="` + number(x) + `" y="` + number(y) + `" text-anchor="` + anchor + `" font-size="` + number(size) +
		`" fill="#222222">` + html.EscapeString(s) + "</text>\n")
}

// upright writes along the vertical axis.
func (c *canvas) upright(x, y float64, s string) {
	c.out.WriteString(`<text transform="translate(` + number(x) + ` ` + number(y) + `) rotate(-90)" text-anchor="middle" ` +
		`font-size="13" fill="#222222">` + html.EscapeString(s) + "</text>\n")
}

// number writes a coordinate to a tenth.
func number(x float64) string { return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64) }

// axis maps values from 0 or 1 upwards to places.
type axis struct{ low, high, from, to float64 }

func (a axis) at(x float64) float64 {
	return a.from + (min(max(x, a.low), a.high)-a.low)/(a.high-a.low)*(a.to-a.from)
}

// ticks are at most about six round values.
func (a axis) ticks() (out []float64) {
	rough := (a.high - a.low) / 6
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, f := range []float64{1, 2, 5} {
		if f*power >= rough {
			step = f * power
			break
		}
	}
	for k := math.Ceil(a.low/step - 1e-9); k*step <= a.high*(1+1e-9); k++ {
		out = append(out, k*step+0) // Never -0.
	}
	return out
}

// share writes a tick of a rate.
func share(x float64) string { return strconv.FormatFloat(math.Round(x*1e4)/100, 'f', -1, 64) + " %" }

// frame draws both axes of rates by something.
func (c *canvas) frame(x, y axis, xLabel, yLabel string, xTicks []float64) {
	for _, t := range y.ticks() {
		c.line(pen{"#dddddd", 1, ""}, [2]float64{left, y.at(t)}, [2]float64{right, y.at(t)})
		c.text(left-8, y.at(t)+4, "end", 12, share(t))
	}
	for _, t := range xTicks {
		c.line(pen{"#888888", 1, ""}, [2]float64{x.at(t), bottom}, [2]float64{x.at(t), bottom + 5})
		c.text(x.at(t), bottom+20, "middle", 12, strconv.FormatFloat(t, 'f', -1, 64))
	}
	c.line(pen{"#444444", 1, ""}, [2]float64{left, top}, [2]float64{left, bottom}, [2]float64{right, bottom})
	c.text((left+right)/2, bottom+42, "middle", 13, xLabel)
	c.upright(18, (top+bottom)/2, yLabel)
}
