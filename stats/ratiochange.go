package stats

import (
	"cmp"
	"math"
	"slices"
)

// ChangeStatus says whether it is known since when a split is off.
type ChangeStatus string

// The statuses of a change. Every one but ChangeFound means "cannot say".
const (
	ChangeFound       ChangeStatus = "found"
	ChangeNoMismatch  ChangeStatus = "no_mismatch"  // the days show nothing that chance does not explain
	ChangeTooFew      ChangeStatus = "too_few"      // every day may be the first
	ChangeNoUnits     ChangeStatus = "no_units"     // nobody was exposed
	ChangeBadQuestion ChangeStatus = "bad_question" // the days contradict themselves
)

// RatioChange is the most likely single span of days in which the split is
// another than the expected one, and as expected before and after it.
type RatioChange struct {
	Status ChangeStatus `json:"status"`
	// Note explains a Status other than found.
	Note string `json:"note,omitempty"`
	// From is the position of the first day that is off; 0 = from the start on.
	// To is that of the first day as expected again; the number of days = still off.
	From int `json:"from"`
	To   int `json:"to"`
	// Earliest and Latest are the ends of the smallest set of days that holds the
	// true first day with probability 0.95.
	Earliest int `json:"earliest"`
	Latest   int `json:"latest"`
	// LogE is the log e-value of "off since some day" against "as expected
	// throughout", LogLR the log of the likelihood ratio with the shares observed
	// in the span; it is for reading, since its span was chosen.
	LogE  float64 `json:"logE"`
	LogLR float64 `json:"logLR"`
	// Before, Since and After are the units outside and inside of the span, with
	// the shares that they should have; nil where there are none.
	Before *RatioGroup `json:"before,omitempty"`
	Since  *RatioGroup `json:"since,omitempty"`
	After  *RatioGroup `json:"after,omitempty"`
}

// Observed are the shares that the counts have; nil where there are none.
func (g *RatioGroup) Observed() []float64 {
	n := units64(g.Counts)
	if n == 0 {
		return nil
	}
	out := make([]float64, len(g.Counts))
	for i, c := range g.Counts {
		out[i] = float64(c) / n
	}
	return out
}

// FindRatioChange says since when a split is off, from the counts of each day
// in order of time, with the shares expected that day: an epoch that begins
// within a day makes two of it. planned and alpha are those of the check.
//
// A day has the posterior weight of its prior times the e-value of all units
// since (Chernoff & Zacks 1964, with the Dirichlet prior of the check in place
// of a normal one). Half of the prior is on the first day, since a broken split
// is mostly broken from the start, the rest is even over the others; ends
// likewise, half on "still off". An end is told only where it is 1/alpha times
// as likely as none. Time grows with days times arms.
//
// It describes a mismatch and is no alarm of its own: ChangeNoMismatch where the
// days show none, ChangeTooFew where every day may be the first.
func FindRatioChange(days []RatioGroup, planned, alpha float64) RatioChange {
	c := RatioChange{Status: ChangeFound, To: len(days)}
	if len(days) == 0 {
		return c.cannot(ChangeNoUnits, "there are no days")
	}
	t, note := newTimeline(days)
	if !(alpha > 0 && alpha < 1) || !(planned > 0) || !isFinite(planned) {
		note = "alpha is not between 0 and 1, or planned units are not positive"
	}
	if note != "" {
		return c.cannot(ChangeBadQuestion, note)
	}
	if t.group(0, len(days)) == nil {
		return c.cannot(ChangeNoUnits, "there are no units")
	}
	t.k = concentration(alpha, planned/4)
	logs := t.starts(len(days))
	posterior := weighted(logs)
	if c.LogE = posterior.sum; max(logs[0], c.LogE) < -math.Log(alpha) {
		return c.cannot(ChangeNoMismatch, "no day shows a split that chance does not explain")
	}
	c.locate(t, posterior, -math.Log(alpha))
	c.LogLR = t.logLR(c.From, c.To)
	c.Before, c.Since, c.After = t.group(0, c.From), t.group(c.From, c.To), t.group(c.To, len(days))
	return c
}

// cannot is the change with a reason why there is none.
func (c RatioChange) cannot(why ChangeStatus, note string) RatioChange {
	c.Status, c.Note = why, note
	return c
}

// locate finds the span: its start as if it had not ended, its end given that
// start, and then the start given the end.
func (c *RatioChange) locate(t *timeline, posterior candidates, bound float64) {
	n := len(t.days)
	c.From = posterior.top
	ends := t.ends(c.From)
	slices.Reverse(ends) // Still off comes first, as the start does.
	if over := weighted(ends); over.logs[over.top]-over.logs[0] >= bound {
		c.To = n - over.top
		posterior = weighted(t.starts(c.To))
		c.From = posterior.top
	}
	c.Earliest, c.Latest = posterior.range95()
	if n > 1 && c.Earliest == 0 && c.Latest == n-1 {
		*c = c.cannot(ChangeTooFew, "there are too few units to tell the day")
	}
}

