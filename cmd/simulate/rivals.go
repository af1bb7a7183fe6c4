package main

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"assay/stats"
	"assay/stats/peers"
)

// statistic is what the methods of other products need of one metric: the
// difference of the arms with all units pooled, as products without epochs do.
// A z or t of 0 is none: it rejects nothing.
type statistic struct {
	z          float64 // by separate variances; none where an arm does not vary
	growthBook float64 // the same, of a share as GrowthBook computes it
	t          float64 // by a common variance
	units      float64
	arms       peers.Arms
}

// measure pools the epochs of a metric; share tells that it is one of units.
// Not ok before each arm has two units.
func (l *life) measure(metric int, share bool) (s statistic, ok bool) {
	var control, treatment stats.Moments
	for _, s := range l.strata[metric] {
		control, treatment = stats.Merge(control, s.Control), stats.Merge(treatment, s.Treatment)
	}
	if control.N < 2 || treatment.N < 2 {
		return statistic{}, false
	}
	nt, nc := float64(treatment.N), float64(control.N)
	effect, free := treatment.Mean-control.Mean, nt+nc-2
	s.units = nt + nc
	s.arms = peers.Arms{VarT: treatment.M2 / (nt - 1), VarC: control.M2 / (nc - 1), NT: nt, NC: nc}
	if s.arms.VarT > 0 && s.arms.VarC > 0 {
		s.z = over(effect, math.Sqrt(s.arms.VarT/nt+s.arms.VarC/nc))
	}
	s.t = over(effect, math.Sqrt((treatment.M2+control.M2)/free*(1/nt+1/nc)))
	s.growthBook = s.z
	if share {
		difference, se, _ := peers.GrowthBookProportions(
			peers.Counts{Events: control.Any, Units: control.N}, peers.Counts{Events: treatment.Any, Units: treatment.N})
		s.growthBook = over(difference, se)
	}
	return s, true
}

// over is effect in standard errors; 0 where there is no standard error.
func over(effect, se float64) float64 {
	if se > 0 {
		return effect / se
	}
	return 0
}

// rival is the method of another product, or one of the literature.
type rival struct {
	name string
	// tuned to the planned units, it tells whether it rejects.
	tuned func(planned float64) func(s *statistic) bool
}

// The rivals, at the level that they are shipped with: 5 %, one-sided where they
// are one-sided, and for each guardrail alone.
var (
	growthBook = rival{"GrowthBook 1s n*=5000", func(float64) func(*statistic) bool {
		return growthBookOneSided(peers.GrowthBookPlanned)
	}}
	growthBookTuned    = rival{"GrowthBook 1s n*=N", growthBookOneSided}
	growthBookTwoSided = rival{"GrowthBook 2s n*=N", func(planned float64) func(*statistic) bool {
		return func(s *statistic) bool {
			z, _ := peers.GrowthBookTwoSided(s.units, planned, alpha)
			return math.Abs(s.growthBook) >= z
		}
	}}
	statsig = rival{"Statsig 1s", func(float64) func(*statistic) bool {
		return func(s *statistic) bool {
			z, _ := peers.StatsigOneSided(s.arms, alpha)
			return s.z >= z
		}
	}}
	linear = rival{"avlm 2s", func(planned float64) func(*statistic) bool {
		const coefficients = 2 // A mean and a difference.
		g, _ := peers.AVLMOptimalG(planned, coefficients, alpha)
		return func(s *statistic) bool {
			t, _ := peers.AVLMRadius(s.units, coefficients, g, alpha)
			return math.Abs(s.t) >= t
		}
	}}
	naive = rival{"naive 2s", func(float64) func(*statistic) bool {
		z, _ := peers.FixedTwoSided(alpha)
		return func(s *statistic) bool { return math.Abs(s.z) >= z }
	}}
	// mixture is the one-sided normal mixture tuned to the end (Howard et al.
	// 2021), what a boundary without a last look is measured against.
	mixture = rival{"normal mixture n*=N", func(planned float64) func(*statistic) bool {
		return func(s *statistic) bool {
			return s.z >= stats.OneSided{X: s.units * stats.Rho2(2*alpha, planned)}.Critical(alpha)
		}
	}}
)

func growthBookOneSided(tuned float64) func(*statistic) bool {
	return func(s *statistic) bool {
		z, _ := peers.GrowthBookOneSided(s.units, tuned, alpha)
		return s.growthBook >= z
	}
}

// field are the rivals that run in every cell of a rate or a mean.
var field = []rival{growthBook, growthBookTuned, growthBookTwoSided, statsig, linear, naive}

// against makes rivals judge metrics, each at its full level; the first
// rejection ends the watch, whichever side it is on.
func against(list []rival, rails ...guardrail) []method {
	var out []method
	for _, v := range list {
		out = append(out, method{name: v.name, ready: func(c *cell) (func() judge, error) {
			rejects := v.tuned(float64(c.plan.units))
			return func() judge {
				return watch(func(_ int, now *life) bool {
					for _, g := range rails {
						if s, ok := now.measure(g.metric, g.kind == "proportion"); ok && rejects(&s) {
							return true
						}
					}
					return false
				})
			}, nil
		}})
	}
	return out
}

// eventOracle is the conditional binomial e-process of one split (Lindon & Malek
// 2022; Kulldorff et al. 2011), written out by its definition with the
// concentration tuned to the events expected at the end. It shares no code with
// stats.
func eventOracle(share, rate float64) method {
	return method{name: "e-process by definition", ready: func(c *cell) (func() judge, error) {
		kappa := max(1, 1/stats.Rho2(2*alpha, float64(c.plan.units)*rate)-1)
		a, b := kappa*share, kappa*(1-share)
		prior := mathext.RegIncBeta(b, a, 1-share)
		return func() judge {
			return watch(func(_ int, now *life) bool {
				s := now.strata[0][0]
				hits, other := float64(s.Treatment.Any), float64(s.Control.Any)
				logE := mathext.Lbeta(a+hits, b+other) - mathext.Lbeta(a, b) -
					hits*math.Log(share) - other*math.Log(1-share) +
					math.Log(mathext.RegIncBeta(b+other, a+hits, 1-share)) - math.Log(prior)
				return logE >= -math.Log(alpha)
			})
		}, nil
	}}
}

// ratioRivals are the sample-ratio checks of other products.
func ratioRivals(declared float64) []method {
	expected := []float64{1 - declared, declared}
	each := func(name string, fails func(counts []int64) bool) method {
		return method{name: name, ready: func(*cell) (func() judge, error) {
			return func() judge { return watch(func(_ int, now *life) bool { return fails(now.arms()) }) }, nil
		}}
	}
	return []method{
		each("chi-square .001 at each look", func(counts []int64) bool {
			p, _ := peers.GrowthBookSampleRatio(counts, expected)
			return p < peers.GrowthBookRatioAlpha
		}),
		each("chi-square .01 at each look", func(counts []int64) bool {
			p, _ := peers.GrowthBookSampleRatio(counts, expected)
			return p < ratioAlpha
		}),
		each("ssrm as shipped", func(counts []int64) bool { return peers.SSRM(counts, expected, ratioAlpha).Failed }),
	}
}
