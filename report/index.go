package report

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"assay/decide"
	"assay/ledger"
)

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
}

// need is why an experiment is where it is in the index; smaller comes first.
type need int

const (
	needFailed need = iota
	needReview
	needDelivery // of a rollback
	needOtherDelivery
	needHold
	needProposal
	needRollback
	needData
	needLook // never looked at
	needNothing
	needEnded
)

var needWords = map[need]string{
	needFailed:        "The latest run failed",
	needReview:        "Somebody has to decide",
	needDelivery:      "The rollback has not arrived",
	needOtherDelivery: "The decision has not arrived",
	needHold:          "The data cannot be trusted",
	needProposal:      "Somebody has to approve",
	needRollback:      "Rolled back: find out why",
	needData:          "Look at the data",
	needLook:          "No look yet",
	needNothing:       "Nothing to do",
	needEnded:         "Ended",
}

func (e *Entry) need() need {
	switch {
	case e.Failure != "":
		return needFailed
	case e.Look == nil:
		return needLook
	case e.undelivered() && e.Look.Decision.Verdict == decide.Rollback:
		return needDelivery
	case e.Look.Decision.Verdict == decide.Review:
		return needReview
	case e.undelivered():
		return needOtherDelivery
	}
	return e.verdictNeed()
}

func (e *Entry) undelivered() bool {
	return slices.Contains(undelivered, e.Delivery)
}

func (e *Entry) verdictNeed() need {
	d := &e.Look.Decision
	switch {
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
	Rows   []indexRow
	Count  string // how many experiments there are
	Newest string
	Waits  string // how many need a person
}

type indexRow struct {
	Name, Link, Kind string
	Badge            badge
	Need             string
	Since            string
	Why              string
	Coverage         string
	Health           badge
	Delivery         *badge
	AsOf, Units      string
	Owner            string
	Looked           bool
}

func newIndex(entries []Entry) indexView {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.need(), b.need()), cmp.Compare(a.name(), b.name()))
	})
	v := indexView{frame: newFrame("assay: experiments"), Newest: dash, Count: plural(len(entries), "experiment", "experiments")}
	var newestAsOf time.Time
	waiting := 0
	for i := range entries {
		e := &entries[i]
		v.Rows = append(v.Rows, newIndexRow(e))
		if e.Look != nil && e.Look.AsOf.After(newestAsOf) {
			newestAsOf = e.Look.AsOf
			v.Newest = instant(newestAsOf)
		}
		if e.need() <= needRollback {
			waiting++
		}
	}
	v.Waits = plural(waiting, "of them needs a person", "of them need a person")
	if waiting == 0 {
		v.Waits = "none of them needs a person"
	}
	return v
}

func newIndexRow(e *Entry) indexRow {
	row := indexRow{
		Name: name(e.name()), Link: e.link(), Need: needWords[e.need()], Since: instant(e.Since),
		Badge: badge{"…", "No look yet", toneMute}, Coverage: dash, AsOf: dash, Units: dash,
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
	r.Badge, r.Why = decisionBadge(&look.Decision), message(look.Decision.Summary)
	r.Coverage, r.Health = coverageText(look), healthBadge(&look.Health)
	r.AsOf, r.Units = instant(look.AsOf), web.count(look.Health.Units)
	if look.Spec.Owner != "" {
		r.Owner = shorten(clean(look.Spec.Owner), 60)
	}
}
