package main

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

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
