package stats

import (
	"math"
	"testing"
)

// near tells whether got is want to a relative or an absolute tolerance.
func near(got, want, rel, abs float64) bool {
	return got == want || math.Abs(got-want) <= math.Max(abs, rel*math.Abs(want))
}

// Forty to fifty digits with mpmath: power terms times 2F1(1, a+b; a+1; x).
var betaCases = []struct{ a, b, x, lower, upper float64 }{
	{0.05, 0.95, 0.3, -0.063533114222702993, -2.7877924022633215},
	{37.4, 22.4, 0.5, -3.6986235630052472, -0.025069203276588587},
	{30, 1, 0.2, -48.28313737302301, -1.0737418240000018e-21},
	{2, 500, 0.9, 0, -1145.1810791575203},
	{500.5, 0.5, 0.999, -1.1486375137456098, -0.38136068308443021},
	{1000, 1200, 0.3, -119.76355454239483, 0},
	{10000, 20000, 0.33, -2.2054083006914756, -0.11676476329005226},
	{10000, 20000, 0.36, -1.8510339312647716e-22, -50.041127681130279},
	{100000, 101000, 0.5, -0.012940236399228773, -4.3538768623400813},
	{12, 99000, 0.0002, -0.023845992426992416, -3.7480384115306823},
	{300000, 300000, 0.4995, -1.5173645509560572, -0.24755030161068849},
	{3000, 30000000, 0.0001, -0.68396436993329764, -0.70241509731463574},
	{1.5, 1.5, 1e-12, -40.917285126170851, -1.6976527263130409e-18},
	{0.5, 5, 1e-30, -33.638234020004669, -2.4609375000000031e-15},
	{5, 5, 0.5, -math.Ln2, -math.Ln2},
	{1e5, 1e5, 0.5, -math.Ln2, -math.Ln2},
	{1e9, 1e9, 0.5, -math.Ln2, -math.Ln2},
}

func TestLogBetaTails(t *testing.T) {
	for _, c := range betaCases {
		lower, upper := logBetaTails(c.a, c.b, c.x, 1-c.x)
		if !near(lower, c.lower, 1e-11, 1e-12) || !near(upper, c.upper, 1e-11, 1e-12) {
			t.Errorf("I_%g(%g, %g): got %.12g, %.12g, want %.12g, %.12g",
				c.x, c.a, c.b, lower, upper, c.lower, c.upper)
		}
	}
}

// Temme's expansion and the continued fraction meet where one takes over.
func TestTemmeMeetsFraction(t *testing.T) {
	for _, mean := range []float64{0.01, 0.2, 0.5, 0.9} {
		for _, k := range []float64{-20, -6, -3, -1, -1e-3, 0, 1e-6, 1, 3, 6, 20} {
			n := 2.9e6 / min(mean, 1-mean)
			a, b := n*mean, n*(1-mean)
			x := mean + k*math.Sqrt(mean*(1-mean)/n)
			lower, upper := logBetaTails(a, b, x, 1-x)
			lo, up := temmeTails(a, b, x, 1-x)
			if !near(lo, lower, 1e-9, 1e-9) || !near(up, upper, 1e-9, 1e-9) {
				t.Errorf("mean %g, %g sd: fraction %.12g %.12g, expansion %.12g %.12g",
					mean, k, lower, upper, lo, up)
			}
		}
	}
}

// Forty digits with mpmath: sums of the terms.
var poissonCases = []struct{ k, mean, below, from float64 }{
	{1, 0.001, 0.99900049983337499, 0.00099950016662500833},
	{9, 16.5, 0.016690386889734052, 0.98330961311026595},
	{40, 100, 2.9602566998130642e-12, 0.99999999999703974},
	{150, 100, 0.99999811578953396, 1.88421046603867e-6},
	{1200, 1000, 0.99999999953157961, 4.6842038558722808e-10},
	{5000, 5100, 0.079328881077618977, 0.92067111892238102},
	{90000, 91000, 0.0004465898441360425, 0.99955341015586396},
	{90000, 88000, 0.99999999999063443, 9.3655695742741646e-12},
	{150000, 150000, 0.49965664514104051, 0.50034335485895949},
	{150001, 151000, 0.0050184649035155022, 0.9949815350964845},
	{150001, 148500, 0.99994939946412576, 5.060053587424037e-5},
	{400000, 396000, 0.99999999988895585, 1.1104415225186456e-10},
	{400000, 405000, 1.7240219995459814e-15, 0.99999999999999828},
}

