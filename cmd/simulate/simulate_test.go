package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"assay/stats"
)

// near fails where a mean of values is over five standard errors from want.
func near(t *testing.T, what string, values []float64, want float64) {
	t.Helper()
	mean, deviation := stat.MeanStdDev(values, nil)
	if off := math.Abs(mean - want); !(off <= 5*deviation/math.Sqrt(float64(len(values)))) {
		t.Errorf("%s: %g, want %g", what, mean, want)
	}
}

// squares of the distances from a centre.
func squares(values []float64, centre float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = (v - centre) * (v - centre)
	}
	return out
}

func TestStreams(t *testing.T) {
	if a, b := stream("a", 0).Uint64(), stream("a", 0).Uint64(); a != b {
		t.Errorf("one stream starts with %d and %d", a, b)
	}
	seen := map[uint64]bool{}
	for _, cell := range []string{"a", "b"} {
		for rep := range 1000 {
			seen[stream(cell, rep).Uint64()] = true
		}
	}
	if len(seen) != 2000 {
		t.Errorf("2000 streams start with %d numbers", len(seen))
	}
}

// Every count comes as often as the binomial law says.
func TestBinomial(t *testing.T) {
	const draws = 40000
	for _, c := range []struct {
		n int
		p float64
	}{{7, 0.02}, {178, 0.5}, {714, 0.1}, {1500, 0.97}, {20, 1}, {20, 0}, {0, 0.5}} {
		r := stream("binomial", c.n)
		law := distuv.Binomial{N: float64(c.n), P: c.p}
		count := make([]float64, c.n+1)
		for range draws {
			count[binomial(r, c.n, c.p)]++
		}
		far := 0.0
		for k, got := range count {
			want := draws * law.Prob(float64(k))
			if c.p == 0 || c.p == 1 {
				want = draws * indicator(k == int(c.p)*c.n)
			}
			far = max(far, math.Abs(got-want)/math.Sqrt(want+1))
		}
		if far > 5 {
			t.Errorf("binomial(%d, %g): a count is %.1f standard errors off", c.n, c.p, far)
		}
	}
}

// The moments of a batch have the mean and the variance of moments that are
// taken unit by unit.
func TestNormalBatch(t *testing.T) {
	const draws, n, mean = 20000, 5, 0.3
	for name, draw := range map[string]func(rep int) stats.Moments{
		"batch": func(rep int) stats.Moments { return normalBatch(stream("batch", rep), n, mean) },
		"units": func(rep int) stats.Moments { return normalUnits(stream("units", rep), n, mean) },
	} {
		means, sumsOfSquares := make([]float64, draws), make([]float64, draws)
		for i := range draws {
			m := draw(i)
			means[i], sumsOfSquares[i] = m.Mean, m.M2
		}
		near(t, name+": mean", means, mean)
		near(t, name+": variance of the mean", squares(means, mean), 1.0/n)
		near(t, name+": sum of squares", sumsOfSquares, n-1)
		near(t, name+": variance of the sum of squares", squares(sumsOfSquares, n-1), 2*(n-1))
	}
}

// Correlated batches against correlated units: means have the correlation rho,
// sums of squares rho².
func TestCorrelatedBatch(t *testing.T) {
	const draws, n = 30000, 6
	units := func(rep int, out []stats.Moments) {
		r := stream("correlated units", rep)
		var s [2]sums
		for range n {
			factor := math.Sqrt(rho) * r.NormFloat64()
			for i := range s {
				s[i].add(factor + math.Sqrt(1-rho)*r.NormFloat64() + float64(i))
			}
		}
		out[0], out[1] = s[0].moments(), s[1].moments()
	}
	batch := func(rep int, out []stats.Moments) {
		correlatedBatch(stream("correlated batch", rep), n, rho, []float64{0, 1}, out)
	}
	for name, draw := range map[string]func(int, []stats.Moments){"batch": batch, "units": units} {
		products, spreads, second, square := make([]float64, draws), make([]float64, draws), make([]float64, draws), make([]float64, draws)
		out := make([]stats.Moments, 2)
		for i := range draws {
			draw(i, out)
			products[i] = out[0].Mean * (out[1].Mean - 1) * n
			spreads[i] = (out[0].M2 - (n - 1)) * (out[1].M2 - (n - 1)) / (2 * (n - 1))
			second[i], square[i] = out[1].Mean, out[1].M2
		}
		near(t, name+": correlation of means", products, rho)
		near(t, name+": correlation of sums of squares", spreads, rho*rho)
		near(t, name+": second mean", second, 1)
		near(t, name+": variance of the second mean", squares(second, 1), 1.0/n)
		near(t, name+": sum of squares", square, n-1)
		near(t, name+": variance of the sum of squares", squares(square, n-1), 2*(n-1))
	}
}

