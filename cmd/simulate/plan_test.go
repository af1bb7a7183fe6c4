package main

import (
	"testing"
)

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
