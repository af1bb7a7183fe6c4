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

// Merge is the Moments of the units of a and b together (Chan, Golub & LeVeque
// 1979). The means move by a fused multiply-add, so that thousands of
// merges lose no more than rounding.
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
	}
}

// WithZeros adds n units whose value and denominator are exactly zero: those
// for which the warehouse had no row.
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
	return isFinite(m.Mean) && isFinite(m.M2) && isFinite(m.DenMean) && isFinite(m.DenM2) && isFinite(m.Co)
}

// mostUnits is the number up to which floats count exactly.
const mostUnits = 1 << 53

// consistent tells whether units can have such moments.
func (m Moments) consistent() bool {
	return m.N >= 0 && m.N <= mostUnits && m.Any >= 0 && m.Any <= m.N && m.M2 >= 0 && m.DenM2 >= 0
}

// isFinite tells whether x is neither NaN nor infinite.
func isFinite(x float64) bool { return x-x == 0 }
