package main

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // makes the warehouses.
)

// start of all experiments; looks are as of the midnights after it.
var firstDay = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// asOf is the end of day n, from 1.
func asOf(n int) time.Time { return firstDay.AddDate(0, 0, n) }

// projectYAML is what all projects have: a warehouse, one kind of identifier, the
// exposures, and a source of facts with the given columns; more of these may follow.
const projectYAML = `version: 1
warehouse: {type: duckdb, path: warehouse.duckdb, threads: 1}
identifiers:
  user_id: {type: text}
assignments:
  exposures:
    identifier: user_id
    sql: |
      SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id
      FROM exposures
      WHERE experiment_id = {{experiment}}
        AND exposed_at >= {{start}} AND exposed_at < {{end}}
facts:
` + factsYAML

// factsYAML is a source: its name, the columns beside the usual ones, its table.
const factsYAML = `  %[1]s:
    identifiers: [user_id]
    sql: |
      SELECT user_id, ts AS timestamp, %[2]s
      FROM %[1]s
      WHERE ts >= {{start}} AND ts < {{end}}
`

// scenarioYAML is the rest of a scenario's project.
const scenarioYAML = `metrics:
  error_rate:
    kind: proportion
    source: responses
    where: failed
    direction: down
    window: 6h
    complete_only: true
    base_rate: 0.05
flag_stores:
  store: %s
`

// tabledYAML has the looks written to a table as well, tabledWarehouse the place for it.
const (
	tabledYAML      = "results: {table: main.assay_results}\n"
	plainWarehouse  = "threads: 1}"
	tabledWarehouse = "threads: 1, read_write: true}"
)

// scenarioProject is the project of a scenario.
func scenarioProject(store string, tabled bool) string {
	text := fmt.Sprintf(projectYAML, "responses", "failed") + fmt.Sprintf(scenarioYAML, storeYAML[store])
	if tabled {
		text = strings.Replace(text, plainWarehouse, tabledWarehouse, 1) + tabledYAML
	}
	return text
}

const (
	hookYAML = `{type: webhook, url: "${HOOK_URL}", state_url: "${HOOK_URL}/state/{flag}", secret: "${HOOK_SECRET}"}`
	fileYAML = `{type: flagd, path: flags.json}`
)

// storeYAML is how the project names its store.
var storeYAML = map[string]string{
	storeRemembering: hookYAML,
	storeForgetful:   hookYAML,
	storeSilent:      `{type: webhook, url: "${HOOK_URL}", secret: "${HOOK_SECRET}"}`,
	storeFile:        fileYAML,
}

const rolloutYAML = `name: %[1]s
type: rollout
assignment: exposures
start: 2026-11-01
duration: 20d
ladder: [0.1, 0.25, 0.5, 0.75, 1]
planned_units: 8000
variations:
  - {id: control, known_good: true}
  - {id: treatment}
guardrails:
  - {metric: error_rate, mde: 100%%, margin: 50%%}
flag: {key: %[1]s, stores: [store]}
`

const experimentYAML = `name: %[1]s
type: experiment
assignment: exposures
start: 2026-11-01
duration: 20d
planned_units: 8000
variations:
  - {id: control, known_good: true}
  - {id: treatment}
goals:
  - {metric: error_rate, mde: 50%%}
flag: {key: %[1]s, stores: [store]}
policy: {min_duration: 3d}
`

// opening is the coverage that a story's flag starts with.
func opening(story string) float64 {
	if story == storyWin {
		return 1
	}
	return 0.1
}

// writeProject writes the spec of some stories, and the flag file.
func writeProject(dir string, s scenario) error {
	files := map[string]string{"assay.yaml": scenarioProject(s.store, s.tabled)}
	flags := make([]string, 0, len(s.stories)+1)
	for _, story := range s.stories {
		text := rolloutYAML
		if story == storyWin {
			text = experimentYAML
		}
		files["experiments/"+story+".yaml"] = fmt.Sprintf(text, story)
		arm := int(1000*opening(story)) / 2
		flags = append(flags, fmt.Sprintf(flagJSON, story, arm, 1000-2*arm))
	}
	// Other flags of the same file make it larger than the ledger.
	flags = append(flags, fmt.Sprintf(`"other": {"state": "ENABLED", "variants": {"on": true, "off": %q}, "defaultVariant": "on"}`, strings.Repeat("x", padding(s))))
	files["flags.json"] = "{\"flags\": {\n" + strings.Join(flags, ",\n") + "\n}}\n"
	var errs []error
	for name, text := range files {
		path := filepath.Join(dir, name)
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	}
	return errors.Join(errs...)
}

// flagFileSize is more than a ledger of a few days has, in bytes.
const flagFileSize = 500_000

const flagJSON = `"%[1]s": {"state": "ENABLED", "variants": {"control": "a", "treatment": "b", "uncovered": "a"}, "defaultVariant": "control",
  "targeting": {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}, ["treatment", %[2]d], ["uncovered", %[3]d], ["control", %[2]d]]}}`

const tables = `
CREATE TABLE exposures (user_id VARCHAR, exposed_at TIMESTAMP, experiment_id VARCHAR, variation_id VARCHAR);
CREATE TABLE responses (user_id VARCHAR, ts TIMESTAMP, failed BOOLEAN);
`

// armSQL logs a day of one arm: so many units, exposed from one in the morning
// to eleven, each with one response an hour later; the first so many fail.
const armSQL = `
INSERT INTO exposures
SELECT 'u-%[1]s-%[2]s-%[3]s-' || lpad(i::VARCHAR, 5, '0'), TIMESTAMP '%[2]s 01:00' + to_seconds(floor(36000.0 * i / %[4]d)::BIGINT), '%[1]s', '%[3]s'
FROM range(%[4]d) AS t(i);
INSERT INTO responses
SELECT 'u-%[1]s-%[2]s-%[3]s-' || lpad(i::VARCHAR, 5, '0'), TIMESTAMP '%[2]s 02:00' + to_seconds(floor(36000.0 * i / %[4]d)::BIGINT), i < %[5]d
FROM range(%[4]d) AS t(i);
`

const unitsPerArm = 130

// failing are the failing units of an arm on a day, of unitsPerArm.
func failing(story, arm string, day int) int {
	treated := arm == "treatment"
	switch {
	case story == storyHarm && treated:
		return 45
	case story == storyLate && treated && day >= 3:
		return 75
	case story == storyWin && !treated:
		return 40
	}
	return 6
}

// buildWarehouse makes the database that all scenarios read.
func buildWarehouse(path string) error {
	text := tables
	for _, story := range stories {
		for n := range faultyDays + quietDays {
			date := firstDay.AddDate(0, 0, n).Format(time.DateOnly)
			for _, arm := range []string{"control", "treatment"} {
				text += fmt.Sprintf(armSQL, story, date, arm, unitsPerArm, failing(story, arm, n+1))
			}
		}
	}
	return runSQL(path, text)
}

// runSQL runs statements on a database file.
func runSQL(path, text string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	_, err = db.Exec(text) //nolint:noctx // a fixture is made or nothing is
	return errors.Join(err, db.Close())
}
