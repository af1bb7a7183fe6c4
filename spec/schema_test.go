package spec_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"assay/spec"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// schemas compiles both schemas.
func schemas(t *testing.T) (project, experiment *jsonschema.Schema) {
	t.Helper()
	compile := func(name string, text []byte, err error) *jsonschema.Schema {
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name, document); err != nil {
			t.Fatal(err)
		}
		s, err := c.Compile(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	text, err := spec.ProjectSchema()
	project = compile("project.json", text, err)
	text, err = spec.ExperimentSchema()
	return project, compile("experiment.json", text, err)
}

// check holds YAML against a schema.
func check(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	var plain func(any) any
	plain = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for key := range v {
				v[key] = plain(v[key])
			}
		case []any:
			for i := range v {
				v[i] = plain(v[i])
			}
		case interface{ Format(string) string }: // a date is text in YAML 1.2
			return v.Format("2006-01-02")
		}
		return v
	}
	return s.Validate(plain(value))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSchemasAcceptWhatLoads(t *testing.T) {
	project, experiment := schemas(t)
	for path, s := range map[string]*jsonschema.Schema{
		"testdata/ok/assay.yaml": project, "scaffold/assay.yaml": project, "testdata/warnings/assay.yaml": project,
		"testdata/ok/experiments/answer-v2.yaml": experiment, "testdata/ok/experiments/pricing.yaml": experiment,
		"scaffold/experiments/example.yaml": experiment, "testdata/warnings/experiments/one.yaml": experiment,
	} {
		if err := check(t, s, read(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSchemasRefuseWhatDoesNot(t *testing.T) {
	project, experiment := schemas(t)
	config, rollout := read(t, "testdata/ok/assay.yaml"), read(t, "testdata/ok/experiments/answer-v2.yaml")
	for _, c := range []struct{ file, old, new string }{
		{config, "version: 1\n", "version: 1\nverzion: 2\n"},
		{config, "version: 1\n", ""},
		{config, "version: 1\n", "version: one\n"},
		{config, "kind: count", "kind: median"},
		{config, "window: 6h", "window: six hours"},
		{config, "secret: ${HOOK_SECRET}", "secret: hunter2"},
		{config, "key: response_id", "kye: response_id"},
		{rollout, "type: rollout", "type: test"},
		{rollout, "owner: answers", "owners: answers"},
		{rollout, "start: 2026-11-01", "start: yesterday"},
		{rollout, "duration: 14d", "duration: 14"},
		{rollout, "mde: 20%", "mde: twenty"},
		{rollout, "{absolute: 25}", "{absolute: 25, relative: 1}"},
		{rollout, "{absolute: 25}", "{absolut: 25}"},
		{rollout, "method: exact", "method: best"},
	} {
		if !strings.Contains(c.file, c.old) {
			t.Fatalf("%s is not in the file", c.old)
		}
		s := experiment
		if c.file == config {
			s = project
		}
		if err := check(t, s, strings.Replace(c.file, c.old, c.new, 1)); err == nil {
			t.Errorf("accepted %q in place of %q", c.new, c.old)
		}
	}
}

// The schemas say what fields are for, and each of them is there.
func TestSchemasDescribe(t *testing.T) {
	text, err := spec.ProjectSchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"https://json-schema.org/draft/2020-12/schema", "The window opens this long after first exposure; a negative one opens it before.",
		`"step_back"`, `"proportion"`, "additionalProperties", "Share of units in several variations",
	} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("the schema lacks %s", part)
		}
	}
	if n := bytes.Count(text, []byte(`"hold",`)); n != 4 {
		t.Errorf("hold is listed %d times in four enums", n)
	}
}
