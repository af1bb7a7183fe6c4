package spec

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// Problem is a fault in the user's files, or a warning about them.
type Problem struct {
	File    string // as the user would type it
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string
	// Source is the line, or the part of a long line around Column. Secrets in
	// it are replaced by ***, what does not print by U+FFFD.
	Source string

	caret int // column of the fault in Source where that is not Column, else 0
}

// String is file:line:column: message.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
}

// Caret is the column of the fault in Source, from 1.
func (p Problem) Caret() int { return cmp.Or(p.caret, p.Column) }

// Problems are sorted by file, line and column.
type Problems []Problem

// String is all problems in one line, for logs.
func (ps Problems) String() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ")
}

// Write writes each problem with its source line and a caret below the fault.
// Errors of w are not reported; they show in w.
func (ps Problems) Write(w io.Writer) {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.String())
		b.WriteByte('\n')
		if strings.TrimSpace(p.Source) != "" {
			fmt.Fprintf(&b, "%s\n%s^\n", p.Source, indentOf(p.Source, p.Caret()-1))
		}
	}
	_, _ = io.WriteString(w, b.String())
}

// indentOf is blank space as wide as the first n characters of line.
func indentOf(line string, n int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i == n {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// sorted orders the problems and drops repeats, which come from a value that
// several aliases share.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Message, b.Message),
		)
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool {
		return a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
}

// printable replaces what could move a terminal's cursor or reorder its text.
func printable(line []rune) []rune {
	out := slices.Clone(line)
	for i, r := range out {
		if r != '\t' && !unicode.IsPrint(r) {
			out[i] = unicode.ReplacementChar
		}
	}
	return out
}
