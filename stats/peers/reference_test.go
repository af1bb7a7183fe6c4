package peers

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"assay/stats"
)

// reference is one case of testdata/reference.json.
type reference struct {
	Name, Method, Source string
	Inputs               json.RawMessage
	Expected             map[string]float64
}

// method computes every number that its cases expect, by key. rel is the
// relative tolerance, at least as tight as that of the cases.
type method struct {
	rel float64
	run func(t *testing.T, in []byte) map[string]float64
}

const (
	closedForm = 1e-12
	root       = 1e-9
)

var methods = map[string]method{
	"asympcs_one_sided_closed_form": {closedForm, runOneSided},
	"asympcs_rho2_exact": {closedForm, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			Alpha float64
			NStar float64 `json:"n_star"`
		}
		decode(t, in, &c)
		exact, status := ExactTuning(c.NStar, c.Alpha)
		out := answer(t, status, "rho2", exact)
		out["rho2_closed_form"] = stats.Rho2(c.Alpha, c.NStar)
		return out
	}},
	"statsig_sequential_z":          {closedForm, runStatsig},
	"avlm_t_radius":                 {closedForm, runRadius},
	"avlm_log_e_t":                  {closedForm, runLinearE},
	"avlm_optimal_g":                {1e-6, runOptimalG}, // The cases searched a flat top.
	"bernoulli_confidence_sequence": {root, runBernoulli},
	"gamma_exponential_mixture_bound": {root, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			V, Alpha, C float64
			VOpt        float64 `json:"v_opt"`
			AlphaOpt    float64 `json:"alpha_opt"`
		}
		decode(t, in, &c)
		bound, status := GammaExponential{VOpt: c.VOpt, C: c.C, AlphaOpt: c.AlphaOpt}.Bound(c.V, c.Alpha)
		return answer(t, status, "bound", bound)
	}},
	"poly_stitching_bound": {closedForm, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			V, Alpha, C, S, Eta float64
			VMin                float64 `json:"v_min"`
		}
		decode(t, in, &c)
		bound, status := Stitching{VMin: c.VMin, C: c.C, S: c.S, Eta: c.Eta}.Bound(c.V, c.Alpha)
		return answer(t, status, "bound", bound)
	}},
	"quantile_ab_p_value": {root, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			A, B     []float64
			Quantile float64
			TOpt     float64 `json:"t_opt"`
			AlphaOpt float64 `json:"alpha_opt"`
		}
		decode(t, in, &c)
		p, status := QuantileTest{Quantile: c.Quantile, TOpt: c.TOpt, AlphaOpt: c.AlphaOpt}.P(c.A, c.B)
		return answer(t, status, "p_value", p)
	}},
	"betting_hedged_capital": {closedForm, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			X                      []float64
			M, Alpha, Theta, Trunc float64
		}
		decode(t, in, &c)
		capital := Hedge{Mean: c.M, Alpha: c.Alpha, Theta: c.Theta, Trunc: c.Trunc}.Start()
		for _, x := range c.X {
			capital.Add(x)
		}
		logE, status := capital.LogE()
		return answer(t, status, "capital", math.Exp(logE))
	}},
	"safe_two_proportions": {closedForm, runSafe},
	"binomial_maxsprt_size": {closedForm, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			MaxEvents int     `json:"max_events"`
			Critical  float64 `json:"critical_llr"`
			ShareT    float64 `json:"share_t"`
		}
		decode(t, in, &c)
		size, status := MaxSPRTSize(c.MaxEvents, c.Critical, c.ShareT)
		return answer(t, status, "exact_size", size)
	}},
	"assignment_dependence_chi2": {closedForm, func(t *testing.T, in []byte) map[string]float64 {
		var c struct{ Table [][]int64 }
		decode(t, in, &c)
		d := AssignmentDependence(c.Table)
		return map[string]float64{"df": d.DF, "statistic": answer(t, d.Status, "", d.Statistic)[""]}
	}},
	"mde_relative_two_sided": {closedForm, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			Mean                   float64 `json:"mean_control"`
			N                      float64 `json:"n_per_arm"`
			Variance, Alpha, Power float64
		}
		decode(t, in, &c)
		mde, status := Plan{Mean: c.Mean, Variance: c.Variance, UnitsPerArm: c.N, Alpha: c.Alpha, Power: c.Power}.MDE()
		return answer(t, status, "mde", mde)
	}},
	"srm_dirichlet_multinomial": {root, func(t *testing.T, in []byte) map[string]float64 {
		var c struct {
			Counts        []int64 `json:"cumulative_counts"`
			Probabilities []float64
			Concentration float64
		}
		decode(t, in, &c)
		if c.Concentration != SSRMConcentration {
			t.Fatalf("concentration %v", c.Concentration)
		}
		r := SSRM(c.Counts, c.Probabilities, 0.01)
		return answer(t, r.Status, "log_e", r.LogE)
	}},
}

