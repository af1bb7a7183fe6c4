package spec

import (
	"regexp"
	"slices"
	"strings"
)

// placeholders are what a query may use; each becomes a whole literal of the
// dialect.
var placeholders = []string{"{{start}}", "{{end}}", "{{experiment}}"}

// lexis is how an engine writes what hides other characters: texts, quoted names
// and comments. These are patterns, of which an earlier one wins.
type lexis struct {
	long     []string // texts that quotes inside do not end
	opens    []string // what opens a long one
	texts    []string // other texts, and quoted names
	marks    []string // what opens these
	comments []string
}

const (
	doubledText = `'(?:[^']|'')*'`       // a quote inside is doubled
	escapedText = `'(?:[^'\\]|\\.|'')*'` // or has a backslash before it
	doubledName = `"(?:[^"]|"")*"`
	dollars     = `\$\$.*?\$\$`
	toLineEnd   = `[^\n]*`
	block       = `/\*.*?\*/`
)

// lexes are those of the engines.
var lexes = map[string]lexis{
	"duckdb": {
		long:     []string{dollars},
		opens:    []string{`\$\$`},
		texts:    []string{`\b[eE]` + escapedText, doubledText, doubledName, "`[^`]*`"},
		marks:    []string{"['\"`]"},
		comments: []string{"--" + toLineEnd, block},
	},
	// Both quotes write texts, over several lines where there are three of them. In a
	// raw text too (r'..') a quote behind a backslash does not end it.
	"bigquery": {
		long:     []string{`'''(?:[^\\]|\\.)*?'''`, `"""(?:[^\\]|\\.)*?"""`},
		opens:    []string{`'''`, `"""`},
		texts:    []string{`'(?:[^'\\\n]|\\.)*'`, `"(?:[^"\\\n]|\\.)*"`, "`(?:[^`\\\\\n]|\\\\.)*`"},
		marks:    []string{"['\"`]"},
		comments: []string{"--" + toLineEnd, "#" + toLineEnd, block},
	},
	"snowflake": {
		long:     []string{dollars},
		opens:    []string{`\$\$`},
		texts:    []string{escapedText, doubledName},
		marks:    []string{`['"]`},
		comments: []string{"--" + toLineEnd, "//" + toLineEnd, block},
	},
}

// sqlOf is the compiled lexis of an engine.
type sqlOf struct {
	// token finds what matters in SQL text, in order: what hides other characters,
	// placeholders, statement ends, parentheses, and an opening that is never closed.
	token *regexp.Regexp
	// verbatim finds only what hides other characters; comment is one that does.
	verbatim, comment *regexp.Regexp
}

var engines = func() map[string]sqlOf {
	out := map[string]sqlOf{}
	for engine, l := range lexes {
		out[engine] = sqlOf{
			token: anyOf(slices.Concat(l.long, l.opens, l.texts, l.comments, l.marks,
				[]string{`\{\{[^{}\n]*\}\}`, `[;()]`, `/\*`, `\{\{`})),
			verbatim: anyOf(slices.Concat(l.long, l.texts, l.comments)),
			comment:  regexp.MustCompile(`(?s)^(?:` + strings.Join(l.comments, "|") + `)$`),
		}
	}
	return out
}()

func anyOf(list []string) *regexp.Regexp { return regexp.MustCompile(`(?s)` + strings.Join(list, "|")) }

// sqlFor is how a type of warehouse writes SQL; of an unknown one, whose problem
// is told elsewhere, as duckdb does.
func sqlFor(warehouse string) sqlOf {
	if e, ok := engines[warehouse]; ok {
		return e
	}
	return engines["duckdb"]
}

// Verbatim finds what is nobody's to change in SQL of a type of warehouse: texts,
// quoted names and comments.
func Verbatim(warehouse string) *regexp.Regexp { return sqlFor(warehouse).verbatim }

var insideBraces = regexp.MustCompile(`\{\{[^{}\n]*\}\}`)

// query checks a statement: not empty, one statement, known placeholders, and
// nothing left open.
func (sql sqlOf) query(text string, at place) {
	if !at.ok() {
		return
	}
	s := sqlCheck{sql: sql, text: text, at: at}
	if s.run(); s.first < 0 {
		at.problemf("the SQL is empty")
		return
	}
	if s.end >= 0 && s.beyond >= 0 {
		s.fault(s.end, "one statement only: there is more SQL behind this semicolon")
	}
}

// expression checks a part of a statement: it stands inside a line of SQL.
func (sql sqlOf) expression(text string, at place) {
	if !at.ok() {
		return
	}
	s := sqlCheck{sql: sql, text: text, at: at, part: true}
	if s.run(); s.first < 0 {
		at.problemf("the SQL is empty")
	}
}

// sqlCheck walks over SQL text.
type sqlCheck struct {
	sql  sqlOf
	text string
	at   place
	part bool // an expression, not a statement

	first  int   // offset of the first SQL, -1 without any
	end    int   // offset of the first semicolon, -1 without one
	beyond int   // offset of the first SQL behind it, -1 without any
	open   []int // offsets of open parentheses
}

