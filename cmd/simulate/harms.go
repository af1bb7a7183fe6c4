package main

import (
	"fmt"

	"assay/stats"
)

func powerCells() (out []cell) {
	for _, looks := range []int{daily, often} {
		for _, effect := range []float64{0.05, 0.1} {
			out = append(out, cell{
				name: fmt.Sprintf("Gaussian +%g sd, N = 20000, 50/50", effect), group: groupPower, reps: momentReps(looks), harmful: true,
				plan:  plan{looks: looks, units: 20000, share: 0.5},
				world: gaussian{effect: effect}, methods: append(beside(meanValue), against([]rival{mixture}, meanValue)...),
			})
		}
	}
	for _, e := range []struct {
		units int
		share float64
		split string
		to    float64
		looks int
	}{
		{5000, 0.5, "50/50", 0.03, daily},
		{5000, 0.5, "50/50", 0.03, often},
		{5000, 0.5, "50/50", 0.04, daily},
		{5000, 0.1, "10/90", 0.04, daily},
		{1000, 0.5, "50/50", 0.06, daily},
	} {
		out = append(out, cell{
			name:  fmt.Sprintf("error rate 2 to %g %%, N = %d, %s", e.to*100, e.units, e.split),
			group: groupPower, reps: repsErrors, harmful: true,
			plan:    plan{looks: e.looks, units: e.units, share: e.share, drawn: true},
			world:   errorEvents{control: 0.02, treatment: e.to},
			methods: append(beside(errorRate), eventOracle(e.share, errorRate.base)),
		})
	}
	return out
}

func latencyPowerCells() []cell {
	harm := func(name string, l lognormal) cell {
		return cell{
			name: "lognormal sigma 1, " + name + ", 50/50", group: groupPower, reps: repsLognormal, harmful: true,
			plan: plan{looks: daily, units: 10000, share: 0.5}, world: l, methods: besideLatency(),
		}
	}
	return []cell{
		harm("scale +10 %", lognormal{sigma: 1, scale: 1.1}),
		harm("3 % of values four times as large", lognormal{sigma: 1, tail: 0.03}),
	}
}

func familyPowerCells() (out []cell) {
	const effect = 0.0494974746830583 // A fixed test at the end has a z of 3.5 = effect sqrt(20000)/2.
	for _, n := range []int{1, 3, 5} {
		rails, effects := gaussians(n), make([]float64, n)
		effects[0] = effect
		out = append(out, cell{
			name: fmt.Sprintf("one guardrail in %d harmed, end z 3.5", n), group: groupPower, reps: repsMoments / 2, harmful: true,
			plan:    plan{looks: daily, units: 20000, share: 0.5},
			world:   correlated{rho: rho, effects: effects},
			methods: append([]method{ours(capped, true, askVerdict, rails...)}, against(field[:2], rails...)...),
		})
	}
	return out
}

// missCells come in pairs: what is said where there is no harm, and how often
// the harm of that size is missed.
func missCells() (out []cell) {
	value, rate := meanValue, errorRate
	value.mde, rate.mde = stats.Size{Value: 0.05, Absolute: true}, stats.Size{Value: 0.5}
	for _, harmful := range []bool{false, true} {
		name, effect, to, ask := "no harm", 0.0, 0.02, saysMiss
		if harmful {
			name, effect, to, ask = "a harm of that size", 0.05, 0.03, rollsBack
		}
		out = append(out,
			cell{
				name: "Gaussian, mde 0.05 sd, " + name, group: groupMiss, reps: repsErrors, harmful: harmful,
				plan: plan{looks: daily, units: 20000, share: 0.5}, world: gaussian{effect: effect},
				methods: []method{ask(value)},
			},
			cell{
				name: "error rate 2 %, mde +50 %, " + name, group: groupMiss, reps: repsErrors, harmful: harmful,
				plan:    plan{looks: daily, units: 5000, share: 0.5, drawn: true},
				world:   errorEvents{control: 0.02, treatment: to},
				methods: []method{ask(rate)},
			})
	}
	return out
}

// missSaid is the name of saysMiss.
const missSaid = "chance of a miss"

// rollsBack is the product with a last look.
func rollsBack(rail guardrail) method { return ours(capped, true, askVerdict, rail) }

// saysMiss asks at the last look what the chance of a miss is; it never stops.
func saysMiss(rail guardrail) method {
	m := ours(missSaid, true, askMiss, rail)
	m.level = 0
	return m
}
