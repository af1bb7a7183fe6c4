package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"assay/ledger"
)

// Doctor writes a checkup for a terminal: for each source how it meets the exposed
// units, what is wrong in a sentence, and the mend to paste. Its errors are those
// of w.
func Doctor(w io.Writer, c *ledger.Checkup, o TextOptions) error {
	p := newPrinter(o)
	p.line(name(c.Experiment) + ", as of " + instant(c.AsOf))
	p.item("  ", fmt.Sprintf("%s exposed %s (%s)%s.", term.count(c.Units), noun(c.Identifier), clean(cmp.Or(c.Exposures.Type, "type unknown")), blanks(&c.Exposures, "exposures")))
	for i := range c.Problems {
		p.cause(&c.Problems[i], 1)
	}
	for i := range c.Sources {
		p.checked(c, &c.Sources[i])
	}
	p.line("")
	p.item("  ", fmt.Sprintf("Looked at: rows from %s on, with %d statements; causes were tried on at most %s %s, looked for among at most %s identifiers of a source.",
		instant(c.From), c.Statements, term.count(int64(c.Sample)), noun(c.Identifier), term.count(int64(c.Reach))))
	if c.Shortened {
		p.item("  ", fmt.Sprintf("That is later than asked for, so that no query gives more than %s rows, or %s bytes of identifiers and timestamps; --max-rows and --max-bytes allow more.",
			term.count(c.MaxRows), term.count(c.MaxBytes)))
	}
	if c.Partial {
		p.item("  ", "The traffic was left out: it takes everything since the start.")
	}
	if err := write(w, []byte(p.out.String())); err != nil || c.Traffic == nil {
		return err
	}
	if err := write(w, []byte("\n")); err != nil {
		return err
	}
	return TrafficText(w, c.Traffic, o)
}

// DoctorJSON writes a checkup for machines, as one line; SQL stays as it is.
func DoctorJSON(w io.Writer, c *ledger.Checkup) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(c)
}

