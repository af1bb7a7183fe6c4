package main

import (
	"fmt"
	"math"
)

// plot is one picture of the document.
type plot struct{ file, title, svg string }

// series is one line of a plot.
type series struct {
	name string
	x, y []float64
}

// pens are the looks of the series, told apart by colour (Okabe & Ito 2008) and
// dash; the first two are the product's.
var pens = []pen{
	{"#0072b2", 3, ""},
	{"#56b4e9", 3, "8 4"},
	{"#d55e00", 2, ""},
	{"#e69f00", 2, "8 4"},
	{"#cc79a7", 2, "3 3"},
	{"#009e73", 2, "10 3 2 3"},
	{"#777777", 2, "2 3"},
	{"#000000", 1.5, "6 6"},
}

// byLook is a plot of cumulative rates by look.
type byLook struct {
	file, title, cell, label string
	methods                  []string
	level                    float64 // a dotted line; 0 = none
}

// lookPlots are the plots by look.
func lookPlots() []byLook {
	const stopped, found = "harmless changes stopped so far", "harmful changes stopped so far"
	return []byLook{
		{
			"false-error-rate.svg", "False alarms, error rate of 2 %, 90/10", "error rate 2 %, N = 5000, 90/10, 100 looks", stopped,
			[]string{capped, uncapped, growthBook.name, growthBookTwoSided.name, statsig.name, linear.name, naive.name},
			alpha,
		},
		{
			"false-lognormal.svg", "False alarms, lognormal sigma 1.5, 90/10", "lognormal sigma 1.5, 90/10, 100 looks", stopped,
			[]string{
				capped + ", log scale", capped + ", share over p95", capped + ", capped at p99", capped + ", raw mean",
				growthBook.name, growthBookTwoSided.name, naive.name,
			},
			alpha,
		},
		{
			"power-gaussian.svg", "Power, Gaussian +0.05 sd, N = 20000", "Gaussian +0.05 sd, N = 20000, 50/50, 28 looks", found,
			[]string{capped, uncapped, growthBookTuned.name, growthBookTwoSided.name, statsig.name, linear.name},
			0,
		},
		{
			"power-canary.svg", "Power, error rate 2 to 4 %, one unit in ten treated", "error rate 2 to 4 %, N = 5000, 10/90, 28 looks", found,
			[]string{capped, uncapped, growthBookTuned.name, growthBookTwoSided.name, statsig.name, linear.name},
			0,
		},
	}
}

// allPlots of a run.
func allPlots(r results) ([]plot, error) {
	var out []plot
	for _, b := range lookPlots() {
		p, err := b.draw(r)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	units, err := unitsPlot(r)
	if err != nil {
		return nil, err
	}
	family, err := familyPlot(r)
	if err != nil {
		return nil, err
	}
	return append(out, units, family), nil
}

func (b byLook) draw(r results) (plot, error) {
	var list []series
	for _, m := range b.methods {
		l, err := r.find(b.cell, m)
		if err != nil {
			return plot{}, err
		}
		s := series{name: m, x: []float64{0}, y: []float64{0}}
		for k, hits := range l.byLook {
			s.x, s.y = append(s.x, float64(k+1)), append(s.y, float64(hits)/float64(l.reps))
		}
		list = append(list, s)
	}
	last := list[0].x[len(list[0].x)-1]
	x := axis{0, last, left, right}
	return plot{b.file, b.title, curves(b.title, "look", b.label, x, x.ticks(), list, b.level)}, nil
}

// curves draws series over common axes, with their names beside.
func curves(title, xLabel, yLabel string, x axis, xTicks []float64, list []series, level float64) string {
	most := level
	for _, s := range list {
		for _, y := range s.y {
			most = max(most, y)
		}
	}
	y := axis{0, math.Min(1, most*1.05+1e-3), bottom, top}
	c := newCanvas(title)
	c.frame(x, y, xLabel, yLabel, xTicks)
	if level > 0 {
		c.line(pen{"#cc0000", 1, "2 4"}, [2]float64{left, y.at(level)}, [2]float64{right, y.at(level)})
		c.text(left+6, y.at(level)-5, "start", 11, "promised: "+share(level))
	}
	for i, s := range list {
		places := make([][2]float64, len(s.x))
		for k := range places {
			places[k] = [2]float64{x.at(s.x[k]), y.at(s.y[k])}
		}
		c.line(pens[i], places...)
		c.key(i, s.name)
	}
	return c.done()
}

// key names the i-th series.
func (c *canvas) key(i int, name string) {
	y := top + 12 + 24*float64(i)
	c.line(pens[i], [2]float64{right + 20, y}, [2]float64{right + 56, y})
	c.text(right+64, y+4, "start", 12, name)
}

// unitsPlot has bars of the mean number of units until the stop.
func unitsPlot(r results) (plot, error) {
	const title = "Mean units until a harmful change is stopped, as a share of those planned"
	methods := []string{capped, uncapped, growthBook.name, growthBookTuned.name, statsig.name}
	cells := []string{
		"Gaussian +0.05 sd, N = 20000, 50/50", "Gaussian +0.1 sd, N = 20000, 50/50", "error rate 2 to 3 %, N = 5000, 50/50",
		"error rate 2 to 4 %, N = 5000, 10/90",
	}
	c, x := newCanvas(title), axis{0, 1, left + 190, right}
	for _, t := range x.ticks() {
		c.line(pen{"#dddddd", 1, ""}, [2]float64{x.at(t), top}, [2]float64{x.at(t), bottom})
		c.text(x.at(t), bottom+20, "middle", 12, share(t))
	}
	c.text((x.from+x.to)/2, bottom+42, "middle", 13, "mean units, share of the planned ones")
	const thick = 13.0
	for i, cell := range cells {
		y := top + 8 + float64(i)*(thick*float64(len(methods))+13)
		c.text(x.from-8, y+thick*float64(len(methods))/2+4, "end", 11, cell)
		for k, m := range methods {
			l, err := r.find(cell+", 28 looks", m)
			if err != nil {
				return plot{}, err
			}
			c.rect(pens[k].colour, x.from, y+thick*float64(k), x.at(l.mean)-x.from, thick-2)
			c.text(x.at(l.mean)+4, y+thick*float64(k)+10, "start", 10, percent(l.mean))
		}
	}
	for k, m := range methods {
		y := top + 24*float64(k)
		c.rect(pens[k].colour, right+70, y, 20, 12)
		c.text(right+98, y+11, "start", 12, m)
	}
	return plot{"mean-units.svg", title, c.done()}, nil
}

// familyPlot has the chance of a false rollback by the number of guardrails.
func familyPlot(r results) (plot, error) {
	const title = "False alarms by the number of guardrails, pairwise correlation 0.3"
	var list []series
	for _, m := range []string{capped, growthBook.name} {
		for _, looks := range []int{daily, often} {
			s := series{name: fmt.Sprintf("%s, %d looks", m, looks)}
			for _, n := range familySizes {
				l, err := r.find(fmt.Sprintf("%s, %d looks", familyName(n), looks), m)
				if err != nil {
					return plot{}, err
				}
				s.x, s.y = append(s.x, float64(n)), append(s.y, l.rate())
			}
			list = append(list, s)
		}
	}
	var ticks []float64
	for _, n := range familySizes {
		ticks = append(ticks, float64(n))
	}
	x := axis{0, float64(familySizes[len(familySizes)-1]), left, right}
	return plot{
		"family.svg", title,
		curves(title, "guardrails", "harmless changes stopped by the end", x, ticks, list, alpha),
	}, nil
}