func (s *sqlCheck) run() {
	s.first, s.end, s.beyond = -1, -1, -1
	last := 0
	for _, at := range s.sql.token.FindAllStringIndex(s.text, -1) {
		s.plain(last, at[0])
		s.token(at[0], s.text[at[0]:at[1]])
		last = at[1]
	}
	s.plain(last, len(s.text))
	if len(s.open) > 0 {
		s.fault(s.open[0], "this parenthesis is not closed")
	}
}

// plain notes SQL that is no token.
func (s *sqlCheck) plain(from, to int) {
	if rest := strings.TrimSpace(s.text[from:to]); rest != "" {
		s.code(from + strings.Index(s.text[from:to], rest))
	}
}

// code notes that there is SQL at the offset.
func (s *sqlCheck) code(offset int) {
	if s.first < 0 {
		s.first = offset
	}
	if s.end >= 0 && s.beyond < 0 {
		s.beyond = offset
	}
}

func (s *sqlCheck) token(offset int, token string) {
	comment := s.sql.comment.MatchString(token)
	if token != ";" && !comment {
		s.code(offset)
	}
	switch {
	case comment:
		s.braces(offset, token)
		if s.part && !strings.HasPrefix(token, "/*") && strings.TrimSpace(s.text[offset+len(token):]) == "" {
			s.fault(offset, "an expression cannot end in a comment: it would swallow what follows")
		}
	case token == ";":
		s.semicolon(offset)
	case token == "(":
		s.open = append(s.open, offset)
	case token == ")":
		s.close(offset)
	case strings.HasPrefix(token, "{{") && len(token) > 2:
		s.placeholder(offset, token)
	case s.sql.verbatim.FindString(token) == token:
		s.quoted(offset, token)
	default:
		s.fault(offset, "%s is not closed", token)
	}
}

func (s *sqlCheck) semicolon(offset int) {
	if s.part {
		s.fault(offset, "an expression has no semicolon")
	}
	if s.end < 0 {
		s.end = offset
	}
}

func (s *sqlCheck) close(offset int) {
	if len(s.open) == 0 {
		s.fault(offset, "this parenthesis was never opened")
		return
	}
	s.open = s.open[:len(s.open)-1]
}

func (s *sqlCheck) placeholder(offset int, token string) {
	if s.part {
		s.fault(offset, "placeholders belong in the query of a source, not in an expression")
		return
	}
	for _, known := range placeholders {
		if token == known {
			return
		}
	}
	s.unknown(offset, token)
}

func (s *sqlCheck) unknown(offset int, token string) {
	compact := strings.Join(strings.Fields(token), "")
	for _, known := range placeholders {
		if strings.EqualFold(compact, known) {
			s.fault(offset, "write %s, in lower case and without blanks", known)
			return
		}
	}
	s.fault(offset, "unknown placeholder %s; valid: %s", token, strings.Join(placeholders, ", "))
}

// quoted looks for placeholders in a quoted text or name: a placeholder is a
// whole literal, quotes included.
func (s *sqlCheck) quoted(offset int, token string) {
	for _, at := range insideBraces.FindAllStringIndex(token, -1) {
		s.fault(offset+at[0], "%s becomes a whole literal and must not stand in quotes", token[at[0]:at[1]])
	}
}

// braces looks for unknown placeholders in a comment.
func (s *sqlCheck) braces(offset int, token string) {
	for _, at := range insideBraces.FindAllStringIndex(token, -1) {
		s.placeholder(offset+at[0], token[at[0]:at[1]])
	}
}

// fault adds a problem at an offset of the text.
func (s *sqlCheck) fault(offset int, format string, args ...any) {
	s.at.problemAt(offset, format, args...)
}

// statement is the query without its last semicolon and what follows it, which
// are blanks and comments; it is called on checked text only.
func (sql sqlOf) statement(text string) string {
	for _, at := range sql.token.FindAllStringIndex(text, -1) {
		if text[at[0]:at[1]] == ";" {
			return strings.TrimSpace(text[:at[0]])
		}
	}
	return strings.TrimSpace(text)
}

var blanks = regexp.MustCompile(`\s+`)

// plain is the text without comments and with single blanks, so that laying
// it out anew makes no other text of it. Texts and quoted names stay.
func (sql sqlOf) plain(text string) string {
	out := ""
	code := func(s string) {
		s = blanks.ReplaceAllString(s, " ")
		if strings.HasSuffix(out, " ") {
			s = strings.TrimPrefix(s, " ")
		}
		out += s
	}
	last := 0
	for _, at := range sql.token.FindAllStringIndex(text, -1) {
		code(text[last:at[0]])
		if token := text[at[0]:at[1]]; sql.comment.MatchString(token) {
			code(" ")
		} else {
			out += token
		}
		last = at[1]
	}
	code(text[last:])
	return strings.TrimSpace(out)
}
