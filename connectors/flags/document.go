package flags

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// object is a JSON object as it lies in a text: what is not asked for keeps
// every byte. Offsets count from the start of the text.
type object struct {
	open, close int // of the braces
	members     []member
}

// member has its name's opening quote at key and its value in [start,end).
type member struct {
	name            string
	key, start, end int
}

func (o object) member(name string) (member, bool) {
	i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return member{}, false
	}
	return o.members[i], true
}

// checkJSON says where a text stops being one JSON value.
func checkJSON(text []byte) error {
	var value json.RawMessage
	err := json.Unmarshal(text, &value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := text[:min(int(syntax.Offset), len(text))]
		line := 1 + bytes.Count(before, []byte("\n"))
		column := len(before) - 1 - bytes.LastIndexByte(before, '\n')
		return fmt.Errorf("invalid JSON at line %d, column %d: %w", line, column, syntax)
	}
	return err
}

// scanObject finds the members of the object that is the value text[start:end]
// of a valid JSON text. Its error says that the value is not an object, or has
// a member twice, so that readers would not agree on what it means.
func scanObject(text []byte, start, end int) (object, error) {
	o := object{open: start, close: end - 1}
	dec := json.NewDecoder(bytes.NewReader(text[start:end]))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return o, errors.New("is not an object")
	}
	for dec.More() {
		m := member{key: quoteAfter(text, start+int(dec.InputOffset()))}
		name, err := dec.Token()
		if err != nil {
			return o, fmt.Errorf("is not readable: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return o, fmt.Errorf("is not readable: %w", err)
		}
		m.name = fmt.Sprint(name)
		m.end = start + int(dec.InputOffset())
		m.start = m.end - len(value)
		if _, twice := o.member(m.name); twice {
			return o, fmt.Errorf("has the member %s twice", printable(m.name))
		}
		o.members = append(o.members, m)
	}
	return o, nil
}

// quoteAfter skips the white space and the comma before a name.
func quoteAfter(text []byte, at int) int { return at + bytes.IndexByte(text[at:], '"') }

// errAbsent says that a path ends nowhere.
var errAbsent = errors.New("is missing")

// find returns the object at a path of names.
func find(text []byte, path ...string) (object, error) {
	start := bytes.IndexByte(text, '{')
	end := bytes.LastIndexByte(text, '}') + 1
	if start < 0 || len(bytes.TrimSpace(text[:start])) > 0 {
		return object{}, errors.New("the file is not a JSON object")
	}
	o, err := scanObject(text, start, end)
	for i, name := range path {
		if err != nil {
			break
		}
		m, ok := o.member(name)
		if !ok {
			return o, fmt.Errorf("%s %w", strings.Join(path[:i+1], "."), errAbsent)
		}
		if o, err = scanObject(text, m.start, m.end); err != nil {
			err = fmt.Errorf("%s %w", strings.Join(path[:i+1], "."), err)
		}
	}
	return o, err
}

// style is how a text is laid out around a place.
type style struct {
	newline string // "" = on one line
	indent  string // of the line that the value starts on
	inner   string // of its members
	unit    string // one level
	space   string // after colon and comma inside a line
}

// open and close are what stands before the first and after the last of
// several values one level further in, between what stands between them.
func (s style) open() string  { return s.newline + s.inner }
func (s style) close() string { return s.newline + s.indent }

func (s style) between() string {
	if s.newline == "" {
		return s.comma()
	}
	return "," + s.open()
}

func (s style) colon() string { return ":" + s.space }
func (s style) comma() string { return "," + s.space }

// deeper is the style one level further in.
func (s style) deeper() style {
	s.indent, s.inner = s.inner, s.inner+s.unit
	return s
}

// styleAt reads the style of a text at the line that offset at lies on.
func styleAt(text []byte, at int) style {
	if !bytes.Contains(bytes.TrimSpace(text), []byte("\n")) {
		s := style{}
		if bytes.Contains(text, []byte(`": `)) {
			s.space = " "
		}
		return s
	}
	s := style{newline: "\n", unit: "  ", space: " "}
	if bytes.Contains(text, []byte("\r\n")) {
		s.newline = "\r\n"
	}
	if first := indentation(text[bytes.IndexByte(text, '\n')+1:]); first != "" {
		s.unit = first
	}
	s.indent = indentation(text[bytes.LastIndexByte(text[:at], '\n')+1:])
	s.inner = s.indent + s.unit
	return s
}

func indentation(line []byte) string {
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// writer writes a value in the style of its place.
type writer func(s style) []byte

// literal is a value without structure.
func literal(v any) writer {
	return func(style) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			return []byte("null") // Strings and booleans always marshal.
		}
		return data
	}
}

// raw is a value as it stands elsewhere.
func raw(value []byte) writer { return func(style) []byte { return value } }

// set writes one member of the object at path, in its place or after the last.
func set(text []byte, path []string, name string, value writer) ([]byte, error) {
	o, err := find(text, path...)
	if err != nil {
		return nil, err
	}
	s := o.style(text)
	if m, ok := o.member(name); ok {
		return splice(text, m.start, m.end, value(s.deeper())), nil
	}
	if n := len(o.members); n > 0 {
		last := o.members[n-1]
		return splice(text, last.end, last.end, append([]byte(s.between()), named(s, name, value)...)), nil
	}
	whole := slices.Concat([]byte("{"+s.open()), named(s, name, value), []byte(s.close()+"}"))
	return splice(text, o.open, o.close+1, whole), nil
}

// style is how an object is laid out; its members are one level deeper.
func (o object) style(text []byte) style {
	s := styleAt(text, o.open)
	if s.newline == "" || len(o.members) == 0 {
		return s
	}
	first := o.members[0].key
	if bytes.IndexByte(text[o.open:first], '\n') < 0 {
		return style{space: " "}
	}
	s.inner = styleAt(text, first).indent
	return s
}

// named is a member of an object that is laid out in style s.
func named(s style, name string, value writer) []byte {
	return slices.Concat(literal(name)(s), []byte(s.colon()), value(s.deeper()))
}

func splice(text []byte, start, end int, with []byte) []byte {
	return slices.Concat(text[:start], with, text[end:])
}
