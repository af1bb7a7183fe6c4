package queries

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Step is one way in which an identifier is written anew, with what it takes:
// a text (an affix) or a length.
type Step struct {
	Name   string `json:"name"`
	Text   string `json:"text,omitempty"`
	Length int    `json:"length,omitempty"`
}

// rewrite is a step as SQL. Steps are taken by order: what wraps an identifier
// comes off first, a digest is made last.
type rewrite struct {
	order int
	sql   func(d Dialect, x string, s Step) string
}

// blankEnds are white space and its invisible kin at either end of a text.
const blankEnds = "^[\\s\u00a0\u200b\ufeff]+|[\\s\u00a0\u200b\ufeff]+$"

// hexOf writes the digits of a UUID without anything around or between them.
func hexOf(d Dialect, x string) string {
	return "LOWER(" + d.replaced(x, "^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]", "") + ")"
}

var rewrites = map[string]rewrite{
	"unquote": {10, func(d Dialect, x string, _ Step) string { return d.replaced(x, `^["']+|["']+$`, "") }},
	"trim":    {20, func(d Dialect, x string, _ Step) string { return d.replaced(x, blankEnds, "") }},
	"decode":  {30, func(d Dialect, x string, _ Step) string { return fmt.Sprintf(d.URLDecode, x) }},
	"unbase64": {40, func(d Dialect, x string, _ Step) string {
		return "COALESCE(" + fmt.Sprintf(d.Unbase64, x) + ", " + x + ")"
	}},
	"nfc":      {50, func(d Dialect, x string, _ Step) string { return fmt.Sprintf(d.NFC, x) }},
	"nfkc":     {51, func(d Dialect, x string, _ Step) string { return fmt.Sprintf(d.NFKC, x) }},
	"unmailto": {60, func(d Dialect, x string, _ Step) string { return d.replaced(x, "^[Mm][Aa][Ii][Ll][Tt][Oo]:", "") }},
	"unprefix": {61, func(d Dialect, x string, s Step) string { return d.replaced(x, "^"+regexp.QuoteMeta(s.Text), "") }},
	// Beginnings of several kinds: everything up to the last sign that parts them off.
	"tail":     {61, func(d Dialect, x string, _ Step) string { return d.replaced(x, "^.*[:/|#]", "") }},
	"unsuffix": {62, func(d Dialect, x string, s Step) string { return d.replaced(x, regexp.QuoteMeta(s.Text)+"$", "") }},
	"unfloat":  {65, func(d Dialect, x string, _ Step) string { return d.replaced(x, `\.0+$`, "") }},
	"unexponent": {65, func(d Dialect, x string, _ Step) string {
		number := fmt.Sprintf(d.TryFloat, x)
		return fmt.Sprintf("CASE WHEN %s AND ABS(%s) < 9e15 THEN CAST(CAST(%[2]s AS %s) AS %s) ELSE %s END",
			d.found(x, "^-?[0-9.]+[eE][+-]?[0-9]+$"), number, d.Integer, d.Text, x)
	}},
	"unzero":   {70, func(d Dialect, x string, _ Step) string { return d.replaced(x, "^0+([0-9])", `\1`) }},
	"zeroless": {70, func(d Dialect, x string, _ Step) string { return d.replaced(x, "(^|[^0-9])0+([0-9])", `\1\2`) }},
	"pad": {71, func(d Dialect, x string, s Step) string {
		return fmt.Sprintf("CASE WHEN %s < %d THEN LPAD(%s, %[2]d, '0') ELSE %[3]s END", fmt.Sprintf(d.Length, x), s.Length, x)
	}},
	"hex": {72, func(d Dialect, x string, _ Step) string { return hexOf(d, x) }},
	"uuid": {72, func(d Dialect, x string, _ Step) string {
		h := hexOf(d, x)
		return fmt.Sprintf("CONCAT(SUBSTR(%[1]s, 1, 8), '-', SUBSTR(%[1]s, 9, 4), '-', SUBSTR(%[1]s, 13, 4), '-', SUBSTR(%[1]s, 17, 4), '-', SUBSTR(%[1]s, 21))", h)
	}},
	// What has it already keeps it, so that a change in the middle of the facts is mended too.
	"prefix": {75, func(d Dialect, x string, s Step) string {
		return "CONCAT(" + d.text(s.Text) + ", " + d.replaced(x, "^"+regexp.QuoteMeta(s.Text), "") + ")"
	}},
	"suffix": {76, func(d Dialect, x string, s Step) string {
		return "CONCAT(" + d.replaced(x, regexp.QuoteMeta(s.Text)+"$", "") + ", " + d.text(s.Text) + ")"
	}},
	"lower": {80, func(_ Dialect, x string, _ Step) string { return "LOWER(" + x + ")" }},
	"upper": {80, func(_ Dialect, x string, _ Step) string { return "UPPER(" + x + ")" }},
	"untag": {81, func(d Dialect, x string, _ Step) string { return d.replaced(x, `\+[^@]*@`, "@") }},
	"undot": {82, func(d Dialect, x string, _ Step) string {
		domain := "@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$"
		return fmt.Sprintf("CASE WHEN %s THEN CONCAT(REPLACE(%s, '.', ''), '@gmail.com') ELSE %s END",
			d.found(x, domain), d.replaced(x, "@.*$", ""), x)
	}},
	"md5":    {90, func(d Dialect, x string, _ Step) string { return fmt.Sprintf(d.MD5, x) }},
	"sha1":   {90, func(d Dialect, x string, _ Step) string { return fmt.Sprintf(d.SHA1, x) }},
	"sha256": {90, func(d Dialect, x string, _ Step) string { return fmt.Sprintf(d.SHA256, x) }},
	// What a digest is written like.
	"upperhex": {95, func(_ Dialect, x string, _ Step) string { return "UPPER(" + x + ")" }},
}

