-- === results table: makes the table of results where it is missing
-- Purpose: the table of what looks found, where it is missing: one row a look, metric and variation.
CREATE TABLE IF NOT EXISTS "ops"."assay_results" (
  "look_id" VARCHAR,
  "record" BIGINT,
  "recorded_at" TIMESTAMP,
  "experiment" VARCHAR,
  "as_of" TIMESTAMP,
  "version" BIGINT,
  "look_number" BIGINT,
  "backfill" BOOLEAN,
  "failed" VARCHAR,
  "verdict" VARCHAR,
  "reason_code" VARCHAR,
  "summary" VARCHAR,
  "coverage" DOUBLE,
  "epoch" BIGINT,
  "units" BIGINT,
  "metric" VARCHAR,
  "metric_role" VARCHAR,
  "metric_kind" VARCHAR,
  "direction" VARCHAR,
  "variation" VARCHAR,
  "known_good" VARCHAR,
  "status" VARCHAR,
  "outcome" VARCHAR,
  "method" VARCHAR,
  "control_units" BIGINT,
  "variation_units" BIGINT,
  "control_value" DOUBLE,
  "variation_value" DOUBLE,
  "absolute_effect" DOUBLE,
  "absolute_lower" DOUBLE,
  "absolute_upper" DOUBLE,
  "relative_effect" DOUBLE,
  "relative_lower" DOUBLE,
  "relative_upper" DOUBLE,
  "alpha" DOUBLE,
  "log_e" DOUBLE,
  "log_e_bound" DOUBLE,
  "e_value" DOUBLE,
  "adjusted_p" DOUBLE,
  "spec_digest" VARCHAR,
  "plan_digest" VARCHAR,
  "tool" VARCHAR
)

-- === results columns: whether the table of results has all columns
-- Purpose: has the table of results all its columns?
-- Rows: none.
SELECT
  CAST(COUNT(*) AS BIGINT) AS n
FROM (
  SELECT
    "look_id",
    "record",
    "recorded_at",
    "experiment",
    "as_of",
    "version",
    "look_number",
    "backfill",
    "failed",
    "verdict",
    "reason_code",
    "summary",
    "coverage",
    "epoch",
    "units",
    "metric",
    "metric_role",
    "metric_kind",
    "direction",
    "variation",
    "known_good",
    "status",
    "outcome",
    "method",
    "control_units",
    "variation_units",
    "control_value",
    "variation_value",
    "absolute_effect",
    "absolute_lower",
    "absolute_upper",
    "relative_effect",
    "relative_lower",
    "relative_upper",
    "alpha",
    "log_e",
    "log_e_bound",
    "e_value",
    "adjusted_p",
    "spec_digest",
    "plan_digest",
    "tool"
  FROM "ops"."assay_results"
  WHERE 1 = 0
) AS probed

-- === results column look_id: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "look_id" VARCHAR

-- === results column record: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "record" BIGINT

-- === results column recorded_at: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "recorded_at" TIMESTAMP

-- === results column experiment: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "experiment" VARCHAR

-- === results column as_of: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "as_of" TIMESTAMP

-- === results column version: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "version" BIGINT

-- === results column look_number: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "look_number" BIGINT

-- === results column backfill: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "backfill" BOOLEAN

-- === results column failed: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "failed" VARCHAR

-- === results column verdict: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "verdict" VARCHAR

-- === results column reason_code: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "reason_code" VARCHAR

-- === results column summary: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "summary" VARCHAR

-- === results column coverage: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "coverage" DOUBLE

-- === results column epoch: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "epoch" BIGINT

-- === results column units: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "units" BIGINT

-- === results column metric: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "metric" VARCHAR

-- === results column metric_role: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "metric_role" VARCHAR

-- === results column metric_kind: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "metric_kind" VARCHAR

-- === results column direction: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "direction" VARCHAR

-- === results column variation: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "variation" VARCHAR

-- === results column known_good: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "known_good" VARCHAR

-- === results column status: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "status" VARCHAR

-- === results column outcome: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "outcome" VARCHAR

-- === results column method: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "method" VARCHAR

-- === results column control_units: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "control_units" BIGINT

-- === results column variation_units: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "variation_units" BIGINT

-- === results column control_value: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "control_value" DOUBLE

-- === results column variation_value: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "variation_value" DOUBLE

-- === results column absolute_effect: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "absolute_effect" DOUBLE

-- === results column absolute_lower: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "absolute_lower" DOUBLE

-- === results column absolute_upper: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "absolute_upper" DOUBLE

-- === results column relative_effect: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "relative_effect" DOUBLE

-- === results column relative_lower: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "relative_lower" DOUBLE

