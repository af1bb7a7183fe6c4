package stats

import "math"

// view is the value of a unit that two arms are compared on.
type view int

const (
	viewMean  view = iota // the value
	viewRatio             // the ratio of the means of value and denominator
	viewAny               // 1 if the value is not zero
)

// roundingSD is the standard deviation, as a share of the mean, below which
// spread is the rounding of engines that merge partial averages, not data.
const roundingSD = 1e-11

// columns are the four numbers of a unit that estimators are made of: value,
// denominator, covariate and the covariate's denominator. As weights they are
// what a unit adds to an estimate, its influence: every estimate of this
// package is, to first order, a mean of weights times columns.
type columns struct{ value, den, pre, preDen float64 }

// meansOf are the means of the columns.
func meansOf(m *Moments) columns {
	return columns{value: m.Mean, den: m.DenMean, pre: m.Pre.Mean, preDen: m.Pre.DenMean}
}

// add is c plus w times d.
func (c columns) add(w float64, d columns) columns {
	return columns{
		value: c.value + w*d.value, den: c.den + w*d.den,
		pre: c.pre + w*d.pre, preDen: c.preDen + w*d.preDen,
	}
}

// dot is the sum of products.
func (c columns) dot(d columns) float64 {
	return c.value*d.value + c.den*d.den + c.pre*d.pre + c.preDen*d.preDen
}

// form is the sum over units of the products of two weighted deviations: a'Sb
// with S the sums of products of the moments.
func form(a, b *columns, m *Moments) float64 {
	p := &m.Pre
	return a.value*(m.M2*b.value+m.Co*b.den+p.Value*b.pre+p.OfValue*b.preDen) +
		a.den*(m.Co*b.value+m.DenM2*b.den+p.Den*b.pre+p.OfDen*b.preDen) +
		a.pre*(p.Value*b.value+p.Den*b.den+p.M2*b.pre+p.Co*b.preDen) +
		a.preDen*(p.OfValue*b.value+p.OfDen*b.den+p.Co*b.pre+p.DenM2*b.preDen)
}

// perUnit is the variance of what one unit adds. Spread that is only rounding
// counts as 0.
func (c *columns) perUnit(m *Moments) float64 {
	whole := c.value*m.M2*c.value + c.den*m.DenM2*c.den + c.pre*m.Pre.M2*c.pre + c.preDen*m.Pre.DenM2*c.preDen
	rest := form(c, c, m)
	if rest <= 1e-14*whole {
		return 0
	}
	s := rest / free(m)
	floor := roundingSD * max(math.Abs(c.value*m.Mean), math.Abs(c.den*m.DenMean),
		math.Abs(c.pre*m.Pre.Mean), math.Abs(c.preDen*m.Pre.DenMean))
	if s > floor*floor {
		return s
	}
	return 0
}

// free is the divisor of sums of squares.
func free(m *Moments) float64 { return float64(max(m.N-1, 1)) }

// df is how well the variance of a unit is known, in degrees of freedom.
func (m *Moments) df() float64 {
	if m.Free > 0 {
		return min(m.Free, free(m))
	}
	return free(m)
}

// side is one arm, standardised over epochs.
type side struct {
	ArmValue
	columns          // means
	by       columns // influence of a unit on Value
	variance float64 // of Value, given the covariate's mean in all units
	own      float64 // square root of variance
	df       float64 // of variance, by Satterthwaite (1946)
	lean     float64 // skewness of Value over that of a unit, 1/sqrt(N) in one epoch
}

// finite tells whether the value and its variance are finite.
func (s *side) finite() bool { return isFinite(s.Value) && isFinite(s.variance) && isFinite(s.SE) }

// joint is the covariance of what the values of both arms share: the mean of
// the covariate in all units, and the numbers of units in random strata.
type joint struct{ treatment, both, control float64 }

// arms are two arms standardised to the same mix of epochs.
type arms struct {
	control, treatment side
	joint              joint
	scale              Scale
	left               int      // epochs left out
	shape              Optional // skewness of a unit within its arm and epoch

	// theta is the slope on the covariate and kept the share of the variance of
	// the difference that adjusting for it leaves; unknown without.
	theta, kept Optional
	note        string // why a covariate that was asked for is not used
}

// fewest is the number of units in the smaller arm.
func (a *arms) fewest() int64 { return min(a.control.N, a.treatment.N) }

// units is the number of units in both arms.
func (a *arms) units() float64 { return float64(a.control.N) + float64(a.treatment.N) }

