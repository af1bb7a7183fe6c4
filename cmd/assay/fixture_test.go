package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the driver that makes the databases.
)

// copySmall puts the project of the scripts into a folder.
func copySmall(dir string) error { return os.CopyFS(dir, os.DirFS("../../testdata/small")) }

// runSQL runs statements on a database file.
func runSQL(path, text string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(text) //nolint:noctx // a fixture is made or the test fails
	return errors.Join(err, db.Close())
}

const tables = `
CREATE TABLE IF NOT EXISTS exposures (user_id VARCHAR, exposed_at TIMESTAMP, experiment_id VARCHAR, variation_id VARCHAR);
CREATE TABLE IF NOT EXISTS responses (user_id VARCHAR, ts TIMESTAMP, failed BOOLEAN, latency_ms DOUBLE);
`

// armSQL logs a day of one arm: so many units, exposed from one in the morning
// to eleven, each with one response an hour later; the first so many fail.
const armSQL = `
INSERT INTO exposures
SELECT 'u-%[1]s-%[2]s-%[3]s-' || lpad(i::VARCHAR, 5, '0'), TIMESTAMP '%[2]s 01:00' + to_seconds(floor(36000.0 * i / %[4]d)::BIGINT), '%[1]s', '%[3]s'
FROM range(%[4]d) AS t(i);
INSERT INTO responses
SELECT 'u-%[1]s-%[2]s-%[3]s-' || lpad(i::VARCHAR, 5, '0'), TIMESTAMP '%[2]s 02:00' + to_seconds(floor(36000.0 * i / %[4]d)::BIGINT), i < %[5]d, 100 + 10 * (i %% 7)
FROM range(%[4]d) AS t(i);
`

// traffic logs a day of an experiment; arms are written ARM=UNITS:FAILED.
func traffic(path, experiment, date string, arms []string) error {
	text := tables
	for _, arm := range arms {
		name, counts, _ := strings.Cut(arm, "=")
		units, failed, _ := strings.Cut(counts, ":")
		n, err := strconv.Atoi(units)
		k, err2 := strconv.Atoi(failed)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("%s: want ARM=UNITS:FAILED: %w", arm, err)
		}
		text += fmt.Sprintf(armSQL, experiment, date, name, n, k)
	}
	return runSQL(path, text)
}

// editFlag changes a flag of a flagd file by hand, as a person would.
func editFlag(path, key string, weights []string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	definition, ok := file["flags"].(map[string]any)[key].(map[string]any)
	if !ok {
		return fmt.Errorf("no flag %s", key)
	}
	if weights[0] == "off" {
		definition["state"] = "DISABLED"
	} else {
		rule := []any{}
		for _, w := range weights {
			variant, weight, _ := strings.Cut(w, "=")
			n, err := strconv.Atoi(weight)
			if err != nil {
				return err
			}
			rule = append(rule, []any{variant, n})
		}
		definition["targeting"] = map[string]any{"fractional": rule}
		definition["variants"].(map[string]any)["uncovered"] = definition["variants"].(map[string]any)["control"]
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// smallProject makes the project of the scripts with days of traffic, each
// written EXPERIMENT DATE ARM=UNITS:FAILED ..., and returns its folder.
func smallProject(t *testing.T, days ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := copySmall(dir); err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		words := strings.Fields(day)
		if err := traffic(filepath.Join(dir, "warehouse.duckdb"), words[0], words[1], words[2:]); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