// runOneSided turns the sides of a case so that greater is the tested one.
func runOneSided(t *testing.T, in []byte) map[string]float64 {
	var c struct {
		Point, Se, Alpha float64
		NTotal           float64 `json:"n_total"`
		NStar            float64 `json:"n_star"`
		Alternative      string
	}
	decode(t, in, &c)
	side := map[string]float64{"greater": 1, "less": -1}[c.Alternative]
	critical, status := GrowthBookOneSided(c.NTotal, c.NStar, c.Alpha)
	p, _ := GrowthBookOneSidedP(side*c.Point/c.Se, c.NTotal, c.NStar, c.Alpha)
	out := answer(t, status, "half_width", critical*c.Se)
	out["bound"], out["p_value"] = c.Point-side*critical*c.Se, p
	out["rho"] = math.Sqrt(stats.Rho2(2*c.Alpha, c.NStar))
	return out
}

func runStatsig(t *testing.T, in []byte) map[string]float64 {
	var c struct {
		Alpha    float64
		TwoSided bool    `json:"two_sided"`
		VarT     float64 `json:"var_t"`
		VarC     float64 `json:"var_c"`
		NT       float64 `json:"n_t"`
		NC       float64 `json:"n_c"`
	}
	decode(t, in, &c)
	test := StatsigOneSided
	if c.TwoSided {
		test = StatsigTwoSided
	}
	z, status := test(Arms{VarT: c.VarT, VarC: c.VarC, NT: c.NT, NC: c.NC}, c.Alpha)
	return answer(t, status, "z_star", z)
}

// regression are the inputs of the linear models.
type regression struct {
	G, N, Alpha, T, Df float64
	K                  float64 `json:"n_coefficients"`
}

func runRadius(t *testing.T, in []byte) map[string]float64 {
	var c regression
	decode(t, in, &c)
	radius, status := AVLMRadius(c.N, c.K, c.G, c.Alpha)
	return answer(t, status, "radius", radius)
}

func runLinearE(t *testing.T, in []byte) map[string]float64 {
	var c regression
	decode(t, in, &c)
	logE, status := AVLMLogE(c.T, c.Df, c.N, c.G)
	out := answer(t, status, "log_e", logE)
	out["p_value"] = fromLogE(logE)
	return out
}

func runOptimalG(t *testing.T, in []byte) map[string]float64 {
	var c regression
	decode(t, in, &c)
	g, status := AVLMOptimalG(c.N, c.K, c.Alpha)
	return answer(t, status, "g", g)
}

func runBernoulli(t *testing.T, in []byte) map[string]float64 {
	var c struct {
		Successes, Trials, Alpha float64
		TOpt                     float64 `json:"t_opt"`
		AlphaOpt                 float64 `json:"alpha_opt"`
	}
	decode(t, in, &c)
	i, status := BernoulliInterval(c.Successes, c.Trials, c.Alpha, ProportionDesign{TOpt: c.TOpt, AlphaOpt: c.AlphaOpt})
	out := answer(t, status, "lower", i.Lower)
	out["upper"] = i.Upper
	return out
}

func runSafe(t *testing.T, in []byte) map[string]float64 {
	var c struct {
		YC    []int64 `json:"y_control"`
		YT    []int64 `json:"y_treatment"`
		NC    []int64 `json:"n_control"`
		NT    []int64 `json:"n_treatment"`
		Prior float64
	}
	decode(t, in, &c)
	s := NewSafeProportions(c.Prior)
	for i := range c.YC {
		s.Add(Counts{Events: c.YC[i], Units: c.NC[i]}, Counts{Events: c.YT[i], Units: c.NT[i]})
	}
	logE, status := s.LogE()
	return answer(t, status, "log_e", logE)
}

func decode(t *testing.T, in []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(in, into); err != nil {
		t.Fatal(err)
	}
}

// answer is one number of a case that must have an answer.
func answer(t *testing.T, status stats.Status, key string, value float64) map[string]float64 {
	t.Helper()
	if status != stats.StatusOK {
		t.Fatalf("%s: %s", key, status)
	}
	return map[string]float64{key: value}
}

// Every expected number is reproduced, and nothing is computed that no case
// expects.
func TestReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []reference
	decode(t, raw, &cases)
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.Method] = true
		t.Run(c.Name, func(t *testing.T) {
			m, ok := methods[c.Method]
			if !ok {
				t.Fatalf("no method %s", c.Method)
			}
			got := m.run(t, c.Inputs)
			keys := slices.Sorted(maps.Keys(c.Expected))
			if have := slices.Sorted(maps.Keys(got)); !slices.Equal(have, keys) {
				t.Fatalf("computed %v, expected %v", have, keys)
			}
			for _, key := range keys {
				if want := c.Expected[key]; !near(got[key], want, m.rel) {
					t.Errorf("%s: got %.17g, want %.17g, off by %.1e (%s)", key, got[key], want, got[key]/want-1, c.Source)
				}
			}
		})
	}
	for name := range methods {
		if !seen[name] {
			t.Errorf("no case of %s", name)
		}
	}
}
