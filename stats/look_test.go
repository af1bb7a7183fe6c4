package stats

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// growing are strata of one epoch with that many units in both arms together
// and events in each.
func growing(n, eventsC, eventsT int64, share float64) []Stratum {
	nt := int64(math.Round(float64(n) * share))
	return []Stratum{{Epoch: 1, Share: share, Control: binary(n-nt, eventsC), Treatment: binary(nt, eventsT)}}
}

func calibrated() Design {
	d := mixtureDesign()
	d.Method, d.Alpha, d.Planned = MethodCalibrated, 0.05, 5000
	return d
}

func spending() Design {
	d := exactDesign()
	d.Method, d.Alpha = MethodExactSpending, 0.05
	return d
}

// irregular are looks at uneven times with uneven traffic.
func irregular(t *testing.T, d Design, seed uint64, k int, grow func(r *rand.Rand) (units, control, treatment int64)) []Look {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var looks []Look
	var n, c, tr int64
	at := 0.0
	for range k {
		at += r.ExpFloat64() / float64(k)
		dn, dc, dt := grow(r)
		n, c, tr = n+dn, c+dc, tr+dt
		if look, why := NextLook(d, looks, at, growing(n, c, tr, 0.5)); why == "" {
			looks = append(looks, look)
		}
	}
	return looks
}

func traffic(r *rand.Rand) (units, control, treatment int64) {
	n := int64(40 + 1000*r.ExpFloat64())
	return n, n / 100, n / 90
}

// Whatever the times and the traffic, the boundary is crossed under the null
// with just the chance that was spent, and never with more than alpha.
func TestSpentIsTheChanceOfCrossing(t *testing.T) {
	for seed := range uint64(20) {
		d := calibrated()
		looks := irregular(t, d, seed, 5+int(seed)*2, traffic)
		last := looks[len(looks)-1]
		if got := crossing(looks, 0); !near(got, last.Spent, 1e-7, 0) || last.Spent > d.Alpha {
			t.Errorf("seed %d, %d looks: crossed with %.10f, spent %.10f", seed, len(looks), got, last.Spent)
		}
	}
}

// The same by simulation of the score, which shares nothing with the recursion.
func TestBoundaryByBrownianMotion(t *testing.T) {
	const runs = 40000
	looks := irregular(t, calibrated(), 3, 20, traffic)
	r := rand.New(rand.NewPCG(8, 8))
	hits := 0
	for range runs {
		score, info := 0.0, 0.0
		for _, l := range looks {
			score += r.NormFloat64() * math.Sqrt(l.Info-info)
			info = l.Info
			if score > l.Z*math.Sqrt(info) {
				hits++
				break
			}
		}
	}
	want := looks[len(looks)-1].Spent
	if got := float64(hits) / runs; math.Abs(got-want) > 4*math.Sqrt(want/runs) {
		t.Errorf("crossed in %.5f of runs, spent %.5f", got, want)
	}
}

// The looks of a ledger reproduce every one of their boundaries, bit for bit.
func TestLooksReproduceThemselves(t *testing.T) {
	for _, d := range []Design{calibrated(), spending()} {
		var looks []Look
		r := rand.New(rand.NewPCG(5, 5))
		var n, c, tr int64
		type step struct {
			time   float64
			strata []Stratum
		}
		var steps []step
		for k := range 30 {
			dn, dc, dt := traffic(r)
			n, c, tr = n+dn, c+dc, tr+dt
			s := step{float64(k+1) / 30, growing(n+40, c+int64(k)+1, tr, 0.5)}
			look, why := NextLook(d, looks, s.time, s.strata)
			if why != "" {
				t.Fatal(why)
			}
			looks, steps = append(looks, look), append(steps, s)
		}
		for k, s := range steps {
			again, _ := NextLook(d, looks[:k], s.time, s.strata)
			if !reflect.DeepEqual(again, looks[k]) {
				t.Errorf("%s, look %d: %+v, then %+v", d.Method, k, looks[k], again)
			}
		}
		if last := looks[len(looks)-1]; last.Time != 1 || last.Spent > d.Alpha || last.Spent < 0.7*d.Alpha {
			t.Errorf("%s: the last look has spent %g of %g at %g", d.Method, last.Spent, d.Alpha, last.Time)
		}
	}
}

