package main

import (
	"math"
	"testing"

	"assay/stats"
)

// The e-process of stats stops every replication where its definition does.
func TestOracleOfEvents(t *testing.T) {
	for _, share := range []float64{0.1, 0.5} {
		c := cell{
			name: "oracle", reps: 100, plan: plan{looks: daily, units: 5000, share: share, drawn: true},
			world:   errorEvents{control: 0.02, treatment: 0.04},
			methods: []method{ours(uncapped, false, askVerdict, errorRate), eventOracle(share, errorRate.base)},
		}
		lines, err := play(&c, 2)
		if err != nil {
			t.Fatal(err)
		}
		for k := range lines[0].byLook {
			if lines[0].byLook[k] != lines[1].byLook[k] {
				t.Fatalf("share %g, look %d: %d stopped, by definition %d", share, k+1, lines[0].byLook[k], lines[1].byLook[k])
			}
		}
		if lines[0].hits == 0 {
			t.Errorf("share %g: nothing stopped", share)
		}
	}
}

// Statistics by hand: 6 of 100 units against 2 of 50, and nothing against
// something, of which only a common variance says anything.
func TestMeasure(t *testing.T) {
	now := newLife(1)
	now.add(0, batch{epoch: 1, share: 0.5}, share01(30, 1), share01(40, 2))
	now.add(0, batch{epoch: 2, share: 0.8}, share01(20, 1), share01(60, 4))
	s, ok := now.measure(0, true)
	p, q := 0.06, 0.04
	for what, pair := range map[string][2]float64{
		"z":          {s.z, (p - q) / math.Sqrt(p*(1-p)/99+q*(1-q)/49)},
		"growthBook": {s.growthBook, (p - q) / math.Sqrt(p*(1-p)/100+q*(1-q)/50)},
		"t":          {s.t, (p - q) / math.Sqrt((100*p*(1-p)+50*q*(1-q))/148*(1.0/100+1.0/50))},
		"units":      {s.units, 150},
	} {
		if !ok || math.Abs(pair[0]-pair[1]) > 1e-12*pair[1] {
			t.Errorf("%s: %g, want %g", what, pair[0], pair[1])
		}
	}
	now = newLife(1)
	now.add(0, batch{epoch: 1, share: 0.5}, share01(1000, 0), share01(1000, 35))
	if s, ok = now.measure(0, true); !ok || s.growthBook != 0 || s.z != 0 || s.t < 5 {
		t.Errorf("0 against 35 of 1000: %+v", s)
	}
	now = newLife(1)
	now.add(0, batch{epoch: 1, share: 0.5}, stats.Moments{N: 1}, share01(1000, 35))
	if _, ok = now.measure(0, true); ok {
		t.Error("an arm of one unit has a statistic")
	}
}
