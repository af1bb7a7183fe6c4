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
				methods: append([]method{ours(capped, true, askVerdict, rails...)}, against(field[:2], rails...)...),
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
		methods: append([]method{ours(capped, true, askVerdict, rails...)}, against(field[:2], rails...)...),
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
