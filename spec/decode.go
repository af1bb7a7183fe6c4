package spec

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder fills Go values from a file's tree. It is strict (an unknown or
// repeated key, a value of another type, a missing required key are problems)
// and goes on after each problem.
type decoder struct {
	env   func(string) (string, bool)
	kinds map[reflect.Kind]func(place, reflect.Value, field)
	types map[reflect.Type][]field
}

func newDecoder(env func(string) (string, bool)) *decoder {
	d := &decoder{env: env, types: map[reflect.Type][]field{}}
	d.kinds = map[reflect.Kind]func(place, reflect.Value, field){
		reflect.Pointer: d.pointer,
		reflect.Struct:  d.structure,
		reflect.Map:     d.table,
		reflect.Slice:   d.list,
		reflect.String:  d.text,
		reflect.Bool:    d.boolean,
		reflect.Int:     d.whole,
		reflect.Int64:   d.whole,
		reflect.Float64: d.real,
	}
	return d
}

// field is a struct field as its tags describe it.
type field struct {
	index    int
	name     string
	required bool
	share    bool     // a number or a percentage
	envOnly  bool     // a secret that may only be a variable
	enum     []string // the valid texts
}

func (d *decoder) fields(t reflect.Type) []field {
	if known, ok := d.types[t]; ok {
		return known
	}
	var fields []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, options, _ := strings.Cut(tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		f := field{
			index: i, name: name, required: options != "omitempty",
			share: tag.Get("share") != "", envOnly: tag.Get("env") == "only",
		}
		if enum := tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, ",")
		}
		fields = append(fields, f)
	}
	d.types[t] = fields
	return fields
}

// value decodes what is at p into out.
func (d *decoder) value(p place, out reflect.Value, f field) {
	if out.Type() == reflect.TypeFor[Secret]() {
		p.hide()
	}
	switch {
	case p.value.Style&yaml.TaggedStyle != 0:
		p.mismatch("tags (!) are not supported; write a plain value")
		return
	case isNull(p.value):
		p.mismatch("no value; give it one or remove the key")
		return
	}
	switch target := out.Addr().Interface().(type) {
	case *Duration:
		d.duration(p, target)
	case *Size:
		d.size(p, target)
	case *Instant:
		d.instant(p, target)
	case *Secret:
		d.secret(p, target, f)
	case *Amount:
		d.amount(p, target)
	default:
		d.kinds[out.Kind()](p, out, f)
	}
}

// structure decodes a mapping with known keys.
func (d *decoder) structure(p place, out reflect.Value, _ field) {
	if p.value.Kind != yaml.MappingNode {
		d.wrongKind(p, out.Type(), "a mapping")
		return
	}
	fields := d.fields(out.Type())
	seen := d.keys(p)
	for name, child := range seen.own {
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if at < 0 {
			d.unknown(child, out.Type(), name)
			continue
		}
		d.value(child, out.Field(fields[at].index), fields[at])
	}
	d.missing(p, seen, fields)
}

// wrongKind reports a value that should have been a mapping or a list. What
// stands where secrets belong is not shown.
func (d *decoder) wrongKind(p place, t reflect.Type, want string) {
	if d.holdsSecret(t) {
		p.hide()
	}
	p.mismatch("want %s, found %s", want, p.found())
}

// unknown reports a key that the type does not have. Its value might be a
// secret under a mistyped name.
func (d *decoder) unknown(p place, t reflect.Type, name string) {
	p.hideSecrets()
	if d.holdsSecret(t) {
		p.hide()
	}
	fields := d.fields(t)
	valid := make([]string, len(fields))
	for i, f := range fields {
		valid[i] = f.name
	}
	p.keyProblemf("unknown key %q%s", name, suggestAll(name, valid))
}

// holdsSecret tells whether values of type t have secrets in them.
func (d *decoder) holdsSecret(t reflect.Type) bool {
	if t = structBelow(t); t == nil {
		return false
	}
	return slices.ContainsFunc(d.fields(t), func(f field) bool {
		return t.Field(f.index).Type == reflect.TypeFor[Secret]()
	})
}

