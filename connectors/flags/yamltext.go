package flags

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// block is a mapping of a YAML text as it lies there. Lines count from 1; what
// belongs to the mapping ends before the line limit.
type block struct {
	node  *yaml.Node
	limit int
}

// parseYAML reads a text with one document that is a mapping. Its error names the
// line where the text is not that, or has a key twice.
func parseYAML(text []byte) (block, error) {
	var document yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&document); err != nil {
		return block{}, fmt.Errorf("invalid YAML: %w", err)
	}
	if err := dec.Decode(new(yaml.Node)); err == nil {
		return block{}, errors.New("it has more than one document")
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return block{}, errors.New("it is not a mapping of flags")
	}
	// Decoding, unlike parsing, finds keys that repeat.
	if err := document.Decode(new(map[string]any)); err != nil {
		return block{}, fmt.Errorf("invalid YAML: %w", err)
	}
	return block{document.Content[0], len(linesOf(text)) + 1}, nil
}

// member is the value of a key of the mapping, aliases followed; nil = none.
func (b block) member(name string) *yaml.Node {
	for i := 0; i+1 < len(b.node.Content); i += 2 {
		if key := b.node.Content[i]; key.Kind == yaml.ScalarNode && key.Tag != "!!merge" && key.Value == name {
			return followed(b.node.Content[i+1])
		}
	}
	return nil
}

func followed(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// resolved is a member by its name, also one that a merge key brings in.
func (b block) resolved(name string) *yaml.Node {
	if value := b.member(name); value != nil {
		return value
	}
	for i := 0; i+1 < len(b.node.Content); i += 2 {
		if b.node.Content[i].Tag != "!!merge" {
			continue
		}
		sources := []*yaml.Node{b.node.Content[i+1]}
		if merged := followed(sources[0]); merged.Kind == yaml.SequenceNode {
			sources = merged.Content
		}
		for _, source := range sources {
			if source = followed(source); source.Kind == yaml.MappingNode {
				if value := (block{node: source}).resolved(name); value != nil {
					return value
				}
			}
		}
	}
	return nil
}

// within is a member that is itself a mapping in block form, written here and
// not elsewhere.
func (b block) within(name string) (block, bool) {
	for i := 0; i+1 < len(b.node.Content); i += 2 {
		if key, value := b.node.Content[i], b.node.Content[i+1]; key.Value == name && isBlock(value) && value.Line > key.Line {
			return block{value, b.end(i)}, true
		}
	}
	return block{}, false
}

func isBlock(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0
}

// end is the line before which the i-th entry ends.
func (b block) end(i int) int {
	if i+2 < len(b.node.Content) {
		return b.node.Content[i+2].Line
	}
	return b.limit
}

// linesOf splits a text into its lines, each with its end.
func linesOf(text []byte) [][]byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	return lines
}

// yamlEdit is a YAML text while it is edited.
type yamlEdit struct {
	text    []byte
	newline string
	unit    string // one level of indentation
}

// at finds the mapping at a path of names, each in block form.
func (y *yamlEdit) at(path ...string) (block, error) {
	b, err := parseYAML(y.text)
	if err != nil {
		return b, err
	}
	if b.node.Style&yaml.FlowStyle != 0 {
		return b, errors.New("it is written in braces; write it as an indented block")
	}
	b.limit = min(b.limit, y.documentEnd())
	for i, name := range path {
		inner, ok := b.within(name)
		if !ok {
			return b, fmt.Errorf("%s is not written as an indented block of its own", printable(strings.Join(path[:i+1], ".")))
		}
		b = inner
	}
	return b, nil
}

// documentEnd is the line of the mark that ends the document.
func (y *yamlEdit) documentEnd() int {
	lines := linesOf(y.text)
	for i, line := range lines {
		if string(bytes.TrimRight(line, " \t\r\n")) == "..." {
			return i + 1
		}
	}
	return len(lines) + 1
}

