-- === size of exposures: how much there is to look at
-- Purpose: how much does exposures give over the span that is looked at?
-- Rows: one. Numbers: rows; bytes of their identifiers, as texts, and timestamps.
SELECT
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(SUM(8 + COALESCE(BYTE_LENGTH(CAST(counted.`user_id` AS STRING)), 0)), 0) AS INT64) AS bytes
FROM (
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
) AS counted

-- === size of events: how much there is to look at
-- Purpose: how much does events give over the span that is looked at?
-- Rows: one. Numbers: rows; bytes of their identifiers, as texts, and timestamps.
SELECT
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(SUM(8 + COALESCE(BYTE_LENGTH(CAST(counted.`user_id` AS STRING)), 0)), 0) AS INT64) AS bytes
FROM (
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
) AS counted

-- === size of feedback: how much there is to look at
-- Purpose: how much does feedback give over the span that is looked at?
-- Rows: one. Numbers: rows; bytes of their identifiers, as texts, and timestamps.
SELECT
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(SUM(8 + COALESCE(BYTE_LENGTH(CAST(counted.`conversation_id` AS STRING)), 0)), 0) AS INT64) AS bytes
FROM (
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
) AS counted

-- === columns of exposures: 
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
-- === exposed identifiers: every exposed identifier, as it is written
-- Purpose: every identifier among the exposures of answer-v2, as it is written and as it is compared.
-- Rows: one per identifier. assay_raw its text; assay_unit what it is compared as; assay_arm its variation.
-- Numbers: assay_anchor first exposure in microseconds since 1970 UTC; assay_rows exposures.
CREATE TEMP TABLE assay_doctor_units AS
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
exposures AS (
  SELECT
    CAST(a.`user_id` AS STRING) AS assay_raw,
    CAST(a.`user_id` AS STRING) AS assay_unit,
    UNIX_MICROS(CAST(a.`timestamp` AS TIMESTAMP)) AS assay_at,
    CAST(CASE CAST(a.variation_id AS STRING)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INT64) AS assay_arm
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS STRING) = 'answer\'s v2'
)
SELECT
  assay_raw,
  assay_unit,
  MIN(assay_arm) AS assay_arm,
  MIN(assay_at) AS assay_anchor,
  MAX(assay_at) AS assay_newest,
  COUNT(*) AS assay_rows
FROM exposures
WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
  AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
GROUP BY assay_raw, assay_unit

-- === exposures: which of them name nobody
-- Purpose: how many identifiers the exposures of answer-v2 have, and which of them name nobody.
-- Rows: one. Numbers: units identifiers that can be compared; exposures in rows, of them without identifier
--   (null, empty, a placeholder) and of the commonest identifier; unread identifiers that are not of the declared type.
SELECT
  CAST(COUNT(assay_unit) AS INT64) AS units,
  CAST(COALESCE(SUM(assay_rows), 0) AS INT64) AS all_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 1 THEN assay_rows ELSE 0 END), 0) AS INT64) AS null_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 2 THEN assay_rows ELSE 0 END), 0) AS INT64) AS empty_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 3 THEN assay_rows ELSE 0 END), 0) AS INT64) AS placeholder_rows,
  CAST(COALESCE(MAX(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 0 THEN assay_rows ELSE 0 END), 0) AS INT64) AS top_rows,
  CAST(COALESCE(SUM(CASE WHEN assay_raw IS NOT NULL AND assay_unit IS NULL THEN 1 ELSE 0 END), 0) AS INT64) AS unread,
  CAST(MIN(assay_anchor) AS INT64) AS oldest,
  CAST(MAX(assay_newest) AS INT64) AS newest
FROM assay_doctor_units

-- === sample of the exposed units: some identifiers of the exposed units
-- Purpose: the exposed units: at most 20000 identifiers, the same ones whenever it is asked.
-- Rows: one per identifier that may name somebody. assay_raw its text.
CREATE TEMP TABLE assay_sample_units AS
SELECT assay_raw
FROM (
  SELECT DISTINCT assay_raw AS assay_raw
  FROM assay_doctor_units
) AS t
WHERE CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 0
ORDER BY TO_HEX(MD5(CONCAT('assay_sample_units', assay_raw)))
LIMIT 20000

-- === columns of events: 
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
-- === identifiers of events: every identifier of events and the unit that it meets
-- Purpose: every identifier of events, and the exposed unit that it meets.
-- Rows: one per identifier. assay_raw its text; assay_unit the text of the unit; assay_linked 1 where a join is
--   needed and there is one. Numbers: rows; of them inside the unit's widest window, before its first exposure,
--   and at or after as-of; oldest and newest in microseconds since 1970 UTC.
CREATE TEMP TABLE assay_met_1 AS
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
facts AS (
  SELECT
    CAST(f.`user_id` AS STRING) AS assay_raw,
    CAST(f.`user_id` AS STRING) AS assay_id,
    UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) AS assay_at
  FROM assay_source AS f
)
SELECT
  f.assay_raw,
  CAST(u.assay_raw AS STRING) AS assay_unit,
  u.assay_arm,
  1 AS assay_linked,
  MAX(CASE WHEN f.assay_id IS NULL THEN 0 ELSE 1 END) AS assay_read,
  COUNT(*) AS assay_rows,
  SUM(CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_inside,
  SUM(CASE WHEN f.assay_at < u.assay_anchor THEN 1 ELSE 0 END) AS assay_before,
  SUM(CASE WHEN f.assay_at >= 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_future,
  MIN(f.assay_at) AS assay_oldest,
  MAX(f.assay_at) AS assay_newest
FROM facts AS f
LEFT JOIN assay_doctor_units AS u
  ON u.assay_unit = f.assay_id
GROUP BY f.assay_raw, u.assay_raw, u.assay_arm, 4

-- === totals of events: how events meets the units
-- Purpose: how the identifiers of events and the exposed units meet, from the side of events.
-- Rows: one. Numbers: rows, and those without identifier (null, empty, a placeholder) or of the commonest one;
--   identifiers, those that are exposed units, that need a link and have none, that are not of the declared type;
--   rows before first exposure; oldest and newest in microseconds since 1970 UTC.
SELECT
  CAST(COALESCE(SUM(assay_rows), 0) AS INT64) AS all_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 1 THEN assay_rows ELSE 0 END), 0) AS INT64) AS null_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 2 THEN assay_rows ELSE 0 END), 0) AS INT64) AS empty_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 3 THEN assay_rows ELSE 0 END), 0) AS INT64) AS placeholder_rows,
  CAST(COALESCE(MAX(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 0 THEN assay_rows ELSE 0 END), 0) AS INT64) AS top_rows,
  CAST(COUNT(DISTINCT assay_raw) AS INT64) AS identifiers,
  CAST(COUNT(DISTINCT CASE WHEN assay_unit IS NOT NULL THEN assay_raw END) AS INT64) AS matched,
  CAST(COUNT(DISTINCT CASE WHEN assay_linked = 0 THEN assay_raw END) AS INT64) AS orphans,
  CAST(COUNT(DISTINCT CASE WHEN assay_read = 0 THEN assay_raw END) AS INT64) AS unread,
  CAST(COALESCE(SUM(assay_before), 0) AS INT64) AS before_rows,
  CAST(COALESCE(SUM(assay_future), 0) AS INT64) AS future_rows,
  CAST(MIN(assay_oldest) AS INT64) AS oldest,
  CAST(MAX(assay_newest) AS INT64) AS newest
FROM assay_met_1

-- === units in events: how the units meet events
-- Purpose: how the exposed units and events meet, from the side of the units.
-- Rows: one per variation, those that are not declared last. Numbers: units, those with any row of events, those
--   with one inside their widest window, those with rows before first exposure only.
WITH met AS (
  SELECT
    assay_unit,
    SUM(assay_rows) AS assay_rows,
    SUM(assay_inside) AS assay_inside,
    SUM(assay_before) AS assay_before
  FROM assay_met_1
  WHERE assay_unit IS NOT NULL
  GROUP BY assay_unit
)
SELECT
  CAST(u.assay_arm AS INT64) AS arm,
  CAST(COUNT(*) AS INT64) AS units,
  CAST(COUNT(m.assay_unit) AS INT64) AS matched,
  CAST(SUM(CASE WHEN m.assay_inside > 0 THEN 1 ELSE 0 END) AS INT64) AS in_window,
  CAST(SUM(CASE WHEN m.assay_before = m.assay_rows THEN 1 ELSE 0 END) AS INT64) AS only_before
FROM assay_doctor_units AS u
LEFT JOIN met AS m
  ON m.assay_unit = u.assay_raw
