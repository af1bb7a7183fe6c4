package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLoad reads any bytes as assay.yaml and as an experiment: no input makes
// it panic, each problem stands inside its file, and a secret never shows.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/ok/experiments/answer-v2.yaml", "scaffold/experiments/example.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		config, err := os.ReadFile(filepath.Join(filepath.Dir(path), "..", "assay.yaml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(config, text)
	}
	f.Fuzz(func(t *testing.T, config, experiment []byte) {
		if len(config)+len(experiment) > 1<<16 {
			t.Skip("larger files take long and show nothing new")
		}
		files := map[string][]byte{"assay.yaml": config, "experiments/x.yaml": experiment}
		l := &loader{
			decoder: newDecoder(func(name string) (string, bool) { return "fuzzed-value", name != "MISSING" }),
			read: func(path string) ([]byte, error) {
				if text, ok := files[path]; ok {
					return text, nil
				}
				return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
			},
			glob: func(pattern string) ([]string, error) {
				if matched, err := filepath.Match(pattern, "experiments/x.yaml"); !matched {
					return nil, err
				}
				return []string{"experiments/x.yaml"}, nil
			},
		}
		project, problems, err := l.load(&Project{Dir: "/", Path: "assay.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		inspect(t, problems, files)
		inspect(t, project.Warnings, files)
		if len(problems) == 0 {
			for i := range project.Experiments {
				project.Digest(&project.Experiments[i])
				project.PlanDigest(&project.Experiments[i])
			}
		}
	})
}

func inspect(t *testing.T, problems Problems, files map[string][]byte) {
	t.Helper()
	var out strings.Builder
	problems.Write(&out)
	if !utf8.ValidString(out.String()) || strings.Contains(out.String(), "fuzzed-value") && !strings.Contains(string(files["assay.yaml"])+string(files["experiments/x.yaml"]), "fuzzed-value") {
		t.Errorf("rendered:\n%q", out.String())
	}
	for _, p := range problems {
		if lines := len(lineBreak.Split(string(files[p.File]), -1)); p.Message == "" || p.Line < 1 || p.Column < 1 || p.Line > lines+1 {
			t.Errorf("problem %+v in a file of %d lines", p, lines)
		}
	}
}
