package report

import (
	"cmp"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"assay/decide"
	"assay/ledger"
)

// Index writes the table of all experiments, those first that need a person. Its
// errors are those of w.
func (s Site) Index(w io.Writer, entries []Entry) error {
	return render(w, "index.tmpl", s.newIndex(entries))
}

// Index is Site.Index of the zero Site.
func Index(w io.Writer, entries []Entry) error { return Site{}.Index(w, entries) }

// Entry is one experiment of the index.
type Entry struct {
	// Name of the experiment; empty = that of the look.
	Name string
	// Look is the latest one; nil = there is none yet.
	Look *ledger.Look
	// Delivery is what became of the latest decision; "" = nothing was due.
	Delivery Outcome
	// Since is when the verdict was first given in an unbroken run of looks;
	// zero = not known.
	Since time.Time
	// Link to the experiment's page; empty = <name>/report.html. It is shown
	// only where it is relative, so that it cannot leave the folder's site.
	Link string
	// Failure says why the latest run of this experiment failed; "" = it did not.
	Failure string
	// Next is when the next look is due; zero = none is to come, or not known.
	Next time.Time
	// Overdue: when the index was written two looks were due since the latest one.
	Overdue bool
	// Acted: a person has done since the latest look what it asked for, or has
	// cleared the experiment.
	Acted bool
	// Gone: the spec has the experiment no longer.
	Gone bool
	// Changes are the looks at which the verdict changed, newest first, for the feed.
	Changes []*ledger.Entry[ledger.Look]
}

// need is why an experiment is where it is in the index; smaller comes first.
type need int

const (
	needFailed need = iota
	needReview
	needDelivery // of a rollback
	needOtherDelivery
	needOverdue
	needHold
	needProposal
	needRollback
	needData
	needLook // never looked at
	needNothing
	needEnded
	needGone
)

var needWords = map[need]string{
	needFailed:        "The latest run failed",
	needReview:        "Somebody has to decide",
	needDelivery:      "The rollback has not arrived",
	needOtherDelivery: "The decision has not arrived",
	needOverdue:       "Looks are overdue: does the job run?",
	needHold:          "The data cannot be trusted",
	needProposal:      "Somebody has to approve",
	needRollback:      "Rolled back: find out why",
	needData:          "Look at the data",
	needLook:          "No look yet",
	needNothing:       "Nothing to do",
	needEnded:         "Ended",
	needGone:          "No longer in the spec",
}

// needKeys are the needs for machines, part of the feed's format.
var needKeys = map[need]string{
	needFailed:        "failed",
	needReview:        "review",
	needDelivery:      "rollback_undelivered",
	needOtherDelivery: "undelivered",
	needOverdue:       "overdue",
	needHold:          "hold",
	needProposal:      "approval",
	needRollback:      "rollback",
	needData:          "data",
	needLook:          "no_look",
	needNothing:       "nothing",
	needEnded:         "ended",
	needGone:          "gone",
}

// person tells whether somebody has to do something.
func (n need) person() bool { return n <= needRollback }

func (e *Entry) need() need {
	switch {
	case e.Gone:
		return needGone
	case e.Failure != "":
		return needFailed
	case e.Look == nil:
		return needLook
	case e.undelivered() && e.Look.Decision.Verdict == decide.Rollback:
		return needDelivery
	case e.Look.Decision.Verdict == decide.Review && !e.Acted:
		return needReview
	case e.undelivered():
		return needOtherDelivery
	case e.Overdue:
		return needOverdue
	}
	return e.verdictNeed()
}

func (e *Entry) undelivered() bool {
	return slices.Contains(undelivered, e.Delivery)
}

func (e *Entry) verdictNeed() need {
	d := &e.Look.Decision
	switch {
	case e.Acted:
		return needNothing // Until the next look.
	case ended(d):
		return needEnded
	case d.Verdict == decide.Hold:
		return needHold
	case d.Proposal:
		return needProposal
	case d.Verdict == decide.Rollback:
		return needRollback
	case len(e.Look.Health.Problems) > 0:
		return needData
	case d.Verdict == decide.Ship:
		return needEnded
	}
	return needNothing
}

// ended tells whether the experiment was rolled back or shipped before.
func ended(d *decide.Decision) bool {
	return d.Verdict == decide.Hold && len(d.Reasons) > 0 && d.Reasons[0].Rule == 0
}

