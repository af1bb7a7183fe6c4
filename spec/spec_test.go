package spec_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata"

	"assay/spec"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// environment is what the tests' specs find in it.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"HOOK_URL":    "https://example.org/hook-token-4711",
		"HOOK_TOKEN":  "hook-token-4711",
		"HOOK_SECRET": "whsec_c2VjcmV0LTQ3MTE=",
		"CHANNEL_URL": "https://chat.example/hooks/env-token", "CHANNEL_TEXT": "hunter6",
		"PING_URL": "https://ping.example/hook-token-4711",
		"EMPTY":    "",
	}[name]
	return value, ok
}

// problems loads the project in the current folder and renders what is wrong.
func problems(t *testing.T) string {
	t.Helper()
	_, found, err := spec.Load(".", environment)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	found.Write(&out)
	return out.String()
}

// Each folder under testdata/bad is a project whose problems are in want.txt.
func TestProblems(t *testing.T) {
	cases, err := filepath.Glob("testdata/bad/*")
	if err != nil || len(cases) == 0 {
		t.Fatal(cases, err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			got := problems(t)
			if *update {
				if err := os.WriteFile("want.txt", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile("want.txt")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if got == "" {
				t.Error("a bad project loads without problems")
			}
			if strings.Contains(got, "hunter") || strings.Contains(got, "4711") {
				t.Errorf("a secret shows:\n%s", got)
			}
		})
	}
}

// TestPositionsInOneGo: the problems of all files come together, sorted.
func TestPositionsInOneGo(t *testing.T) {
	_, found, err := spec.Load("testdata/bad/scalars", environment)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for i, p := range found {
		files[p.File] = true
		if i == 0 {
			continue
		}
		before := found[i-1]
		if before.File > p.File || before.File == p.File && (before.Line > p.Line || before.Line == p.Line && before.Column > p.Column) {
			t.Errorf("%v comes after %v", p, before)
		}
	}
	if len(files) < 5 || !files["testdata/bad/scalars/assay.yaml"] || !files["testdata/bad/scalars/experiments/five.yaml"] {
		t.Errorf("files: %v", files)
	}
	lines := strings.Split(found.String(), "; ")
	if !strings.HasPrefix(lines[0], "testdata/bad/scalars/assay.yaml:15:23: want a finite number") {
		t.Errorf("first in the log: %s", lines[0])
	}
}

// The caret stands below the fault where the line has tabs.
func TestCaretKeepsTabs(t *testing.T) {
	var out bytes.Buffer
	found := project(t, map[string]string{"assay.yaml": "version: 1\nwarehouse: {\ttype:\tx}\n"})
	for _, p := range found {
		if p.Line == 2 && strings.Contains(p.Message, "unknown type") {
			spec.Problems{p}.Write(&out)
		}
	}
	if _, below, _ := strings.Cut(out.String(), "type:\tx}\n"); below != "            \t     \t^\n" {
		t.Errorf("caret line %q in\n%s", below, &out)
	}
}

// project writes files to a folder and gives the problems of loading it.
func project(t *testing.T, files map[string]string) spec.Problems {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, found, err := spec.Load(dir, environment)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLimits(t *testing.T) {
	huge := strings.Repeat("# a comment that fills the file\n", 4<<20/32+1)
	found := project(t, map[string]string{"assay.yaml": huge + "version: 1\n"})
	if len(found) != 1 || !strings.Contains(found[0].Message, "larger than 4 MiB") {
		t.Errorf("huge file: %v", found)
	}
	many := "version: 1\n"
	for i := range 5000 {
		many += fmt.Sprintf("key%d: x\n", i)
	}
	found = project(t, map[string]string{"assay.yaml": many})
	if len(found) != 1001 || !strings.Contains(found.String(), "more than 1000 problems") {
		t.Errorf("%d problems", len(found))
	}
	deep := "version: " + strings.Repeat("[", 100_000)
	if found = project(t, map[string]string{"assay.yaml": deep}); len(found) != 1 {
		t.Errorf("deep file: %d problems", len(found))
	}
}

func TestMissing(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "assay.yaml"), filepath.Join(t.TempDir(), "a", "b")} {
		if _, _, err := spec.Load(path, environment); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A folder and the file in it are the same project, wherever one stands.
func TestPaths(t *testing.T) {
	root, err := filepath.Abs("testdata/ok")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("testdata/ok/experiments")
	for path, shown := range map[string]string{
		"..": "../assay.yaml", "../assay.yaml": "../assay.yaml", root: root + "/assay.yaml", root + "/": root + "/assay.yaml",
	} {
		p := load(t, path)
		if p.Dir != root || p.Path != shown {
			t.Errorf("%s: dir %s, path %s", path, p.Dir, p.Path)
		}
		if got := p.Experiments[0].Path; got != filepath.Join(filepath.Dir(shown), "experiments/answer-v2.yaml") {
			t.Errorf("%s: experiment at %s", path, got)
		}
		if got := p.Abs("flags.json"); got != filepath.Join(root, "flags.json") {
			t.Errorf("%s: absolute path %s", path, got)
		}
		if got := p.Abs("s3://bucket/x/*.parquet") + p.Abs("/x/../y"); got != "s3://bucket/x/*.parquet/y" {
			t.Errorf("%s: absolute paths %s", path, got)
		}
	}
}

func TestOddFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `a[b]*?\c`)
	if err := os.CopyFS(dir, os.DirFS("testdata/ok")); err != nil {
		t.Fatal(err)
	}
	if p := load(t, dir); len(p.Experiments) != 2 {
		t.Errorf("%d experiments", len(p.Experiments))
	}
}

