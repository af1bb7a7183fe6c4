package main

import (
	"testing"
)

// A test that stops harmless changes twice as often as it may misses its bar,
// one that does as often as it may does not.
func TestValidityBars(t *testing.T) {
	c := &cell{name: "harmless", plan: plan{looks: 28}}
	r := results{
		{cell: c, method: "right", level: 0.05, reps: 2000, hits: 100},
		{cell: c, method: "wrong", level: 0.05, reps: 2000, hits: 200},
		{cell: c, method: "promises nothing", reps: 2000, hits: 2000},
		{cell: &cell{harmful: true}, method: "power", level: 0.05, reps: 2000, hits: 2000},
	}
	bars := validityBars(r)
	if len(bars) != 2 || !bars[0].met || bars[1].met {
		t.Errorf("%+v", bars)
	}
	if lost := missed(bars); len(lost) != 1 || lost[0].value != "10.0 %" {
		t.Errorf("missed: %+v", lost)
	}
}

func TestPromises(t *testing.T) {
	l := &line{reps: 1000, hits: 800, mean: 0.5, meanSE: 0.01}
	reference := &line{reps: 1000, hits: 820, mean: 0.48}
	for _, c := range []struct {
		promise
		slack float64
		met   bool
	}{
		{promise{limit: 0.8}, 0, true},
		{promise{limit: 0.81}, 0, false},
		{promise{limit: 0.81}, 3, true},
		{promise{versus: "it", limit: -0.02}, 0, true},
		{promise{versus: "it", limit: -0.01}, 0, false},
		{promise{speed: true, limit: 0.5}, 0, true},
		{promise{speed: true, limit: 0.49}, 0, false},
		{promise{speed: true, limit: 0.48}, 3, true},
		{promise{speed: true, versus: "it", limit: 1.05}, 0, true},
		{promise{speed: true, versus: "it", limit: 1.04}, 0, false},
	} {
		if b := c.judge(l, reference, c.slack); b.met != c.met {
			t.Errorf("%+v: %+v", c, b)
		}
	}
}

// What is said of a miss may not be more than a point below the truth.
func TestMissBars(t *testing.T) {
	bars := missBars([]miss{{said: 0.1, missed: 0.109, reps: 1000}, {said: 0.1, missed: 0.12, reps: 1000}}, 0)
	if !bars[0].met || bars[1].met {
		t.Errorf("%+v", bars)
	}
}
