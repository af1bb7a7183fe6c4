package stats

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// course draws days of units in two arms; share is the true one of the second.
func course(r *rand.Rand, days, perDay int, share func(day int) float64) []RatioGroup {
	out := make([]RatioGroup, days)
	for d := range out {
		out[d] = RatioGroup{Counts: []int64{int64(perDay), 0}, Expected: []float64{0.5, 0.5}}
		for range perDay {
			if r.Float64() < share(d) {
				out[d].Counts[0]--
				out[d].Counts[1]++
			}
		}
	}
	return out
}

// step is a split that is off from a day on, until another.
func step(from, to int, off float64) func(int) float64 {
	return func(day int) float64 {
		if day >= from && day < to {
			return off
		}
		return 0.5
	}
}

// The day of a break is found within one day in most runs, and the set of days
// that is given beside it holds the truth.
func TestFindRatioChangeFindsTheDay(t *testing.T) {
	const runs, days = 200, 28
	for i, c := range []struct {
		name                string
		perDay, from, to    int
		off                 float64
		within, held, ended float64
	}{
		{"from the start", 180, 0, days, 0.55, 0.95, 0.95, 0},
		{"day 3", 700, 3, days, 0.55, 0.85, 0.9, 0},
		{"day 14", 700, 14, days, 0.55, 0.9, 0.9, 0},
		{"day 14, 53.1 %", 3600, 14, days, 0.531, 0.95, 0.9, 0},
		{"day 24", 700, 24, days, 0.6, 0.9, 0.9, 0},
		{"days 8 to 13", 700, 8, 14, 0.6, 0.9, 0.9, 1},
	} {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		within, held, ended, to := 0, 0, 0, 0
		for range runs {
			got := FindRatioChange(course(r, days, c.perDay, step(c.from, c.to, c.off)), float64(days*c.perDay), 0.01)
			ok := got.Status == ChangeFound
			within += count(ok && max(got.From-c.from, c.from-got.From) <= 1)
			held += count(ok && got.Earliest <= c.from && c.from <= got.Latest)
			ended += count(ok && got.To < days)
			to += count(ok && max(got.To-c.to, c.to-got.To) <= 1)
		}
		share := func(n int) float64 { return float64(n) / runs }
		t.Logf("%s: within a day %.3f, held %.3f, ended %.3f, end within a day %.3f", c.name, share(within), share(held), share(ended), share(to))
		if share(within) < c.within || share(held) < c.held || share(to) < c.within || math.Abs(share(ended)-c.ended) > 0.02 {
			t.Errorf("%s: not found", c.name)
		}
	}
}

// Against a posterior from plain log gammas, for the start and for the shares.
func TestFindRatioChangeByHand(t *testing.T) {
	days := []RatioGroup{
		{[]int64{100, 104}, []float64{1, 1}},
		{[]int64{98, 101}, []float64{1, 1}},
		{[]int64{30, 250}, []float64{0.2, 0.8}}, // an epoch begins: 20 % expected
		{[]int64{25, 260}, []float64{0.2, 0.8}},
		{[]int64{20, 240}, []float64{0.2, 0.8}},
	}
	got := FindRatioChange(days, 1000, 0.01)
	k := concentration(0.01, 250)
	sum := 0.0
	for from := range days {
		e := math.Exp(byGamma(days[min(from, 2):2], 0.5, k) + byGamma(days[max(from, 2):], 0.2, k))
		if from == 0 {
			sum += e / 2
		} else {
			sum += e / 8
		}
	}
	if !near(got.LogE, math.Log(sum), 1e-9, 0) {
		t.Errorf("ln E %.12g, want %.12g", got.LogE, math.Log(sum))
	}
	if got.Status != ChangeFound || got.From != 2 || got.To != 5 || got.Before.Counts[0] != 198 || got.Since.Counts[1] != 750 || got.After != nil {
		t.Fatalf("%+v", got)
	}
	if o := got.Since.Observed(); !near(o[0], 75.0/825, 1e-12, 0) || !near(got.Since.Expected[0], 0.2, 1e-12, 0) {
		t.Errorf("shares %v of %v", o, got.Since.Expected)
	}
	want := 75*math.Log(75/165.0) + 750*math.Log(750/660.0)
	if !near(got.LogLR, want, 1e-12, 0) {
		t.Errorf("ln LR %g, want %g", got.LogLR, want)
	}
}

