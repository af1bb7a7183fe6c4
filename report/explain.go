package report

import (
	"io"
	"strings"

	"assay/ledger"
)

// Explained is what Explain tells about.
type Explained struct {
	Look    *ledger.Look
	History []ledger.Look // up to and including Look, oldest first
	Since   Since
	Later   bool // there is a later look: nothing is to be done about this one
}

// explainLooks is how many of the latest looks the history shows.
const explainLooks = 12

// Explain writes what happened and why, what would have changed it, the looks
// before, and what became of the deliveries. Its errors are those of w.
func Explain(w io.Writer, e Explained, o TextOptions) error {
	p := newPrinter(o)
	p.heading(e.Look, e.History)
	if !e.Later {
		p.todo(e.Look, e.Since.Acted)
	}
	p.why(e.Look)
	p.wouldChange(e.Look)
	p.title("the flag")
	p.item("  ", flagSentence(e.Look, term))
	p.deliveries(&e.Since)
	p.steps(e.Look, &e.Since)
	p.title("the data")
	p.healthLines(e.Look)
	p.opened(e.Look)
	p.effects(e.Look)
	p.slices(e.Look)
	p.days(e.Look)
	p.prompts(e.Look, e.History, &e.Since)
	p.history(e.Look, e.History)
	p.title("to repeat it")
	for _, c := range commands(e.Look) {
		p.item("  ", c.Line)
	}
	p.origin(e.Look)
	return write(w, []byte(p.out.String()))
}

// brief is a text fit for a line; nothing stays nothing.
func brief(s string) string { return shorten(clean(s), nameLength) }

// origin says what the decision was made of: which spec, program and SQL.
func (p *printer) origin(look *ledger.Look) {
	p.labelled("spec", joined(brief(look.Digest), ", plan ", brief(look.PlanDigest)))
	p.labelled("revision", brief(look.Revision))
	p.labelled("assay", brief(look.Tool))
	var digests []string
	for _, s := range look.Statements {
		if s.Digest != "" {
			digests = append(digests, name(s.Name)+" "+s.Digest[:min(12, len(s.Digest))])
		}
	}
	p.labelled("cost", plain(costOfAll(look.Statements)))
	p.labelled("sql", strings.Join(digests, ", "))
}

func (p *printer) why(look *ledger.Look) {
	p.title("all reasons, the first decides")
	if len(look.Decision.Reasons) == 0 {
		p.item("  ", "No reason was given.")
	}
	for _, r := range look.Decision.Reasons {
		b := verdictBadge(r.Verdict)
		prefix := "  " + p.painted(b.Tone, padded(strings.ToLower(b.Word), 12)) + " "
		p.item(prefix, message(r.Text))
	}
}

func (p *printer) wouldChange(look *ledger.Look) {
	if len(look.Decision.WouldChange) == 0 {
		return
	}
	p.title("what would change it")
	for _, s := range look.Decision.WouldChange {
		p.item("  - ", message(s))
	}
}

func (p *printer) deliveries(s *Since) {
	for _, d := range s.Deliveries {
		p.delivery(d)
	}
	for _, c := range s.Changes {
		p.labelled("changed", joined(instant(c.At)+": "+changeText(c, term), "; ", message(c.Message)))
	}
	for _, a := range s.Approvals {
		p.labelled("applied", joined(instant(a.At)+": "+approvedBy(a), ", ", message(a.Message)))
	}
	for _, plan := range s.Plans {
		p.labelled("plan", instant(plan.At)+": "+plannedText(plan))
	}
	for _, c := range s.Clears {
		p.labelled("cleared", joined(instant(c.At)+": "+clearedBy(c), ", ", message(c.Message)))
	}
	if s.empty() {
		p.labelled("delivery", "nothing was delivered, and the flag was not seen to change")
	}
}

func (p *printer) delivery(d Delivered) {
	b := outcomeBadge(d.Outcome)
	text := name(d.Store) + " " + name(d.FlagKey) + ": " + p.painted(b.Tone, b.Word)
	if d.Proposal && d.Outcome != Proposed {
		text += ", as a proposal"
	}
	if d.Verdict != "" {
		text += ", " + d.decidedBy()
	}
	text += ", " + plural(d.Tries, "try", "tries")
	if !d.At.IsZero() {
		text += ", latest " + instant(d.At)
	}
	p.labelled("delivery", joined(text, "; ", said(d.Outcome, d.Message)))
	if len(d.Attempts) < 2 {
		return
	}
	for _, a := range d.Attempts {
		p.labelled("", joined(instant(a.At)+" "+outcomeBadge(a.Outcome).Word, ": ", said(a.Outcome, a.Message)))
	}
}

func (p *printer) history(look *ledger.Look, history []ledger.Look) {
	history = complete(look, history)
	p.title("looks, newest first")
	for i := len(history) - 1; i >= max(len(history)-explainLooks, 0); i-- {
		h := &history[i]
		b := verdictOf(h)
		p.item("  "+padded(lookNumberShort(h.Number, h.Version), 4)+" ", instant(h.AsOf)+", "+p.painted(b.Tone, strings.ToLower(b.Word)))
		p.item("       ", message(h.Decision.Summary))
	}
	if more := len(history) - explainLooks; more > 0 {
		p.item("  ", plural(more, "earlier look", "earlier looks")+" not shown; the report has them")
	}
}
