package main

import (
	"fmt"
	"slices"

	"assay/stats"
)

// cell is one world under one plan, watched by several methods.
type cell struct {
	name    string
	group   string // heading of the document
	plan    plan
	world   world
	harmful bool // the change does harm: stopping it is right
	reps    int
	methods []method
}

// key names a cell, and seeds its streams.
func (c *cell) key() string { return fmt.Sprintf("%s, %d looks", c.name, c.plan.looks) }

// The groups, in the order of the document.
const (
	groupErrors    = "Error rate of 2 %"
	groupGaussian  = "Gaussian value"
	groupEpochs    = "Ramps and changed weights under a trend"
	groupTraffic   = "Random traffic"
	groupLognormal = "Lognormal value (a latency)"
	groupFamily    = "Several guardrails"
	groupOften     = "A look after every five units"
	groupMargin    = "Non-inferiority"
	groupRatio     = "Sample ratio"
	groupPower     = "Power"
	groupRatioHarm = "Power of the sample ratio"
	groupMiss      = "The chance of a miss"
)

// The numbers of replications, fixed after one trial of how long they take.
const (
	repsMoments      = 20000 // whose data come as moments, 28 looks
	repsMomentsOften = 10000 // the same, 100 looks
	repsErrors       = 5000
	repsErrorsOften  = 3000
	repsLognormal    = 3000
	repsSplits       = 2000 // events under several splits, which take a quadrature a look; half of that at 100 looks
	repsTraffic      = 2000 // whose boundaries differ by replication
	repsRatio        = 10000
)

// The schedules.
const (
	daily = 28
	often = 100
)

// momentReps of a plan.
func momentReps(looks int) int {
	if looks > daily {
		return repsMomentsOften
	}
	return repsMoments
}

// errorReps of a plan.
func errorReps(looks int) int {
	if looks > daily {
		return repsErrorsOften
	}
	return repsErrors
}

// splitReps of a plan.
func splitReps(looks int) int {
	if looks > daily {
		return repsSplits / 2
	}
	return repsSplits
}

// allCells of the simulation. A quick run takes a tenth of the replications.
func allCells(quick bool) []cell {
	cells := slices.Concat(errorCells(), gaussianCells(), epochCells(), trafficCells(), lognormalCells(), familyCells(),
		oftenCells(), marginCells(), ratioCells(), powerCells(), latencyPowerCells(), familyPowerCells(), missCells())
	if quick {
		for i := range cells {
			cells[i].reps /= 10
		}
	}
	return cells
}

// splits are the shares of treatment.
var splits = []struct {
	name  string
	share float64
}{{"50/50", 0.5}, {"90/10", 0.9}, {"10/90", 0.1}}

// The guardrails.
var (
	errorRate = guardrail{kind: "proportion", base: 0.02}
	meanValue = guardrail{kind: "mean"}
)

// The names of the product's ways.
const (
	capped   = "assay"
	uncapped = "assay, no last look"
)

// beside puts the product's ways and the rivals beside each other.
func beside(rail guardrail) []method {
	return append([]method{ours(capped, true, askVerdict, rail), ours(uncapped, false, askVerdict, rail)}, against(field, rail)...)
}

func errorCells() (out []cell) {
	for _, units := range []int{5000, 1000} {
		for _, s := range splits {
			for _, looks := range []int{daily, often} {
				out = append(out, cell{
					name: fmt.Sprintf("error rate 2 %%, N = %d, %s", units, s.name), group: groupErrors, reps: errorReps(looks),
					plan:  plan{looks: looks, units: units, share: s.share, drawn: true},
					world: errorEvents{control: 0.02, treatment: 0.02}, methods: beside(errorRate),
				})
			}
		}
	}
	return out
}

func gaussianCells() (out []cell) {
	for _, units := range []int{20000, 500} {
		for _, s := range splits {
			for _, looks := range []int{daily, often} {
				out = append(out, cell{
					name: fmt.Sprintf("Gaussian, N = %d, %s", units, s.name), group: groupGaussian, reps: momentReps(looks),
					plan:  plan{looks: looks, units: units, share: s.share},
					world: gaussian{each: units == 500}, methods: beside(meanValue),
				})
			}
		}
	}
	return out
}