// timeline are the days with normalised shares; those with the same shares
// belong to one pool.
type timeline struct {
	days  []RatioGroup
	of    []int        // pool of a day
	pools []RatioGroup // counts are scratch
	k     float64      // concentration of the prior
}

// newTimeline checks and normalises the days; units in arms without a share are
// left out. The text says what is wrong.
func newTimeline(days []RatioGroup) (t *timeline, note string) {
	if _, note := poolRatios(days); note != "" {
		return nil, note
	}
	t = &timeline{}
	for _, d := range days {
		shares, _ := d.shares()
		counts := slices.Clone(d.Counts)
		for i, s := range shares {
			if s == 0 {
				counts[i] = 0
			}
		}
		pool := slices.IndexFunc(t.pools, func(p RatioGroup) bool { return sameShares(p.Expected, shares) })
		if pool < 0 {
			pool = len(t.pools)
			t.pools = append(t.pools, RatioGroup{Counts: make([]int64, len(shares)), Expected: shares})
		}
		t.days = append(t.days, RatioGroup{Counts: counts, Expected: shares})
		t.of = append(t.of, pool)
	}
	return t, ""
}

// starts are the log e-values of the days [from, to), for every from.
func (t *timeline) starts(to int) []float64 {
	logs := make([]float64, to)
	add := t.adder()
	for from := to - 1; from >= 0; from-- {
		logs[from] = add(from)
	}
	return logs
}

// ends are the log e-values of the days [from, to), for every to after from.
func (t *timeline) ends(from int) []float64 {
	var logs []float64
	add := t.adder()
	for day := from; day < len(t.days); day++ {
		logs = append(logs, add(day))
	}
	return logs
}

// adder adds one day after the other and returns the log e-value of all so far.
func (t *timeline) adder() func(day int) float64 {
	for _, p := range t.pools {
		clear(p.Counts)
	}
	logs := make([]float64, len(t.pools))
	return func(day int) float64 {
		pool := &t.pools[t.of[day]]
		for i, c := range t.days[day].Counts {
			pool.Counts[i] += c
		}
		logs[t.of[day]] = pool.logE(t.k)
		sum := 0.0
		for _, l := range logs {
			sum += l
		}
		return bounded(sum)
	}
}

// group are the units of the days [from, to) with the shares expected of them;
// nil where there are none.
func (t *timeline) group(from, to int) *RatioGroup {
	var r SampleRatio
	if from >= to {
		return nil
	}
	r.total(t.days[from:to])
	if units64(r.Counts) == 0 {
		return nil
	}
	return &RatioGroup{Counts: r.Counts, Expected: r.Expected}
}

// logLR is the log likelihood ratio of the shares observed in [from, to), one
// set for each pool, against the expected ones (half of the G statistic).
func (t *timeline) logLR(from, to int) float64 {
	add := t.adder()
	for day := from; day < to; day++ {
		add(day)
	}
	sum := 0.0
	for _, p := range t.pools {
		n := units64(p.Counts)
		for i, c := range p.Counts {
			if expected := n * p.Expected[i]; expected > 0 {
				sum += deviance(float64(c), expected)
			}
		}
	}
	return bounded(sum)
}

// candidates are log posterior weights: those of the first, on which half of
// the prior is, and of the others.
type candidates struct {
	logs []float64
	top  int
	sum  float64 // log of the sum of the weights
}

// weighted gives log e-values their prior.
func weighted(logs []float64) candidates {
	w := candidates{logs: slices.Clone(logs)}
	if n := len(logs); n > 1 {
		w.logs[0] -= math.Ln2
		for i := 1; i < n; i++ {
			w.logs[i] -= math.Ln2 + math.Log(float64(n-1))
		}
	}
	w.sum = w.logs[0]
	for i, l := range w.logs[1:] {
		w.sum = logSum(w.sum, l)
		if l > w.logs[w.top] {
			w.top = i + 1
		}
	}
	return w
}

// range95 are the ends of the smallest set with 95 % of the posterior.
func (w *candidates) range95() (earliest, latest int) {
	order := make([]int, len(w.logs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(w.logs[b], w.logs[a]) })
	earliest, latest = w.top, w.top
	mass := 0.0
	for _, i := range order {
		earliest, latest = min(earliest, i), max(latest, i)
		mass += math.Exp(w.logs[i] - w.sum)
		if mass >= 0.95 {
			break
		}
	}
	return earliest, latest
}
