package spec

import (
	"fmt"
	"reflect"
	"strings"
)

// Words are the values of a policy by their keys, those of a section with its name
// in front: "max_blind": "1d", "alpha.goals": "0.05". A key that is not set and has
// no default is left out.
func (p Policy) Words() map[string]string {
	words := map[string]string{}
	spell(words, "", reflect.ValueOf(p))
	return words
}

func spell(words map[string]string, path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return
	}
	v = reflect.Indirect(v)
	if text, ok := v.Interface().(fmt.Stringer); ok {
		words[path] = text.String()
		return
	}
	if v.Kind() != reflect.Struct {
		words[path] = fmt.Sprint(v.Interface())
		return
	}
	for field, value := range v.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if path != "" {
			name = path + "." + name
		}
		spell(words, name, value)
	}
}