WHERE u.assay_raw IS NOT NULL
GROUP BY u.assay_arm
ORDER BY 1

-- === sample of events: some identifiers of events
-- Purpose: events: at most 1000000 identifiers, the same ones whenever it is asked.
-- Rows: one per identifier that may name somebody. assay_raw its text.
CREATE TEMP TABLE assay_right_assay_met_1 AS
SELECT assay_raw
FROM (
  SELECT DISTINCT assay_raw AS assay_raw
  FROM assay_met_1
) AS t
WHERE CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 0
ORDER BY TO_HEX(MD5(CONCAT('assay_right_assay_met_1', assay_raw)))
LIMIT 1000000

-- === identifiers of events: every identifier of events and the unit that it meets
-- Purpose: every identifier of events, and the exposed unit that it meets.
-- Rows: one per identifier. assay_raw its text; assay_unit the text of the unit; assay_linked 1 where a join is
--   needed and there is one. Numbers: rows; of them inside the unit's widest window, before its first exposure,
--   and at or after as-of; oldest and newest in microseconds since 1970 UTC.
CREATE TEMP TABLE assay_met_1_wide_text_scaled AS
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '1900-01-01 00:00:00.000000+00:00' AND ts < TIMESTAMP '9999-12-31 00:00:00+00:00'
),
facts AS (
  SELECT
    CAST(f.`user_id` AS STRING) AS assay_raw,
    CAST(f.`user_id` AS STRING) AS assay_id,
    CAST(CASE WHEN ABS(UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP))) < 100000000000 THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) * 1000000 WHEN ABS(UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP))) < 100000000000000 THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) * 1000 WHEN ABS(UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP))) < 100000000000000000 THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE FLOOR(UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) / 1000) END AS INT64) AS assay_at
  FROM assay_source AS f
)
SELECT
  f.assay_raw,
  CAST(u.assay_raw AS STRING) AS assay_unit,
  u.assay_arm,
  1 AS assay_linked,
  MAX(CASE WHEN f.assay_id IS NULL THEN 0 ELSE 1 END) AS assay_read,
  COUNT(*) AS assay_rows,
  SUM(CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_inside,
  SUM(CASE WHEN f.assay_at < u.assay_anchor THEN 1 ELSE 0 END) AS assay_before,
  SUM(CASE WHEN f.assay_at >= 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_future,
  MIN(f.assay_at) AS assay_oldest,
  MAX(f.assay_at) AS assay_newest
FROM facts AS f
LEFT JOIN assay_doctor_units AS u
  ON CAST(u.assay_unit AS STRING) = CAST(f.assay_id AS STRING)
GROUP BY f.assay_raw, u.assay_raw, u.assay_arm, 4

-- === spelling: how the identifiers of both sides are written
-- Purpose: how the identifiers of the two sides are written: signs that tell which rewritings are worth a try.
-- Rows: one per side. Numbers: identifiers, and how many of them show each sign; lengths in characters.
SELECT
  'left' AS side,
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(MIN(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS fewest_digits,
  CAST(COALESCE(MAX(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS most_digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[A-Z]') THEN 1 ELSE 0 END), 0) AS INT64) AS upper,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[a-z]') THEN 1 ELSE 0 END), 0) AS INT64) AS lower,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS blank_ends,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^["\'].*["\']$') THEN 1 ELSE 0 END), 0) AS INT64) AS quotes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9])0[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS zeros,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[:/|#][^:/|#]') THEN 1 ELSE 0 END), 0) AS INT64) AS parted,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+\\.0+$') THEN 1 ELSE 0 END), 0) AS INT64) AS float,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS exponent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^([Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?[{]?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}[}]?$') THEN 1 ELSE 0 END), 0) AS INT64) AS uuid,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$') THEN 1 ELSE 0 END), 0) AS INT64) AS dashes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '%[0-9A-Fa-f][0-9A-Fa-f]') THEN 1 ELSE 0 END), 0) AS INT64) AS percent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[^@]@[^@]') THEN 1 ELSE 0 END), 0) AS INT64) AS mail,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:') THEN 1 ELSE 0 END), 0) AS INT64) AS mailto,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\+[^@]*@') THEN 1 ELSE 0 END), 0) AS INT64) AS tag,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\.[^@]*@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN 1 ELSE 0 END), 0) AS INT64) AS dots,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{32}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex32,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{40}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex40,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{64}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex64,
  CAST(COALESCE(SUM(CASE WHEN CHAR_LENGTH(assay_raw) >= 8 AND REGEXP_CONTAINS(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), '^[ -~]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS base64,
  CAST(COALESCE(SUM(CASE WHEN assay_raw <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfc,
  CAST(COALESCE(SUM(CASE WHEN NORMALIZE(assay_raw, NFKC) <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfkc
FROM assay_sample_units
UNION ALL
SELECT
  'right' AS side,
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(MIN(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS fewest_digits,
  CAST(COALESCE(MAX(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS most_digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[A-Z]') THEN 1 ELSE 0 END), 0) AS INT64) AS upper,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[a-z]') THEN 1 ELSE 0 END), 0) AS INT64) AS lower,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS blank_ends,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^["\'].*["\']$') THEN 1 ELSE 0 END), 0) AS INT64) AS quotes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9])0[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS zeros,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[:/|#][^:/|#]') THEN 1 ELSE 0 END), 0) AS INT64) AS parted,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+\\.0+$') THEN 1 ELSE 0 END), 0) AS INT64) AS float,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS exponent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^([Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?[{]?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}[}]?$') THEN 1 ELSE 0 END), 0) AS INT64) AS uuid,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$') THEN 1 ELSE 0 END), 0) AS INT64) AS dashes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '%[0-9A-Fa-f][0-9A-Fa-f]') THEN 1 ELSE 0 END), 0) AS INT64) AS percent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[^@]@[^@]') THEN 1 ELSE 0 END), 0) AS INT64) AS mail,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:') THEN 1 ELSE 0 END), 0) AS INT64) AS mailto,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\+[^@]*@') THEN 1 ELSE 0 END), 0) AS INT64) AS tag,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\.[^@]*@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN 1 ELSE 0 END), 0) AS INT64) AS dots,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{32}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex32,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{40}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex40,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{64}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex64,
  CAST(COALESCE(SUM(CASE WHEN CHAR_LENGTH(assay_raw) >= 8 AND REGEXP_CONTAINS(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), '^[ -~]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS base64,
  CAST(COALESCE(SUM(CASE WHEN assay_raw <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfc,
  CAST(COALESCE(SUM(CASE WHEN NORMALIZE(assay_raw, NFKC) <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfkc
FROM assay_right_assay_met_1
ORDER BY 1

-- === affixes: what most identifiers begin and end with
-- Purpose: what most identifiers of a side begin and end with.
-- Rows: per side, end and length the commonest affix, where at least 20 and half of the identifiers have it.
SELECT
  'left' AS side,
  CAST(0 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, 1, k.n) AS affix
    FROM assay_sample_units
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_sample_units)
UNION ALL
SELECT
  'left' AS side,
  CAST(1 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, CHAR_LENGTH(assay_raw) - k.n + 1) AS affix
    FROM assay_sample_units
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_sample_units)
UNION ALL
SELECT
  'right' AS side,
  CAST(0 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, 1, k.n) AS affix
    FROM assay_right_assay_met_1
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_right_assay_met_1)
UNION ALL
SELECT
  'right' AS side,
  CAST(1 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, CHAR_LENGTH(assay_raw) - k.n + 1) AS affix
    FROM assay_right_assay_met_1
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_right_assay_met_1)
ORDER BY 1, 2, 3

-- === tries: whether the sides meet if they are written otherwise
-- Purpose: would the identifiers of the two sides meet if they were written otherwise?
-- Rows: one per try. Numbers: matched identifiers of the sample that then are among those of the other side;
--   merged identifiers of the sample that could no longer be told apart.
SELECT -- decode
  CAST(0 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(assay_raw, '%20', ' '), '%2B', '+'), '%2b', '+'), '%2D', '-'), '%2d', '-'), '%2E', '.'), '%2e', '.'), '%2F', '/'), '%2f', '/'), '%3A', ':'), '%3a', ':'), '%3D', '='), '%3d', '='), '%40', '@'), '%5F', '_'), '%5f', '_'), '%7B', '{'), '%7b', '{'), '%7C', '|'), '%7c', '|'), '%7D', '}'), '%7d', '}'), '%23', '#'), '%25', '%')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(assay_raw, '%20', ' '), '%2B', '+'), '%2b', '+'), '%2D', '-'), '%2d', '-'), '%2E', '.'), '%2e', '.'), '%2F', '/'), '%2f', '/'), '%3A', ':'), '%3a', ':'), '%3D', '='), '%3d', '='), '%40', '@'), '%5F', '_'), '%5f', '_'), '%7B', '{'), '%7b', '{'), '%7C', '|'), '%7c', '|'), '%7D', '}'), '%7d', '}'), '%23', '#'), '%25', '%') IN (SELECT REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(assay_raw, '%20', ' '), '%2B', '+'), '%2b', '+'), '%2D', '-'), '%2d', '-'), '%2E', '.'), '%2e', '.'), '%2F', '/'), '%2f', '/'), '%3A', ':'), '%3a', ':'), '%3D', '='), '%3d', '='), '%40', '@'), '%5F', '_'), '%5f', '_'), '%7B', '{'), '%7b', '{'), '%7C', '|'), '%7c', '|'), '%7D', '}'), '%7d', '}'), '%23', '#'), '%25', '%') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- hex
  CAST(1 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', ''))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')) IN (SELECT LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- lower
  CAST(2 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT LOWER(assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE LOWER(assay_raw) IN (SELECT LOWER(assay_raw) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- md5
  CAST(3 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT TO_HEX(MD5(assay_raw))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE TO_HEX(MD5(assay_raw)) IN (SELECT TO_HEX(MD5(assay_raw)) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- nfc
  CAST(4 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT NORMALIZE(assay_raw, NFC)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE NORMALIZE(assay_raw, NFC) IN (SELECT NORMALIZE(assay_raw, NFC) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- nfkc
  CAST(5 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT NORMALIZE(assay_raw, NFKC)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE NORMALIZE(assay_raw, NFKC) IN (SELECT NORMALIZE(assay_raw, NFKC) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- pad
  CAST(6 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CASE WHEN CHAR_LENGTH(assay_raw) < 6 THEN LPAD(assay_raw, 6, '0') ELSE assay_raw END) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CASE WHEN CHAR_LENGTH(assay_raw) < 6 THEN LPAD(assay_raw, 6, '0') ELSE assay_raw END IN (SELECT CASE WHEN CHAR_LENGTH(assay_raw) < 6 THEN LPAD(assay_raw, 6, '0') ELSE assay_raw END FROM assay_right_assay_met_1)
UNION ALL
SELECT -- prefix
  CAST(7 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CONCAT('u\'-', REGEXP_REPLACE(assay_raw, '^u\'-', ''))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CONCAT('u\'-', REGEXP_REPLACE(assay_raw, '^u\'-', '')) IN (SELECT CONCAT('u\'-', REGEXP_REPLACE(assay_raw, '^u\'-', '')) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- sha1
  CAST(8 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT TO_HEX(SHA1(assay_raw))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE TO_HEX(SHA1(assay_raw)) IN (SELECT TO_HEX(SHA1(assay_raw)) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- sha256
  CAST(9 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT TO_HEX(SHA256(assay_raw))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE TO_HEX(SHA256(assay_raw)) IN (SELECT TO_HEX(SHA256(assay_raw)) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- suffix
  CAST(10 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CONCAT(REGEXP_REPLACE(assay_raw, 'u\'-$', ''), 'u\'-')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CONCAT(REGEXP_REPLACE(assay_raw, 'u\'-$', ''), 'u\'-') IN (SELECT CONCAT(REGEXP_REPLACE(assay_raw, 'u\'-$', ''), 'u\'-') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- tail
  CAST(11 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^.*[:/|#]', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^.*[:/|#]', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^.*[:/|#]', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- trim
  CAST(12 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unbase64
  CAST(13 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT COALESCE(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE COALESCE(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), assay_raw) IN (SELECT COALESCE(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), assay_raw) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- undot
  CAST(14 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CASE WHEN REGEXP_CONTAINS(assay_raw, '@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN CONCAT(REPLACE(REGEXP_REPLACE(assay_raw, '@.*$', ''), '.', ''), '@gmail.com') ELSE assay_raw END) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CASE WHEN REGEXP_CONTAINS(assay_raw, '@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN CONCAT(REPLACE(REGEXP_REPLACE(assay_raw, '@.*$', ''), '.', ''), '@gmail.com') ELSE assay_raw END IN (SELECT CASE WHEN REGEXP_CONTAINS(assay_raw, '@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN CONCAT(REPLACE(REGEXP_REPLACE(assay_raw, '@.*$', ''), '.', ''), '@gmail.com') ELSE assay_raw END FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unexponent
  CAST(15 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') AND ABS(SAFE_CAST(assay_raw AS FLOAT64)) < 9e15 THEN CAST(CAST(SAFE_CAST(assay_raw AS FLOAT64) AS INT64) AS STRING) ELSE assay_raw END) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') AND ABS(SAFE_CAST(assay_raw AS FLOAT64)) < 9e15 THEN CAST(CAST(SAFE_CAST(assay_raw AS FLOAT64) AS INT64) AS STRING) ELSE assay_raw END IN (SELECT CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') AND ABS(SAFE_CAST(assay_raw AS FLOAT64)) < 9e15 THEN CAST(CAST(SAFE_CAST(assay_raw AS FLOAT64) AS INT64) AS STRING) ELSE assay_raw END FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unfloat
  CAST(16 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '\\.0+$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '\\.0+$', '') IN (SELECT REGEXP_REPLACE(assay_raw, '\\.0+$', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unmailto
  CAST(17 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unprefix
  CAST(18 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^u\'-', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^u\'-', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^u\'-', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unquote
  CAST(19 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^["\']+|["\']+$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^["\']+|["\']+$', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^["\']+|["\']+$', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unsuffix
  CAST(20 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, 'u\'-$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, 'u\'-$', '') IN (SELECT REGEXP_REPLACE(assay_raw, 'u\'-$', '') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- untag
  CAST(21 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '\\+[^@]*@', '@')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '\\+[^@]*@', '@') IN (SELECT REGEXP_REPLACE(assay_raw, '\\+[^@]*@', '@') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- unzero
  CAST(22 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^0+([0-9])', '\\1')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^0+([0-9])', '\\1') IN (SELECT REGEXP_REPLACE(assay_raw, '^0+([0-9])', '\\1') FROM assay_right_assay_met_1)
UNION ALL
SELECT -- upper
  CAST(23 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT UPPER(assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE UPPER(assay_raw) IN (SELECT UPPER(assay_raw) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- upperhex
  CAST(24 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT UPPER(assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE UPPER(assay_raw) IN (SELECT UPPER(assay_raw) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- uuid
  CAST(25 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CONCAT(SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 1, 8), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 9, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 13, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 17, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 21))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CONCAT(SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 1, 8), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 9, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 13, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 17, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 21)) IN (SELECT CONCAT(SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 1, 8), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 9, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 13, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 17, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 21)) FROM assay_right_assay_met_1)
UNION ALL
SELECT -- zeroless
  CAST(26 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '(^|[^0-9])0+([0-9])', '\\1\\2')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '(^|[^0-9])0+([0-9])', '\\1\\2') IN (SELECT REGEXP_REPLACE(assay_raw, '(^|[^0-9])0+([0-9])', '\\1\\2') FROM assay_right_assay_met_1)
ORDER BY 1

-- === other columns of events: which columns hold the identifiers of the other side
-- Purpose: which columns of events hold the identifiers of the other side?
-- Rows: one per column that holds any. Numbers: matched identifiers of the other side's sample; identifiers in
--   the rows that hold them.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
cells AS (
  SELECT
    k.n AS assay_column,
    CAST(f.`user_id` AS STRING) AS assay_id,
    CASE k.n
      WHEN 0 THEN CAST(f.`user_id` AS STRING)
      WHEN 1 THEN CAST(f.`timestamp` AS STRING)
    END AS assay_value
  FROM assay_source AS f
  CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1) AS k
)
SELECT
  CAST(c.assay_column AS INT64) AS assay_column,
  CAST(COUNT(DISTINCT s.assay_raw) AS INT64) AS matched,
  CAST(COUNT(DISTINCT c.assay_id) AS INT64) AS identifiers
FROM cells AS c
JOIN assay_sample_units AS s
  ON s.assay_raw = c.assay_value
GROUP BY c.assay_column
ORDER BY 1

-- === other columns of exposures: which columns hold the identifiers of the other side
-- Purpose: which columns of exposures hold the identifiers of the other side?
-- Rows: one per column that holds any. Numbers: matched identifiers of the other side's sample; identifiers in
--   the rows that hold them.
WITH assay_source AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
cells AS (
  SELECT
    k.n AS assay_column,
    CAST(f.`user_id` AS STRING) AS assay_id,
    CASE k.n
      WHEN 0 THEN CAST(f.`variation_id` AS STRING)
    END AS assay_value
  FROM assay_source AS f
  CROSS JOIN (SELECT 0 AS n) AS k
)
SELECT
  CAST(c.assay_column AS INT64) AS assay_column,
  CAST(COUNT(DISTINCT s.assay_raw) AS INT64) AS matched,
  CAST(COUNT(DISTINCT c.assay_id) AS INT64) AS identifiers
FROM cells AS c
JOIN assay_right_assay_met_1 AS s
  ON s.assay_raw = c.assay_value
GROUP BY c.assay_column
ORDER BY 1

-- === clock of events: whether another clock brings its rows into the windows
-- Purpose: would the rows of events fall inside the windows if its clock were set otherwise?
-- Rows: one per shift, in half hours. Numbers: units of the sample with a row inside the window, were all
--   rows that much later.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
facts AS (
  SELECT
    CAST(f.`user_id` AS STRING) AS assay_id,
    UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) AS assay_at
  FROM assay_source AS f
),
lags AS (
  SELECT DISTINCT
    u.assay_raw,
    f.assay_at - u.assay_anchor AS assay_lag
  FROM facts AS f
  JOIN assay_doctor_units AS u
    ON u.assay_unit = f.assay_id
  JOIN assay_sample_units AS s
    ON s.assay_raw = u.assay_raw
)
SELECT
  CAST(k.n AS INT64) AS half_hours,
  CAST(COUNT(DISTINCT assay_raw) AS INT64) AS in_window
FROM lags
CROSS JOIN (SELECT -28 AS n UNION ALL SELECT -27 UNION ALL SELECT -26 UNION ALL SELECT -25 UNION ALL SELECT -24 UNION ALL SELECT -23 UNION ALL SELECT -22 UNION ALL SELECT -21 UNION ALL SELECT -20 UNION ALL SELECT -19 UNION ALL SELECT -18 UNION ALL SELECT -17 UNION ALL SELECT -16 UNION ALL SELECT -15 UNION ALL SELECT -14 UNION ALL SELECT -13 UNION ALL SELECT -12 UNION ALL SELECT -11 UNION ALL SELECT -10 UNION ALL SELECT -9 UNION ALL SELECT -8 UNION ALL SELECT -7 UNION ALL SELECT -6 UNION ALL SELECT -5 UNION ALL SELECT -4 UNION ALL SELECT -3 UNION ALL SELECT -2 UNION ALL SELECT -1 UNION ALL SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24 UNION ALL SELECT 25 UNION ALL SELECT 26 UNION ALL SELECT 27 UNION ALL SELECT 28) AS k
WHERE assay_lag + CAST(k.n AS INT64) * 1800000000 >= 0
GROUP BY k.n
ORDER BY 1

-- === hours of events: since when they meet or no longer
-- Purpose: since when do the identifiers of events meet the exposed units, or no longer?
-- Rows: one per hour or day. hour in microseconds since 1970 UTC. Numbers: identifiers with rows in it, and those of
--   them that meet a unit.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
facts AS (
  SELECT
    CAST(f.`user_id` AS STRING) AS assay_raw,
    CAST(f.`user_id` AS STRING) AS assay_id,
    UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) AS assay_at
  FROM assay_source AS f
)
SELECT
  CAST(f.assay_at - MOD(f.assay_at, 3600000000) AS INT64) AS hour,
  CAST(COUNT(DISTINCT f.assay_raw) AS INT64) AS identifiers,
  CAST(COUNT(DISTINCT CASE WHEN u.assay_raw IS NOT NULL THEN f.assay_raw END) AS INT64) AS matched
FROM facts AS f
LEFT JOIN assay_doctor_units AS u
  ON u.assay_unit = f.assay_id
WHERE f.assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
  AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
GROUP BY 1
ORDER BY 1

-- === hours of exposures in events: which units are not found yet
-- Purpose: the units of which hours of first exposure are found in events?
-- Rows: one per hour. hour in microseconds since 1970 UTC. Numbers: identifiers first exposed in the hour, and those
--   of them that have any row.
SELECT
  CAST(u.assay_anchor - MOD(u.assay_anchor, 86400000000) AS INT64) AS hour,
  CAST(COUNT(DISTINCT u.assay_raw) AS INT64) AS identifiers,
  CAST(COUNT(DISTINCT m.assay_unit) AS INT64) AS matched
FROM assay_doctor_units AS u
LEFT JOIN assay_met_1 AS m
  ON m.assay_unit = u.assay_raw
WHERE u.assay_raw IS NOT NULL
GROUP BY 1
ORDER BY 1

-- === values of timestamp: which environments the rows of events come from
-- Purpose: which environments the rows of events come from.
-- Rows: the ten commonest values of timestamp. Numbers: rows.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
)
SELECT
  SUBSTR(CAST(f.`timestamp` AS STRING), 1, 40) AS value,
  CAST(COUNT(*) AS INT64) AS n
FROM assay_source AS f
WHERE f.`timestamp` IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 10

-- === values of variation_id: which environments the rows of exposures come from
-- Purpose: which environments the rows of exposures come from.
-- Rows: the ten commonest values of variation_id. Numbers: rows.
WITH assay_source AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
)
SELECT
  SUBSTR(CAST(f.`variation_id` AS STRING), 1, 40) AS value,
  CAST(COUNT(*) AS INT64) AS n
FROM assay_source AS f
WHERE f.`variation_id` IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 10

-- === mended clock of events: 
  SELECT * REPLACE (TIMESTAMP_MICROS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) - 10800000000 /* 3h */) AS `timestamp`)
  FROM (
    SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
    FROM events
    WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
  ) AS unmended
-- === mended column of events: 
  SELECT * REPLACE (LOWER(REGEXP_REPLACE(CAST(`user_id` AS STRING), '^[\\s ​﻿]+|[\\s ​﻿]+$', '')) AS `user_id`)
  FROM (
    SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
    FROM events
    WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
  ) AS unmended
-- === mended linking of events: 
  SELECT DISTINCT TO_HEX(SHA256(CAST(`user_id` AS STRING))) AS `assay digest`, `user_id`
  FROM (
    SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
    FROM events
    WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
  ) AS unmended
-- === mended other of events: 
  SELECT * EXCEPT (`user_id`), `user_id` AS `assay other id`
  FROM (
    SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
    FROM events
    WHERE ts >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
  ) AS unmended
-- === mended scaled of events: 
  SELECT * REPLACE (TIMESTAMP_MICROS(CAST(CASE WHEN ABS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP))) < 100000000000 THEN UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) * 1000000 WHEN ABS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP))) < 100000000000000 THEN UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) * 1000 WHEN ABS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP))) < 100000000000000000 THEN UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) ELSE FLOOR(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) / 1000) END AS INT64)) AS `timestamp`)
  FROM (
    SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
    FROM events
    WHERE ts >= TIMESTAMP '1900-01-01 00:00:00.000000+00:00' AND ts < TIMESTAMP '9999-12-31 00:00:00+00:00'
  ) AS unmended
-- === columns of feedback: 
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
-- === links of owner: one user_id for every conversation_id
-- Purpose: which user_id does each conversation_id belong to? The earliest link wins.
-- Rows: one per conversation_id. Numbers: assay_fanned 1 where several user_ids were linked.
CREATE TEMP TABLE assay_links_owner AS
WITH assay_join AS ( -- owner
  SELECT conversation_id, user_id, started_at AS timestamp FROM conversations
),
pairs AS (
  SELECT
    j.`conversation_id` AS assay_from,
    CAST(j.`user_id` AS STRING) AS assay_to,
    CASE WHEN REGEXP_CONTAINS(CAST(j.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(j.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(j.`timestamp` AS DATETIME), 'Europe/Berlin')) END AS assay_at
  FROM assay_join AS j
)
SELECT
  assay_from,
  assay_to,
  CASE
    WHEN MIN(assay_to) OVER (PARTITION BY assay_from) <> MAX(assay_to) OVER (PARTITION BY assay_from) THEN 1
    ELSE 0
  END AS assay_fanned
FROM pairs
WHERE assay_from IS NOT NULL
  AND assay_to IS NOT NULL
  AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
QUALIFY ROW_NUMBER() OVER (PARTITION BY assay_from ORDER BY assay_at, assay_to) = 1

-- === identifiers of feedback: every identifier of feedback and the unit that it meets
-- Purpose: every identifier of feedback, and the exposed unit that it meets through owner.
-- Rows: one per identifier. assay_raw its text; assay_unit the text of the unit; assay_linked 1 where a join is
--   needed and there is one. Numbers: rows; of them inside the unit's widest window, before its first exposure,
--   and at or after as-of; oldest and newest in microseconds since 1970 UTC.
CREATE TEMP TABLE assay_met_2 AS
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT
    CAST(f.`conversation_id` AS STRING) AS assay_raw,
    f.`conversation_id` AS assay_id,
    CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END AS assay_at
  FROM assay_source AS f
)
SELECT
  f.assay_raw,
  CAST(u.assay_raw AS STRING) AS assay_unit,
  u.assay_arm,
  CASE WHEN l.assay_from IS NOT NULL THEN 1 ELSE 0 END AS assay_linked,
  MAX(CASE WHEN f.assay_id IS NULL THEN 0 ELSE 1 END) AS assay_read,
  COUNT(*) AS assay_rows,
  SUM(CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_inside,
  SUM(CASE WHEN f.assay_at < u.assay_anchor THEN 1 ELSE 0 END) AS assay_before,
  SUM(CASE WHEN f.assay_at >= 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_future,
  MIN(f.assay_at) AS assay_oldest,
  MAX(f.assay_at) AS assay_newest
FROM facts AS f
LEFT JOIN assay_links_owner AS l
  ON l.assay_from = f.assay_id
LEFT JOIN assay_doctor_units AS u
  ON u.assay_unit = l.assay_to
GROUP BY f.assay_raw, u.assay_raw, u.assay_arm, 4

-- === totals of feedback: how feedback meets the units
-- Purpose: how the identifiers of feedback and the exposed units meet, from the side of feedback.
-- Rows: one. Numbers: rows, and those without identifier (null, empty, a placeholder) or of the commonest one;
--   identifiers, those that are exposed units, that need a link and have none, that are not of the declared type;
--   rows before first exposure; oldest and newest in microseconds since 1970 UTC.
SELECT
  CAST(COALESCE(SUM(assay_rows), 0) AS INT64) AS all_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 1 THEN assay_rows ELSE 0 END), 0) AS INT64) AS null_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 2 THEN assay_rows ELSE 0 END), 0) AS INT64) AS empty_rows,
  CAST(COALESCE(SUM(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 3 THEN assay_rows ELSE 0 END), 0) AS INT64) AS placeholder_rows,
  CAST(COALESCE(MAX(CASE WHEN CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 0 THEN assay_rows ELSE 0 END), 0) AS INT64) AS top_rows,
  CAST(COUNT(DISTINCT assay_raw) AS INT64) AS identifiers,
  CAST(COUNT(DISTINCT CASE WHEN assay_unit IS NOT NULL THEN assay_raw END) AS INT64) AS matched,
  CAST(COUNT(DISTINCT CASE WHEN assay_linked = 0 THEN assay_raw END) AS INT64) AS orphans,
  CAST(COUNT(DISTINCT CASE WHEN assay_read = 0 THEN assay_raw END) AS INT64) AS unread,
  CAST(COALESCE(SUM(assay_before), 0) AS INT64) AS before_rows,
  CAST(COALESCE(SUM(assay_future), 0) AS INT64) AS future_rows,
  CAST(MIN(assay_oldest) AS INT64) AS oldest,
  CAST(MAX(assay_newest) AS INT64) AS newest
FROM assay_met_2

-- === units in feedback: how the units meet feedback
-- Purpose: how the exposed units and feedback meet, from the side of the units.
-- Rows: one per variation, those that are not declared last. Numbers: units, those with any row of feedback, those
--   with one inside their widest window, those with rows before first exposure only.
WITH met AS (
  SELECT
    assay_unit,
    SUM(assay_rows) AS assay_rows,
    SUM(assay_inside) AS assay_inside,
    SUM(assay_before) AS assay_before
  FROM assay_met_2
  WHERE assay_unit IS NOT NULL
  GROUP BY assay_unit
)
SELECT
  CAST(u.assay_arm AS INT64) AS arm,
  CAST(COUNT(*) AS INT64) AS units,
  CAST(COUNT(m.assay_unit) AS INT64) AS matched,
  CAST(SUM(CASE WHEN m.assay_inside > 0 THEN 1 ELSE 0 END) AS INT64) AS in_window,
  CAST(SUM(CASE WHEN m.assay_before = m.assay_rows THEN 1 ELSE 0 END) AS INT64) AS only_before
FROM assay_doctor_units AS u
LEFT JOIN met AS m
  ON m.assay_unit = u.assay_raw
WHERE u.assay_raw IS NOT NULL
GROUP BY u.assay_arm
ORDER BY 1

-- === sample of feedback: some identifiers of feedback
-- Purpose: feedback: at most 1000000 identifiers, the same ones whenever it is asked.
-- Rows: one per identifier that may name somebody. assay_raw its text.
CREATE TEMP TABLE assay_right_assay_met_2 AS
SELECT assay_raw
FROM (
  SELECT DISTINCT assay_raw AS assay_raw
  FROM assay_met_2
) AS t
WHERE CASE WHEN assay_raw IS NULL THEN 1 WHEN TRIM(assay_raw) = '' THEN 2 WHEN LOWER(TRIM(assay_raw)) IN ('null', 'undefined', 'none', 'nan', 'nil', 'n/a', 'na', 'unknown', '0', '-1', 'anonymous', 'anon', 'guest', '(not set)', 'not set', '(none)', '-', '[object object]', '00000000-0000-0000-0000-000000000000', 'd41d8cd98f00b204e9800998ecf8427e', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855') THEN 3 ELSE 0 END = 0
ORDER BY TO_HEX(MD5(CONCAT('assay_right_assay_met_2', assay_raw)))
LIMIT 1000000

-- === identifiers of feedback: every identifier of feedback and the unit that it meets
-- Purpose: every identifier of feedback, and the exposed unit that it meets through owner.
-- Rows: one per identifier. assay_raw its text; assay_unit the text of the unit; assay_linked 1 where a join is
--   needed and there is one. Numbers: rows; of them inside the unit's widest window, before its first exposure,
--   and at or after as-of; oldest and newest in microseconds since 1970 UTC.
CREATE TEMP TABLE assay_met_2_wide_text_scaled AS
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT
    CAST(f.`conversation_id` AS STRING) AS assay_raw,
    f.`conversation_id` AS assay_id,
    CAST(CASE WHEN ABS(CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END) < 100000000000 THEN CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END * 1000000 WHEN ABS(CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END) < 100000000000000 THEN CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END * 1000 WHEN ABS(CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END) < 100000000000000000 THEN CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END ELSE FLOOR(CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END / 1000) END AS INT64) AS assay_at
  FROM assay_source AS f
)
SELECT
  f.assay_raw,
  CAST(u.assay_raw AS STRING) AS assay_unit,
  u.assay_arm,
  CASE WHEN l.assay_from IS NOT NULL THEN 1 ELSE 0 END AS assay_linked,
  MAX(CASE WHEN f.assay_id IS NULL THEN 0 ELSE 1 END) AS assay_read,
  COUNT(*) AS assay_rows,
  SUM(CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_inside,
  SUM(CASE WHEN f.assay_at < u.assay_anchor THEN 1 ELSE 0 END) AS assay_before,
  SUM(CASE WHEN f.assay_at >= 1774872000000000 /* 2026-03-30 12:00:00Z */ THEN 1 ELSE 0 END) AS assay_future,
  MIN(f.assay_at) AS assay_oldest,
  MAX(f.assay_at) AS assay_newest
FROM facts AS f
LEFT JOIN assay_links_owner AS l
  ON l.assay_from = f.assay_id
LEFT JOIN assay_doctor_units AS u
  ON CAST(u.assay_unit AS STRING) = CAST(l.assay_to AS STRING)
GROUP BY f.assay_raw, u.assay_raw, u.assay_arm, 4

-- === spelling: how the identifiers of both sides are written
-- Purpose: how the identifiers of the two sides are written: signs that tell which rewritings are worth a try.
-- Rows: one per side. Numbers: identifiers, and how many of them show each sign; lengths in characters.
SELECT
  'left' AS side,
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(MIN(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS fewest_digits,
  CAST(COALESCE(MAX(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS most_digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[A-Z]') THEN 1 ELSE 0 END), 0) AS INT64) AS upper,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[a-z]') THEN 1 ELSE 0 END), 0) AS INT64) AS lower,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS blank_ends,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^["\'].*["\']$') THEN 1 ELSE 0 END), 0) AS INT64) AS quotes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9])0[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS zeros,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[:/|#][^:/|#]') THEN 1 ELSE 0 END), 0) AS INT64) AS parted,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+\\.0+$') THEN 1 ELSE 0 END), 0) AS INT64) AS float,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS exponent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^([Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?[{]?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}[}]?$') THEN 1 ELSE 0 END), 0) AS INT64) AS uuid,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$') THEN 1 ELSE 0 END), 0) AS INT64) AS dashes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '%[0-9A-Fa-f][0-9A-Fa-f]') THEN 1 ELSE 0 END), 0) AS INT64) AS percent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[^@]@[^@]') THEN 1 ELSE 0 END), 0) AS INT64) AS mail,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:') THEN 1 ELSE 0 END), 0) AS INT64) AS mailto,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\+[^@]*@') THEN 1 ELSE 0 END), 0) AS INT64) AS tag,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\.[^@]*@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN 1 ELSE 0 END), 0) AS INT64) AS dots,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{32}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex32,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{40}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex40,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{64}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex64,
  CAST(COALESCE(SUM(CASE WHEN CHAR_LENGTH(assay_raw) >= 8 AND REGEXP_CONTAINS(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), '^[ -~]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS base64,
  CAST(COALESCE(SUM(CASE WHEN assay_raw <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfc,
  CAST(COALESCE(SUM(CASE WHEN NORMALIZE(assay_raw, NFKC) <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfkc
FROM assay_sample_units
UNION ALL
SELECT
  'right' AS side,
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(MIN(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS fewest_digits,
  CAST(COALESCE(MAX(CHAR_LENGTH(assay_raw) - CHAR_LENGTH(REGEXP_REPLACE(assay_raw, '[0-9]+$', ''))), 0) AS INT64) AS most_digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[A-Z]') THEN 1 ELSE 0 END), 0) AS INT64) AS upper,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[a-z]') THEN 1 ELSE 0 END), 0) AS INT64) AS lower,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS digits,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS blank_ends,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^["\'].*["\']$') THEN 1 ELSE 0 END), 0) AS INT64) AS quotes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9])0[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS zeros,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[:/|#][^:/|#]') THEN 1 ELSE 0 END), 0) AS INT64) AS parted,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9]+\\.0+$') THEN 1 ELSE 0 END), 0) AS INT64) AS float,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS exponent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^([Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?[{]?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}[}]?$') THEN 1 ELSE 0 END), 0) AS INT64) AS uuid,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$') THEN 1 ELSE 0 END), 0) AS INT64) AS dashes,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '%[0-9A-Fa-f][0-9A-Fa-f]') THEN 1 ELSE 0 END), 0) AS INT64) AS percent,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '[^@]@[^@]') THEN 1 ELSE 0 END), 0) AS INT64) AS mail,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:') THEN 1 ELSE 0 END), 0) AS INT64) AS mailto,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\+[^@]*@') THEN 1 ELSE 0 END), 0) AS INT64) AS tag,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '\\.[^@]*@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN 1 ELSE 0 END), 0) AS INT64) AS dots,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{32}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex32,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{40}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex40,
  CAST(COALESCE(SUM(CASE WHEN REGEXP_CONTAINS(assay_raw, '(^|[^0-9A-Fa-f])[0-9A-Fa-f]{64}$') THEN 1 ELSE 0 END), 0) AS INT64) AS hex64,
  CAST(COALESCE(SUM(CASE WHEN CHAR_LENGTH(assay_raw) >= 8 AND REGEXP_CONTAINS(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), '^[ -~]+$') THEN 1 ELSE 0 END), 0) AS INT64) AS base64,
  CAST(COALESCE(SUM(CASE WHEN assay_raw <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfc,
  CAST(COALESCE(SUM(CASE WHEN NORMALIZE(assay_raw, NFKC) <> NORMALIZE(assay_raw, NFC) THEN 1 ELSE 0 END), 0) AS INT64) AS nfkc
FROM assay_right_assay_met_2
ORDER BY 1

-- === affixes: what most identifiers begin and end with
-- Purpose: what most identifiers of a side begin and end with.
-- Rows: per side, end and length the commonest affix, where at least 20 and half of the identifiers have it.
SELECT
  'left' AS side,
  CAST(0 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, 1, k.n) AS affix
    FROM assay_sample_units
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_sample_units)
UNION ALL
SELECT
  'left' AS side,
  CAST(1 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, CHAR_LENGTH(assay_raw) - k.n + 1) AS affix
    FROM assay_sample_units
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_sample_units)
UNION ALL
SELECT
  'right' AS side,
  CAST(0 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, 1, k.n) AS affix
    FROM assay_right_assay_met_2
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_right_assay_met_2)
UNION ALL
SELECT
  'right' AS side,
  CAST(1 AS INT64) AS at_end,
  CAST(assay_length AS INT64) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      SUBSTR(assay_raw, CHAR_LENGTH(assay_raw) - k.n + 1) AS affix
    FROM assay_right_assay_met_2
    CROSS JOIN (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24) AS k
    WHERE CHAR_LENGTH(assay_raw) > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= 20
  AND 2 * assay_n > (SELECT COUNT(*) FROM assay_right_assay_met_2)
ORDER BY 1, 2, 3

-- === tries: whether the sides meet if they are written otherwise
-- Purpose: would the identifiers of the two sides meet if they were written otherwise?
-- Rows: one per try. Numbers: matched identifiers of the sample that then are among those of the other side;
--   merged identifiers of the sample that could no longer be told apart.
SELECT -- decode
  CAST(0 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(assay_raw, '%20', ' '), '%2B', '+'), '%2b', '+'), '%2D', '-'), '%2d', '-'), '%2E', '.'), '%2e', '.'), '%2F', '/'), '%2f', '/'), '%3A', ':'), '%3a', ':'), '%3D', '='), '%3d', '='), '%40', '@'), '%5F', '_'), '%5f', '_'), '%7B', '{'), '%7b', '{'), '%7C', '|'), '%7c', '|'), '%7D', '}'), '%7d', '}'), '%23', '#'), '%25', '%')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(assay_raw, '%20', ' '), '%2B', '+'), '%2b', '+'), '%2D', '-'), '%2d', '-'), '%2E', '.'), '%2e', '.'), '%2F', '/'), '%2f', '/'), '%3A', ':'), '%3a', ':'), '%3D', '='), '%3d', '='), '%40', '@'), '%5F', '_'), '%5f', '_'), '%7B', '{'), '%7b', '{'), '%7C', '|'), '%7c', '|'), '%7D', '}'), '%7d', '}'), '%23', '#'), '%25', '%') IN (SELECT REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(assay_raw, '%20', ' '), '%2B', '+'), '%2b', '+'), '%2D', '-'), '%2d', '-'), '%2E', '.'), '%2e', '.'), '%2F', '/'), '%2f', '/'), '%3A', ':'), '%3a', ':'), '%3D', '='), '%3d', '='), '%40', '@'), '%5F', '_'), '%5f', '_'), '%7B', '{'), '%7b', '{'), '%7C', '|'), '%7c', '|'), '%7D', '}'), '%7d', '}'), '%23', '#'), '%25', '%') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- hex
  CAST(1 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', ''))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')) IN (SELECT LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- lower
  CAST(2 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT LOWER(assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE LOWER(assay_raw) IN (SELECT LOWER(assay_raw) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- md5
  CAST(3 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT TO_HEX(MD5(assay_raw))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE TO_HEX(MD5(assay_raw)) IN (SELECT TO_HEX(MD5(assay_raw)) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- nfc
  CAST(4 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT NORMALIZE(assay_raw, NFC)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE NORMALIZE(assay_raw, NFC) IN (SELECT NORMALIZE(assay_raw, NFC) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- nfkc
  CAST(5 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT NORMALIZE(assay_raw, NFKC)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE NORMALIZE(assay_raw, NFKC) IN (SELECT NORMALIZE(assay_raw, NFKC) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- pad
  CAST(6 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CASE WHEN CHAR_LENGTH(assay_raw) < 6 THEN LPAD(assay_raw, 6, '0') ELSE assay_raw END) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CASE WHEN CHAR_LENGTH(assay_raw) < 6 THEN LPAD(assay_raw, 6, '0') ELSE assay_raw END IN (SELECT CASE WHEN CHAR_LENGTH(assay_raw) < 6 THEN LPAD(assay_raw, 6, '0') ELSE assay_raw END FROM assay_right_assay_met_2)
UNION ALL
SELECT -- prefix
  CAST(7 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CONCAT('u\'-', REGEXP_REPLACE(assay_raw, '^u\'-', ''))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CONCAT('u\'-', REGEXP_REPLACE(assay_raw, '^u\'-', '')) IN (SELECT CONCAT('u\'-', REGEXP_REPLACE(assay_raw, '^u\'-', '')) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- sha1
  CAST(8 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT TO_HEX(SHA1(assay_raw))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE TO_HEX(SHA1(assay_raw)) IN (SELECT TO_HEX(SHA1(assay_raw)) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- sha256
  CAST(9 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT TO_HEX(SHA256(assay_raw))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE TO_HEX(SHA256(assay_raw)) IN (SELECT TO_HEX(SHA256(assay_raw)) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- suffix
  CAST(10 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CONCAT(REGEXP_REPLACE(assay_raw, 'u\'-$', ''), 'u\'-')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CONCAT(REGEXP_REPLACE(assay_raw, 'u\'-$', ''), 'u\'-') IN (SELECT CONCAT(REGEXP_REPLACE(assay_raw, 'u\'-$', ''), 'u\'-') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- tail
  CAST(11 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^.*[:/|#]', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^.*[:/|#]', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^.*[:/|#]', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- trim
  CAST(12 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^[\\s ​﻿]+|[\\s ​﻿]+$', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unbase64
  CAST(13 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT COALESCE(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE COALESCE(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), assay_raw) IN (SELECT COALESCE(SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(assay_raw, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(assay_raw) / 4) AS INT64), '=')) AS STRING), assay_raw) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- undot
  CAST(14 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CASE WHEN REGEXP_CONTAINS(assay_raw, '@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN CONCAT(REPLACE(REGEXP_REPLACE(assay_raw, '@.*$', ''), '.', ''), '@gmail.com') ELSE assay_raw END) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CASE WHEN REGEXP_CONTAINS(assay_raw, '@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN CONCAT(REPLACE(REGEXP_REPLACE(assay_raw, '@.*$', ''), '.', ''), '@gmail.com') ELSE assay_raw END IN (SELECT CASE WHEN REGEXP_CONTAINS(assay_raw, '@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$') THEN CONCAT(REPLACE(REGEXP_REPLACE(assay_raw, '@.*$', ''), '.', ''), '@gmail.com') ELSE assay_raw END FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unexponent
  CAST(15 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') AND ABS(SAFE_CAST(assay_raw AS FLOAT64)) < 9e15 THEN CAST(CAST(SAFE_CAST(assay_raw AS FLOAT64) AS INT64) AS STRING) ELSE assay_raw END) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') AND ABS(SAFE_CAST(assay_raw AS FLOAT64)) < 9e15 THEN CAST(CAST(SAFE_CAST(assay_raw AS FLOAT64) AS INT64) AS STRING) ELSE assay_raw END IN (SELECT CASE WHEN REGEXP_CONTAINS(assay_raw, '^-?[0-9.]+[eE][+-]?[0-9]+$') AND ABS(SAFE_CAST(assay_raw AS FLOAT64)) < 9e15 THEN CAST(CAST(SAFE_CAST(assay_raw AS FLOAT64) AS INT64) AS STRING) ELSE assay_raw END FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unfloat
  CAST(16 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '\\.0+$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '\\.0+$', '') IN (SELECT REGEXP_REPLACE(assay_raw, '\\.0+$', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unmailto
  CAST(17 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^[Mm][Aa][Ii][Ll][Tt][Oo]:', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unprefix
  CAST(18 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^u\'-', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^u\'-', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^u\'-', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unquote
  CAST(19 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^["\']+|["\']+$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^["\']+|["\']+$', '') IN (SELECT REGEXP_REPLACE(assay_raw, '^["\']+|["\']+$', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unsuffix
  CAST(20 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, 'u\'-$', '')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, 'u\'-$', '') IN (SELECT REGEXP_REPLACE(assay_raw, 'u\'-$', '') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- untag
  CAST(21 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '\\+[^@]*@', '@')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '\\+[^@]*@', '@') IN (SELECT REGEXP_REPLACE(assay_raw, '\\+[^@]*@', '@') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- unzero
  CAST(22 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '^0+([0-9])', '\\1')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '^0+([0-9])', '\\1') IN (SELECT REGEXP_REPLACE(assay_raw, '^0+([0-9])', '\\1') FROM assay_right_assay_met_2)
UNION ALL
SELECT -- upper
  CAST(23 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT UPPER(assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE UPPER(assay_raw) IN (SELECT UPPER(assay_raw) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- upperhex
  CAST(24 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT UPPER(assay_raw)) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE UPPER(assay_raw) IN (SELECT UPPER(assay_raw) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- uuid
  CAST(25 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT CONCAT(SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 1, 8), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 9, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 13, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 17, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 21))) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE CONCAT(SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 1, 8), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 9, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 13, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 17, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 21)) IN (SELECT CONCAT(SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 1, 8), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 9, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 13, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 17, 4), '-', SUBSTR(LOWER(REGEXP_REPLACE(assay_raw, '^[Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:|[{}-]', '')), 21)) FROM assay_right_assay_met_2)
UNION ALL
SELECT -- zeroless
  CAST(26 AS INT64) AS try,
  CAST(COUNT(*) AS INT64) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT REGEXP_REPLACE(assay_raw, '(^|[^0-9])0+([0-9])', '\\1\\2')) FROM assay_sample_units) AS INT64) AS merged
FROM assay_sample_units
WHERE REGEXP_REPLACE(assay_raw, '(^|[^0-9])0+([0-9])', '\\1\\2') IN (SELECT REGEXP_REPLACE(assay_raw, '(^|[^0-9])0+([0-9])', '\\1\\2') FROM assay_right_assay_met_2)
ORDER BY 1

-- === other columns of feedback: which columns hold the identifiers of the other side
-- Purpose: which columns of feedback hold the identifiers of the other side?
-- Rows: one per column that holds any. Numbers: matched identifiers of the other side's sample; identifiers in
--   the rows that hold them.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
cells AS (
  SELECT
    k.n AS assay_column,
    CAST(f.`conversation_id` AS STRING) AS assay_id,
    CASE k.n
      WHEN 0 THEN CAST(f.`conversation_id` AS STRING)
      WHEN 1 THEN CAST(f.`timestamp` AS STRING)
    END AS assay_value
  FROM assay_source AS f
  CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1) AS k
)
SELECT
  CAST(c.assay_column AS INT64) AS assay_column,
  CAST(COUNT(DISTINCT s.assay_raw) AS INT64) AS matched,
  CAST(COUNT(DISTINCT c.assay_id) AS INT64) AS identifiers
FROM cells AS c
JOIN assay_sample_units AS s
  ON s.assay_raw = c.assay_value
GROUP BY c.assay_column
ORDER BY 1

-- === other columns of exposures: which columns hold the identifiers of the other side
-- Purpose: which columns of exposures hold the identifiers of the other side?
-- Rows: one per column that holds any. Numbers: matched identifiers of the other side's sample; identifiers in
--   the rows that hold them.
WITH assay_source AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
),
cells AS (
  SELECT
    k.n AS assay_column,
    CAST(f.`user_id` AS STRING) AS assay_id,
    CASE k.n
      WHEN 0 THEN CAST(f.`variation_id` AS STRING)
    END AS assay_value
  FROM assay_source AS f
  CROSS JOIN (SELECT 0 AS n) AS k
)
SELECT
  CAST(c.assay_column AS INT64) AS assay_column,
  CAST(COUNT(DISTINCT s.assay_raw) AS INT64) AS matched,
  CAST(COUNT(DISTINCT c.assay_id) AS INT64) AS identifiers
FROM cells AS c
JOIN assay_right_assay_met_2 AS s
  ON s.assay_raw = c.assay_value
GROUP BY c.assay_column
ORDER BY 1

-- === clock of feedback: whether another clock brings its rows into the windows
-- Purpose: would the rows of feedback fall inside the windows if its clock were set otherwise?
-- Rows: one per shift, in half hours. Numbers: units of the sample with a row inside the window, were all
--   rows that much later.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT
    f.`conversation_id` AS assay_id,
    CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END AS assay_at
  FROM assay_source AS f
),
lags AS (
  SELECT DISTINCT
    u.assay_raw,
    f.assay_at - u.assay_anchor AS assay_lag
  FROM facts AS f
  JOIN assay_links_owner AS l
    ON l.assay_from = f.assay_id
  JOIN assay_doctor_units AS u
    ON u.assay_unit = l.assay_to
  JOIN assay_sample_units AS s
    ON s.assay_raw = u.assay_raw
)
SELECT
  CAST(k.n AS INT64) AS half_hours,
  CAST(COUNT(DISTINCT assay_raw) AS INT64) AS in_window
FROM lags
CROSS JOIN (SELECT -28 AS n UNION ALL SELECT -27 UNION ALL SELECT -26 UNION ALL SELECT -25 UNION ALL SELECT -24 UNION ALL SELECT -23 UNION ALL SELECT -22 UNION ALL SELECT -21 UNION ALL SELECT -20 UNION ALL SELECT -19 UNION ALL SELECT -18 UNION ALL SELECT -17 UNION ALL SELECT -16 UNION ALL SELECT -15 UNION ALL SELECT -14 UNION ALL SELECT -13 UNION ALL SELECT -12 UNION ALL SELECT -11 UNION ALL SELECT -10 UNION ALL SELECT -9 UNION ALL SELECT -8 UNION ALL SELECT -7 UNION ALL SELECT -6 UNION ALL SELECT -5 UNION ALL SELECT -4 UNION ALL SELECT -3 UNION ALL SELECT -2 UNION ALL SELECT -1 UNION ALL SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15 UNION ALL SELECT 16 UNION ALL SELECT 17 UNION ALL SELECT 18 UNION ALL SELECT 19 UNION ALL SELECT 20 UNION ALL SELECT 21 UNION ALL SELECT 22 UNION ALL SELECT 23 UNION ALL SELECT 24 UNION ALL SELECT 25 UNION ALL SELECT 26 UNION ALL SELECT 27 UNION ALL SELECT 28) AS k
WHERE assay_lag + CAST(k.n AS INT64) * 1800000000 >= 0
GROUP BY k.n
ORDER BY 1

-- === hours of feedback: since when they meet or no longer
-- Purpose: since when do the identifiers of feedback meet the exposed units, or no longer?
-- Rows: one per hour or day. hour in microseconds since 1970 UTC. Numbers: identifiers with rows in it, and those of
--   them that meet a unit.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT
    CAST(f.`conversation_id` AS STRING) AS assay_raw,
    f.`conversation_id` AS assay_id,
    CASE WHEN REGEXP_CONTAINS(CAST(f.`timestamp` AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(f.`timestamp` AS TIMESTAMP)) ELSE UNIX_MICROS(TIMESTAMP(CAST(f.`timestamp` AS DATETIME), 'Europe/Berlin')) END AS assay_at
  FROM assay_source AS f
)
SELECT
  CAST(f.assay_at - MOD(f.assay_at, 3600000000) AS INT64) AS hour,
  CAST(COUNT(DISTINCT f.assay_raw) AS INT64) AS identifiers,
  CAST(COUNT(DISTINCT CASE WHEN u.assay_raw IS NOT NULL THEN f.assay_raw END) AS INT64) AS matched
FROM facts AS f
LEFT JOIN assay_links_owner AS l
  ON l.assay_from = f.assay_id
LEFT JOIN assay_doctor_units AS u
  ON u.assay_unit = l.assay_to
WHERE f.assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
  AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
GROUP BY 1
ORDER BY 1

-- === hours of exposures in feedback: which units are not found yet
-- Purpose: the units of which hours of first exposure are found in feedback?
-- Rows: one per hour. hour in microseconds since 1970 UTC. Numbers: identifiers first exposed in the hour, and those
--   of them that have any row.
SELECT
  CAST(u.assay_anchor - MOD(u.assay_anchor, 86400000000) AS INT64) AS hour,
  CAST(COUNT(DISTINCT u.assay_raw) AS INT64) AS identifiers,
  CAST(COUNT(DISTINCT m.assay_unit) AS INT64) AS matched
FROM assay_doctor_units AS u
LEFT JOIN assay_met_2 AS m
  ON m.assay_unit = u.assay_raw
WHERE u.assay_raw IS NOT NULL
GROUP BY 1
ORDER BY 1

-- === values of timestamp: which environments the rows of feedback come from
-- Purpose: which environments the rows of feedback come from.
-- Rows: the ten commonest values of timestamp. Numbers: rows.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
)
SELECT
  SUBSTR(CAST(f.`timestamp` AS STRING), 1, 40) AS value,
  CAST(COUNT(*) AS INT64) AS n
FROM assay_source AS f
WHERE f.`timestamp` IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 10

-- === values of variation_id: which environments the rows of exposures come from
-- Purpose: which environments the rows of exposures come from.
-- Rows: the ten commonest values of variation_id. Numbers: rows.
WITH assay_source AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000+00:00' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000+00:00'
)
SELECT
  SUBSTR(CAST(f.`variation_id` AS STRING), 1, 40) AS value,
  CAST(COUNT(*) AS INT64) AS n
FROM assay_source AS f
WHERE f.`variation_id` IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 10

-- === size of owner: how much there is to look at
-- Purpose: how much does owner give over the span that is looked at?
-- Rows: one. Numbers: rows; bytes of their identifiers, as texts, and timestamps.
SELECT
  CAST(COUNT(*) AS INT64) AS n,
  CAST(COALESCE(SUM(8 + COALESCE(BYTE_LENGTH(CAST(counted.`conversation_id` AS STRING)), 0)), 0) AS INT64) AS bytes
FROM (
  SELECT conversation_id, user_id, started_at AS timestamp FROM conversations
) AS counted

-- === pairs of owner: both identifiers of owner
-- Purpose: both identifiers of owner, as they are written.
-- Rows: one per pair.
CREATE TEMP TABLE assay_pairs_assay_met_2 AS
WITH assay_join AS ( -- owner
  SELECT conversation_id, user_id, started_at AS timestamp FROM conversations
)
SELECT DISTINCT
  CAST(j.`conversation_id` AS STRING) AS assay_from,
  CAST(j.`user_id` AS STRING) AS assay_to
FROM assay_join AS j

-- === through owner: whether owner brings them to the units
-- Purpose: would owner bring the identifiers of feedback to the exposed units?
-- Rows: one. Numbers: matched units of the sample; links pairs; linked identifiers of conversation_id, and those of
--   them that are linked to several; exposed units that have a pair.
WITH brought AS (
  SELECT COUNT(DISTINCT s.assay_raw) AS n
  FROM assay_pairs_assay_met_2 AS p
  JOIN assay_right_assay_met_2 AS r
    ON r.assay_raw = p.assay_from
  JOIN assay_sample_units AS s
    ON s.assay_raw = p.assay_to
),
partners AS (
  SELECT
    assay_from,
    COUNT(*) AS assay_pairs,
    COUNT(DISTINCT assay_to) AS assay_partners
  FROM assay_pairs_assay_met_2
  GROUP BY assay_from
),
links AS (
  SELECT
    COALESCE(SUM(assay_pairs), 0) AS pairs,
    COUNT(assay_from) AS linked,
    COALESCE(SUM(CASE WHEN assay_partners > 1 THEN 1 ELSE 0 END), 0) AS fanned_out
  FROM partners
),
exposed AS (
  SELECT COUNT(DISTINCT p.assay_to) AS n
  FROM assay_pairs_assay_met_2 AS p
  JOIN assay_doctor_units AS u
    ON u.assay_raw = p.assay_to
)
SELECT
  CAST(b.n AS INT64) AS matched,
  CAST(l.pairs AS INT64) AS links,
  CAST(l.linked AS INT64) AS linked,
  CAST(l.fanned_out AS INT64) AS fanned_out,
  CAST(e.n AS INT64) AS exposed
FROM brought AS b
CROSS JOIN links AS l
CROSS JOIN exposed AS e

-- === mended clock of feedback: 
  SELECT * REPLACE (TIMESTAMP_MICROS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) - 10800000000 /* 3h */) AS `timestamp`)
  FROM (
    SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
  ) AS unmended
-- === mended column of feedback: 
  SELECT * REPLACE (LOWER(REGEXP_REPLACE(CAST(`conversation_id` AS STRING), '^[\\s ​﻿]+|[\\s ​﻿]+$', '')) AS `conversation_id`)
  FROM (
    SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
  ) AS unmended
-- === mended linking of feedback: 
  SELECT DISTINCT TO_HEX(SHA256(CAST(`conversation_id` AS STRING))) AS `assay digest`, `conversation_id`
  FROM (
    SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
  ) AS unmended
-- === mended other of feedback: 
  SELECT * EXCEPT (`conversation_id`), `conversation_id` AS `assay other id`
  FROM (
    SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
  ) AS unmended
-- === mended scaled of feedback: 
  SELECT * REPLACE (TIMESTAMP_MICROS(CAST(CASE WHEN ABS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP))) < 100000000000 THEN UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) * 1000000 WHEN ABS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP))) < 100000000000000 THEN UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) * 1000 WHEN ABS(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP))) < 100000000000000000 THEN UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) ELSE FLOOR(UNIX_MICROS(CAST(`timestamp` AS TIMESTAMP)) / 1000) END AS INT64)) AS `timestamp`)
  FROM (
    SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
  ) AS unmended
