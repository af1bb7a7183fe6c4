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

// side is one arm, standardised over epochs.
type side struct {
	ArmValue
	den      float64 // mean of the denominator, 0 where there is none
	variance float64 // of Value
	df       float64 // of variance, by Satterthwaite (1946)
}

// finite tells whether the value and its variance are finite.
func (s *side) finite() bool { return isFinite(s.Value) && isFinite(s.variance) }

// arms are two arms standardised to the same mix of epochs.
type arms struct {
	control, treatment side
	left               int // epochs left out
}

// fewest is the number of units in the smaller arm.
func (a *arms) fewest() int64 { return min(a.control.N, a.treatment.N) }

// units is the number of units in both arms.
func (a *arms) units() float64 { return float64(a.control.N) + float64(a.treatment.N) }

// standardise weights the epochs of both arms by the epoch's units (direct
// standardisation), so that a ramp that coincides with a trend of the baseline
// cannot pass for an effect. An epoch with too few units in an arm to have a
// variance has weight 0.
func standardise(v view, strata []Stratum) arms {
	var a arms
	total := 0.0
	for i := range strata {
		n := units(&strata[i])
		switch {
		case v.counts(&strata[i]):
			total += n
		case n > 0:
			a.left++
		}
	}
	if total == 0 {
		return a
	}
	a.control = v.side(strata, total, controlOf)
	a.treatment = v.side(strata, total, treatmentOf)
	return a
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

// side standardises one arm: the mean of value and denominator with weights
// w = (units of the epoch) / total, and the variance of that.
func (v view) side(strata []Stratum, total float64, arm func(*Stratum) *Moments) side {
	var out side
	num := 0.0
	for i := range strata {
		if !v.counts(&strata[i]) {
			continue
		}
		w := units(&strata[i]) / total
		m := v.moments(arm(&strata[i]))
		num += w * m.Mean
		out.den += w * m.DenMean
		out.N += m.N
		out.Any += m.Any
	}
	out.Value = num
	if v == viewRatio {
		out.Value = num / out.den
	}
	v.spread(&out, strata, total, arm)
	return out
}

// spread fills in the variance of a side's value and its degrees of freedom.
func (v view) spread(out *side, strata []Stratum, total float64, arm func(*Stratum) *Moments) {
	squares := 0.0
	for i := range strata {
		if !v.counts(&strata[i]) {
			continue
		}
		w := units(&strata[i]) / total
		m := v.moments(arm(&strata[i]))
		s := w * w * v.perUnit(&m, out.Value, out.den) / float64(m.N)
		if s == 0 {
			continue
		}
		// The sum of s²/(n-1) over the square of the sum of s, kept as a
		// share so that it can neither overflow nor vanish.
		old := out.variance / (out.variance + s)
		part := s / (out.variance + s)
		squares = squares*old*old + part*part/float64(max(m.N-1, 1))
		out.variance += s
	}
	if squares > 0 {
		out.df = 1 / squares
	}
	out.SE = math.Sqrt(out.variance)
}

// moments of the viewed value. Where all units agree the variance of a share
// is that of half a unit added to either side, never 0.
func (v view) moments(m *Moments) Moments {
	if v != viewAny || m.N == 0 {
		return *m
	}
	n, k := float64(m.N), float64(m.Any)
	m2 := k * ((n - k) / n)
	if m2 == 0 {
		p := (k + 0.5) / (n + 1)
		m2 = p * (1 - p) * max(n-1, 1)
	}
	return Moments{N: m.N, Any: m.Any, Mean: k / n, M2: m2}
}

// perUnit is the variance of one unit's contribution: of the value, or for a
// ratio r of means of (value - r denominator) / den (Deng, Knoblich & Lu
// 2018, the delta method). Spread that is only rounding counts as 0.
func (v view) perUnit(m *Moments, r, den float64) float64 {
	free := float64(max(m.N-1, 1))
	if v != viewRatio {
		floor := roundingSD * m.Mean
		if s := m.M2 / free; s > floor*floor {
			return s
		}
		return 0
	}
	r, co := math.Abs(r), math.Copysign(1, r)*m.Co
	whole := m.M2 + r*r*m.DenM2
	rest := whole - 2*r*co
	if rest <= 1e-14*whole {
		return 0
	}
	s := rest / free / den / den
	if floor := roundingSD * r; s > floor*floor {
		return s
	}
	return 0
}

// contrast is a linear combination of two arms, with Welch's degrees of
// freedom.
type contrast struct{ estimate, se, df float64 }

// linear is t times treatment plus c times control plus offset.
func (a *arms) linear(t, c, offset float64) contrast {
	st, sc := math.Abs(t)*a.treatment.SE, math.Abs(c)*a.control.SE
	out := contrast{
		estimate: t*a.treatment.Value + c*a.control.Value + offset,
		se:       math.Hypot(st, sc),
	}
	if out.se > 0 {
		ft, fc := st/out.se, sc/out.se
		out.df = 1 / (share4(ft, a.treatment.df) + share4(fc, a.control.df))
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
// keeps it a linear contrast: no ratio is taken.
func (a *arms) beyond(harm Side, margin Size) contrast {
	h := 1.0
	if harm == SideDown {
		h = -1
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
