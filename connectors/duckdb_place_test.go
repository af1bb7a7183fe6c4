//go:build cgo && !noduckdb

package connectors_test

import (
	"errors"
	"strings"
	"testing"

	"assay/connectors"
	"assay/queries"
	"assay/spec"
)

// TestDuckDBPlace holds the place of an error against where the word stands that
// is at fault, in lines short and long, with wide letters and tabs before it.
func TestDuckDBPlace(t *testing.T) {
	w := open(t, spec.Warehouse{Type: "duckdb"}, t.TempDir())
	s := begin(t, w)
	long := strings.Repeat("1 + ", 60)
	for name, c := range map[string]struct {
		sql, fault string // the first appearance of fault is the place
	}{
		"parser":       {"SELECT 1\nFROM range(3) AS r\nWHEREE TRUE", "WHEREE"},
		"column":       {"WITH a AS (\n  SELECT nothing FROM range(3)\n)\nSELECT * FROM a", "nothing"},
		"table":        {"SELECT *\n\nFROM nowhere", "nowhere"},
		"function":     {"SELECT\n\tno_function(1)", "no_function"},
		"first line":   {"SELECT nothing", "nothing"},
		"long before":  {"SELECT " + long + "nothing", "nothing"},
		"long behind":  {"SELECT nothing + " + long + "1", "nothing"},
		"long both":    {"SELECT " + long + "nothing + " + long + "1", "nothing"},
		"wide letters": {"SELECT '東京', 'é', nothing", "nothing"},
		"emoji":        {"SELECT '🎉🎉', nothing", "nothing"},
		"combining":    {"SELECT 'e\u0301e\u0301', nothing", "nothing"},
		"dots":         {"SELECT '...', nothing", "nothing"},
		"conversion":   {"SELECT 1,\n  CAST('x' AS INTEGER)", "CAST"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Run(t.Context(), queries.Statement{Name: "one", SQL: c.sql})
			at := strings.Index(c.sql, c.fault)
			line := strings.Count(c.sql[:at], "\n") + 1
			column := len([]rune(c.sql[strings.LastIndexByte(c.sql[:at], '\n')+1:at])) + 1
			e, ok := errors.AsType[*connectors.Error](err)
			if !ok || e.Line != line || e.Column != column {
				t.Errorf("%v at %d:%d, want %d:%d", err, e.Line, e.Column, line, column)
			}
		})
	}
}

// TestDuckDBPlaceless lists errors that show no place in the statement.
func TestDuckDBPlaceless(t *testing.T) {
	w := open(t, spec.Warehouse{Type: "duckdb"}, t.TempDir())
	s := begin(t, w)
	for name, sql := range map[string]string{
		"while it runs": "SELECT error('LINE 1: SELECT error\n        ^')",
		"elsewhere":     "SELECT error('\nLINE 9: SELECT\n            ^')",
	} {
		_, err := s.Run(t.Context(), queries.Statement{Name: "one", SQL: sql})
		if e, ok := errors.AsType[*connectors.Error](err); !ok || e.Line > 1 {
			t.Errorf("%s: %v at line %d", name, err, e.Line)
		}
	}
	if _, err := s.(connectors.Describer).Describe(t.Context(), queries.Statement{Name: "one", SQL: "SELECT 1, nothing"}); err == nil {
		t.Error("described")
	} else if e, _ := errors.AsType[*connectors.Error](err); e.Line != 1 || e.Column != 11 {
		t.Errorf("described: at %d:%d, want 1:11: %v", e.Line, e.Column, err)
	}
}
