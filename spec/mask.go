package spec

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Long source lines are cut to a window around the fault, in characters.
const (
	maxSource    = 240
	sourceBefore = 100
)

var (
	// secretKey finds the keys of secrets in text that has no tree.
	secretKey = regexp.MustCompile(`(?i)(secret|url|token|password)["']?\s*:`)
	// signingSecret is a signing secret wherever it stands.
	signingSecret = regexp.MustCompile(`whsec_[^\s"',}\]]+`)
)

// finished gives the problems their source lines, in which no secret shows.
func (f *file) finished(problems Problems) Problems {
	spans := f.hidden()
	for i := range problems {
		p := &problems[i]
		p.Message = string(printable([]rune(signingSecret.ReplaceAllString(p.Message, redacted))))
		shown, before := f.source(p.Line, p.Column, spans)
		p.Source, p.caret = shown, before+1
	}
	return problems
}

// source is the line as it may be shown, and the characters before the fault.
func (f *file) source(line, column int, spans []span) (shown string, caret int) {
	if line < 1 || line > len(f.lines) {
		return "", 0
	}
	text := masked{[]rune(f.lines[line-1]), column - 1}
	for _, s := range slices.Backward(spans) { // from the right, so that columns stay what they were
		text = s.hide(line, text)
	}
	if f.root == nil {
		text = f.hideByText(line, text)
	}
	text = hideMatches(text)
	return text.window()
}

// position is a place in a file, both from 1.
type position struct{ line, column int }

func (p position) before(q position) bool {
	return p.line < q.line || p.line == q.line && p.column < q.column
}

// span is text that must not be shown.
type span struct{ from, to position }

// hidden are the spans of the values marked as secret: each reaches to the
// next value that is not, so that its comments are hidden too.
func (f *file) hidden() []span {
	var spans []span
	open := false
	var walk func(n *yaml.Node, inside bool)
	walk = func(n *yaml.Node, inside bool) {
		inside = inside || f.secret[n]
		here := position{n.Line, n.Column}
		if inside && !open {
			spans = append(spans, span{from: here, to: position{line: len(f.lines) + 1}})
		}
		if !inside && open && spans[len(spans)-1].from.before(here) {
			spans[len(spans)-1].to = here
		}
		open = inside
		for _, child := range n.Content {
			walk(child, inside)
		}
	}
	if f.root != nil && len(f.secret) > 0 {
		walk(f.root, false)
	}
	return spans
}

// hideSecrets hides what nothing decodes, where its keys look like secrets.
func (p place) hideSecrets() {
	if p.key != nil && secretKey.MatchString(follow(p.key).Value+":") {
		p.hide()
		return
	}
	for _, child := range p.entries() {
		child.hideSecrets()
	}
	if p.value.Kind == yaml.SequenceNode {
		for i := range p.value.Content {
			p.item(i).hideSecrets()
		}
	}
}

// masked is a line while secrets are taken out of it.
type masked struct {
	runes []rune
	caret int
}

// replace puts *** in place of the characters [from, to).
func (m masked) replace(from, to int) masked {
	from, to = min(from, len(m.runes)), min(to, len(m.runes))
	if from >= to {
		return m
	}
	stars := []rune(redacted)
	runes := append(append(append([]rune{}, m.runes[:from]...), stars...), m.runes[to:]...)
	switch {
	case m.caret >= to:
		m.caret += len(stars) - (to - from)
	case m.caret > from:
		m.caret = from
	}
	return masked{runes, m.caret}
}

// window cuts a long line to what surrounds the fault.
func (m masked) window() (shown string, caret int) {
	if len(m.runes) <= maxSource {
		return string(printable(m.runes)), m.caret
	}
	from := max(0, min(m.caret, len(m.runes))-sourceBefore)
	to := min(len(m.runes), from+maxSource)
	return string(printable(m.runes[from:to])), m.caret - from
}

// hide takes the span's part of the line out; a comma and blanks behind the
// value stay.
func (s span) hide(line int, text masked) masked {
	if line < s.from.line || line > s.to.line {
		return text
	}
	from, to := 0, len(text.runes)
	if line == s.from.line {
		from = s.from.column - 1
	}
	if line == s.to.line {
		to = min(s.to.column-1, len(text.runes))
	}
	for to > from && strings.ContainsRune(" ,", text.runes[to-1]) {
		to--
	}
	return text.replace(from, to)
}

// hideByText masks by the look of the text where a fault in the YAML leaves no
// tree: behind the key of a secret, and the lines that may continue it.
func (f *file) hideByText(line int, text masked) masked {
	own := f.lines[line-1]
	if at := secretKey.FindStringIndex(own); at != nil {
		return text.replace(utf8.RuneCountInString(own[:at[1]])+1, len(text.runes))
	}
	adjacent, least := true, indentation(own)
	for i := line - 2; i >= 0; i-- {
		above := f.lines[i]
		if strings.TrimSpace(above) == "" {
			continue
		}
		at := secretKey.FindStringIndex(above)
		deeper := least > indentation(above)
		if at != nil && (deeper || continues(above[at[1]:], adjacent)) {
			return text.replace(0, len(text.runes))
		}
		adjacent, least = false, min(least, indentation(above))
	}
	return text
}

// continues tells whether the value of a secret, as far as it stands on the
// line of its key, may go on below: on the next line or behind an open quote.
func continues(value string, adjacent bool) bool {
	if strings.Count(value, `"`)%2 == 1 || strings.Count(value, "'")%2 == 1 {
		return true
	}
	return adjacent && len(strings.TrimSpace(value)) <= len("|2-")
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// hideMatches masks signing secrets wherever they stand.
func hideMatches(text masked) masked {
	for {
		line := string(text.runes)
		at := signingSecret.FindStringIndex(line)
		if at == nil {
			return text
		}
		text = text.replace(utf8.RuneCountInString(line[:at[0]]), utf8.RuneCountInString(line[:at[1]]))
	}
}