// estimate is the estimator of a design: its view on its scale, adjusted for
// the covariate where the design asks for it and the moments allow it.
func estimate(d *Design, strata []Stratum) arms {
	v := d.view()
	a := standardise(v, strata)
	if v == viewAny {
		return a
	}
	a.scale = d.Scale
	if d.Covariate {
		a.adjust(v, strata)
	}
	return a
}

// standardise weights the epochs of both arms by the epoch's units (direct
// standardisation), so that a ramp that coincides with a trend of the baseline
// cannot pass for an effect. An epoch with too few units in an arm to have a
// variance has weight 0.
//
// Strata that stand next to each other with the same Epoch are strata of its
// units (post-stratification, Holt & Smith 1979). They are weighted in the same
// way; that their numbers of units are chance adds to the variance.
func standardise(v view, strata []Stratum) arms {
	total, left := v.total(strata)
	a := arms{left: left}
	if total == 0 {
		return a
	}
	a.control = v.side(strata, total, controlOf)
	a.treatment = v.side(strata, total, treatmentOf)
	a.shape = v.shape(strata)
	a.mix(v, strata)
	return a
}

// total is the number of units in the epochs that count, and how many epochs
// with units do not.
func (v view) total(strata []Stratum) (total float64, left int) {
	for i := range strata {
		n := units(&strata[i])
		switch {
		case v.counts(&strata[i]):
			total += n
		case n > 0:
			left++
		}
	}
	return total, left
}

func controlOf(s *Stratum) *Moments   { return &s.Control }
func treatmentOf(s *Stratum) *Moments { return &s.Treatment }

func units(s *Stratum) float64 { return float64(s.Control.N) + float64(s.Treatment.N) }

// counts tells whether an epoch has enough units in both arms.
func (v view) counts(s *Stratum) bool {
	least := int64(2)
	if v == viewAny {
		least = 1 // The variance of a share is known from the share.
	}
	return s.Control.N >= least && s.Treatment.N >= least
}

// side standardises one arm: the means of the columns with weights
// w = (units of the epoch) / total, what the view makes of them, and the
// variance of that.
func (v view) side(strata []Stratum, total float64, arm func(*Stratum) *Moments) side {
	var out side
	var room Moments
	for i := range strata {
		if !v.counts(&strata[i]) {
			continue
		}
		m := v.moments(arm(&strata[i]), &room)
		out.columns = out.add(units(&strata[i])/total, meansOf(m))
		out.N += m.N
		out.Any += m.Any
	}
	out.Value, out.by = v.value(out.columns)
	v.spread(&out, strata, total, arm)
	return out
}

// value is what the view makes of means, which may be of anything the warehouse
// takes of a unit: a winsorised mean is one of capped values, a mean log one of
// logs, and neither needs more here. With it comes a unit's influence on it: for
// a ratio r of means (value - r denominator) / mean denominator (the delta
// method; Deng, Knoblich & Lu 2018).
func (v view) value(mean columns) (float64, columns) {
	if v != viewRatio {
		return mean.value, columns{value: 1}
	}
	r := mean.value / mean.den
	return r, columns{value: 1 / mean.den, den: -r / mean.den}
}

// spread fills in the variance of a side's value, its degrees of freedom and
// how much of a unit's skewness it keeps.
func (v view) spread(out *side, strata []Stratum, total float64, arm func(*Stratum) *Moments) {
	var room Moments
	squares := 0.0
	out.variance, out.df, out.lean = 0, 0, 0
	for i := range strata {
		if !v.counts(&strata[i]) {
			continue
		}
		w := units(&strata[i]) / total
		m := v.moments(arm(&strata[i]), &room)
		s := w * w * out.by.perUnit(m) / float64(m.N)
		if s == 0 {
			continue
		}
		// The sum of s²/(n-1) over the square of the sum of s, kept as a
		// share so that it can neither overflow nor vanish.
		old := out.variance / (out.variance + s)
		part := s / (out.variance + s)
		squares = squares*old*old + part*part/m.df()
		out.lean = out.lean*old*math.Sqrt(old) + part*math.Sqrt(part/float64(m.N))
		out.variance += s
	}
	if squares > 0 {
		out.df = 1 / squares
	}
	out.own = math.Sqrt(out.variance)
}

// moments of the viewed value: those given, or made in room. Where all units
// agree the variance of a share is that of half a unit added to either side,
// never 0.
func (v view) moments(m, room *Moments) *Moments {
	if v != viewAny || m.N == 0 {
		return m
	}
	n, k := float64(m.N), float64(m.Any)
	m2 := k * ((n - k) / n)
	if m2 == 0 {
		p := (k + 0.5) / (n + 1)
		m2 = p * (1 - p) * max(n-1, 1)
	}
	*room = Moments{N: m.N, Any: m.Any, Mean: k / n, M2: m2}
	return room
}

