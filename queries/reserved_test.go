package queries

import "testing"

// TestReservedNames: a plain name stays bare where the engine folds case, unless
// it is a word of the language.
func TestReservedNames(t *testing.T) {
	for name, want := range map[string]string{
		"user_id": "user_id", "timestamp": "timestamp", "order": `"ORDER"`, "Group": `"GROUP"`, "orders": "orders", "odd name": `"odd name"`,
		`"userId"`: `"userId"`, `"order"`: `"order"`, `"a"b"`: `"""a""b"""`,
	} {
		if got := Snowflake.ident(name); got != want {
			t.Errorf("%s is written %s, want %s", name, got, want)
		}
	}
	if got := DuckDB.ident("order"); got != `"order"` {
		t.Errorf("DuckDB: %s", got)
	}
}