// Looks that spend nothing: too soon, nothing new, over. They show the last
// boundary and cannot cross it.
func TestHeldLooks(t *testing.T) {
	for _, d := range []Design{calibrated(), spending()} {
		first, why := NextLook(d, nil, 0.2, growing(2000, 20, 30, 0.5))
		if why != "" {
			t.Fatal(why)
		}
		end, why := NextLook(d, []Look{first}, 1.7, growing(3000, 30, 40, 0.5))
		if why != "" || end.Time != 1 {
			t.Fatalf("the first look past the end gets the rest: %s %+v", why, end)
		}
		for _, c := range []struct {
			name   string
			past   []Look
			time   float64
			strata []Stratum
		}{
			{"too soon", []Look{first}, 0.2001, growing(4000, 40, 90, 0.5)},
			{"nothing new", []Look{first}, 0.5, growing(2000, 20, 30, 0.5)},
			{"over", []Look{first, end}, 1.8, growing(9000, 50, 500, 0.5)},
			{"not a number", []Look{first}, math.NaN(), growing(9000, 50, 500, 0.5)},
		} {
			look, why := NextLook(d, c.past, c.time, c.strata)
			if why == "" || !look.Held || look.Z != c.past[len(c.past)-1].Z {
				t.Errorf("%s %s: %q %+v", d.Method, c.name, why, look)
			}
			if got := Compare(d, c.strata, look); got.Harmed || got.NonInferior || got.ExcessBound > 0 {
				t.Errorf("%s %s: a verdict without error to spend: %+v", d.Method, c.name, got)
			}
		}
		if look, why := NextLook(d, nil, 0.1, nil); why == "" || !look.IsZero() {
			t.Errorf("no units: %q %+v", why, look)
		}
	}
}

// However often one looks, the ledger stays short.
func TestLooksAreFew(t *testing.T) {
	long(t)
	for _, d := range []Design{calibrated(), spending()} {
		var looks []Look
		for k := range int64(600) {
			n := 50 * (k + 1)
			if look, why := NextLook(d, looks, float64(k+1)/600, growing(n, n/50, n/40, 0.5)); why == "" {
				looks = append(looks, look)
			}
		}
		if len(looks) > mostLooks+1 || looks[len(looks)-1].Time != 1 {
			t.Errorf("%s: %d looks, the last at %g", d.Method, len(looks), looks[len(looks)-1].Time)
		}
	}
}

// The exact test against a plain dynamic program over whole counts.
func TestExactSpendingAgainstPlainProgram(t *testing.T) {
	d := spending()
	d.Margin.Value = 0.2
	totals, share := []int64{7, 19, 40, 90, 180, 260}, 0.3
	var looks []Look
	for i, m := range totals {
		look, why := NextLook(d, looks, float64(i+1)/6, growing(100*m, m/3, m-m/3, share))
		if why != "" {
			t.Fatal(why)
		}
		looks = append(looks, look)
	}
	theta := share * 1.2 / (share*1.2 + 1 - share)
	for side, want := range map[string]float64{"harm": looks[5].Spent, "within": looks[5].SpentWithin} {
		if got := plainCrossing(looks, theta, side == "harm"); !near(got, want, 1e-10, 0) || want > d.Alpha {
			t.Errorf("%s: crossed with %.12f, spent %.12f", side, got, want)
		}
	}
}

// plainCrossing is the chance that the counts of looks are reached, event by
// event.
func plainCrossing(looks []Look, theta float64, harm bool) float64 {
	p, out, m := []float64{1}, 0.0, int64(0)
	for _, l := range looks {
		for ; m < int64(l.Info); m++ {
			next := make([]float64, len(p)+1)
			for k, v := range p {
				next[k] += v * (1 - theta)
				next[k+1] += v * theta
			}
			p = next
		}
		for k := range p {
			if harm && l.Least > 0 && int64(k) >= l.Least || !harm && int64(k) < l.Most {
				out += p[k]
				p[k] = 0
			}
		}
	}
	return out
}

