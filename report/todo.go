package report

import (
	"slices"
	"strings"

	"assay/decide"
	"assay/ledger"
)

// todo is what the person whom an experiment needs can do about it, in one line,
// from what its page says; "" where it needs nobody.
func (e *Entry) todo() string {
	command := func(verb string) string { return "assay " + verb + " " + shellWord(e.name()) }
	switch e.need() {
	case needFailed:
		return "Mend what the message names; the next run looks again."
	case needReview:
		return "Decide from its page, and set the flag yourself: assay changes nothing any more."
	case needDelivery, needOtherDelivery:
		return deliveryTodo[e.Delivery]
	case needOverdue:
		return "See whether what starts the runs still does; assay run makes up for it."
	case needHold:
		return holdTodo(e.Look)
	case needProposal:
		return "Approve it: " + command("apply") + "."
	case needRollback:
		return "Find out why. When it is mended: " + command("clear") + " begins anew."
	case needData, needLook, needNothing, needEnded, needGone:
		return ""
	}
	return ""
}

// deliveryTodo is what helps a decision on its way, by what became of it.
var deliveryTodo = map[Outcome]string{
	Pending:     "Send it: assay deliver, or the next run does.",
	Unavailable: "See why the store cannot be reached; the next run, or assay deliver, tries again.",
	Conflict:    "A person has changed the flag: agree with them who is right, and set it by hand. It is never overwritten.",
	Refused:     "See why the store refuses it, on the page, and set the flag by hand.",
	Approval:    "Approve the change in the store.",
	Disabled:    "The receiver wants no more deliveries: give the store another, and set the flag by hand.",
}

// holdTodo is the likeliest mend of what holds a decision back.
func holdTodo(look *ledger.Look) string {
	for i := range look.Health.Sources {
		if s := &look.Health.Sources[i]; s.Blind && s.Diagnosis != nil {
			for j := range s.Diagnosis.Causes {
				if mend := message(s.Diagnosis.Causes[j].Mend); mend != "" {
					return mend
				}
			}
		}
	}
	if t := look.Health.Traffic; t != nil && len(t.Causes) > 0 {
		return "Look first at this: " + message(t.Causes[0].Text)
	}
	if reasons := look.Decision.Reasons; len(reasons) > 0 && reasons[0].Rule == blindRule {
		return "See why they do not meet: assay doctor " + shellWord(look.Experiment) + "."
	}
	for _, w := range look.Decision.WouldChange {
		if until, found := strings.CutPrefix(w, decide.NotHeld); found {
			return "It goes on, once " + message(until) + "."
		}
	}
	return "Find out what is wrong with the data: assay doctor " + shellWord(look.Experiment) + " looks for the usual causes."
}

// Rows of the table of decisions on data that cannot be trusted: rows that are
// missing or old, sources that meet nobody, traffic that is not as it was planned.
const (
	staleRule     = 2
	blindRule     = 3
	unhealthyRule = 4
)

// pageTodo is what the page of the latest look says to do: as its line of the index,
// but for what becomes of deliveries, which it tells by themselves.
func pageTodo(look *ledger.Look, since *Since) string {
	if since == nil {
		return ""
	}
	return prose(lookTodo(look, since.Acted))
}

// lookTodo is what to do about the latest look, "" where there is nothing. Acted is
// Since.Acted.
func lookTodo(look *ledger.Look, acted bool) string {
	if look.Backfill {
		return ""
	}
	switch e := (&Entry{Look: look, Acted: acted}); e.need() {
	case needReview, needHold, needProposal:
		return e.todo()
	case needFailed, needDelivery, needOtherDelivery, needOverdue, needRollback, needData, needLook, needNothing, needEnded, needGone:
	}
	return ""
}

// questions are what a problem makes doubtful, by the lines of the strip of health
// and the flag.
var questions = []struct {
	title string
	codes []string
}{
	{"identifiers", identifierCodes},
	{"split", splitCodes},
	{"one variation each", armsCodes},
	{"freshness", freshCodes},
	{"volume", volumeCodes},
	{"before exposure", alikeCodes},
	{"the flag", []string{"conflict", "store_unread", "change_unseen", "ramp_unseen"}},
}

// problemsIn says what the problems are about, the most serious first.
func problemsIn(h *ledger.Health) string {
	var about []string
	for _, p := range h.Problems {
		title := "others"
		for _, q := range questions {
			if slices.Contains(q.codes, p.Code) {
				title = q.title
			}
		}
		if !slices.Contains(about, title) {
			about = append(about, title)
		}
	}
	return strings.Join(about, ", ")
}
