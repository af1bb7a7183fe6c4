package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/cmd/faults/instants"
)

// campaign plays the scenarios and prints what came of them.
func campaign(ctx context.Context, o options, out io.Writer) error {
	began := time.Now()
	fixture := filepath.Join(o.dir, "warehouse.duckdb")
	if err := buildWarehouse(fixture); err != nil {
		return err
	}
	sweep, err := traced(o, fixture)
	if err != nil {
		return err
	}
	t := newTally(o.seed, len(instantsOf(sweep)))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.workers))
	for n := 1; n <= o.runs && ctx.Err() == nil; n++ {
		if o.only > 0 && n != o.only {
			continue
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s := plan(o.seed, n, o.runs, sweep)
			w, err := play(o, fixture, s)
			if err != nil {
				return fmt.Errorf("%s%w", s, err)
			}
			t.add(w)
			return nil
		})
	}
	// Who stops it wants to know what came of it so far.
	failure := group.Wait()
	return errors.Join(failure, t.tell(out, time.Since(began)))
}

// traced finds every instant of the first look of each store and story by
// looking at a run.
func traced(o options, fixture string) ([]cell, error) {
	var sweep []cell
	for _, store := range storeKinds {
		for _, story := range []string{storyHarm, storyHarmless} {
			names, err := traceOne(o, fixture, scenario{store: store, stories: []string{story}, tabled: tabled(store)})
			if err != nil {
				return nil, fmt.Errorf("tracing %s, %s: %w", store, story, err)
			}
			for _, name := range names {
				sweep = append(sweep, cell{store, story, name, false}, cell{store, story, name, true})
			}
		}
	}
	return sweep, nil
}

func traceOne(o options, fixture string, s scenario) ([]string, error) {
	dir := filepath.Join(o.dir, "trace")
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	w, err := newWorld(o.assay, fixture, dir, s)
	if err != nil {
		return nil, err
	}
	defer w.close()
	trace := filepath.Join(o.dir, "instants")
	defer func() { _ = os.Remove(trace) }()
	w.env = []string{instants.TraceEnv + "=" + trace}
	if err := w.try(attempt{}, asOf(1)); err != nil {
		return nil, err
	}
	if len(w.wrong) > 0 {
		return nil, errors.New(strings.Join(w.wrong, "\n"))
	}
	data, err := os.ReadFile(trace)
	if err != nil {
		return nil, err
	}
	var names []string
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		names = append(names, lines.Text())
	}
	return names, nil
}

// play plays one scenario: its days, then quiet ones, then everything is held
// to what was promised.
func play(o options, fixture string, s scenario) (*world, error) {
	dir := filepath.Join(o.dir, fmt.Sprintf("scenario-%d", s.number))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	w, err := newWorld(o.assay, fixture, dir, s)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if o.verbose {
		w.log = os.Stderr
		_, _ = fmt.Fprint(w.log, s)
	}
	for i, d := range s.days {
		for _, a := range d.tries {
			if err := w.try(a, asOf(i+1)); err != nil {
				return nil, err
			}
		}
	}
	for i := range quietDays {
		if err := w.try(attempt{}, asOf(len(s.days)+i+1)); err != nil {
			return nil, err
		}
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	if len(w.wrong) > 0 && o.keep {
		return w, nil
	}
	return w, os.RemoveAll(dir)
}

// tally is what came of the scenarios played so far.
type tally struct {
	seed     uint64
	instants int

	mu      sync.Mutex
	runs    int
	calls   int
	planned map[string]int
	met     map[string]int
	stores  map[string]int
	failed  []*world
}

func newTally(seed uint64, instants int) *tally {
	return &tally{seed: seed, instants: instants, planned: map[string]int{}, met: map[string]int{}, stores: map[string]int{}}
}

func (t *tally) add(w *world) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs++
	t.calls += w.calls
	t.stores[w.plan.store]++
	for _, d := range w.plan.days {
		for _, a := range d.tries {
			for _, f := range a.faults {
				t.planned[f.kind]++
			}
		}
	}
	for kind, n := range w.met {
		t.met[kind] += n
	}
	if len(w.wrong) > 0 {
		t.failed = append(t.failed, w)
	}
}

// errBroken says that some promise was not kept.
var errBroken = errors.New("promises were broken")

// tell prints the tally, and of every scenario that failed how to repeat it.
func (t *tally) tell(out io.Writer, took time.Duration) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "fault\tplanned\ttook effect")
	for _, k := range kinds {
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\n", k.name, t.planned[k.name], t.met[k.name])
	}
	for _, store := range storeKinds {
		_, _ = fmt.Fprintf(table, "scenarios with a %s\t%d\t\n", store, t.stores[store])
	}
	err := table.Flush()
	slices.SortFunc(t.failed, func(a, b *world) int { return a.plan.number - b.plan.number })
	for _, w := range t.failed {
		_, _ = fmt.Fprintf(out, "\nFAILED %s", w.plan)
		for _, text := range w.wrong {
			_, _ = fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    "))
		}
		_, _ = fmt.Fprintf(out, "  repeat it with -seed %d -only %d\n", t.seed, w.plan.number)
	}
	_, _ = fmt.Fprintf(out, "\n%d scenarios, %d calls of the program, %d instants to be killed at, seed %d: %d failed (%s)\n",
		t.runs, t.calls, t.instants, t.seed, len(t.failed), took.Round(time.Second))
	if len(t.failed) > 0 {
		return errors.Join(err, errBroken)
	}
	return err
}