// With very many events counts are put into cells; what that changes is small,
// and on the side of caution.
func TestCellsAreCautious(t *testing.T) {
	for _, theta := range []float64{0.5, 0.1, 0.93} {
		fine, coarse := newTally(), newTally()
		fine.fineness = math.Inf(1)
		left := 0.01
		for range 6 {
			fine.add(200000, theta)
			coarse.add(200000, theta)
			least, spent := coarse.stopAbove(left)
			exact := 0.0
			for i, p := range fine.p {
				if fine.first+int64(i) >= least {
					exact += p
					fine.p[i] = 0
				}
			}
			if exact > spent*(1+1e-9) || exact < 0.95*spent || spent < 0.93*left || coarse.cell == fine.cell && theta == 0.5 {
				t.Errorf("theta %g: crossed with %.8f, spent %.8f of %g", theta, exact, spent, left)
			}
		}
	}
	huge := newTally()
	huge.add(1<<40, 0.3)
	if huge.cell == 1 || len(huge.p) > 1<<13 {
		t.Errorf("%d cells of %d", len(huge.p), huge.cell)
	}
}

// Tails over several splits by the saddle point against the convolution.
func TestSaddleTails(t *testing.T) {
	l := labels{{logit: -2, other: 60}, {logit: 0.4, other: 25}, {logit: 1.5, other: 9}}
	law := newTally()
	for _, g := range l {
		law.add(int64(g.other), sigmoid(g.logit+0.3))
	}
	tail := 0.0
	for k := len(law.p) - 1; k >= 0; k-- {
		tail += law.p[k]
		count := float64(law.first + int64(k))
		if tail < 1e-14 || count == 0 {
			continue
		}
		if got := math.Exp(l.tail(0.3, count)); !near(got, tail, 0.01, 1e-12) {
			t.Errorf("P(X >= %g) = %.8g, want %.8g", count, got, tail)
		}
	}
	one := labels{{logit: -0.3, other: 40}, {logit: -0.3, other: 30}}
	low, high := labels{{logit: -0.3, other: 70}}.saddle(0.1, 34.5)
	below, from := one.tails(0.1, 35)
	if !near(math.Exp(from), math.Exp(high), 0.005, 0) || !near(math.Exp(below), math.Exp(low), 0.005, 0) {
		t.Errorf("exact %g and %g, saddle point %g and %g", below, from, low, high)
	}
}

// The bound of the excess and the verdict are the same statement, for every
// count around the boundary, one split or two, harm up or down.
func TestSpendingBoundAgreesWithVerdict(t *testing.T) {
	for _, harm := range []Side{SideUp, SideDown} {
		for _, splits := range []int{1, 2} {
			d := spending()
			d.Harm, d.Margin.Value = harm, 0.1
			seen := map[bool]int{}
			for events := int64(0); events <= 120; events++ {
				strata := growing(4000, 120-events, events, 0.4)
				if splits == 2 {
					more := growing(2000, 40, 45, 0.7)[0]
					more.Epoch = 2
					strata = append(strata, more)
				}
				look, why := NextLook(d, nil, 0.5, strata)
				if why != "" {
					t.Fatal(why)
				}
				c := Compare(d, strata, look)
				mustBeClean(t, c)
				seen[c.Harmed]++
				if c.Harmed != (c.Z.Value >= c.Critical.Value) && splits == 1 || c.NonInferior != (c.ExcessUpper < 0) {
					t.Errorf("%s, %d events: harmed %v, z %g of %g", harm, events, c.Harmed, c.Z.Value, c.Critical.Value)
				}
				if !(c.ExcessBound <= c.Excess && c.Excess <= c.ExcessUpper) {
					t.Errorf("%s, %d events: %g is not in [%g, %g]", harm, events, c.Excess, c.ExcessBound, c.ExcessUpper)
				}
			}
			if seen[true] < 10 || seen[false] < 10 {
				t.Errorf("%v: %v", harm, seen)
			}
		}
	}
}

