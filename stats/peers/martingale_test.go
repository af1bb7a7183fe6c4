package peers

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"assay/stats"
)

// An e-value averages one where its hypothesis is true: summed over all
// outcomes, or integrated.

func TestLinearModelAveragesOne(t *testing.T) {
	for _, c := range []struct{ n, k, g float64 }{{5, 2, 1}, {32, 3, 1}, {400, 2, 50}} {
		df := c.n - c.k
		a, _ := math.Lgamma((df + 1) / 2)
		b, _ := math.Lgamma(df / 2)
		constant := a - b - math.Log(df*math.Pi)/2
		mean := 0.0
		const step = 1e-3
		for v := -40.0; v < 40; v += step { // In asinh(t).
			x := math.Sinh(v)
			e, _ := AVLMLogE(x, df, c.n, c.g)
			mean += step * math.Cosh(v) * math.Exp(e+constant-(df+1)/2*math.Log1p(x*x/df))
		}
		if math.Abs(mean-1) > 1e-6 {
			t.Errorf("n %g, k %g, g %g: mean %.9f", c.n, c.k, c.g, mean)
		}
	}
}

// With many units the linear model is the normal mixture with rho² = 1/g.
func TestLinearModelNearsMixture(t *testing.T) {
	const n, g = 1e10, 4e9
	s := stats.TwoSided{X: n / g}
	for _, alpha := range alphas {
		got, _ := AVLMRadius(n, 2, g, alpha)
		if want := s.Critical(alpha); !near(got, want, 1e-6) {
			t.Errorf("alpha %g: radius %.9g, mixture %.9g", alpha, got, want)
		}
	}
	if got, _ := AVLMLogE(3, n-2, n, g); !near(got, s.LogE(3), 1e-6) {
		t.Errorf("log e-value %.9g, mixture %.9g", got, s.LogE(3))
	}
}

// No other g has a smaller radius.
func TestOptimalG(t *testing.T) {
	for _, n := range []float64{5, 40, 1e4, 1e8} {
		for _, alpha := range []float64{1e-3, 0.05, 0.5} {
			g, status := AVLMOptimalG(n, 2, alpha)
			least, _ := AVLMRadius(n, 2, g, alpha)
			if status != stats.StatusOK || math.IsInf(least, 1) {
				t.Fatalf("n %g, alpha %g: g %g, radius %g (%s)", n, alpha, g, least, status)
			}
			for f := 1e-6; f < 1e6; f *= 1.3 {
				if r, _ := AVLMRadius(n, 2, g*f, alpha); r < least*(1-1e-12) {
					t.Errorf("n %g, alpha %g: radius %.12g at %g, %.12g at %g", n, alpha, least, g, r, g*f)
				}
			}
		}
	}
}

func TestBetaBinomialAveragesOne(t *testing.T) {
	const n = 40
	for _, m := range []betaBinomial{{0.02, 1e-3}, {0.3, 7}, {0.5, 500}} {
		mean := 0.0
		for s := 0.0; s <= n; s++ {
			choose := -math.Log(n+1) - logBeta(s+1, n-s+1)
			mean += math.Exp(choose + s*math.Log(m.p) + (n-s)*math.Log1p(-m.p) + m.logE(s, n-s))
		}
		if math.Abs(mean-1) > 1e-11 {
			t.Errorf("%v: mean %.15f", m, mean)
		}
	}
}

// The same martingale as the sample-ratio test of stats, written otherwise.
func TestBetaBinomialIsTheSampleRatio(t *testing.T) {
	d := ProportionDesign{TOpt: 800, AlphaOpt: 0.05}
	for _, c := range []struct {
		p              float64
		successes, all int64
	}{{0.5, 400, 1000}, {0.1, 160, 1000}, {0.02, 0, 500}, {0.3, 31000, 100000}} {
		m := betaBinomial{c.p, tunedKappa(d.TOpt, d.AlphaOpt)}
		want := stats.TestSampleRatio([]int64{c.successes, c.all - c.successes}, []float64{c.p, 1 - c.p}, 4*d.TOpt, d.AlphaOpt)
		if got := m.logE(float64(c.successes), float64(c.all-c.successes)); math.Abs(got-want.LogE) > 1e-9 {
			t.Errorf("%v: %.12g, want %.12g", c, got, want.LogE)
		}
	}
}

