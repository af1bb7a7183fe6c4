package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"assay/stats"
)

func TestScale(t *testing.T) {
	s := scale{-0.1, 0.3, 100, 500}
	for _, c := range []struct{ x, want float64 }{{-0.1, 100}, {0.3, 500}, {0.1, 300}, {9, 500}, {math.Inf(-1), 100}, {math.NaN(), 300}} {
		if got := s.at(c.x); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v is at %v, want %v", c.x, got, c.want)
		}
	}
	if got := (scale{1, 1, 0, 10}).at(1); got != 5 {
		t.Errorf("an empty scale puts everything in the middle, got %v", got)
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, c := range []struct {
		s    scale
		want []float64
	}{
		{scale{Lo: -0.1, Hi: 0.3}, []float64{-0.1, 0, 0.1, 0.2, 0.3}},
		{scale{Lo: 0, Hi: 840}, []float64{0, 500}},
		{scale{Lo: 0, Hi: 0}, nil},
		{scale{Lo: 0, Hi: math.Inf(1)}, nil},
	} {
		got := c.s.ticks(4)
		equal := gocmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
		if diff := gocmp.Diff(c.want, got, equal); diff != "" {
			t.Errorf("ticks of %+v (-want +got):\n%s", c.s, diff)
		}
	}
}

// parsed reads a picture as XML and counts its elements by class.
func parsed(t *testing.T, svg string) map[string]int {
	t.Helper()
	count := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		e, isStart := token.(xml.StartElement)
		if !isStart {
			continue
		}
		count[e.Name.Local]++
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "class":
				for _, class := range strings.Fields(a.Value) {
					count["."+class]++
				}
			case "d", "x", "y", "x1", "x2", "y1", "y2", "width", "height":
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestForestClipsAndLeavesOut(t *testing.T) {
	row := func(lower, upper float64) forestRow {
		return forestRow{Label: "m", Estimate: stats.Some(0.02), Lower: lower, Upper: upper, Drawn: true, Margin: ptr(0.05), Harm: 1}
	}
	rows := []forestRow{row(-0.1, 0.1), row(-0.1, 0.12), row(-0.09, 0.1), row(math.Inf(-1), math.Inf(1)), {Label: "silent"}}
	for _, l := range forestLayouts {
		got := parsed(t, string(forest(picture{ID: "f", Title: evil, Desc: evil}, rows, l)))
		if got[".arrow"] != 1 || got[".estimate"] != 4 || got[".margin"] != 4 || got[".harmzone"] != 4 {
			t.Errorf("%s: %v", l.Class, got)
		}
	}
}

func TestSequenceBreaksWhereALookCouldNotSay(t *testing.T) {
	known := func(day int) seqPoint {
		return seqPoint{At: dayOf(day), Estimate: 0.1, Lower: -0.1, Upper: math.Inf(1), Known: true, Harmed: day == 5}
	}
	s := sequence{
		From: start, To: dayOf(5), Margin: ptr(0.05), Harm: -1, Label: web.relativeTick,
		Points: []seqPoint{known(1), known(2), {At: dayOf(3)}, known(4), known(5)},
		Marks:  []rampMark{{At: dayOf(1), Label: "25 %"}, {At: dayOf(1).Add(time.Minute), Label: "50 %"}},
	}
	got := parsed(t, string(sequenceChart(picture{ID: "s"}, s)))
	if got[".band"] != 2 || got[".course"] != 2 || got[".hit"] != 1 || got[".ramp"] != 2 {
		t.Errorf("%v", got)
	}
	if (&sequence{Points: []seqPoint{{At: start}}}).drawable() {
		t.Error("nothing known is nothing to draw")
	}
}

func TestChartsSurviveOddData(t *testing.T) {
	days := []dayBars{{start, []int64{0, 0}}}
	parsed(t, string(daily(dailyLayouts[0], days, nil)))
	nan := seqPoint{At: start, Estimate: math.NaN(), Lower: math.Inf(-1), Upper: math.Inf(1), Known: true}
	parsed(t, string(sequenceChart(picture{ID: "s"}, sequence{From: start, To: start, Points: []seqPoint{nan}, Label: web.relativeTick})))
	parsed(t, string(coverageBars(picture{ID: "c", Title: "<", Desc: "&\x00"}, []string{"is"}, [][]sharePart{{{ID: "a", Label: evil, Share: 1, Class: "arm0"}}})))
}

func TestFitKeepsWithinItsWidth(t *testing.T) {
	if got := fit(strings.Repeat("m", 50), 120, 10); len([]rune(got)) != 20 {
		t.Errorf("%q has %d characters", got, len([]rune(got)))
	}
}

// Steps are written as distances in tenths, so that their sum is where each point
// is, however many there are.
func TestPathsDoNotDrift(t *testing.T) {
	var points []point
	for i := range 200 {
		points = append(points, point{float64(i) / 3, math.Sin(float64(i)) * 7})
	}
	for name, write := range map[string]func(*canvas){
		"path": func(c *canvas) { c.path("p", points, "") }, "dots": func(c *canvas) { c.dots("p", points) },
	} {
		c := draw(picture{ID: "p"})
		write(c)
		_, d, _ := strings.Cut(string(c.done()), ` d="`)
		d, _, _ = strings.Cut(d, `"`)
		x, y, n := 0.0, 0.0, 0
		fields := strings.Fields(strings.NewReplacer("h0", " ", "m", " ", "-", " -").Replace(d))
		for i := 0; i+1 < len(fields); i += 2 {
			dx, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			dy, err := strconv.ParseFloat(fields[i+1], 64)
			if err != nil {
				t.Fatal(err)
			}
			x, y = x+dx, y+dy
			if math.Abs(x-points[n].X) > 0.051 || math.Abs(y-points[n].Y) > 0.051 {
				t.Fatalf("%s: point %d is at %g %g, want %+v", name, n, x, y, points[n])
			}
			n++
		}
		if n != len(points) {
			t.Errorf("%s: %d points, want %d", name, n, len(points))
		}
	}
}

// The fixed interval stands thin below the confidence sequence, where a look
// knows it.
func TestForestDrawsTheFixedInterval(t *testing.T) {
	look := shipped().look
	rows, thin := forestRows(look), 0
	for _, r := range rows {
		if r.Thin != nil {
			thin++
		}
	}
	if thin == 0 {
		t.Fatal("no fixed interval")
	}
	for _, l := range forestLayouts {
		if got := parsed(t, string(forest(picture{ID: "f"}, rows, l)))[".thin"]; got != thin {
			t.Errorf("%s: %d thin lines, want %d", l.Class, got, thin)
		}
	}
}

// The evidence stands below the sequence only where a look has some, its
// boundary at what that look needed.
func TestSequenceDrawsTheEvidence(t *testing.T) {
	s := sequence{From: start, To: dayOf(3), Label: func(float64) string { return "" }}
	for i := range 3 {
		s.Points = append(s.Points, seqPoint{At: dayOf(i + 1), Estimate: 0.1, Lower: 0, Upper: 0.2, Known: true})
	}
	if got := parsed(t, string(sequenceChart(picture{ID: "s"}, s))); got[".strip"] != 0 || got[".bound"] != 0 {
		t.Errorf("evidence out of nothing: %v", got)
	}
	s.Points[1].Proof, s.Points[2].Proof = stats.Some(0.4), stats.Some(40)
	if got := parsed(t, string(sequenceChart(picture{ID: "s"}, s))); got[".strip"] != 1 || got[".bound"] != 1 {
		t.Errorf("no evidence: %v", got)
	}
}