// A split that changes between epochs changes what a unit is worth: the clock
// of the score is that of independent steps.
func TestInformationOfChangedSplits(t *testing.T) {
	d := calibrated()
	d.Share = 0.5
	even := []Stratum{{Epoch: 1, Share: 0.5, Control: normal(500, 0, 1), Treatment: normal(500, 0, 1)}}
	if got := d.information(even); got != 1000 {
		t.Errorf("information %g", got)
	}
	both := append(even, Stratum{Epoch: 2, Share: 0.1, Control: normal(900, 0, 1), Treatment: normal(100, 0, 1)})
	if got, want := d.information(both), 1000+1000*0.25/0.09; !near(got, want, 1e-12, 0) {
		t.Errorf("information %g, want %g", got, want)
	}
	a := standardise(viewMean, both)
	score := a.units() * a.units() * a.difference().se * a.difference().se
	if want := d.information(both) * 4; !near(score, want, 0.01, 0) {
		t.Errorf("variance of the score %g, of the clock %g", score, want)
	}
}

// Delayed start and scale mixtures hold at every look, and the scale mixture
// loses little against the mixture that knows its scale.
func TestOtherSequencesAtEveryLook(t *testing.T) {
	long(t)
	const runs = 1200
	power := map[Method]float64{}
	for i, m := range []Method{MethodMixture, MethodScaleMixture, MethodDelayedStart} {
		d := mixtureDesign()
		d.Method, d.Planned, d.Alpha, d.MinUnits = m, 2000, 0.05, 20
		atMost(t, simulate(uint64(20+i), runs, gaussian(2000, 0, d)), 0.05, runs)
		power[m] = simulate(uint64(30+i), 500, gaussian(2000, 0.14, d))
	}
	if power[MethodScaleMixture] < power[MethodMixture]-0.1 || power[MethodDelayedStart] < power[MethodMixture]-0.15 {
		t.Errorf("power %v", power)
	}
	t.Logf("power %v", power)
}

func TestCriticalOfAverages(t *testing.T) {
	for _, n := range []float64{50, 2000, 1e6} {
		for _, alpha := range []float64{0.2, 0.05, 1e-4, 1e-12} {
			d := Design{Method: MethodScaleMixture, Alpha: alpha, Planned: 5000}
			one, two := d.oneSidedAt(n, 1), d.twoSidedAt(n)
			if z := one.critical(alpha); !near(one.logE(z), -math.Log(alpha), 1e-11, 0) {
				t.Errorf("one-sided at %g: ln E(%g) = %g", n, z, one.logE(z))
			}
			if z := two.critical(alpha); !near(two.logE(z), -math.Log(alpha), 1e-11, 0) {
				t.Errorf("two-sided at %g: ln E(%g) = %g", n, z, two.logE(z))
			}
		}
	}
	s := DelayedStart{N: 5000, M: 1000}
	for _, alpha := range []float64{0.3, 0.05, 1e-3, 1e-9} {
		if p := s.P(s.TwoSided(alpha)); !near(p, alpha, 1e-9, 0) {
			t.Errorf("delayed start: p at the bound of %g is %g", alpha, p)
		}
	}
	if (DelayedStart{N: 10, M: 20}).P(50) != 1 {
		t.Error("a verdict before the start")
	}
}

