package stats

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// refCase is one case of testdata/reference.json.
type refCase struct {
	Name, Method, Source string
	Inputs               refInputs
	Expected             map[string]json.RawMessage
	Tolerance            struct{ Rel, Abs float64 }
}

// sums are an arm as sums of powers.
type sums struct {
	N, Sum, SumSquares           float64
	Num, Num2, Den, Den2, NumDen float64
	Y, YY, X, XX, XY             float64
}

func (s *sums) UnmarshalJSON(b []byte) error {
	var m map[string]float64
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*s = sums{m["n"], m["sum"], m["sum_squares"], m["num"], m["num2"], m["den"], m["den2"], m["numden"], m["y"], m["yy"], m["x"], m["xx"], m["xy"]}
	return nil
}

func (s sums) mean() Moments {
	return Moments{N: int64(s.N), Mean: s.Sum / s.N, M2: s.SumSquares - s.Sum*s.Sum/s.N}
}

func (s sums) ratio() Moments {
	return Moments{
		N: int64(s.N), Mean: s.Num / s.N, M2: s.Num2 - s.Num*s.Num/s.N,
		DenMean: s.Den / s.N, DenM2: s.Den2 - s.Den*s.Den/s.N, Co: s.NumDen - s.Num*s.Den/s.N,
	}
}

// cuped are the moments with a covariate.
func (s sums) cuped() Moments {
	return Moments{
		N: int64(s.N), Mean: s.Y / s.N, M2: s.YY - s.Y*s.Y/s.N,
		Pre: PreMoments{Mean: s.X / s.N, M2: s.XX - s.X*s.X/s.N, Value: s.XY - s.X*s.Y/s.N},
	}
}

type refInputs struct {
	Relative                                                                               bool
	Difference                                                                             string
	N, Nu, Quantile                                                                        float64
	Lower, Upper                                                                           float64
	Point, Se, Alpha, Z, Lift, T, Confidence, Diff, Tau2, Concentration, Kappa, Df, Effect float64
	NTotal                                                                                 float64   `json:"n_total"`
	NStar                                                                                  float64   `json:"n_star"`
	NTune                                                                                  float64   `json:"n_tune"`
	NPlanned                                                                               float64   `json:"n_planned"`
	Factors                                                                                []float64 `json:"n_star_factors"`
	VarDiff                                                                                float64   `json:"var_diff"`
	Control, Treatment                                                                     sums
	Observed                                                                               []int64
	Weights                                                                                []float64
	Counts                                                                                 []int64 `json:"cumulative_counts"`
	Probabilities                                                                          []float64
	Batches                                                                                [][]int64
	EventsT                                                                                float64 `json:"events_t"`
	EventsC                                                                                float64 `json:"events_c"`
	ShareT                                                                                 float64 `json:"share_t"`
	P, E                                                                                   []float64
	MeanT                                                                                  float64 `json:"mean_t"`
	MeanC                                                                                  float64 `json:"mean_c"`
	VarT                                                                                   float64 `json:"var_t"`
	VarC                                                                                   float64 `json:"var_c"`
	NT                                                                                     float64 `json:"n_t"`
	NC                                                                                     float64 `json:"n_c"`
	MStart                                                                                 float64 `json:"m_start"`
	Looks                                                                                  float64
	LooksToNStar                                                                           float64 `json:"looks_to_n_star"`
	LooksCap                                                                               float64 `json:"looks_cap"`
	Information                                                                            []float64
	Phi                                                                                    float64
	TwoSided                                                                               bool      `json:"two_sided"`
	Events                                                                                 []int64   `json:"cumulative_events"`
	Spend                                                                                  []float64 `json:"cumulative_alpha"`
	Inverse                                                                                bool
	Prior                                                                                  struct {
		Proper   bool
		Mean, SD float64
	}
	Strata []struct {
		Control, Treatment struct{ N, Mean, SD float64 }
	}
}

