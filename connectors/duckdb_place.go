//go:build cgo && !noduckdb

package connectors

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// shownLine is how DuckDB shows where an error is: a part of the line, between
// dots where it is cut, and a caret below it.
var shownLine = regexp.MustCompile(`(?:^|\n)(LINE ([0-9]{1,9}): )([^\n]*)\n( *)\^\s*$`)

// duckPlace is the line and column in the statement that an error of DuckDB
// shows, both from 1; 0 and 0 where it shows none, or a line of something else,
// such as a view.
func duckPlace(sql, message string) (line, column int) {
	m := shownLine.FindStringSubmatch(message)
	if m == nil {
		return 0, 0
	}
	n, err := strconv.Atoi(m[2])
	if err != nil {
		return 0, 0
	}
	lines := strings.Split(sql, "\n")
	if n < 1 || n > len(lines) {
		return 0, 0
	}
	part, caret := m[3], len(m[4])-len(m[1])
	at := strings.Index(lines[n-1], part)
	if at < 0 {
		cut := strings.HasPrefix(part, "...")
		part = strings.TrimSuffix(strings.TrimPrefix(part, "..."), "...")
		if at = strings.Index(lines[n-1], part); at < 0 || part == "" {
			return 0, 0
		}
		if cut {
			caret -= len("...")
		}
	}
	if caret < 0 {
		return 0, 0
	}
	return n, utf8.RuneCountInString(lines[n-1][:at]) + charactersIn(part, caret) + 1
}

// charactersIn are the characters that take so many columns, as DuckDB counts
// them: signs that stand on others, and tabs, take none.
func charactersIn(text string, columns int) int {
	n := 0
	for _, r := range text {
		wide := 1
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc):
			wide = 0
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			wide = 2
		}
		if columns < wide {
			break
		}
		columns -= wide
		n++
	}
	return n
}
