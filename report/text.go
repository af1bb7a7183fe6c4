package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay/ledger"
)

// Colour says whether text for a terminal is coloured.
type Colour int

// The ways to colour text.
const (
	Plain Colour = iota // no escape sequence at all
	ANSI                // the eight basic colours
)

// TextOptions are for text on a terminal.
type TextOptions struct {
	Width  int // columns; 0 = 80, at least 40
	Colour Colour
}

const (
	usualWidth = 80
	leastWidth = 40
)

// Text writes the result of one look for a terminal. Its errors are those of w.
func Text(w io.Writer, look *ledger.Look, o TextOptions) error {
	p := newPrinter(o)
	p.heading(look, nil)
	p.todo(look, false)
	p.flag(look)
	p.healthLines(look)
	p.effects(look)
	p.slices(look)
	p.days(look)
	return write(w, []byte(p.out.String()))
}

// Line is one line for the summary of a run: verdict, name and why, cut to
// width columns; 0 = not cut.
func Line(look *ledger.Look, width int) string {
	verdict := shorten(clean(string(look.Decision.Verdict)), 8)
	s := fmt.Sprintf("%-8s  %s  %s", verdict, padded(shorten(name(look.Experiment), 40), 20), clean(look.Decision.Summary))
	s = strings.TrimRight(s, " ")
	if width > 0 {
		s = shorten(s, width)
	}
	return s
}

// printer lays text out in columns.
type printer struct {
	out    strings.Builder
	width  int
	colour Colour
}

func newPrinter(o TextOptions) *printer {
	width := o.Width
	if width == 0 {
		width = usualWidth
	}
	return &printer{width: max(width, leastWidth), colour: o.Colour}
}

var ansi = map[tone]string{
	toneBad: "\x1b[1;31m", toneWarn: "\x1b[33m", toneGood: "\x1b[32m", toneInfo: "\x1b[36m", toneMute: "\x1b[2m",
}

const ansiReset = "\x1b[0m"

func (p *printer) painted(t tone, s string) string {
	start, known := ansi[t]
	if p.colour == Plain || !known {
		return s
	}
	return start + s + ansiReset
}

func (p *printer) line(s string) { p.out.WriteString(strings.TrimRight(s, " ") + "\n") }

// title starts a section.
func (p *printer) title(s string) {
	p.line("")
	p.line(s)
}

// item writes a wrapped paragraph behind a prefix; further lines are indented
// to its text. A prefix that leaves too little room has a line of its own.
func (p *printer) item(prefix, s string) {
	const room = 24
	indent := columns(prefix)
	if p.width-indent < min(room, columns(s)) {
		p.line(shortenPainted(prefix, p.width))
		prefix, indent = "      ", 6
	}
	for i, l := range wrap(s, p.width-indent) {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		p.line(prefix + l)
	}
}

// shortenPainted cuts a text, without its colours, where it is too long.
func shortenPainted(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "\x1b[")
		b.WriteString(before)
		if !found {
			break
		}
		_, rest, _ = strings.Cut(after, "m")
	}
	return shorten(b.String(), width)
}

// labelled writes "  label     text".
func (p *printer) labelled(label, s string) {
	if s != "" {
		p.item("  "+padded(label, 10)+" ", s)
	}
}

func (p *printer) heading(look *ledger.Look, history []ledger.Look) {
	b := verdictOf(look)
	right := lookNumber(look) + ", as of " + instant(look.AsOf)
	word := strings.ToUpper(b.Word)
	left := word + "  " + shorten(name(look.Experiment), max(p.width-columns(word)-columns(right)-4, 12))
	gap := p.width - columns(left) - columns(right)
	painted := p.painted(b.Tone, word) + strings.TrimPrefix(left, word)
	if gap < 2 {
		p.line(painted)
		p.item("  ", right)
	} else {
		p.line(painted + strings.Repeat(" ", gap) + right)
	}
	p.item("  ", message(look.Decision.Summary))
	if t := newTurning(look, history, term); t != nil {
		p.item("  ", t.sentence())
	}
	if s := newStanding(look, history).sentence(); s != "" {
		p.item("  ", s)
	}
	if look.Failed != "" {
		p.item("  "+p.painted(toneBad, "!")+" ", "Evidence is missing: "+message(look.Failed))
	}
	if look.Backfill {
		p.item("  ", "Backfill: an earlier as-of than the last decided one; nothing is delivered.")
	}
}

// todo is what a person can do about the latest look.
func (p *printer) todo(look *ledger.Look, acted bool) {
	if s := lookTodo(look, acted); s != "" {
		p.item("  To do: ", s)
	}
}

func (p *printer) flag(look *ledger.Look) {
	p.line("")
	p.labelled("flag", flagSentence(look, term))
	for _, d := range look.Deliveries {
		p.labelled("delivery", name(d.Store)+" "+name(d.FlagKey)+": "+allocationText(&d.Target, term))
	}
}

