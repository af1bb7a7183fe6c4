package stats

import "math"

// walk is the law of a Brownian score that has stayed below every bound so far,
// by the recursion of Armitage, McPherson & Rowe (1969): point masses at the
// nodes of a quadrature over the score at the last look. A score at information
// I has mean drift*I and variance I.
type walk struct {
	drift float64
	info  float64 // at the last look
	nodes []float64
	mass  []float64
	spare walkRoom
}

// walkRoom is memory for the nodes of the next look.
type walkRoom struct{ nodes, mass []float64 }

// newWalk starts at score 0 with no information.
func newWalk(drift float64) *walk {
	return &walk{drift: drift, nodes: []float64{0}, mass: []float64{1}}
}

const (
	// walkReach is how many standard deviations of the whole score count: beyond
	// lie less than 1e-10.
	walkReach = 6.5
	// kernelReach is the same for one step, where the neglected parts add up.
	kernelReach = 7.5
	// panelWidth is the width of a panel in standard deviations of the smaller
	// step; five Gauss nodes in each give crossing probabilities to 1e-9.
	panelWidth = 1.5
	// mostPanels is never reached by looks that bring the least news.
	mostPanels = 1 << 13
)

// gauss5 are the nodes and weights of Gauss-Legendre quadrature on [-1, 1].
var gauss5 = [5][2]float64{
	{-0.9061798459386640, 0.2369268850561891},
	{-0.5384693101056831, 0.4786286704993665},
	{0, 0.5688888888888889},
	{0.5384693101056831, 0.4786286704993665},
	{0.9061798459386640, 0.2369268850561891},
}

// above is the probability that the score, after no earlier crossing, is above
// bound at that information, and the density there.
func (w *walk) above(info, bound float64) (chance, density float64) {
	step := info - w.info
	sd := math.Sqrt(step)
	for j, s := range w.nodes {
		z := (bound - s - w.drift*step) / sd
		if z > 40 {
			continue
		}
		chance += w.mass[j] * 0.5 * math.Erfc(z/math.Sqrt2)
		density += w.mass[j] * math.Exp(-z*z/2)
	}
	return chance, density / sd / math.Sqrt(2*math.Pi)
}

// stay moves to a look at which the score stayed at or below bound; next is
// the information of the look after it, which sets how fine the nodes are.
func (w *walk) stay(info, bound, next float64) {
	step := info - w.info
	sd := math.Sqrt(step)
	low := w.drift*info - walkReach*math.Sqrt(info)
	nodes, mass := w.spare.nodes[:0], w.spare.mass[:0]
	if low < bound {
		width := panelWidth * min(sd, math.Sqrt(next-info))
		panels := min(math.Ceil((bound-low)/width), mostPanels)
		half := (bound - low) / panels / 2
		for p := range int(panels) {
			middle := low + half*float64(2*p+1)
			for _, g := range gauss5 {
				nodes = append(nodes, middle+half*g[0])
				mass = append(mass, half*g[1]/sd/math.Sqrt(2*math.Pi))
			}
		}
		w.spread(nodes, mass, step)
	}
	w.spare = walkRoom{w.nodes, w.mass}
	w.nodes, w.mass, w.info = nodes, mass, info
}

// spread multiplies weights by the sum of kernels from the masses of the last
// look, which lie in rising order as the new nodes do.
func (w *walk) spread(nodes, weights []float64, step float64) {
	sd, first := math.Sqrt(step), 0
	reach := kernelReach * sd
	for i, x := range nodes {
		from := x - w.drift*step
		for first < len(w.nodes) && w.nodes[first] < from-reach {
			first++
		}
		last := first
		for last < len(w.nodes) && w.nodes[last] <= from+reach {
			last += min(len(gauss5), len(w.nodes)-last)
		}
		weights[i] *= w.kernels(from, sd, first-first%len(gauss5), last)
	}
}

// run is how many panels one exponential serves: the errors of its products grow
// with the square, to a few 1e-15.
const run = 16

// kernels is the sum over nodes [first, last) of their masses times
// exp(-d²/2), d being their distance from a point in standard deviations. First
// nodes of panels are equally far apart, as second ones are and so on: along
// them the kernel is a product whose factor falls geometrically.
func (w *walk) kernels(from, sd float64, first, last int) float64 {
	const k = len(gauss5)
	if len(w.nodes) <= k {
		sum := 0.0
		for j := first; j < last; j++ {
			d := (from - w.nodes[j]) / sd
			sum += w.mass[j] * math.Exp(-d*d/2)
		}
		return sum
	}
	apart := (w.nodes[k] - w.nodes[0]) / sd
	fall := math.Exp(-apart * apart)
	sum := 0.0
	for block := first; block < last; block += run * k {
		end := min(block+run*k, last)
		for j := block; j < block+k; j++ {
			d := (from - w.nodes[j]) / sd
			kernel, factor := math.Exp(-d*d/2), math.Exp(apart*(d-apart/2))
			for i := j; i < end; i += k {
				sum += w.mass[i] * kernel
				kernel *= factor
				factor *= fall
			}
		}
	}
	return sum
}

// solve is the bound above which the score is with that chance at a look: the
// root of a falling function, by Newton's steps on its log, which is concave,
// kept inside a bracket.
func (w *walk) solve(info, chance float64) float64 {
	low, high := w.bracket(info, chance)
	target := math.Log(chance)
	b := (low + high) / 2
	for range 100 {
		p, density := w.above(info, b)
		if p >= chance {
			low = b
		} else {
			high = b
		}
		next := b + (math.Log(p)-target)*p/density
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-b) <= 1e-12*math.Sqrt(info) {
			return next
		}
		b = next
	}
	return b
}

// bracket are scores with more and with less than that chance above them.
func (w *walk) bracket(info, chance float64) (low, high float64) {
	sd := math.Sqrt(info)
	low, high = w.drift*info-walkReach*sd, w.drift*info+sd
	for p, _ := w.above(info, high); p > chance; p, _ = w.above(info, high) {
		low, high = high, high+sd
	}
	return low, high
}