// Centred exponential sums are the case in which the gamma-exponential mixture
// is exactly a martingale.
func TestGammaExponentialAveragesOne(t *testing.T) {
	for _, m := range []GammaExponential{{VOpt: 10, C: 1, AlphaOpt: 0.05}, {VOpt: 3, C: 0.5, AlphaOpt: 0.025}} {
		const n, step = 12.0, 1e-3
		lg, _ := math.Lgamma(n)
		mean := 0.0
		for u := -5.0; u < 18; u += step { // In ln x: the mixture makes the tail heavy.
			x := math.Exp(u)
			mean += step * math.Exp(m.logE(m.C*(x-n), n*m.C*m.C)+n*u-x-lg)
		}
		if math.Abs(mean-1) > 1e-6 {
			t.Errorf("%v: mean %.9f", m, mean)
		}
	}
}

// As the scale goes to zero the tail becomes normal.
func TestGammaExponentialNearsNormal(t *testing.T) {
	const v, vOpt = 100.0, 60.0
	for _, alpha := range []float64{1e-4, 0.05} {
		m := GammaExponential{VOpt: vOpt, C: 1e-3, AlphaOpt: alpha}
		got, status := m.Bound(v, alpha)
		want := stats.OneSided{X: v / vOpt * stats.Rho2(2*alpha, 1)}.Critical(alpha) * math.Sqrt(v)
		if status != stats.StatusOK || !near(got, want, 1e-3) || got < want {
			t.Errorf("alpha %g: %.9g (%s), normal %.9g", alpha, got, status, want)
		}
		if e, _ := m.LogE(got, v); math.Abs(e+math.Log(alpha)) > 1e-6 {
			t.Errorf("alpha %g: log e-value %g at the bound", alpha, e)
		}
	}
}

// Bounds rise with the variance and fall with alpha, and random walks stay under
// them.
func TestBoundsOfSums(t *testing.T) {
	for name, bound := range map[string]func(v, alpha float64) (float64, stats.Status){
		"stitching":         Stitching{VMin: 10, S: 1.4, Eta: 2}.Bound,
		"stitching, scaled": Stitching{VMin: 10, C: 1, S: 1.4, Eta: 2}.Bound,
		"gamma-exponential": GammaExponential{VOpt: 100, C: 1, AlphaOpt: 0.05}.Bound,
	} {
		t.Run(name, func(t *testing.T) {
			const runs, steps, alpha = 3000, 1000, 0.05
			var at [steps + 1]float64
			for v := range at {
				var status stats.Status
				at[v], status = bound(float64(v), alpha)
				wider, _ := bound(float64(v), alpha/2)
				if status != stats.StatusOK || !(wider > at[v]) || v > 0 && at[v] < at[v-1] {
					t.Fatalf("v %d: %g, at half the level %g (%s)", v, at[v], wider, status)
				}
			}
			r, crossed := rand.New(rand.NewPCG(2, 28)), 0
			for range runs {
				sum := 0
				for v := 1; v <= steps; v++ {
					sum += 1 - 2*int(r.Uint64()&1)
					if float64(sum) >= at[v] {
						crossed++
						break
					}
				}
			}
			if rate := float64(crossed) / runs; rate > alpha {
				t.Errorf("crosses %.4f", rate)
			}
		})
	}
}