// blanks are the rows that name nobody; "" where there are none.
func blanks(s *ledger.CheckedSide, rows string) string {
	var parts []string
	for _, b := range []struct {
		n    int64
		what string
	}{{s.Null, "without identifier"}, {s.Empty, "with an empty one"}, {s.Placeholder, "with a placeholder"}} {
		if b.n > 0 {
			parts = append(parts, term.count(b.n)+" "+b.what)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; of " + term.count(s.Rows) + " " + rows + " " + strings.Join(parts, ", ")
}

// checked writes one source.
func (p *printer) checked(c *ledger.Checkup, s *ledger.CheckedSource) {
	b := badge{"✓", "meets the exposures", toneGood}
	if len(s.Causes) > 0 {
		b = badge{"✕", "does not meet them as it should", toneBad}
	}
	p.line("")
	p.item(p.painted(b.Tone, b.Icon)+" ", name(s.Source)+": "+b.Word)
	if s.Rows > 0 {
		p.labelled("met", fmt.Sprintf("%s of %s exposed %s (%s), %s inside their window",
			term.count(s.Matched), term.count(s.Units), noun(c.Identifier), term.fraction(s.Matched, s.Units), term.count(s.InWindow)))
		var arms []string
		for _, a := range s.Variations {
			arms = append(arms, fmt.Sprintf("%s %s of %s", name(a.Variation), term.count(a.Matched), term.count(a.Units)))
		}
		p.labelled("", strings.Join(arms, ", "))
		p.labelled("rows", fmt.Sprintf("%s by %s identifiers (%s %s), %s of which nobody exposed has%s%s", term.count(s.Rows), term.count(s.Identifiers),
			name(s.Identifier), clean(cmp.Or(s.Type, "type unknown")), term.count(s.Foreign), blanks(&s.CheckedSide, "rows"), commonest(s)))
		p.labelled("time", timesText(s))
	}
	if j := s.Join; j != nil {
		p.labelled("join", fmt.Sprintf("%s: %s pairs, %s identifiers linked, %s of them to several %s; %s of the source have no link, %s exposed %s have one",
			name(j.Join), term.count(j.Links), term.count(j.Linked), term.count(j.FannedOut), noun(c.Identifier), term.count(j.Orphans), term.count(j.Exposed), noun(c.Identifier)))
	}
	if s.Change != nil {
		p.labelled("since", fmt.Sprintf("%s: of the identifiers with rows %s are exposed %s, before it %s",
			instant(s.Change.Since), term.share(s.Change.After, 1), noun(c.Identifier), term.share(s.Change.Before, 1)))
	}
	for i := range s.Causes {
		p.cause(&s.Causes[i], i+1)
	}
}

// commonest tells of an identifier that holds a fifth of the rows or more.
func commonest(s *ledger.CheckedSource) string {
	if 5*s.Commonest < s.Rows || s.Rows < 100 {
		return ""
	}
	return "; one identifier has " + term.fraction(s.Commonest, s.Rows) + " of the rows"
}

func timesText(s *ledger.CheckedSource) string {
	if s.Oldest == nil || s.Newest == nil {
		return ""
	}
	text := fmt.Sprintf("%s to %s (%s)", instant(*s.Oldest), instant(*s.Newest), clean(cmp.Or(s.TimeType, "type unknown")))
	if s.Before > 0 {
		text += "; " + term.count(s.Before) + " rows before first exposure"
	}
	if s.Future > 0 {
		text += "; " + term.count(s.Future) + " at or after as-of"
	}
	return text
}

// cause writes what is wrong, the nth likeliest, and its mend.
func (p *printer) cause(c *ledger.Cause, n int) {
	p.line("")
	text := causeText(&ledger.Diagnosed{Text: c.Text, Before: c.Before, After: c.After, Since: c.Since}, term)
	label := fmt.Sprintf("  %d. %s: ", n, clean(c.Code))
	p.item(label, text)
	p.spot(c.Place)
	if c.Mend == nil {
		return
	}
	p.item("     mend: ", clean(c.Mend.Text))
	p.edits(c.Mend.Edits, "     ")
}

// diagnosis writes what a look found out of a blind source. What there is to paste
// is on the page, and in the doctor's own answer, which may be wider.
func (p *printer) diagnosis(d *ledger.Diagnosis, command string) {
	if d == nil {
		return
	}
	for i := range d.Causes {
		c := &d.Causes[i]
		p.labelled("why", causeText(c, term))
		p.labelled("mend", clean(c.Mend))
		if c.Paste != "" {
			p.labelled("", "To paste: "+command)
		}
	}
}

// causeText says what is wrong, what was found of it, and since when.
func causeText(c *ledger.Diagnosed, n numbers) string {
	text := clean(c.Text)
	if c.After != nil {
		text += fmt.Sprintf(" Found: %s as it is, %s with the mend.", n.share(c.Before, 1), n.share(*c.After, 1))
	}
	if c.Since != nil {
		text += " Since " + c.Since.UTC().Format("2 January 15:04") + "."
	}
	return text
}

// Paste writes edits as the YAML to paste.
func Paste(edits []ledger.Edit) string {
	const asLongAsTheyAre = 1 << 16
	p := newPrinter(TextOptions{Width: asLongAsTheyAre})
	p.edits(edits, "")
	return strings.TrimSpace(p.out.String())
}

// pasted is a text of several lines from the ledger, each without anything that
// could hide or move another.
func pasted(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, clean(line))
	}
	return strings.Join(lines, "\n")
}

// edits writes the edits as the YAML to paste, each line behind the margin.
func (p *printer) edits(edits []ledger.Edit, margin string) {
	var before ledger.Edit
	for _, e := range edits {
		depth, shared := len(e.Path)-1, 0
		for e.File == before.File && shared < min(depth, len(before.Path)-1) && e.Path[shared] == before.Path[shared] {
			shared++
		}
		if shared == 0 {
			p.line("")
		}
		if e.File != before.File {
			p.line(margin + "# " + clean(e.File))
		}
		for i, key := range e.Path[:depth] {
			if i >= shared {
				p.line(margin + strings.Repeat("  ", i) + clean(key) + ":")
			}
		}
		p.value(margin+strings.Repeat("  ", depth), e.Path[depth], e.New)
		before = e
	}
}

// value writes a key and its value in YAML.
func (p *printer) value(indent, key string, v any) {
	key = indent + clean(key) + ":"
	switch v := v.(type) {
	case string:
		if !strings.Contains(v, "\n") && !strings.ContainsAny(v, ":#{}[],&*?|>'\"%@`") {
			p.line(key + " " + clean(v))
			return
		}
		p.line(key + " |")
		for l := range strings.SplitSeq(strings.TrimRight(v, "\n"), "\n") {
			p.line(indent + "  " + clean(l))
		}
	case []string:
		p.line(key + " [" + clean(strings.Join(v, ", ")) + "]")
	case map[string]any:
		p.line(key)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			p.value(indent+"  ", k, v[k])
		}
	}
}
