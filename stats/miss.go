package stats

import "math"

// mdeIn is the smallest effect of interest in standard errors; unknown where no
// MDE is declared or it has no scale.
func (d *Design) mdeIn(control, se float64) Optional {
	mde := d.MDE.Value
	switch {
	case d.Scale == ScaleLog:
		margin, _ := d.logMargin(d.Margin)
		whole, _ := d.logMargin(Size{Value: d.Margin.Value + mde})
		mde = whole - margin
	case !d.MDE.Absolute:
		mde *= math.Abs(control)
	}
	if mde == 0 {
		return Optional{}
	}
	return Some(mde / se)
}

// missMixture bounds the chance that a harm of size MDE beyond the margin stays
// under the boundary of t standard errors with the data of this look; looking
// more than once only finds more. Unknown where there is no MDE or no boundary.
func (d *Design) missMixture(mde Optional, t float64) Optional {
	if !mde.Known || math.IsInf(t, 0) {
		return Optional{}
	}
	return Some(0.5 * math.Erfc((mde.Value-t)/math.Sqrt2))
}

// missExact is the same for the exact method, given the control events of this
// look: a harm changes how many events treatment has, so their number is not
// given but Poisson around what control has, times the odds of the split, times
// the ratio under the harm; an absolute harm adds its share of the units instead.
// Where control has no event, a relative harm is one of what its units had at the
// declared base rate, nil where there is none; an absolute one is all that is
// expected, so that the chance is on the safe side whatever control's rate is.
//
// The units of treatment with any are binomial in truth. Poisson is more
// spread: its tail away from the mean is the greater one (Anderson & Samuels
// 1967), so that wherever a miss is the less likely outcome the chance is on
// the safe side.
func (d *Design) missExact(l labels, test *exactTest) Optional {
	mde, ok := d.relative(d.MDE)
	margin, _ := d.relative(d.Margin)
	if !ok || mde == 0 || !isFinite(mde) || d.nullRatio(margin+mde) <= test.null || test.spends && test.level >= -math.Ln2 {
		return Optional{}
	}
	var room [8]group
	p := prospect{labels: append(labels(room[:0]), l...), harm: d.Harm, test: test}
	if !p.expect(d.harmOf(d.Margin, d.MDE), d.anyRate()) {
		return Optional{}
	}
	return Some(p.miss())
}

// prospect is the events of a look as a harm would have them: those of control
// as they are; those of treatment are Poisson.
type prospect struct {
	labels labels // as the test takes them
	harm   Side
	test   *exactTest
}

// arms are the counts of a group by arm: the first label is treatment, or
// control where harm is down.
func (g *group) arms(harm Side) (control, treatment *float64) {
	if harm == SideDown {
		return &g.hits, &g.other
	}
	return &g.other, &g.hits
}

// odds of treatment among units.
func (g *group) odds(harm Side) float64 {
	if harm == SideDown {
		return math.Exp(-g.logit)
	}
	return math.Exp(g.logit)
}

// harm is a change of control's events: times ratio, and per unit added.
type harm struct{ ratio, added float64 }

// harmOf is the harm that is the sum of the sizes, in the direction that hurts.
func (d *Design) harmOf(sizes ...Size) harm {
	way := 1.0
	if d.Harm == SideDown {
		way = -1
	}
	h := harm{ratio: 1}
	for _, s := range sizes {
		if s.Absolute {
			h.added += way * s.Value
		} else {
			h.ratio += way * s.Value
		}
	}
	h.ratio = max(0, h.ratio)
	return h
}

// expect puts the mean of treatment in the place of its count. No harm gives
// more events than units, or fewer than none. Not ok where control has no event and
// a harm needs its rate.
func (p *prospect) expect(h harm, rate float64) bool {
	events := 0.0
	for i := range p.labels {
		control, _ := p.labels[i].arms(p.harm)
		events += *control
	}
	relative := h.ratio != 1 || h.added < 0
	if events == 0 && relative && !(rate > 0) {
		return false
	}
	for i := range p.labels {
		g := &p.labels[i]
		control, treatment := g.arms(p.harm)
		mean := *control
		if events == 0 && relative {
			mean = g.units * rate
		}
		*treatment = min(max(mean*h.ratio+g.units*h.added, 0), g.units) * g.odds(p.harm)
	}
	return true
}

// miss bounds the chance that harm is not established. With several splits the
// group that expects most must establish it while the others stay at an
// unfavourable quantile of their own; the chance that one goes beyond, a fixed
// risk between them, is added, so that the result remains an upper bound.
func (p *prospect) miss() float64 {
	const risk = 5e-3
	main, spent := p.largest(), 0.0
	for i := range p.labels {
		if i == main {
			continue
		}
		_, treatment := p.labels[i].arms(p.harm)
		k, chance := p.unfavourable(*treatment, risk/float64(len(p.labels)-1))
		*treatment = k
		spent += chance
	}
	return min(1, spent+p.missOf(main))
}

// largest is the index of the group that expects most events of treatment.
func (p *prospect) largest() int {
	best, most := 0, -1.0
	for i := range p.labels {
		if _, treatment := p.labels[i].arms(p.harm); *treatment > most {
			best, most = i, *treatment
		}
	}
	return best
}

// unfavourable is the count of treatment beyond which it falls short of a harm
// with a chance of at most risk, and that chance.
func (p *prospect) unfavourable(mean, risk float64) (k, chance float64) {
	if p.harm == SideDown {
		return poissonHigh(mean, risk)
	}
	return poissonLow(mean, risk)
}

// missOf is the chance that one group, the others as they are, does not
// establish harm. The e-value increases in the events of treatment where harm
// is up, and falls where it is down.
func (p *prospect) missOf(i int) float64 {
	_, treatment := p.labels[i].arms(p.harm)
	mean := *treatment
	turn := firstCount(poissonReach(mean), func(k float64) bool {
		*treatment = k
		return p.test.establishes(p.labels) == (p.harm == SideUp)
	})
	if p.harm == SideDown {
		return poissonFrom(turn, mean)
	}
	return poissonBelow(turn, mean)
}
