package spec

import (
	"reflect"
	"strings"
	"testing"
)

// Every key of the format has a description, which ends up in the schemas.
func TestEveryFieldIsDescribed(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		if seen[s] || scalarSchema(s) != nil {
			return
		}
		seen[s] = true
		for i := range s.NumField() {
			f := s.Field(i)
			if f.Tag.Get("yaml") == "-" {
				continue
			}
			if doc := f.Tag.Get("doc"); !strings.HasSuffix(doc, ".") {
				t.Errorf("%s.%s has no description that ends in a period: %q", s.Name(), f.Name, doc)
			}
			if below := structBelow(f.Type); below != nil {
				walk(below)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
	walk(reflect.TypeFor[Experiment]())
	if len(seen) < 15 {
		t.Errorf("only %d types", len(seen))
	}
}
