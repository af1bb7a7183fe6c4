package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names, prompts, SQL and messages come from people and warehouses, and some
// of them from strangers. Escaping keeps them from being markup; what is here
// keeps them from lying to the eye: whatever steers a terminal, reorders a
// line or cannot be seen is shown by its code point.

// nameLength is the most characters of a name that are shown.
const nameLength = 120

// clean makes one line of text that shows everything it holds.
func clean(s string) string {
	s = strings.Map(spaceOut, strings.ToValidUTF8(s, "\ufffd"))
	return visible(s)
}

// cleanBlock is clean for a text of several lines.
func cleanBlock(s string) string {
	return visible(strings.ReplaceAll(s, "\r\n", "\n"))
}

// name is a name fit for a heading or a cell.
func name(s string) string {
	s = shorten(clean(s), nameLength)
	if s == "" {
		return "(unnamed)"
	}
	return s
}

func spaceOut(r rune) rune {
	if r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029' {
		return ' '
	}
	return r
}

func visible(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if !strings.ContainsFunc(s, deceptive) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if deceptive(r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unseen are characters without a picture that may hide or reorder text:
// zero-width space and its kin, bidirectional controls, tag characters.
var unseen = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1},
		{Lo: 0x061c, Hi: 0x061c, Stride: 1},
		{Lo: 0x200b, Hi: 0x200b, Stride: 1},
		{Lo: 0x200e, Hi: 0x200f, Stride: 1},
		{Lo: 0x2028, Hi: 0x202e, Stride: 1},
		{Lo: 0x2060, Hi: 0x206f, Stride: 1},
		{Lo: 0xfeff, Hi: 0xfeff, Stride: 1},
		{Lo: 0xfff9, Hi: 0xfffb, Stride: 1},
	},
	R32:         []unicode.Range32{{Lo: 0xe0000, Hi: 0xe007f, Stride: 1}},
	LatinOffset: 1,
}

func deceptive(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unseen, r)
}

// shorten cuts to that many characters, the last of which is then an ellipsis.
func shorten(s string, most int) string {
	if most < 1 {
		return ""
	}
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	cut := []rune(s)[:most-1]
	return strings.TrimRightFunc(string(cut), unicode.IsSpace) + "…"
}