// refRun computes what a case expects, by key.
var refRun = map[string]func(in refInputs) map[string]any{
	"asympcs_two_sided": func(in refInputs) map[string]any {
		s := TwoSided{X: in.NTotal * Rho2(in.Alpha, in.NStar)}
		h := in.Se * s.Critical(in.Alpha)
		l := s.LogE(in.Point / in.Se)
		return map[string]any{
			"rho": math.Sqrt(s.X / in.NTotal), "half_width": h, "log_e": l, "p_value": fromLogE(l),
			"ci_lower": in.Point - h, "ci_upper": in.Point + h,
		}
	},
	"asympcs_two_sided_from_sums": func(in refInputs) map[string]any {
		a := pairOf(viewMean, in.Control.mean(), in.Treatment.mean())
		point, se := effectOf(&a, in.Difference == "relative")
		s := TwoSided{X: a.units() * Rho2(in.Alpha, in.NStar)}
		h := se * s.Critical(in.Alpha)
		return map[string]any{
			"point": point, "se": se, "ci_lower": point - h, "ci_upper": point + h,
			"p_value": fromLogE(s.LogE(point / se)),
		}
	},
	"normal_mixture_one_sided_exact": func(in refInputs) map[string]any {
		s := OneSided{X: in.NTotal * Rho2(2*in.Alpha, in.NStar)}
		return map[string]any{"log_e": s.LogE(in.Z), "z_critical": s.Critical(in.Alpha)}
	},
	"normal_mixture_one_sided_scale_mixture": func(in refInputs) map[string]any {
		e := 0.0
		for _, f := range in.Factors {
			s := OneSided{X: in.NTotal * Rho2(2*in.Alpha, in.NPlanned*f)}
			e += math.Exp(s.LogE(in.Z)) / float64(len(in.Factors))
		}
		return map[string]any{"log_e": math.Log(e)}
	},
	"eppo_sequential": func(in refInputs) map[string]any {
		alpha := 1 - in.Confidence
		b := TwoSided{X: in.T * Rho2(alpha, in.NTune)}.Critical(alpha)
		return map[string]any{"B": b, "ci_lower": in.Lift - b*in.Se, "ci_upper": in.Lift + b*in.Se}
	},
	"msprt_normal": func(in refInputs) map[string]any {
		s, se := TwoSided{X: in.Tau2 / in.VarDiff}, math.Sqrt(in.VarDiff)
		l := s.LogE(in.Diff / se)
		return map[string]any{"log_e": l, "p_value": fromLogE(l), "half_width": se * s.Critical(in.Alpha)}
	},
	"srm_chi_square": func(in refInputs) map[string]any {
		r := TestSampleRatio(in.Observed, in.Weights, 1e4, 0.01)
		return map[string]any{"statistic": r.ChiStat, "df": 1.0, "p_value": *r.ChiP}
	},
	"srm_dirichlet_multinomial": func(in refInputs) map[string]any {
		g := RatioGroup{Counts: in.Counts, Expected: in.Probabilities}
		return map[string]any{"log_e": g.logE(in.Concentration)}
	},
	"srm_dirichlet_running_p": func(in refInputs) map[string]any {
		g := RatioGroup{Counts: make([]int64, 2), Expected: in.Probabilities}
		p := []float64{1}
		for _, batch := range in.Batches {
			g.Counts[0] += batch[0]
			g.Counts[1] += batch[1]
			p = append(p, min(p[len(p)-1], fromLogE(g.logE(in.Concentration))))
		}
		return map[string]any{"p": p[1:]}
	},
	"ratio_metric_delta": func(in refInputs) map[string]any {
		a := pairOf(viewRatio, in.Control.ratio(), in.Treatment.ratio())
		point, se := effectOf(&a, in.Relative)
		return map[string]any{"point": point, "se": se}
	},
	"cuped_mean": func(in refInputs) map[string]any {
		// Theta of the case is that of all units, arms and all.
		control, treatment := in.Control.cuped(), in.Treatment.cuped()
		all := Merge(control, treatment)
		theta := all.Pre.Value / all.Pre.M2
		strata := []Stratum{{Control: control, Treatment: treatment}}
		plain := standardise(viewMean, strata)
		a := plain
		a.control = a.control.less(viewMean, strata, theta, controlOf)
		a.treatment = a.treatment.less(viewMean, strata, theta, treatmentOf)
		d := a.difference()
		point, se := d.estimate, d.se
		if in.Relative { // The case divides by what control has before it is adjusted.
			point /= control.Mean
			own := columns{value: -treatment.Mean / control.Mean, pre: theta}
			vt := a.treatment.by.perUnit(&treatment) / float64(treatment.N)
			vc := own.perUnit(&control) / float64(control.N)
			se = math.Sqrt(vt+vc) / control.Mean
		}
		return map[string]any{"theta": theta, "point": point, "se": se}
	},
	"quantile_variance": func(in refInputs) map[string]any {
		q := Quantile{
			N: int64(in.N), Nu: in.Nu, Value: in.Quantile, Lower: in.Lower, Upper: in.Upper, Sample: int64(in.NStar),
		}
		m, _, _ := q.Moments()
		v := m.M2 / in.N // The case is the smaller by 1/n: its divisor is that of a known mean.
		return map[string]any{"variance": v, "se": math.Sqrt(v / in.N)}
	},
	"relative_lift_intervals_fixed": func(in refInputs) map[string]any {
		a := pairOf(viewMean,
			FromWarehouse(int64(in.NC), 0, in.MeanC, in.VarC), FromWarehouse(int64(in.NT), 0, in.MeanT, in.VarT))
		t := upperQuantile(math.Log(in.Alpha / 2))
		_, _, g := a.shares(t)
		out := map[string]any{"g": g}
		for key, l := range map[string]Lift{"fieller": LiftFieller, "delta": LiftDelta, "log_delta": LiftLog} {
			estimate, i := a.lift(l, t)
			out["lift"], out[key] = estimate.Value, []float64{i.Lower, i.Upper}
		}
		return out
	},
	"conditional_binomial_e_value": func(in refInputs) map[string]any {
		g := group{logit: math.Log(in.ShareT / (1 - in.ShareT)), hits: in.EventsT, other: in.EventsC}
		e := g.against(0, in.Kappa)
		return map[string]any{"log_e_one_sided_t_higher": e.above, "log_e_two_sided": e.whole}
	},
	"rate_ratio_confidence_sequence": func(in refInputs) map[string]any {
		l := labels{{logit: math.Log(in.ShareT / (1 - in.ShareT)), hits: in.EventsT, other: in.EventsC}}
		at, _, _ := l.logLikelihood(0)
		target := at + l[0].logMixture(sigmoid(l[0].logit), sigmoid(-l[0].logit), in.Kappa) + math.Log(in.Alpha)
		low, high := l.lower(target, l.crest()), l.upper(target, l.crest())
		return map[string]any{
			"theta_lower": sigmoid(low + l[0].logit), "theta_upper": sigmoid(high + l[0].logit),
			"ratio_lower": math.Exp(low), "ratio_upper": math.Exp(high),
		}
	},
	"p_adjust_bh": func(in refInputs) map[string]any { return map[string]any{"adjusted": BenjaminiHochberg(in.P)} },
	"e_bh": func(in refInputs) map[string]any {
		var out []float64
		for _, i := range EBH(logs(in.E), in.Alpha) {
			out = append(out, float64(i))
		}
		return map[string]any{"rejected": out}
	},
	"e_closed_mean": func(in refInputs) map[string]any {
		adjusted, global := EClosedMean(logs(in.E)), 0.0
		for i := range adjusted {
			adjusted[i] = math.Exp(adjusted[i])
			global = max(global, adjusted[i])
		}
		return map[string]any{"adjusted_e": adjusted, "global_e": global}
	},
	"welch_t": func(in refInputs) map[string]any {
		c := AtOneLook(
			Design{Kind: KindMean, Method: MethodMixture, Harm: SideUp, Alpha: in.Alpha, Planned: 5000},
			[]Stratum{{Share: 0.5, Control: in.Control.mean(), Treatment: in.Treatment.mean()}})
		a := pairOf(viewMean, in.Control.mean(), in.Treatment.mean())
		d := a.difference()
		return map[string]any{
			"df": d.df, "t": d.estimate / d.se, "p_value": c.P.Value,
			"ci_lower": c.Interval.Lower, "ci_upper": c.Interval.Upper,
		}
	},
	"t_to_z": func(in refInputs) map[string]any { return map[string]any{"z": tToZ(in.T, in.Df)} },
	"power_single_look": func(in refInputs) map[string]any {
		z := TwoSided{X: in.NTotal * Rho2(in.Alpha, in.NStar)}.Critical(in.Alpha)
		d := Design{MDE: Size{Value: in.Effect, Absolute: true}}
		mde := d.mdeIn(0, in.Se)
		wrongSide := math.Exp(logPhi(-z - in.Effect/in.Se)) // The case is two-sided.
		fixed := upperQuantile(math.Log(in.Alpha / 2))
		found, _ := newWalk(in.Effect/in.Se).above(1, fixed)
		wrong, _ := newWalk(-in.Effect/in.Se).above(1, fixed)
		return map[string]any{"fixed": found + wrong, "sequential_lower_bound": 1 - d.missMixture(mde, z).Value + wrongSide}
	},
	"robbins_siegmund_delayed_start": func(in refInputs) map[string]any {
		s := DelayedStart{N: in.N, M: in.MStart}
		return map[string]any{"z_two_sided": s.TwoSided(in.Alpha), "z_one_sided": s.OneSided(in.Alpha)}
	},
	"robbins_siegmund_p_two_sided": func(in refInputs) map[string]any {
		return map[string]any{"p_value": DelayedStart{N: in.N, M: in.MStart}.P(in.Z)}
	},
	"conditional_binomial_spending": func(in refInputs) map[string]any {
		t, events, spent := newTally(), int64(0), 0.0
		var least, cumulative []float64
		for i, total := range in.Events {
			t.add(total-events, in.ShareT)
			count, tail := t.stopAbove(in.Spend[i] - spent)
			events, spent = total, spent+tail
			least, cumulative = append(least, float64(count)), append(cumulative, spent)
		}
		return map[string]any{"reject_if_events_t_at_least": least, "spent": cumulative}
	},
	"group_sequential_power_spending": func(in refInputs) map[string]any {
		s := NewSpending(Design{Method: MethodCalibrated}, nil)
		var z []float64
		spent := 0.0
		for _, info := range in.Information {
			s.step(info)
			chance := in.Alpha*math.Pow(info, in.Phi) - spent
			bound := s.walk.solve(info, chance) / math.Sqrt(info)
			s.keep(Look{Time: info, Info: info, Z: bound})
			z, spent = append(z, bound), spent+chance
		}
		return map[string]any{"z": z}
	},
	"naive_peeking_fpr": func(in refInputs) map[string]any {
		var looks []Look
		for k := range int(in.Looks) {
			looks = append(looks, Look{Info: float64(k + 1), Z: in.Z})
		}
		// Both sides at once: the chance that both are crossed is that of crossing
		// one and then the other, which the two-sided walk leaves out.
		return map[string]any{"fpr": twoSidedCrossing(looks)}
	},
	"cadence_calibrated_alpha": func(in refInputs) map[string]any {
		n := in.LooksToNStar
		size := func(alpha float64) float64 {
			var looks []Look
			for k := range int(in.LooksCap) {
				info := float64(k + 1)
				looks = append(looks, Look{Info: info, Z: OneSided{X: info * Rho2(2*in.Alpha, n)}.Critical(alpha)})
			}
			return crossing(looks, 0)
		}
		low, high := in.Alpha, 0.5
		for range 60 {
			if middle := (low + high) / 2; size(middle) < in.Alpha {
				low = middle
			} else {
				high = middle
			}
		}
		return map[string]any{"alpha_prime": low, "z_at_n_star": OneSided{X: n * Rho2(2*in.Alpha, n)}.Critical(low)}
	},
	"post_stratified_mean": func(in refInputs) map[string]any {
		var strata []Stratum
		for _, s := range in.Strata {
			strata = append(strata, Stratum{
				Control:   FromWarehouse(int64(s.Control.N), 0, s.Control.Mean, s.Control.SD*s.Control.SD),
				Treatment: FromWarehouse(int64(s.Treatment.N), 0, s.Treatment.Mean, s.Treatment.SD*s.Treatment.SD),
			})
		}
		a := standardise(viewMean, strata)
		d := a.difference()
		return map[string]any{"point": d.estimate, "se": d.se}
	},
	"bayesian_effect": func(in refInputs) map[string]any {
		d := Design{Kind: KindMean, Method: MethodMixture, Harm: SideDown, Alpha: in.Alpha, Planned: 5000, Lift: LiftDelta}
		if in.Inverse {
			d.Harm = SideUp
		}
		if in.Prior.Proper {
			d.Prior = Prior{Mean: in.Prior.Mean, SD: in.Prior.SD}
		}
		control := in.Control.mean()
		p := AtOneLook(d, half(control, in.Treatment.mean())).Posterior
		return map[string]any{
			"mean": p.Mean / control.Mean, "sd": p.SD / control.Mean, "chance_to_win": p.Win.Value,
			"ci":           []float64{p.Interval.Lower / control.Mean, p.Interval.Upper / control.Mean},
			"risk_control": p.RelativeLoss.Keep.Value, "risk_treatment": p.RelativeLoss.Ship.Value,
		}
	},
}

