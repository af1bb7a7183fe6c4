package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// window is how long after a unit's first exposure its responses count.
const window = 6 * time.Hour

// facts are the rows that a tally needs.
type facts struct {
	exposures []exposure
	responses []response // at least the failed and the unsafe ones
}

// count is what one variation shows as of one instant, counted row by row from
// the rows themselves: an answer to hold other answers against.
type count struct {
	AsOf       time.Time `json:"asOf"`
	Experiment string    `json:"experiment"`
	Variation  string    `json:"variation"`
	Units      int       `json:"units"`     // first exposed before AsOf, seen in one variation only
	Complete   int       `json:"complete"`  // of these, the window has closed at AsOf
	Errors     int       `json:"errors"`    // complete units with any error in the window
	Unsafe     int       `json:"unsafe"`    // units with any unsafe response in the window before AsOf
	Multiple   int       `json:"multiple"`  // units first exposed to it and later to another
	Exposures  int       `json:"exposures"` // rows
}

// unit is a user in one experiment.
type unit struct {
	user, variation string
	first           time.Time
	multiple        bool
	rows            int
}

// tally counts every experiment as of the end of each of days 1 to last.
func tally(f facts, last int) []count {
	bad := make(map[string][]response)
	for _, r := range f.responses {
		if r.failed || r.unsafe {
			bad[r.user] = append(bad[r.user], r)
		}
	}
	slices.SortStableFunc(f.exposures, func(a, b exposure) int { return a.at.Compare(b.at) })
	units := make(map[string]map[string]*unit)
	var counts []count
	next := 0
	for n := range last {
		asOf := dayStart(n + 1)
		for ; next < len(f.exposures) && f.exposures[next].at.Before(asOf); next++ {
			meet(units, f.exposures[next])
		}
		for _, experiment := range slices.Sorted(maps.Keys(units)) {
			counts = append(counts, countUnits(experiment, asOf, units[experiment], bad)...)
		}
	}
	return counts
}

// meet notes an exposure; the earliest of a user comes first.
func meet(units map[string]map[string]*unit, e exposure) {
	known := units[e.experiment]
	if known == nil {
		known = make(map[string]*unit)
		units[e.experiment] = known
	}
	u := known[e.user]
	if u == nil {
		u = &unit{user: e.user, variation: e.variation, first: e.at}
		known[e.user] = u
	}
	u.rows++
	u.multiple = u.multiple || u.variation != e.variation
}

func countUnits(experiment string, asOf time.Time, units map[string]*unit, bad map[string][]response) []count {
	by := make(map[string]*count)
	for _, u := range units {
		c := by[u.variation]
		if c == nil {
			c = &count{AsOf: asOf, Experiment: experiment, Variation: u.variation}
			by[u.variation] = c
		}
		c.add(u, bad[u.user])
	}
	var counts []count
	for _, c := range by {
		counts = append(counts, *c)
	}
	slices.SortFunc(counts, func(a, b count) int { return cmp.Compare(a.Variation, b.Variation) })
	return counts
}

// add counts one unit with its failed and unsafe responses.
func (c *count) add(u *unit, bad []response) {
	c.Exposures += u.rows
	if u.multiple {
		c.Multiple++
		return
	}
	c.Units++
	failed, unsafe := false, false
	for _, r := range bad {
		if !r.at.Before(c.AsOf) {
			continue
		}
		inside := !r.at.Before(u.first) && r.at.Before(u.first.Add(window))
		failed = failed || inside && r.failed
		unsafe = unsafe || inside && r.unsafe
	}
	c.Unsafe += one(unsafe)
	if u.first.Add(window).After(c.AsOf) {
		return
	}
	c.Complete++
	c.Errors += one(failed)
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// writeTally writes counts as a JSON list.
func writeTally(path string, counts []count) error {
	text, err := json.MarshalIndent(counts, "", "  ")
	if err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	return nil
}
