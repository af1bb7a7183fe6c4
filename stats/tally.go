package stats

import "math"

// tally is the law of the number of first labels among the events so far, given
// how many events there were at each look and that no earlier look has stopped:
// exact on whole counts, and on cells of several counts where the numbers are
// large. Spreading a count over the two cells around it keeps the mean and
// adds a little variance, so that what cells change is on the side of caution.
type tally struct {
	cell  int64 // counts a cell, a power of two
	first int64 // cell of p[0]
	p     []float64
	room  []float64
	// The variance of the number and how many cells a standard deviation has at
	// least, for the width of the cells.
	variance, fineness float64
}

const (
	// finestCells is the least number of cells in a standard deviation: with it
	// a few hundredths of the error go unused at most.
	finestCells = 48
	// tallyReach is how many standard deviations of an increment count: beyond lie
	// less than 1e-13, next to which an error to spend is large.
	tallyReach = 7.5
)

// newTally has no events yet.
func newTally() *tally { return &tally{cell: 1, p: []float64{1}, fineness: finestCells} }

// add takes in the events of one epoch, of which each carries the first label
// with probability theta in (0,1).
func (t *tally) add(events int64, theta float64) {
	if events <= 0 {
		return
	}
	n := float64(events)
	t.variance += n * theta * (1 - theta)
	for math.Sqrt(t.variance) > 2*t.fineness*float64(t.cell) {
		t.coarsen()
	}
	stride := max(1, t.cell/8)
	low, pmf := binomialLaw(events, stride, theta)
	first, cells := intoCells(low, pmf, t.cell/stride)
	t.convolve(first, cells)
}

// convolve adds an independent number: four rows of the product at a time, so
// that a sum is loaded and stored once for four.
func (t *tally) convolve(first int64, q []float64) {
	const rows = 4
	whole := (len(t.p) + rows - 1) / rows * rows
	out := grow(t.room, whole+len(q)-1)
	padded := make([]float64, len(q)+2*(rows-1))
	copy(padded[rows-1:], q)
	for i := 0; i < whole; i += rows {
		var p [rows]float64
		copy(p[:], t.p[i:])
		if p == [rows]float64{} {
			continue
		}
		sums := out[i : i+len(q)+rows-1]
		for j := range sums {
			v := padded[j : j+rows]
			sums[j] += p[0]*v[3] + p[1]*v[2] + p[2]*v[1] + p[3]*v[0]
		}
	}
	t.room, t.p = t.p, out[:len(t.p)+len(q)-1]
	t.first += first
	t.trim()
}

// grow is a slice of n zeros, in old memory where it suffices.
func grow(room []float64, n int) []float64 {
	if cap(room) < n {
		return make([]float64, n)
	}
	room = room[:n]
	clear(room)
	return room
}

// trim drops what is too unlikely to matter at either end.
func (t *tally) trim() {
	const nothing = 1e-15
	from, to := 0, len(t.p)
	for from < to-1 && t.p[from] < nothing {
		from++
	}
	for to > from+1 && t.p[to-1] < nothing {
		to--
	}
	t.p, t.first = t.p[from:to], t.first+int64(from)
}

// coarsen doubles the cells.
func (t *tally) coarsen() {
	low := t.first
	first, cells := intoCells(low, t.p, 2)
	t.first, t.p, t.cell = first, cells, 2*t.cell
}

// intoCells spreads probabilities of low, low+1, ... over cells of a width.
func intoCells(low int64, p []float64, width int64) (first int64, cells []float64) {
	if width == 1 {
		return low, p
	}
	first = low / width
	cells = make([]float64, (low+int64(len(p))-1)/width-first+2)
	for i, v := range p {
		at := low + int64(i)
		cell, over := at/width, float64(at%width)/float64(width)
		cells[cell-first] += v * (1 - over)
		cells[cell-first+1] += v * over
	}
	return first, cells
}

// binomialLaw is the distribution of n trials around its mean, in steps of stride
// counts: the probabilities of low, low+1, ... times stride. Steps are whole
// counts but where the numbers are so large that the law is smooth between.
func binomialLaw(n, stride int64, theta float64) (low int64, p []float64) {
	x, step := float64(n), float64(stride)
	reach := tallyReach*math.Sqrt(x*theta*(1-theta)) + 20
	from := math.Floor(math.Max(0, x*theta-reach) / step)
	to := math.Ceil(math.Min(x, x*theta+reach) / step)
	p = make([]float64, int(to-from)+1)
	sum := 0.0
	for i := range p {
		if k := (from + float64(i)) * step; k <= x {
			p[i] = math.Exp(logBinomial(x, k, theta))
		}
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return int64(from), p
}

// logBinomial is the log of the chance of k among n.
func logBinomial(n, k, theta float64) float64 {
	if k == 0 {
		return n * math.Log1p(-theta)
	}
	if k == n {
		return n * math.Log(theta)
	}
	return stirling(n) - stirling(k) - stirling(n-k) + 0.5*math.Log(n) - 0.5*math.Log(k) - 0.5*math.Log(n-k) - lnSqrt2Pi -
		deviance(k, n*theta) - deviance(n-k, n*(1-theta))
}

// stopAbove finds the least count whose upper tail is at most chance, takes
// that tail off and returns both; 0 where no count in reach has such a tail.
func (t *tally) stopAbove(chance float64) (least int64, tail float64) {
	at := len(t.p)
	for at > 0 && tail+t.p[at-1] <= chance {
		at--
		tail += t.p[at]
	}
	if at == 0 {
		// Even all of it is not too much: a tail must not take everything.
		return t.take(1, len(t.p), (t.first+1)*t.cell)
	}
	return t.take(at, len(t.p), (t.first+int64(at))*t.cell)
}

// stopBelow is stopAbove for the greatest count whose lower tail is at most
// chance, plus one; 0 where there is none.
func (t *tally) stopBelow(chance float64) (most int64, tail float64) {
	at := 0
	for at < len(t.p)-1 && tail+t.p[at] <= chance {
		tail += t.p[at]
		at++
	}
	if at == 0 {
		return 0, 0
	}
	most, tail = t.take(0, at, (t.first+int64(at)-1)*t.cell+1)
	return most, tail
}

// take removes the cells of [from, to) and returns what was there.
func (t *tally) take(from, to int, count int64) (mark int64, tail float64) {
	for i := from; i < to; i++ {
		tail += t.p[i]
		t.p[i] = 0
	}
	return count, tail
}
