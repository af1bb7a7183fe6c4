package main

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// bar is something that the product must reach, and whether it did.
type bar struct {
	text  string
	value string
	limit string
	met   bool
}

// risk is the chance that any bar of validity is missed by mere chance where
// every test has exactly its level.
const risk = 0.05

// promised are the lines that must not stop more often than their level.
func (r results) promised() (out []*line) {
	for i := range r {
		if r[i].level > 0 && !r[i].cell.harmful {
			out = append(out, &r[i])
		}
	}
	return out
}

// verdict on a promised line: the most hits that chance explains at the risk
// shared by all promised lines (Bonferroni), and whether there are no more.
func (l *line) verdict(lines int) (most int, met bool) {
	most = mostHits(l.reps, l.level, risk/float64(lines))
	return most, l.hits <= most
}

// validityBars has one bar a promised line.
func validityBars(r results) (out []bar) {
	lines := r.promised()
	for _, l := range lines {
		most, met := l.verdict(len(lines))
		out = append(out, bar{
			text:  fmt.Sprintf("%s: %s stops a harmless change", l.cell.key(), l.method),
			value: percent(l.rate()), limit: "at most " + percent(float64(most)/float64(l.reps)), met: met,
		})
	}
	return out
}

// promise is a bar of power or speed.
type promise struct {
	cell, method string
	versus       string  // method to compare with; empty: the limit is absolute
	speed        bool    // the mean number of units is meant, otherwise the rate
	limit        float64 // rate: at least; speed: at most; with versus a difference of rates or a factor of units
}

// promises are the bars of power and speed, set before any figure was seen.
func promises() []promise {
	const (
		gaussian = "Gaussian +0.05 sd, N = 20000, 50/50, 28 looks"
		frequent = "Gaussian +0.05 sd, N = 20000, 50/50, 100 looks"
		errors   = "error rate 2 to 3 %, N = 5000, 50/50, 28 looks"
		canary   = "error rate 2 to 4 %, N = 5000, 10/90, 28 looks"
		ratio    = "split 53/47, declared 50/50, N = 5000, 28 looks"
		mixture  = "normal mixture n*=N"
		oracle   = "e-process by definition"
	)
	return []promise{
		{cell: gaussian, method: capped, limit: 0.93},
		{cell: gaussian, method: capped, speed: true, limit: 0.46},
		{cell: errors, method: capped, limit: 0.60},
		{cell: canary, method: capped, limit: 0.70},
		{cell: gaussian, method: uncapped, versus: mixture, limit: -0.01},
		{cell: gaussian, method: uncapped, versus: mixture, speed: true, limit: 1.05},
		{cell: frequent, method: uncapped, versus: mixture, limit: -0.01},
		{cell: frequent, method: uncapped, versus: mixture, speed: true, limit: 1.05},
		{cell: errors, method: uncapped, versus: oracle, limit: -0.01},
		{cell: errors, method: uncapped, versus: oracle, speed: true, limit: 1.05},
		{cell: canary, method: uncapped, versus: oracle, limit: -0.01},
		{cell: canary, method: uncapped, versus: oracle, speed: true, limit: 1.05},
		{cell: ratio, method: capped, limit: 0.75},
	}
}

// powerBars judges the promises. slack is how many standard errors a figure may
// be off: none in a full run.
func powerBars(r results, slack float64) (out []bar, err error) {
	for _, p := range promises() {
		l, err := r.find(p.cell, p.method)
		if err != nil {
			return nil, err
		}
		reference := &line{}
		if p.versus != "" {
			if reference, err = r.find(p.cell, p.versus); err != nil {
				return nil, err
			}
		}
		out = append(out, p.judge(l, reference, slack))
	}
	return out, nil
}

// judge one promise.
func (p promise) judge(l, reference *line, slack float64) bar {
	b := bar{text: p.cell + ": power of " + p.method, value: percent(l.rate())}
	if p.speed {
		limit := p.limit
		b.text = p.cell + ": mean units until " + p.method + " stops"
		b.value, b.limit = percent(l.mean)+" of N", "at most "+percent(limit)+" of N"
		if p.versus != "" {
			limit *= reference.mean
			b.limit = fmt.Sprintf("at most %.2f times %s of N (%s)", p.limit, percent(reference.mean), p.versus)
		}
		b.met = l.mean <= limit+slack*l.meanSE
		return b
	}
	limit := p.limit
	b.limit = "at least " + percent(limit)
	if p.versus != "" {
		limit += reference.rate()
		b.limit = fmt.Sprintf("at least %s (%s) less 1 point", percent(reference.rate()), p.versus)
	}
	b.met = l.rate() >= limit-slack*standardError(l.rate(), l.reps)
	return b
}

// miss is what is said of a miss where there is no harm, beside how often the
// harm of that size is missed.
type miss struct {
	name      string
	reps      int
	low, high float64 // what nine in ten replications said lies between
	said      float64 // on average
	missed    float64
}

// missTolerance is how far above what was said the truth may lie.
const missTolerance = 0.01

// misses of the pairs of cells.
func (r results) misses() (out []miss, err error) {
	for _, name := range []string{"Gaussian, mde 0.05 sd, ", "error rate 2 %, mde +50 %, "} {
		said, err := r.find(name+"no harm, 28 looks", missSaid)
		if err != nil {
			return nil, err
		}
		found, err := r.find(name+"a harm of that size, 28 looks", capped)
		if err != nil {
			return nil, err
		}
		if len(said.said) == 0 {
			return nil, fmt.Errorf("%sno replication said anything", name)
		}
		low, high := central(said.said, 0.9)
		out = append(out, miss{
			name: name[:len(name)-2], reps: said.reps, low: low, high: high,
			said: floats.Sum(said.said) / float64(len(said.said)), missed: 1 - found.rate(),
		})
	}
	return out, nil
}

// missBars judges what is said of misses.
func missBars(list []miss, slack float64) (out []bar) {
	for _, m := range list {
		out = append(out, bar{
			text:  m.name + ": share of harms of that size that are missed",
			value: percent(m.missed), limit: fmt.Sprintf("at most %s as said, plus 1 point", percent(m.said)),
			met: m.missed <= m.said+missTolerance+slack*standardError(m.missed, m.reps),
		})
	}
	return out
}

// allBars of a run.
func allBars(r results, slack float64) ([]bar, error) {
	power, err := powerBars(r, slack)
	if err != nil {
		return nil, err
	}
	said, err := r.misses()
	if err != nil {
		return nil, err
	}
	return append(append(validityBars(r), power...), missBars(said, slack)...), nil
}

// missed are the bars that were not reached.
func missed(bars []bar) (out []bar) {
	for _, b := range bars {
		if !b.met {
			out = append(out, b)
		}
	}
	return out
}
