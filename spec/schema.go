package spec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// ProjectSchema is the JSON Schema (2020-12) of assay.yaml.
func ProjectSchema() ([]byte, error) { return schemaOf[Config]("assay.yaml") }

// ExperimentSchema is the JSON Schema (2020-12) of an experiment's file.
func ExperimentSchema() ([]byte, error) {
	return schemaOf[Experiment]("An experiment or rollout of assay")
}

// schemaOf reflects T's tags: yaml names the keys and which may be missing, doc
// describes them, enum lists the valid texts, share admits percentages.
func schemaOf[T any](title string) ([]byte, error) {
	r := jsonschema.Reflector{
		Anonymous:      true,
		ExpandedStruct: true,
		FieldNameTag:   "yaml",
		Mapper:         scalarSchema,
		LookupComment:  docOf,
	}
	t := reflect.TypeFor[T]()
	s := r.ReflectFromType(t)
	s.Title = title
	refineAll(t, func(part reflect.Type) *jsonschema.Schema {
		if part == t {
			return s
		}
		return s.Definitions[part.Name()]
	})
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", title, err)
	}
	return append(text, '\n'), nil
}

// docOf is a field's description; types have none, only their fields.
func docOf(t reflect.Type, name string) string {
	if t.Kind() != reflect.Struct || name == "" {
		return ""
	}
	f, _ := t.FieldByName(name)
	return f.Tag.Get("doc")
}

const (
	durationPattern = `^-?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+$|^0$`
	sizePattern     = `^[0-9]+(\.[0-9]+)? ?([KMGTP]i?)?B$`
	instantPattern  = `^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$`
)

// scalarSchema describes the types that are written as one value.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Duration]():
		text := &jsonschema.Schema{Type: "string", Pattern: durationPattern}
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{text, {Const: 0}}, Examples: []any{"36h", "14d", "1d12h"}}
	case reflect.TypeFor[Size]():
		return &jsonschema.Schema{Type: "string", Pattern: sizePattern, Examples: []any{"50GB", "1.5TiB"}}
	case reflect.TypeFor[Instant]():
		return &jsonschema.Schema{Type: "string", Pattern: instantPattern, Examples: []any{"2026-11-01", "2026-11-01T08:00:00Z"}}
	case reflect.TypeFor[Secret]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[Amount]():
		return amountSchema()
	}
	return nil
}

// amountSchema is 0.05, 5%, {relative: 0.05} or {absolute: 0.01}.
func amountSchema() *jsonschema.Schema {
	form := func(key string, value *jsonschema.Schema) *jsonschema.Schema {
		properties := jsonschema.NewProperties()
		properties.Set(key, value)
		return &jsonschema.Schema{
			Type: "object", Properties: properties, Required: []string{key}, AdditionalProperties: jsonschema.FalseSchema,
		}
	}
	return &jsonschema.Schema{AnyOf: append(shareForms(),
		form("relative", &jsonschema.Schema{AnyOf: shareForms()}),
		form("absolute", &jsonschema.Schema{Type: "number"}),
	)}
}

// shareForms are 0.25 and 25%.
func shareForms() []*jsonschema.Schema {
	return []*jsonschema.Schema{{Type: "number"}, {Type: "string", Pattern: percentage.String()}}
}

// refineAll adds what the library does not know of: our tags enum, share and
// env, on t and on every struct below it.
func refineAll(t reflect.Type, schema func(reflect.Type) *jsonschema.Schema) {
	s := schema(t)
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || s == nil || s.Properties == nil {
			continue
		}
		if property, ok := s.Properties.Get(name); ok {
			refine(property, f.Tag)
		}
		if part := structBelow(f.Type); part != nil && scalarSchema(part) == nil {
			refineAll(part, schema)
		}
	}
}

func refine(property *jsonschema.Schema, tag reflect.StructTag) {
	target := property
	if property.Items != nil {
		target = property.Items
	}
	target.Enum = nil // a struct that several fields share is refined once for each
	for text := range strings.SplitSeq(tag.Get("enum"), ",") {
		if text != "" {
			target.Enum = append(target.Enum, text)
		}
	}
	if tag.Get("env") == "only" {
		property.Pattern = wholeVariable.String()
	}
	if tag.Get("share") == "" {
		return
	}
	target.Type, target.AnyOf = "", shareForms()
}