// coverage is a ladder inside the first quarter of the duration: traffic grows,
// the arms stay equal.
func coverage() []stage {
	return []stage{{0.0625, 10, 0.5}, {0.125, 25, 0.5}, {0.1875, 50, 0.5}, {0.25, 75, 0.5}, {1, 100, 0.5}}
}

// weights is a store that knows nothing but "x % get the new one".
func weights() []stage {
	return []stage{{0.2, 1, 0.1}, {0.4, 1, 0.25}, {0.6, 1, 0.5}, {0.8, 1, 0.75}, {1, 1, 0.9}}
}

func epochCells() (out []cell) {
	rising := errorEvents{control: 0.015, treatment: 0.015, growth: 2}
	for _, looks := range []int{daily, often} {
		for _, way := range []struct {
			name   string
			share  float64
			stages []stage
			reps   int // of events
		}{
			{"coverage 10 to 100 %", 0.5, coverage(), errorReps(looks)},
			{"weights 10 to 90 %", 0.1, weights(), splitReps(looks)},
		} {
			out = append(out,
				cell{
					name: "Gaussian, mean rises by 0.5 sd, " + way.name, group: groupEpochs, reps: momentReps(looks),
					plan:  plan{looks: looks, units: 20000, share: way.share, stages: way.stages},
					world: gaussian{trend: 0.5}, methods: beside(meanValue),
				},
				cell{
					name: "error rate rises from 1.5 to 3 %, " + way.name, group: groupEpochs, reps: way.reps,
					plan:  plan{looks: looks, units: 5000, share: way.share, stages: way.stages, drawn: true},
					world: rising, methods: beside(errorRate),
				})
		}
	}
	return out
}

func trafficCells() (out []cell) {
	for _, s := range splits[:2] {
		out = append(out,
			cell{
				name: "Gaussian, planned 20000, " + s.name, group: groupTraffic, reps: repsTraffic,
				plan:  plan{looks: daily, units: 20000, share: s.share, drawn: true, traffic: true},
				world: gaussian{}, methods: beside(meanValue),
			},
			cell{
				name: "error rate 2 %, planned 5000, " + s.name, group: groupTraffic, reps: repsErrors,
				plan:  plan{looks: daily, units: 5000, share: s.share, drawn: true, traffic: true},
				world: errorEvents{control: 0.02, treatment: 0.02}, methods: beside(errorRate),
			})
	}
	return out
}

// latency is the four views of a lognormal value as guardrails.
var latency = []struct {
	name string
	rail guardrail
}{
	{"log scale", guardrail{metric: viewLog, kind: "mean", scale: stats.ScaleLog}},
	{"share over p95", guardrail{metric: viewOver, kind: "proportion", base: 0.05}},
	{"capped at p99", guardrail{metric: viewCapped, kind: "mean"}},
	{"raw mean", guardrail{metric: viewRaw, kind: "mean"}},
}

// besideLatency has each view of a latency, with and without a last look, and
// the rivals on the raw mean.
func besideLatency() (out []method) {
	for _, v := range latency {
		out = append(out, ours(capped+", "+v.name, true, askVerdict, v.rail), ours(uncapped+", "+v.name, false, askVerdict, v.rail))
	}
	return append(out, against(field, latency[viewRaw].rail)...)
}

func lognormalCells() (out []cell) {
	for _, sigma := range []float64{1, 1.5} {
		for _, s := range splits {
			for _, looks := range []int{daily, often} {
				out = append(out, cell{
					name: fmt.Sprintf("lognormal sigma %g, %s", sigma, s.name), group: groupLognormal, reps: repsLognormal,
					plan:  plan{looks: looks, units: 10000, share: s.share},
					world: lognormal{sigma: sigma}, methods: besideLatency(),
				})
			}
		}
	}
	return out
}

// rho is the pairwise correlation of several guardrails.
const rho = 0.3

