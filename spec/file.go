package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Limits of one file. A tree is measured with its aliases expanded.
const (
	maxBytes    = 4 << 20
	maxDepth    = 64
	maxNodes    = 200_000
	maxProblems = 1000
)

// file is one YAML file while it is read: its text, its tree and what is wrong
// with it.
type file struct {
	name     string // as shown
	lines    []string
	root     *yaml.Node // nil where the text is not one YAML document
	problems Problems
	warnings Problems
	bad      map[*yaml.Node]bool // values that could not be decoded
	secret   map[*yaml.Node]bool // values that must not be shown
}

// YAML 1.2 breaks lines at the first three; the parser's line numbers count
// the others too.
var lineBreak = regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]")

// parseFile reads text into a tree; faults of the text become problems. No text
// at all means that the file is gone.
func parseFile(name string, text []byte) *file {
	f := &file{name: name, bad: map[*yaml.Node]bool{}, secret: map[*yaml.Node]bool{}}
	if text == nil {
		f.add(1, 1, "the file is not there; is it a dangling link?")
		return f
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(text) > maxBytes {
		f.add(1, 1, "the file is larger than %d MiB", maxBytes>>20)
		return f
	}
	if !utf8.Valid(text) {
		f.add(1, 1, "the file is not UTF-8 text")
		return f
	}
	f.lines = lineBreak.Split(string(text), -1)
	if line, column, found := f.controlCharacter(); found {
		f.add(line, column, "control character in the file; in a quoted text write it as an escape")
		return f
	}
	f.parse(text)
	return f
}

// controlCharacter finds the first character that YAML does not allow.
func (f *file) controlCharacter() (line, column int, found bool) {
	for i, text := range f.lines {
		for j, r := range []rune(text) {
			if r < ' ' && r != '\t' || r == 0x7f {
				return i + 1, j + 1, true
			}
		}
	}
	return 0, 0, false
}

func (f *file) parse(text []byte) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		f.add(1, 1, "%v", err)
		return
	}
	var document, second yaml.Node
	switch err := loader.Load(&document); {
	case errors.Is(err, io.EOF):
		f.add(1, 1, "the file is empty")
		return
	case err != nil:
		f.syntax(err)
		return
	}
	switch err := loader.Load(&second); {
	case err == nil:
		f.add(second.Line, second.Column, "a second document begins here; a file holds one")
		return
	case !errors.Is(err, io.EOF):
		f.syntax(err)
		return
	}
	f.adopt(&document)
}

// adopt takes the document's tree unless it is empty or out of bounds.
func (f *file) adopt(document *yaml.Node) {
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		f.add(1, 1, "the file is empty")
		return
	}
	nodes := 0
	if at, why := measure(document.Content[0], 0, &nodes); at != nil {
		f.add(at.Line, at.Column, "%s", why)
		return
	}
	f.root = document.Content[0]
}

// measure walks the tree with its aliases expanded and gives the node at which
// it grows out of bounds, if any.
func measure(n *yaml.Node, depth int, nodes *int) (*yaml.Node, string) {
	*nodes++
	if *nodes > maxNodes {
		return n, fmt.Sprintf("more than %d values, aliases expanded", maxNodes)
	}
	if depth > maxDepth {
		return n, fmt.Sprintf("nested more than %d deep, or an alias inside its own anchor", maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return measure(n.Alias, depth+1, nodes)
	}
	for _, child := range n.Content {
		if at, why := measure(child, depth+1, nodes); at != nil {
			return at, why
		}
	}
	return nil, ""
}

// syntax adds what the parser says, where it says so; a text that ends too
// early is shown where it began.
func (f *file) syntax(err error) {
	fault, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		f.add(1, 1, "not YAML: %v", err)
		return
	}
	message, mark := fault.Message, fault.Mark
	if strings.HasPrefix(message, "unknown anchor") {
		message = "unknown anchor" // its name might be a mistyped secret
	}
	if fault.ContextMsg != "" {
		message = fault.ContextMsg + ": " + message
	}
	if f.blank(mark.Line) && fault.ContextMark.Line > 0 {
		mark = fault.ContextMark
	}
	f.add(max(mark.Line, 1), max(mark.Column, 1), "not YAML: %s", message)
}

func (f *file) blank(line int) bool {
	return line < 1 || line > len(f.lines) || strings.TrimSpace(f.lines[line-1]) == ""
}

// add adds a problem; Source comes later, when all secrets are known.
func (f *file) add(line, column int, format string, args ...any) {
	f.problems = f.append(f.problems, line, column, fmt.Sprintf(format, args...))
}

func (f *file) append(to Problems, line, column int, message string) Problems {
	if len(to) > maxProblems {
		return to
	}
	if len(to) == maxProblems {
		message = fmt.Sprintf("more than %d problems; the rest is not shown", maxProblems)
	}
	return append(to, Problem{File: f.name, Line: line, Column: column, Message: message})
}