func (e *Entry) name() string {
	if e.Name == "" && e.Look != nil {
		return e.Look.Experiment
	}
	return e.Name
}

// link is the relative address of the experiment's page; anything that could
// lead elsewhere is replaced.
func (e *Entry) link() string {
	if u, err := url.Parse(e.Link); e.Link != "" && err == nil && u.Scheme == "" && u.Host == "" {
		return e.Link
	}
	return "./" + url.PathEscape(e.name()) + "/report.html"
}

// indexView is the index, ready to be laid out.
type indexView struct {
	frame
	Groups []indexGroup // none is empty
	Count  string       // how many experiments there are
	Newest string
	Waits  string // how many need a person
}

// indexGroup are those that need a person, or the others.
type indexGroup struct {
	Title string
	Rows  []indexRow
}

type indexRow struct {
	Name, Link, Kind string
	Badge            badge
	Need, Todo       string // why it stands there, and what a person can do; Todo may be empty
	Since            string
	Why              string
	Coverage         string
	Health           badge
	Problems         string // what several problems are about
	Delivery         *badge
	Units            string
	AsOf             *momentView
	Next             *momentView
	Overdue          bool
	Over             bool // no look is to come
	Owner            string
	Looked           bool
}

// momentView is an instant that breaks between date and time only.
type momentView struct{ Date, Time string }

func newMomentView(t time.Time) *momentView {
	if t.IsZero() {
		return nil
	}
	date, clock, _ := strings.Cut(instant(t), " ")
	return &momentView{date, clock}
}

// sorted are the entries, those first that need a person.
func sorted(entries []Entry) []Entry {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.need(), b.need()), cmp.Compare(a.name(), b.name()))
	})
	return entries
}

func (s Site) newIndex(entries []Entry) indexView {
	entries = sorted(entries)
	v := indexView{frame: s.frame("assay: experiments", atIndex), Newest: dash, Count: plural(len(entries), "experiment", "experiments")}
	var newestAsOf time.Time
	waits, others := indexGroup{Title: "Needs a person"}, indexGroup{Title: "Needs nobody now"}
	for i := range entries {
		e := &entries[i]
		group := &others
		if e.need().person() {
			group = &waits
		}
		group.Rows = append(group.Rows, newIndexRow(e))
		if e.Look != nil && e.Look.AsOf.After(newestAsOf) {
			newestAsOf = e.Look.AsOf
			v.Newest = instant(newestAsOf)
		}
	}
	for _, group := range []indexGroup{waits, others} {
		if len(group.Rows) > 0 {
			v.Groups = append(v.Groups, group)
		}
	}
	waiting := len(waits.Rows)
	v.Waits = plural(waiting, "of them needs a person", "of them need a person")
	if waiting == 0 {
		v.Waits = "none of them needs a person"
	}
	return v
}

func newIndexRow(e *Entry) indexRow {
	row := indexRow{
		Name: name(e.name()), Link: e.link(), Need: needWords[e.need()], Todo: prose(e.todo()), Since: instant(e.Since),
		Badge: badge{"…", "No look yet", toneMute}, Coverage: dash, Units: dash,
		Next: newMomentView(e.Next), Overdue: e.Overdue, Over: e.Next.IsZero() && e.Look != nil,
	}
	if e.Look != nil {
		row.fill(e.Look)
	}
	if e.Delivery != "" {
		b := outcomeBadge(e.Delivery)
		row.Delivery = &b
	}
	if e.Failure != "" {
		row.Badge = badge{"✕", "Run failed", toneBad}
		row.Why = message(e.Failure)
	}
	return row
}

func (r *indexRow) fill(look *ledger.Look) {
	r.Looked, r.Kind = true, kindText(look.Spec.Type)
	r.Badge, r.Why = verdictOf(look), prose(look.Decision.Summary)
	r.Coverage, r.Health, r.Problems = coverageText(look), healthBadge(&look.Health), problemsIn(&look.Health)
	r.AsOf, r.Units = newMomentView(look.AsOf), web.count(look.Health.Units)
	if look.Spec.Owner != "" {
		r.Owner = shorten(clean(look.Spec.Owner), 60)
	}
}
