-- === results table: makes the table of results where it is missing
-- Purpose: the table of what looks found, where it is missing: one row a look, metric and variation.
CREATE TABLE IF NOT EXISTS `ops`.`assay_results` (
  `look_id` STRING,
  `record` INT64,
  `recorded_at` TIMESTAMP,
  `experiment` STRING,
  `as_of` TIMESTAMP,
  `version` INT64,
  `look_number` INT64,
  `backfill` BOOLEAN,
  `failed` STRING,
  `verdict` STRING,
  `reason_code` STRING,
  `summary` STRING,
  `coverage` FLOAT64,
  `epoch` INT64,
  `units` INT64,
  `metric` STRING,
  `metric_role` STRING,
  `metric_kind` STRING,
  `direction` STRING,
  `variation` STRING,
  `known_good` STRING,
  `status` STRING,
  `outcome` STRING,
  `method` STRING,
  `control_units` INT64,
  `variation_units` INT64,
  `control_value` FLOAT64,
  `variation_value` FLOAT64,
  `absolute_effect` FLOAT64,
  `absolute_lower` FLOAT64,
  `absolute_upper` FLOAT64,
  `relative_effect` FLOAT64,
  `relative_lower` FLOAT64,
  `relative_upper` FLOAT64,
  `alpha` FLOAT64,
  `log_e` FLOAT64,
  `log_e_bound` FLOAT64,
  `e_value` FLOAT64,
  `adjusted_p` FLOAT64,
  `spec_digest` STRING,
  `plan_digest` STRING,
  `tool` STRING
)

-- === results columns: whether the table of results has all columns
-- Purpose: has the table of results all its columns?
-- Rows: none.
SELECT
  CAST(COUNT(*) AS INT64) AS n
FROM (
  SELECT
    `look_id`,
    `record`,
    `recorded_at`,
    `experiment`,
    `as_of`,
    `version`,
    `look_number`,
    `backfill`,
    `failed`,
    `verdict`,
    `reason_code`,
    `summary`,
    `coverage`,
    `epoch`,
    `units`,
    `metric`,
    `metric_role`,
    `metric_kind`,
    `direction`,
    `variation`,
    `known_good`,
    `status`,
    `outcome`,
    `method`,
    `control_units`,
    `variation_units`,
    `control_value`,
    `variation_value`,
    `absolute_effect`,
    `absolute_lower`,
    `absolute_upper`,
    `relative_effect`,
    `relative_lower`,
    `relative_upper`,
    `alpha`,
    `log_e`,
    `log_e_bound`,
    `e_value`,
    `adjusted_p`,
    `spec_digest`,
    `plan_digest`,
    `tool`
  FROM `ops`.`assay_results`
  WHERE 1 = 0
) AS probed

-- === results column look_id: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `look_id` STRING

-- === results column record: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `record` INT64

-- === results column recorded_at: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `recorded_at` TIMESTAMP

-- === results column experiment: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `experiment` STRING

-- === results column as_of: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `as_of` TIMESTAMP

-- === results column version: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `version` INT64

-- === results column look_number: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `look_number` INT64

-- === results column backfill: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `backfill` BOOLEAN

-- === results column failed: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `failed` STRING

-- === results column verdict: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `verdict` STRING

-- === results column reason_code: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `reason_code` STRING

-- === results column summary: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `summary` STRING

-- === results column coverage: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `coverage` FLOAT64

-- === results column epoch: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `epoch` INT64

-- === results column units: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `units` INT64

-- === results column metric: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `metric` STRING

-- === results column metric_role: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `metric_role` STRING

-- === results column metric_kind: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `metric_kind` STRING

-- === results column direction: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `direction` STRING

-- === results column variation: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `variation` STRING

-- === results column known_good: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `known_good` STRING

-- === results column status: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `status` STRING

-- === results column outcome: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `outcome` STRING

-- === results column method: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `method` STRING

-- === results column control_units: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `control_units` INT64

-- === results column variation_units: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `variation_units` INT64

-- === results column control_value: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `control_value` FLOAT64

-- === results column variation_value: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `variation_value` FLOAT64

-- === results column absolute_effect: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `absolute_effect` FLOAT64

-- === results column absolute_lower: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `absolute_lower` FLOAT64

-- === results column absolute_upper: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `absolute_upper` FLOAT64

-- === results column relative_effect: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `relative_effect` FLOAT64

-- === results column relative_lower: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `relative_lower` FLOAT64

-- === results column relative_upper: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `relative_upper` FLOAT64

-- === results column alpha: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `alpha` FLOAT64

