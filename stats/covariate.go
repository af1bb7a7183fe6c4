package stats

// Why a covariate that was asked for is not used.
const (
	noteNoCovariate    = "not adjusted: an arm has no covariate in some epoch"
	noteFlatCovariate  = "not adjusted: the covariate does not vary"
	noteWildCovariate  = "not adjusted: the covariate overflows"
	noteNoCovariateDen = "not adjusted: the denominator of the covariate is zero"
	noteExactCovariate = "not adjusted: the covariate tells the value exactly, so it cannot be from before exposure"
)

// covariate is what the view makes of the covariate's means, and a unit's
// influence on that: the same as it makes of the value.
func (v view) covariate(mean columns) (float64, columns) {
	x, by := v.value(columns{value: mean.pre, den: mean.preDen})
	return x, columns{pre: by.value, preDen: by.den}
}

// adjust makes the value of each arm what it would be if its covariate had the
// mean of all units: value - theta (covariate - covariate of all units) (CUPED;
// Deng, Xu, Kohavi & Walker 2013, eq. 4). Both of a ratio are linearised. The
// arms stay on the metric's scale, and a relative effect is that of adjusted
// over adjusted values. The skewness of what is left of a unit is unknown.
//
// Where it cannot be done nothing is adjusted, and note says why. That theta
// is estimated adds 1/N to the variance as a share; it is left out.
func (a *arms) adjust(v view, strata []Stratum) {
	x, note := a.slope(v, strata)
	if note != "" {
		a.note = note
		return
	}
	b := *a
	b.theta, b.joint, b.shape = Some(x), joint{}, Optional{}
	b.control = b.control.less(v, strata, x, controlOf)
	b.treatment = b.treatment.less(v, strata, x, treatmentOf)
	before, after := a.control.variance+a.treatment.variance, b.control.variance+b.treatment.variance
	b.kept = Some(after / before)
	b.level(v, strata)
	b.mix(v, strata)
	switch {
	case before == 0:
		return // Nothing to explain: the value says so itself.
	case after == 0:
		a.note = noteExactCovariate
	case !b.kept.Known || !b.control.finite() || !b.treatment.finite():
		a.note = noteWildCovariate
	default:
		*a = b
	}
}

// slope is theta, the regression of the value on the covariate within arms and
// epochs, pooled over both arms and all epochs that count. Pooling without the
// means of arms and epochs would add to it what is between them: the effect
// times the luck of the covariate, which is of second order, and the trend of
// a ramp, which is not. Only units of one arm and epoch are alike but for
// chance, and only their spread is in the variance that adjusting is to lower.
func (a *arms) slope(v view, strata []Stratum) (theta float64, note string) {
	xc, gc := v.covariate(a.control.columns)
	xt, gt := v.covariate(a.treatment.columns)
	if v == viewRatio && (a.control.preDen == 0 || a.treatment.preDen == 0) {
		note = noteNoCovariateDen
	}
	with, spread := 0.0, 0.0
	for i := range strata {
		s := &strata[i]
		if !v.counts(s) {
			continue
		}
		if s.Control.Pre == (PreMoments{}) || s.Treatment.Pre == (PreMoments{}) {
			return 0, noteNoCovariate
		}
		with += form(&a.control.by, &gc, &s.Control) + form(&a.treatment.by, &gt, &s.Treatment)
		spread += gc.perUnit(&s.Control)*free(&s.Control) + gt.perUnit(&s.Treatment)*free(&s.Treatment)
	}
	theta = with / spread
	switch {
	case note != "":
		return 0, note
	case spread == 0:
		return 0, noteFlatCovariate
	case !isFinite(xc) || !isFinite(xt) || !isFinite(theta):
		return 0, noteWildCovariate
	default:
		return theta, ""
	}
}

// less is the arm less theta times its covariate's distance from that of all
// units.
func (s side) less(v view, strata []Stratum, theta float64, arm func(*Stratum) *Moments) side {
	total, _ := v.total(strata)
	x, by := v.covariate(s.columns)
	all, _ := v.covariate(v.pooled(strata, total))
	s.Value -= theta * (x - all)
	s.by = s.by.add(-theta, by)
	v.spread(&s, strata, total, arm)
	return s
}

// pooled are the means of the columns over the units of both arms.
func (v view) pooled(strata []Stratum, total float64) columns {
	var out columns
	for i := range strata {
		s := &strata[i]
		if v.counts(s) {
			out = out.add(float64(s.Control.N)/total, meansOf(&s.Control))
			out = out.add(float64(s.Treatment.N)/total, meansOf(&s.Treatment))
		}
	}
	return out
}

// level adds what the adjusted arms share: theta times the covariate of all
// units, to which both are moved. It is nothing to their difference, but a
// relative effect and a relative margin compare with a level that is uncertain.
func (a *arms) level(v view, strata []Stratum) {
	total, _ := v.total(strata)
	_, gc := v.covariate(a.control.columns)
	_, gt := v.covariate(a.treatment.columns)
	theta := a.theta.Value
	var own, control, treatment float64
	for i := range strata {
		s := &strata[i]
		if !v.counts(s) {
			continue
		}
		w := units(s) / total
		own += (float64(s.Control.N)*gc.perUnit(&s.Control) + float64(s.Treatment.N)*gt.perUnit(&s.Treatment)) / total
		control += w * form(&a.control.by, &gc, &s.Control) / free(&s.Control)
		treatment += w * form(&a.treatment.by, &gt, &s.Treatment) / free(&s.Treatment)
	}
	own, control, treatment = theta*own*theta/total, theta*control/total, theta*treatment/total
	a.joint = joint{treatment: own + 2*treatment, both: own + control + treatment, control: own + 2*control}
}
