package stats

import (
	"cmp"
	"math"
)

// zeroRatio is the log of the smallest float: a rate ratio of zero.
const zeroRatio = -745.0

// tuning is the concentrations kappa of the beta priors that the exact method
// averages its e-values over.
type tuning struct {
	kappas [4]float64
	count  int
}

// undeclared are the shares of units with an event that are tried where no base
// rate is declared: a factor of 8 of the truth costs little power.
var undeclared = [4]float64{0.0025, 0.01, 0.04, 0.16}

// tune picks kappa = max(1, 1/rho²(m) - 1) for the m events expected by the
// planned end, where the two boundaries meet; alpha is that of Rho2.
func (d *Design) tune(alpha float64) tuning {
	if share := d.anyRate(); share > 0 && d.Planned > 0 {
		return tuning{kappas: [4]float64{concentration(alpha, d.Planned*share)}, count: 1}
	}
	t := tuning{count: len(undeclared)}
	for i, share := range undeclared {
		t.kappas[i] = concentration(alpha, cmp.Or(d.Planned, unknownPlanned)*share)
	}
	return t
}

// anyRate is the expected share of units with any: the base rate of a
// proportion, the share that is not zero of a Poisson count with that mean.
func (d *Design) anyRate() float64 {
	if d.Kind == KindProportion {
		return min(d.BaseRate, 1)
	}
	return -math.Expm1(-d.BaseRate)
}

// concentration is the kappa of a beta prior tuned to m observations.
func concentration(alpha, m float64) float64 { return min(max(1, 1/Rho2(alpha, m)-1), 1e15) }

