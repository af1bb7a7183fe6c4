package spec

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// locate gives the position of text[offset:] where text is the value of n: exact
// however the value is written, unless escapes stand for other characters than
// themselves; then it is where the value begins.
func (f *file) locate(n *yaml.Node, offset int) (line, column int) {
	w := walk{lines: f.lines, line: n.Line - 1, column: n.Column - 1, style: n.Style}
	if !w.begin() {
		return n.Line, n.Column
	}
	// Blanks and line ends are laid out anew by YAML: only what is none is followed.
	for _, r := range n.Value[:offset] {
		if !unicode.IsSpace(r) && !w.take(r) {
			return n.Line, n.Column
		}
	}
	if next, _ := utf8.DecodeRuneInString(n.Value[offset:]); offset < len(n.Value) && !unicode.IsSpace(next) {
		w.blanks()
	} else {
		tail := n.Value[:offset]
		w.over(tail[len(strings.TrimRightFunc(tail, unicode.IsSpace)):])
	}
	return w.line + 1, w.column + 1
}

// walk follows a value through the lines that it is written in.
type walk struct {
	lines        []string
	line, column int // from 0
	style        yaml.Style
}

// begin goes to the value's first character; false where it is not to be found.
func (w *walk) begin() bool {
	if w.line < 0 || w.line >= len(w.lines) {
		return false
	}
	switch {
	case w.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.line, w.column = w.line+1, 0
	case w.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		w.column++
	}
	return true
}

// rest is what is left of the line.
func (w *walk) rest() []rune {
	if w.line >= len(w.lines) {
		return nil
	}
	row := []rune(w.lines[w.line])
	return row[min(w.column, len(row)):]
}

// blanks goes to the next character that is none, maybe on a later line.
func (w *walk) blanks() {
	for w.line < len(w.lines) {
		for _, r := range w.rest() {
			if !unicode.IsSpace(r) && !w.escaped("\\n", "\\t", "\\r", "\\ ") {
				return
			}
			w.column++
			if r == '\\' {
				w.column++
				break // The rest is another one.
			}
		}
		if len(w.rest()) == 0 {
			w.line, w.column = w.line+1, 0
		}
	}
}

// escaped tells whether one of these escapes stands here.
func (w *walk) escaped(escapes ...string) bool {
	if w.style&yaml.DoubleQuotedStyle == 0 {
		return false
	}
	rest := string(w.rest())
	for _, e := range escapes {
		if strings.HasPrefix(rest, e) {
			return true
		}
	}
	// A backslash at the end of a line joins it with the next.
	return rest == "\\"
}

// take goes over one character of the value; false where another stands here.
func (w *walk) take(r rune) bool {
	w.blanks()
	rest := w.rest()
	switch {
	case len(rest) == 0:
		return false
	case w.escaped(`\"`, `\\`, `\/`) && rest[1] == r, w.style&yaml.SingleQuotedStyle != 0 && r == '\'' && len(rest) > 1 && rest[1] == r:
		w.column += 2
		return rest[0] == '\\' || rest[0] == r
	}
	w.column++
	return rest[0] == r
}

// over goes over blanks of the value as far as they stand here.
func (w *walk) over(blanks string) {
	for _, r := range blanks {
		rest := w.rest()
		if len(rest) == 0 || rest[0] != r {
			return
		}
		w.column++
	}
}

// Locate is a problem at a byte of a query of the spec: of the entry name of
// assignments, traits, joins or facts, or of an expression of a metric (kind metrics,
// name error_rate.where), in the text that Config has. ok is false
// where the files have no such query, or the offset is not of it.
func (p *Project) Locate(kind, name string, offset int, message string) (problem Problem, ok bool) {
	at, ok := p.texts[[2]string{kind, name}]
	if !ok || offset < 0 {
		return Problem{}, false
	}
	value := at.value.Value
	offset += len(value) - len(strings.TrimLeftFunc(value, unicode.IsSpace))
	if offset > len(value) {
		return Problem{}, false
	}
	line, column := at.file.locate(at.value, offset)
	return at.file.finished(at.file.append(nil, line, column, message))[0], true
}

// queries are the places of the queries in assay.yaml.
func (l *loader) queries() map[[2]string]place {
	out := map[[2]string]place{}
	for _, kind := range []string{"assignments", "traits", "joins", "facts"} {
		for name, at := range l.config.at(kind).index() {
			if text := at.at("sql"); text.ok() {
				out[[2]string{kind, name}] = text
			}
		}
	}
	for name, at := range l.config.at("metrics").index() {
		for _, keys := range expressions {
			text := at
			for key := range strings.SplitSeq(keys, ".") {
				text = text.at(key)
			}
			if text.ok() {
				out[[2]string{"metrics", name + "." + keys}] = text
			}
		}
	}
	return out
}

// expressions are the keys of a metric that hold SQL.
var expressions = []string{
	"where", "value", "rule.text", "total.value",
	"numerator.where", "numerator.value", "numerator.rule.text", "denominator.where", "denominator.value", "denominator.rule.text",
}