// What Outlook says of a missed harm is what happens.
func TestMissOverLooks(t *testing.T) {
	d := calibrated()
	d.MDE = Size{Value: 0.1, Absolute: true}
	var looks []Look
	const n, runs = 4000, 1500
	strata := func(k int) []Stratum {
		m := int64(n * (k + 1) / looks28 / 2)
		return []Stratum{{Epoch: 1, Share: 0.5, Control: normal(m, 1, 1), Treatment: normal(m, 1, 1)}}
	}
	for k := range looks28 {
		look, why := NextLook(d, looks, float64(k+1)/looks28, strata(k))
		if why != "" {
			t.Fatal(why)
		}
		looks = append(looks, look)
	}
	c := Compare(d, strata(looks28-1), looks[looks28-1])
	miss := c.Outlook(looks, 1).Miss
	r, missed := rand.New(rand.NewPCG(9, 9)), 0
	for range runs {
		var control, treatment Moments
		harmed := false
		for k := 0; k < looks28 && !harmed; k++ {
			for range n/2*(k+1)/looks28 - n/2*k/looks28 {
				control, treatment = Merge(control, one(r.NormFloat64(), 0)), Merge(treatment, one(r.NormFloat64()+0.1, 0))
			}
			harmed = Compare(d, half(control, treatment), looks[k]).Harmed
		}
		missed += count(!harmed)
	}
	got := float64(missed) / runs
	if !miss.Known || math.Abs(got-miss.Value) > 4*math.Sqrt(miss.Value/runs) || c.Miss.Value < miss.Value {
		t.Errorf("missed in %.4f of runs, said %.4f, from one look %.4f", got, miss.Value, c.Miss.Value)
	}
}

const looks28 = 28

// Reach is large while the favourable verdict is near, and small where it is
// out of reach.
func TestReach(t *testing.T) {
	d := calibrated()
	d.Margin = Size{Value: 0.05, Absolute: true}
	at := func(effect float64) Optional {
		strata := []Stratum{{Epoch: 1, Share: 0.5, Control: normal(2000, 1, 1), Treatment: normal(2000, 1+effect, 1)}}
		look, why := NextLook(d, nil, 0.5, strata)
		if why != "" {
			t.Fatal(why)
		}
		c := Compare(d, strata, look)
		return c.Outlook([]Look{look}, 0.5).Reach
	}
	good, bad := at(-0.02), at(0.2)
	if !good.Known || !bad.Known || good.Value < 0.9 || bad.Value > 0.1 {
		t.Errorf("reach %v and %v", good, bad)
	}
}

// The conditional power of a goal against simulation of its rest.
func TestGainAgainstSimulation(t *testing.T) {
	d := mixtureDesign()
	d.Planned, d.Share = 8000, 0.5
	c := Compare(d, half(normal(2000, 1, 1), normal(2000, 0.97, 1)), Look{})
	got := c.Gain(0.5)
	now, end := d.twoSidedAt(4000), d.twoSidedAt(8000)
	z := -c.Z.Value
	drift := z + now.critical(d.Alpha)
	r, hits := rand.New(rand.NewPCG(2, 2)), 0
	const runs = 40000
	for range runs {
		// Score at information 4000, then at 8000, in units of sd 1.
		score := z*math.Sqrt(4000) + drift/math.Sqrt(4000)*4000 + r.NormFloat64()*math.Sqrt(4000)
		hits += count(score/math.Sqrt(8000) > end.critical(d.Alpha))
	}
	if want := float64(hits) / runs; !got.Known || math.Abs(got.Value-want) > 0.01 || want < 0.05 || want > 0.95 {
		t.Errorf("gain %v, simulated %.4f", got, want)
	}
	for _, time := range []float64{0, 1, 1.2, math.NaN()} {
		if g := c.Gain(time); g.Known {
			t.Errorf("at %g: %v", time, g)
		}
	}
}

// BenchmarkNextLook: the boundary of a new look, all earlier ones taken again
// from the ledger. The limit is 20 ms.
func BenchmarkNextLook(b *testing.B) {
	for _, c := range []struct {
		name   string
		design Design
		looks  int64
		units  int64 // a look
	}{
		{"calibrated/28", calibrated(), 28, 1000},
		{"calibrated/100", calibrated(), 100, 1000},
		{"exact/28/5k-events", spending(), 28, 9000},
		{"exact/28/500k-events", spending(), 28, 900000},
		{"exact/100/5k-events", spending(), 100, 2500},
	} {
		b.Run(c.name, func(b *testing.B) {
			var past []Look
			strata := func(k int64) []Stratum { return growing(c.units*k, c.units*k/100, c.units*k/100, 0.5) }
			for k := int64(1); k < c.looks; k++ {
				look, why := NextLook(c.design, past, float64(k)/float64(c.looks), strata(k))
				if why != "" {
					b.Fatal(why)
				}
				past = append(past, look)
			}
			b.ResetTimer()
			for b.Loop() {
				look, _ := NextLook(c.design, past, 1, strata(c.looks))
				sink = look.Z
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20e6, "of-the-limit")
		})
	}
}

