package report

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay/decide"
	"assay/ledger"
)

// Markdown for comments on pull requests, as GitHub and GitLab render it.

// MarkdownLimit is the most characters of a Markdown text, a little below what a
// comment on GitHub may have.
const MarkdownLimit = 60_000

const (
	markdownMetrics = 100 // rows of effects
	markdownSlices  = 100 // rows of effects by dimension
	markdownLines   = 120 // lines of a difference of two prompts
	markdownCell    = 300 // characters of a text in a table
)

// Markdown writes what the page says first, for a comment on a pull request: the
// verdict and why, the flag, the data, the effects, and what the prompts differ
// in. Names and texts are shown as text: they can neither make markup nor mention anybody. It has at most
// MarkdownLimit characters. Its errors are those of w.
func (s Site) Markdown(w io.Writer, e Explained) error {
	m := newMarked()
	m.look(s, &e)
	m.add("`assay explain " + inCode(shellWord(e.Look.Experiment)) + " --as-of " + e.Look.AsOf.UTC().Format(time.RFC3339Nano) + "`\n")
	return write(w, []byte(m.text()))
}

// Ran is what a run came to.
type Ran struct {
	Dry         bool // nothing was recorded or delivered
	Results     []RanOne
	Undelivered int // decisions in the outbox
}

// RanOne is what a run came to for one experiment; Look is nil where there is none.
type RanOne struct {
	Experiment string
	Look       *ledger.Look
	Since      Since
	Skipped    string   // why there is no look
	Error      string   // why it failed
	Moved      *float64 // largest relative change of an estimate, of a look that was computed anew
}

// MarkdownOfRun writes what a run came to, for a comment on a pull request: a
// table of all experiments, then of each what Markdown writes, as far as there is
// room. It has at most MarkdownLimit characters. Its errors are those of w.
func (s Site) MarkdownOfRun(w io.Writer, r Ran) error {
	m := newMarked()
	t := newGrid("Experiment", "Verdict", "Why")
	for _, one := range r.Results[:min(len(r.Results), markdownMetrics)] {
		verdict, why := one.brief()
		t.row(name(one.Experiment), verdict, why)
	}
	m.add(t.text())
	if more := len(r.Results) - markdownMetrics; more > 0 {
		m.add(plural(more, "experiment", "experiments") + " more.\n")
	}
	if r.Dry {
		m.add("A dry run: nothing was recorded or delivered.\n")
	}
	if r.Undelivered > 0 {
		m.add("**" + plural(r.Undelivered, "decision waits", "decisions wait") + " in the outbox.**\n")
	}
	for i := range r.Results {
		if one := &r.Results[i]; one.Look != nil && one.Error == "" {
			m.look(s, &Explained{Look: one.Look, Since: one.Since})
		}
	}
	return write(w, []byte(m.text()))
}

// brief is a result in a line of the table.
func (r *RanOne) brief() (verdict, why string) {
	switch {
	case r.Error != "":
		return "✕ failed", message(r.Error)
	case r.Look == nil:
		return "skipped", message(r.Skipped)
	case r.Moved != nil:
		return "refreshed", "estimates moved by at most " + term.smallShare(*r.Moved)
	}
	b := verdictOf(r.Look)
	return b.Icon + " " + b.Word, message(r.Look.Decision.Summary)
}

func newMarked() *marked { return &marked{left: MarkdownLimit - 200} }

// look adds the sections of one look.
func (m *marked) look(s Site, e *Explained) {
	m.add(m.head(e))
	m.add(m.facts(s, e))
	m.add(m.effects(e.Look))
	m.add(folded("Effects by dimension (they decide nothing)", m.slices(e.Look)))
	m.add(folded("Effects by day since exposure (they decide nothing)", m.days(e.Look)))
	m.add(folded("Why, and what would change it", m.reasons(&e.Look.Decision)))
	m.add(folded("What became of it", m.since(&e.Since)))
	m.add(m.prompts(e))
}

// marked is a text that is put together section by section, as far as there is
// room.
type marked struct {
	out     strings.Builder
	left    int
	omitted int
}

// add adds a section whole or not at all; an empty one is none.
func (m *marked) add(section string) {
	n := utf8.RuneCountInString(section) + 1
	switch {
	case section == "":
	case n > m.left:
		m.omitted++
	default:
		if m.out.Len() > 0 {
			m.out.WriteString("\n")
		}
		m.out.WriteString(section)
		m.left -= n
	}
}

func (m *marked) text() string {
	if m.omitted > 0 {
		return m.out.String() + "\n" + plural(m.omitted, "part is", "parts are") + " left out for want of room; the report has everything.\n"
	}
	return m.out.String()
}