func (p *printer) healthLines(look *ledger.Look) {
	h := &look.Health
	units := term.count(h.Units) + " " + noun(look.Spec.Identifier)
	var arms []string
	for i, v := range look.Spec.Variations {
		if i < len(h.ByVariation) {
			arms = append(arms, name(v.ID)+" "+term.count(h.ByVariation[i]))
		}
	}
	p.labelled("exposed", joined(units, ": ", strings.Join(arms, ", ")))
	if look.Spec.Activation != "" {
		p.labelled("activated", term.count(sum(h.Activated))+" by "+name(look.Spec.Activation)+"; the others are left out of the effects")
	}
	for i := range h.Sources {
		if s := &h.Sources[i]; s.Blind {
			a := newAlarm(look, s, term)
			p.labelled(p.mark(badge{Icon: "✕", Tone: toneBad}, "blind"), a.Sentence)
			p.diagnosis(s.Diagnosis, a.Command)
		}
	}
	for _, f := range h.Problems {
		p.labelled("problem", newProblemView(look, f).Text)
		p.spot(f.Place)
	}
	p.labelled("split", splitLine(look))
	p.causeLines(h.Traffic)
	if len(h.Problems) == 0 {
		p.labelled("data", healthBadge(h).Word)
	}
}

// mark is an icon and a word, painted.
func (p *printer) mark(b badge, word string) string {
	return p.painted(b.Tone, b.Icon+" "+word)
}

func (p *printer) effects(look *ledger.Look) {
	var all []textRow
	for _, r := range roles {
		rows := textRows(look, r.Role)
		all = append(all, rows...)
		if len(rows) == 0 {
			continue
		}
		p.title(strings.ToLower(r.Title))
		for _, row := range rows {
			p.effect(row)
		}
	}
	p.oneLook(all)
}

// oneLook is a section of its own, below what decides.
func (p *printer) oneLook(rows []textRow) {
	rows = slices.DeleteFunc(rows, func(r textRow) bool { return r.OneLook == "" })
	if len(rows) > 0 {
		p.line("")
		p.item("", oneLookLabel)
	}
	for _, r := range rows {
		p.item("  "+padded(r.Name, 18)+"  ", r.OneLook)
	}
}

// textRow is one comparison on a terminal.
type textRow struct {
	Name, Arms, Effect string
	Status             badge
	E                  string
	OneLook            string
}

func textRows(look *ledger.Look, role string) []textRow {
	several := len(treatments(look)) > 1
	var rows []textRow
	for i := range look.Metrics {
		m := &look.Metrics[i]
		if m.Role != role {
			continue
		}
		for j := range m.Comparisons {
			v := &m.Comparisons[j]
			q := quantityOf(term, m, &v.Comparison)
			row := textRow{Name: shorten(name(m.Name), 60), Status: standing(look, m, v)}
			if several {
				row.Name += " in " + shorten(name(v.Variation), 40)
			}
			row.fill(v, q)
			if row.E != "" {
				row.E = joined(proof(look, m, v, term), "; ", goalHarmNote(m, v, q))
			}
			if blindTo(look, m) {
				row.Arms = dash + " → " + dash
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *textRow) fill(v *ledger.Versus, q quantity) {
	r.Arms = textArm(v.Control.N, v.Control.Value, q) + " → " + textArm(v.Treatment.N, v.Treatment.Value, q)
	if speaks(v) {
		r.E = q.proof(v)
		if v.Bound <= 0 {
			r.E = ""
		}
	}
	r.OneLook = oneLook(v, q)
	if r.Effect = effectText(v, q); strings.HasPrefix(r.Effect, "cannot say") {
		r.Effect = ""
	}
}

func textArm(n int64, x float64, q quantity) string {
	if n == 0 {
		return dash
	}
	return q.value(x)
}

// effect writes two lines: what was measured, and what it means.
func (p *printer) effect(r textRow) {
	nameWidth := max(18, min(28, p.width-62))
	measured := padded(r.Arms, 20) + "  " + r.Effect
	head := "  " + p.painted(r.Status.Tone, r.Status.Icon) + " "
	if columns(r.Name) <= nameWidth && 4+nameWidth+2+columns(measured) <= p.width {
		p.line(head + padded(r.Name, nameWidth) + "  " + measured)
	} else {
		p.line(head + shorten(r.Name, p.width-4))
		p.item("      ", strings.TrimSpace(r.Arms+"  "+r.Effect))
	}
	meaning := r.Status.Word
	if r.E != "" {
		meaning += "; " + r.E
	}
	p.item("      ", meaning)
}

// padded fills s with spaces to that many columns.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(width-columns(s), 0))
}

// columns is the width of s on a terminal, escape sequences left out. Wide
// characters are not told apart from others.
func columns(s string) int {
	n := 0
	for len(s) > 0 {
		if rest, found := strings.CutPrefix(s, "\x1b["); found {
			_, s, _ = strings.Cut(rest, "m")
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			n++
		}
	}
	return n
}

// wrap breaks a text into lines of at most width columns, at spaces where it
// can.
func wrap(s string, width int) []string {
	width = max(width, 8)
	var out []string
	line := ""
	for _, word := range words(s) {
		for _, piece := range pieces(word, width) {
			if line != "" && columns(line)+1+columns(piece) > width {
				out, line = append(out, line), ""
			}
			line = joined(line, " ", piece)
		}
	}
	if line != "" || len(out) == 0 {
		out = append(out, line)
	}
	return out
}

// words are the parts of a text between which a line may end: not between a number
// and its percent sign.
func words(s string) []string {
	var out []string
	for _, word := range strings.Fields(s) {
		if n := len(out); n > 0 && strings.HasPrefix(word, "%") && strings.ContainsAny(out[n-1][len(out[n-1])-1:], "0123456789") {
			out[n-1] += " " + word
			continue
		}
		out = append(out, word)
	}
	return out
}

// pieces cuts a word that is longer than a line.
func pieces(word string, width int) []string {
	if columns(word) <= width {
		return []string{word}
	}
	var out []string
	for chunk := range slices.Chunk([]rune(word), width) {
		out = append(out, string(chunk))
	}
	return out
}
