package serve

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay/spec"
)

// checker reads values and collects what is wrong with them.
type checker struct {
	name     string
	text     []byte
	problems spec.Problems
}

// problemf adds a problem at an offset of the text.
func (c *checker) problemf(at int, format string, args ...any) {
	at = min(at, len(c.text))
	start := bytes.LastIndexByte(c.text[:at], '\n') + 1
	end := len(c.text)
	if n := bytes.IndexByte(c.text[at:], '\n'); n >= 0 {
		end = at + n
	}
	p := spec.Problem{
		File: c.name, Line: 1 + bytes.Count(c.text[:at], []byte("\n")),
		Column: 1 + utf8.RuneCount(c.text[start:at]), Message: fmt.Sprintf(format, args...),
	}
	if line := strings.ToValidUTF8(string(c.text[start:end]), "\uFFFD"); utf8.RuneCountInString(line) <= maxSource {
		p.Source = strings.Map(func(r rune) rune {
			if r != '\t' && !unicode.IsPrint(r) {
				return unicode.ReplacementChar
			}
			return r
		}, strings.TrimSuffix(line, "\r"))
	}
	c.problems = append(c.problems, p)
}

// is tells whether a value is of a kind; if not, that is a problem.
func (c *checker) is(n *node, want kind) bool {
	if n.kind != want {
		c.problemf(n.at, "this is %s: want %s", n.kind, want)
	}
	return n.kind == want
}

// members hands each member of an object to its reader; a member without one is
// a problem, and so is a needed one that is not there.
func (c *checker) members(n *node, readers map[string]func(*node), needed ...string) {
	if !c.is(n, kindObject) {
		return
	}
	for _, m := range n.members {
		read, ok := readers[m.name]
		if !ok {
			c.problemf(m.at, "%q is unknown here: want one of %s", m.name, strings.Join(slices.Sorted(maps.Keys(readers)), ", "))
			continue
		}
		read(m.value)
	}
	for _, name := range needed {
		if n.member(name) == nil {
			c.problemf(n.at, "%s is missing", name)
		}
	}
}

// named hands each member of an object to read, after a look at its name.
func (c *checker) named(n *node, read func(name string, n *node)) {
	if !c.is(n, kindObject) {
		return
	}
	for _, m := range n.members {
		c.goodName(m.at, m.name)
		read(m.name, m.value)
	}
}

func (c *checker) goodName(at int, name string) {
	switch {
	case name == "" || len(name) > maxName:
		c.problemf(at, "a name has 1 to %d bytes", maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.problemf(at, "a name has no characters that do not print")
	case name == "." || name == "..":
		c.problemf(at, "%s is no name: it cannot stand in an address", name)
	}
}

func (c *checker) textInto(into *string) func(*node) {
	return func(n *node) {
		if c.is(n, kindText) {
			*into = n.text
		}
	}
}

// nameInto reads a text that is a name.
func (c *checker) nameInto(into *string) func(*node) {
	return func(n *node) {
		if c.is(n, kindText) {
			c.goodName(n.at, n.text)
			*into = n.text
		}
	}
}

func (c *checker) truthInto(into *bool) func(*node) {
	return func(n *node) {
		if c.is(n, kindTruth) {
			*into = n.truth
		}
	}
}

// shareInto reads a number in [0,1].
func (c *checker) shareInto(into *float64) func(*node) {
	return func(n *node) {
		if !c.is(n, kindNumber) {
			return
		}
		if n.number < 0 || n.number > 1 {
			c.problemf(n.at, "%s is not a share: want 0 to 1", n.raw)
			return
		}
		*into = n.number
	}
}

// each hands every item of a list to read.
func (c *checker) each(read func(*node)) func(*node) {
	return func(n *node) {
		if c.is(n, kindList) {
			for _, item := range n.items {
				read(item)
			}
		}
	}
}

func skip(*node) {}
