package job

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/ledger"
	"assay/report"
	"assay/spec"
)

// shown is how many looks a page's history has at most: all of the recent ones
// and a selection of those before.
const shown = 60

// attemptsShown is how many of the attempts at one delivery are listed.
const attemptsShown = 20

// Folder is where the pages of a ledger are written, and how.
type Folder struct {
	Path string
	Site report.Site
	// Keep is how many looks of an experiment have a page of their own, the newest;
	// 0 = all. In the place of a page that is not kept is one that says so.
	Keep int
	// Cadence is how often the experiments of the spec are looked at, by name; nil =
	// the spec is not known. Others are marked as gone.
	Cadence map[string]time.Duration
}

// FolderOf is the folder of a project's report.
func FolderOf(p *spec.Project) Folder {
	r := p.Config.Report
	f := Folder{
		Path: p.Abs(r.Path), Keep: r.Keep, Cadence: map[string]time.Duration{},
		Site: report.Site{Assets: report.Assets(r.Assets), URL: r.URL},
	}
	for i := range p.Experiments {
		f.Cadence[p.Experiments[i].Name] = p.Experiments[i].Cadence.Duration
	}
	return f
}

// Publish writes the pages of the given looks, the latest page of their
// experiments and of those touched otherwise, the index and the feed; with them
// what a run that was killed before this one has left out. A page of a look is
// made of the looks up to it and nothing else, so that writing it again gives the
// same bytes.
func Publish(l *ledger.Ledger, f Folder, looks []*ledger.Look, touched ...string) error {
	return publisher{l, f, func(string) {}}.publish(looks, touched)
}

// Publish is the function of that name for the job's ledger.
func (j *Job) Publish(f Folder, looks []*ledger.Look, touched ...string) error {
	return publisher{j.Ledger, f, j.reached}.publish(looks, touched)
}

// publisher writes the pages of one ledger into a folder.
type publisher struct {
	ledger *ledger.Ledger
	Folder
	at func(instant string)
}

func (p publisher) publish(looks []*ledger.Look, touched []string) error {
	missed, names, err := p.missed(looks)
	if err != nil {
		return err
	}
	looks, touched = append(missed, looks...), append(names, touched...)
	if err := p.styleSheet(); err != nil {
		return err
	}
	for _, look := range looks {
		if err := p.look(look); err != nil {
			return err
		}
		touched = append(touched, look.Experiment)
	}
	entries, err := p.entries(touched)
	if err != nil {
		return err
	}
	if err := p.write("index.html", func(w io.Writer) error { return p.Site.Index(w, entries) }); err != nil {
		return err
	}
	if err := p.write("feed.json", func(w io.Writer) error { return p.Site.Feed(w, entries) }); err != nil {
		return err
	}
	return p.write(mark, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d\n", p.ledger.LastSeq())
		return err
	})
}

