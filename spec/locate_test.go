package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/spec"
)

// TestLocate finds a word of a query at its line and column in the file, however
// YAML writes the query.
func TestLocate(t *testing.T) {
	for name, sql := range map[string]string{
		"literal":        "sql: |\n      SELECT a\n\n        , '東京' AS b\n      FROM t WHERE here\n",
		"literal deeper": "sql: |2-\n        SELECT a\n          FROM t\n      WHERE here\n",
		"begins blank":   "sql: |\n\n\n      SELECT a\n      FROM t WHERE here\n",
		"folded":         "sql: >\n      SELECT a\n      FROM t\n\n      WHERE here\n",
		"one line":       "sql: SELECT a FROM t WHERE here\n",
		"plain lines":    "sql: SELECT a\n      FROM t\n\n      WHERE here\n",
		"single":         "sql: 'SELECT ''it'''' '', 1\n      FROM t WHERE here'\n",
		"double":         "sql: \"SELECT \\\"a\\\", '\\\\'\\n FROM t\\tWHERE here\"\n",
		"double lines":   "sql: \"SELECT a \\\n      FROM t\n      WHERE here\"\n",
		"flow":           "timezone: UTC, sql: 'SELECT a, b WHERE here'",
		"anchor":         "sql: &query |\n      SELECT a\n      FROM t WHERE here\n",
		"comment":        "sql: | # why\n      SELECT a -- FROM\n      FROM t WHERE here\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text := "version: 1\nwarehouse: {type: duckdb}\nidentifiers:\n  user_id: {}\nassignments:\n  exposures:\n    identifier: user_id\n    " + sql
			if name == "flow" {
				text = "version: 1\nwarehouse: {type: duckdb}\nidentifiers:\n  user_id: {}\nassignments:\n  exposures: {identifier: user_id, " + sql + "}\n"
			}
			path := filepath.Join(dir, "assay.yaml")
			text += "facts:\n  events: {identifiers: [user_id], sql: SELECT 1}\nmetrics:\n  errors: {kind: proportion, source: events, direction: down}\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			project, problems, err := spec.Load(path, os.LookupEnv)
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			query := project.Config.Assignments["exposures"].SQL
			p, ok := project.Locate("assignments", "exposures", strings.Index(query, "here"), "no such column")
			before, _, _ := strings.Cut(text, "here")
			line := strings.Count(before, "\n") + 1
			column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
			if !ok || p.Line != line || p.Column != column || p.File != path || !strings.Contains(p.Source, "here") {
				t.Errorf("%+v, want %d:%d\n%s", p, line, column, text)
			}
			if first, ok := project.Locate("assignments", "exposures", 0, ""); !ok || !strings.HasPrefix(string([]rune(first.Source)[first.Column-1:]), "SELECT") {
				t.Errorf("the beginning: %+v", first)
			}
			if _, ok := project.Locate("assignments", "exposures", len(query), ""); !ok {
				t.Error("the end is nowhere")
			}
		})
	}
}

// TestLocateNowhere lists what no file has.
func TestLocateNowhere(t *testing.T) {
	project, problems, err := spec.Load("testdata/ok", func(string) (string, bool) { return "https://127.0.0.1/x", true })
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	for _, c := range []struct {
		kind, name string
		offset     int
	}{{"assignments", "nothing", 0}, {"metrics", "errors", 0}, {"assignments", "exposures", -1}, {"assignments", "exposures", 1 << 20}} {
		if p, ok := project.Locate(c.kind, c.name, c.offset, ""); ok {
			t.Errorf("%v is at %s", c, p)
		}
	}
	if _, ok := (&spec.Project{}).Locate("facts", "events", 0, ""); ok {
		t.Error("a project without files has a place")
	}
}