// remark is the comment behind a member's value.
func (b block) remark(name string) string {
	for i := 0; i+1 < len(b.node.Content); i += 2 {
		if comment := b.node.Content[i+1].LineComment; b.node.Content[i].Value == name && comment != "" {
			return " " + comment
		}
	}
	return ""
}

// set writes an entry of the mapping at a path: in the place of the first of the
// names that is there, or after the last entry. The others of the names go.
func (y *yamlEdit) set(path, names []string, write func(indent string) string) error {
	b, err := y.at(path...)
	if err != nil {
		return err
	}
	lines := linesOf(y.text)
	column := b.node.Content[0].Column - 1
	indent := strings.Repeat(" ", column)
	written, wrote := []byte(write(indent)), false
	var out [][]byte
	next, last := 1, 1
	for i := 0; i+1 < len(b.node.Content); i += 2 {
		key := b.node.Content[i]
		if key.Column-1 != column || len(bytes.TrimSpace(lines[key.Line-1][:column])) > 0 {
			return fmt.Errorf("the key %s in line %d does not begin its line", printable(key.Value), key.Line)
		}
		last = ownEnd(lines, key.Line, b.end(i), column)
		if !slices.Contains(names, key.Value) {
			continue
		}
		out = append(out, lines[next-1:key.Line-1]...)
		if !wrote {
			out, wrote = append(out, written), true
		}
		next = last
	}
	if !wrote {
		out = append(out, lines[next-1:last-1]...)
		if n := len(out); n > 0 && !bytes.HasSuffix(out[n-1], []byte("\n")) {
			out[n-1] = append(slices.Clone(out[n-1]), y.newline...)
		}
		out, next = append(out, written), last
	}
	y.text = bytes.Join(append(out, lines[next-1:]...), nil)
	return nil
}

// ownEnd is the line before which an entry's own lines end: the blank lines and
// comments between it and what follows belong to that, unless they are indented
// like what is inside the entry.
func ownEnd(lines [][]byte, first, end, column int) int {
	for ; end-1 > first; end-- {
		line := bytes.TrimRight(lines[end-2], " \t\r\n")
		trimmed := bytes.TrimLeft(line, " \t")
		comment := len(trimmed) > 0 && trimmed[0] == '#'
		if len(trimmed) > 0 && !comment || comment && len(line)-len(trimmed) > column {
			break
		}
	}
	return end
}

// editYAML writes the change into a YAML file.
func editYAML(text []byte, c Change, list []bucket) ([]byte, error) {
	y := &yamlEdit{text: text, newline: "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		y.newline = "\r\n"
	}
	flag, err := y.at(c.FlagKey)
	if err != nil {
		return nil, err
	}
	y.unit = strings.Repeat(" ", max(1, flag.node.Content[0].Column-1))
	if err := y.setRule(c.FlagKey, list); err != nil {
		return nil, err
	}
	variations := block{node: flag.resolved("variations")}
	good := variations.resolved(c.Target.KnownGood)
	for _, b := range list {
		present := variations.resolved(b.variant)
		if isOutside(b.variant) && (present == nil || flow(present) != flow(good)) {
			if err := y.setMember(c.FlagKey, "variations", b.variant, good); err != nil {
				return nil, err
			}
		}
	}
	for _, note := range notes(c) {
		if err := y.setMember(c.FlagKey, "metadata", note[0], &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: note[1]}); err != nil {
			return nil, err
		}
	}
	return y.text, nil
}

// setRule writes who gets what into the default rule.
func (y *yamlEdit) setRule(flagKey string, list []bucket) error {
	b, err := y.at(flagKey)
	if err != nil {
		return err
	}
	ours := []string{"percentage", "variation"}
	if _, ok := b.within("defaultRule"); ok {
		return y.set([]string{flagKey, "defaultRule"}, ours, func(indent string) string { return y.serving(indent, list) })
	}
	rest, err := y.rest(b, "defaultRule", ours...)
	if err != nil {
		return err
	}
	return y.set([]string{flagKey}, []string{"defaultRule"}, func(indent string) string {
		inner := indent + y.unit
		return indent + "defaultRule:" + b.remark("defaultRule") + y.newline + rest(inner) + y.serving(inner, list)
	})
}

