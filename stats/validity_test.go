package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

const (
	looks   = 28
	planned = 5000
)

// long leaves out a simulation of seconds under -short, as the race detector
// runs, which finds nothing in arithmetic and takes ten times as long.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a long simulation; -short leaves it out")
	}
}

// simulate is the share of runs in which reject says so at any of 28 looks, the
// units of which are drawn by next.
func simulate(seed uint64, runs int, run func(r *rand.Rand) bool) float64 {
	r := rand.New(rand.NewPCG(seed, 28))
	hits := 0
	for range runs {
		hits += count(run(r))
	}
	return float64(hits) / float64(runs)
}

// atMost fails where a rate exceeds alpha by over three standard errors.
func atMost(t *testing.T, rate, alpha float64, runs int) {
	t.Helper()
	if limit := alpha + 3*math.Sqrt(alpha*(1-alpha)/float64(runs)); rate > limit {
		t.Errorf("rejects %.4f of %d null runs, at most %.4f", rate, runs, limit)
	}
	t.Logf("rejects %.4f", rate)
}

// trial is a stream of units with events, judged at 28 looks.
type trial struct {
	design       Design
	share        float64 // true
	declared     float64 // 0: the observed one at each look
	rateC, rateT float64
	nonInferior  bool
}

func (s trial) rejects(r *rand.Rand) bool {
	var n, k [2]int64
	for look := range looks {
		for range planned*(look+1)/looks - planned*look/looks {
			arm, rate := 0, s.rateC
			if r.Float64() < s.share {
				arm, rate = 1, s.rateT
			}
			n[arm]++
			k[arm] += int64(count(r.Float64() < rate))
		}
		share := s.declared
		if share == 0 {
			share = float64(n[1]) / float64(n[0]+n[1])
		}
		c := Compare(s.design, []Stratum{{Share: share, Control: binary(n[0], k[0]), Treatment: binary(n[1], k[1])}}, Look{})
		if s.nonInferior && c.NonInferior || !s.nonInferior && c.Harmed {
			return true
		}
	}
	return false
}

// routed is the design that an error rate of 2 % gets.
func routed(rate float64) Design {
	d := exactDesign()
	d.Method, d.Reason = Route(Question{Kind: "proportion", BaseRate: &rate, Planned: planned})
	d.BaseRate, d.MDE.Value = rate, 0
	return d
}

func TestNullAtEveryLook(t *testing.T) {
	const runs = 2000
	margin, down := routed(0.02), routed(0.1)
	margin.Margin.Value = 0.5
	down.Harm, down.Margin.Value = SideDown, 0.2
	undeclared := routed(0.02)
	undeclared.BaseRate = 0
	for i, c := range []struct {
		name string
		trial
	}{
		{"50/50", trial{design: routed(0.02), share: 0.5, declared: 0.5, rateC: 0.02, rateT: 0.02}},
		{"90/10", trial{design: routed(0.02), share: 0.9, declared: 0.9, rateC: 0.02, rateT: 0.02}},
		{"10/90", trial{design: routed(0.02), share: 0.1, declared: 0.1, rateC: 0.02, rateT: 0.02}},
		{"undeclared", trial{design: undeclared, share: 0.1, declared: 0.1, rateC: 0.02, rateT: 0.02}},
		{"at the margin", trial{design: margin, share: 0.9, declared: 0.9, rateC: 0.02, rateT: 0.03}},
		{"down, at the margin", trial{design: down, share: 0.1, declared: 0.1, rateC: 0.1, rateT: 0.08}},
		{"non-inferior at the margin", trial{design: margin, share: 0.5, declared: 0.5, rateC: 0.02, rateT: 0.03, nonInferior: true}},
		{"observed share, skewed 60/40", trial{design: routed(0.02), share: 0.6, rateC: 0.02, rateT: 0.02}},
		{"observed share, common events", trial{design: routed(0.25), share: 0.7, rateC: 0.25, rateT: 0.25}},
		{"observed share, at the margin", trial{design: margin, share: 0.35, rateC: 0.02, rateT: 0.03}},
		{"mixture, common", trial{design: routed(0.4), share: 0.5, declared: 0.5, rateC: 0.4, rateT: 0.4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			atMost(t, simulate(uint64(i), runs, c.rejects), 0.05, runs)
		})
	}
}

