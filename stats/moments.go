package stats

import "math"

// FromWarehouse makes Moments of n units of which nonzero have a value other
// than zero, from the warehouse's AVG and VAR_SAMP of the value (0 where the
// warehouse gives NULL).
func FromWarehouse(n, nonzero int64, mean, varSamp float64) Moments {
	if n <= 0 {
		return Moments{}
	}
	return Moments{N: n, Any: nonzero, Mean: mean, M2: varSamp * float64(n-1)}
}

// WithDenominator adds a ratio's denominator: its AVG and VAR_SAMP, and the
// COVAR_SAMP of numerator and denominator.
func (m Moments) WithDenominator(mean, varSamp, covarSamp float64) Moments {
	if m.N <= 0 {
		return Moments{}
	}
	free := float64(m.N - 1)
	m.DenMean, m.DenM2, m.Co = mean, varSamp*free, covarSamp*free
	return m
}

// WithCovariate adds a covariate: its AVGs, and in the place of the sums the
// VAR_SAMPs and COVAR_SAMPs of the warehouse.
func (m Moments) WithCovariate(sample PreMoments) Moments {
	if m.N <= 0 {
		return Moments{}
	}
	free := float64(m.N - 1)
	m.Pre = PreMoments{
		Mean: sample.Mean, M2: sample.M2 * free,
		DenMean: sample.DenMean, DenM2: sample.DenM2 * free,
		Co: sample.Co * free, Value: sample.Value * free, Den: sample.Den * free,
		OfValue: sample.OfValue * free, OfDen: sample.OfDen * free,
	}
	return m
}

const (
	// rawNoise is the relative error that engines make in an average of cubes.
	rawNoise = 1e-12
	// skewNoise is the error of a skewness from which on it says nothing.
	skewNoise = 0.01
)

// WithThird adds the third moment from the warehouse's AVG(value*value*value).
// Where the mean is more than some two thousand standard deviations the centred
// moment is lost in the rounding of the raw one: then it stays unknown, as it
// does where it is out of range.
func (m Moments) WithThird(raw float64) Moments {
	m.M3 = 0
	if m.N <= 0 || m.M2 <= 0 {
		return m
	}
	n := float64(m.N)
	v := m.M2 / n
	cube, cross := m.Mean*m.Mean*m.Mean, 3*m.Mean*v
	noise := rawNoise * (math.Abs(raw) + math.Abs(cube) + math.Abs(cross))
	if !(noise <= skewNoise*v*math.Sqrt(v)) {
		return m
	}
	m.M3 = told(n * (raw - cube - cross))
	if !m.skewPossible() {
		m.M3 = 0
	}
	return m
}

// told is a third moment that is known, in the form of Moments.M3: 0 is kept
// for the unknown, so that of a symmetrical value is the smallest float.
func told(m3 float64) float64 {
	switch {
	case !isFinite(m3):
		return 0
	case m3 == 0:
		return math.SmallestNonzeroFloat64
	default:
		return m3
	}
}

// third is the sum of cubed deviations, not ok where it is unknown. Values that
// are all 0 or 1 need none from the warehouse: Any tells their share.
func (m *Moments) third() (m3 float64, ok bool) {
	if m.M3 != 0 || m.M2 == 0 {
		return m.M3, true
	}
	n, k := float64(m.N), float64(m.Any)
	p := k / n
	if math.Abs(m.Mean-p) <= 1e-9*p && math.Abs(m.M2-k*(1-p)) <= 1e-9*m.M2 {
		return k * (1 - p) * (1 - 2*p), true
	}
	return 0, false
}

// Merge is the Moments of the units of a and b together (Chan, Golub & LeVeque
// 1979; third moments Pébay 2008). The means move by a fused
// multiply-add, so that thousands of merges lose no more than rounding. The
// third moment is unknown where that of a part is. A part without a covariate
// counts as one whose covariate is zero.
func Merge(a, b Moments) Moments {
	if a.N < b.N {
		a, b = b, a
	}
	if b.N <= 0 {
		return a
	}
	n := float64(a.N) + float64(b.N)
	share := float64(b.N) / n
	cross := float64(a.N) * share
	d, dd := b.Mean-a.Mean, b.DenMean-a.DenMean
	return Moments{
		N:       a.N + b.N,
		Any:     a.Any + b.Any,
		Mean:    math.FMA(d, share, a.Mean),
		M2:      a.M2 + b.M2 + d*d*cross,
		DenMean: math.FMA(dd, share, a.DenMean),
		DenM2:   a.DenM2 + b.DenM2 + dd*dd*cross,
		Co:      a.Co + b.Co + d*dd*cross,
		M3:      mergeThird(&a, &b, share),
		Pre:     mergePre(&a, &b, share),
	}
}