// twoSidedCrossing is the chance that |score| is beyond the boundary at any
// look, by simulation-free quadrature on a plain grid: an independent route.
func twoSidedCrossing(looks []Look) float64 {
	const points = 2001
	at := func(look Look, i int) float64 {
		b := look.Z * math.Sqrt(look.Info)
		return -b + 2*b*float64(i)/(points-1)
	}
	density, left := []float64{1}, 1.0
	for k, look := range looks {
		next := make([]float64, points)
		b := look.Z * math.Sqrt(look.Info)
		for i := range next {
			for j, d := range density {
				from := 0.0
				if k > 0 {
					from = at(looks[k-1], j)
				}
				x := at(look, i) - from
				next[i] += d * math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
			}
		}
		left = 0
		for i := range next { // Simpson's weights.
			w := 2.0 + 2*float64(i%2)
			if i == 0 || i == points-1 {
				w = 1
			}
			next[i] *= w * 2 * b / (points - 1) / 3
			left += next[i]
		}
		density = next
	}
	return 1 - left
}

// effectOf is the difference or, by the delta method, the relative effect.
func effectOf(a *arms, relative bool) (point, se float64) {
	if d := a.difference(); !relative {
		return d.estimate, d.se
	}
	estimate, i := a.lift(LiftDelta, 1)
	return estimate.Value, (i.Upper - i.Lower) / 2
}

