package report

import (
	"strings"

	"assay/ledger"
)

// spot is the line of a file of the spec in which something is at fault, and the
// blanks before the caret below it, cut to a width; "" where there is none.
func spot(at *ledger.Place, width int) (line, before string) {
	if at == nil || strings.TrimSpace(at.Source) == "" {
		return "", ""
	}
	source := []rune(at.Source)
	n := min(max(at.Caret-1, 0), len(source))
	left := strings.TrimLeft(clean(string(source[:n])), " ")
	right := clean(string(source[n:]))
	if most := width * 2 / 3; columns(left) > most {
		cut := []rune(left)
		left = "…" + string(cut[max(0, len(cut)-most):])
	}
	return shorten(left+right, width), strings.Repeat(" ", columns(left))
}

// spot writes it below what was said.
func (p *printer) spot(at *ledger.Place) {
	const indent = "             "
	if line, before := spot(at, p.width-len(indent)); line != "" {
		p.line(indent + line)
		p.line(indent + before + "^")
	}
}

// spotBlock is that of a page.
func spotBlock(at *ledger.Place) string {
	const width = 120
	line, before := spot(at, width)
	if line == "" {
		return ""
	}
	return line + "\n" + before + "^"
}