func TestCopula(t *testing.T) {
	c := copula{rho: rho, rate: 0.02, n: 4}
	s := c.draw(stream("copula", 0), 200000)
	for i := range s {
		m := s[i].moments()
		want, spread := 0.0, 1.0
		if c.fails(i) {
			want, spread = 0.02, 0.02*0.98
		}
		if math.Abs(m.Mean-want) > 5*math.Sqrt(spread/200000) || math.Abs(m.M2/200000-spread) > 0.05*spread {
			t.Errorf("metric %d: mean %g and variance %g, want %g and %g", i, m.Mean, m.M2/200000, want, spread)
		}
	}
}

// Merged batches have the moments of all units, the third among them.
func TestMerge(t *testing.T) {
	r := stream("merge", 0)
	var all sums
	var merged stats.Moments
	for n := range 9 {
		part := sums{shift: 2}
		for range n {
			x := math.Exp(r.NormFloat64())
			all.add(x)
			part.add(x)
		}
		merged = merge(merged, part.moments())
	}
	want := all.moments()
	for what, pair := range map[string][2]float64{
		"mean": {merged.Mean, want.Mean}, "m2": {merged.M2, want.M2}, "m3": {merged.M3, want.M3}, "n": {float64(merged.N), float64(want.N)},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-11*math.Abs(pair[1]) {
			t.Errorf("%s: %.15g, want %.15g", what, pair[0], pair[1])
		}
	}
}

func TestShare01(t *testing.T) {
	var s sums
	for i := range 50 {
		s.add(indicator(i < 3))
	}
	got, want := share01(50, 3), s.moments()
	if got.N != want.N || got.Any != want.Any || math.Abs(got.M2-want.M2) > 1e-12 || math.Abs(got.M3-want.M3) > 1e-12 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestPlan(t *testing.T) {
	for _, p := range []plan{
		{looks: 28, units: 5000, share: 0.9},
		{looks: 100, units: 20000, share: 0.1, stages: weights()},
		{looks: 28, units: 20000, share: 0.5, stages: coverage()},
		{looks: 28, units: 5000, share: 0.3, drawn: true},
	} {
		units, last := 0, 0
		r := stream("plan", 0)
		for k := 1; k <= p.looks; k++ {
			b := p.next(r, k)
			if b.control < 0 || b.treatment < 0 || b.epoch < last {
				t.Fatalf("%+v: %+v", p, b)
			}
			units, last = units+b.control+b.treatment, b.epoch
		}
		if units != p.units || p.stages != nil && last != len(p.stages) {
			t.Errorf("%+v: %d units, last epoch %d", p, units, last)
		}
	}
}

// The most hits by a sum of the binomial law, term by term.
func TestMostHits(t *testing.T) {
	for _, c := range []struct {
		n           int
		alpha, risk float64
	}{{200, 0.05, 0.01}, {3000, 0.05, 0.0004}, {10000, 0.01, 0.0003}, {50, 0.05, 0.9}} {
		law := distuv.Binomial{N: float64(c.n), P: c.alpha}
		tail, want := 0.0, c.n
		for ; want > 0 && tail+law.Prob(float64(want)) <= c.risk; want-- {
			tail += law.Prob(float64(want))
		}
		if got := mostHits(c.n, c.alpha, c.risk); got != want {
			t.Errorf("%+v: %d, want %d", c, got, want)
		}
	}
}

func TestInterval(t *testing.T) {
	for _, hits := range []int{0, 1, 7, 50} {
		low, high := interval(hits, 50, 0.05)
		if hits > 0 && math.Abs(atLeast(hits, 50, low)-0.025) > 1e-6 || hits == 0 && low != 0 {
			t.Errorf("%d hits: lower end %g", hits, low)
		}
		if hits < 50 && math.Abs(1-atLeast(hits+1, 50, high)-0.025) > 1e-6 || hits == 50 && high != 1 {
			t.Errorf("%d hits: upper end %g", hits, high)
		}
	}
}

// shortened are all cells with few replications.
func shortened(reps int) []cell {
	cells := allCells(false)
	for i := range cells {
		cells[i].reps = reps
	}
	return cells
}

// The same figures come out on one core and on four.
func TestWorkersChangeNothing(t *testing.T) {
	for _, c := range []cell{errorCells()[0], trafficCells()[0], lognormalCells()[2], missCells()[0], mixedFamily(3)} {
		c.reps = 60
		one, err := play(&c, 1)
		if err != nil {
			t.Fatal(err)
		}
		four, err := play(&c, 4)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(one, four) {
			t.Errorf("%s: workers change the result", c.key())
		}
	}
}

func TestCellsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCells(true) {
		if seen[c.key()] {
			t.Errorf("two cells are called %q", c.key())
		}
		seen[c.key()] = true
	}
}

