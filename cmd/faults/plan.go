package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Stores of a scenario.
const (
	storeRemembering = "remembering receiver" // applies each id once, shows its state
	storeForgetful   = "forgetful receiver"   // applies whatever comes, shows its state
	storeSilent      = "silent receiver"      // applies each id once, does not tell its state
	storeFile        = "flag file"
)

var storeKinds = []string{storeRemembering, storeForgetful, storeSilent, storeFile}

// Stories are what the data of an experiment tell.
const (
	storyHarm     = "harm"     // from the first day on
	storyLate     = "late"     // from the third day on
	storyHarmless = "harmless" // never
	storyWin      = "win"      // an experiment whose goal gets better
)

var stories = []string{storyHarm, storyLate, storyHarmless, storyWin}

// scenario is a few days of one project and what goes wrong on them. It hangs
// on the seed and its number alone.
type scenario struct {
	number  int // from 1
	store   string
	stories []string
	days    []day
	tabled  bool // looks are written to a table as well
}

// day is the looks that are tried as of the end of one day; after the last of
// them the day is over, whatever came of it.
type day struct {
	tries []attempt
}

// attempt is one call of the program with the faults that meet it; none = a
// quiet one.
type attempt struct {
	faults []fault
	// deliver calls assay deliver instead of assay run.
	deliver bool
}

// fault is one thing that goes wrong.
type fault struct {
	kind string
	// at is the instant that it happens at, where it has one.
	at string
	// draw is chance of its own, for what the kind leaves open.
	draw uint64
	skew time.Duration
}

func (f fault) String() string {
	switch {
	case f.at != "":
		return f.kind + " at " + f.at
	case f.skew != 0:
		return fmt.Sprintf("%s %s", f.kind, f.skew)
	}
	return f.kind
}

func (a attempt) String() string {
	what := "run"
	if a.deliver {
		what = "deliver"
	}
	for _, f := range a.faults {
		what += ", " + f.String()
	}
	return what
}

func (s scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "scenario %d: %s, %s\n", s.number, s.store, strings.Join(s.stories, " and "))
	for i, d := range s.days {
		for _, a := range d.tries {
			fmt.Fprintf(&b, "  day %d: %s\n", i+1, a)
		}
	}
	return b.String()
}

// cell is one point of the sweep: every instant of a look, for every store.
type cell struct {
	store, story, instant string
	late                  bool // the next run comes a day later
}

// faultyDays are those on which things go wrong; quiet ones follow.
const (
	faultyDays = 3
	quietDays  = 2
)

// plan makes scenario number n of so many. The first part sweeps over the
// cells, the rest is chance.
func plan(seed uint64, n, runs int, sweep []cell) scenario {
	r := rand.New(rand.NewPCG(seed, uint64(n)))
	swept := min(len(sweep), runs/3)
	if n <= swept {
		return sweeping(n, sweep[(n-1)*len(sweep)/swept])
	}
	return mixed(r, n, instantsOf(sweep))
}

// sweeping kills the first look at one instant.
func sweeping(n int, c cell) scenario {
	s := scenario{number: n, store: c.store, stories: []string{c.story}, tabled: tabled(c.store)}
	first := day{tries: []attempt{{faults: []fault{{kind: "kill", at: c.instant}}}}}
	if !c.late {
		first.tries = append(first.tries, attempt{})
	}
	s.days = append(s.days, first)
	return s
}

// tabled tells whether the scenarios of a sweep write looks to a table too: one store
// is enough, since that comes after all that concerns it. Such a warehouse is a copy of
// the scenario's own.
func tabled(store string) bool { return store == storeFile }

// instantsOf are the names of all instants of a sweep.
func instantsOf(sweep []cell) []string {
	var names []string
	for _, c := range sweep {
		names = append(names, c.instant)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func mixed(r *rand.Rand, n int, instants []string) scenario {
	s := scenario{number: n, store: pick(r, storeKinds)}
	s.stories = []string{pick(r, stories)}
	if r.Float64() < 0.15 {
		s.stories = append(s.stories, pick(r, stories))
		slices.Sort(s.stories)
		s.stories = slices.Compact(s.stories)
	}
	for range faultyDays {
		var d day
		d.tries = append(d.tries, troubled(r, s.store, instants))
		if r.Float64() < 0.2 {
			d.tries = append(d.tries, troubled(r, s.store, instants))
		}
		if r.Float64() < 0.3 {
			d.tries = append(d.tries, attempt{})
		}
		s.days = append(s.days, d)
	}
	return s
}

// troubled is an attempt with one to three faults that can meet it together.
func troubled(r *rand.Rand, store string, instants []string) attempt {
	a := attempt{deliver: r.Float64() < 0.08}
	for range 1 + r.IntN(3) {
		k := pick(r, kinds)
		if !k.fits(store) || slices.ContainsFunc(a.faults, func(f fault) bool { return clash(kindOf(f.kind), k) }) {
			continue
		}
		f := fault{kind: k.name, draw: r.Uint64()}
		switch {
		case k.name == "kill":
			f.at = pick(r, instants)
		case len(k.at) > 0:
			f.at = pick(r, k.at)
		case k.name == "clock skew":
			f.skew = pick(r, skews)
		}
		a.faults = append(a.faults, f)
	}
	return a
}

// skews are how far this machine's clock is off. Standard Webhooks allows five
// minutes.
var skews = []time.Duration{-time.Hour, -4 * time.Minute, 4 * time.Minute, 10 * time.Minute, time.Hour}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
