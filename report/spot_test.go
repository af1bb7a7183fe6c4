package report

import (
	"fmt"
	"strings"
	"testing"

	"assay/ledger"
)

// TestSpot puts the caret below the fault, however wide the line is and whatever
// stands in it.
func TestSpot(t *testing.T) {
	long := strings.Repeat("a, ", 60)
	for name, c := range map[string]struct {
		source string
		caret  int
		width  int
		under  string // what the caret stands below; "" = nothing is shown
	}{
		"plain":         {"      SELECT nothing FROM t", 14, 60, "nothing"},
		"tab":           {"\tSELECT\tnothing", 9, 60, "nothing"},
		"long before":   {"  SELECT " + long + "nothing FROM t", 10 + len(long), 60, "nothing"},
		"long behind":   {"  SELECT nothing, " + long, 10, 60, "nothing"},
		"narrow":        {"  SELECT a, b, nothing FROM t", 16, 30, "nothing"},
		"hidden before": {"SELECT '\u202e', nothing", 13, 60, "nothing"},
		"at the end":    {"SELECT", 7, 60, ""},
		"beyond":        {"SELECT", 70, 60, ""},
		"no column":     {"SELECT", 0, 60, "SELECT"},
		"no line":       {"  ", 1, 60, ""},
	} {
		line, before := spot(&ledger.Place{Source: c.source, Caret: c.caret}, c.width)
		if columns(line) > c.width || strings.ContainsAny(line, "\t\u202e") {
			t.Errorf("%s: %q", name, line)
		}
		rest := ""
		for i := range line {
			if columns(line[:i]) == len(before) {
				rest = line[i:]
				break
			}
		}
		if !strings.HasPrefix(rest, c.under) || c.under == "" && rest != "" && strings.TrimSpace(c.source) == "" {
			t.Errorf("%s: the caret stands below %q of %q, want %q", name, rest, line, c.under)
		}
	}
	if line, _ := spot(nil, 60); line != "" || spotBlock(nil) != "" {
		t.Error("no place has a line")
	}
	if got := spotBlock(&ledger.Place{Source: "  SELECT nothing", Caret: 10}); got != "SELECT nothing\n       ^" {
		t.Errorf("%q", got)
	}
}

// TestStatementCost shows what the engine said of a statement, and nothing where it
// said nothing.
func TestStatementCost(t *testing.T) {
	for want, s := range map[string]ledger.Statement{
		"[{Rows 3}]": {Name: "units", Rows: 3},
		"[{Rows 0} {Bytes 1.2GB} {Job a\u27e8U+202E\u27e9b}]":      {ID: "a\u202eb", Bytes: 1_200_000_000},
		"[{Rows 0} {Bytes 5KB} {Job a} {Begun by an earlier run}]": {ID: "a", Bytes: 5000, Attached: true},
	} {
		if got := fmt.Sprint(cost(&s)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
