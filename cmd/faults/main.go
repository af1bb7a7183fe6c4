// Command faults breaks assay on purpose: a campaign of seeded scenarios runs
// the real binary, kills it, starves it of disk, warehouse and receivers,
// forges its ledger and edits its flags meanwhile, and holds what is left to
// what was promised. A second part lives thirty days of fifty rollouts whose
// truth is known. Nothing that the product needs is here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Sizes of a campaign.
const (
	allRuns   = 2400
	quickRuns = 100
)

// options are those of the command line.
type options struct {
	assay   string // the binary, built with the tag faults
	seed    uint64
	runs    int
	only    int // one scenario, from 1; 0 = all
	workers int
	quick   bool
	life    bool
	keep    bool
	dir     string
	verbose bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, parse()); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.StringVar(&o.assay, "assay", "bin/assay-faults", "the assay binary, built with -tags faults")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of all chance")
	flag.IntVar(&o.runs, "runs", 0, "number of scenarios (default 2400, or 100 with -quick)")
	flag.IntVar(&o.only, "only", 0, "play this scenario alone, from 1, and say what it does")
	flag.IntVar(&o.workers, "workers", 2*runtime.NumCPU(), "scenarios at a time")
	flag.BoolVar(&o.quick, "quick", false, "a small part of it")
	flag.BoolVar(&o.life, "life", false, "live thirty days of fifty rollouts instead")
	flag.BoolVar(&o.keep, "keep", false, "leave the folder of a failed scenario")
	flag.StringVar(&o.dir, "dir", "", "folder to work in (default a temporary one)")
	flag.Parse()
	if o.runs == 0 {
		o.runs = allRuns
		if o.quick {
			o.runs = quickRuns
		}
	}
	o.verbose = o.only > 0
	return o
}

// start makes the folder to work in and plays what was asked for.
func start(ctx context.Context, o options) (err error) {
	if _, err := os.Stat(o.assay); err != nil {
		return fmt.Errorf("the binary to break: %w", err)
	}
	if o.assay, err = absolute(o.assay); err != nil {
		return err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "assay-faults-*"); err != nil {
			return err
		}
		if !o.keep {
			defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
		}
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	if o.dir, err = absolute(o.dir); err != nil {
		return err
	}
	if o.life {
		return liveAndTell(ctx, o, os.Stdout)
	}
	return campaign(ctx, o, os.Stdout)
}