// A declared half where the truth is 70/30 is why the observed share is given.
func TestDeclaredShareOfBrokenSplitLooksLikeHarm(t *testing.T) {
	s := trial{design: routed(0.02), share: 0.7, declared: 0.5, rateC: 0.02, rateT: 0.02}
	if rate := simulate(1, 200, s.rejects); rate < 0.2 {
		t.Errorf("rejects %.3f: the case shows nothing", rate)
	}
}

// Power of the exact test for a canary: twice the error rate, one unit in ten
// treated. A normal boundary finds it in about a quarter of runs.
func TestPowerOfCanary(t *testing.T) {
	s := trial{design: routed(0.02), share: 0.1, declared: 0.1, rateC: 0.02, rateT: 0.04}
	rate := simulate(2, 500, s.rejects)
	t.Logf("finds %.3f", rate)
	if rate < 0.45 {
		t.Errorf("finds %.3f", rate)
	}
}

// gaussian is a stream of normal values, judged at 28 looks.
func gaussian(n int, effect float64, d Design) func(r *rand.Rand) bool {
	return func(r *rand.Rand) bool {
		var control, treatment Moments
		for look := range looks {
			for range n*(look+1)/looks - n*look/looks {
				if r.Float64() < 0.5 {
					treatment = Merge(treatment, one(r.NormFloat64()+effect, 0))
				} else {
					control = Merge(control, one(r.NormFloat64(), 0))
				}
			}
			if Compare(d, half(control, treatment), Look{}).Harmed {
				return true
			}
		}
		return false
	}
}

func TestMixtureNullAtEveryLook(t *testing.T) {
	d := mixtureDesign()
	d.Planned = 2000
	atMost(t, simulate(3, 2000, gaussian(2000, 0, d)), 0.05, 2000)
	d.Planned = 200
	atMost(t, simulate(4, 4000, gaussian(200, 0, d)), 0.05, 4000)
	if rate := simulate(5, 200, gaussian(2000, 0.2, d)); rate < 0.9 {
		t.Errorf("finds an effect of 4.5 standard errors in %.2f of runs", rate)
	}
}

// The two-sided interval covers the truth at all looks at once.
func TestIntervalCoversAtEveryLook(t *testing.T) {
	const runs = 1000
	d := routed(0.02)
	d.Alpha = 0.1
	rate := simulate(6, runs, func(r *rand.Rand) bool {
		var n, k [2]int64
		for range looks {
			for range planned / looks {
				arm := count(r.Float64() < 0.3)
				n[arm]++
				k[arm] += int64(count(r.Float64() < [2]float64{0.02, 0.03}[arm]))
			}
			c := Compare(d, []Stratum{{Share: 0.3, Control: binary(n[0], k[0]), Treatment: binary(n[1], k[1])}}, Look{})
			if c.Status == StatusOK && !c.RelativeInterval.Contains(0.5) {
				return true
			}
		}
		return false
	})
	atMost(t, rate, 0.1, runs)
}

func TestSampleRatioNullAtEveryLook(t *testing.T) {
	const runs, alpha = 3000, 0.05
	rate := simulate(7, runs, func(r *rand.Rand) bool {
		counts := make([]int64, 3)
		for range looks {
			for range 50 {
				u := r.Float64()
				counts[count(u > 0.2)+count(u > 0.5)]++
			}
			if TestSampleRatio(counts, []float64{0.2, 0.3, 0.5}, 1400, alpha).Failed {
				return true
			}
		}
		return false
	})
	atMost(t, rate, alpha, runs)
}