func pairOf(v view, control, treatment Moments) arms {
	return standardise(v, []Stratum{{Share: 0.5, Control: control, Treatment: treatment}})
}

func logs(x []float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		out[i] = math.Log(x[i])
	}
	return out
}

func TestReference(t *testing.T) {
	raw, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []refCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 30 {
		t.Fatalf("only %d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			run := refRun[c.Method]
			if run == nil {
				t.Fatalf("no method %s", c.Method)
			}
			compareWithReference(t, c, run(c.Inputs))
		})
	}
}

// reached is how exactly a method must be met, as a relative error: closed forms
// but for rounding, roots and e-values to 1e-9, and what is numerical by nature
// (recursions by quadrature) to what the case states.
func (c *refCase) reached() float64 {
	switch c.Method {
	case "group_sequential_power_spending", "naive_peeking_fpr", "cadence_calibrated_alpha":
		return c.Tolerance.Rel
	case "normal_mixture_one_sided_exact", "normal_mixture_one_sided_scale_mixture", "robbins_siegmund_delayed_start",
		"robbins_siegmund_p_two_sided", "srm_dirichlet_multinomial", "srm_dirichlet_running_p", "conditional_binomial_e_value",
		"rate_ratio_confidence_sequence", "t_to_z", "welch_t", "bayesian_effect":
		return 1e-9
	default:
		return 1e-12
	}
}

// compareWithReference wants every number that a case expects, and no other.
func compareWithReference(t *testing.T, c refCase, got map[string]any) {
	t.Helper()
	for key, raw := range c.Expected {
		value, ok := got[key]
		if !ok {
			t.Errorf("%s is not computed", key)
			continue
		}
		delete(got, key)
		var want []float64
		have, list := value.([]float64)
		if list {
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
		} else {
			want, have = make([]float64, 1), []float64{value.(float64)}
			if err := json.Unmarshal(raw, &want[0]); err != nil {
				t.Fatal(err)
			}
		}
		if len(have) != len(want) {
			t.Fatalf("%s: got %v, want %v", key, have, want)
		}
		for i := range want {
			if !near(have[i], want[i], c.reached(), 0) {
				t.Errorf("%s: got %.17g, want %.17g, off by %.1e (%s)", key, have[i], want[i], (have[i]-want[i])/want[i], c.Source)
			}
		}
	}
	if len(got) > 0 {
		t.Errorf("nothing to compare %v with", got)
	}
}
