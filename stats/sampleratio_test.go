package stats

import (
	"encoding/json"
	"math"
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

func BenchmarkSampleRatio(b *testing.B) {
	g := RatioGroup{Counts: []int64{44700, 45489}, Expected: []float64{0.5, 0.5}}
	b.ReportAllocs()
	for b.Loop() {
		sink = g.logE(1954)
	}
}
