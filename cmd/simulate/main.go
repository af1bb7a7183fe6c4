// Command simulate lives many thousands of seeded rollouts of which the truth
// is known and lets the product judge them, look by look, on its own code:
// stats.Route, stats.SplitAlpha, the boundary, stats.Compare and decide.Decide.
// Methods of other products watch the same streams.
//
// In: nothing but constants. Out: docs/validity.md and its plots, the same bytes
// whatever the number of cores; exit code 1 where a bar is missed.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// quickSlack is by how many standard errors a bar of power may be missed in a
// quick run, which is too short to tell.
const quickSlack = 3

func main() {
	quick := flag.Bool("quick", false, "a tenth of the replications, wider bounds, and no document")
	workers := flag.Int("workers", runtime.NumCPU(), "replications at once; changes no figure")
	dir := flag.String("docs", "docs", "folder of validity.md and validity/")
	only := flag.String("only", "", "only the cells whose name matches this pattern, as rates, and no document")
	flag.Parse()
	if *only != "" {
		if err := some(*only, *quick, *workers); err != nil {
			fmt.Fprintln(os.Stderr, "simulate:", err)
			os.Exit(3)
		}
		return
	}
	missed, err := run(*quick, *workers, *dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(3)
	}
	if missed > 0 {
		os.Exit(1)
	}
}

// some plays the cells whose name matches and prints what each method did.
func some(pattern string, quick bool, workers int) error {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	cells := slices.DeleteFunc(allCells(quick), func(c cell) bool { return !match.MatchString(c.key()) })
	for i := range cells {
		c := &cells[i]
		lines, err := play(c, max(workers, 1))
		if err != nil {
			return err
		}
		for _, l := range lines {
			fmt.Printf("%-60s %-40s %8.4f  of units %.3f\n", c.key(), l.method, l.rate(), l.mean)
		}
	}
	return nil
}

// run plays all cells, writes the document of a full run and tells how many
// bars are missed.
func run(quick bool, workers int, dir string) (int, error) {
	cells := allCells(quick)
	began := time.Now()
	r, err := playAll(cells, max(workers, 1), func(done int, c *cell) {
		fmt.Fprintf(os.Stderr, "%6.1f s  %3d of %d  %s\n", time.Since(began).Seconds(), done, len(cells), c.key())
	})
	if err != nil {
		return 0, err
	}
	slack := 0.0
	if quick {
		slack = quickSlack
	}
	bars, err := allBars(r, slack)
	if err != nil {
		return 0, err
	}
	if !quick {
		if err := write(dir, r, bars); err != nil {
			return 0, err
		}
	}
	lost := missed(bars)
	fmt.Printf("%d of %d bars met\n", len(bars)-len(lost), len(bars))
	for _, b := range lost {
		fmt.Printf("missed: %s: %s, %s\n", b.text, b.value, b.limit)
	}
	return len(lost), nil
}
