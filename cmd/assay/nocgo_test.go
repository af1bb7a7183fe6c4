package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestWithoutDuckDB runs the build without DuckDB (make build-nocgo), which
// ASSAY_NOCGO names: what needs DuckDB says so and does nothing, and the rest works.
func TestWithoutDuckDB(t *testing.T) {
	binary := os.Getenv("ASSAY_NOCGO")
	if binary == "" {
		t.Skip("ASSAY_NOCGO names no build without DuckDB")
	}
	const refused = "this build of assay is without DuckDB"
	for _, c := range []struct {
		args string
		edit string // what is put into assay.yaml below its end
		code int
		says string
	}{
		{"version", "", 0, ", without DuckDB\n"},
		{"validate", "", 0, "ok: 2 experiments"},
		{"sql tone --dialect bigquery", "", 0, "CREATE TEMP TABLE assay_units AS"},
		{"sql tone --dialect snowflake", "", 0, "CREATE TEMPORARY TABLE assay_units AS"},
		{"plan rank", "", 0, "rank (experiment)"},
		{"ledger verify", "", 0, "ok: "},
		{"run --as-of 2026-11-02", "", 3, "assay: warehouse: " + refused},
		{"run --as-of 2026-11-02", "incremental: {overlap: 1d}\n", 3, "assay: warehouse: " + refused},
		{"run --as-of 2026-11-02", "ledger: {duckdb: ledger.duckdb}\n", 3, "assay: ledger main.assay_ledger: " + refused},
		{"explain tone", "ledger: {duckdb: ledger.duckdb}\n", 3, "assay: ledger main.assay_ledger: " + refused},
		{"ledger verify", "ledger: {duckdb: ledger.duckdb}\n", 3, refused},
		{"doctor tone", "", 3, "assay: warehouse: " + refused},
		{"plan rank --cost", "", 3, "assay: warehouse: " + refused},
	} {
		t.Run(c.args, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../testdata/small")); err != nil {
				t.Fatal(err)
			}
			config := filepath.Join(dir, "assay.yaml")
			text, err := os.ReadFile(config)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(config, append(text, c.edit...), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), binary, strings.Fields(c.args)...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			code := 0
			if e, ok := errors.AsType[*exec.ExitError](err); ok {
				code = e.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || !strings.Contains(string(out), c.says) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, c.code, c.says, out)
			}
			if looks, err := os.ReadFile(filepath.Join(dir, "ledger.jsonl")); err == nil && len(looks) > 0 {
				t.Errorf("something was recorded:\n%s", looks)
			}
		})
	}
}
