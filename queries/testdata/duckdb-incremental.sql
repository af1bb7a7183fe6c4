-- === recent units: exposures since what earlier looks kept
-- Purpose: the exposures of answer-v2 since 1774699200000000 /* 2026-03-28 12:00:00Z */, which is all that is scanned of them.
-- Rows: one per unit and side of the instant up to which this look keeps them (assay_late: after it).
-- Numbers: assay_low and assay_high, the first and the last of its variations; assay_anchor and
--   assay_newest, first and last exposure in microseconds since 1970 UTC; assay_exposures in rows.
CREATE TEMP TABLE assay_recent AS
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer''s v2'
    AND exposed_at >= TIMESTAMP '2026-03-28 12:00:00.000000' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000'
),
exposures AS (
  SELECT
    CAST(a."user_id" AS VARCHAR) AS assay_unit,
    epoch_us(a."timestamp") AS assay_at,
    CAST(CASE CAST(a.variation_id AS VARCHAR)
      WHEN 'v1' THEN 0
      WHEN 'v2' THEN 1
      ELSE 2
    END AS INTEGER) AS assay_arm,
    COALESCE(CAST(a."platform" AS VARCHAR), '') AS assay_dimension_1_value,
    COALESCE(CAST(a."app_version" AS VARCHAR), '') AS assay_dimension_2_value
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer''s v2'
),
sided AS (
  SELECT
    exposures.*,
    assay_at >= 1774785600000000 /* 2026-03-29 12:00:00Z */ AS assay_late
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
    AND assay_at >= 1774699200000000 /* 2026-03-28 12:00:00Z */
)
SELECT
  assay_unit,
  assay_late,
  MIN(assay_arm) AS assay_low,
  MAX(assay_arm) AS assay_high,
  MIN(assay_at) AS assay_anchor,
  MAX(assay_at) AS assay_newest,
  COUNT(*) AS assay_exposures,
  -- Values at the first exposure: sixteen digits of time sort them to the front.
  SUBSTR(MIN(CONCAT(LPAD(CAST(assay_at AS VARCHAR), 16, '0'), assay_dimension_1_value)), 17) AS assay_dimension_1,
  SUBSTR(MIN(CONCAT(LPAD(CAST(assay_at AS VARCHAR), 16, '0'), assay_dimension_2_value)), 17) AS assay_dimension_2
FROM sided
-- Without an identifier, variations are kept apart.
GROUP BY assay_unit, assay_late, CASE WHEN assay_unit IS NULL THEN assay_arm END

-- === keep exposures: units that were exposed again, or for the first time
MERGE INTO "kept"."units" AS k
USING (
  SELECT *
  FROM assay_recent
  WHERE NOT assay_late
) AS r
ON r.assay_unit IS NOT DISTINCT FROM k.assay_unit
  AND CASE WHEN r.assay_unit IS NULL THEN r.assay_low END IS NOT DISTINCT FROM CASE WHEN k.assay_unit IS NULL THEN k.assay_low END
-- All that can change: the first exposure of a unit that is there is before these.
WHEN MATCHED THEN UPDATE SET
  assay_low = LEAST(k.assay_low, r.assay_low),
  assay_high = GREATEST(k.assay_high, r.assay_high),
  assay_newest = r.assay_newest,
  assay_exposures = k.assay_exposures + r.assay_exposures
WHEN NOT MATCHED THEN INSERT (assay_unit, assay_low, assay_high, assay_anchor, assay_newest, assay_exposures, assay_dimension_1, assay_dimension_2)
  VALUES (r.assay_unit, r.assay_low, r.assay_high, r.assay_anchor, r.assay_newest, r.assay_exposures, r.assay_dimension_1, r.assay_dimension_2)
-- === kept units: the units that are kept
CREATE TEMP TABLE assay_all AS
SELECT *
FROM "kept"."units"
-- === add exposures: units that were exposed again, or for the first time
MERGE INTO assay_all AS k
USING (
  SELECT *
  FROM assay_recent
  WHERE assay_late
) AS r
ON r.assay_unit IS NOT DISTINCT FROM k.assay_unit
  AND CASE WHEN r.assay_unit IS NULL THEN r.assay_low END IS NOT DISTINCT FROM CASE WHEN k.assay_unit IS NULL THEN k.assay_low END
-- All that can change: the first exposure of a unit that is there is before these.
WHEN MATCHED THEN UPDATE SET
  assay_low = LEAST(k.assay_low, r.assay_low),
  assay_high = GREATEST(k.assay_high, r.assay_high),
  assay_newest = r.assay_newest,
  assay_exposures = k.assay_exposures + r.assay_exposures
WHEN NOT MATCHED THEN INSERT (assay_unit, assay_low, assay_high, assay_anchor, assay_newest, assay_exposures, assay_dimension_1, assay_dimension_2)
  VALUES (r.assay_unit, r.assay_low, r.assay_high, r.assay_anchor, r.assay_newest, r.assay_exposures, r.assay_dimension_1, r.assay_dimension_2)
-- === units: one row per unit: first exposure, variation, epoch
-- Purpose: one row per unit of answer-v2 with its first exposure and variation.
-- Rows: assay_unit; assay_stratum (epoch x 2 + variation; -1 several variations,
--   -2 undeclared variation, -3 first exposed while a change settled, -4 no identifier).
-- Numbers: assay_anchor and assay_newest, first and last exposure in microseconds since 1970 UTC;
--   assay_exposures in rows; assay_low and assay_high, the first and the last of its variations.
CREATE TEMP VIEW assay_units AS
SELECT
  assay_unit,
  CAST(CASE
    WHEN assay_unit IS NULL THEN -4
    WHEN assay_low <> assay_high THEN -1
    WHEN assay_low = 2 THEN -2
    WHEN assay_anchor < 1774191600000000 /* 2026-03-22 15:00:00Z */ THEN assay_low
    WHEN assay_anchor < 1774192200000000 /* 2026-03-22 15:10:00Z */ THEN -3
    ELSE 2 + assay_low
  END AS INTEGER) AS assay_stratum,
  assay_anchor,
  assay_newest,
  assay_exposures,
  assay_low,
  assay_high,
  assay_dimension_1,
  assay_dimension_2
FROM assay_all