// byGamma is the log e-value of two arms, the first with that share.
func byGamma(days []RatioGroup, share, k float64) float64 {
	a, b := 0.0, 0.0
	for _, d := range days {
		a, b = a+float64(d.Counts[0]), b+float64(d.Counts[1])
	}
	g := func(x float64) float64 { l, _ := math.Lgamma(x); return l }
	return g(k) - g(k+a+b) + g(k*share+a) - g(k*share) + g(k*(1-share)+b) - g(k*(1-share)) -
		a*math.Log(share) - b*math.Log(1-share)
}

func TestFindRatioChangeDegenerate(t *testing.T) {
	even := []float64{1, 1}
	for _, c := range []struct {
		name   string
		days   []RatioGroup
		status ChangeStatus
	}{
		{"no days", nil, ChangeNoUnits},
		{"no units", []RatioGroup{{[]int64{0, 0}, even}, {[]int64{0, 0}, even}}, ChangeNoUnits},
		{"only where none may be", []RatioGroup{{[]int64{0, 0, 5}, []float64{1, 1, 0}}}, ChangeNoUnits},
		{"as expected", []RatioGroup{{[]int64{500, 490}, even}, {[]int64{505, 510}, even}}, ChangeNoMismatch},
		{"one arm", []RatioGroup{{[]int64{500}, []float64{1}}, {[]int64{700}, []float64{1}}}, ChangeNoMismatch},
		{"one day", []RatioGroup{{[]int64{500, 900}, even}}, ChangeFound},
		{"any of two days", []RatioGroup{{[]int64{3, 5}, even}, {[]int64{100, 160}, even}}, ChangeTooFew},
		{"arms differ", []RatioGroup{{[]int64{5, 9}, even}, {[]int64{5}, []float64{1}}}, ChangeBadQuestion},
		{"negative", []RatioGroup{{[]int64{5, -9}, even}}, ChangeBadQuestion},
		{"too many", []RatioGroup{{[]int64{math.MaxInt64, 1}, even}, {[]int64{math.MaxInt64, 1}, even}}, ChangeBadQuestion},
	} {
		r := FindRatioChange(c.days, 1000, 0.01)
		if r.Status != c.status || (r.Status != ChangeFound && r.Note == "") {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	if r := FindRatioChange([]RatioGroup{{[]int64{5, 9}, even}}, 0, 0.01); r.Status != ChangeBadQuestion {
		t.Errorf("nothing planned: %+v", r)
	}
}

// A sound split is no change: as rarely as the check itself raises an alarm.
func TestFindRatioChangeNull(t *testing.T) {
	const runs = 2000
	rate := simulate(12, runs, func(r *rand.Rand) bool {
		return FindRatioChange(course(r, 20, 50, step(0, 0, 0.5)), 1000, 0.05).Status != ChangeNoMismatch
	})
	atMost(t, rate, 0.1, runs) // Either of two e-values at 0.05.
}

// FuzzRatioChange: no NaN, no panic, positions inside of the days.
func FuzzRatioChange(f *testing.F) {
	f.Add(int64(50), int64(60), int64(0), int64(1)<<40, 0.5, 0.5, 1000.0, 0.01)
	f.Add(int64(1), int64(1)<<62, int64(3), int64(0), 1e-300, 1e300, 1e300, 1e-12)
	f.Fuzz(func(t *testing.T, a, b, c, d int64, x, y, planned, alpha float64) {
		days := []RatioGroup{
			{[]int64{a, b}, []float64{x, y}},
			{[]int64{c, d}, []float64{x, y}},
			{[]int64{d, a}, []float64{y, x}},
			{[]int64{b, c}, []float64{x, y}},
		}
		before := slices.Clone(days[0].Counts)
		r := FindRatioChange(days, planned, alpha)
		if _, err := json.Marshal(r); err != nil || !slices.Equal(before, days[0].Counts) {
			t.Fatalf("%+v: %v", r, err)
		}
		if r.From < 0 || r.From >= r.To || r.To > len(days) || r.Earliest > r.From || r.Status == ChangeFound && r.Latest < r.From {
			t.Fatalf("%+v", r)
		}
		if r.Status == ChangeFound && r.Since == nil {
			t.Fatalf("nobody since: %+v", r)
		}
	})
}

func BenchmarkRatioChange(b *testing.B) {
	days := course(rand.New(rand.NewPCG(1, 1)), 365, 200, step(200, 365, 0.53))
	for b.Loop() {
		FindRatioChange(days, 73000, 0.01)
	}
}
