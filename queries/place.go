package queries

import (
	"strings"
	"unicode/utf8"
)

// Source names a query of the spec, or an expression of a metric.
type Source struct {
	Kind string // the key of the spec that it stands below: assignments, facts, joins, traits or metrics
	Name string // of a metric with the keys below it: error_rate.where, cost.numerator.value
}

// Text is where the text of a query of the spec stands in a statement.
type Text struct {
	Of Source

	from   int // in the statement's SQL, in bytes
	length int
	pieces []piece // by their place in the statement
}

// piece is a part of a text that stands in the statement as it is written; one
// that fills a placeholder stands for it whole.
type piece struct {
	at, from int // in the statement, from the text's first byte; in the query
	filled   bool
}

// Locate says which query or expression of the spec, and which byte of it, stands at a line and
// column of the statement, both from 1 and in characters; column 0 = where the
// line begins. ok is false where the statement has text of its own.
func (s Statement) Locate(line, column int) (of Source, offset int, ok bool) {
	at, ok := byteAt(s.SQL, line, column)
	if !ok {
		return Source{}, 0, false
	}
	for _, t := range s.Texts {
		if at >= t.from && at <= t.from+t.length {
			return t.Of, t.offset(at - t.from), true
		}
	}
	return s.expressed(at)
}

// offset is the byte of the query that stands at a byte of the text.
func (t Text) offset(at int) int {
	offset := 0
	for _, p := range t.pieces {
		if p.at > at {
			break
		}
		if offset = p.from; !p.filled {
			offset += at - p.at
		}
	}
	return offset
}

// byteAt is the byte at a line and column of a text.
func byteAt(text string, line, column int) (int, bool) {
	at := 0
	for ; line > 1; line-- {
		end := strings.IndexByte(text[at:], '\n')
		if end < 0 {
			return 0, false
		}
		at += end + 1
	}
	if line < 1 {
		return 0, false
	}
	row, _, _ := strings.Cut(text[at:], "\n")
	if column < 1 {
		return at + len(row) - len(strings.TrimLeft(row, " \t")), true
	}
	for ; column > 1 && row != ""; column-- {
		_, size := utf8.DecodeRuneInString(row)
		row, at = row[size:], at+size
	}
	return at, true
}

// userText is a query of the spec as it stands in statements: indented, with its
// placeholders filled. A template that writes it notes where.
type userText struct {
	r      *renderer
	of     Source
	sql    string
	pieces []piece
}

// String is called by the template just before it writes the text.
func (t *userText) String() string {
	t.r.texts = append(t.r.texts, t.at(t.r.out.Len()))
	return t.sql
}

func (t *userText) at(from int) Text {
	return Text{Of: t.of, from: from, length: len(t.sql), pieces: t.pieces}
}

// alone is a statement that is the query and nothing else.
func (t *userText) alone(name string) Statement {
	return Statement{Name: name, SQL: t.sql, Texts: []Text{t.at(0)}}
}

// weaver lays out the text of a query and notes which byte comes from where.
type weaver struct {
	out    strings.Builder
	from   int // the next byte of the query
	pieces []piece
}

// copy takes over a part of the query as it is.
func (w *weaver) copy(text string) {
	if text == "" {
		return
	}
	w.pieces = append(w.pieces, piece{at: w.out.Len(), from: w.from})
	w.out.WriteString(text)
	w.from += len(text)
}

// indent takes over a part of the query and indents what follows its line ends.
func (w *weaver) indent(text string) {
	for line := range strings.Lines(text) {
		w.copy(line)
		if strings.HasSuffix(line, "\n") {
			w.out.WriteString("  ")
		}
	}
}

// fill writes a literal where the query has a placeholder.
func (w *weaver) fill(placeholder, literal string) {
	w.pieces = append(w.pieces, piece{at: w.out.Len(), from: w.from, filled: true})
	w.out.WriteString(literal)
	w.from += len(placeholder)
}