func TestBernoulliInterval(t *testing.T) {
	d := ProportionDesign{TOpt: 500, AlphaOpt: 0.05}
	for _, c := range []struct{ successes, trials float64 }{{0, 1}, {1, 1}, {0, 1e4}, {3, 40}, {777, 1000}, {5e6, 1e7}} {
		outer := stats.Interval{Lower: 0, Upper: 1}
		for _, alpha := range alphas {
			i, status := BernoulliInterval(c.successes, c.trials, alpha, d)
			if status != stats.StatusOK || !i.Contains(c.successes/c.trials) || i.Lower < outer.Lower || i.Upper > outer.Upper {
				t.Errorf("%v, alpha %g: %v (%s) in %v", c, alpha, i, status, outer)
			}
			turned, _ := BernoulliInterval(c.trials-c.successes, c.trials, alpha, d)
			if math.Abs(turned.Lower-(1-i.Upper)) > 1e-9 || math.Abs(turned.Upper-(1-i.Lower)) > 1e-9 {
				t.Errorf("%v, alpha %g: %v, turned %v", c, alpha, i, turned)
			}
			outer = i
		}
	}
}

// Both bets average one over all sequences of coin tosses with the mean of the
// hypothesis, and the hedged capital no more.
func TestHedgeAveragesOne(t *testing.T) {
	const n = 12
	for _, h := range []Hedge{{0.1, 0.05, 0.5, 0.5}, {0.5, 0.01, 0.2, 0.9}, {0.97, 0.3, 0.5, 0.5}} {
		higher, lower, hedged := 0.0, 0.0, 0.0
		for path := range uint(1 << n) {
			c := h.Start()
			for i := range n {
				c.Add(float64(path >> i & 1))
			}
			ones := float64(bits.OnesCount(path))
			weight := math.Pow(h.Mean, ones) * math.Pow(1-h.Mean, n-ones)
			logE, _ := c.LogE()
			higher += weight * math.Exp(c.higher)
			lower += weight * math.Exp(c.lower)
			hedged += weight * math.Exp(logE)
		}
		if math.Abs(higher-1) > 1e-12 || math.Abs(lower-1) > 1e-12 || hedged > 1 {
			t.Errorf("%v: %.15f, %.15f, hedged %.6f", h, higher, lower, hedged)
		}
	}
}

func TestHedgeFindsAnotherMean(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 28))
	for _, h := range []Hedge{{0.4, 0.05, 0.5, 0.5}, {0.6, 0.05, 0.5, 0.5}} {
		c := h.Start()
		for range 2000 {
			c.Add((r.Float64() + r.Float64()) / 2)
		}
		if logE, status := c.LogE(); status != stats.StatusOK || logE < 20 {
			t.Errorf("mean %g: log e-value %g (%s)", h.Mean, logE, status)
		}
	}
}

// Over all outcomes of three blocks of uneven sizes the safe test averages at
// most one, whatever the common share.
func TestSafeProportionsAverageAtMostOne(t *testing.T) {
	blocks := [3][2]int64{{2, 1}, {1, 3}, {2, 2}}
	choose := [4][4]float64{{1}, {1, 1}, {1, 2, 1}, {1, 3, 3, 1}}
	for _, p := range []float64{0.01, 0.3, 0.5, 0.9} {
		var walk func(i int, s SafeProportions, weight float64) float64
		walk = func(i int, s SafeProportions, weight float64) float64 {
			if i == len(blocks) {
				logE, _ := s.LogE()
				return weight * math.Exp(logE)
			}
			total := 0.0
			nc, nt := blocks[i][0], blocks[i][1]
			for c := range nc + 1 {
				for k := range nt + 1 {
					next, hits := s, float64(c+k)
					next.Add(Counts{c, nc}, Counts{k, nt})
					total += walk(i+1, next, weight*choose[nc][c]*choose[nt][k]*
						math.Pow(p, hits)*math.Pow(1-p, float64(nc+nt)-hits))
				}
			}
			return total
		}
		if mean := walk(0, NewSafeProportions(SafePrior), 1); mean > 1+1e-12 || mean < 0.8 {
			t.Errorf("share %g: mean %.15f", p, mean)
		}
	}
}
