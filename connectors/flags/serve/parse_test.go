package serve_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/connectors/flags/serve"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestProblems reads a file with one fault of each kind and wants all of them,
// each at its place.
func TestProblems(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "problems.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, problems := serve.Parse("problems.json", text)
	var got bytes.Buffer
	problems.Write(&got)
	golden := filepath.Join("testdata", "problems.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

// TestNotJSON has what ends the reading at once.
func TestNotJSON(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "f:1:1: this is not JSON",
		"[]":                              "f:1:1: this is a list: want an object",
		"null":                            "f:1:1: this is null",
		"{\n \"version\": 1,,\n}":         "f:2:15: this is not JSON",
		"{\"version\": 1e999}":            "f:1:13: ",
		"{\n  \"flags\": {},\n\"flags":    "f:3:6: this is not JSON",
		"{\"version\":1,\n\"version\":1}": "f:2:1: the member \"version\" is there twice",
		"{\"version\":1} {}":              "f:1:15: this is not JSON",
		strings.Repeat("[", 100) + strings.Repeat("]", 100):           "f:1:66: nested more than 64 deep",
		"{\"version\":1,\"flags\":" + strings.Repeat("[", 20000) + "": "f:1:",
	} {
		_, problems := serve.Parse("f", []byte(text))
		if len(problems) == 0 || !strings.HasPrefix(problems[0].String(), want) {
			t.Errorf("%.40q: %v, want %s", text, problems, want)
		}
	}
}

// FuzzParse reads any bytes; whatever is taken can be served.
func FuzzParse(f *testing.F) {
	f.Add([]byte(file(`"answer": ` + two("0.1"))))
	for _, name := range []string{"problems.json", "full.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, problems := serve.Parse("f", text)
		if (parsed == nil) != (len(problems) > 0) {
			t.Fatalf("%v and %v", parsed, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 {
				t.Errorf("%v", p)
			}
		}
	})
}
