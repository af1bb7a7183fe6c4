package report

import (
	"cmp"
	"io"
	"net/url"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

// lookFile is the page of a look, which its as-of and its id name.
func lookFile(asOf time.Time, id string) string {
	return asOf.UTC().Format("20060102T150405Z") + "-" + id + ".html"
}

// looksListed is how many looks the list of all looks has at most, the newest.
const looksListed = 2000

// Looks writes the list of all looks of an experiment, backfills and failed ones
// included, meant for <experiment>/looks/index.html. whole tells whether a look's
// page is there; where it is not kept the list says so. Its errors are those of w.
func (s Site) Looks(w io.Writer, experiment string, looks []ledger.Glance, whole func(ledger.Glance) bool) error {
	title := name(experiment)
	v := looksView{frame: s.frame(title+": all looks", atLook), Name: title, Count: plural(len(looks), "look", "looks")}
	pruned, ends := 0, endings(looks)
	for i, g := range slices.Backward(looks) {
		row := newLookRow(g)
		if g.Ended {
			row.Badge.Word = cmp.Or(endWords[ends[i]], "Ended")
		}
		if row.Pruned = !whole(g); row.Pruned {
			pruned++
		}
		if len(v.Rows) < looksListed {
			v.Rows = append(v.Rows, row)
		}
	}
	if more := len(looks) - looksListed; more > 0 {
		v.More = plural(more, "earlier look is", "earlier looks are") + " not listed; assay ledger show has all of them."
	}
	if pruned > 0 {
		v.Pruned = plural(pruned, "page is", "pages are") + " not kept: the ledger still has the look, and the address says how to see it."
	}
	return render(w, "looks.tmpl", v)
}

// endings are, of each look, the verdict of the last one up to it that ended the
// experiment; a person's end is not known at a glance, and is "".
func endings(looks []ledger.Glance) []decide.Verdict {
	out, last := make([]decide.Verdict, len(looks)), decide.Verdict("")
	for i, g := range looks {
		switch {
		case g.Backfill:
		case !g.Ended:
			last = ""
			if _, known := endWords[g.Verdict]; known && !g.Proposal {
				last = g.Verdict
			}
		}
		out[i] = last
	}
	return out
}

// Pruned writes what stands in the place of a look's page that is not kept, so
// that links to it stay valid. There may be thousands: it does without a style
// sheet. Its errors are those of w.
func (s Site) Pruned(w io.Writer, experiment string, g ledger.Glance) error {
	title := name(experiment)
	return render(w, "pruned.tmpl", prunedView{
		frame: frame{Title: title + ": a look whose page is not kept", Policy: "default-src 'none'", Up: atLook.up()}, Name: title, Row: newLookRow(g),
		Command: "assay explain " + shellWord(experiment) + " --as-of " + g.AsOf.UTC().Format(time.RFC3339Nano),
	})
}

// looksView is the list of all looks, ready to be laid out.
type looksView struct {
	frame
	Name, Count  string
	More, Pruned string
	Rows         []lookRow
}

type lookRow struct {
	Look, AsOf, Recorded string
	Link                 string
	Badge                badge
	Backfill, Failed     bool
	Pruned               bool
}

func newLookRow(g ledger.Glance) lookRow {
	return lookRow{
		Look: lookNumberShort(g.Number, g.Version), AsOf: instant(g.AsOf), Recorded: instant(g.At),
		Link: lookLink("./", g.AsOf, g.ID), Badge: glanceBadge(g), Backfill: g.Backfill, Failed: g.Failed,
	}
}

// lookLink is a relative address of a look's page.
func lookLink(folder string, asOf time.Time, id string) string {
	return folder + url.PathEscape(lookFile(asOf, id))
}

// glanceBadge is the badge of what a look decided.
func glanceBadge(g ledger.Glance) badge {
	d := decide.Decision{Verdict: g.Verdict, Proposal: g.Proposal}
	if g.Ended {
		d.Reasons = []decide.Reason{{Rule: 0}}
	} else {
		d.Reasons = []decide.Reason{{Rule: 1}}
	}
	return decisionBadge(&d)
}

// prunedView stands in the place of a look's page.
type prunedView struct {
	frame
	Name, Command string
	Row           lookRow
}
