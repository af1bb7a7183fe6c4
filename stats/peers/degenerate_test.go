package peers

import (
	"fmt"
	"math"
	"testing"

	"assay/stats"
)

// nasty are arguments that are no question, extreme, or fine.
var nasty = []float64{
	math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, math.SmallestNonzeroFloat64, 1e-300,
	0.05, 0.5, 1 - 1e-16, 1, 2, 40, 5000, 1e10, 1e300, math.MaxFloat64,
}

// everywhere calls f with all tuples of nasty arguments.
func everywhere(args int, f func(x []float64)) {
	x := make([]float64, args)
	var fill func(i int)
	fill = func(i int) {
		if i == args {
			f(x)
			return
		}
		for _, v := range nasty {
			x[i] = v
			fill(i + 1)
		}
	}
	fill(0)
}

// TestNothingIsNaN asks every function everything: an answer is a number in its
// range, and no answer has a status and rejects nothing.
func TestNothingIsNaN(t *testing.T) {
	type question struct {
		name string
		args int
		none float64 // the value where there is no answer
		ask  func(x []float64) (float64, stats.Status)
	}
	counts := func(x float64) int64 { return int64(min(max(x, -5), 1e15)) } // NaN becomes what it may.
	for _, q := range []question{
		{"GrowthBookOneSided", 3, never(), func(x []float64) (float64, stats.Status) { return GrowthBookOneSided(x[0], x[1], x[2]) }},
		{"GrowthBookTwoSided", 3, never(), func(x []float64) (float64, stats.Status) { return GrowthBookTwoSided(x[0], x[1], x[2]) }},
		{"Eppo", 2, never(), func(x []float64) (float64, stats.Status) { return Eppo(x[0], x[1]) }},
		{"GrowthBookOneSidedP", 4, 1, func(x []float64) (float64, stats.Status) { return GrowthBookOneSidedP(x[0], x[1], x[2], x[3]) }},
		{"GrowthBookTwoSidedP", 4, 1, func(x []float64) (float64, stats.Status) { return GrowthBookTwoSidedP(x[0], x[1], x[2], x[3]) }},
		{"StatsigOneSided", 5, never(), func(x []float64) (float64, stats.Status) {
			return StatsigOneSided(Arms{x[0], x[1], x[2], x[3]}, x[4])
		}},
		{"StatsigTwoSided", 5, never(), func(x []float64) (float64, stats.Status) {
			return StatsigTwoSided(Arms{x[0], x[1], x[2], x[3]}, x[4])
		}},
		{"MSPRT", 3, never(), func(x []float64) (float64, stats.Status) { return MSPRT(x[0], x[1], x[2]) }},
		{"MSPRTLogE", 3, 0, func(x []float64) (float64, stats.Status) { return MSPRTLogE(x[0], x[1], x[2]) }},
		{"FixedOneSided", 1, never(), func(x []float64) (float64, stats.Status) { return FixedOneSided(x[0]) }},
		{"FixedTwoSided", 1, never(), func(x []float64) (float64, stats.Status) { return FixedTwoSided(x[0]) }},
		{"FixedOneSidedP", 1, 1, func(x []float64) (float64, stats.Status) { return FixedOneSidedP(x[0]) }},
		{"FixedTwoSidedP", 1, 1, func(x []float64) (float64, stats.Status) { return FixedTwoSidedP(x[0]) }},
		{"AVLMRadius", 4, never(), func(x []float64) (float64, stats.Status) { return AVLMRadius(x[0], x[1], x[2], x[3]) }},
		{"AVLMLogE", 4, 0, func(x []float64) (float64, stats.Status) { return AVLMLogE(x[0], x[1], x[2], x[3]) }},
		{"AVLMOptimalG", 3, never(), func(x []float64) (float64, stats.Status) { return AVLMOptimalG(x[0], x[1], x[2]) }},
		{"Stitching", 4, never(), func(x []float64) (float64, stats.Status) {
			return Stitching{x[0], x[1], 1.4, 2}.Bound(x[2], x[3])
		}},
		{"Stitching, shape", 4, never(), func(x []float64) (float64, stats.Status) {
			return Stitching{10, x[0], x[1], x[2]}.Bound(x[3], 0.05)
		}},
		{"GammaExponential.LogE", 5, 0, func(x []float64) (float64, stats.Status) {
			return GammaExponential{x[0], x[1], x[2]}.LogE(x[3], x[4])
		}},
		{"GammaExponential.Bound", 4, never(), func(x []float64) (float64, stats.Status) {
			return GammaExponential{x[0], x[1], 0.05}.Bound(x[2], x[3])
		}},
		{"QuantileTest", 4, 1, func(x []float64) (float64, stats.Status) {
			return QuantileTest{x[0], x[1], x[2]}.P([]float64{1, x[3], 2}, []float64{3, x[3]})
		}},
		{"Hedge", 5, 0, func(x []float64) (float64, stats.Status) {
			c := Hedge{x[0], x[1], x[2], x[3]}.Start()
			c.Add(1)
			c.Add(x[4])
			return c.LogE()
		}},
		{"SafeProportions", 5, 0, func(x []float64) (float64, stats.Status) {
			s := NewSafeProportions(x[0])
			for range 2 {
				s.Add(Counts{counts(x[1]), counts(x[2])}, Counts{counts(x[3]), counts(x[4])})
			}
			return s.LogE()
		}},
		{"MaxSPRT", 3, 0, func(x []float64) (float64, stats.Status) { return MaxSPRT(x[0], x[1], x[2]) }},
		{"MaxSPRTSize", 3, 0, func(x []float64) (float64, stats.Status) {
			return MaxSPRTSize(int(min(max(x[0], -1), 50)), x[1], x[2])
		}},
		{"MaxSPRTCritical", 3, never(), func(x []float64) (float64, stats.Status) {
			return MaxSPRTCritical(int(min(max(x[0], -1), 50)), x[1], x[2])
		}},
		{"MDE", 5, never(), func(x []float64) (float64, stats.Status) { return Plan{x[0], x[1], x[2], x[3], x[4]}.MDE() }},
	} {
		t.Run(q.name, func(t *testing.T) {
			answers := map[stats.Status]int{}
			everywhere(q.args, func(x []float64) {
				got, status := q.ask(x)
				answers[status]++
				wrong := math.IsNaN(got) || math.IsInf(got, -1) || status == ""
				if status != stats.StatusOK {
					wrong = wrong || got != q.none
				} else if q.none == 1 {
					wrong = wrong || !(got > 0 && got <= 1)
				}
				if wrong && !t.Failed() {
					t.Errorf("%v: %g, %q", x, got, status)
				}
			})
			if answers[stats.StatusOK] == 0 || answers[stats.StatusBadQuestion]+answers[stats.StatusNotFinite] == 0 {
				t.Errorf("answers %v", answers)
			}
		})
	}
}

