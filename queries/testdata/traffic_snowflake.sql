-- === exposures outside: exposures before the start and after the end
-- Purpose: which exposures of answer-v2 lie outside of its dates?
-- Rows: one per side (before, after) and variation (2: undeclared). Numbers: exposures in rows; units;
--   first and last exposure in microseconds since 1970 UTC.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TO_TIMESTAMP_TZ('2026-02-18 12:00:00.000000 +00:00') AND exposed_at < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
exposures AS (
  SELECT
    CAST(a.user_id AS VARCHAR) AS assay_unit,
    DATE_PART(EPOCH_MICROSECOND, a.timestamp) AS assay_at,
    CAST(CASE CAST(a.variation_id AS VARCHAR)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INTEGER) AS assay_arm,
    COALESCE(CAST(a.platform AS VARCHAR), '') AS assay_dimension_1_value,
    COALESCE(CAST(a.app_version AS VARCHAR), '') AS assay_dimension_2_value
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer\'s v2'
),
sided AS (
  SELECT
    exposures.*,
    CASE WHEN assay_at < 1774008000000000 /* 2026-03-20 12:00:00Z */ THEN 'before' ELSE 'after' END AS assay_side
  FROM exposures
  WHERE assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
    AND (assay_at < 1774008000000000 /* 2026-03-20 12:00:00Z */ OR assay_at >= 1774872000000000 /* 2026-03-30 12:00:00Z */)
)
SELECT
  assay_side AS side,
  CAST(assay_arm AS BIGINT) AS arm,
  CAST(COUNT(*) AS BIGINT) AS exposures,
  CAST(COUNT(DISTINCT assay_unit) AS BIGINT) AS units,
  CAST(MIN(assay_at) AS BIGINT) AS first_exposure,
  CAST(MAX(assay_at) AS BIGINT) AS last_exposure
FROM sided
GROUP BY assay_side, assay_arm
ORDER BY 1, 2

-- === switches: when units came into a second variation
-- Purpose: when did units of answer-v2 first show a second variation, and which?
-- Rows: one per hour (UTC) and pair of the first and the second variation (2: undeclared). Numbers: hour in
--   microseconds since 1970 UTC; units.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TO_TIMESTAMP_TZ('2026-03-20 12:00:00.000000 +00:00') AND exposed_at < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
exposures AS (
  SELECT
    CAST(a.user_id AS VARCHAR) AS assay_unit,
    DATE_PART(EPOCH_MICROSECOND, a.timestamp) AS assay_at,
    CAST(CASE CAST(a.variation_id AS VARCHAR)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INTEGER) AS assay_arm,
    COALESCE(CAST(a.platform AS VARCHAR), '') AS assay_dimension_1_value,
    COALESCE(CAST(a.app_version AS VARCHAR), '') AS assay_dimension_2_value
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer\'s v2'
),
arms AS (
  SELECT assay_unit, assay_arm, MIN(assay_at) AS assay_since
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
    AND assay_unit IS NOT NULL
  GROUP BY assay_unit, assay_arm
),
ordered AS (
  SELECT
    assay_arm,
    assay_since,
    LAG(assay_arm) OVER (PARTITION BY assay_unit ORDER BY assay_since, assay_arm) AS assay_before,
    ROW_NUMBER() OVER (PARTITION BY assay_unit ORDER BY assay_since, assay_arm) AS assay_place
  FROM arms
)
SELECT
  CAST(assay_before AS BIGINT) AS arm_before,
  CAST(assay_arm AS BIGINT) AS arm_after,
  CAST(assay_since - MOD(assay_since, 3600000000) AS BIGINT) AS hour,
  CAST(COUNT(*) AS BIGINT) AS units
FROM ordered
WHERE assay_place = 2
GROUP BY 1, 2, 3
ORDER BY 3, 1, 2

-- === exposures by hour: the volume of exposures
-- Purpose: how many exposures of answer-v2 are there in every hour?
-- Rows: one per hour (UTC). Numbers: hour in microseconds since 1970 UTC; rows.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TO_TIMESTAMP_TZ('2026-03-20 12:00:00.000000 +00:00') AND exposed_at < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
exposures AS (
  SELECT
    CAST(a.user_id AS VARCHAR) AS assay_unit,
    DATE_PART(EPOCH_MICROSECOND, a.timestamp) AS assay_at,
    CAST(CASE CAST(a.variation_id AS VARCHAR)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INTEGER) AS assay_arm,
    COALESCE(CAST(a.platform AS VARCHAR), '') AS assay_dimension_1_value,
    COALESCE(CAST(a.app_version AS VARCHAR), '') AS assay_dimension_2_value
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer\'s v2'
),
inside AS (
  SELECT assay_at
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
)
SELECT
  CAST(assay_at - MOD(assay_at, 3600000000) AS BIGINT) AS hour,
  CAST(COUNT(*) AS BIGINT) AS n