-- === results column log_e: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `log_e` FLOAT64

-- === results column log_e_bound: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `log_e_bound` FLOAT64

-- === results column e_value: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `e_value` FLOAT64

-- === results column adjusted_p: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `adjusted_p` FLOAT64

-- === results column spec_digest: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `spec_digest` STRING

-- === results column plan_digest: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `plan_digest` STRING

-- === results column tool: adds a column where it is missing
-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE `ops`.`assay_results` ADD COLUMN IF NOT EXISTS `tool` STRING

-- === results written: which looks the table of results has
-- Purpose: which looks has the table of results, and of which record of the ledger?
-- Rows: one a look. Numbers: the record.
SELECT
  `look_id` AS look,
  MAX(`record`) AS record_seq
FROM `ops`.`assay_results`
GROUP BY `look_id`

-- === begin: begins a transaction
BEGIN TRANSACTION
-- === results of before: takes out what is there of the looks
-- Purpose: takes out what the table of results has of the looks that are written next.
DELETE FROM `ops`.`assay_results`
WHERE `look_id` IN ('0a1b', '2c3d')

-- === results: writes what the looks found
-- Purpose: writes what looks found: one row a look, metric and variation.
INSERT INTO `ops`.`assay_results` (
  `look_id`,
  `record`,
  `recorded_at`,
  `experiment`,
  `as_of`,
  `version`,
  `look_number`,
  `backfill`,
  `failed`,
  `verdict`,
  `reason_code`,
  `summary`,
  `coverage`,
  `epoch`,
  `units`,
  `metric`,
  `metric_role`,
  `metric_kind`,
  `direction`,
  `variation`,
  `known_good`,
  `status`,
  `outcome`,
  `method`,
  `control_units`,
  `variation_units`,
  `control_value`,
  `variation_value`,
  `absolute_effect`,
  `absolute_lower`,
  `absolute_upper`,
  `relative_effect`,
  `relative_lower`,
  `relative_upper`,
  `alpha`,
  `log_e`,
  `log_e_bound`,
  `e_value`,
  `adjusted_p`,
  `spec_digest`,
  `plan_digest`,
  `tool`
)
SELECT CAST('0a1b' AS STRING), CAST(12 AS INT64), CAST(TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AS TIMESTAMP), CAST('answer-v2' AS STRING), CAST(TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AS TIMESTAMP), CAST(1 AS INT64), CAST(3 AS INT64), CAST(FALSE AS BOOLEAN), CAST(NULL AS STRING), CAST('rollback' AS STRING), CAST('guardrail_harmed' AS STRING), CAST('it\'s "harmed" \\ -- by 5 %' AS STRING), CAST(2.5e-01 AS FLOAT64), CAST(2 AS INT64), CAST(1000 AS INT64), CAST('errors' AS STRING), CAST('guardrail' AS STRING), CAST('proportion' AS STRING), CAST('down' AS STRING), CAST('v2' AS STRING), CAST('v1' AS STRING), CAST('ok' AS STRING), CAST('harmed' AS STRING), CAST('calibrated' AS STRING), CAST(500 AS INT64), CAST(500 AS INT64), CAST(5e-02 AS FLOAT64), CAST(1e-09 AS FLOAT64), CAST(5e-02 AS FLOAT64), CAST(NULL AS FLOAT64), CAST(NULL AS FLOAT64), CAST(NULL AS FLOAT64), CAST(1e-01 AS FLOAT64), CAST(-1e-01 AS FLOAT64), CAST(5e-02 AS FLOAT64), CAST(1.25e+01 AS FLOAT64), CAST(3e+00 AS FLOAT64), CAST(2.683372865208745e+05 AS FLOAT64), CAST(NULL AS FLOAT64), CAST('d' AS STRING), CAST('p' AS STRING), CAST('dev' AS STRING)
UNION ALL
SELECT CAST('2c3d' AS STRING), CAST(13 AS INT64), CAST(TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AS TIMESTAMP), CAST('answer-v2' AS STRING), CAST(TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AS TIMESTAMP), CAST(1 AS INT64), CAST(4 AS INT64), CAST(TRUE AS BOOLEAN), CAST('the warehouse is gone' AS STRING), CAST('hold' AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(0e+00 AS FLOAT64), CAST(0 AS INT64), CAST(0 AS INT64), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS INT64), CAST(NULL AS INT64), CAST(NULL AS FLOAT64), CAST(NULL AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(0e+00 AS FLOAT64), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING)

-- === commit: makes a transaction count
COMMIT
