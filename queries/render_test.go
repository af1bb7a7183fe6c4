package queries_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"assay/queries"
	"assay/spec"
)

func TestDialectOf(t *testing.T) {
	_, err := queries.DialectOf("oracle")
	if err == nil || !strings.Contains(err.Error(), "bigquery, duckdb, snowflake") {
		t.Errorf("got %v", err)
	}
}

func TestRenderFaults(t *testing.T) {
	p, e, look := example()
	e.Goals = append(e.Goals, spec.Use{Metric: "nothing"})
	if _, err := queries.Render(p, e, look, queries.DuckDB); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("an undeclared metric: %v", err)
	}
	p, e, look = example()
	look.Epochs = nil
	if _, err := queries.Render(p, e, look, queries.DuckDB); err == nil {
		t.Error("a look without epochs is rendered")
	}
}

// TestStatementNames are unique: reports refer to statements by them.
func TestStatementNames(t *testing.T) {
	p, e, look := example()
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range append(script.All(), script.Checks()...) {
		if seen[s.Name] || s.Purpose == "" || !strings.HasPrefix(s.SQL, "-- Purpose: ") {
			t.Errorf("%q: %q", s.Name, s.Purpose)
		}
		seen[s.Name] = true
	}
}

// TestRenderTwice: the same look is the same text.
func TestRenderTwice(t *testing.T) {
	for range 20 {
		var texts []string
		for range 2 {
			p, e, look := example()
			script, err := queries.Render(p, e, look, queries.Snowflake)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, listing(script))
		}
		if texts[0] != texts[1] {
			t.Fatal("two renderings differ")
		}
	}
}

// TestHostileNames: whatever stands in a spec stays a name or a text.
func TestHostileNames(t *testing.T) {
	p, e, look := example()
	a := p.Config.Assignments["exposures"]
	a.Dimensions = []string{"a\"b`c\\\nDROP TABLE x; --", "group"}
	p.Config.Assignments["exposures"] = a
	e.ExperimentID = "it's \\ \n'; DROP"
	for _, k := range []struct {
		dialect queries.Dialect
		want    []string
	}{
		{queries.DuckDB, []string{"a.\"a\"\"b`c\\\nDROP TABLE x; --\"", `a."group"`, "'it''s \\ \n''; DROP'"}},
		{queries.BigQuery, []string{"a.`a\"b\\`c\\\\\\nDROP TABLE x; --`", "a.`group`", `'it\'s \\ \n\'; DROP'`}},
		{queries.Snowflake, []string{"a.\"a\"\"b`c\\\nDROP TABLE x; --\"", `a."GROUP"`, `'it\'s \\ \n\'; DROP'`}},
	} {
		script, err := queries.Render(p, e, look, k.dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range k.want {
			if !strings.Contains(script.Units.SQL, want) {
				t.Errorf("%s: no %s in\n%s", k.dialect.Name, want, script.Units.SQL)
			}
		}
		if first, _, _ := strings.Cut(script.Dimensions[0].SQL, "WITH"); strings.Count(first, "\n") != 2 {
			t.Errorf("%s: a name leaves its comment:\n%s", k.dialect.Name, first)
		}
	}
}

// TestPlaceholders are filled in SQL, and nowhere else.
func TestPlaceholders(t *testing.T) {
	p, e, look := example()
	a := p.Config.Assignments["exposures"]
	a.SQL = "SELECT '{{start}}' AS x, \"{{end}}\" -- {{experiment}}\nFROM t /* {{start}}\n*/ WHERE e = {{ experiment }} AND ts >= {{start}};\n"
	p.Config.Assignments["exposures"] = a
	e.ExperimentID = "two\nlines"
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	want := "  SELECT '{{start}}' AS x, \"{{end}}\" -- {{experiment}}\n  FROM t /* {{start}}\n*/ WHERE e = 'two\nlines' AND ts >= TIMESTAMP '2026-03-20 12:00:00.000000'\n)"
	if !strings.Contains(script.Units.SQL, want) {
		t.Errorf("want\n%s\nin\n%s", want, script.Units.SQL)
	}
}

// TestTablesOfJoins do not meet, however alike the names of the joins are.
func TestTablesOfJoins(t *testing.T) {
	p, e, look := example()
	e.Guardrails, e.Goals, e.Secondary = nil, nil, nil
	for _, name := range []string{"a-b", "a_b", "A_b"} {
		id := "id_" + name
		p.Config.Identifiers[id] = spec.Identifier{}
		p.Config.Joins[name] = spec.Join{Identifiers: []string{id, "user_id"}, SQL: "SELECT 1"}
		p.Config.Facts[name] = spec.Source{Identifiers: []string{id}, SQL: "SELECT 1"}
		p.Config.Metrics[name] = spec.Metric{Kind: "count", Source: name}
		e.Secondary = append(e.Secondary, spec.Use{Metric: name})
	}
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for i, l := range script.Links {
		var table string
		for line := range strings.Lines(l.Create.SQL) {
			if rest, ok := strings.CutPrefix(line, "CREATE TEMP TABLE "); ok {
				table = strings.TrimSuffix(rest, " AS\n")
			}
		}
		if made[table] || !strings.Contains(l.Health.SQL, table+"\n") || !strings.Contains(script.Facts[i].SQL, "JOIN "+table+" AS l") {
			t.Errorf("join %s has the table %q", l.Join, table)
		}
		made[table] = true
	}
	if len(made) != 3 {
		t.Errorf("tables %v", made)
	}
}

// TestValidJSON: what models write instead of JSON is none, whatever the engine's
// parser takes.
func TestValidJSON(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for text, want := range map[string]bool{
		`{"a": 1, "b": [2, null, true], "c": "x,]"}`: true, `{"nan": "inf, NaN }"}`: true, `"a \" , ]"`: true, `12`: true, `null`: true,
		`[1,]`: false, `{"a": 1 , }`: false, `{"a": NaN}`: false, `[-Infinity]`: false, `{'a': 1}`: false, ``: false, `Sure! {"a": 1}`: false,
	} {
		var got bool
		query := "SELECT " + fmt.Sprintf(queries.DuckDB.ValidJSON, "CAST($1 AS VARCHAR)")
		if err := db.QueryRowContext(t.Context(), query, text).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %t, %v", text, got, err)
		}
	}
}

// TestOddNames: shares with many digits and dimensions with line ends make no
// broken statement.
func TestOddNames(t *testing.T) {
	p, e, look := example()
	p.Config.Metrics["odd"] = spec.Metric{Kind: "quantile", Of: "event", Source: "feedback", Value: "score", Quantile: 1.0 / 3}
	p.Config.Metrics["odder"] = spec.Metric{Kind: "quantile", Of: "unit", PerUnit: "mean", Source: "feedback", Value: "score", Quantile: 0.9999999}
	p.Config.Traits = map[string]spec.Trait{"of\nthe account": {Identifier: "user_id", SQL: "SELECT user_id, plan AS value FROM accounts"}}
	e.Slices = []string{"of\nthe account"}
	e.Secondary = append(e.Secondary, spec.Use{Metric: "odd"}, spec.Use{Metric: "odder"})
	script, err := queries.Render(p, e, look, queries.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	for _, s := range append([]queries.Statement{{Name: "tables", SQL: exampleTables}}, append(script.All(), script.Checks()...)...) {
		if _, err := db.ExecContext(t.Context(), s.SQL); err != nil {
			t.Errorf("%s: %v\n%s", s.Name, err, s.SQL)
		}
	}
}