// mergeThird is M3 of both; share is that of b among the units.
func mergeThird(a, b *Moments, share float64) float64 {
	am3, ak := a.third()
	bm3, bk := b.third()
	if !ak || !bk {
		return 0
	}
	d, rest := b.Mean-a.Mean, 1-share
	cross := float64(a.N) * share
	m3 := am3 + bm3 + d*d*d*cross*(rest-share) + 3*d*(rest*b.M2-share*a.M2)
	if m3 == 0 && a.M2 == 0 && b.M2 == 0 && d == 0 {
		return 0 // Nothing varies.
	}
	return told(m3)
}

// mergePre is Pre of both; share is that of b among the units.
func mergePre(a, b *Moments, share float64) PreMoments {
	p, q := &a.Pre, &b.Pre
	cross := float64(a.N) * share
	d, dd := (b.Mean-a.Mean)*cross, (b.DenMean-a.DenMean)*cross
	x, xd := q.Mean-p.Mean, q.DenMean-p.DenMean
	return PreMoments{
		Mean:    math.FMA(x, share, p.Mean),
		M2:      p.M2 + q.M2 + x*x*cross,
		DenMean: math.FMA(xd, share, p.DenMean),
		DenM2:   p.DenM2 + q.DenM2 + xd*xd*cross,
		Co:      p.Co + q.Co + x*xd*cross,
		Value:   p.Value + q.Value + x*d,
		Den:     p.Den + q.Den + x*dd,
		OfValue: p.OfValue + q.OfValue + xd*d,
		OfDen:   p.OfDen + q.OfDen + xd*dd,
	}
}

// WithZeros adds n units whose value, denominator and covariate are exactly
// zero: those for which the warehouse had no row.
func WithZeros(m Moments, n int64) Moments { return Merge(m, Moments{N: max(n, 0)}) }

// Variance of the value over units, with divisor N-1; not ok below two units.
func (m Moments) Variance() (v float64, ok bool) {
	if m.N < 2 {
		return 0, false
	}
	return max(m.M2, 0) / float64(m.N-1), true
}

// finite tells whether every moment is a finite number.
func (m Moments) finite() bool {
	return isFinite(m.Mean) && isFinite(m.M2) && isFinite(m.DenMean) && isFinite(m.DenM2) && isFinite(m.Co) &&
		isFinite(m.M3) && isFinite(m.Free) && m.Pre.finite()
}

// finite tells whether every moment of the covariate is a finite number.
func (p *PreMoments) finite() bool {
	return isFinite(p.Mean) && isFinite(p.M2) && isFinite(p.DenMean) && isFinite(p.DenM2) && isFinite(p.Co) &&
		isFinite(p.Value) && isFinite(p.Den) && isFinite(p.OfValue) && isFinite(p.OfDen)
}

// mostUnits is the number up to which floats count exactly.
const mostUnits = 1 << 53

// consistent tells whether units can have such moments.
func (m Moments) consistent() bool {
	return m.N >= 0 && m.N <= mostUnits && m.Any >= 0 && m.Any <= m.N && m.M2 >= 0 && m.DenM2 >= 0 &&
		m.Pre.M2 >= 0 && m.Pre.DenM2 >= 0 && (m.Free == 0 || m.Free >= 0.1) && m.skewPossible()
}

// skewPossible tells whether the third moment can belong to the second: the sum
// of cubes is at most that of squares to the power of 3/2.
func (m *Moments) skewPossible() bool {
	const slack, tiny = 1 + 1e-6, 1e-300
	return math.Abs(m.M3) <= m.M2*math.Sqrt(m.M2)*slack+tiny
}

// isFinite tells whether x is neither NaN nor infinite.
func isFinite(x float64) bool { return x-x == 0 }