// mix adds what random strata share, and closes the arms: where an epoch comes
// in strata, each with the share w of all N units, multinomial weights add
// (sum of w h² - h²)/N to the variance of an estimate to which the stratum adds
// h (the variance of the strata's estimates over N). An epoch in one piece adds
// nothing: epochs are fixed by whoever moves the ramp.
func (a *arms) mix(v view, strata []Stratum) {
	for from := 0; from < len(strata); {
		to := from + 1
		for to < len(strata) && strata[to].Epoch == strata[from].Epoch {
			to++
		}
		if to > from+1 {
			total, _ := v.total(strata)
			a.mixEpoch(v, strata[from:to], total)
		}
		from = to
	}
	a.control.SE = math.Sqrt(max(a.control.variance+a.joint.control, 0))
	a.treatment.SE = math.Sqrt(max(a.treatment.variance+a.joint.treatment, 0))
}

// mixEpoch is mix for the strata of one epoch.
func (a *arms) mixEpoch(v view, strata []Stratum, total float64) {
	n, meanT, meanC := 0.0, 0.0, 0.0
	for i := range strata {
		if !v.counts(&strata[i]) {
			continue
		}
		t, c := a.adds(v, &strata[i])
		w := units(&strata[i])
		a.joint.treatment += w * n / (n + w) * (t - meanT) * (t - meanT) / total / total
		a.joint.both += w * n / (n + w) * (t - meanT) * (c - meanC) / total / total
		a.joint.control += w * n / (n + w) * (c - meanC) * (c - meanC) / total / total
		n += w
		meanT += (t - meanT) * w / n
		meanC += (c - meanC) * w / n
	}
}

// adds is what the units of a stratum add to the value of each arm, if each arm
// had all of them. With a covariate, all units set the level.
func (a *arms) adds(v view, s *Stratum) (treatment, control float64) {
	var room Moments
	xt := meansOf(v.moments(&s.Treatment, &room))
	xc := meansOf(v.moments(&s.Control, &room))
	t, c := a.treatment.by.dot(xt), a.control.by.dot(xc)
	if !a.theta.Known {
		return t, c
	}
	share := float64(s.Treatment.N) / units(s)
	pooled := columns{}.add(share, xt).add(1-share, xc)
	_, gt := v.covariate(a.treatment.columns)
	_, gc := v.covariate(a.control.columns)
	return t + a.theta.Value*gt.dot(pooled), c + a.theta.Value*gc.dot(pooled)
}

// contrast is a linear combination of two arms, with Welch's degrees of
// freedom and the skewness of its sampling distribution.
type contrast struct {
	estimate, se, df float64
	skew             Optional
}

// linear is t times treatment plus c times control plus offset.
func (a *arms) linear(t, c, offset float64) contrast {
	st, sc := math.Abs(t)*a.treatment.own, math.Abs(c)*a.control.own
	out := contrast{
		estimate: t*a.treatment.Value + c*a.control.Value + offset,
		se:       math.Hypot(st, sc),
	}
	shared := 0.0
	if a.joint != (joint{}) {
		shared = t*a.joint.treatment*t + 2*t*a.joint.both*c + c*a.joint.control*c
		out.se = math.Sqrt(max(st*st+sc*sc+shared, 0))
	}
	if out.se > 0 {
		ft, fc, fs := st/out.se, sc/out.se, math.Sqrt(max(shared, 0))/out.se
		out.df = 1 / (share4(ft, a.treatment.df) + share4(fc, a.control.df) + share4(fs, a.units()))
		out.skew = a.skew(math.Copysign(ft, t), math.Copysign(fc, c))
	}
	return out
}

// share4 is f⁴/df, Welch's term of an arm with the share f² of the variance.
func share4(f, df float64) float64 {
	if f == 0 || df == 0 {
		return 0
	}
	return f * f * f * f / df
}

// difference is treatment less control.
func (a *arms) difference() contrast { return a.linear(1, -1, 0) }

// beyond is the harm in excess of a margin: positive is worse than tolerated.
// A relative margin is a share of the magnitude of the control mean, which
// keeps it a linear contrast: no ratio is taken. On the log scale it is a shift
// of the mean log.
func (a *arms) beyond(harm Side, margin Size) contrast {
	h := 1.0
	if harm == SideDown {
		h = -1
	}
	if a.scale == ScaleLog {
		shift, _ := logMargin(harm, margin)
		return a.linear(h, -h, -shift)
	}
	if margin.Absolute {
		return a.linear(h, -h, -margin.Value)
	}
	sign := 1.0
	if a.control.Value < 0 {
		sign = -1
	}
	return a.linear(h, -h-margin.Value*sign, 0)
}