func (m *marked) head(e *Explained) string {
	look := e.Look
	b := verdictOf(look)
	text := "### " + b.Icon + " " + escaped(b.Word) + ": " + escaped(name(look.Experiment)) + "\n\n" + paragraph(message(look.Decision.Summary)) + "\n"
	if t := newTurning(look, e.History, term); t != nil {
		text += "\n" + paragraph(t.sentence()) + "\n"
	}
	if todo := lookTodo(look, e.Since.Acted); todo != "" && !e.Later {
		text += "\n**To do:** " + escaped(todo) + "\n"
	}
	if look.Failed != "" {
		text += "\n**Evidence is missing:** " + escaped(message(look.Failed)) + "\n"
	}
	if look.Backfill {
		text += "\nA backfill: an earlier as-of than the last decided one; nothing is delivered.\n"
	}
	return text
}

func (m *marked) facts(s Site, e *Explained) string {
	look := e.Look
	t := newGrid("", "")
	t.row("As of", instant(look.AsOf)+", "+lookNumber(look))
	if since := look.Standing.VerdictSince; !since.IsZero() {
		t.row("Verdict since", instant(since))
	}
	t.row("Flag", flagSentence(look, term))
	data := healthBadge(&look.Health)
	t.row("Data", data.Icon+" "+data.Word)
	for _, f := range look.Health.Problems {
		t.row("Problem", newProblemView(look, f).Text)
	}
	t.row("Exposed", term.count(look.Health.Units)+" "+noun(look.Spec.Identifier))
	text := t.text()
	if page := s.lookAddress(look); page != "" {
		text += "\n[The report](" + page + ")\n"
	}
	return text
}

// lookAddress is the page of a look where it is published; empty = not known.
func (s Site) lookAddress(look *ledger.Look) string {
	address := s.address(url.PathEscape(look.Experiment), "looks", url.PathEscape(LookFile(look)))
	// What would end the link of a Markdown text early.
	return strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", " ", "%20", "\"", "%22", "\\", "%5C").Replace(address)
}

func (m *marked) effects(look *ledger.Look) string {
	t := newGrid("Metric", "Role", "Arms", "Effect", "Status")
	rows := 0
	for _, r := range roles {
		for _, row := range textRows(look, r.Role) {
			if rows++; rows > markdownMetrics {
				continue
			}
			status := row.Status.Icon + " " + row.Status.Word
			t.row(row.Name, r.Role, row.Arms, row.Effect, joined(status, "; ", row.E))
		}
	}
	text := t.text()
	if more := rows - markdownMetrics; more > 0 {
		text += "\n" + plural(more, "comparison", "comparisons") + " more; the report has them.\n"
	}
	return text
}

// slices are the effects by dimension, as the page's tables.
func (m *marked) slices(look *ledger.Look) string {
	t := newGrid("Metric", "Dimension", "Value", "Arms", "Effect")
	several, rows := len(treatments(look)) > 1, 0
	for _, r := range roles {
		for i := range look.Metrics {
			metric := &look.Metrics[i]
			if metric.Role != r.Role {
				continue
			}
			for j := range metric.Slices {
				s := &metric.Slices[j]
				if rows++; rows > markdownSlices {
					continue
				}
				value := sliceName(s)
				if several {
					value += " in " + name(s.Variation)
				}
				arms, effect := effectTexts(metric, &s.Effect)
				t.row(name(metric.Name), name(s.Dimension), value, arms, effect)
			}
		}
	}
	text := t.text()
	if more := rows - markdownSlices; more > 0 {
		text += "\n" + plural(more, "row", "rows") + " more; the report has them.\n"
	}
	return text
}

// days are the effects by day since exposure, as the page's tables.
func (m *marked) days(look *ledger.Look) string {
	t := newGrid("Metric", "Day", "Arms", "Effect")
	several, rows := len(treatments(look)) > 1, 0
	eachDays(look, func(metric *ledger.MetricResult, days []*ledger.DayResult) {
		for _, d := range days {
			if rows++; rows > markdownSlices {
				continue
			}
			title := name(metric.Name)
			if several {
				title += " in " + name(d.Variation)
			}
			arms, effect := effectTexts(metric, &d.Effect)
			t.row(title, fmt.Sprint(d.Day), arms, effect)
		}
	})
	text := t.text()
	if more := rows - markdownSlices; more > 0 {
		text += "\n" + plural(more, "row", "rows") + " more; the report has them.\n"
	}
	return text
}

func (m *marked) reasons(d *decide.Decision) string {
	var b strings.Builder
	for i, r := range d.Reasons {
		badge := verdictBadge(r.Verdict)
		fmt.Fprintf(&b, "%d. %s %s: %s\n", i+1, badge.Icon, escaped(badge.Word), escaped(message(r.Text)))
	}
	if len(d.Reasons) > 0 && len(d.WouldChange) > 0 {
		b.WriteString("\nWhat would change it:\n\n")
	}
	for _, s := range d.WouldChange {
		b.WriteString("- " + paragraph(message(s)) + "\n")
	}
	return b.String()
}

