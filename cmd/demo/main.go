// Command demo makes a warehouse of its own and closes the loop around assay:
// day by day a product lives under the flags that assay flags serve serves, its
// exposures and outcomes go into a DuckDB file, and the assay binary judges them
// and changes the flags for the next day by signed webhook.
//
// What happens on a day hangs on the seed, the day and the flag file alone, so
// that a weight edited by hand between two days moves the next day's traffic.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := parse()
	if err := d.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// defaultSeed makes the figures of the documentation; another seed tells the
// same story with other figures.
const defaultSeed = 2

func parse() *demo {
	d := &demo{out: os.Stdout, log: os.Stderr}
	flag.StringVar(&d.assay, "assay", "", "the assay binary; without it only the warehouse is made")
	flag.StringVar(&d.dir, "dir", "demo", "folder to work in; made anew when the first day is day 1")
	flag.StringVar(&d.project, "project", "testdata/demo", "folder with the demo's project and flags")
	flag.Uint64Var(&d.seed, "seed", defaultSeed, "seed of all chance")
	flag.IntVar(&d.from, "from", 1, "first day, from 1")
	flag.IntVar(&d.days, "days", lifetime, "number of days")
	flag.Parse()
	return d
}