func TestPoisson(t *testing.T) {
	for _, c := range poissonCases {
		tolerance := 1e-10
		if c.k > largePoisson {
			tolerance = 1e-7
		}
		below, from := poissonBelow(c.k, c.mean), poissonFrom(c.k, c.mean)
		if !near(below, c.below, tolerance, 0) || !near(from, c.from, tolerance, 0) {
			t.Errorf("%g events at a mean of %g: got %.12g, %.12g, want %.12g, %.12g", c.k, c.mean, below, from, c.below, c.from)
		}
	}
}

func TestPoissonEdges(t *testing.T) {
	for _, c := range []struct{ k, mean, below float64 }{
		{0, 0, 0}, {0, 5, 0}, {1, 0, 1}, {1e12, 0, 1}, {1e12, 1, 1}, {3, 1e12, 0}, {1e28, 2e28, 0}, {2e28, 1e28, 1}, {1e28, 1e28, 0.5}, {1e12, 5e-324, 1},
	} {
		if below, from := poissonBelow(c.k, c.mean), poissonFrom(c.k, c.mean); !near(below, c.below, 0, 1e-12) || !near(from, 1-c.below, 0, 1e-12) {
			t.Errorf("%g events at a mean of %g: %g and %g", c.k, c.mean, below, from)
		}
	}
}

// The quantiles keep to their risk, and the next count would not.
func TestPoissonQuantiles(t *testing.T) {
	for _, mean := range []float64{0, 1e-9, 0.3, 4, 77.7, 1e4, 1e7} {
		for _, risk := range []float64{5e-3, 1e-4, 1e-8} {
			low, below := poissonLow(mean, risk)
			high, above := poissonHigh(mean, risk)
			if below > risk || poissonBelow(low+1, mean) <= risk || below != poissonBelow(low, mean) {
				t.Errorf("mean %g, risk %g: low %g with %g", mean, risk, low, below)
			}
			if above > risk || high > 0 && poissonFrom(high, mean) <= risk || above != poissonFrom(high+1, mean) {
				t.Errorf("mean %g, risk %g: high %g with %g", mean, risk, high, above)
			}
		}
	}
}

// Forty digits with mpmath.
var studentCases = []struct{ t, df, z float64 }{
	{0.001, 3, 0.0009213176575260974},
	{0.3, 1, 0.23468550121245291},
	{1, 2.5, 0.83439039626252782},
	{2.5, 4.3, 1.8631008787785197},
	{3.8, 12, 3.0197527930991571},
	{30, 3, 3.940379510427366},
	{1e6, 2, 7.1305068481715309},
	{1e40, 9, 40.409646784186222},
	{2, 59, 1.959020270006272},
	{5, 59.9, 4.5524029145195251},
	{5, 61, 4.5591403511300875},
	{12, 61, 8.5672136847158045},
	{40, 61, 14.153988272760705},
	{3, 1000, 2.9925350400925269},
	{35, 1000, 28.273373441868349},
	{300, 1000, 67.151637241765944},
	{4, 1e6, 3.9999830001441235},
}

func TestStudentToNormal(t *testing.T) {
	for _, c := range studentCases {
		if z := tToZ(c.t, c.df); !near(z, c.z, 2e-12, 0) {
			t.Errorf("t %g, df %g: z %.15g, want %.15g", c.t, c.df, z, c.z)
		}
		if back := zToT(c.z, c.df); !near(back, c.t, 1e-9, 0) {
			t.Errorf("z %g, df %g: t %.15g, want %.15g", c.z, c.df, back, c.t)
		}
		if tToZ(-c.t, c.df) != -tToZ(c.t, c.df) {
			t.Errorf("t %g, df %g: not odd", c.t, c.df)
		}
	}
}