func (m *marked) since(s *Since) string {
	var b strings.Builder
	line := func(text string) { b.WriteString("- " + paragraph(text) + "\n") }
	for i := range s.Deliveries {
		d := &s.Deliveries[i]
		line(joined(name(d.Store)+" "+name(d.FlagKey)+": "+outcomeBadge(d.Outcome).Word+", "+instant(d.At), "; ", said(d.Outcome, d.Message)))
	}
	for _, c := range s.Changes {
		line(joined(instant(c.At)+": "+changeText(c, term), "; ", message(c.Message)))
	}
	for _, a := range s.Approvals {
		line(joined(instant(a.At)+": "+approvedBy(a), "; ", message(a.Message)))
	}
	for _, c := range s.Clears {
		line(joined(instant(c.At)+": "+clearedBy(c), "; ", message(c.Message)))
	}
	return b.String()
}

// prompts are what the prompts of the variations differ in, as a diff.
func (m *marked) prompts(e *Explained) string {
	v := newPrompts(e.Look, complete(e.Look, e.History), &e.Since)
	if v == nil {
		return ""
	}
	var b strings.Builder
	for i := range v.Diffs {
		d := &v.Diffs[i]
		t := newGrid("Prompt", d.KnownGood, d.Treatment)
		for _, p := range d.Properties {
			t.row(p.Name, p.KnownGood, p.Treatment)
		}
		text := t.text()
		if !d.Same {
			text = joined(text, "\n", fenced(d.Lines))
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(text)
	}
	return folded("Prompts", b.String())
}

// fenced is the difference of two texts as a block of code whose fence is longer
// than any in the texts.
func fenced(rows []diffLine) string {
	lines := unified(rows)
	more := len(lines) - markdownLines
	lines = lines[:min(len(lines), markdownLines)]
	longest := 2
	for i, l := range lines {
		lines[i] = shorten(l, markdownCell)
		run := 0
		for _, r := range l {
			if run++; r != '`' {
				run = 0
			}
			longest = max(longest, run)
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("  … %s more", plural(more, "line", "lines")))
	}
	fence := strings.Repeat("`", longest+1)
	return fence + "diff\n" + strings.Join(lines, "\n") + "\n" + fence + "\n"
}

// folded hides a section behind its title; an empty one is nothing.
func folded(title, section string) string {
	if section == "" {
		return ""
	}
	return "<details><summary>" + title + "</summary>\n\n" + section + "\n</details>\n"
}

// grid is a table.
type grid struct {
	head []string
	rows strings.Builder
}

func newGrid(head ...string) *grid { return &grid{head: head} }

func (g *grid) row(cells ...string) {
	for i, cell := range cells {
		cells[i] = escaped(shorten(cell, markdownCell))
	}
	g.rows.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// text is the table; without a row it is nothing.
func (g *grid) text() string {
	if g.rows.Len() == 0 {
		return ""
	}
	head := make([]string, len(g.head))
	for i, cell := range g.head {
		head[i] = escaped(shorten(cell, markdownCell))
	}
	return "| " + strings.Join(head, " | ") + " |\n|" + strings.Repeat("---|", len(head)) + "\n" + g.rows.String()
}

// apart keeps two characters from being read as one reference; no renderer shows
// it.
const apart = "<!-- -->"

// escaped is a text that Markdown shows as it is, inside a line. What a host makes
// of text that Markdown is done with (names behind an at sign, numbers behind a
// hash) is kept from it too.
func escaped(s string) string {
	var b strings.Builder
	runes := []rune(clean(s))
	for i, r := range runes {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteString("\\" + string(r) + apart)
		case marking(runes, i):
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// marking tells whether the i-th character may be markup of code, emphasis, links,
// tables or formulas, or part of an address.
func marking(runes []rune, i int) bool {
	at := func(j int) rune {
		if j < 0 || j >= len(runes) {
			return 0
		}
		return runes[j]
	}
	word := func(j int) bool { return unicode.IsLetter(at(j)) || unicode.IsDigit(at(j)) }
	switch runes[i] {
	case '\\', '`', '*', '[', ']', '|', '~', '$':
		return true
	case '_':
		return !word(i-1) || !word(i+1)
	case ':':
		return at(i+1) == '/' || unicode.IsLetter(at(i+1))
	case '.':
		return i >= 3 && strings.EqualFold(string(runes[i-3:i]), "www")
	}
	return false
}

// opening is what begins a list, a heading or a rule where a line begins.
var opening = regexp.MustCompile(`^(\d*)([-+=.)])`)

// paragraph is an escaped text that begins a line.
func paragraph(s string) string {
	return opening.ReplaceAllString(strings.TrimSpace(escaped(s)), `$1\$2`)
}

// inCode is a text inside a span of code, which nothing in it can end.
func inCode(s string) string { return strings.ReplaceAll(clean(s), "`", "'") }
