package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// splitCells are hours of about perHour units in two arms; share is that of the second.
func splitCells(r *rand.Rand, hours, perHour int, share func(hour int) float64) [][]int64 {
	out := make([][]int64, hours)
	for h := range out {
		out[h] = make([]int64, 2)
		for range perHour {
			out[h][count(r.Float64() < share(h))]++
		}
	}
	return out
}

// from is a share that changes with an hour.
func changing(at int, before, after float64) func(int) float64 {
	return func(hour int) float64 {
		if hour < at {
			return before
		}
		return after
	}
}

func TestFindSplitChange(t *testing.T) {
	even, most := []float64{0.5, 0.5}, []float64{0.2, 0.8}
	for name, c := range map[string]struct {
		cells         [][]int64
		before, after []float64
		stated, at    int
		decisive      bool
	}{
		"as stated":            {[][]int64{{50, 50}, {20, 80}}, even, most, 1, 1, false},
		"late":                 {[][]int64{{50, 50}, {49, 51}, {52, 48}, {20, 80}}, even, most, 0, 3, true},
		"early":                {[][]int64{{50, 50}, {20, 80}, {21, 79}, {20, 80}}, even, most, 4, 1, true},
		"not yet":              {[][]int64{{50, 50}, {49, 51}}, even, most, 0, 2, true},
		"few units":            {[][]int64{{3, 3}, {1, 4}}, even, most, 0, 1, false},
		"any scale":            {[][]int64{{50, 50}, {20, 80}}, []float64{3, 3}, []float64{1, 4}, 0, 1, true},
		"the same split":       {[][]int64{{50, 50}, {20, 80}}, even, even, 1, 1, false},
		"strays":               {[][]int64{{1, 99}, {0, 100}, {100, 1}}, []float64{0, 1}, []float64{1, 0}, 0, 2, true},
		"one stray":            {[][]int64{{1, 0}, {0, 100}}, []float64{1, 0}, []float64{0, 1}, 0, 1, false},
		"three arms":           {[][]int64{{30, 30, 30}, {9, 9, 72}}, []float64{1, 1, 1}, []float64{1, 1, 8}, 0, 1, true},
		"no cells":             {nil, even, most, 3, 0, false},
		"arms that do not fit": {[][]int64{{50}}, even, most, 0, 0, false},
		"no shares":            {[][]int64{{50, 50}}, []float64{0, 0}, most, 0, 0, false},
		"not a number":         {[][]int64{{50, 50}}, []float64{math.NaN(), 1}, most, 0, 0, false},
		"a negative share":     {[][]int64{{50, 50}}, []float64{-1, 1}, most, 0, 0, false},
		"stated beyond":        {[][]int64{{50, 50}}, even, most, 9, 1, false},
	} {
		got := FindSplitChange(c.cells, c.before, c.after, c.stated)
		if got.At != c.at || got.LogLR >= DecisiveSplit != c.decisive || got.Earliest > got.At || got.Latest < got.At {
			t.Errorf("%s: %+v, want %d, decisive %t", name, got, c.at, c.decisive)
		}
	}
}

// The ratio by hand, and the positions that are not much less likely.
func TestFindSplitChangeByHand(t *testing.T) {
	cells := [][]int64{{10, 12}, {11, 9}, {4, 6}, {3, 18}, {5, 17}}
	got := FindSplitChange(cells, []float64{1, 1}, []float64{1, 3}, 0)
	want := 0.0
	for _, c := range cells[:3] {
		want += float64(c[0])*math.Log(0.5/0.25) + float64(c[1])*math.Log(0.5/0.75)
	}
	if got.At != 3 || !near(got.LogLR, want, 1e-12, 0) || got.Earliest != 2 || got.Latest != 3 {
		t.Errorf("%+v, want 3 from 2 to 3 with %g", got, want)
	}
}

// Where the stated position is right, it is given up at any of many looks in no
// more than 1 of 1000 lives to either side, whatever the traffic.
func TestSplitChangeNull(t *testing.T) {
	long(t)
	const lives = 4000
	for _, c := range []struct {
		perHour       int
		before, after float64
	}{{3, 0.5, 0.6}, {40, 0.5, 0.6}, {40, 0.1, 0.25}} {
		rate := simulate(31, lives, func(r *rand.Rand) bool {
			cells := splitCells(r, 96, c.perHour, changing(48, c.before, c.after))
			for seen := 49; seen <= len(cells); seen += 3 {
				got := FindSplitChange(cells[:seen], []float64{1 - c.before, c.before}, []float64{1 - c.after, c.after}, 48)
				if got.LogLR >= DecisiveSplit {
					return true
				}
			}
			return false
		})
		atMost(t, rate, 0.002, lives)
	}
}

// The hour is found where there are units to tell it, and the positions that are
// given hold the truth.
func TestSplitChangePower(t *testing.T) {
	const lives = 400
	found, held := 0, 0
	r := rand.New(rand.NewPCG(2, 9))
	for range lives {
		cells := splitCells(r, 48, 60, changing(27, 0.5, 0.75))
		got := FindSplitChange(cells, []float64{1, 1}, []float64{1, 3}, 24)
		found += count(got.LogLR >= DecisiveSplit)
		held += count(got.Earliest <= 27 && 27 <= got.Latest)
	}
	if found < lives*98/100 || held < lives*95/100 {
		t.Errorf("of %d lives %d found, %d held", lives, found, held)
	}
}

func TestLogUnrisen(t *testing.T) {
	if got, want := LogUnrisen(30, 25, 2), 55*math.Log(0.5)-30*math.Log(2.0/3)-25*math.Log(1.0/3); !near(got, want, 1e-12, 0) {
		t.Errorf("%g, want %g", got, want)
	}
	for name, c := range map[string]struct {
		n, before int64
		rise      float64
		says      bool
	}{
		"as before":     {100, 100, 2.5, true},
		"risen":         {250, 100, 2.5, false},
		"few":           {5, 5, 2.5, false},
		"nobody":        {0, 0, 2.5, false},
		"no rise":       {100, 100, 1, false},
		"negative":      {-1, 100, 2, false},
		"not a number":  {100, 100, math.NaN(), false},
		"rise for ever": {100, 100, math.Inf(1), false},
	} {
		if got := LogUnrisen(c.n, c.before, c.rise); (got >= DecisiveSplit) != c.says {
			t.Errorf("%s: %g", name, got)
		}
	}
}
