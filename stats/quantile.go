package stats

import (
	"fmt"
	"math"
)

// endsZ is how many standard errors of a share the ends of a Quantile are from
// it: those of a 95 % interval.
const endsZ = 1.959963984540054

// Quantile is a sample quantile of one arm with the ends of its order-statistic
// interval (Deng, Knoblich & Lu 2018; Yao, Li & Lu 2024): values of
// units, or of events of which a unit has several.
type Quantile struct {
	N     int64   // values, >= 0
	Nu    float64 // which quantile, in (0,1): 0.95
	Value float64 // the quantile, in the metric's unit
	// Lower and Upper are the quantiles at QuantileEnds of Sample values.
	Lower, Upper float64
	// Sample is the number of values whose ends were taken; 0 = N. Where the
	// warehouse needs a place fixed before N is known, one close to N will do:
	// the ends only tell how dense values are about the quantile.
	Sample int64
	// Below, for events, are the moments over units of the number of events at or
	// below Value (the value) and of events (the denominator); zero where values
	// are of units.
	Below Moments
}

// QuantileEnds are the places of the ends for the quantile nu of n values, in
// (0,1): nu -+ 1.96 sqrt(nu(1-nu)/n). Not ok where an end falls off the sample:
// n <= 3.84 nu/(1-nu), and the same for the lower end.
func QuantileEnds(n int64, nu float64) (lower, upper float64, ok bool) {
	if n <= 0 || !(nu > 0 && nu < 1) {
		return 0, 0, false
	}
	h := endsZ * math.Sqrt(nu*(1-nu)/float64(n))
	lower, upper = nu-h, nu+h
	return lower, upper, lower > 0 && upper < 1
}

// Moments are N units (for events, the units of Below) with the quantile's value
// for a mean and a variance that gives this mean the standard error of the
// quantile: a quantile is to first order a mean of its units' influences
// (Bahadur 1966). Standardising over epochs and Compare take them as any
// others; Merge does not, since the quantile of two parts is not a mean of
// theirs. Where the status is not ok there are no units, and a note says why:
// too_few, no_variance (the ends meet: tied values have no density),
// not_finite, bad_question.
func (q *Quantile) Moments() (Moments, Status, string) {
	if status, note := q.question(); status != StatusOK {
		return Moments{}, status, note
	}
	n := q.N
	if q.Below.N > 0 {
		n = q.Below.N
	}
	se := q.sparsity() * math.Sqrt(q.shareVariance())
	m := Moments{N: n, Any: n, Mean: q.Value, M2: se * se * float64(n) * float64(n-1), Free: q.free()}
	switch {
	case !m.finite():
		return Moments{}, StatusNotFinite, "the variance of the quantile overflows"
	case m.M2 == 0:
		return Moments{}, StatusNoVariance, "the quantile has no variance: values are tied about it"
	default:
		return m, StatusOK, ""
	}
}

// sample is the number of values whose ends were taken.
func (q *Quantile) sample() int64 {
	if q.Sample > 0 {
		return q.Sample
	}
	return q.N
}

// sparsity is 1/density at the quantile: the distance of the ends over that of
// their places.
func (q *Quantile) sparsity() float64 {
	h := endsZ * math.Sqrt(q.Nu*(1-q.Nu)/float64(q.sample()))
	return (q.Upper - q.Lower) / (2 * h)
}

// free are the degrees of freedom of the variance. The distance of the ends is
// a sum of the spacings of k values, each all but exponential: its square
// varies like a chi-square of k/2 degrees. Values of one unit tell as much as
// the cluster factor lets them, and that is known from the units.
func (q *Quantile) free() float64 {
	lower, upper, _ := QuantileEnds(q.sample(), q.Nu)
	k := (upper - lower) * float64(q.N) / max(q.ClusterFactor(), 1)
	if q.Below.N <= 0 {
		return k / 2
	}
	return 1 / (2/k + 1/free(&q.Below))
}

// independent is the variance of the share at or below the quantile if values
// were independent.
func (q *Quantile) independent() float64 { return q.Nu * (1 - q.Nu) / float64(q.N) }

// shareVariance is the variance of the share at or below the quantile: of a
// ratio of means over units where values are events.
func (q *Quantile) shareVariance() float64 {
	if q.Below.N <= 0 {
		return q.independent()
	}
	_, by := viewRatio.value(meansOf(&q.Below))
	return by.perUnit(&q.Below) / float64(q.Below.N)
}

// ClusterFactor is the variance of the share at or below the quantile over what
// it would be if values were independent: 1 for values of units, and 0 where
// Below cannot be that of N events.
func (q *Quantile) ClusterFactor() float64 {
	if f := q.shareVariance() / q.independent(); isFinite(f) {
		return f
	}
	return 0
}

// question checks a quantile.
func (q *Quantile) question() (Status, string) {
	events := q.Below.DenMean * float64(q.Below.N)
	switch {
	case !isFinite(q.Value) || !isFinite(q.Lower) || !isFinite(q.Upper) || !q.Below.finite():
		return StatusNotFinite, "the quantile is not finite"
	case !(q.Nu > 0 && q.Nu < 1):
		return StatusBadQuestion, "a quantile is not between 0 and 1"
	case q.N < 0 || q.N > mostUnits || !q.Below.consistent():
		return StatusBadQuestion, "the moments of a quantile contradict themselves"
	case q.N < 2 || q.Below.N == 1:
		return StatusTooFew, "fewer than two units"
	case q.Lower > q.Value || q.Value > q.Upper:
		return StatusBadQuestion, "a quantile is outside of its interval"
	case q.Below.N > 0 && math.Abs(events-float64(q.N)) > 1e-6*float64(q.N):
		return StatusBadQuestion, "the units of a quantile have other events than its values"
	}
	n := q.sample()
	if f := q.ClusterFactor(); f > 1 {
		n = min(n, int64(float64(q.N)/f))
	}
	if _, _, ok := QuantileEnds(n, q.Nu); !ok {
		return StatusTooFew, fmt.Sprintf("%d independent values are too few for the quantile %g", n, q.Nu)
	}
	return StatusOK, ""
}

// QuantileStratum is one epoch of a comparison of quantiles.
type QuantileStratum struct {
	Epoch              int
	Share              float64 // as in Stratum
	Control, Treatment Quantile
}

// CompareQuantiles is Compare for quantiles, standardised over epochs: the mean
// of the epochs' quantiles, not the quantile of all values. The design is that
// of a mean. An epoch without an answer is left out and noted; where none has
// one the status is that of the first with units.
func CompareQuantiles(d Design, strata []QuantileStratum, now Look) Comparison {
	usable := make([]Stratum, 0, len(strata))
	status, why, left := StatusOK, "", 0
	for i := range strata {
		s := &strata[i]
		control, cs, cn := s.Control.Moments()
		treatment, ts, tn := s.Treatment.Moments()
		if cs == StatusOK && ts == StatusOK {
			usable = append(usable, Stratum{Epoch: s.Epoch, Share: s.Share, Control: control, Treatment: treatment})
			continue
		}
		if s.Control.N == 0 && s.Treatment.N == 0 {
			continue
		}
		left++
		if cs == StatusOK {
			cs, cn = ts, tn
		}
		if status == StatusOK {
			status, why = cs, cn
		}
	}
	c := Compare(d, usable, now)
	switch {
	case len(usable) == 0 && left > 0 && c.Status == StatusNoUnits:
		c.cannot(status, why)
	case left > 0:
		c.epochsLeftOut(left, why)
	}
	return c
}