// Rewritable tells whether a dialect can take a step: some engines have no
// Unicode normal forms.
func (d Dialect) Rewritable(s Step) bool {
	switch s.Name {
	case "nfc":
		return d.NFC != ""
	case "nfkc":
		return d.NFKC != ""
	}
	_, known := rewrites[s.Name]
	return known
}

// Ordered are steps in the order in which they are taken, each once.
func Ordered(steps ...Step) []Step {
	out := slices.Clone(steps)
	slices.SortStableFunc(out, func(a, b Step) int { return cmp.Compare(rewrites[a.Name].order, rewrites[b.Name].order) })
	return slices.Compact(out)
}

// Rewrite writes an identifier anew by steps; without any it stays as it is.
func (d Dialect) Rewrite(text string, steps []Step) string {
	for _, s := range steps {
		text = rewrites[s.Name].sql(d, text, s)
	}
	return text
}

// replaced is a text in which every match of a pattern is replaced.
func (d Dialect) replaced(x, pattern, by string) string {
	return fmt.Sprintf(d.ReplaceAll, x, d.text(pattern), d.text(by))
}

// found tells whether a pattern is found in a text.
func (d Dialect) found(x, pattern string) string { return fmt.Sprintf(d.Found, x, d.text(pattern)) }

// percents decodes what identifiers have percent-encoded, for engines without
// a function for it; %s is the text.
func percents() string {
	out := "%s"
	for _, c := range []struct{ code, char string }{
		{"20", " "},
		{"2B", "+"},
		{"2D", "-"},
		{"2E", "."},
		{"2F", "/"},
		{"3A", ":"},
		{"3D", "="},
		{"40", "@"},
		{"5F", "_"},
		{"7B", "{"},
		{"7C", "|"},
		{"7D", "}"},
		{"23", "#"},
		{"25", "%%"},
	} {
		for _, code := range slices.Compact([]string{c.code, strings.ToLower(c.code)}) {
			out = "REPLACE(" + out + ", '%%" + code + "', '" + c.char + "')"
		}
	}
	return out
}