// The chance of a miss of the exact test, against streams with as many events
// as were seen.
func TestMissOfExactSpending(t *testing.T) {
	d := spending()
	d.MDE, d.Margin = Size{Value: 0.4}, Size{Value: 0.1}
	var looks []Look
	totals := []int64{30, 80, 130, 190, 240}
	for i, m := range totals {
		look, why := NextLook(d, looks, float64(i+1)/5, growing(40*m, m/2, m-m/2, 0.3))
		if why != "" {
			t.Fatal(why)
		}
		looks = append(looks, look)
	}
	got := d.missSpent(looks)
	theta, r, missed := 0.3*1.5/(0.3*1.5+0.7), rand.New(rand.NewPCG(4, 4)), 0
	const runs = 20000
	for range runs {
		hits, events, harmed := int64(0), int64(0), false
		for _, l := range looks {
			for ; events < int64(l.Info); events++ {
				hits += int64(count(r.Float64() < theta))
			}
			harmed = harmed || l.Least > 0 && hits >= l.Least
		}
		missed += count(!harmed)
	}
	if want := float64(missed) / runs; !got.Known || math.Abs(got.Value-want) > 0.015 || want < 0.1 || want > 0.9 {
		t.Errorf("miss %v, seen %.4f", got, want)
	}
	d.MDE = Size{}
	if d.missSpent(looks).Known || d.missSpent(nil).Known {
		t.Error("a made-up chance")
	}
}

// Data that were taken back cost sharpness, never sight: the look stands alone,
// and those after it go on from the one before.
func TestTakenBack(t *testing.T) {
	for _, d := range []Design{calibrated(), spending()} {
		var looks []Look
		step := func(time float64, n, c, tr int64) (Look, Comparison) {
			strata := growing(n, c, tr, 0.5)
			look, why := NextLook(d, looks, time, strata)
			if why != "" {
				t.Fatalf("%s at %g: %s", d.Method, time, why)
			}
			looks = append(looks, look)
			return look, Compare(d, strata, look)
		}
		step(0.4, 4000, 40, 44)
		doubled, _ := step(0.5, 10000, 100, 110)
		back, c := step(0.6, 6000, 40, 130)
		if doubled.Alone || !back.Alone || back.Spent <= doubled.Spent || back.Spent > d.Alpha || !c.Harmed {
			t.Errorf("%s: %+v, then %+v, harmed %v", d.Method, doubled, back, c.Harmed)
		}
		if again, _ := step(0.7, 7000, 70, 77); !again.Alone {
			t.Errorf("%s: still less than there was, and %+v", d.Method, again)
		}
		if on, _ := step(0.9, 12000, 120, 130); on.Alone || on.Z <= 0 {
			t.Errorf("%s: more than there was, and %+v", d.Method, on)
		}
		if end, _ := step(1.3, 12000, 120, 130); !end.Alone || !near(end.Spent, d.Alpha, 0.3, 0) || end.Spent > d.Alpha {
			t.Errorf("%s: nothing new at the end, and %+v", d.Method, end)
		}
	}
}

