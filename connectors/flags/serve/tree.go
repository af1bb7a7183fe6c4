package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// kind is the kind of a JSON value.
type kind string

const (
	kindObject kind = "an object"
	kindList   kind = "a list"
	kindText   kind = "a text"
	kindNumber kind = "a number"
	kindTruth  kind = "true or false"
	kindNull   kind = "null"
)

// node is a JSON value with its place, so that whatever is wrong with it can be
// shown where it stands.
type node struct {
	at      int // offset of its first byte
	kind    kind
	raw     json.RawMessage
	text    string
	number  float64
	truth   bool
	members []member
	named   map[string]*node // the members' values
	items   []*node
}

// member is a member of an object; at is the offset of its name.
type member struct {
	name  string
	at    int
	value *node
}

func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	return n.named[name]
}

// fault is why a text is not a tree, and where.
type fault struct {
	at   int
	text string
}

func (f fault) Error() string { return f.text }

const maxDepth = 64

// parseTree reads one JSON value. Its error is a fault.
func parseTree(text []byte) (*node, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fault{max(0, int(syntax.Offset)-1), "this is not JSON: " + syntax.Error()}
		}
		return nil, fault{0, "this is not JSON: " + err.Error()}
	}
	p := &parser{text: text, dec: json.NewDecoder(bytes.NewReader(text))}
	p.dec.UseNumber()
	return p.value(0)
}

type parser struct {
	text []byte
	dec  *json.Decoder
}

// next is where the next token starts.
func (p *parser) next() int {
	at := int(p.dec.InputOffset())
	for at < len(p.text) && bytes.IndexByte([]byte(" \t\r\n,:"), p.text[at]) >= 0 {
		at++
	}
	return at
}

func (p *parser) value(depth int) (*node, error) {
	n := &node{at: p.next()}
	if depth > maxDepth {
		return nil, fault{n.at, fmt.Sprintf("nested more than %d deep", maxDepth)}
	}
	token, err := p.dec.Token()
	if err != nil {
		return nil, fault{n.at, err.Error()}
	}
	if err := p.fill(n, token, depth); err != nil {
		return nil, err
	}
	n.raw = p.text[n.at:p.dec.InputOffset()]
	return n, nil
}

func (p *parser) fill(n *node, token json.Token, depth int) error {
	switch t := token.(type) {
	case json.Delim:
		return p.inside(n, t, depth)
	case string:
		n.kind, n.text = kindText, t
	case json.Number:
		number, err := t.Float64()
		if err != nil {
			return fault{n.at, "the number " + t.String() + " is too large"}
		}
		n.kind, n.number = kindNumber, number
	case bool:
		n.kind, n.truth = kindTruth, t
	case nil:
		n.kind = kindNull
	}
	return nil
}

// inside reads what is between braces or brackets, and the closing one.
func (p *parser) inside(n *node, open json.Delim, depth int) error {
	n.kind = kindList
	if open == '{' {
		n.kind, n.named = kindObject, map[string]*node{}
	}
	for p.dec.More() {
		var m member
		if n.kind == kindObject {
			m.at = p.next()
			name, err := p.dec.Token()
			if err != nil {
				return fault{m.at, err.Error()}
			}
			m.name = fmt.Sprint(name)
		}
		value, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		m.value = value
		if n.kind == kindList {
			n.items = append(n.items, value)
			continue
		}
		if n.member(m.name) != nil {
			return fault{m.at, fmt.Sprintf("the member %q is there twice", m.name)}
		}
		n.members = append(n.members, m)
		n.named[m.name] = value
	}
	_, err := p.dec.Token()
	return err
}