// mean is the log of the average of e-values, one log a kappa.
func (t *tuning) mean(logs *[4]float64) float64 {
	if t.count == 1 {
		return logs[0]
	}
	top := logs[0]
	for _, l := range logs[:t.count] {
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range logs[:t.count] {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum/float64(t.count))
}

// logMixture is the log e-value of a group against a first label that has
// probability p = 1-q: the beta-binomial likelihood ratio with a prior of
// concentration kappa centred at the null (Lindon & Malek 2022).
func (g group) logMixture(p, q, kappa float64) float64 {
	a, b := kappa*p, kappa*q
	n := g.hits + g.other
	return dirichletTerm(a, g.hits, (kappa+n)*p) + dirichletTerm(b, g.other, (kappa+n)*q) + dirichletScale(kappa, n)
}

// against is the evidence of a single group; the one-sided priors are cut off at
// the null.
func (g group) against(u, kappa float64) evidence {
	p, q := odds(g.logit + u)
	a, b := kappa*p, kappa*q
	whole := g.logMixture(p, q, kappa)
	priorBelow, priorAbove := -math.Ln2, -math.Ln2
	if p != q {
		priorBelow, priorAbove = logBetaTails(a, b, p, q)
	}
	postBelow, postAbove := logBetaTails(a+g.hits, b+g.other, p, q)
	return evidence{whole: whole, above: whole + postAbove - priorAbove, below: whole + postBelow - priorBelow}
}

// evidence are log e-values against one log rate ratio.
type evidence struct {
	whole float64 // against "the ratio is this one"
	above float64 // against "the ratio is at most this"
	below float64 // against "the ratio is at least this"
}

// against are the log e-values of all groups against the log rate ratio u,
// averaged over kappas. For every ratio the likelihoods of the groups multiply;
// the prior over ratios is paid for once, not once a group. It is the prior of
// the first group, so that a group that comes later continues the same
// e-process.
func (l labels) against(u float64, t *tuning) evidence {
	var whole, above, below [4]float64
	for k := range t.count {
		e := l.againstWith(u, t.kappas[k])
		whole[k], above[k], below[k] = e.whole, e.above, e.below
	}
	return evidence{whole: t.mean(&whole), above: t.mean(&above), below: t.mean(&below)}
}

// againstOne is the log e-value against exactly the log rate ratio u.
func (l labels) againstOne(u float64, t *tuning) float64 {
	if len(l) > 1 {
		return l.against(u, t).whole
	}
	var whole [4]float64
	p, q := odds(l[0].logit + u)
	for k := range t.count {
		whole[k] = l[0].logMixture(p, q, t.kappas[k])
	}
	return t.mean(&whole)
}

// againstWith is against with one kappa: in closed form for one group, by
// quadrature for several.
func (l labels) againstWith(u, kappa float64) evidence {
	if len(l) == 1 {
		return l[0].against(u, kappa)
	}
	first := l[0].logit + u
	prior := group{logit: l[0].logit, hits: kappa * sigmoid(first), other: kappa * sigmoid(-first)}
	priorBelow, priorAbove := logBetaTails(prior.hits, prior.other, sigmoid(first), sigmoid(-first))
	var room [8]group
	above, below := append(append(labels(room[:0]), l...), prior).logMasses(u)
	at, _, _ := l.logLikelihood(u)
	scale := at + logBeta(prior.hits, prior.other)
	return evidence{
		whole: logSum(above, below) - scale,
		above: above - priorAbove - scale,
		below: below - priorBelow - scale,
	}
}

// exact judges by the conditional binomial e-process on units with any.
//
// Harm up: the first label is treatment, and "harm is within the margin M" is
// a rate ratio of at most 1+M. Harm down: the event is a success that must not
// fall; the labels are exchanged, so that the first is control, and pT >= (1-M)
// pC is a ratio of at most 1/(1-M) of control over treatment.
func (c *Comparison) exact(strata []Stratum) {
	var room [8]group
	l := gather(room[:0], strata)
	a := standardise(viewAny, strata)
	c.show(&a)
	c.Absolute = a.difference().estimate
	if hits, other := l.totals(); hits+other == 0 {
		c.cannot(StatusNoEvents, "no unit of either arm has any event yet")
		return
	}
	c.epochsLeftOut(a.left, "an arm is empty")
	c.ratio(l)
	c.shares(&a)
	if c.Design.Harm == SideDown {
		l.swap()
	}
	c.oneSidedExact(l)
	c.judge()
}

// nullRatio is the log of the ratio of the first label's rate over the second's
// that a relative harm h just reaches: ln(1+h), or -ln(1-h) where harm is down
// and the labels are exchanged; +Inf where nothing is left.
func (d *Design) nullRatio(h float64) float64 {
	if d.Harm == SideUp {
		return math.Log1p(h)
	}
	return -math.Log1p(-min(h, 1))
}

// oneSidedExact fills in the harm beyond the margin.
func (c *Comparison) oneSidedExact(l labels) {
	d := &c.Design
	null := d.null()
	t := d.tune(2 * d.Alpha)
	e := l.against(null, &t)
	c.LogE, c.LogEWithin = e.above, e.below
	c.Excess = max(l.shrunk()-null, zeroRatio)
	test := exactTest{null: null, bound: c.Bound, tuning: t}
	if d.Method == MethodExactSpending {
		c.spent(l, null)
		test.level, test.spends = c.Look.level(), true
	} else {
		c.unspent(l, null)
	}
	c.ExcessBound, c.ExcessUpper = max(c.ExcessBound, zeroRatio), min(c.ExcessUpper, -zeroRatio)
	c.Miss = d.missExact(l, &test)
}

// exactTest tells of labels whether they would establish harm at this look.
type exactTest struct {
	null, bound float64
	tuning      tuning
	spends      bool
	level       float64 // log of the tail probability that it takes
}

func (t *exactTest) establishes(l labels) bool {
	if !t.spends {
		return l.against(t.null, &t.tuning).above >= t.bound
	}
	hits, _ := l.totals()
	return l.tail(t.null, hits) <= t.level
}

// unspent judges by the e-process. The bounds invert the same mixtures: the
// ratios whose likelihood is within a factor of alpha of one cover the truth at
// every look, and their end is beyond the margin exactly where the e-value
// reaches 1/alpha.
func (c *Comparison) unspent(l labels, null float64) {
	c.Harmed, c.NonInferior = c.LogE >= c.Bound, c.LogEWithin >= c.Bound
	at, _, _ := l.logLikelihood(null)
	peak := l.crest()
	c.ExcessBound = l.lower(at+c.LogE-c.Bound, peak) - null
	c.ExcessUpper = l.upper(at+c.LogEWithin-c.Bound, peak) - null
}

// spent judges by the counts that the look's error was spent on. The bounds are
// the ratios at which the count would just be as unlikely as the boundary is at
// the margin (Jennison & Turnbull 1989, repeated confidence intervals): the
// verdict is exact, the bounds are so but for the discreteness of counts.
func (c *Comparison) spent(l labels, null float64) {
	now := &c.Look
	hits, other := l.totals()
	count := int64(hits)
	c.Harmed = !now.Held && now.Least > 0 && count >= now.Least
	c.NonInferior = !now.Held && count < now.Most
	c.Z = Some(l.score(null, hits))
	c.ExcessBound, c.ExcessUpper = zeroRatio, -zeroRatio
	if now.Z > 0 {
		c.Critical = Some(now.Z)
		if hits > 0 {
			c.ExcessBound = l.where(hits, now.Z, null) - null
		}
	}
	if now.ZWithin > 0 && other > 0 {
		l.swap()
		c.ExcessUpper = -l.where(other, now.ZWithin, -null) - null
		l.swap()
	}
}

// shrunk is the peak, or where a label has no event the peak after half an
// event was added to either label, which is finite.
func (l labels) shrunk() float64 {
	if u := l.peak(); !math.IsInf(u, 0) {
		return u
	}
	var room [8]group
	half := append(labels(room[:0]), l...)
	for i := range half {
		half[i].hits += 0.5 / float64(len(half))
		half[i].other += 0.5 / float64(len(half))
	}
	return half.peak()
}

// ratio fills in the exact interval of the rate ratio of treatment over
// control: the ratios that the two-sided e-value does not reject.
func (c *Comparison) ratio(l labels) {
	t := c.Design.tune(c.Design.Alpha)
	c.LogETwoSided = l.againstOne(0, &t)
	at, _, _ := l.logLikelihood(0)
	target, peak := at+c.LogETwoSided-c.Bound, l.crest()
	c.RelativeInterval = Interval{Lower: math.Expm1(l.lower(target, peak)), Upper: math.Expm1(l.upper(target, peak))}
}

// shares fills in the difference of shares for display: the ratio of the shares
// that are shown, the normal confidence sequence cut to what a difference of
// shares can be, and Welch's.
func (c *Comparison) shares(a *arms) {
	diff := a.difference()
	c.Relative = Some(diff.estimate / a.control.Value)
	s := c.Design.twoSidedAt(a.units())
	c.AbsoluteInterval = around(diff.estimate, zToT(s.critical(c.Design.Alpha), diff.df)*diff.se).within(-1, 1)
}