// Over a life in which data are taken back, and in which an epoch drops out for
// a look, a harmless variation is still stopped with at most alpha, and harm of
// just the margin is called within it with at most alpha.
func TestTakenBackNull(t *testing.T) {
	long(t)
	const runs = 3000
	d := spending()
	d.Margin.Value = 0.2
	r := rand.New(rand.NewPCG(6, 6))
	harmed, within := 0, 0
	for range runs {
		s := NewSpending(d, nil)
		var n, k [2][2]int64
		h, w := false, false
		for look := range 12 {
			for range 400 {
				epoch, arm := count(look > 5), count(r.Float64() < 0.5)
				n[epoch][arm]++
				k[epoch][arm] += int64(count(r.Float64() < [2]float64{0.1, 0.12}[arm]))
			}
			strata := []Stratum{{Epoch: 1, Share: 0.5, Control: binary(n[0][0], k[0][0]), Treatment: binary(n[0][1], k[0][1])}}
			if look > 5 {
				strata = append(strata, Stratum{Epoch: 2, Share: 0.5, Control: binary(n[1][0], k[1][0]), Treatment: binary(n[1][1], k[1][1])})
			}
			if look == 8 {
				strata = strata[1:]
			}
			if look == 9 { // A tenth of the first epoch is lost, in both arms.
				for arm := range 2 {
					k[0][arm], n[0][arm] = k[0][arm]*9/10, n[0][arm]*9/10
				}
			}
			now, _ := s.Next(float64(look+1)/12, strata)
			c := Compare(d, strata, now)
			h, w = h || c.Harmed, w || c.NonInferior
		}
		harmed, within = harmed+count(h), within+count(w)
	}
	atMost(t, float64(harmed)/runs, d.Alpha, runs)
	atMost(t, float64(within)/runs, d.Alpha, runs)
}

// Where the split turns out to be another than was declared, old events are
// judged by it too: their surplus must not look like harm.
func TestBrokenSplitIsNoHarm(t *testing.T) {
	long(t)
	const runs = 600
	d := spending()
	d.BaseRate = 0.2
	r, hits := rand.New(rand.NewPCG(7, 7)), 0
	for run := range runs {
		s := NewSpending(d, nil)
		var n, k [2]int64
		for look := range 20 {
			for range 500 {
				arm := count(r.Float64() < 0.52)
				n[arm]++
				k[arm] += int64(count(r.Float64() < 0.2))
			}
			share := 0.5
			if look >= 8 { // It has been found by then.
				share = float64(n[1]) / float64(n[0]+n[1])
			}
			strata := []Stratum{{Epoch: 1, Share: share, Control: binary(n[0], k[0]), Treatment: binary(n[1], k[1])}}
			now, _ := s.Next(float64(look+1)/20, strata)
			if Compare(d, strata, now).Harmed {
				hits += count(look >= 8) // Before, nobody can know.
				break
			}
			if run >= 20 {
				continue
			}
			if again, _ := NextLook(d, s.Looks[:look], now.Time, strata); !reflect.DeepEqual(again, now) {
				t.Fatalf("%+v, then %+v", now, again)
			}
		}
	}
	atMost(t, float64(hits)/runs, d.Alpha, runs)
}

// A past that contradicts itself spends nothing and says so.
func TestContradictedPast(t *testing.T) {
	good, why := NextLook(spending(), nil, 0.3, growing(4000, 40, 50, 0.5))
	if why != "" {
		t.Fatal(why)
	}
	for name, spoil := range map[string]func(*Look){
		"share":  func(l *Look) { l.Events[0].Share = 2 },
		"total":  func(l *Look) { l.Events[0].Total++ },
		"twice":  func(l *Look) { l.Events = append(l.Events, l.Events[0]); l.Info *= 2 },
		"spent":  func(l *Look) { l.Spent = 0.06 },
		"time":   func(l *Look) { l.Time = 0 },
		"counts": func(l *Look) { l.Least = -4 },
		"held":   func(l *Look) { l.Held = true },
	} {
		l := good
		l.Events = append([]EventCount(nil), good.Events...)
		spoil(&l)
		if look, why := NextLook(spending(), []Look{l}, 0.6, growing(8000, 80, 100, 0.5)); !look.IsZero() || why != "the looks so far contradict each other" {
			t.Errorf("%s: %+v %s", name, look, why)
		}
	}
}

