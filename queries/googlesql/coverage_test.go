package googlesql_test

import (
	"reflect"
	"strings"
	"testing"

	"assay/spec"
)

// noSQL are keys of the spec that change no statement. What is not here has to
// be in a project of testdata.
var noSQL = map[string]bool{
	"version": true, "warehouse": true, "policy": true, "flag_stores": true, "notify": true, "report": true, "ledger": true, "results": true,
	"schedule":                true, // when looks are taken, never what
	"incremental":             true, // of looks on DuckDB alone
	"experiments":             true,
	"identifiers.description": true, "assignments.freshness": true, "facts.freshness": true,
	"metrics.description": true, "metrics.direction": true, "metrics.quality": true, "metrics.unit": true,
	"metrics.base_rate": true, "metrics.base_sd": true,
	"experiment.description": true, "experiment.owner": true, "experiment.tags": true, "experiment.type": true,
	"experiment.cadence": true, "experiment.planned_units": true, "experiment.coverage": true, "experiment.ladder": true,
	"experiment.flag": true, "experiment.policy": true, "experiment.variations.prompt": true,
	"experiment.guardrails": true, "experiment.goals": true, "experiment.secondary": true, // all metrics are taken
	// Load leaves these defaults out.
	"metrics.scale: linear": true, "metrics.rule.counts: broken": true, "metrics.part.rule.counts: broken": true,
}

// keys are what a project uses of the spec: "metrics.kind: sum", "metrics.cap.at".
type keys map[string]bool

// note adds all keys of a value that are set.
func (k keys) note(path string, v reflect.Value) {
	if v.IsZero() {
		return
	}
	k[path] = true
	v = reflect.Indirect(v)
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			k.note(path, v.Index(i))
		}
	}
	if v.Kind() == reflect.Map {
		for _, name := range v.MapKeys() {
			k.note(path, v.MapIndex(name))
		}
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for field, key := range fields(v.Type(), path) {
		value := v.FieldByIndex(field.Index)
		k.note(key, value)
		if choices(field) != nil {
			k[key+": "+value.String()] = true
		}
	}
}

// all lists every key of a type and, where a key has a choice, every choice.
func all(path string, t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	var list []string
	if t.Kind() != reflect.Struct {
		return list
	}
	for field, key := range fields(t, path) {
		if noSQL[key] {
			continue
		}
		list = append(append(list, key), all(key, field.Type)...)
		for _, choice := range choices(field) {
			list = append(list, key+": "+choice)
		}
	}
	return list
}

func choices(field reflect.StructField) []string {
	if tag := field.Tag.Get("enum"); tag != "" {
		return strings.Split(tag, ",")
	}
	return nil
}

// fields are the keys that a struct has in YAML. The two parts of a ratio are
// alike.
func fields(t reflect.Type, path string) func(yield func(reflect.StructField, string) bool) {
	return func(yield func(reflect.StructField, string) bool) {
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if name == "" || name == "-" {
				continue
			}
			if field.Type == reflect.TypeFor[*spec.Part]() {
				name = "part"
			}
			if path != "" {
				name = path + "." + name
			}
			if !yield(field, name) {
				return
			}
		}
	}
}

// complete fails for every key and choice of the spec that no project has.
func (k keys) complete(t *testing.T) {
	t.Helper()
	list := append(all("", reflect.TypeFor[spec.Config]()), all("experiment", reflect.TypeFor[spec.Experiment]())...)
	for _, key := range list {
		if !k[key] && !noSQL[key] {
			t.Errorf("the SQL of %s is not checked: no project in testdata has it; add it to testdata/shop/assay.yaml"+
				" (or to noSQL if it changes no statement)", key)
		}
	}
}