func TestScaffold(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, spec.Scaffold()); err != nil {
		t.Fatal(err)
	}
	p := load(t, dir)
	if len(p.Warnings) > 0 {
		t.Errorf("warnings: %v", p.Warnings)
	}
	if _, ok := p.Experiment("example"); !ok || len(p.Experiments) != 1 {
		t.Errorf("experiments: %v", p.Experiments)
	}
}

func TestWarnings(t *testing.T) {
	t.Chdir("testdata/warnings")
	var out bytes.Buffer
	load(t, ".").Warnings.Write(&out)
	if *update {
		if err := os.WriteFile("want.txt", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("want.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestNoExperimentYet(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, spec.Scaffold()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "experiments")); err != nil {
		t.Fatal(err)
	}
	p := load(t, dir)
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings.String(), "there is no experiment yet") {
		t.Errorf("warnings: %v", p.Warnings)
	}
}

// A file that the default glob misses by its ending, and one that is gone.
func TestFilesThatAreNotRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, spec.Scaffold()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "experiments", "other.yml"), []byte("name: other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p := load(t, dir); len(p.Warnings) != 1 || !strings.Contains(p.Warnings.String(), "other.yml is not read") {
		t.Errorf("warnings: %v", p.Warnings)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "experiments", "gone.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, found, err := spec.Load(dir, environment); err != nil || len(found) != 1 || !strings.Contains(found.String(), "gone.yaml:1:1: the file is not there") {
		t.Errorf("problems: %v, %v", found, err)
	}
}

// Files at the limits are refused or read in seconds, whatever they say.
func TestLargeFiles(t *testing.T) {
	var metrics, uses, unknown strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&metrics, "  m%d: {kind: count, source: s}\n", i)
		fmt.Fprintf(&uses, "  - {metric: x%d, mde: 1}\n", i)
		fmt.Fprintf(&unknown, "unknown_key_%d: 1\n", i)
	}
	found := project(t, map[string]string{
		"assay.yaml":             "version: 1\nmetrics:\n" + metrics.String() + unknown.String(),
		"experiments/large.yaml": "name: large\nguardrails:\n" + uses.String() + unknown.String(),
	})
	if len(found) != 2002 {
		t.Errorf("%d problems", len(found))
	}
}