// Over a life in which a third of the units come into another epoch and some drop
// out in between, a harmless variation is still stopped with at most alpha; the
// looks reproduce themselves, and the power is not lost for good.
func TestRestartNull(t *testing.T) {
	long(t)
	const runs, looks, moved = 2000, 12, 6
	for _, d := range []Design{calibrated(), spending()} {
		r := rand.New(rand.NewPCG(8, 8))
		harmed, hurt := 0, 0
		for run := range runs {
			s, sick := NewSpending(d, nil), NewSpending(d, nil)
			var n, k, worse [looks][2]int64
			stopped, caught := false, false
			for look := range looks {
				for range 400 {
					arm := count(r.Float64() < 0.5)
					n[look][arm]++
					k[look][arm] += int64(count(r.Float64() < 0.1))
					worse[look][arm] += int64(count(r.Float64() < [2]float64{0.1, 0.16}[arm]))
				}
				cut := func(k [looks][2]int64) []Stratum {
					if look < moved {
						return []Stratum{pooled(n[:look+1], k[:look+1], 1)}
					}
					return []Stratum{pooled(n[:3], k[:3], 1), pooled(n[4:look+1], k[4:look+1], 2)}
				}
				if look == moved {
					s.Restart()
					sick.Restart()
				}
				now, why := s.Next(float64(look+1)/looks, cut(k))
				if why != "" || now.Anew != (look == moved) {
					t.Fatalf("look %d: %q %+v", look, why, now)
				}
				stopped = stopped || Compare(d, cut(k), now).Harmed
				now, _ = sick.Next(float64(look+1)/looks, cut(worse))
				caught = caught || look >= moved && Compare(d, cut(worse), now).Harmed
			}
			harmed, hurt = harmed+count(stopped), hurt+count(caught)
			if again := NewSpending(d, s.Looks); run == 0 && !reflect.DeepEqual(again.Looks, s.Looks) {
				t.Errorf("%s: %+v, then %+v", d.Method, s.Looks, again.Looks)
			} else if run == 0 {
				if last, why := NextLook(d, s.Looks[:looks-1], 1, cutAt(n, k, 3, looks)); why != "" || !reflect.DeepEqual(last, s.Looks[looks-1]) {
					t.Errorf("%s: %q %+v, then %+v", d.Method, why, s.Looks[looks-1], last)
				}
			}
		}
		t.Logf("%s: %d of %d harmless lives stopped, of harmful ones %d caught after it", d.Method, harmed, runs, hurt)
		atMost(t, float64(harmed)/runs, d.Alpha, runs)
		if hurt < runs*9/10 {
			t.Errorf("%s: harm is caught in %d of %d lives after a restart", d.Method, hurt, runs)
		}
	}
}

func cutAt(n, k [12][2]int64, at, until int) []Stratum {
	return []Stratum{pooled(n[:at], k[:at], 1), pooled(n[at+1:until], k[at+1:until], 2)}
}

// pooled is a stratum of looks that are binary.
func pooled(n, k [][2]int64, epoch int) Stratum {
	var units, hits [2]int64
	for i := range n {
		for arm := range 2 {
			units[arm], hits[arm] = units[arm]+n[i][arm], hits[arm]+k[i][arm]
		}
	}
	return Stratum{Epoch: epoch, Share: 0.5, Control: binary(units[0], hits[0]), Treatment: binary(units[1], hits[1])}
}

// What a restart leaves in the ledger: it is owed until a look spends, and a first
// look has nothing to be taken anew.
func TestRestartIsOwed(t *testing.T) {
	for _, d := range []Design{calibrated(), spending()} {
		s := NewSpending(d, nil)
		s.Restart()
		first, why := s.Next(0.2, growing(2000, 20, 30, 0.5))
		if why != "" || first.Anew {
			t.Fatalf("%q %+v", why, first)
		}
		s.Restart()
		if held, why := s.Next(0.2001, growing(1500, 15, 20, 0.5)); why == "" || !held.Held {
			t.Errorf("%s: %q %+v", d.Method, why, held)
		}
		if next, why := s.Next(0.4, growing(1500, 15, 20, 0.5)); why != "" || !next.Anew || next.Alone || !(next.Spent > first.Spent) {
			t.Errorf("%s: %q %+v", d.Method, why, next)
		}
	}
}
