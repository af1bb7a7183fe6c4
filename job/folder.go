package job

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"assay/decide"
	"assay/ledger"
	"assay/report"
)

// What a folder of pages keeps, and what is in the place of what it does not.

// listPath is the list of all looks of an experiment.
func listPath(experiment string) string { return filepath.Join(experiment, "looks", "index.html") }

// pageOf is the page of a look that is known at a glance.
func pageOf(experiment string, g *ledger.Glance) string {
	return LookPath(&ledger.Look{Experiment: experiment, AsOf: g.AsOf, ID: g.ID})
}

func (p publisher) has(path string) bool {
	_, err := os.Stat(filepath.Join(p.Path, path))
	return err == nil
}

// kept tells whether a look has a page of its own.
func (p publisher) kept(look *ledger.Look) bool {
	return slices.ContainsFunc(p.newest(look.Experiment), func(g ledger.Glance) bool { return g.ID == look.ID })
}

// newest are the looks that have pages of their own. A look that was repeated is
// one look, and one page.
func (p publisher) newest(experiment string) []ledger.Glance {
	all := looksOnce(p.ledger, experiment)
	if p.Keep == 0 {
		return all
	}
	return all[max(0, len(all)-p.Keep):]
}

// looksOnce are the looks of an experiment, oldest first, each as it was written
// last.
func looksOnce(l *ledger.Ledger, experiment string) []ledger.Glance {
	all := l.Glances(experiment)
	last := make(map[string]int, len(all))
	for i := range all {
		last[all[i].ID] = i
	}
	var out []ledger.Glance
	for i := range all {
		if last[all[i].ID] == i {
			out = append(out, all[i])
		}
	}
	return out
}

// list writes the list of all looks of an experiment. What has no page, because it
// is not kept or was never written, gets one that says so: whatever links there
// stays valid.
func (p publisher) list(experiment string) error {
	all, kept := looksOnce(p.ledger, experiment), map[string]bool{}
	for _, g := range p.newest(experiment) {
		// Beside a whole page is its data; a page that says that it was pruned has none.
		kept[g.ID] = p.has(dataOf(pageOf(experiment, &g)))
	}
	for i := range all {
		if !kept[all[i].ID] {
			if err := p.prune(experiment, &all[i]); err != nil {
				return err
			}
		}
	}
	whole := func(g ledger.Glance) bool { return kept[g.ID] }
	return p.write(listPath(experiment), func(w io.Writer) error { return p.Site.Looks(w, experiment, all, whole) })
}

// prune puts another page in the place of a look's own and takes its data away.
func (p publisher) prune(experiment string, g *ledger.Glance) error {
	page := pageOf(experiment, g)
	if p.has(page) && !p.has(dataOf(page)) {
		return nil // It was pruned before.
	}
	if err := p.write(page, func(w io.Writer) error { return p.Site.Pruned(w, experiment, *g) }); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(p.Path, dataOf(page))); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// due says when the next look of an experiment is to come, and whether it is
// overdue by the time of the ledger's newest record: like a schedule, once two
// were due since the latest.
func (p publisher) due(e *report.Entry) {
	if p.Cadence == nil {
		return
	}
	cadence, known := p.Cadence[e.Name]
	if e.Gone = !known; e.Gone || cadence <= 0 || finished(e) {
		return
	}
	e.Next = e.Look.AsOf.UTC().Truncate(cadence).Add(cadence)
	e.Overdue = !p.ledger.LastAt().Before(e.Next.Add(cadence))
}

// finished tells whether an experiment is looked at no more: its last look was not
// before the end of monitoring, and what it came to has arrived.
func finished(e *report.Entry) bool {
	arrived := e.Delivery == "" || slices.Contains(arrived, e.Delivery)
	return e.Look.Standing.Ended != nil && !e.Look.AsOf.Before(e.Look.Spec.End) && arrived
}

// changes are the looks at which the verdict of an experiment changed, the newest
// first. Backfills change nothing.
func changes(l *ledger.Ledger, experiment string) ([]*ledger.Entry[ledger.Look], error) {
	var seqs []int64
	var verdict decide.Verdict
	var ended bool
	for _, g := range l.Glances(experiment) {
		if g.Backfill || len(seqs) > 0 && g.Verdict == verdict && g.Ended == ended {
			continue
		}
		verdict, ended = g.Verdict, g.Ended
		seqs = append(seqs, g.Seq)
	}
	var out []*ledger.Entry[ledger.Look]
	for _, seq := range slices.Backward(seqs[max(0, len(seqs)-report.FeedChanges):]) {
		look, err := l.LookAt(seq)
		if err != nil {
			return nil, err
		}
		out = append(out, look)
	}
	return out, nil
}