-- === links of owner: one user_id for every conversation_id
-- Purpose: which user_id does each conversation_id belong to? The earliest link wins.
-- Rows: one per conversation_id. Numbers: assay_fanned 1 where several user_ids were linked.
CREATE TEMP TABLE assay_links_owner AS
WITH assay_join AS ( -- owner
  SELECT conversation_id, user_id, started_at AS timestamp FROM conversations
),
pairs AS (
  SELECT
    j."conversation_id" AS assay_from,
    CAST(j."user_id" AS VARCHAR) AS assay_to,
    CASE WHEN typeof(j."timestamp") LIKE '% WITH TIME ZONE' THEN epoch_us(j."timestamp") ELSE epoch_us(timezone('Europe/Berlin', CAST(j."timestamp" AS TIMESTAMP))) END AS assay_at
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

-- === health of owner: how far the join fans out
-- Purpose: how many identifiers of join owner are linked, and how many ambiguously?
-- Rows: one. Numbers: identifiers.
SELECT
  CAST(COUNT(*) AS BIGINT) AS links,
  CAST(COALESCE(SUM(assay_fanned), 0) AS BIGINT) AS fanned_out
FROM assay_links_owner

-- === summary: counts units per variation and epoch
-- Purpose: how many units and exposures there are, and how many windows have closed.
-- Rows: one per stratum. Numbers: newest in microseconds since 1970 UTC; closed_*: units whose
--   window has closed at as-of, which it does that long after their first exposure.
--   rows_mean, rows_var and rows_third: moments of a unit's exposures, of which a hundred count at the most, so that
--   no robot decides; the third is the mean of the cubed number.
SELECT
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(COUNT(*) AS BIGINT) AS units,
  CAST(SUM(u.assay_exposures) AS BIGINT) AS exposures,
  CAST(MAX(u.assay_newest) AS BIGINT) AS newest,
  CAST(AVG(LEAST(u.assay_exposures, 100)) AS DOUBLE) AS rows_mean,
  CAST(VAR_SAMP(LEAST(u.assay_exposures, 100)) AS DOUBLE) AS rows_var,
  CAST(AVG(LEAST(u.assay_exposures, 100) * LEAST(u.assay_exposures, 100) * LEAST(u.assay_exposures, 100)) AS DOUBLE) AS rows_third,
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774612800000000 /* 2026-03-27 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_0, -- 3d
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774267200000000 /* 2026-03-23 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_1, -- 7d
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774699200000000 /* 2026-03-28 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_2, -- 2d
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774782000000000 /* 2026-03-29 11:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_3 -- 1d1h
FROM assay_units AS u
GROUP BY u.assay_stratum
ORDER BY 1

-- === hours: counts first exposures per hour
-- Purpose: when units were first exposed.
-- Rows: one per hour (UTC) and stratum. Numbers: hour in microseconds since 1970 UTC; units.
SELECT
  CAST(u.assay_anchor - MOD(u.assay_anchor, 3600000000) AS BIGINT) AS hour,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(COUNT(*) AS BIGINT) AS units
FROM assay_units AS u
WHERE u.assay_stratum >= 0
GROUP BY 1, 2
ORDER BY 1, 2

-- === dimension platform: counts units per platform
-- Purpose: does the split hold for every platform?
-- Rows: one per value at first exposure (the twenty with most units) and stratum. Numbers: units.
WITH largest AS (
  SELECT assay_dimension_1 AS assay_value
  FROM assay_units
  WHERE assay_stratum >= 0
  GROUP BY assay_dimension_1
  ORDER BY COUNT(*) DESC, assay_dimension_1
  LIMIT 20
)
SELECT
  u.assay_dimension_1 AS value,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(COUNT(*) AS BIGINT) AS units
FROM assay_units AS u
JOIN largest AS l
  ON l.assay_value = u.assay_dimension_1
WHERE u.assay_stratum >= 0
GROUP BY u.assay_dimension_1, u.assay_stratum
ORDER BY 1, 2

-- === dimension app_version: counts units per app_version
-- Purpose: does the split hold for every app_version?
-- Rows: one per value at first exposure (the twenty with most units) and stratum. Numbers: units.
WITH largest AS (
  SELECT assay_dimension_2 AS assay_value
  FROM assay_units
  WHERE assay_stratum >= 0
  GROUP BY assay_dimension_2
  ORDER BY COUNT(*) DESC, assay_dimension_2
  LIMIT 20
)
SELECT
  u.assay_dimension_2 AS value,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(COUNT(*) AS BIGINT) AS units
FROM assay_units AS u
JOIN largest AS l
  ON l.assay_value = u.assay_dimension_2
WHERE u.assay_stratum >= 0
GROUP BY u.assay_dimension_2, u.assay_stratum
ORDER BY 1, 2

-- === recent facts of events: what newer facts of events come to for each unit
-- Purpose: what facts of events since 1774699200000000 /* 2026-03-28 12:00:00Z */, and those around newer units, come to for each unit, from one scan of it.
-- Rows: one per unit, class of its facts (-1: all of them) and side of the instant up to which this look keeps them
--   (assay_late 1: after it).
CREATE TEMP TABLE assay_recent_1 AS
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-13 12:00:00.000000' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000'
),
facts AS (
  SELECT f.*, epoch_us(f."timestamp") AS assay_at
  FROM assay_source AS f
),
once AS ( -- a fact that repeats, at its earliest time
  SELECT *
  FROM facts AS f
  WHERE f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  QUALIFY f."event_id" IS NULL
    OR ROW_NUMBER() OVER (
      PARTITION BY f."event_id"
      ORDER BY f.assay_at,
        -- Of repeats at one instant any will do, but always the same one.
        CAST(f."user_id" AS VARCHAR),
        CASE WHEN is_error THEN 1 END,
        CASE WHEN event = 'refund' THEN 1 END,
        CASE WHEN event = 'refund' THEN amount END,
        CASE WHEN event = 'purchase' THEN 1 END,
        CASE WHEN event = 'purchase' THEN amount END,
        (amount)
    ) = 1
),
counted AS ( -- one row per fact in the window of its unit
  SELECT
    u.assay_unit,
    u.assay_low,
    u.assay_anchor,
    CASE WHEN f.assay_at >= 1774785600000000 /* 2026-03-29 12:00:00Z */ OR u.assay_anchor >= 1774785600000000 /* 2026-03-29 12:00:00Z */ THEN 1 ELSE 0 END AS assay_late,
    CASE WHEN f.assay_at >= u.assay_anchor THEN f.assay_at END AS assay_at,
    CAST(CASE f.event
      WHEN 'refund' THEN 0 -- refunds
      WHEN 'purchase' THEN 1 -- revenue, purchases, price, usual_revenue, spend
    END AS INTEGER) AS assay_class,
    CASE WHEN (is_error) AND f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(1 AS DOUBLE) END AS in_m0, -- errors
    CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(amount AS DOUBLE) END AS in_m1, -- value_per_event
    CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(1 AS DOUBLE) END AS in_m2, -- value_per_event
    CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(amount AS DOUBLE) END AS in_m3, -- basket, heavy_buyer
    CASE WHEN f.assay_at < u.assay_anchor AND f.assay_at >= u.assay_anchor - 604800000000 /* 7d */ THEN CAST(amount AS DOUBLE) END AS in_m4, -- basket
    CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(1 AS DOUBLE) END AS in_m5, -- basket
    CASE WHEN f.assay_at < u.assay_anchor AND f.assay_at >= u.assay_anchor - 604800000000 /* 7d */ THEN CAST(1 AS DOUBLE) END AS in_m6, -- basket
    CASE WHEN f.assay_at >= u.assay_anchor + 86400000000 /* 1d */ AND f.assay_at < u.assay_anchor + 172800000000 /* 2d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(1 AS DOUBLE) END AS in_m7, -- came_back
    CASE
      WHEN f.event = 'refund' AND f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 604800000000 /* 7d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(amount AS DOUBLE)
      WHEN f.event = 'purchase' AND f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(amount AS DOUBLE)
    END AS in_c0_sum, -- refunds, revenue, usual_revenue
    CASE WHEN f.event = 'purchase' AND f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ THEN CAST(amount AS DOUBLE) END AS in_c0_avg, -- price
    CASE WHEN f.event = 'purchase' AND f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(1 AS DOUBLE) END AS in_c1_sum, -- purchases
    CASE WHEN f.event = 'purchase' AND f.assay_at >= u.assay_anchor AND f.assay_at < 1775217600000000 /* 2026-04-03 12:00:00Z */ THEN CAST(amount AS DOUBLE) END AS in_c2_sum, -- spend
    CASE WHEN f.event = 'purchase' AND f.assay_at < u.assay_anchor THEN CAST(amount AS DOUBLE) END AS in_c3_sum -- spend
  FROM once AS f
  JOIN assay_units AS u
    ON u.assay_unit = CAST(f."user_id" AS VARCHAR)
    AND f.assay_at >= u.assay_anchor - 1209600000000 /* 14d */
  WHERE u.assay_low = u.assay_high
    AND u.assay_low < 2
    AND (f.assay_at >= 1774699200000000 /* 2026-03-28 12:00:00Z */ OR u.assay_anchor >= 1774699200000000 /* 2026-03-28 12:00:00Z */)
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
),
cells AS (
  SELECT
    assay_unit,
    assay_low,
    assay_anchor,
    assay_late,
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE assay_class END AS assay_group,
    MAX(assay_at) AS assay_newest,
    COUNT(CASE WHEN NOT (ABS(in_m1) < CAST('1e80' AS DOUBLE)) OR NOT (ABS(in_m3) < CAST('1e80' AS DOUBLE)) OR NOT (ABS(in_m4) < CAST('1e80' AS DOUBLE)) OR NOT (ABS(in_c0_sum) < CAST('1e80' AS DOUBLE)) OR NOT (ABS(in_c0_avg) < CAST('1e80' AS DOUBLE)) OR NOT (ABS(in_c2_sum) < CAST('1e80' AS DOUBLE)) OR NOT (ABS(in_c3_sum) < CAST('1e80' AS DOUBLE)) THEN 1 END) AS assay_lost,
    SUM(in_m0) AS m0,
    SUM(CASE WHEN ABS(in_m1) < CAST('1e80' AS DOUBLE) THEN in_m1 END) AS m1,
    SUM(in_m2) AS m2,
    SUM(CASE WHEN ABS(in_m3) < CAST('1e80' AS DOUBLE) THEN in_m3 END) AS m3,
    SUM(CASE WHEN ABS(in_m4) < CAST('1e80' AS DOUBLE) THEN in_m4 END) AS m4,
    SUM(in_m5) AS m5,
    SUM(in_m6) AS m6,
    SUM(in_m7) AS m7,
    SUM(CASE WHEN ABS(in_c0_sum) < CAST('1e80' AS DOUBLE) THEN in_c0_sum END) AS c0_sum,
    SUM(CASE WHEN ABS(in_c0_avg) < CAST('1e80' AS DOUBLE) THEN in_c0_avg END) AS c0_avg_sum,
    COUNT(CASE WHEN ABS(in_c0_avg) < CAST('1e80' AS DOUBLE) THEN in_c0_avg END) AS c0_avg_of,
    SUM(in_c1_sum) AS c1_sum,
    SUM(CASE WHEN ABS(in_c2_sum) < CAST('1e80' AS DOUBLE) THEN in_c2_sum END) AS c2_sum,
    SUM(CASE WHEN ABS(in_c3_sum) < CAST('1e80' AS DOUBLE) THEN in_c3_sum END) AS c3_sum
  FROM counted
  GROUP BY GROUPING SETS (
    (assay_unit, assay_low, assay_anchor, assay_late, assay_class),
    (assay_unit, assay_low, assay_anchor, assay_late)
  )
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
)
SELECT *
FROM cells