func TestStudentIncreases(t *testing.T) {
	for _, df := range []float64{1, 1.7, 5, 38, 59.9, 60, 61, 300, 1e4, 1e9, 1e15} {
		last := 0.0
		for s := -8.0; s < 150; s += 0.037 {
			z := tToZ(math.Pow(10, s), df)
			if math.IsNaN(z) || math.IsInf(z, 0) || z < last {
				t.Fatalf("df %g, t 1e%g: z %g after %g", df, s, z, last)
			}
			last = z
		}
	}
}

func TestStudentRoundTrip(t *testing.T) {
	for _, df := range []float64{1, 1.7, 5, 38, 60, 300, 1e4, 1e9} {
		for z := 0.05; z < 30; z += 0.19 {
			q := zToT(z, df)
			if q > 1e140 {
				continue
			}
			if back := tToZ(q, df); !near(back, z, 1e-11, 0) {
				t.Errorf("df %g: z %g -> t %g -> %g", df, z, q, back)
			}
		}
	}
}

func TestNormalTails(t *testing.T) {
	// Forty digits with mpmath.
	for _, c := range []struct{ z, want float64 }{
		{-10, -53.231285150512471},
		{-40, -804.60844201375379},
		{-37, -689.03058557689059},
		{-1e8, -5000000000000019.3},
		{0, -math.Ln2},
		{3, -0.001350809964748194},
	} {
		if got := logPhi(c.z); !near(got, c.want, 1e-12, 0) {
			t.Errorf("ln Phi(%g) = %.17g, want %.17g", c.z, got, c.want)
		}
	}
	for z := 0.01; z < 200; z *= 1.3 {
		if got := upperQuantile(logPhi(-z)); !near(got, z, 1e-12, 1e-14) {
			t.Errorf("quantile at %g: %.15g", z, got)
		}
	}
}

// The quantile of the log odds is where the tail is, from one event to the sizes
// of Temme's expansion; the normal score of the tail goes to where nothing else
// would happen.
func TestBetaLogit(t *testing.T) {
	for _, a := range []float64{1, 2, 7, 48, 1e3, 1e5, 4e6, 1e12} {
		for _, b := range []float64{1, 3, 60, 2e3, 5e6, 1e9} {
			for _, z := range []float64{0, 0.3, 1.6, 2.5, 4, 12, 40} {
				l := logPhi(-z)
				v := betaLogit(a, b, z, l)
				got, _ := logBetaTails(a, b, sigmoid(v), sigmoid(-v))
				// What rounding of v alone does to the tail.
				rounding := 4e-16 * math.Max(1, math.Abs(v)) * (z + 1) * math.Sqrt(a*b/(a+b))
				if v > -700 && !near(got, l, 1e-9, 1e-9+rounding) {
					t.Errorf("a %g, b %g, z %g: ln tail at %g is %.12g, want %.12g", a, b, z, v, got, l)
				}
			}
		}
	}
}

func TestLog1p(t *testing.T) {
	for x := 1e-300; x < 1e300; x *= 1.7 {
		if got, want := log1p(x), math.Log1p(x); !near(got, want, 5e-16, 0) {
			t.Fatalf("ln(1+%g) = %.17g, want %.17g", x, got, want)
		}
	}
	if log1p(0) != 0 || !math.IsInf(log1p(math.Inf(1)), 1) {
		t.Error("ln 1 is not 0")
	}
}

var sink float64

func BenchmarkLogBetaTails(b *testing.B) {
	for _, c := range []struct {
		name    string
		a, b, x float64
	}{
		{"100", 57, 43, 0.5},
		{"10k", 5100, 4900, 0.5},
		{"1M", 5.01e5, 4.99e5, 0.5},
		{"5M", 2.501e6, 2.499e6, 0.5},
		{"skew", 3e3, 3e7, 1e-4},
		{"Temme", 5.01e6, 4.99e6, 0.5},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				_, sink = logBetaTails(c.a, c.b, c.x, 1-c.x)
			}
		})
	}
}

func BenchmarkStudent(b *testing.B) {
	for _, c := range []struct {
		name string
		df   float64
	}{{"df38", 38}, {"df5000", 5000}} {
		b.Run("tToZ/"+c.name, func(b *testing.B) {
			for b.Loop() {
				sink = tToZ(2.9, c.df)
			}
		})
		b.Run("zToT/"+c.name, func(b *testing.B) {
			for b.Loop() {
				sink = zToT(2.9, c.df)
			}
		})
	}
}
