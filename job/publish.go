package job

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"assay/ledger"
	"assay/report"
)

// Publish writes the pages of the given looks, each experiment's latest page
// and the index below dir. A page of a look is made of the looks up to it and
// nothing else, so that writing it again gives the same bytes.
func Publish(l *ledger.Ledger, dir string, looks []*ledger.Look) error {
	for _, look := range looks {
		if err := PublishLook(l, dir, look); err != nil {
			return err
		}
	}
	var entries []report.Entry
	for _, name := range l.Experiments() {
		entry, err := publishLatest(l, dir, name)
		if err != nil {
			return err
		}
		if entry != nil {
			entries = append(entries, *entry)
		}
	}
	return writeFile(filepath.Join(dir, "index.html"), func(w io.Writer) error { return report.Index(w, entries) })
}

// LookPath is where a look's page is, relative to the report's folder; its
// JSON is beside it.
func LookPath(look *ledger.Look) string {
	return filepath.Join(look.Experiment, "looks", look.AsOf.UTC().Format("20060102T150405Z")+"-"+look.ID+".html")
}

// PublishLook writes the page of one look and its JSON.
func PublishLook(l *ledger.Ledger, dir string, look *ledger.Look) error {
	h, err := l.History(look.Experiment)
	if err != nil {
		return err
	}
	page := filepath.Join(dir, LookPath(look))
	history := UpTo(h, look)
	if err := writeFile(page, func(w io.Writer) error { return report.Page(w, look, history) }); err != nil {
		return err
	}
	return writeFile(page[:len(page)-len(".html")]+".json", func(w io.Writer) error { return report.JSON(w, look) })
}

// UpTo are the looks that decided, up to and including this one by as-of.
func UpTo(h *ledger.History, look *ledger.Look) []ledger.Look {
	var out []ledger.Look
	for _, e := range h.Looks {
		before := e.Body.AsOf.Before(look.AsOf) && !e.Body.Backfill && e.Body.Failed == ""
		if before {
			out = append(out, e.Body)
		}
	}
	return append(out, *look)
}

func publishLatest(l *ledger.Ledger, dir, name string) (*report.Entry, error) {
	h, err := l.History(name)
	if err != nil {
		return nil, err
	}
	look := Latest(h)
	if look == nil {
		return nil, nil
	}
	since := Since(h)
	page := filepath.Join(dir, name, "report.html")
	if err := writeFile(page, func(w io.Writer) error { return report.Latest(w, look, UpTo(h, look), since) }); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, name, "report.json"), func(w io.Writer) error { return report.JSON(w, look) }); err != nil {
		return nil, err
	}
	entry := &report.Entry{Name: name, Look: look, Since: sameSince(h, look)}
	if n := len(since.Deliveries); n > 0 {
		entry.Delivery = since.Deliveries[n-1].Outcome
	}
	return entry, nil
}

// Latest is the newest look by as-of that decided; nil = there is none.
func Latest(h *ledger.History) *ledger.Look {
	var latest *ledger.Look
	for i := range h.Looks {
		look := &h.Looks[i].Body
		if !look.Backfill && (latest == nil || !look.AsOf.Before(latest.AsOf)) {
			latest = look
		}
	}
	return latest
}

// sameSince is the as-of of the first look of the unbroken run of looks with
// the latest verdict.
func sameSince(h *ledger.History, latest *ledger.Look) time.Time {
	since := latest.AsOf
	for i := len(h.Looks) - 1; i >= 0; i-- {
		look := h.Looks[i].Body
		if look.Backfill {
			continue
		}
		if look.Decision.Verdict != latest.Decision.Verdict {
			break
		}
		since = look.AsOf
	}
	return since
}

// Since tells what became of the deliveries and what persons did.
func Since(h *ledger.History) report.Since {
	var s report.Since
	for _, look := range h.Looks {
		for _, d := range look.Body.Deliveries {
			s.Deliveries = append(s.Deliveries, delivered(h, d))
		}
	}
	for _, o := range h.Observed {
		s.Changes = append(s.Changes, report.Change{At: o.At.UTC(), Store: o.Body.Store, From: o.Body.Expected, To: o.Body.State, Message: "not set by assay"})
	}
	for _, c := range h.Clears {
		s.Clears = append(s.Clears, report.Clear{At: c.At.UTC(), Message: c.Body.Note})
	}
	return s
}

func delivered(h *ledger.History, d ledger.Delivery) report.Delivered {
	out := report.Delivered{ID: d.ID, Store: d.Store, FlagKey: d.FlagKey, Target: d.Target, Proposal: d.Proposal, Outcome: report.Pending}
	for _, a := range h.Attempts {
		if a.Body.Delivery != d.ID {
			continue
		}
		out.Outcome, out.At, out.Tries, out.Message = report.Outcome(a.Body.Outcome), a.At.UTC(), a.Body.Try, a.Body.Message
		out.Attempts = append(out.Attempts, report.Attempt{At: a.At.UTC(), Outcome: out.Outcome, Message: a.Body.Message})
	}
	return out
}

// writeFile replaces a file whole: a reader sees the old page or the new one.
func writeFile(path string, render func(io.Writer) error) error {
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
	return os.Rename(tmp.Name(), path)
}