// styleSheet writes that of pages that do not have it in them. Those of earlier
// versions stay: pages that are not written anew refer to them.
func (p publisher) styleSheet() error {
	if p.Site.Assets != report.Separate {
		return nil
	}
	file, content := report.StyleSheet()
	return p.write(file, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

// entries are all experiments that the ledger or the spec knows; their pages are
// written where something happened to them.
func (p publisher) entries(touched []string) ([]report.Entry, error) {
	var entries []report.Entry
	known := p.ledger.Experiments()
	for _, name := range known {
		entry, err := p.latest(name, slices.Contains(touched, name))
		if err != nil {
			return nil, err
		}
		if entry != nil {
			entries = append(entries, *entry)
		}
	}
	looked := func(name string) bool {
		return slices.ContainsFunc(entries, func(e report.Entry) bool { return e.Name == name })
	}
	for _, name := range slices.Sorted(maps.Keys(p.Cadence)) {
		if !looked(name) {
			entries = append(entries, report.Entry{Name: name})
		}
	}
	return entries, nil
}

// mark is a file with the number of the record of the ledger up to which the
// folder is complete.
const mark = ".published"

// mostMissed is how many looks are published that no run has asked for: far more
// than a run that was killed has left out, and few enough where somebody has
// removed the folder.
const mostMissed = 200

// missed are the looks without a page that were recorded since the folder was
// complete, but for those given, and the experiments that something happened to.
func (p publisher) missed(given []*ledger.Look) (looks []*ledger.Look, touched []string, err error) {
	text, err := os.ReadFile(filepath.Join(p.Path, mark))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	through, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || through > p.ledger.LastSeq() { // None yet, or of another ledger.
		through = 0
	}
	touched, seqs := p.ledger.After(through)
	seen := map[string]bool{}
	for _, look := range given {
		seen[look.ID] = true
	}
	for _, seq := range slices.Backward(seqs[max(0, len(seqs)-mostMissed):]) {
		look, err := p.ledger.LookAt(seq)
		if err != nil {
			return nil, nil, err
		}
		if !seen[look.Body.ID] {
			seen[look.Body.ID] = true
			looks = append(looks, &look.Body)
		}
	}
	return looks, touched, nil
}

// LookPath is where a look's page is, relative to the report's folder; its
// JSON is beside it.
func LookPath(look *ledger.Look) string {
	return filepath.Join(look.Experiment, "looks", report.LookFile(look))
}

// PublishLook writes the page of one look of the ledger and its JSON, unless they
// are not kept.
func PublishLook(l *ledger.Ledger, f Folder, look *ledger.Look) error {
	p := publisher{l, f, func(string) {}}
	if err := p.styleSheet(); err != nil {
		return err
	}
	return p.look(look)
}

func (p publisher) look(look *ledger.Look) error {
	written, err := p.ledger.FindLook(look.ID)
	if err != nil || written == nil {
		return cmp.Or(err, fmt.Errorf("look %s of %s is not in the ledger", look.ID, look.Experiment))
	}
	if !p.kept(look) {
		return nil
	}
	history, err := UpTo(p.ledger, written)
	if err != nil {
		return err
	}
	before, err := sinceUntil(p.ledger, look.Experiment, written.Seq)
	if err != nil {
		return err
	}
	page := LookPath(look)
	if err := p.write(page, func(w io.Writer) error { return p.Site.Page(w, look, history, before) }); err != nil {
		return err
	}
	return p.write(dataOf(page), func(w io.Writer) error { return report.JSON(w, look) })
}

// dataOf is the JSON beside a page.
func dataOf(page string) string { return strings.TrimSuffix(page, ".html") + ".json" }

// UpTo are the looks that decided, up to and including this one, oldest first.
// Of many the older ones are thinned out: always the same ones for one look.
func UpTo(l *ledger.Ledger, look *ledger.Entry[ledger.Look]) ([]ledger.Look, error) {
	var out []ledger.Look
	for _, seq := range thinned(before(l.LookSeqs(look.Body.Experiment), look.Seq), shown-1) {
		e, err := l.LookAt(seq)
		if err != nil {
			return nil, err
		}
		if e.Body.Backfill || !e.Body.AsOf.Before(look.Body.AsOf) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].AsOf.Equal(e.Body.AsOf) {
			out = out[:n-1] // It failed and was repeated.
		}
		out = append(out, e.Body)
	}
	return append(out, look.Body), nil
}

func before(seqs []int64, seq int64) []int64 {
	i, _ := slices.BinarySearch(seqs, seq)
	return seqs[:i]
}

// thinned keeps at most n: of the later half all, of those before an even
// selection that begins with the first.
func thinned(seqs []int64, n int) []int64 {
	if len(seqs) <= n {
		return seqs
	}
	recent := n / 2
	older, picked := seqs[:len(seqs)-recent], n-recent
	out := make([]int64, 0, n)
	for i := range picked {
		out = append(out, older[i*len(older)/picked])
	}
	return append(out, seqs[len(seqs)-recent:]...)
}

// latest writes an experiment's latest page and the list of its looks, where
// something happened to it or a page is missing, and returns its entry in the index.
func (p publisher) latest(name string, touched bool) (*report.Entry, error) {
	latest, err := Latest(p.ledger, name)
	if err != nil || latest == nil {
		return nil, err
	}
	since, decision, err := since(p.ledger, name)
	if err != nil {
		return nil, err
	}
	look := &latest.Body
	entry := &report.Entry{Name: name, Look: look, Since: look.Standing.VerdictSince, Delivery: worst(decision), Failure: firstLine(look.Failed), Acted: since.Acted}
	p.due(entry)
	if entry.Changes, err = changes(p.ledger, name); err != nil {
		return nil, err
	}
	page := filepath.Join(name, "report.html")
	if p.has(page) && p.has(listPath(name)) && !touched {
		return entry, nil
	}
	history, err := UpTo(p.ledger, latest)
	if err != nil {
		return nil, err
	}
	if err := p.write(page, func(w io.Writer) error { return p.Site.Latest(w, look, history, since) }); err != nil {
		return nil, err
	}
	if err := p.write(dataOf(page), func(w io.Writer) error {
		return report.LatestJSON(w, report.Explained{Look: look, History: history, Since: since})
	}); err != nil {
		return nil, err
	}
	return entry, p.list(name)
}

// worst is what became of one decision in all its stores: that which is not as
// decided comes first.
func worst(deliveries []report.Delivered) report.Outcome {
	var out report.Outcome
	for _, d := range deliveries {
		if out == "" || !slices.Contains(arrived, d.Outcome) {
			out = d.Outcome
		}
	}
	return out
}

// arrived are the outcomes after which a store is as decided.
var arrived = []report.Outcome{report.Verified, report.Unverified, report.Proposed, report.Superseded}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Latest is the newest look that decided; nil = there is none.
func Latest(l *ledger.Ledger, name string) (*ledger.Entry[ledger.Look], error) {
	for _, seq := range slices.Backward(l.LookSeqs(name)) {
		look, err := l.LookAt(seq)
		if err != nil || !look.Body.Backfill {
			return look, err
		}
	}
	return nil, nil
}

// Since tells what became of an experiment's deliveries and what persons did.
func Since(l *ledger.Ledger, name string) (report.Since, error) {
	s, _, err := since(l, name)
	return s, err
}

// since also gives the deliveries of the latest decision that had any.
func since(l *ledger.Ledger, name string) (s report.Since, decision []report.Delivered, err error) {
	h, err := l.Events(name)
	if err != nil {
		return s, nil, err
	}
	debts, err := l.Debts(name)
	if err != nil {
		return s, nil, err
	}
	s, decision = sinceOf(h, debts)
	latest, err := Latest(l, name)
	if err != nil || latest == nil {
		return s, decision, err
	}
	s.Acted = lastClear(h) > latest.Seq || slices.ContainsFunc(h.Approvals, func(a ledger.Entry[ledger.Approval]) bool { return a.Seq > latest.Seq })
	return s, decision, nil
}

// sinceUntil is what since told when the record of that number was about to be
// written: the same for ever.
func sinceUntil(l *ledger.Ledger, name string, seq int64) (report.Since, error) {
	h, err := l.Events(name)
	if err != nil {
		return report.Since{}, err
	}
	debts, err := l.Debts(name)
	if err != nil {
		return report.Since{}, err
	}
	s, _ := sinceOf(&ledger.History{
		Plans: recordedBefore(h.Plans, seq), Attempts: recordedBefore(h.Attempts, seq), Observed: recordedBefore(h.Observed, seq),
		Clears: recordedBefore(h.Clears, seq), Approvals: recordedBefore(h.Approvals, seq),
	}, recordedBefore(debts, seq))
	return s, nil
}

// recordedBefore are the records before the one of that number.
func recordedBefore[T any](entries []ledger.Entry[T], seq int64) []ledger.Entry[T] {
	return slices.DeleteFunc(slices.Clone(entries), func(e ledger.Entry[T]) bool { return e.Seq >= seq })
}

func sinceOf(h *ledger.History, debts []ledger.Entry[ledger.Debt]) (s report.Since, decision []report.Delivered) {
	for _, debt := range debts {
		decision = nil
		for _, d := range debt.Body.Deliveries {
			decision = append(decision, delivered(h, &debt, d))
		}
		s.Deliveries = append(s.Deliveries, decision...)
	}
	for _, o := range h.Observed {
		s.Changes = append(s.Changes, report.Change{At: o.At.UTC(), Store: o.Body.Store, From: o.Body.Expected, To: o.Body.State, Message: "not set by assay"})
	}
	for _, a := range h.Approvals {
		s.Approvals = append(s.Approvals, report.Applied{At: a.At.UTC(), Verdict: a.Body.Decision.Verdict, AsOf: a.Body.AsOf, By: a.Body.By, Message: a.Body.Note})
	}
	for _, c := range h.Clears {
		s.Clears = append(s.Clears, report.Clear{At: c.At.UTC(), Message: c.Body.Note})
	}
	for _, plan := range h.Plans {
		s.Plans = append(s.Plans, report.Planned{At: plan.At.UTC(), Version: plan.Body.Version, Changed: plan.Body.Changed})
	}
	return s, decision
}

func delivered(h *ledger.History, debt *ledger.Entry[ledger.Debt], d ledger.Delivery) report.Delivered {
	out := report.Delivered{
		ID: d.ID, Store: d.Store, FlagKey: d.FlagKey, Target: d.Target, Proposal: d.Proposal, Outcome: report.Pending,
		Verdict: debt.Body.Decision.Verdict, AsOf: debt.Body.AsOf.UTC(),
	}
	for _, a := range h.Approvals {
		if a.Seq == debt.Seq {
			out.Approved, out.By = true, a.Body.By
		}
	}
	for _, a := range h.Attempts {
		if a.Body.Delivery != d.ID {
			continue
		}
		out.Outcome, out.At, out.Tries, out.Message = report.Outcome(a.Body.Outcome), a.At.UTC(), a.Body.Try, a.Body.Message
		out.Attempts = append(out.Attempts, report.Attempt{At: a.At.UTC(), Outcome: out.Outcome, Message: a.Body.Message})
	}
	out.Attempts = out.Attempts[max(0, len(out.Attempts)-attemptsShown):]
	return out
}

// write replaces a file whole: a reader sees the old page or the new one.
func (p publisher) write(path string, render func(io.Writer) error) error {
	path = filepath.Join(p.Path, path)
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return fmt.Errorf("rendering %s: %w", path, err)
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, b.Bytes()) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".page-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b.Bytes())
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	p.at("page-rename")
	if err := os.Rename(tmp.Name(), path); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
