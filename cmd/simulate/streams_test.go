package main

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"assay/stats"
)

func near(t *testing.T, what string, values []float64, want float64) {
	t.Helper()
	mean, deviation := stat.MeanStdDev(values, nil)
	if off := math.Abs(mean - want); !(off <= 5*deviation/math.Sqrt(float64(len(values)))) {
		t.Errorf("%s: %g, want %g", what, mean, want)
	}
}

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