// gaussians are the guardrails of correlated metrics.
func gaussians(n int) (out []guardrail) {
	for i := range n {
		out = append(out, guardrail{metric: i, kind: "mean"})
	}
	return out
}

// familySizes are the numbers of guardrails.
var familySizes = []int{1, 2, 3, 5, 10}

// familyName of a cell with n guardrails.
func familyName(n int) string {
	if n == 1 {
		return "Gaussian, 1 guardrail"
	}
	return fmt.Sprintf("Gaussian, %d guardrails", n)
}

func familyCells() (out []cell) {
	for _, looks := range []int{daily, often} {
		for _, n := range familySizes {
			rails := gaussians(n)
			out = append(out, cell{
				name: familyName(n), group: groupFamily, reps: momentReps(looks) / 2,
				plan:    plan{looks: looks, units: 20000, share: 0.5},
				world:   correlated{rho: rho, effects: make([]float64, n)},
				methods: append([]method{ours(capped, true, askVerdict, rails...)}, against(field[1:2], rails...)...),
			})
		}
	}
	for _, n := range familySizes[1:] {
		out = append(out, mixedFamily(n))
	}
	return out
}

// mixedFamily is n guardrails, in turn means and error rates.
func mixedFamily(n int) cell {
	world := copula{rho: rho, rate: 0.02, n: n}
	rails := gaussians(n)
	for i := range rails {
		if world.fails(i) {
			rails[i].kind, rails[i].base = "proportion", world.rate
		}
	}
	return cell{
		name: fmt.Sprintf("means and error rates, %d guardrails", n), group: groupFamily, reps: repsErrors,
		plan: plan{looks: daily, units: 5000, share: 0.5}, world: world,
		methods: append([]method{ours(capped, true, askVerdict, rails...)}, against(field[1:2], rails...)...),
	}
}

func oftenCells() []cell {
	return []cell{{
		name: "error rate 2 %, N = 1000, 50/50", group: groupOften, reps: repsErrors,
		plan:  plan{looks: 200, units: 1000, share: 0.5, drawn: true},
		world: errorEvents{control: 0.02, treatment: 0.02},
		methods: append([]method{ours(uncapped, false, askVerdict, errorRate)},
			against(field, errorRate)...),
	}}
}

// margin of the cells of non-inferiority, in standard deviations.
const margin = 0.1

func marginCells() (out []cell) {
	rail := guardrail{kind: "mean", margin: stats.Size{Value: margin, Absolute: true}}
	for _, looks := range []int{daily, often} {
		for _, truth := range []float64{margin, 0} {
			c := cell{
				name: fmt.Sprintf("margin %g sd, truth %g sd", margin, truth), group: groupMargin, reps: momentReps(looks),
				plan:  plan{looks: looks, units: 20000, share: 0.5},
				world: gaussian{effect: truth}, harmful: truth != margin,
				methods: []method{
					ours(capped+", within the margin", true, askWithin, rail), ours(uncapped+", within the margin", false, askWithin, rail),
				},
			}
			if truth == margin {
				c.methods = append(c.methods, ours(capped+", rollback", true, askVerdict, rail))
			}
			out = append(out, c)
		}
	}
	return out
}

func ratioCells() (out []cell) {
	for _, s := range splits[:2] {
		for _, looks := range []int{daily, often} {
			out = append(out, cell{
				name: "split " + s.name + " as declared, N = 5000", group: groupRatio, reps: repsRatio,
				plan:  plan{looks: looks, units: 5000, share: s.share, drawn: true},
				world: counts{}, methods: append([]method{ratioCheck(s.share)}, ratioRivals(s.share)...),
			})
		}
	}
	return append(out, cell{
		name: "split 53/47, declared 50/50, N = 5000", group: groupRatioHarm, reps: repsRatio, harmful: true,
		plan:  plan{looks: daily, units: 5000, share: 0.53, drawn: true},
		world: counts{}, methods: append([]method{ratioCheck(0.5)}, ratioRivals(0.5)...),
	})
}

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
			methods: append([]method{ours(capped, true, askVerdict, rails...)}, against(field[1:2], rails...)...),
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
