package stats

import "math"

// unknownPlanned is the scale of an experiment of which nobody said how many
// units it will have.
const unknownPlanned = 10000.0

// scales are the information times rho² of the normal mixtures that a method
// averages; mostly one.
type scales struct {
	x        [4]float64
	count    int
	twoSided bool
}

// unknownScales are the sizes tried where the planned units are unknown or not
// trusted, as multiples of a guess: it costs about as much power as a guess
// that is wrong by a factor of 4, and never much more.
var unknownScales = [4]float64{1.0 / 16, 1.0 / 4, 1, 4}

// scalesAt are those at an information; alpha is that of Rho2, share the part
// of the planned units at which the boundary is to be tightest.
func (d *Design) scalesAt(info, alpha, share float64) scales {
	if d.Method != MethodScaleMixture && d.Planned > 0 {
		return scales{x: [4]float64{info * Rho2(alpha, d.Planned*share)}, count: 1}
	}
	s := scales{count: len(unknownScales)}
	guess := d.Planned
	if guess == 0 {
		guess = unknownPlanned
	}
	for i, factor := range unknownScales {
		s.x[i] = info * Rho2(alpha, guess*factor)
	}
	return s
}

// oneSidedAt is the average of one-sided normal mixtures at an information,
// which is an e-value as each of them is; twoSidedAt the same of two-sided ones.
func (d *Design) oneSidedAt(info, share float64) scales {
	return d.scalesAt(info, 2*d.Alpha, share)
}

func (d *Design) twoSidedAt(info float64) scales {
	s := d.scalesAt(info, d.Alpha, 1)
	s.twoSided = true
	return s
}

// logE is the log e-value of a standardised effect z.
func (s *scales) logE(z float64) float64 {
	if s.count == 1 {
		return s.logOf(s.x[0], z)
	}
	value, _ := s.slope(z)
	return value
}

// logOf is that of one of the mixtures.
func (s *scales) logOf(x, z float64) float64 {
	if s.twoSided {
		return TwoSided{X: x}.LogE(z)
	}
	return OneSided{X: x}.LogE(z)
}

// slope is the log e-value with its derivative in z.
func (s *scales) slope(z float64) (value, slope float64) {
	var logs, slopes [4]float64
	for i, x := range s.x[:s.count] {
		logs[i] = s.logOf(x, z)
		slopes[i] = x / (x + 1) * z
		if !s.twoSided {
			shrink := OneSided{X: x}.shrink()
			slopes[i] += shrink * hazard(z*shrink)
		}
	}
	return average(logs[:s.count], slopes[:s.count])
}

// average is the log of the mean of e-values given by logs, and its slope.
func average(logs, slopes []float64) (value, slope float64) {
	top := logs[0]
	for _, l := range logs {
		top = max(top, l)
	}
	sum := 0.0
	for i, l := range logs {
		w := math.Exp(l - top)
		sum += w
		slope += w * slopes[i]
	}
	return top + math.Log(sum/float64(len(logs))), slope / sum
}

// critical is the z at which the log e-value reaches ln(1/alpha).
func (s *scales) critical(alpha float64) float64 {
	if s.count == 1 {
		return s.criticalOf(s.x[0], alpha)
	}
	z := math.Inf(1)
	for _, x := range s.x[:s.count] {
		z = min(z, s.criticalOf(x, alpha/float64(s.count)))
	}
	return descend(s.slope, z, -math.Log(alpha))
}

// criticalOf is that of one of the mixtures.
func (s *scales) criticalOf(x, alpha float64) float64 {
	if s.twoSided {
		return TwoSided{X: x}.Critical(alpha)
	}
	return OneSided{X: x}.Critical(alpha)
}

// descend finds where a convex rising function has a value, from a start where
// it is larger: Newton's steps come down to it. An average of e-values is at
// least each over their number, which gives such a start.
func descend(f func(float64) (value, slope float64), from, target float64) float64 {
	z := from
	for range 60 {
		value, slope := f(z)
		step := (value - target) / slope
		z -= step
		if math.Abs(step) <= 1e-13*math.Max(1, math.Abs(z)) {
			break
		}
	}
	return z
}
