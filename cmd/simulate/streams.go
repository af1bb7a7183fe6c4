package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"assay/stats"
)

// masterSeed seeds every stream of the simulation. It was chosen once, before
// any figure was seen.
const masterSeed uint64 = 0x61737361795f7631

// stream is the source of chance of one replication of one cell: its own,
// whoever runs it and whatever runs beside it.
func stream(cell string, replication int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(cell)) // A hash never errs.
	return rand.New(rand.NewPCG(masterSeed^h.Sum64(), scatter(uint64(replication))))
}

// scatter sends neighbouring numbers far apart (Steele, Lea & Flood 2014, the
// finalizer of splitmix64), so that neighbouring replications share nothing.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// mostTrials is how many trials binomial takes at once: half to that power is
// still far above the smallest float.
const mostTrials = 512

// binomial is the number of successes in n trials of probability p in [0,1],
// drawn exactly, by inversion.
func binomial(r *rand.Rand, n int, p float64) int {
	switch {
	case n <= 0 || p <= 0:
		return 0
	case p > 0.5:
		return n - binomial(r, n, 1-p)
	}
	k := 0
	for ; n > mostTrials; n -= mostTrials {
		k += invert(r.Float64(), mostTrials, p)
	}
	return k + invert(r.Float64(), n, p)
}

// invert is the least k whose binomial distribution function exceeds u.
func invert(u float64, n int, p float64) int {
	odds := p / (1 - p)
	mass := math.Pow(1-p, float64(n))
	for k := range n {
		u -= mass
		if u < 0 {
			return k
		}
		mass *= odds * float64(n-k) / float64(k+1)
	}
	return n
}

// chiSquare draws from the chi-square distribution; 0 without any degree of
// freedom.
func chiSquare(r *rand.Rand, df int) float64 {
	if df <= 0 {
		return 0
	}
	return distuv.ChiSquared{K: float64(df), Src: r}.Rand()
}

// normalBatch are the moments of n normal values of variance 1: their mean and
// their sum of squares are independent, so that no value need be drawn. The
// third moment stays untold.
func normalBatch(r *rand.Rand, n int, mean float64) stats.Moments {
	if n == 0 {
		return stats.Moments{}
	}
	return stats.Moments{
		N: int64(n), Any: int64(n),
		Mean: mean + r.NormFloat64()/math.Sqrt(float64(n)), M2: chiSquare(r, n-1),
	}
}

// correlatedBatch are the moments of n units with as many normal values of
// variance 1 and pairwise correlation rho as there are means, into out. A value
// is sqrt(rho) of a factor that the unit's values share plus sqrt(1-rho) of its
// own: given the factor's sum of squares S, its sum of products with an own part
// is sqrt(S) times a standard normal Z, and that part's sum of squares is Z² plus
// an independent chi-square with n-2 degrees of freedom.
func correlatedBatch(r *rand.Rand, n int, rho float64, means []float64, out []stats.Moments) {
	if n == 0 {
		clear(out)
		return
	}
	root := math.Sqrt(float64(n))
	factor, square := r.NormFloat64()/root, chiSquare(r, n-1)
	for i, mean := range means {
		own, z := r.NormFloat64()/root, 0.0
		if n > 1 {
			z = r.NormFloat64()
		}
		out[i] = stats.Moments{
			N: int64(n), Any: int64(n),
			Mean: mean + math.Sqrt(rho)*factor + math.Sqrt(1-rho)*own,
			M2:   rho*square + 2*math.Sqrt(rho*(1-rho)*square)*z + (1-rho)*(z*z+chiSquare(r, n-2)),
		}
	}
}

// share01 are the moments of n units of which k have the value 1, the others 0.
func share01(n, k int) stats.Moments {
	if n == 0 {
		return stats.Moments{}
	}
	units, events := float64(n), float64(k)
	p := events / units
	return stats.Moments{
		N: int64(n), Any: int64(k), Mean: p,
		M2: events * (1 - p), M3: events * (1 - p) * (1 - 2*p),
	}
}

// sums are of values less a shift near their mean, so that powers lose no digits.
type sums struct {
	n                     int
	any                   int64
	shift, one, two, cube float64
}

func (s *sums) add(x float64) {
	d := x - s.shift
	s.n++
	if x != 0 {
		s.any++
	}
	s.one += d
	s.two += d * d
	s.cube += d * d * d
}

// moments up to the third.
func (s *sums) moments() stats.Moments {
	if s.n == 0 {
		return stats.Moments{}
	}
	n := float64(s.n)
	m := s.one / n
	return stats.Moments{
		N: int64(s.n), Any: s.any, Mean: s.shift + m,
		M2: max(s.two-n*m*m, 0),
		M3: s.cube - 3*m*s.two + 2*n*m*m*m,
	}
}

// merge is stats.Merge with the third moment (Pebay 2008).
func merge(a, b stats.Moments) stats.Moments {
	out := stats.Merge(a, b)
	if a.N == 0 || b.N == 0 {
		out.M3 = a.M3 + b.M3
		return out
	}
	na, nb := float64(a.N), float64(b.N)
	n, d := na+nb, b.Mean-a.Mean
	out.M3 = a.M3 + b.M3 + d*d*d*na*nb*(na-nb)/(n*n) + 3*d*(na*b.M2-nb*a.M2)/n
	return out
}