// structBelow is the struct that values of t are, hold or point to; nil = none.
func structBelow(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// missing reports the required keys that are not there.
func (d *decoder) missing(p place, seen keys, fields []field) {
	var names []string
	for _, f := range fields {
		if f.required && !seen.has(f.name) {
			names = append(names, f.name)
		}
	}
	if len(names) == 1 {
		p.keyProblemf("missing key: %s", names[0])
	}
	if len(names) > 1 {
		p.keyProblemf("missing keys: %s", strings.Join(names, ", "))
	}
}

// keys are a mapping's keys: its own and the merged ones that it does not
// override, in the file's order.
type keys struct {
	names map[string]bool
	list  []struct {
		name string
		at   place
	}
}

func (k keys) has(name string) bool { return k.names[name] }

// own yields each key once.
func (k keys) own(yield func(string, place) bool) {
	for _, entry := range k.list {
		if !yield(entry.name, entry.at) {
			return
		}
	}
}

// places yields where each key is.
func (k keys) places() iter.Seq[place] {
	return func(yield func(place) bool) {
		for _, at := range k.own {
			if !yield(at) {
				return
			}
		}
	}
}

// keys collects the keys of a mapping and reports those that repeat or are no
// text.
func (d *decoder) keys(p place) keys {
	d.checkKeys(p)
	k := keys{names: map[string]bool{}}
	for name, child := range p.entries() {
		if follow(child.key).Kind != yaml.ScalarNode || k.names[name] {
			continue
		}
		k.names[name] = true
		k.list = append(k.list, struct {
			name string
			at   place
		}{name, child})
	}
	return k
}

// checkKeys looks at the mapping's own keys as they are written.
func (d *decoder) checkKeys(p place) {
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(p.value.Content); i += 2 {
		key, child := p.value.Content[i], p.file.under(p.value.Content[i], p.value.Content[i+1])
		name := follow(key).Value
		switch {
		case isMerge(key):
			d.checkMerge(child)
		case follow(key).Kind != yaml.ScalarNode:
			child.keyProblemf("a key must be text")
			continue
		case first[name] != nil:
			child.hideSecrets()
			child.keyProblemf("key %q is repeated; it was given in line %d", name, first[name].Line)
			continue
		}
		first[name] = key
	}
}

// checkMerge reports what << cannot merge.
func (d *decoder) checkMerge(p place) {
	parts := []*yaml.Node{p.value}
	if p.value.Kind == yaml.SequenceNode {
		parts = p.value.Content
	}
	for _, part := range parts {
		if follow(part).Kind != yaml.MappingNode {
			p.mismatch("<< merges a mapping or a list of mappings, found %s", p.file.under(nil, part).found())
			return
		}
	}
}

// table decodes a mapping with names of the user's choice.
func (d *decoder) table(p place, out reflect.Value, f field) {
	if p.value.Kind != yaml.MappingNode {
		d.wrongKind(p, out.Type(), "a mapping of names")
		return
	}
	if out.Type().Elem().Kind() == reflect.Interface {
		out.Set(reflect.ValueOf(d.anything(p)))
		return
	}
	out.Set(reflect.MakeMap(out.Type()))
	for name, child := range d.keys(p).own {
		element := reflect.New(out.Type().Elem()).Elem()
		d.value(child, element, field{name: name})
		out.SetMapIndex(reflect.ValueOf(name), element)
	}
	if f.required && out.Len() == 0 {
		p.mismatch("%s is empty", f.name)
	}
}

// list decodes a list; an element that cannot be decoded keeps its place.
func (d *decoder) list(p place, out reflect.Value, f field) {
	if p.value.Kind != yaml.SequenceNode {
		d.wrongKind(p, out.Type(), "a list")
		return
	}
	out.Set(reflect.MakeSlice(out.Type(), len(p.value.Content), len(p.value.Content)))
	for i := range p.value.Content {
		d.value(p.item(i), out.Index(i), f)
	}
	if f.required && out.Len() == 0 {
		p.mismatch("%s is empty", f.name)
	}
}

// pointer decodes what out points to.
func (d *decoder) pointer(p place, out reflect.Value, f field) {
	out.Set(reflect.New(out.Type().Elem()))
	d.value(p, out.Elem(), f)
	if p.file.bad[p.value] {
		out.SetZero()
	}
}

// anything is a value as JSON has it: map[string]any, []any, string, int64,
// float64, bool or nil.
func (d *decoder) anything(p place) any {
	if p.value.Kind == yaml.MappingNode {
		out := map[string]any{}
		for name, child := range d.keys(p).own {
			out[name] = d.anything(child)
		}
		return out
	}
	if p.value.Kind == yaml.SequenceNode {
		out := make([]any, len(p.value.Content))
		for i := range out {
			out[i] = d.anything(p.item(i))
		}
		return out
	}
	return d.scalar(p)
}

// scalar is a value whose type is what YAML takes it for.
func (d *decoder) scalar(p place) any {
	if p.value.Style&yaml.TaggedStyle != 0 {
		p.mismatch("tags (!) are not supported; write a plain value")
		return nil
	}
	switch p.value.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(p.value.Value, "true")
	case "!!int":
		n, err := wholeNumber(p.value.Value)
		if err != nil {
			p.mismatch("%v", err)
		}
		return n
	case "!!float":
		x, err := realNumber(p.value.Value)
		if err != nil {
			p.mismatch("%v", err)
		}
		return x
	}
	return p.value.Value
}

// typed decodes the whole file into out, a pointer to a struct.
func (d *decoder) typed(f *file, out any) {
	if f.root == nil {
		return
	}
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer {
		panic(fmt.Sprintf("spec: decoding into %T", out))
	}
	d.value(f.place(), v.Elem(), field{})
}
