package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Hall's cubic increases, is nothing without skewness, agrees with Edgeworth's
// expansion to first order, is odd in t and lambda together, and is the closed
// form.
func TestUnskew(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 1))
	for range 2000 {
		lambda, x := 2*r.NormFloat64(), 6*r.NormFloat64()
		if got := unskew(x, 0); math.Abs(got-x) > 0 {
			t.Fatalf("unskew(%g, 0) = %g", x, got)
		}
		y := x + math.Pow(10, -6+7*r.Float64())
		if a, b := unskew(x, lambda), unskew(y, lambda); a > b {
			t.Fatalf("lambda %g: %g at %g, %g at %g", lambda, a, x, b, y)
		}
		if a, b := unskew(x, lambda), -unskew(-x, -lambda); a != b {
			t.Fatalf("not odd: %g and %g", a, b)
		}
		u := 1 + lambda*x/3
		if want := (u*u*u-1)/lambda + lambda/6; !near(unskew(x, lambda), want, 1e-9, 1e-9*(1+1/math.Abs(lambda))) {
			t.Fatalf("unskew(%g, %g) = %g, want %g", x, lambda, unskew(x, lambda), want)
		}
		small := 1e-5 * lambda
		if got, want := unskew(x, small), x+small*(2*x*x+1)/6; !near(got, want, 0, small*small*(1+math.Abs(x*x*x))) {
			t.Fatalf("unskew(%g, %g) = %g, want %g", x, small, got, want)
		}
	}
	for _, x := range []float64{greatestT, -greatestT, math.MaxFloat64, 0} {
		for _, lambda := range []float64{0, 1, -1, 1e150, -1e150} {
			if got := unskew(x, lambda); !isFinite(got) {
				t.Errorf("unskew(%g, %g) = %g", x, lambda, got)
			}
		}
	}
}

