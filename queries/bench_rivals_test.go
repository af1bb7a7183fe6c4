package queries_test

import (
	"fmt"
	"strings"

	"assay/connectors"
	"assay/queries"
)

// bare is the query that one would write by hand for one metric.
func bare(where string) contender {
	return contender{name: "bare", answer: typedTotal, statements: []queries.Statement{{Name: "bare", SQL: `WITH first AS (
  SELECT user_id, arg_min(variation_id, ts) AS v, MIN(ts) AS t0
  FROM exposures
  WHERE experiment_id = 'exp' AND ts >= TIMESTAMP '2026-01-01' AND ts < TIMESTAMP '2026-01-31'
  GROUP BY user_id
),
per_user AS (
  SELECT any_value(f.v) AS v, COALESCE(SUM(e.amount), 0) AS y
  FROM first AS f
  LEFT JOIN facts AS e
    ON e.user_id = f.user_id AND e.ts >= f.t0 AND e.ts < f.t0 + INTERVAL 3 DAY` + where + `
  GROUP BY f.user_id
)
SELECT v, COUNT(*) AS n, AVG(y) AS mean, VAR_SAMP(y) AS var, SUM(y) AS total
FROM per_user
GROUP BY v`}}}
}

// pipelines are one query per metric, each of which begins with the exposures, in
// the shape that GrowthBook gives them where it does not fuse metrics: exposures
// to units, facts of the metric, every pair of the two with the window as a CASE,
// sums per unit, sums and sums of squares per variation.
func pipelines(n int) contender {
	c := contender{name: fmt.Sprintf("pipelines%d", n), answer: typedTotal}
	for i := range n {
		text := strings.ReplaceAll(pipeline, "$event", fmt.Sprintf("event_%d", i))
		c.statements = append(c.statements, queries.Statement{Name: "pipeline", SQL: text})
	}
	return c
}

const pipeline = `WITH raw_exposures AS (
  SELECT user_id, ts AS timestamp, experiment_id, variation_id
  FROM exposures
),
experiment_exposures AS (
  SELECT user_id, CAST(variation_id AS VARCHAR) AS variation, timestamp
  FROM raw_exposures
  WHERE experiment_id = 'exp' AND timestamp >= TIMESTAMP '2026-01-01' AND timestamp <= TIMESTAMP '2026-01-31'
),
experiment_units AS (
  SELECT
    user_id,
    CASE WHEN COUNT(DISTINCT variation) > 1 THEN '__multiple__' ELSE MAX(variation) END AS variation,
    MIN(timestamp) AS first_exposure
  FROM experiment_exposures
  GROUP BY user_id
),
distinct_users AS (
  SELECT user_id, variation, first_exposure AS timestamp
  FROM experiment_units
),
fact_table AS (
  SELECT user_id, timestamp, CASE WHEN event = '$event' THEN amount END AS value
  FROM (SELECT user_id, ts AS timestamp, event, amount FROM facts) AS f
  WHERE timestamp >= TIMESTAMP '2026-01-01' AND timestamp <= TIMESTAMP '2026-02-03' AND event = '$event'
),
user_metric_join AS (
  SELECT
    d.variation,
    d.user_id,
    CASE WHEN m.timestamp >= d.timestamp AND m.timestamp <= d.timestamp + INTERVAL 72 HOURS THEN m.value END AS value
  FROM distinct_users AS d
  LEFT JOIN fact_table AS m ON m.user_id = d.user_id
),
user_metric AS (
  SELECT variation, user_id, SUM(COALESCE(value, 0)) AS value
  FROM user_metric_join
  GROUP BY variation, user_id
)
SELECT
  variation AS v,
  COUNT(*) AS n,
  SUM(COALESCE(value, 0)) AS total,
  SUM(POWER(COALESCE(value, 0), 2)) AS squares
FROM user_metric
GROUP BY variation`

// typedTotal is the answer of hand-written queries.
func typedTotal(results []*connectors.Rows) float64 {
	sum := 0.0
	for _, rows := range results {
		for row := range rows.Len() {
			if v, _ := rows.Text(row, "v"); v == "treatment" {
				total, _ := rows.Float(row, "total")
				sum += total
			}
		}
	}
	return sum
}

// scan only reads the columns that a look uses: those of one over all facts, and
// more.
func scan(more ...string) contender {
	columns := append([]string{"CAST(SUM(user_id) AS DOUBLE) AS u", "epoch_us(MAX(ts)) AS t", "SUM(amount) AS a"}, more...)
	return contender{name: "scan", statements: []queries.Statement{
		{Name: "scan", SQL: `SELECT
  MAX(experiment_id) AS e, MAX(variation_id) AS v, CAST(SUM(user_id) AS DOUBLE) AS u, epoch_us(MAX(ts)) AS t
FROM exposures`},
		{Name: "scan", SQL: "SELECT " + strings.Join(columns, ", ") + " FROM facts"},
	}}
}
