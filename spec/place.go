package spec

import (
	"fmt"
	"iter"
	"strings"

	"go.yaml.in/yaml/v4"
)

// place is a spot in a file: a value with the key that leads to it. A place
// whose value is absent stands at the last one that exists on the way.
type place struct {
	file   *file
	key    *yaml.Node // nil at the root and in lists
	value  *yaml.Node // aliases followed; nil only where the file has no tree
	raw    *yaml.Node // the value as written, maybe an alias
	absent bool
}

func (f *file) place() place {
	return place{file: f, value: f.root, raw: f.root, absent: f.root == nil}
}

// at is the value of a key.
func (p place) at(name string) place {
	if !p.absent {
		for key, child := range p.entries() {
			if key == name {
				return child
			}
		}
	}
	p.absent = true
	return p
}

// item is an element of a list.
func (p place) item(i int) place {
	if p.absent || p.value.Kind != yaml.SequenceNode || i >= len(p.value.Content) {
		p.absent = true
		return p
	}
	return p.file.under(nil, p.value.Content[i])
}

func (f *file) under(key, raw *yaml.Node) place {
	return place{file: f, key: key, value: follow(raw), raw: raw}
}

// entries are the keys and values of a mapping in the file's order; those that
// a merge key (<<) brings in come after the mapping's own.
func (p place) entries() iter.Seq2[string, place] {
	return func(yield func(string, place) bool) {
		if !p.absent {
			p.file.eachEntry(p.value, yield)
		}
	}
}

// index are the entries by name; a mapping's own win over merged ones.
func (p place) index() map[string]place {
	index := map[string]place{}
	for name, child := range p.entries() {
		if _, own := index[name]; !own {
			index[name] = child
		}
	}
	return index
}

func (f *file) eachEntry(n *yaml.Node, yield func(string, place) bool) bool {
	if n.Kind != yaml.MappingNode {
		return true
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !isMerge(key) && !yield(follow(key).Value, f.under(key, n.Content[i+1])) {
			return false
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) && !f.eachMerged(follow(n.Content[i+1]), yield) {
			return false
		}
	}
	return true
}

// eachMerged walks what << names: a mapping or a list of them.
func (f *file) eachMerged(n *yaml.Node, yield func(string, place) bool) bool {
	if n.Kind != yaml.SequenceNode {
		return f.eachEntry(n, yield)
	}
	for _, child := range n.Content {
		if !f.eachEntry(follow(child), yield) {
			return false
		}
	}
	return true
}

func follow(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isMerge(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!merge" }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// ok tells whether the value is there and could be decoded.
func (p place) ok() bool { return !p.absent && !p.file.bad[p.value] }

// sound tells whether everything below could be decoded as well.
func (p place) sound() bool {
	if !p.ok() {
		return false
	}
	for _, child := range p.value.Content {
		if child = follow(child); p.file.bad[child] || len(child.Content) > 0 && !p.file.under(nil, child).sound() {
			return false
		}
	}
	return true
}

// unreadable tells whether nothing can be said about what should stand here.
func (p place) unreadable() bool { return p.file.root == nil || p.file.bad[p.value] }

// hide marks the value as one that must not be shown.
func (p place) hide() {
	p.file.secret[p.value], p.file.secret[p.raw] = true, true
}

// problemf adds a problem: at a scalar value, else at the key, if there is one.
// A value that could not be decoded already has its problem.
func (p place) problemf(format string, args ...any) {
	if p.unreadable() {
		return
	}
	p.file.problems = p.add(p.file.problems, p.mark(), fmt.Sprintf(format, args...))
}

// keyProblemf adds a problem about the key's being there.
func (p place) keyProblemf(format string, args ...any) {
	if p.unreadable() {
		return
	}
	mark := p.mark()
	if p.key != nil {
		mark = p.key
	}
	p.file.problems = p.add(p.file.problems, mark, fmt.Sprintf(format, args...))
}

// warnf adds a warning where problemf would add a problem.
func (p place) warnf(format string, args ...any) {
	if !p.unreadable() {
		p.file.warnings = p.add(p.file.warnings, p.mark(), fmt.Sprintf(format, args...))
	}
}

// must adds a problem where the value is there and decoded, but not good.
func (p place) must(good bool, format string, args ...any) {
	if p.ok() && !good {
		p.problemf(format, args...)
	}
}

// refuse adds a problem at the key where the value is there at all.
func (p place) refuse(format string, args ...any) {
	if !p.absent {
		p.keyProblemf(format, args...)
	}
}

// mismatch is a value that cannot be decoded: later checks leave it alone.
func (p place) mismatch(format string, args ...any) {
	p.problemf(format, args...)
	p.file.bad[p.value] = true
}

func (p place) mark() *yaml.Node {
	if p.key != nil && (p.value.Kind != yaml.ScalarNode || isNull(p.value) || p.absent) {
		return p.key
	}
	return p.value
}

func (p place) add(to Problems, n *yaml.Node, message string) Problems {
	return p.file.append(to, n.Line, n.Column, message)
}

// where is file:line of the place, for a message about another one.
func (p place) where() string { return fmt.Sprintf("%s:%d", p.file.name, p.mark().Line) }

// found says what kind of value is there.
func (p place) found() string {
	if p.value.Kind == yaml.MappingNode {
		return "a mapping"
	}
	if p.value.Kind == yaml.SequenceNode {
		return "a list"
	}
	switch p.value.Tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	if strings.TrimSpace(p.value.Value) == "" {
		return "an empty text"
	}
	return "text"
}

// problemAt adds a problem at an offset of the text at p.
func (p place) problemAt(offset int, format string, args ...any) {
	if p.unreadable() {
		return
	}
	line, column := p.file.locate(p.value, offset)
	p.file.problems = p.file.append(p.file.problems, line, column, fmt.Sprintf(format, args...))
}