-- === results column relative_upper: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "relative_upper" DOUBLE

-- === results column alpha: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "alpha" DOUBLE

-- === results column log_e: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "log_e" DOUBLE

-- === results column log_e_bound: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "log_e_bound" DOUBLE

-- === results column e_value: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "e_value" DOUBLE

-- === results column adjusted_p: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "adjusted_p" DOUBLE

-- === results column spec_digest: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "spec_digest" VARCHAR

-- === results column plan_digest: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "plan_digest" VARCHAR

-- === results column tool: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE "ops"."assay_results" ADD COLUMN IF NOT EXISTS "tool" VARCHAR

-- === results written: which looks the table of results has
-- Purpose: which looks has the table of results, and of which record of the ledger?
-- Rows: one a look. Numbers: the record.
SELECT
  "look_id" AS look,
  MAX("record") AS record_seq
FROM "ops"."assay_results"
GROUP BY "look_id"

-- === begin: begins a transaction
BEGIN TRANSACTION
-- === results of before: takes out what is there of the looks
-- Purpose: takes out what the table of results has of the looks that are written next.
DELETE FROM "ops"."assay_results"
WHERE "look_id" IN ('0a1b', '2c3d')

-- === results: writes what the looks found
-- Purpose: writes what looks found: one row a look, metric and variation.
INSERT INTO "ops"."assay_results" (
  "look_id",
  "record",
  "recorded_at",
  "experiment",
  "as_of",
  "version",
  "look_number",
  "backfill",
  "failed",
  "verdict",
  "reason_code",
  "summary",
  "coverage",
  "epoch",
  "units",
  "metric",
  "metric_role",
  "metric_kind",
  "direction",
  "variation",
  "known_good",
  "status",
  "outcome",
  "method",
  "control_units",
  "variation_units",
  "control_value",
  "variation_value",
  "absolute_effect",
  "absolute_lower",
  "absolute_upper",
  "relative_effect",
  "relative_lower",
  "relative_upper",
  "alpha",
  "log_e",
  "log_e_bound",
  "e_value",
  "adjusted_p",
  "spec_digest",
  "plan_digest",
  "tool"
)
SELECT CAST('0a1b' AS VARCHAR), CAST(12 AS BIGINT), CAST(TIMESTAMP '2026-03-20 12:00:00.000000' AS TIMESTAMP), CAST('answer-v2' AS VARCHAR), CAST(TIMESTAMP '2026-03-20 12:00:00.000000' AS TIMESTAMP), CAST(1 AS BIGINT), CAST(3 AS BIGINT), CAST(FALSE AS BOOLEAN), CAST(NULL AS VARCHAR), CAST('rollback' AS VARCHAR), CAST('guardrail_harmed' AS VARCHAR), CAST('it''s "harmed" \ -- by 5 %' AS VARCHAR), CAST(2.5e-01 AS DOUBLE), CAST(2 AS BIGINT), CAST(1000 AS BIGINT), CAST('errors' AS VARCHAR), CAST('guardrail' AS VARCHAR), CAST('proportion' AS VARCHAR), CAST('down' AS VARCHAR), CAST('v2' AS VARCHAR), CAST('v1' AS VARCHAR), CAST('ok' AS VARCHAR), CAST('harmed' AS VARCHAR), CAST('calibrated' AS VARCHAR), CAST(500 AS BIGINT), CAST(500 AS BIGINT), CAST(5e-02 AS DOUBLE), CAST(1e-09 AS DOUBLE), CAST(5e-02 AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(1e-01 AS DOUBLE), CAST(-1e-01 AS DOUBLE), CAST(5e-02 AS DOUBLE), CAST(1.25e+01 AS DOUBLE), CAST(3e+00 AS DOUBLE), CAST(2.683372865208745e+05 AS DOUBLE), CAST(NULL AS DOUBLE), CAST('d' AS VARCHAR), CAST('p' AS VARCHAR), CAST('dev' AS VARCHAR)
UNION ALL
SELECT CAST('2c3d' AS VARCHAR), CAST(13 AS BIGINT), CAST(TIMESTAMP '2026-03-20 12:00:00.000000' AS TIMESTAMP), CAST('answer-v2' AS VARCHAR), CAST(TIMESTAMP '2026-03-20 12:00:00.000000' AS TIMESTAMP), CAST(1 AS BIGINT), CAST(4 AS BIGINT), CAST(TRUE AS BOOLEAN), CAST('the warehouse is gone' AS VARCHAR), CAST('hold' AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(0e+00 AS DOUBLE), CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(0e+00 AS DOUBLE), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR)

-- === commit: makes a transaction count
COMMIT
