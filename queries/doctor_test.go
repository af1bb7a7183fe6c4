package queries_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"assay/queries"
)

// TestDoctorGolden shows every statement of a checkup in every dialect, and runs
// those of DuckDB.
func TestDoctorGolden(t *testing.T) {
	for _, name := range queries.DialectNames() {
		t.Run(name, func(t *testing.T) {
			d, err := queries.DialectOf(name)
			if err != nil {
				t.Fatal(err)
			}
			p, e, look := example()
			doctor, err := queries.NewDoctor(p, e, queries.Checkup{AsOf: look.AsOf, From: e.Start.Time}, d)
			if err != nil {
				t.Fatal(err)
			}
			every := doctor.Every()
			if err := doctor.Failed(); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for _, s := range every {
				fmt.Fprintf(&out, "-- === %s: %s\n%s\n", s.Name, s.Purpose, s.SQL)
			}
			golden(t, filepath.Join("testdata", "doctor", name+".sql"), out.String())
			if name == queries.DuckDB.Name {
				runEvery(t, every)
			}
		})
	}
}

func runEvery(t *testing.T, list []queries.Statement) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, s := range append([]queries.Statement{{Name: "tables", SQL: "SET TimeZone = 'UTC';" + exampleTables}}, list...) {
		if _, err := db.ExecContext(t.Context(), s.SQL); err != nil {
			t.Fatalf("%s: %v\n%s", s.Name, err, s.SQL)
		}
	}
}

// once are steps that do not stay what they are when they are taken again.
var once = map[string]bool{"unbase64": true, "decode": true, "md5": true, "sha1": true, "sha256": true}

// rewritten is what each step makes of identifiers.
var rewritten = []struct {
	step     queries.Step
	in, want string
}{
	{queries.Step{Name: "trim"}, "\u00a0 a b\n", "a b"},
	{queries.Step{Name: "unquote"}, `"a"`, "a"},
	{queries.Step{Name: "decode"}, "a%40b", "a@b"},
	{queries.Step{Name: "unbase64"}, "dXNlci0x", "user-1"},
	{queries.Step{Name: "unbase64"}, "not base64!", "not base64!"},
	{queries.Step{Name: "unbase64"}, "abcdefgh", "abcdefgh"}, // it stands for bytes that are no text
	{queries.Step{Name: "unbase64"}, "dQ", "u"},
	{queries.Step{Name: "unbase64"}, "fn5-", "~~~"},
	{queries.Step{Name: "nfc"}, "e\u0301", "\u00e9"},
	{queries.Step{Name: "nfkc"}, "ｕ１", "u1"},
	{queries.Step{Name: "unmailto"}, "MailTo:a@b.c", "a@b.c"},
	{queries.Step{Name: "unprefix", Text: "a.|"}, "a.|b", "b"},
	{queries.Step{Name: "unprefix", Text: "a.|"}, "axxb", "axxb"},
	{queries.Step{Name: "tail"}, "web:ios/a-1", "a-1"},
	{queries.Step{Name: "tail"}, "a-1", "a-1"},
	{queries.Step{Name: "unsuffix", Text: "(x)"}, "b(x)", "b"},
	{queries.Step{Name: "prefix", Text: "u-"}, "1", "u-1"},
	{queries.Step{Name: "suffix", Text: "-p"}, "1", "1-p"},
	{queries.Step{Name: "unfloat"}, "12.00", "12"},
	{queries.Step{Name: "unexponent"}, "1.23e5", "123000"},
	{queries.Step{Name: "unexponent"}, "1e300", "1e300"},
	{queries.Step{Name: "unzero"}, "000", "0"},
	{queries.Step{Name: "zeroless"}, "u-0012", "u-12"},
	{queries.Step{Name: "pad", Length: 6}, "12", "000012"},
	{queries.Step{Name: "pad", Length: 2}, "1234", "1234"},
	{queries.Step{Name: "uuid"}, "{0A1B2C3D4E5F60718293A4B5C6D7E8F9}", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"},
	{queries.Step{Name: "hex"}, "urn:uuid:0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"},
	{queries.Step{Name: "untag"}, "a+b@c.d", "a@c.d"},
	{queries.Step{Name: "undot"}, "a.b@Gmail.com", "ab@gmail.com"},
	{queries.Step{Name: "undot"}, "a.b@c.d", "a.b@c.d"},
	{queries.Step{Name: "md5"}, "a", "0cc175b9c0f1b6a831c399e269772661"},
	{queries.Step{Name: "sha1"}, "a", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
	{queries.Step{Name: "sha256"}, "a", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
	{queries.Step{Name: "upperhex"}, "a0", "A0"},
	{queries.Step{Name: "lower"}, "\u00c9A", "\u00e9a"},
	{queries.Step{Name: "upper"}, "\u00e9a", "\u00c9A"},
}

// rewriteOf is a step of rewritten as a statement of a dialect, taken twice where
// that is to change nothing.
func rewriteOf(d queries.Dialect, s queries.Step, text string) string {
	steps := []queries.Step{s}
	if !once[s.Name] {
		steps = append(steps, s)
	}
	return "SELECT " + d.Rewrite("x", steps) + " AS y FROM (SELECT '" + text + "' AS x) AS t"
}

// TestRewrite holds what each step makes of an identifier, and that a step that is
// taken twice is taken once, so that a change in the middle of the facts is mended;
// in BigQuery's and Snowflake's SQL too, translated into DuckDB's.
func TestRewrite(t *testing.T) {
	checkRewrites(t, queries.DuckDB, func(text string) string { return text })
}

func TestTranspiledRewrites(t *testing.T) {
	p := newTranspiler(t)
	for _, d := range foreign {
		for _, c := range rewritten {
			if d.Rewritable(c.step) {
				p.add(d.Name, rewriteOf(d, c.step, c.in))
			}
		}
	}
	p.run(t)
	for _, d := range foreign {
		t.Run(d.Name, func(t *testing.T) {
			checkRewrites(t, d, func(text string) string {
				a := p.answers[p.add(d.Name, text)]
				if a.Error != "" {
					t.Errorf("%s\n%s", a.Error, text)
				}
				return a.SQL
			})
		})
	}
}

func checkRewrites(t *testing.T, d queries.Dialect, translate func(string) string) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, c := range rewritten {
		if !d.Rewritable(c.step) {
			continue
		}
		var got string
		text := translate(rewriteOf(d, c.step, c.in))
		if err := db.QueryRowContext(t.Context(), text).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s of %q is %q (%v), want %q\n%s", c.step.Name, c.in, got, err, c.want, text)
		}
	}
}
