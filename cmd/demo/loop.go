package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// marker tells a folder that the demo made from any other.
const marker = ".assay-demo"

// demo is one run of the loop: the product lives a day under the flags, the
// warehouse gets its rows, assay judges and may change the flags.
type demo struct {
	assay    string // the binary; empty = only make the warehouse
	dir      string // folder that is worked in
	project  string // folder with the project's files
	seed     uint64
	from     int // first day, from 1
	days     int
	out, log io.Writer
}

func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

// judge is the command line that follows a day.
func (d *demo) judge(n int) []string {
	return []string{
		"run", "--project", d.path("assay.yaml"),
		"--as-of", dayStart(n + 1).Format(time.RFC3339),
		"--now", judged(n).Format(time.RFC3339),
	}
}

// judged is when day n is judged.
func judged(n int) time.Time { return dayStart(n + 1).Add(2 * time.Minute) }

// check holds the days against the calendar.
func (d *demo) check() error {
	if d.from < 1 || d.days < 1 || d.from+d.days-1 > lifetime {
		return fmt.Errorf("days %d to %d: want days within 1 to %d", d.from, d.from+d.days-1, lifetime)
	}
	return nil
}

// run lives the days one after the other and prints where the results lie.
func (d *demo) run(ctx context.Context) error {
	if err := d.check(); err != nil {
		return err
	}
	if d.from == 1 {
		if err := d.prepare(); err != nil {
			return err
		}
	}
	p := newProduct(d.seed)
	for n := d.from - 1; n < d.from-1+d.days; n++ {
		if err := d.step(ctx, p, n); err != nil {
			return fmt.Errorf("day %d: %w", n+1, err)
		}
	}
	if err := d.count(ctx); err != nil {
		return err
	}
	d.show()
	return nil
}

// prepare empties the folder and puts the project's files into it. A folder
// that the demo did not make is left alone.
func (d *demo) prepare() error {
	entries, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("demo folder: %w", err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(d.path(marker)); err != nil {
			return fmt.Errorf("demo folder %s has files that are not the demo's: choose another --dir", d.dir)
		}
	}
	for _, e := range entries {
		if err := os.RemoveAll(d.path(e.Name())); err != nil {
			return fmt.Errorf("demo folder: %w", err)
		}
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return fmt.Errorf("demo folder: %w", err)
	}
	// The marker comes first, so that a copy that broke off can be repeated.
	if err := os.WriteFile(d.path(marker), nil, 0o644); err != nil {
		return fmt.Errorf("demo folder: %w", err)
	}
	if err := os.CopyFS(d.dir, os.DirFS(d.project)); err != nil {
		return fmt.Errorf("project %s: %w", d.project, err)
	}
	return d.makeSecret()
}

// step is one turn of the loop. The flags are served while the day lasts.
func (d *demo) step(ctx context.Context, p *product, n int) (err error) {
	began := time.Now()
	served, err := d.serve(ctx, n)
	if err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	rules, err := served.rules(ctx)
	if err != nil {
		return err
	}
	today, err := p.live(n, rules)
	if err != nil {
		return fmt.Errorf("flags: %w", err)
	}
	if err := store(ctx, d.path("warehouse.duckdb"), n, today); err != nil {
		return err
	}
	d.note("day %2d  %s  %6d exposures  %6d responses  %5d searches  %4d ms\n",
		n+1, dayStart(n).Format(time.DateOnly), len(today.exposures), len(today.responses),
		len(today.searches), time.Since(began).Milliseconds())
	if d.assay == "" {
		return nil
	}
	return d.call(ctx, d.judge(n))
}

func (d *demo) call(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, d.assay, args...)
	cmd.Stdout, cmd.Stderr = d.out, d.log
	// A run that is stopped may finish what it is writing.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", cmd, err)
	}
	return nil
}

// count reads the warehouse back and writes the tally of all days so far.
func (d *demo) count(ctx context.Context) error {
	f, err := readFacts(ctx, d.path("warehouse.duckdb"))
	if err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	return writeTally(d.path("tally.json"), tally(f, d.from+d.days-1))
}

// note tells how far the loop is; a log that takes no text stops nothing.
func (d *demo) note(format string, args ...any) { _, _ = fmt.Fprintf(d.log, format, args...) }

// show prints the paths to open.
func (d *demo) show() {
	names := []string{"warehouse.duckdb", "tally.json", "flags.json", "flags.audit.jsonl", "ledger.jsonl", "report/index.html"}
	for _, name := range names {
		if _, err := os.Stat(d.path(name)); err == nil {
			d.note("%s\n", d.path(name))
		}
	}
}