FROM inside
GROUP BY 1
ORDER BY 1

-- === missing identifiers by platform: where identifiers are missing
-- Purpose: from which platform come exposures of answer-v2 without an identifier?
-- Rows: one per value (the twenty with most of them) and variation (2: undeclared). Numbers: exposures and
--   those without an identifier in rows; the first of these in microseconds since 1970 UTC.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TO_TIMESTAMP_TZ('2026-03-20 12:00:00.000000 +00:00') AND exposed_at < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
exposures AS (
  SELECT
    CAST(a.user_id AS VARCHAR) AS assay_unit,
    DATE_PART(EPOCH_MICROSECOND, a.timestamp) AS assay_at,
    CAST(CASE CAST(a.variation_id AS VARCHAR)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INTEGER) AS assay_arm,
    COALESCE(CAST(a.platform AS VARCHAR), '') AS assay_dimension_1_value,
    COALESCE(CAST(a.app_version AS VARCHAR), '') AS assay_dimension_2_value
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer\'s v2'
),
counted AS (
  SELECT
    assay_dimension_1_value AS assay_value,
    assay_arm,
    COUNT(*) AS n,
    SUM(CASE WHEN assay_unit IS NULL THEN 1 ELSE 0 END) AS missing,
    MIN(CASE WHEN assay_unit IS NULL THEN assay_at END) AS first_missing
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  GROUP BY assay_dimension_1_value, assay_arm
),
worst AS (
  SELECT assay_value
  FROM counted
  GROUP BY assay_value
  ORDER BY SUM(missing) DESC, assay_value
  LIMIT 20
)
SELECT
  c.assay_value AS value,
  CAST(c.assay_arm AS BIGINT) AS arm,
  CAST(c.n AS BIGINT) AS exposures,
  CAST(c.missing AS BIGINT) AS missing,
  CAST(c.first_missing AS BIGINT) AS first_missing
FROM counted AS c
JOIN worst AS w
  ON w.assay_value = c.assay_value
ORDER BY 1, 2

-- === missing identifiers by app_version: where identifiers are missing
-- Purpose: from which app_version come exposures of answer-v2 without an identifier?
-- Rows: one per value (the twenty with most of them) and variation (2: undeclared). Numbers: exposures and
--   those without an identifier in rows; the first of these in microseconds since 1970 UTC.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TO_TIMESTAMP_TZ('2026-03-20 12:00:00.000000 +00:00') AND exposed_at < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
exposures AS (
  SELECT
    CAST(a.user_id AS VARCHAR) AS assay_unit,
    DATE_PART(EPOCH_MICROSECOND, a.timestamp) AS assay_at,
    CAST(CASE CAST(a.variation_id AS VARCHAR)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INTEGER) AS assay_arm,
    COALESCE(CAST(a.platform AS VARCHAR), '') AS assay_dimension_1_value,
    COALESCE(CAST(a.app_version AS VARCHAR), '') AS assay_dimension_2_value
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer\'s v2'
),
counted AS (
  SELECT
    assay_dimension_2_value AS assay_value,
    assay_arm,
    COUNT(*) AS n,
    SUM(CASE WHEN assay_unit IS NULL THEN 1 ELSE 0 END) AS missing,
    MIN(CASE WHEN assay_unit IS NULL THEN assay_at END) AS first_missing
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  GROUP BY assay_dimension_2_value, assay_arm
),
worst AS (
  SELECT assay_value
  FROM counted
  GROUP BY assay_value
  ORDER BY SUM(missing) DESC, assay_value
  LIMIT 20
)
SELECT
  c.assay_value AS value,
  CAST(c.assay_arm AS BIGINT) AS arm,
  CAST(c.n AS BIGINT) AS exposures,
  CAST(c.missing AS BIGINT) AS missing,
  CAST(c.first_missing AS BIGINT) AS first_missing
FROM counted AS c
JOIN worst AS w
  ON w.assay_value = c.assay_value
ORDER BY 1, 2

