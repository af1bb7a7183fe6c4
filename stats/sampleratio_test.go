package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestRatioOfTwoArms(t *testing.T) {
	r := ratioOf([]int64{44700, 45489}, []float64{0.5, 0.5})
	if e := math.Exp(r.LogE); e < 4 || e > 7 || !near(*r.ChiP, 0.0086, 0.01, 0) || r.Failed {
		t.Errorf("e %g, chi-square p %g", e, *r.ChiP)
	}
	if bad := ratioOf([]int64{44000, 46189}, []float64{1, 1}); !bad.Failed || bad.Expected[0] != 0.5 {
		t.Errorf("49:51 of 90,000 passes: %+v", bad)
	}
	far := ratioOf([]int64{0, 90189}, []float64{1, 1})
	if !far.Failed || far.LogE < 5e4 || *far.ChiP != 0 {
		t.Errorf("an empty arm passes: %+v", far)
	}
}

// ratioOf is the check with the planned units of the first case.
func ratioOf(counts []int64, expected []float64) SampleRatio {
	return TestSampleRatio(counts, expected, 90189, 0.01)
}

func TestSampleRatioDegenerate(t *testing.T) {
	for _, c := range []struct {
		name     string
		counts   []int64
		expected []float64
		status   Status
		failed   bool
	}{
		{"no units", []int64{0, 0}, []float64{1, 1}, StatusNoUnits, false},
		{"one arm", []int64{50}, []float64{1}, StatusOK, false},
		{"one arm that counts", []int64{50, 0}, []float64{1, 0}, StatusOK, false},
		{"units where none may be", []int64{50, 50, 1}, []float64{1, 1, 0}, StatusOK, true},
		{"only there", []int64{0, 0, 1}, []float64{1, 1, 0}, StatusOK, true},
		{"one unit", []int64{1, 0}, []float64{1, 1}, StatusOK, false},
		{"no arms", nil, nil, StatusBadQuestion, false},
		{"lengths", []int64{1, 2}, []float64{1}, StatusBadQuestion, false},
		{"negative count", []int64{-1, 2}, []float64{1, 1}, StatusBadQuestion, false},
		{"negative share", []int64{1, 2}, []float64{-1, 1}, StatusBadQuestion, false},
		{"NaN", []int64{1, 2}, []float64{math.NaN(), 1}, StatusBadQuestion, false},
		{"no shares", []int64{1, 2}, []float64{0, 0}, StatusBadQuestion, false},
		{"huge", []int64{1e15, 2e15}, []float64{1e308, 1e308}, StatusOK, true},
		{"tiny share", []int64{1e6, 1e6}, []float64{1, 1e-300}, StatusOK, true},
	} {
		r := ratioOf(c.counts, c.expected)
		if r.Status != c.status || r.Failed != c.failed || (r.Status != StatusOK && r.Note == "") || math.IsNaN(r.LogE) {
			t.Errorf("%s: %+v", c.name, r)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if r := ratioOf([]int64{50, 50, 7}, []float64{1, 1, 0}); !strings.Contains(r.Note, "arm 3 has 7 units") {
		t.Errorf("not named: %q", r.Note)
	}
	if r := TestSampleRatio([]int64{1, 1}, []float64{1, 1}, 0, 0.01); r.Status != StatusBadQuestion {
		t.Errorf("nothing planned: %+v", r)
	}
}

func TestCombineRatios(t *testing.T) {
	same := CombineRatios([]RatioGroup{
		{[]int64{500, 560}, []float64{0.5, 0.5}},
		{[]int64{700, 740}, []float64{1, 1}},
	}, 1e4, 0.01)
	pooled := TestSampleRatio([]int64{1200, 1300}, []float64{0.5, 0.5}, 1e4, 0.01)
	if !near(same.LogE, pooled.LogE, 1e-12, 0) || same.ChiStat != pooled.ChiStat || same.Counts[1] != 1300 {
		t.Errorf("pooled: %+v, want %+v", same, pooled)
	}
	a := TestSampleRatio([]int64{100, 1000}, []float64{0.1, 0.9}, 1e4, 0.01)
	b := TestSampleRatio([]int64{500, 600}, []float64{0.5, 0.5}, 1e4, 0.01)
	both := CombineRatios([]RatioGroup{
		{a.Counts, a.Expected}, {b.Counts, b.Expected}, {[]int64{0, 0}, []float64{0.3, 0.7}},
	}, 1e4, 0.01)
	if !near(both.LogE, a.LogE+b.LogE, 1e-12, 0) || !near(both.ChiStat, a.ChiStat+b.ChiStat, 1e-12, 0) {
		t.Errorf("combined ln E %g, want %g", both.LogE, a.LogE+b.LogE)
	}
	if !near(both.Expected[0]+both.Expected[1], 1, 1e-14, 0) || !near(both.Expected[0], 0.3, 1e-12, 0) {
		t.Errorf("shares %v", both.Expected)
	}
	if r := CombineRatios([]RatioGroup{{[]int64{1}, []float64{1}}, {[]int64{1, 2}, []float64{1, 1}}}, 100, 0.01); r.Status != StatusBadQuestion {
		t.Errorf("different arms: %+v", r)
	}
}

// Among forty million units a split that is off by 0.04 percentage points is
// detected, and too small to matter.
func TestSampleRatioFloor(t *testing.T) {
	r := TestSampleRatio([]int64{20_016_000, 19_984_000}, []float64{1, 1}, 4e7, 0.01)
	if !r.Detected || !r.Failed || !near(r.Deviation, 0.0004, 1e-9, 0) || r.Floor != 0 {
		t.Fatalf("without a floor: %+v", r)
	}
	if small := r.WithFloor(0.001); !small.Detected || small.Failed || small.Floor != 0.001 {
		t.Errorf("below the floor: %+v", small)
	}
	if again := r.WithFloor(0.001).WithFloor(0); !again.Failed {
		t.Errorf("no floor: %+v", again)
	}
	if sound := ratioOf([]int64{50, 60}, []float64{1, 1}).WithFloor(0); sound.Failed {
		t.Errorf("no floor fails what is sound: %+v", sound)
	}
	for _, floor := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		if bad := r.WithFloor(floor); bad.Status != StatusBadQuestion || bad.Failed || bad.Note == "" {
			t.Errorf("floor %g: %+v", floor, bad)
		}
	}
	if none := ratioOf([]int64{0, 0}, []float64{1, 1}).WithFloor(0.1); none.Status != StatusNoUnits {
		t.Errorf("no units: %+v", none)
	}
}

// What epochs are off by does not cancel, and is not diluted where one of them
// is off for certain.
func TestSampleRatioDeviationOverEpochs(t *testing.T) {
	for _, c := range []struct {
		name   string
		groups []RatioGroup
		want   float64
	}{
		{"opposite", []RatioGroup{{[]int64{6000, 4000}, []float64{1, 1}}, {[]int64{2400, 7600}, []float64{0.3, 0.7}}}, 0.1},
		{"one of them", []RatioGroup{{[]int64{500_000, 500_000}, []float64{1, 1}}, {[]int64{600, 2400}, []float64{0.3, 0.7}}}, 0.1},
		{"by chance in a small one", []RatioGroup{{[]int64{500_000, 500_000}, []float64{1, 1}}, {[]int64{4, 6}, []float64{0.3, 0.7}}}, 1 / 1_000_010.0},
		{"three arms", []RatioGroup{{[]int64{300, 300, 400}, []float64{1, 1, 1}}}, 0.4 - 1.0/3},
		{"empty", []RatioGroup{{[]int64{0, 0}, []float64{0.3, 0.7}}, {[]int64{600, 400}, []float64{1, 1}}}, 0.1},
	} {
		if r := CombineRatios(c.groups, 1e6, 0.01); !near(r.Deviation, c.want, 1e-9, 0) {
			t.Errorf("%s: %g, want %g", c.name, r.Deviation, c.want)
		}
	}
}

// Against the mean over every set of a family of eight.
func TestCorrectRatiosByHand(t *testing.T) {
	checks := []SampleRatio{}
	logs := []float64{7.1, -2, 8.9, 0.3, -0.1, 6}
	for _, l := range logs {
		checks = append(checks, SampleRatio{Status: StatusOK, LogE: l, Bound: math.Log(100), Deviation: 0.1})
	}
	got := CorrectRatios(checks, 8)
	all := append(logs, 0, 0)
	for i := range checks {
		least := math.Inf(1)
		for set := range 1 << len(all) {
			sum, n := 0.0, 0
			for j, l := range all {
				if set>>j&1 == 1 {
					sum, n = sum+math.Exp(l), n+1
				}
			}
			if set>>i&1 == 1 {
				least = min(least, math.Log(sum/float64(n)))
			}
		}
		if !near(*got[i].Corrected, least, 1e-12, 1e-12) || got[i].Detected != (least >= math.Log(100)) || got[i].Failed != got[i].Detected {
			t.Errorf("%d: %g, want %g", i, *got[i].Corrected, least)
		}
		if *got[i].Corrected < checks[i].LogE-math.Log(8)-1e-12 {
			t.Errorf("%d: worse than Bonferroni", i)
		}
	}
	if !got[0].Detected || !got[2].Detected || got[5].Detected || checks[0].Corrected != nil {
		t.Errorf("detected: %+v", got)
	}
}

func TestCorrectRatiosDegenerate(t *testing.T) {
	if out := CorrectRatios(nil, 20); len(out) != 0 {
		t.Errorf("nothing: %v", out)
	}
	none, certain := ratioOf([]int64{0, 0}, []float64{1, 1}), ratioOf([]int64{9, 9, 1}, []float64{1, 1, 0})
	out := CorrectRatios([]SampleRatio{none, certain, certain.WithFloor(0.2)}, 0)
	if out[0].Corrected != nil || out[0].Detected || !out[1].Failed || !out[2].Detected || out[2].Failed {
		t.Errorf("%+v", out)
	}
	if _, err := json.Marshal(out); err != nil {
		t.Error(err)
	}
}

// stream adds n units to counts; share is the true one of the second arm.
func stream(r *rand.Rand, counts []int64, n int, share float64) {
	for range n {
		counts[count(r.Float64() < share)]++
	}
}

// alarm tells whether a split is detected at any of so many looks at 5,000 units.
func alarm(looks int, share, planned float64) func(*rand.Rand) bool {
	return func(r *rand.Rand) bool {
		counts := make([]int64, 2)
		for look := range looks {
			stream(r, counts, 5000*(look+1)/looks-5000*look/looks, share)
			if TestSampleRatio(counts, []float64{0.5, 0.5}, planned, 0.01).Failed {
				return true
			}
		}
		return false
	}
}

// At most one false alarm in a hundred lives of a hundred looks, whatever was
// planned.
func TestSampleRatioOverALife(t *testing.T) {
	const runs = 2000
	for i, planned := range []float64{500, 5000, 50_000} {
		atMost(t, simulate(uint64(20+i), runs, alarm(100, 0.5, planned)), 0.01, runs)
	}
}

// Power at 53/47 with 5,000 units, where as many were planned, and where that
// was wrong by a factor of ten.
func TestSampleRatioPower(t *testing.T) {
	const runs = 2000
	for i, c := range []struct{ planned, least float64 }{{5000, 0.75}, {500, 0.62}, {50_000, 0.72}} {
		rate := simulate(uint64(30+i), runs, alarm(looks, 0.53, c.planned))
		t.Logf("planned %g: finds %.4f", c.planned, rate)
		if rate < c.least {
			t.Errorf("planned %g: finds %.4f, want %.2f", c.planned, rate, c.least)
		}
	}
}

// slicesOf draws the values of a dimension, the first odd of which are off, and
// tells at every look what the correction detects.
type slicesOf struct {
	values, odd, family int
	off                 float64
}

// run are the values detected at any look: sound ones and odd ones, and the odd
// ones that Bonferroni detects.
func (s slicesOf) run(r *rand.Rand) (sound, odd, bonferroni int) {
	counts, latched := make([][]int64, s.values), make([][2]bool, s.values)
	for range looks {
		checks := make([]SampleRatio, s.values)
		for v := range s.values {
			if counts[v] == nil {
				counts[v] = make([]int64, 2)
			}
			share := 0.5
			if v < s.odd {
				share += s.off
			}
			stream(r, counts[v], 30, share)
			checks[v] = TestSampleRatio(counts[v], []float64{1, 1}, 1000, 0.05)
		}
		for v, c := range CorrectRatios(checks, s.family) {
			latched[v][0] = latched[v][0] || c.Detected
			latched[v][1] = latched[v][1] || c.LogE >= c.Bound+math.Log(float64(s.family))
		}
	}
	for v, l := range latched {
		if v >= s.odd {
			sound += count(l[0])
			continue
		}
		odd, bonferroni = odd+count(l[0]), bonferroni+count(l[1])
	}
	return sound, odd, bonferroni
}

// Whatever number of values is off, a sound one is accused in at most one life
// of twenty; and what the correction finds more than Bonferroni's.
func TestCorrectRatiosAtEveryLook(t *testing.T) {
	long(t)
	const runs = 400
	for i, c := range []slicesOf{{10, 0, 10, 0}, {10, 1, 20, 0.09}, {10, 5, 20, 0.09}, {20, 19, 20, 0.09}} {
		odd, bonferroni := 0, 0
		rate := simulate(uint64(40+i), runs, func(r *rand.Rand) bool {
			accused, found, plain := c.run(r)
			odd, bonferroni = odd+found, bonferroni+plain
			return accused > 0
		})
		atMost(t, rate, 0.05, runs)
		if c.odd > 0 {
			n := float64(runs * c.odd)
			t.Logf("%d of %d off: found %.3f, by Bonferroni %.3f", c.odd, c.values, float64(odd)/n, float64(bonferroni)/n)
			if odd < bonferroni {
				t.Error("finds less than Bonferroni")
			}
		}
	}
}

// FuzzCorrectRatios: shares are shares, and the floor only takes failures away.
func FuzzCorrectRatios(f *testing.F) {
	f.Add(int64(44700), int64(45489), int64(7), 0.5, 0.5, 90189.0, 0.01, 0.001)
	f.Add(int64(1), int64(1)<<60, int64(0), 1e-300, 0.0, 1e300, 1e-12, 1.0)
	f.Add(int64(68), int64(1)<<60, int64(7), 7.9e-307, 1.0, 9e4, 0.01, 0.0)
	f.Fuzz(func(t *testing.T, a, b, c int64, x, y, planned, alpha, floor float64) {
		one := TestSampleRatio([]int64{a, b}, []float64{x, y}, planned, alpha)
		two := CombineRatios([]RatioGroup{{[]int64{b, c}, []float64{x, y}}, {[]int64{a, c}, []float64{y, x}}}, planned, alpha)
		for i, r := range CorrectRatios([]SampleRatio{one.WithFloor(floor), two.WithFloor(floor)}, int(c%5)) {
			raw := []SampleRatio{one, two}[i]
			if !(r.Deviation >= 0 && r.Deviation <= 1) || r.Corrected != nil && !isFinite(*r.Corrected) {
				t.Fatalf("%+v", r)
			}
			if r.Failed && !r.Detected || r.Detected && r.Status != StatusOK || r.Failed && !raw.Failed {
				t.Fatalf("%+v from %+v", r, raw)
			}
		}
	})
}

func BenchmarkSampleRatio(b *testing.B) {
	g := RatioGroup{Counts: []int64{44700, 45489}, Expected: []float64{0.5, 0.5}}
	b.ReportAllocs()
	for b.Loop() {
		sink = g.logE(1954)
	}
}