-- === facts of events: moments of all metrics of events
-- Purpose: moments of errors, refunds, revenue, value_per_event, purchases, price, usual_revenue, spend, basket, came_back, heavy_buyer from one scan of events.
-- Rows: one per stratum and class of facts (-1: all of them), over the units that have such a fact;
--   units without one are counted by the summary and enter as zeros.
-- Numbers: *_n units, *_any units with a value other than zero, *_mean, *_var (sample variance),
--   *_den_* of the denominator, *_co (sample covariance); newest in microseconds since 1970 UTC;
--   not_finite facts with a value that is NaN, infinite or of a size of 1e80 and more, which counts as no value.
--   *_cube (mean of the cubed value): it tells the skewness, which matters where arms differ in size.
--   *_log_* of the natural logarithm, over the units with a positive value; *_log_off units with another one.
--   *_pre_* of the covariate: the same value before first exposure.
--   *_cap* the value that a percentile cap has.
WITH parts AS ( -- units with recent facts, with what is kept of them
  SELECT assay_unit, assay_low, assay_anchor, assay_group, assay_newest, assay_lost, m0, m1, m2, m3, m4, m5, m6, m7, c0_sum, c0_avg_sum, c0_avg_of, c1_sum, c2_sum, c3_sum
  FROM assay_recent_1
  UNION ALL
  SELECT assay_unit, assay_low, assay_anchor, assay_group, assay_newest, assay_lost, m0, m1, m2, m3, m4, m5, m6, m7, c0_sum, c0_avg_sum, c0_avg_of, c1_sum, c2_sum, c3_sum
  FROM "kept"."facts events" AS k
  SEMI JOIN (SELECT assay_unit AS assay_id FROM assay_recent_1) AS r
    ON r.assay_id = k.assay_unit
),
whole AS (
  SELECT
    assay_unit,
    assay_low,
    assay_anchor,
    assay_group,
    MAX(assay_newest) AS assay_newest,
    CAST(SUM(assay_lost) AS BIGINT) AS assay_lost,
    SUM(m0) AS m0,
    SUM(m1) AS m1,
    SUM(m2) AS m2,
    SUM(m3) AS m3,
    SUM(m4) AS m4,
    SUM(m5) AS m5,
    SUM(m6) AS m6,
    SUM(m7) AS m7,
    SUM(c0_sum) AS c0_sum,
    SUM(c0_avg_sum) AS c0_avg_sum,
    CAST(SUM(c0_avg_of) AS BIGINT) AS c0_avg_of,
    SUM(c1_sum) AS c1_sum,
    SUM(c2_sum) AS c2_sum,
    SUM(c3_sum) AS c3_sum
  FROM parts
  GROUP BY assay_unit, assay_low, assay_anchor, assay_group
),
gone AS ( -- units of which what is kept is not the whole
  SELECT assay_unit AS assay_id
  FROM assay_recent_1
),
several AS ( -- units that count no more
  SELECT assay_unit AS assay_id
  FROM assay_all
  WHERE assay_low <> assay_high
),
merged AS (
  SELECT assay_unit, assay_low, assay_anchor, assay_group, assay_newest, assay_lost, m0, m1, m2, m3, m4, m5, m6, m7, c0_sum, c0_avg_sum, c0_avg_of, c1_sum, c2_sum, c3_sum
  FROM "kept"."facts events" AS k
  ANTI JOIN gone
    ON gone.assay_id = k.assay_unit
  ANTI JOIN several
    ON several.assay_id = k.assay_unit
  UNION ALL
  SELECT assay_unit, assay_low, assay_anchor, assay_group, assay_newest, assay_lost, m0, m1, m2, m3, m4, m5, m6, m7, c0_sum, c0_avg_sum, c0_avg_of, c1_sum, c2_sum, c3_sum
  FROM whole
),
placed_units AS (
  SELECT
    merged.*,
    CAST(CASE
      WHEN assay_anchor < 1774191600000000 /* 2026-03-22 15:00:00Z */ THEN assay_low
      WHEN assay_anchor < 1774192200000000 /* 2026-03-22 15:10:00Z */ THEN -3
      ELSE 2 + assay_low
    END AS INTEGER) AS assay_stratum
  FROM merged
),
cells AS ( -- one row per unit and class of its facts, and one per unit over all of them
  SELECT
    p.assay_stratum,
    p.assay_group,
    p.assay_newest,
    p.assay_lost,
    m0 AS m0,
    m1 AS m1,
    m2 AS m2,
    m3 AS m3,
    m4 AS m4,
    m5 AS m5,
    m6 AS m6,
    CASE WHEN p.assay_anchor > 1774699200000000 /* 2026-03-28 12:00:00Z */ THEN NULL ELSE m7 END AS m7,
    CASE WHEN p.assay_group = 0 AND p.assay_anchor > 1774267200000000 /* 2026-03-23 12:00:00Z */ THEN NULL ELSE c0_sum END AS c0_sum,
    c0_avg_sum / NULLIF(c0_avg_of, 0) AS c0_avg,
    c1_sum AS c1_sum,
    c2_sum AS c2_sum,
    c3_sum AS c3_sum
  FROM placed_units AS p
  WHERE p.assay_stratum >= 0
),
ranked AS ( -- in the order of their values
  SELECT
    cells.*,
    ROW_NUMBER() OVER (PARTITION BY assay_group ORDER BY c2_sum NULLS LAST) AS c2_sum_rank,
    COUNT(c2_sum) OVER (PARTITION BY assay_group) AS c2_sum_some,
    COUNT(CASE WHEN c2_sum < 0 THEN 1 END) OVER (PARTITION BY assay_group) AS c2_sum_below,
    (SELECT COUNT(*) FROM assay_units AS u WHERE u.assay_stratum >= 0) AS assay_all_3,
    ROW_NUMBER() OVER (PARTITION BY assay_group ORDER BY c3_sum NULLS LAST) AS c3_sum_rank,
    COUNT(c3_sum) OVER (PARTITION BY assay_group) AS c3_sum_some,
    COUNT(CASE WHEN c3_sum < 0 THEN 1 END) OVER (PARTITION BY assay_group) AS c3_sum_below
  FROM cells
),
placed AS ( -- beside the positions of quantiles and the percentiles of all units
  SELECT
    ranked.*,
    MAX(CASE WHEN c2_sum_rank = CASE WHEN c2_sum_rank <= c2_sum_below THEN CEIL(CAST('0.99' AS DOUBLE) * assay_all_3 - CAST('1e-09' AS DOUBLE)) ELSE CEIL(CAST('0.99' AS DOUBLE) * assay_all_3 - CAST('1e-09' AS DOUBLE)) - assay_all_3 + c2_sum_some END THEN c2_sum END) OVER (PARTITION BY assay_group) AS c2_sum_cap0,
    MAX(CASE WHEN c3_sum_rank = CASE WHEN c3_sum_rank <= c3_sum_below THEN CEIL(CAST('0.99' AS DOUBLE) * assay_all_3 - CAST('1e-09' AS DOUBLE)) ELSE CEIL(CAST('0.99' AS DOUBLE) * assay_all_3 - CAST('1e-09' AS DOUBLE)) - assay_all_3 + c3_sum_some END THEN c3_sum END) OVER (PARTITION BY assay_group) AS c3_sum_cap1
  FROM ranked
)
SELECT
  CAST(c.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(c.assay_group AS BIGINT) AS assay_class,
  CAST(COUNT(c.assay_newest) AS BIGINT) AS units,
  CAST(MAX(c.assay_newest) AS BIGINT) AS newest,
  CAST(SUM(c.assay_lost) AS BIGINT) AS not_finite,
  CAST(COUNT(m0) AS BIGINT) AS m0_n,
  CAST(COUNT(CASE WHEN m0 <> 0 THEN 1 END) AS BIGINT) AS m0_any,
  CAST(AVG(m0) AS DOUBLE) AS m0_mean,
  CAST(VAR_SAMP(m0) AS DOUBLE) AS m0_var,
  CAST(COUNT(c0_sum) AS BIGINT) AS c0_sum_n,
  CAST(COUNT(CASE WHEN c0_sum <> 0 THEN 1 END) AS BIGINT) AS c0_sum_any,
  CAST(AVG(c0_sum) AS DOUBLE) AS c0_sum_mean,
  CAST(VAR_SAMP(c0_sum) AS DOUBLE) AS c0_sum_var,
  CAST(AVG(c0_sum * c0_sum * c0_sum) AS DOUBLE) AS c0_sum_cube,
  CAST(COUNT(COALESCE(m1, 0 * m2)) AS BIGINT) AS m1_m2_n,
  CAST(COUNT(CASE WHEN m1 <> 0 THEN 1 END) AS BIGINT) AS m1_m2_any,
  CAST(AVG(COALESCE(m1, 0 * m2)) AS DOUBLE) AS m1_m2_mean,
  CAST(VAR_SAMP(COALESCE(m1, 0 * m2)) AS DOUBLE) AS m1_m2_var,
  CAST(AVG(COALESCE(m2, 0 * m1)) AS DOUBLE) AS m1_m2_den_mean,
  CAST(VAR_SAMP(COALESCE(m2, 0 * m1)) AS DOUBLE) AS m1_m2_den_var,
  CAST(COVAR_SAMP(COALESCE(m1, 0 * m2), COALESCE(m2, 0 * m1)) AS DOUBLE) AS m1_m2_co,
  CAST(COUNT(c1_sum) AS BIGINT) AS c1_sum_n,
  CAST(COUNT(CASE WHEN c1_sum <> 0 THEN 1 END) AS BIGINT) AS c1_sum_any,
  CAST(AVG(c1_sum) AS DOUBLE) AS c1_sum_mean,
  CAST(VAR_SAMP(c1_sum) AS DOUBLE) AS c1_sum_var,
  CAST(AVG(c1_sum * c1_sum * c1_sum) AS DOUBLE) AS c1_sum_cube,
  CAST(COUNT(c0_avg) AS BIGINT) AS c0_avg_n,
  CAST(COUNT(CASE WHEN c0_avg <> 0 THEN 1 END) AS BIGINT) AS c0_avg_any,
  CAST(AVG(c0_avg) AS DOUBLE) AS c0_avg_mean,
  CAST(VAR_SAMP(c0_avg) AS DOUBLE) AS c0_avg_var,
  CAST(AVG(c0_avg * c0_avg * c0_avg) AS DOUBLE) AS c0_avg_cube,
  CAST(COUNT(CASE WHEN c0_sum > 0 THEN 1 END) AS BIGINT) AS c0_sum_log_n,
  CAST(COUNT(CASE WHEN c0_sum <= 0 THEN 1 END) AS BIGINT) AS c0_sum_log_off,
  CAST(AVG(CASE WHEN c0_sum > 0 THEN LN(c0_sum) END) AS DOUBLE) AS c0_sum_log_mean,
  CAST(VAR_SAMP(CASE WHEN c0_sum > 0 THEN LN(c0_sum) END) AS DOUBLE) AS c0_sum_log_var,
  CAST(MAX(c2_sum_cap0) AS DOUBLE) AS c2_sum_cap0,
  CAST(COUNT(COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END))) AS BIGINT) AS c2_sum_v0_c3_sum_v1_n,
  CAST(COUNT(CASE WHEN CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END <> 0 THEN 1 END) AS BIGINT) AS c2_sum_v0_c3_sum_v1_any,
  CAST(AVG(COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END))) AS DOUBLE) AS c2_sum_v0_c3_sum_v1_mean,
  CAST(VAR_SAMP(COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END))) AS DOUBLE) AS c2_sum_v0_c3_sum_v1_var,
  CAST(AVG((COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END))) * (COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END))) * (COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END)))) AS DOUBLE) AS c2_sum_v0_c3_sum_v1_cube,
  CAST(AVG(COALESCE(CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END, 0 * (CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END))) AS DOUBLE) AS c2_sum_v0_c3_sum_v1_pre_mean,
  CAST(VAR_SAMP(COALESCE(CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END, 0 * (CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END))) AS DOUBLE) AS c2_sum_v0_c3_sum_v1_pre_var,
  CAST(COVAR_SAMP(COALESCE(CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END, 0 * (CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END)), COALESCE(CASE WHEN c2_sum_cap0 > 0 AND c2_sum > c2_sum_cap0 THEN c2_sum_cap0 ELSE c2_sum END, 0 * (CASE WHEN c3_sum_cap1 > 0 AND c3_sum > c3_sum_cap1 THEN c3_sum_cap1 ELSE c3_sum END))) AS DOUBLE) AS c2_sum_v0_c3_sum_v1_pre_value,
  CAST(COUNT(COALESCE(CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END, 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS BIGINT) AS m3_v2_m5_m4_v3_m6_n,
  CAST(COUNT(CASE WHEN CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END <> 0 THEN 1 END) AS BIGINT) AS m3_v2_m5_m4_v3_m6_any,
  CAST(AVG(COALESCE(CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END, 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_mean,
  CAST(VAR_SAMP(COALESCE(CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END, 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_var,
  CAST(AVG(COALESCE(m5, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_den_mean,
  CAST(VAR_SAMP(COALESCE(m5, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_den_var,
  CAST(COVAR_SAMP(COALESCE(CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END, 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6), COALESCE(m5, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_co,
  CAST(AVG(COALESCE(CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_mean,
  CAST(VAR_SAMP(COALESCE(CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_var,
  CAST(AVG(COALESCE(m6, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END))) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_den_mean,
  CAST(VAR_SAMP(COALESCE(m6, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END))) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_den_var,
  CAST(COVAR_SAMP(COALESCE(CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * m6), COALESCE(m6, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END))) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_co,
  CAST(COVAR_SAMP(COALESCE(CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * m6), COALESCE(CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END, 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_value,
  CAST(COVAR_SAMP(COALESCE(CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * m6), COALESCE(m5, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_den,
  CAST(COVAR_SAMP(COALESCE(m6, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END)), COALESCE(CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END, 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_of_value,
  CAST(COVAR_SAMP(COALESCE(m6, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * m5, 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END)), COALESCE(m5, 0 * (CASE WHEN m3 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m3 END), 0 * (CASE WHEN m4 > CAST('500' AS DOUBLE) THEN CAST('500' AS DOUBLE) ELSE m4 END), 0 * m6)) AS DOUBLE) AS m3_v2_m5_m4_v3_m6_pre_of_den,
  CAST(COUNT(m7) AS BIGINT) AS m7_n,
  CAST(COUNT(CASE WHEN m7 <> 0 THEN 1 END) AS BIGINT) AS m7_any,
  CAST(AVG(m7) AS DOUBLE) AS m7_mean,
  CAST(VAR_SAMP(m7) AS DOUBLE) AS m7_var,
  CAST(COUNT(CASE WHEN m3 > CAST('1000' AS DOUBLE) THEN CAST(1 AS DOUBLE) END) AS BIGINT) AS m3_v4_n,
  CAST(COUNT(CASE WHEN CASE WHEN m3 > CAST('1000' AS DOUBLE) THEN CAST(1 AS DOUBLE) END <> 0 THEN 1 END) AS BIGINT) AS m3_v4_any,
  CAST(AVG(CASE WHEN m3 > CAST('1000' AS DOUBLE) THEN CAST(1 AS DOUBLE) END) AS DOUBLE) AS m3_v4_mean,
  CAST(VAR_SAMP(CASE WHEN m3 > CAST('1000' AS DOUBLE) THEN CAST(1 AS DOUBLE) END) AS DOUBLE) AS m3_v4_var
FROM placed AS c
GROUP BY c.assay_stratum, c.assay_group
ORDER BY 1, 2

-- === facts of feedback: moments of all metrics of feedback
-- Purpose: moments of thumbs_down, score, usual_score, typical_score, bad_format from one scan of feedback.
-- Rows: one per stratum, over the units that have such a fact;
--   units without one are counted by the summary and enter as zeros.
-- Numbers: *_n units, *_any units with a value other than zero, *_mean, *_var (sample variance),
--   *_den_* of the denominator, *_co (sample covariance); newest in microseconds since 1970 UTC;
--   not_finite facts with a value that is NaN, infinite or of a size of 1e80 and more, which counts as no value.
--   *_cube (mean of the cubed value): it tells the skewness, which matters where arms differ in size.
--   *_log_* of the natural logarithm, over the units with a positive value; *_log_off units with another one.
--   *_at a quantile, *_lower and *_upper those 1.96 standard errors of its share below and above.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT f.*, CASE WHEN typeof(f."timestamp") LIKE '% WITH TIME ZONE' THEN epoch_us(f."timestamp") ELSE epoch_us(timezone('Europe/Berlin', CAST(f."timestamp" AS TIMESTAMP))) END AS assay_at
  FROM assay_source AS f
),
counted AS ( -- one row per fact in the window of its unit
  SELECT
    u.assay_unit,
    u.assay_stratum,
    f.assay_at AS assay_at,
    CASE WHEN (thumbs_down) AND f.assay_at >= u.assay_anchor + 3600000000 /* 1h */ AND f.assay_at < u.assay_anchor + 90000000000 /* 1d1h */ AND u.assay_anchor <= 1774782000000000 /* 2026-03-29 11:00:00Z */ THEN CAST(1 AS DOUBLE) END AS in_m0, -- thumbs_down
    CAST(score AS DOUBLE) AS in_m1, -- score, usual_score, typical_score
    CASE WHEN (CASE WHEN LENGTH(CAST(comment AS VARCHAR)) >= 2 AND LENGTH(CAST(comment AS VARCHAR)) <= 4000 AND (json_valid(CAST(comment AS VARCHAR)) AND NOT regexp_matches(regexp_replace(CAST(comment AS VARCHAR), '"(\\.|[^"\\])*"', '""', 'g'), '(?i),\s*[]}]|nan|inf')) AND regexp_matches(CAST(comment AS VARCHAR), '"answer"') AND NOT regexp_matches(CAST(comment AS VARCHAR), '(?i)\bas an ai\b') THEN 0 ELSE 1 END = 1) THEN CAST(1 AS DOUBLE) END AS in_m2 -- bad_format
  FROM facts AS f
  JOIN assay_links_owner AS l
    ON l.assay_from = f."conversation_id"
  JOIN assay_units AS u
    ON u.assay_unit = l.assay_to
    AND f.assay_at >= u.assay_anchor
  WHERE u.assay_stratum >= 0
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
),
cells AS ( -- one row per unit
  SELECT
    assay_stratum,
    MAX(assay_at) AS assay_newest,
    COUNT(CASE WHEN NOT (ABS(in_m1) < CAST('1e80' AS DOUBLE)) THEN 1 END) AS assay_lost,
    SUM(in_m0) AS m0,
    AVG(CASE WHEN ABS(in_m1) < CAST('1e80' AS DOUBLE) THEN in_m1 END) AS m1,
    SUM(in_m2) AS m2
  FROM counted
  GROUP BY assay_unit, assay_stratum
),
ranked AS ( -- in the order of their values
  SELECT
    cells.*,
    ROW_NUMBER() OVER (PARTITION BY assay_stratum ORDER BY m1 NULLS LAST) AS m1_place,
    COUNT(m1) OVER (PARTITION BY assay_stratum) AS m1_of
  FROM cells
),
placed AS ( -- beside the positions of quantiles and the percentiles of all units
  SELECT
    ranked.*,
    1 + CAST('0.5' AS DOUBLE) * (m1_of - 1) AS m1_q0_at_position,
    1 + GREATEST(CAST('0.5' AS DOUBLE) - CAST('0.979981992270027' AS DOUBLE) / SQRT(NULLIF(m1_of, 0)), 0) * (m1_of - 1) AS m1_q0_lower_position,
    1 + LEAST(CAST('0.5' AS DOUBLE) + CAST('0.979981992270027' AS DOUBLE) / SQRT(NULLIF(m1_of, 0)), 1) * (m1_of - 1) AS m1_q0_upper_position
  FROM ranked
)
SELECT
  CAST(c.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(-1 AS BIGINT) AS assay_class,
  CAST(COUNT(*) AS BIGINT) AS units,
  CAST(MAX(c.assay_newest) AS BIGINT) AS newest,
  CAST(SUM(c.assay_lost) AS BIGINT) AS not_finite,
  CAST(COUNT(m0) AS BIGINT) AS m0_n,
  CAST(COUNT(CASE WHEN m0 <> 0 THEN 1 END) AS BIGINT) AS m0_any,
  CAST(AVG(m0) AS DOUBLE) AS m0_mean,
  CAST(VAR_SAMP(m0) AS DOUBLE) AS m0_var,
  CAST(COUNT(m1) AS BIGINT) AS m1_n,
  CAST(COUNT(CASE WHEN m1 <> 0 THEN 1 END) AS BIGINT) AS m1_any,
  CAST(AVG(m1) AS DOUBLE) AS m1_mean,
  CAST(VAR_SAMP(m1) AS DOUBLE) AS m1_var,
  CAST(AVG(m1 * m1 * m1) AS DOUBLE) AS m1_cube,
  CAST(COUNT(CASE WHEN m1 > 0 THEN 1 END) AS BIGINT) AS m1_log_n,
  CAST(COUNT(CASE WHEN m1 <= 0 THEN 1 END) AS BIGINT) AS m1_log_off,
  CAST(AVG(CASE WHEN m1 > 0 THEN LN(m1) END) AS DOUBLE) AS m1_log_mean,
  CAST(VAR_SAMP(CASE WHEN m1 > 0 THEN LN(m1) END) AS DOUBLE) AS m1_log_var,
  CAST(COUNT(m1) AS BIGINT) AS m1_q0_n,
  CAST(MIN(CASE WHEN ABS(m1_place - m1_q0_at_position) < 1 THEN m1 END) + MAX(m1_q0_at_position - FLOOR(m1_q0_at_position)) * (MAX(CASE WHEN ABS(m1_place - m1_q0_at_position) < 1 THEN m1 END) - MIN(CASE WHEN ABS(m1_place - m1_q0_at_position) < 1 THEN m1 END)) AS DOUBLE) AS m1_q0_at,
  CAST(MIN(CASE WHEN ABS(m1_place - m1_q0_lower_position) < 1 THEN m1 END) + MAX(m1_q0_lower_position - FLOOR(m1_q0_lower_position)) * (MAX(CASE WHEN ABS(m1_place - m1_q0_lower_position) < 1 THEN m1 END) - MIN(CASE WHEN ABS(m1_place - m1_q0_lower_position) < 1 THEN m1 END)) AS DOUBLE) AS m1_q0_lower,
  CAST(MIN(CASE WHEN ABS(m1_place - m1_q0_upper_position) < 1 THEN m1 END) + MAX(m1_q0_upper_position - FLOOR(m1_q0_upper_position)) * (MAX(CASE WHEN ABS(m1_place - m1_q0_upper_position) < 1 THEN m1 END) - MIN(CASE WHEN ABS(m1_place - m1_q0_upper_position) < 1 THEN m1 END)) AS DOUBLE) AS m1_q0_upper,
  CAST(COUNT(m2) AS BIGINT) AS m2_n,
  CAST(COUNT(CASE WHEN m2 <> 0 THEN 1 END) AS BIGINT) AS m2_any,
  CAST(AVG(m2) AS DOUBLE) AS m2_mean,
  CAST(VAR_SAMP(m2) AS DOUBLE) AS m2_var
FROM placed AS c
GROUP BY c.assay_stratum
ORDER BY 1, 2

-- === unknown variations: names the undeclared variations
-- Purpose: which undeclared variations does answer-v2 log?
-- Rows: one per name, the ten commonest. Numbers: exposures in rows; first_exposure in microseconds since 1970 UTC.
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer''s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000'
),
exposures AS (
  SELECT
    CAST(a.variation_id AS VARCHAR) AS assay_variation,
    epoch_us(a."timestamp") AS assay_at
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS VARCHAR) = 'answer''s v2'
)
SELECT
  assay_variation AS variation,
  CAST(COUNT(*) AS BIGINT) AS exposures,
  CAST(MIN(assay_at) AS BIGINT) AS first_exposure
FROM exposures
WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
  AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  AND (assay_variation IS NULL OR assay_variation NOT IN ('v1', 'v2'))
GROUP BY assay_variation
ORDER BY COUNT(*) DESC, assay_variation
LIMIT 10

-- === stray exposures: which exposures fit no variation, and since when
-- Purpose: the exposures that fit no stratum of answer-v2: of which variations, since when, and around which change of weights?
-- Rows: one per kind (assay_stratum -1 several variations, -2 undeclared variation, -4 no identifier; 0 all
--   the units that do fit, to compare with) and, but for those, the first and the last of the variations
--   (2: undeclared). Numbers: units; exposures in rows; first and last exposure and the earliest last one of
--   a unit, in microseconds since 1970 UTC; across_*: units first exposed before a change of weights and seen after it.
SELECT
  CAST(CASE WHEN u.assay_stratum = -3 OR u.assay_stratum >= 0 THEN 0 ELSE u.assay_stratum END AS BIGINT) AS kind,
  CAST(CASE WHEN u.assay_stratum IN (-1, -2, -4) THEN u.assay_low ELSE -1 END AS BIGINT) AS low,
  CAST(CASE WHEN u.assay_stratum IN (-1, -2, -4) THEN u.assay_high ELSE -1 END AS BIGINT) AS high,
  CAST(COUNT(*) AS BIGINT) AS units,
  CAST(SUM(u.assay_exposures) AS BIGINT) AS exposures,
  CAST(MIN(u.assay_anchor) AS BIGINT) AS first_exposure,
  CAST(MAX(u.assay_newest) AS BIGINT) AS last_exposure,
  CAST(MIN(u.assay_newest) AS BIGINT) AS earliest_last,
  CAST(SUM(CASE WHEN u.assay_anchor < 1774191600000000 /* 2026-03-22 15:00:00Z */ AND u.assay_newest >= 1774191600000000 /* 2026-03-22 15:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS across_1
FROM assay_units AS u
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- === alignment of events: whether the identifiers of events meet the exposed units
-- Purpose: do the identifiers of events meet the exposed units at all?
-- Rows: one. Numbers: rows; identifiers of events and how many of them meet a unit;
--   in_window units with any row inside the widest window, whatever the metrics count; newest in microseconds since 1970 UTC.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-06 12:00:00.000000' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000'
),
facts AS (
  SELECT
    CAST(f."user_id" AS VARCHAR) AS assay_id,
    epoch_us(f."timestamp") AS assay_at
  FROM assay_source AS f
),
identifiers AS (
  SELECT
    assay_id,
    COUNT(*) AS assay_rows,
    MAX(assay_at) AS assay_newest
  FROM facts
  WHERE assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  GROUP BY assay_id
),
inside AS (
  SELECT COUNT(DISTINCT u.assay_unit) AS assay_units_in_window
  FROM facts AS f
  JOIN assay_units AS u
    ON u.assay_unit = f.assay_id
    AND f.assay_at >= u.assay_anchor
  WHERE u.assay_stratum >= 0
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
),
totals AS (
  SELECT
    COALESCE(SUM(i.assay_rows), 0) AS fact_rows,
    COALESCE(SUM(CASE WHEN i.assay_id IS NULL THEN i.assay_rows ELSE 0 END), 0) AS null_rows,
    COUNT(i.assay_id) AS identifiers,
    COUNT(u.assay_unit) AS matched,
    MAX(i.assay_newest) AS newest
  FROM identifiers AS i
  LEFT JOIN assay_units AS u
    ON u.assay_unit = i.assay_id
)
SELECT
  CAST(t.fact_rows AS BIGINT) AS fact_rows,
  CAST(t.null_rows AS BIGINT) AS null_rows,
  CAST(t.identifiers AS BIGINT) AS identifiers,
  CAST(t.matched AS BIGINT) AS matched,
  CAST(w.assay_units_in_window AS BIGINT) AS in_window,
  CAST(t.newest AS BIGINT) AS newest
FROM totals AS t
CROSS JOIN inside AS w

-- === shapes of events: what the identifiers of events look like
-- Purpose: what do the identifiers of the exposures and of events look like?
-- Rows: the commonest shape of each side (letters as A and a, digits as 9), with its first and last
--   identifier, of which only the common beginning is kept. Numbers: identifiers.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-06 12:00:00.000000' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000'
),
facts AS (
  SELECT
    CAST(f."user_id" AS VARCHAR) AS assay_id,
    epoch_us(f."timestamp") AS assay_at
  FROM assay_source AS f
),
identifiers AS (
  SELECT DISTINCT 'facts' AS side, CAST(f.assay_id AS VARCHAR) AS id
  FROM facts AS f
  WHERE f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  UNION ALL
  SELECT 'units' AS side, CAST(u.assay_unit AS VARCHAR) AS id
  FROM assay_units AS u
),
shapes AS (
  SELECT
    side,
    TRANSLATE(SUBSTR(id, 1, 64),
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaaaaaaaaaaaa9999999999') AS shape,
    COUNT(*) AS n,
    MIN(id) AS first_id,
    MAX(id) AS last_id
  FROM identifiers
  WHERE id IS NOT NULL
  GROUP BY 1, 2
)
SELECT
  side,
  shape,
  first_id,
  last_id,
  CAST(n AS BIGINT) AS n
FROM shapes
WHERE n > 0
QUALIFY ROW_NUMBER() OVER (PARTITION BY side ORDER BY n DESC, shape) = 1
ORDER BY side

-- === alignment of feedback: whether the identifiers of feedback meet the exposed units
-- Purpose: do the identifiers of feedback meet the exposed units at all?
-- Rows: one. Numbers: rows; identifiers of feedback and how many of them meet a unit through owner;
--   in_window units with any row inside the widest window, whatever the metrics count; newest in microseconds since 1970 UTC.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT
    f."conversation_id" AS assay_id,
    CASE WHEN typeof(f."timestamp") LIKE '% WITH TIME ZONE' THEN epoch_us(f."timestamp") ELSE epoch_us(timezone('Europe/Berlin', CAST(f."timestamp" AS TIMESTAMP))) END AS assay_at
  FROM assay_source AS f
),
identifiers AS (
  SELECT
    assay_id,
    COUNT(*) AS assay_rows,
    MAX(assay_at) AS assay_newest
  FROM facts
  WHERE assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  GROUP BY assay_id
),
inside AS (
  SELECT COUNT(DISTINCT u.assay_unit) AS assay_units_in_window
  FROM facts AS f
  JOIN assay_links_owner AS l
    ON l.assay_from = f.assay_id
  JOIN assay_units AS u
    ON u.assay_unit = l.assay_to
    AND f.assay_at >= u.assay_anchor
  WHERE u.assay_stratum >= 0
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
),
totals AS (
  SELECT
    COALESCE(SUM(i.assay_rows), 0) AS fact_rows,
    COALESCE(SUM(CASE WHEN i.assay_id IS NULL THEN i.assay_rows ELSE 0 END), 0) AS null_rows,
    COUNT(i.assay_id) AS identifiers,
    COUNT(u.assay_unit) AS matched,
    MAX(i.assay_newest) AS newest
  FROM identifiers AS i
  LEFT JOIN assay_links_owner AS l
    ON l.assay_from = i.assay_id
  LEFT JOIN assay_units AS u
    ON u.assay_unit = l.assay_to
)
SELECT
  CAST(t.fact_rows AS BIGINT) AS fact_rows,
  CAST(t.null_rows AS BIGINT) AS null_rows,
  CAST(t.identifiers AS BIGINT) AS identifiers,
  CAST(t.matched AS BIGINT) AS matched,
  CAST(w.assay_units_in_window AS BIGINT) AS in_window,
  CAST(t.newest AS BIGINT) AS newest
FROM totals AS t
CROSS JOIN inside AS w

-- === shapes of feedback: what the identifiers of feedback look like
-- Purpose: what do the identifiers of the exposures and of feedback look like?
-- Rows: the commonest shape of each side (letters as A and a, digits as 9), with its first and last
--   identifier, of which only the common beginning is kept. Numbers: identifiers.
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT
    f."conversation_id" AS assay_id,
    CASE WHEN typeof(f."timestamp") LIKE '% WITH TIME ZONE' THEN epoch_us(f."timestamp") ELSE epoch_us(timezone('Europe/Berlin', CAST(f."timestamp" AS TIMESTAMP))) END AS assay_at
  FROM assay_source AS f
),
identifiers AS (
  -- What owner makes of an identifier, or the identifier itself where it is not linked.
  SELECT DISTINCT 'facts' AS side, COALESCE(CAST(l.assay_to AS VARCHAR), CAST(f.assay_id AS VARCHAR)) AS id
  FROM facts AS f
  LEFT JOIN assay_links_owner AS l
    ON l.assay_from = f.assay_id
  WHERE f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  UNION ALL
  SELECT 'units' AS side, CAST(u.assay_unit AS VARCHAR) AS id
  FROM assay_units AS u
),
shapes AS (
  SELECT
    side,
    TRANSLATE(SUBSTR(id, 1, 64),
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaaaaaaaaaaaa9999999999') AS shape,
    COUNT(*) AS n,
    MIN(id) AS first_id,
    MAX(id) AS last_id
  FROM identifiers
  WHERE id IS NOT NULL
  GROUP BY 1, 2
)
SELECT
  side,
  shape,
  first_id,
  last_id,
  CAST(n AS BIGINT) AS n
FROM shapes
WHERE n > 0
QUALIFY ROW_NUMBER() OVER (PARTITION BY side ORDER BY n DESC, shape) = 1
ORDER BY side

-- === early facts of events: what the next look need not scan again
-- Purpose: what the facts of events before the instant up to which this look keeps them come to for each unit.
-- Rows: one per unit and class of its facts that has such a fact.
CREATE TEMP TABLE assay_early_1 AS
WITH parts AS ( -- units with recent facts, with what is kept of them
  SELECT assay_unit, assay_low, assay_anchor, assay_group, assay_newest, assay_lost, m0, m1, m2, m3, m4, m5, m6, m7, c0_sum, c0_avg_sum, c0_avg_of, c1_sum, c2_sum, c3_sum
  FROM assay_recent_1
  WHERE assay_late = 0
  UNION ALL
  SELECT assay_unit, assay_low, assay_anchor, assay_group, assay_newest, assay_lost, m0, m1, m2, m3, m4, m5, m6, m7, c0_sum, c0_avg_sum, c0_avg_of, c1_sum, c2_sum, c3_sum
  FROM "kept"."facts events" AS k
  SEMI JOIN (SELECT assay_unit AS assay_id FROM assay_recent_1 WHERE assay_late = 0) AS r
    ON r.assay_id = k.assay_unit
),
whole AS (
  SELECT
    assay_unit,
    assay_low,
    assay_anchor,
    assay_group,
    MAX(assay_newest) AS assay_newest,
    CAST(SUM(assay_lost) AS BIGINT) AS assay_lost,
    SUM(m0) AS m0,
    SUM(m1) AS m1,
    SUM(m2) AS m2,
    SUM(m3) AS m3,
    SUM(m4) AS m4,
    SUM(m5) AS m5,
    SUM(m6) AS m6,
    SUM(m7) AS m7,
    SUM(c0_sum) AS c0_sum,
    SUM(c0_avg_sum) AS c0_avg_sum,
    CAST(SUM(c0_avg_of) AS BIGINT) AS c0_avg_of,
    SUM(c1_sum) AS c1_sum,
    SUM(c2_sum) AS c2_sum,
    SUM(c3_sum) AS c3_sum
  FROM parts
  GROUP BY assay_unit, assay_low, assay_anchor, assay_group
)
SELECT *
FROM whole

-- === forget facts of events: makes room for what is newer
DELETE FROM "kept"."facts events" AS k USING assay_early_1 AS e WHERE e.assay_unit IS NOT DISTINCT FROM k.assay_unit
-- === keep facts of events: what the next look need not scan again
INSERT INTO "kept"."facts events" SELECT * FROM assay_early_1
