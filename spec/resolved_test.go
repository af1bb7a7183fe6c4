package spec_test

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestResolved: the YAML can be read, and differs where the digest does.
func TestResolved(t *testing.T) {
	before := load(t, "testdata/ok")
	base := experiment(t, before, "answer-v2")
	text := before.Resolved(base)
	if again := before.Resolved(base); again != text {
		t.Error("two renderings differ")
	}
	var values map[string]any
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, part := range []string{"\nexperiment:\n", "\nmetrics:\n", "\nfacts:\n", "sql: |-\n", "base_rate: 0.04\n", "planned_units: 20000\n"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	for _, c := range changes {
		p := load(t, "testdata/ok")
		e := experiment(t, p, "answer-v2")
		c.edit(p, e)
		if got := p.Resolved(e) != text; got != c.whole {
			t.Errorf("%s: the text changed: %v", c.name, got)
		}
	}
}