// The skewness of the difference is that of its sampling distribution: computed
// from the cumulants of exponential units, over epochs.
func TestSkewness(t *testing.T) {
	// Exponential with mean s: variance s², third moment 2 s³.
	exponential := func(n int64, s float64) Moments {
		f := float64(n)
		return Moments{N: n, Any: n, Mean: s, M2: s * s * (f - 1), M3: 2 * s * s * s * (f - 1) * (f - 2) / f}
	}
	strata := []Stratum{
		{Epoch: 0, Control: exponential(100, 1), Treatment: exponential(900, 1.5)},
		{Epoch: 1, Control: exponential(500, 2), Treatment: exponential(500, 2.5)},
	}
	a := standardise(viewMean, strata)
	// Two arms and two epochs of one shape: the third cumulants add.
	gamma, n, squares := 0.0, 0.0, 0.0
	for _, m := range []Moments{strata[0].Control, strata[0].Treatment, strata[1].Control, strata[1].Treatment} {
		gamma, n, squares = gamma+m.M3, n+float64(m.N), squares+m.M2
	}
	gamma *= math.Sqrt(n) / math.Pow(squares, 1.5)
	m3 := gamma * (1.5*1.5*1.5/900/900 - 1.0/100/100 + 2.5*2.5*2.5/500/500 - 2.0*2*2/500/500) / 8
	v := (1.5*1.5/900 + 1.0/100 + 2.5*2.5/500 + 4.0/500) / 4
	if got, want := a.skewness(), m3/math.Pow(v, 1.5); !got.Known || !near(got.Value, want, 1e-12, 0) || want > -0.01 {
		t.Errorf("got %v, want %g", got, want)
	}
	// One scale in all: the shape is that of an exponential, 2.
	alike := pairOf(viewMean, exponential(1000, 3), exponential(9000, 3))
	if want := 2 * (1.0/9000/9000 - 1.0/1000/1000) / math.Pow(1.0/9000+1.0/1000, 1.5); !near(alike.skewness().Value, want, 2e-3, 0) {
		t.Errorf("got %v, want %g", alike.skewness(), want)
	}
	back := strata
	for i := range back {
		back[i].Control, back[i].Treatment = back[i].Treatment, back[i].Control
	}
	b := standardise(viewMean, back)
	if got := b.skewness(); !near(got.Value, -a.skewness().Value, 1e-12, 0) {
		t.Errorf("exchanged: %v, want %g", got, -a.skewness().Value)
	}
	shares := pairOf(viewMean, binary(50, 1), binary(450, 9))
	if got := shares.skewness(); !got.Known || got.Value > -0.2 {
		t.Errorf("rare events in a small control: %v", got)
	}
	d := adjusting(KindMean)
	r := rand.New(rand.NewPCG(62, 1))
	for name, x := range map[string]arms{
		"unknown":   pairOf(viewMean, normal(50, 1, 1), exponential(50, 1)),
		"ratio":     pairOf(viewRatio, momentsOf(sessions(r, 50, 2)), momentsOf(sessions(r, 50, 2))),
		"covariate": estimate(&d, half(momentsOf(panel(r, 50, 3, 0.8)), momentsOf(panel(r, 50, 3, 0.8)))),
		"nothing":   {},
	} {
		if got := x.skewness(); got.Known {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// lognormals are the moments of n units e^(sigma z).
func lognormals(r *rand.Rand, n int, sigma float64) Moments {
	m, shift := Moments{N: int64(n), Any: int64(n)}, math.Exp(sigma*sigma/2)
	var s1, s2, s3 float64
	for range n {
		x := math.Exp(sigma*r.NormFloat64()) - shift
		s1, s2, s3 = s1+x, s2+x*x, s3+x*x*x
	}
	f := float64(n)
	d := s1 / f
	m.Mean, m.M2 = shift+d, s2-s1*d
	m.M3 = s3 - 3*d*s2 + 2*f*d*d*d
	return m
}

// skewed is how often the one-sided test at one look is wrong, of n units with
// share of them in control, nothing being different.
type skewed struct {
	sigma, control float64
	n, runs        int
}

// skewRates are shares of rejections: of t, of t without its skewness, and of
// that where the sample's |lambda| is at most a quarter.
type skewRates struct{ plain, unskewed, guarded, lambda float64 }

// run counts rejections at 0.0125.
func (s skewed) run(r *rand.Rand) skewRates {
	const z = 2.241402727604947
	var out skewRates
	one := 1 / float64(s.runs)
	for range s.runs {
		nc := int(math.Round(float64(s.n) * s.control))
		a := pairOf(viewMean, lognormals(r, nc, s.sigma), lognormals(r, s.n-nc, s.sigma))
		d := a.difference()
		x := d.estimate / d.se
		out.lambda += one * d.skew.Value
		out.plain += one * float64(count(tToZ(x, d.df) > z))
		calm := tToZ(min(x, unskew(x, d.skew.Value)), d.df) > z
		out.unskewed += one * float64(count(calm))
		out.guarded += one * float64(count(calm && math.Abs(d.skew.Value) <= 0.25))
	}
	return out
}

// A small control arm with a long upper tail makes the one-sided test of harm
// wrong too often; removing the skewness takes it back towards its level, and
// costs nothing where there is none.
func TestUnskewHoldsLevel(t *testing.T) {
	long(t)
	r := rand.New(rand.NewPCG(63, 1))
	for _, c := range []struct {
		skewed
		most, guarded float64
	}{
		{skewed{1, 0.1, 1000, 20000}, 0.0155, 0.0135},
		{skewed{1, 0.1, 5000, 5000}, 0.0165, 0.0165},
		{skewed{1.5, 0.1, 2000, 10000}, 0.022, 0.0165},
		{skewed{1.5, 0.1, 5000, 5000}, 0.0165, 0.0125},
		{skewed{1, 0.5, 1000, 5000}, 0.0165, 0.0165},
		{skewed{1, 0.9, 1000, 5000}, 0.0125, 0.0125},
	} {
		got := c.run(r)
		if got.unskewed > c.most || got.unskewed > got.plain || got.guarded > c.guarded {
			t.Errorf("%+v: %g, %g with the guard, %g without either", c.skewed, got.unskewed, got.guarded, got.plain)
		}
		if c.control < 0.5 && got.plain < 1.5*got.unskewed {
			t.Errorf("%+v: %g against %g: the case shows nothing", c.skewed, got.unskewed, got.plain)
		}
		t.Logf("%+v: %.4f plain, %.4f unskewed, %.4f guarded, lambda %.3f", c.skewed, got.plain, got.unskewed, got.guarded, got.lambda)
	}
}