// A whole run, much shortened: every table and picture is there and well formed.
func TestDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r, err := playAll(shortened(4), 2, func(int, *cell) {})
	if err != nil {
		t.Fatal(err)
	}
	bars, err := allBars(r, quickSlack)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := write(dir, r, bars); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "validity.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r {
		if l.cell.group != groupMiss && !strings.Contains(string(text), l.cell.name) {
			t.Errorf("the document does not tell of %s", l.cell.name)
		}
	}
	for _, p := range lookPlots() {
		wellFormed(t, filepath.Join(dir, "validity", p.file))
	}
	for _, name := range []string{"mean-units.svg", "family.svg"} {
		wellFormed(t, filepath.Join(dir, "validity", name))
	}
}

func wellFormed(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for d := xml.NewDecoder(f); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
}

// A boundary that is shared is the one that a replication would make itself.
func TestSharedBoundaries(t *testing.T) {
	for _, c := range []cell{gaussianCells()[8], epochCells()[2]} {
		d, err := meanValue.design(&c.plan, true, alpha)
		if err != nil {
			t.Fatal(err)
		}
		shared, own := boundaries(&c, d), stats.NewSpending(d, nil)
		r, now := stream(c.key(), 3), newLife(1)
		for k := 1; k <= c.plan.looks; k++ {
			c.world.grow(r, c.plan.next(r, k), now)
			if look, _ := own.Next(c.plan.time(k), now.strata[0]); !reflect.DeepEqual(look, shared[k-1]) {
				t.Fatalf("%s, look %d: %+v, shared %+v", c.key(), k, look, shared[k-1])
			}
		}
	}
}

// A bar that is missed is said to be.
func TestBarsCanBeMissed(t *testing.T) {
	c := cell{
		name: "broken", plan: plan{looks: 28, units: 5000, share: 0.7, drawn: true}, reps: 200,
		world: errorEvents{control: 0.02, treatment: 0.02},
	}
	c.methods = []method{ours(capped, true, askVerdict, errorRate)}
	c.methods[0].ready = func(broken *cell) (func() judge, error) {
		return ratioCheck(0.5).ready(broken) // It stops what is not split in halves.
	}
	lines, err := play(&c, 2)
	if err != nil {
		t.Fatal(err)
	}
	if lost := missed(validityBars(lines)); len(lost) != 1 {
		t.Errorf("%d of 1 bars missed at a rate of %g", len(lost), lines[0].rate())
	}
}
