package main

import (
	"math"
	"testing"
)

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