func TestIntervalIsAlwaysOne(t *testing.T) {
	everywhere(4, func(x []float64) {
		i, status := BernoulliInterval(x[0], x[1], x[2], ProportionDesign{TOpt: x[3], AlphaOpt: 0.05})
		open := i.Lower == 0 && i.Upper == 1
		if !(i.Lower >= 0 && i.Lower <= i.Upper && i.Upper <= 1) || status != stats.StatusOK && !open {
			t.Fatalf("%v: %v, %s", x, i, status)
		}
	})
}

func TestTablesWithoutAnAnswer(t *testing.T) {
	for _, c := range []struct {
		table [][]int64
		want  stats.Status
	}{
		{nil, stats.StatusBadQuestion},
		{[][]int64{{1, 2}, {3}}, stats.StatusBadQuestion},
		{[][]int64{{1, -2}, {3, 4}}, stats.StatusBadQuestion},
		{[][]int64{{0, 0}, {0, 0}}, stats.StatusNoUnits},
		{[][]int64{{5, 6}}, stats.StatusNoVariance},
		{[][]int64{{5, 0}, {6, 0}}, stats.StatusNoVariance},
		{[][]int64{{math.MaxInt64, math.MaxInt64}, {math.MaxInt64, 0}}, stats.StatusOK},
	} {
		d := AssignmentDependence(c.table)
		if d.Status != c.want || !(d.P > 0 && d.P <= 1) || c.want != stats.StatusOK && d.P != 1 || math.IsNaN(d.Statistic) {
			t.Errorf("%v: %+v, want %s", c.table, d, c.want)
		}
	}
	for _, c := range []struct {
		counts   []int64
		expected []float64
	}{{nil, nil}, {[]int64{1, 2}, []float64{1}}, {[]int64{0, 0}, []float64{1, 1}}, {[]int64{50}, []float64{1}}, {[]int64{-1, 90}, []float64{1, 1}}} {
		p, status := GrowthBookSampleRatio(c.counts, c.expected)
		r := SSRM(c.counts, c.expected, 0.01)
		if p != 1 || status == stats.StatusOK || r.Failed || fmt.Sprint(r.LogE) != "0" {
			t.Errorf("%v: p %g (%s), %+v", c, p, status, r)
		}
	}
	if r := SSRM([]int64{50, 60}, []float64{1, 1}, math.NaN()); r.Status != stats.StatusBadQuestion {
		t.Errorf("no level: %s", r.Status)
	}
}

// What has not begun says so, and what went wrong stays wrong.
func TestProcessesKeepTheirStatus(t *testing.T) {
	c := Hedge{0.5, 0.05, 0.5, 0.5}.Start()
	if e, status := c.LogE(); e != 0 || status != stats.StatusNoUnits {
		t.Errorf("before the first value: %g, %s", e, status)
	}
	c.Add(1.5)
	c.Add(1)
	if e, status := c.LogE(); e != 0 || status != stats.StatusBadQuestion {
		t.Errorf("after a value outside: %g, %s", e, status)
	}
	s := NewSafeProportions(SafePrior)
	s.Add(Counts{}, Counts{})
	if e, status := s.LogE(); e != 0 || status != stats.StatusNoUnits {
		t.Errorf("after an empty block: %g, %s", e, status)
	}
	s.Add(Counts{3, 2}, Counts{0, 2})
	s.Add(Counts{1, 2}, Counts{0, 2})
	if e, status := s.LogE(); e != 0 || status != stats.StatusBadQuestion {
		t.Errorf("after a broken block: %g, %s", e, status)
	}
}
