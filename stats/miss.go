package stats

import "math"

// missMixture bounds the chance that a harm of size MDE beyond the margin stays
// under the boundary of t standard errors with the data of this look; looking
// more than once only finds more. Nil where no MDE is declared or it has no
// scale.
func (d *Design) missMixture(control, se, t float64) *float64 {
	mde := d.MDE.Value
	if !d.MDE.Absolute {
		mde *= math.Abs(control)
	}
	if mde == 0 || !isFinite(mde) {
		return nil
	}
	miss := 0.5 * math.Erfc((mde/se-t)/math.Sqrt2)
	return &miss
}

// missExact is the same for the exact method, given how many events there are:
// the probability that fewer of them than needed carry the first label. With
// several splits the largest group must do it while the others stay above a
// low quantile of their own; the chance that one does not is added, so that the
// result remains an upper bound.
func (d *Design) missExact(l labels, null float64, t *tuning) *float64 {
	mde, ok := d.relative(d.MDE)
	margin, _ := d.relative(d.Margin)
	if !ok || mde == 0 || !isFinite(mde) {
		return nil
	}
	u := d.nullRatio(margin + mde)
	if u <= null {
		return nil
	}
	miss := l.miss(u, null, d.Alpha, t)
	return &miss
}

// miss bounds the chance of too few hits at the log rate ratio u; the groups
// but the largest take up a fixed risk between them.
func (l labels) miss(u, null, alpha float64, t *tuning) float64 {
	const risk = 5e-3
	var room [8]group
	sure := append(labels(room[:0]), l...)
	main := sure.largest()
	spent := 0.0
	for i := range sure {
		if i == main {
			continue
		}
		g := &sure[i]
		n := g.hits + g.other
		p, q := sigmoid(g.logit+u), sigmoid(-g.logit-u)
		k := lowQuantile(n, p, q, risk/float64(len(sure)-1))
		g.hits, g.other = k, n-k
		spent += belowCount(k, n, p, q)
	}
	g := sure[main]
	need := sure.needed(main, null, -math.Log(alpha), t)
	return min(1, spent+belowCount(need, g.hits+g.other, sigmoid(g.logit+u), sigmoid(-g.logit-u)))
}

// largest is the index of the group with the most events.
func (l labels) largest() int {
	best := 0
	for i, g := range l {
		if g.hits+g.other > l[best].hits+l[best].other {
			best = i
		}
	}
	return best
}

// needed is the least number of hits of one group, the others as they are, at
// which harm is established; one more than it has events if none is enough. The
// e-value increases in the hits.
func (l labels) needed(at int, null, bound float64, t *tuning) float64 {
	n := l[at].hits + l[at].other
	return firstCount(n, func(k float64) bool {
		l[at].hits, l[at].other = k, n-k
		return l.against(null, t).above >= bound
	})
}

// lowQuantile is the greatest count k <= n with P(X < k) <= risk for X
// binomial(n, p), q = 1-p.
func lowQuantile(n, p, q, risk float64) float64 {
	return max(0, firstCount(n, func(k float64) bool { return belowCount(k, n, p, q) > risk })-1)
}

// firstCount is the least whole number in [0, n] from which on holds is true;
// n+1 if it never is.
func firstCount(n float64, holds func(float64) bool) float64 {
	low, high := -1.0, n+1
	for high-low > 1 {
		middle := math.Floor(low + (high-low)/2)
		if middle <= low || middle >= high {
			break // Counts beyond 2^53 have no halves.
		}
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// belowCount is P(X < k) for X binomial(n, p), q = 1-p.
func belowCount(k, n, p, q float64) float64 {
	switch {
	case k <= 0:
		return 0
	case k > n:
		return 1
	}
	_, upper := logBetaTails(k, n-k+1, p, q)
	return math.Exp(upper)
}