-- === lag of exposures: how long after assignment exposures are logged
-- Purpose: how long after its assignment was the first exposure of each unit of answer-v2 logged?
-- Rows: one per stratum (epoch x 2 + variation) and lag (-1 before it, 0 within an hour, 1 within a day, 2
--   later; NULL without an assignment). Numbers: units; the longest lag in microseconds.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer\'s v2'
    AND exposed_at >= TO_TIMESTAMP_TZ('2026-03-20 12:00:00.000000 +00:00') AND exposed_at < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
exposures AS (
  SELECT
    CAST(a.user_id AS VARCHAR) AS assay_id,
    DATE_PART(EPOCH_MICROSECOND, a.timestamp) AS assay_at,
    DATE_PART(EPOCH_MICROSECOND, a.assigned_at) AS assay_assigned
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer\'s v2'
),
assigned AS (
  SELECT
    assay_id,
    MIN(assay_at) AS assay_first,
    MIN(assay_assigned) AS assay_assigned
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  GROUP BY assay_id
),
lags AS (
  SELECT
    u.assay_stratum,
    a.assay_first - a.assay_assigned AS assay_lag
  FROM assay_units AS u
  JOIN assigned AS a
    ON a.assay_id = u.assay_unit
  WHERE u.assay_stratum >= 0
),
placed AS (
  SELECT
    assay_stratum,
    assay_lag,
    CASE
      WHEN assay_lag < 0 THEN -1
      WHEN assay_lag < 3600000000 THEN 0
      WHEN assay_lag < 86400000000 THEN 1
      WHEN assay_lag IS NOT NULL THEN 2
    END AS assay_place
  FROM lags
)
SELECT
  CAST(assay_stratum AS BIGINT) AS assay_stratum,
  CAST(assay_place AS BIGINT) AS lag,
  CAST(COUNT(*) AS BIGINT) AS units,
  CAST(MAX(assay_lag) AS BIGINT) AS longest
FROM placed
GROUP BY assay_stratum, assay_place
ORDER BY 1, 2

-- === facts of events by hour: the volume of events
-- Purpose: how many facts of events are there in every hour, of whomever?
-- Rows: one per hour (UTC). Numbers: hour in microseconds since 1970 UTC; rows.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TO_TIMESTAMP_TZ('2026-03-20 12:00:00.000000 +00:00') AND ts < TO_TIMESTAMP_TZ('2026-03-30 12:00:00.000000 +00:00')
),
facts AS (
  SELECT DATE_PART(EPOCH_MICROSECOND, f.timestamp) AS assay_at
  FROM assay_source AS f
)
SELECT
  CAST(assay_at - MOD(assay_at, 3600000000) AS BIGINT) AS hour,
  CAST(COUNT(*) AS BIGINT) AS n
FROM facts
WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
  AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
GROUP BY 1
ORDER BY 1

-- === facts of feedback by hour: the volume of feedback
-- Purpose: how many facts of feedback are there in every hour, of whomever?
-- Rows: one per hour (UTC). Numbers: hour in microseconds since 1970 UTC; rows.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT CASE WHEN SYSTEM$TYPEOF(f.timestamp) LIKE ANY ('TIMESTAMP_TZ%', 'TIMESTAMP_LTZ%') THEN DATE_PART(EPOCH_MICROSECOND, f.timestamp) ELSE DATE_PART(EPOCH_MICROSECOND, CONVERT_TIMEZONE('Europe/Berlin', 'UTC', CAST(f.timestamp AS TIMESTAMP_NTZ))) END AS assay_at
  FROM assay_source AS f
)
SELECT
  CAST(assay_at - MOD(assay_at, 3600000000) AS BIGINT) AS hour,
  CAST(COUNT(*) AS BIGINT) AS n
FROM facts
WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
  AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
GROUP BY 1
ORDER BY 1

-- === sample of units: units whose variation is drawn again
-- Purpose: units of answer-v2 with what a flag may have hashed, to draw their variation again.
-- Rows: one per unit, 20000 at the most. Numbers: stratum (epoch x 2 + variation).
SELECT
  CAST(u.assay_unit AS VARCHAR) AS unit_id,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  u.assay_dimension_1,
  u.assay_dimension_2
FROM assay_units AS u
WHERE u.assay_stratum >= 0
-- An order that every run repeats and that has nothing to do with what identifiers begin with, which may be a platform:
-- the instant of the first exposure, scattered by two primes, then the identifier from its end.
ORDER BY MOD(MOD(u.assay_anchor, 999983) * 7919, 999983), REVERSE(CAST(u.assay_unit AS VARCHAR))
LIMIT 20000