// serving is the entry of a default rule that says who gets what.
func (y *yamlEdit) serving(indent string, list []bucket) string {
	if len(list) == 1 {
		return indent + "variation: " + plain(list[0].variant) + y.newline
	}
	out := indent + "percentage:" + y.newline
	percent := goffPercent(list)
	for i, b := range list {
		out += indent + y.unit + plain(b.variant) + ": " + percent[i] + y.newline
	}
	return out
}

// setMember writes one entry of a mapping of the flag, which may not be there
// yet. A mapping that is not a block of its own becomes one.
func (y *yamlEdit) setMember(flagKey, mapping, name string, value *yaml.Node) error {
	b, err := y.at(flagKey)
	if err != nil {
		return err
	}
	if value == nil {
		return fmt.Errorf("%s has no such value", mapping)
	}
	render := func(indent string) string { return y.render(indent, name, value) }
	if _, ok := b.within(mapping); ok {
		return y.set([]string{flagKey, mapping}, []string{name}, render)
	}
	rest, err := y.rest(b, mapping, name)
	if err != nil {
		return err
	}
	return y.set([]string{flagKey}, []string{mapping}, func(indent string) string {
		inner := indent + y.unit
		return indent + mapping + ":" + b.remark(mapping) + y.newline + rest(inner) + render(inner)
	})
}

// rest writes the entries of a mapping that is no block of its own anew, but for
// those named.
func (y *yamlEdit) rest(b block, mapping string, but ...string) (func(indent string) string, error) {
	value := b.resolved(mapping)
	if value == nil || value.Kind == yaml.ScalarNode && value.Tag == "!!null" {
		return func(string) string { return "" }, nil
	}
	if value.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s is not a mapping", mapping)
	}
	return func(indent string) string {
		out := ""
		for i := 0; i+1 < len(value.Content); i += 2 {
			key := value.Content[i]
			if !slices.Contains(but, key.Value) {
				out += y.render(indent, key.Value, value.Content[i+1])
			}
		}
		return out
	}, nil
}

// render writes one entry. A value with a structure is written in braces, which
// can stand anywhere.
func (y *yamlEdit) render(indent, name string, value *yaml.Node) string {
	value = followed(value)
	if value.Kind == yaml.ScalarNode && value.Tag == "!!str" {
		return indent + plain(name) + ": " + plain(value.Value) + y.newline
	}
	if value.Kind == yaml.ScalarNode {
		return indent + plain(name) + ": " + value.Value + y.newline
	}
	return indent + plain(name) + ": " + flow(value) + y.newline
}

// flow writes a value in braces, on one line.
func flow(n *yaml.Node) string {
	n = followed(n)
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str":
		return quoted(n.Value)
	case n.Kind == yaml.ScalarNode:
		return n.Value
	}
	var parts []string
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			parts = append(parts, flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		parts = append(parts, flow(n.Content[i])+": "+flow(n.Content[i+1]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// word is a text that YAML reads as itself wherever it stands.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// plain writes a text: as it is where YAML takes it for that text, else quoted.
func plain(text string) string {
	var n yaml.Node
	if word.MatchString(text) && yaml.Unmarshal([]byte(text), &n) == nil && n.Content[0].Tag == "!!str" && !oldBoolean[strings.ToLower(text)] {
		return text
	}
	return quoted(text)
}

// oldBoolean are words that older readers of YAML take for true and false.
var oldBoolean = map[string]bool{"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true}

// quoted writes a text in double quotes. Of what JSON leaves as it is YAML does
// not read DEL and the C1 controls.
func quoted(text string) string {
	out := string(literal(text)(style{}))
	return controls.ReplaceAllStringFunc(out, func(c string) string { return fmt.Sprintf(`\u%04x`, []rune(c)[0]) })
}

var controls = regexp.MustCompile("[\x7f-\u009f\ufeff\ufffe\uffff]")
