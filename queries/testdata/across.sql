-- === units: one row per unit: first exposure, variation, epoch
-- Purpose: one row per unit of answer-v2 with its first exposure and variation.
-- Rows: assay_unit; assay_stratum (epoch x 2 + variation; -1 several variations,
--   -2 undeclared variation, -3 first exposed while a change settled, -4 no identifier).
-- Numbers: assay_anchor and assay_newest, first and last exposure in microseconds since 1970 UTC;
--   assay_exposures in rows; assay_low and assay_high, the first and the last of its variations.
CREATE TEMP TABLE assay_exposed AS
WITH assay_assignment AS ( -- exposures
  SELECT user_id, exposed_at AS timestamp, experiment_id, variation_id, platform, app_version
  FROM exposures
  WHERE experiment_id = 'answer''s v2'
    AND exposed_at >= TIMESTAMP '2026-03-20 12:00:00.000000' AND exposed_at < TIMESTAMP '2026-03-30 12:00:00.000000'
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
units AS (
  SELECT
    assay_unit,
    MIN(assay_arm) AS assay_low,
    MAX(assay_arm) AS assay_high,
    MIN(assay_at) AS assay_anchor,
    MAX(assay_at) AS assay_newest,
    COUNT(*) AS assay_exposures,
    -- Values at the first exposure: sixteen digits of time sort them to the front.
    SUBSTR(MIN(CONCAT(LPAD(CAST(assay_at AS VARCHAR), 16, '0'), assay_dimension_1_value)), 17) AS assay_dimension_1,
    SUBSTR(MIN(CONCAT(LPAD(CAST(assay_at AS VARCHAR), 16, '0'), assay_dimension_2_value)), 17) AS assay_dimension_2
  FROM exposures
  WHERE assay_at >= 1774008000000000 /* 2026-03-20 12:00:00Z */
    AND assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
  -- Without an identifier, variations are kept apart.
  GROUP BY assay_unit, CASE WHEN assay_unit IS NULL THEN assay_arm END
)
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
FROM units

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

-- === activation: when units were activated: their windows begin there
-- Purpose: when did each unit of answer-v2 first show thumbs_down after its first exposure? Its windows begin there.
-- Rows: those of assay_exposed; assay_stratum -10 - s for a unit of stratum s that has not been activated.
-- Numbers: assay_first, first exposure, and assay_anchor, activation, in microseconds since 1970 UTC.
CREATE TEMP TABLE assay_activated AS
WITH assay_source AS ( -- feedback
  SELECT conversation_id, ts AS timestamp, thumbs_down, score, comment FROM feedback
),
facts AS (
  SELECT f.*, CASE WHEN typeof(f."timestamp") LIKE '% WITH TIME ZONE' THEN epoch_us(f."timestamp") ELSE epoch_us(timezone('Europe/Berlin', CAST(f."timestamp" AS TIMESTAMP))) END AS assay_at
  FROM assay_source AS f
),
activations AS (
  SELECT
    u.assay_unit,
    MIN(f.assay_at) AS assay_activated
  FROM facts AS f
  JOIN assay_links_owner AS l
    ON l.assay_from = f."conversation_id"
  JOIN assay_exposed AS u
    ON u.assay_unit = l.assay_to
    AND f.assay_at >= u.assay_anchor + 3600000000 /* 1h */
    AND f.assay_at < u.assay_anchor + 90000000000 /* 1d1h */
  WHERE u.assay_stratum >= 0
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
    AND (thumbs_down)
  GROUP BY u.assay_unit
)
SELECT
  u.assay_unit,
  CAST(CASE
    WHEN u.assay_stratum >= 0 AND a.assay_activated IS NULL THEN -10 - u.assay_stratum
    ELSE u.assay_stratum
  END AS INTEGER) AS assay_stratum,
  COALESCE(a.assay_activated, u.assay_anchor) AS assay_anchor,
  u.assay_anchor AS assay_first,
  u.assay_newest,
  u.assay_exposures,
  u.assay_dimension_1,
  u.assay_dimension_2
FROM assay_exposed AS u
LEFT JOIN activations AS a
  ON a.assay_unit = u.assay_unit

-- === slices: which slice a unit belongs to
-- Purpose: which slices does each unit belong to: of platform, plan, the 20 values with most units, and the rest?
-- Rows: those of assay_activated. Numbers: assay_slice_*, 0 for the largest, 20 for the rest.
CREATE TEMP TABLE assay_units AS
WITH
assay_dimension_3_trait AS ( -- plan
  SELECT user_id, plan AS value FROM accounts
),
assay_dimension_3_of AS (
  SELECT
    CAST(t."user_id" AS VARCHAR) AS assay_id,
    MAX(CAST(t."value" AS VARCHAR)) AS assay_value
  FROM assay_dimension_3_trait AS t
  WHERE CAST(t."user_id" AS VARCHAR) IS NOT NULL
  GROUP BY CAST(t."user_id" AS VARCHAR)
),
units AS (
  SELECT
    u.*,
    COALESCE(assay_dimension_3_of.assay_value, '') AS assay_dimension_3
  FROM assay_activated AS u
  LEFT JOIN assay_dimension_3_of
    ON assay_dimension_3_of.assay_id = u.assay_unit
),
largest_1 AS ( -- platform
  SELECT
    assay_dimension_1 AS assay_value,
    ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, assay_dimension_1) - 1 AS assay_code
  FROM units
  WHERE assay_stratum >= 0
  GROUP BY assay_dimension_1
  QUALIFY ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, assay_dimension_1) <= 20
),
largest_2 AS ( -- plan
  SELECT
    assay_dimension_3 AS assay_value,
    ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, assay_dimension_3) - 1 AS assay_code
  FROM units
  WHERE assay_stratum >= 0
  GROUP BY assay_dimension_3
  QUALIFY ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, assay_dimension_3) <= 20
)
SELECT
  u.*,
  CAST(COALESCE(l1.assay_code, 20) AS INTEGER) AS assay_slice_1,
  CAST(COALESCE(l2.assay_code, 20) AS INTEGER) AS assay_slice_2
FROM units AS u
LEFT JOIN largest_1 AS l1
  ON l1.assay_value = u.assay_dimension_1
LEFT JOIN largest_2 AS l2
  ON l2.assay_value = u.assay_dimension_3

-- === summary: counts units per variation and epoch
-- Purpose: how many units and exposures there are, and how many windows have closed.
-- Rows: one per stratum (-10 - s: units of stratum s that were not activated). Numbers: newest in microseconds since 1970 UTC; closed_*: units whose
--   window has closed at as-of, which it does that long after activation.
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
  CAST(MAX(u.assay_anchor) AS BIGINT) AS activated, -- the newest activation
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774612800000000 /* 2026-03-27 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_0, -- 3d
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774267200000000 /* 2026-03-23 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_1 -- 7d
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
FROM assay_exposed AS u
WHERE u.assay_stratum >= 0
GROUP BY 1, 2
ORDER BY 1, 2

-- === dimension platform: counts units per platform
-- Purpose: does the split hold for every platform?
-- Rows: one per value at first exposure (the twenty with most units) and stratum. Numbers: units.
WITH largest AS (
  SELECT assay_dimension_1 AS assay_value
  FROM assay_exposed
  WHERE assay_stratum >= 0
  GROUP BY assay_dimension_1
  ORDER BY COUNT(*) DESC, assay_dimension_1
  LIMIT 20
)
SELECT
  u.assay_dimension_1 AS value,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(COUNT(*) AS BIGINT) AS units
FROM assay_exposed AS u
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
  FROM assay_exposed
  WHERE assay_stratum >= 0
  GROUP BY assay_dimension_2
  ORDER BY COUNT(*) DESC, assay_dimension_2
  LIMIT 20
)
SELECT
  u.assay_dimension_2 AS value,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(COUNT(*) AS BIGINT) AS units
FROM assay_exposed AS u
JOIN largest AS l
  ON l.assay_value = u.assay_dimension_2
WHERE u.assay_stratum >= 0
GROUP BY u.assay_dimension_2, u.assay_stratum
ORDER BY 1, 2

-- === slices by platform: counts units per slice by platform
-- Purpose: how many units are in each slice of platform?
-- Rows: one per slice and stratum. Numbers: assay_slice as in assay_units, value its name (none for the rest);
--   units; closed_* those whose window has closed at as-of.
SELECT
  CAST(u.assay_slice_1 AS BIGINT) AS assay_slice,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CASE WHEN u.assay_slice_1 < 20 THEN MAX(u.assay_dimension_1) END AS value,
  CAST(COUNT(*) AS BIGINT) AS units,
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774612800000000 /* 2026-03-27 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_0, -- 3d
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774267200000000 /* 2026-03-23 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_1 -- 7d
FROM assay_units AS u
WHERE u.assay_stratum >= 0
GROUP BY u.assay_slice_1, u.assay_stratum
ORDER BY 1, 2

-- === slices by plan: counts units per slice by plan
-- Purpose: how many units are in each slice of plan?
-- Rows: one per slice and stratum. Numbers: assay_slice as in assay_units, value its name (none for the rest);
--   units; closed_* those whose window has closed at as-of.
SELECT
  CAST(u.assay_slice_2 AS BIGINT) AS assay_slice,
  CAST(u.assay_stratum AS BIGINT) AS assay_stratum,
  CASE WHEN u.assay_slice_2 < 20 THEN MAX(u.assay_dimension_3) END AS value,
  CAST(COUNT(*) AS BIGINT) AS units,
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774612800000000 /* 2026-03-27 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_0, -- 3d
  CAST(SUM(CASE WHEN u.assay_anchor <= 1774267200000000 /* 2026-03-23 12:00:00Z */ THEN 1 ELSE 0 END) AS BIGINT) AS closed_1 -- 7d
FROM assay_units AS u
WHERE u.assay_stratum >= 0
GROUP BY u.assay_slice_2, u.assay_stratum
ORDER BY 1, 2

-- === units of events: what the facts of events come to for each unit
-- Purpose: what the facts of events come to for each unit, from one scan of it; complaints, purchases, refunds are made of them.
-- Rows: one per unit and class of its facts (-1: all of them) that has such a fact.
CREATE TEMP TABLE assay_cells_2 AS
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
        CASE WHEN event = 'purchase' THEN 1 END,
        CASE WHEN event = 'refund' THEN 1 END,
        CASE WHEN event = 'refund' THEN amount END
    ) = 1
),
counted AS ( -- one row per fact in the window of its unit
  SELECT
    u.assay_unit,
    u.assay_stratum,
    u.assay_slice_1,
    u.assay_slice_2,
    CASE WHEN f.assay_at >= u.assay_anchor THEN f.assay_at END AS assay_at,
    CAST(CASE f.event
      WHEN 'purchase' THEN 0 -- purchases
      WHEN 'refund' THEN 1 -- refunds
    END AS INTEGER) AS assay_class,
    CASE WHEN f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ THEN CAST(1 AS DOUBLE) END AS in_m0, -- complaints
    CASE WHEN f.assay_at < u.assay_first THEN CAST(1 AS DOUBLE) END AS in_m1, -- complaints
    CASE
      WHEN f.event = 'purchase' AND f.assay_at >= u.assay_anchor AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */ THEN CAST(1 AS DOUBLE)
      WHEN f.event = 'refund' AND f.assay_at >= u.assay_anchor AND u.assay_anchor <= 1774267200000000 /* 2026-03-23 12:00:00Z */ THEN CAST(amount AS DOUBLE)
    END AS in_c0_sum -- purchases, refunds
  FROM once AS f
  JOIN assay_units AS u
    ON u.assay_unit = CAST(f."user_id" AS VARCHAR)
    AND f.assay_at >= u.assay_first - 604800000000 /* 7d */
    AND f.assay_at < u.assay_anchor + 604800000000 /* 7d */
  WHERE u.assay_stratum >= 0
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
),
cells AS ( -- one row per unit and class of its facts, and one per unit over all of them
  SELECT
    assay_unit,
    assay_stratum,
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE assay_class END AS assay_group,
    MAX(assay_slice_1) AS assay_slice_1,
    MAX(assay_slice_2) AS assay_slice_2,
    MAX(assay_at) AS assay_newest,
    COUNT(CASE WHEN NOT (ABS(in_c0_sum) < CAST('1e80' AS DOUBLE)) THEN 1 END) AS assay_lost,
    SUM(in_m0) AS m0,
    SUM(in_m1) AS m1,
    SUM(CASE WHEN ABS(in_c0_sum) < CAST('1e80' AS DOUBLE) THEN in_c0_sum END) AS c0_sum
  FROM counted
  GROUP BY GROUPING SETS ((assay_unit, assay_stratum, assay_class), (assay_unit, assay_stratum))
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
)
SELECT *
FROM cells

-- === facts of events: moments of all metrics of events
-- Purpose: moments of complaints, purchases, refunds from one scan of events.
-- Rows: one per stratum and class of facts (-1: all of them), over the units that have such a fact;
--   besides, the same for each slice of one dimension (assay_slice_1: platform, assay_slice_2: plan; -1: all of them);
--   units without one are counted by the summary and enter as zeros.
-- Numbers: *_n units, *_any units with a value other than zero, *_mean, *_var (sample variance),
--   *_den_* of the denominator, *_co (sample covariance); newest in microseconds since 1970 UTC;
--   not_finite facts with a value that is NaN, infinite or of a size of 1e80 and more, which counts as no value.
--   *_cube (mean of the cubed value): it tells the skewness, which matters where arms differ in size.
--   *_pre_* of the covariate: the same value before first exposure.
SELECT
  CAST(c.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(c.assay_group AS BIGINT) AS assay_class,
  CAST(CASE WHEN GROUPING(c.assay_slice_1) = 1 THEN -1 ELSE c.assay_slice_1 END AS BIGINT) AS assay_slice_1,
  CAST(CASE WHEN GROUPING(c.assay_slice_2) = 1 THEN -1 ELSE c.assay_slice_2 END AS BIGINT) AS assay_slice_2,
  CAST(COUNT(c.assay_newest) AS BIGINT) AS units,
  CAST(MAX(c.assay_newest) AS BIGINT) AS newest,
  CAST(SUM(c.assay_lost) AS BIGINT) AS not_finite,
  CAST(COUNT(c0_sum) AS BIGINT) AS c0_sum_n,
  CAST(COUNT(CASE WHEN c0_sum <> 0 THEN 1 END) AS BIGINT) AS c0_sum_any,
  CAST(AVG(c0_sum) AS DOUBLE) AS c0_sum_mean,
  CAST(VAR_SAMP(c0_sum) AS DOUBLE) AS c0_sum_var,
  CAST(AVG(c0_sum * c0_sum * c0_sum) AS DOUBLE) AS c0_sum_cube
FROM assay_cells_2 AS c
GROUP BY GROUPING SETS (
  (c.assay_stratum, c.assay_group),
  (c.assay_stratum, c.assay_group, c.assay_slice_1),
  (c.assay_stratum, c.assay_group, c.assay_slice_2)
)
ORDER BY 1, 2, 3, 4

-- === units of feedback: what the facts of feedback come to for each unit
-- Purpose: what the facts of feedback come to for each unit, from one scan of it; complaints are made of them.
-- Rows: one per unit that has such a fact.
CREATE TEMP TABLE assay_cells_1 AS
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
    u.assay_slice_1,
    u.assay_slice_2,
    CASE WHEN f.assay_at >= u.assay_anchor THEN f.assay_at END AS assay_at,
    CASE WHEN (thumbs_down) AND f.assay_at >= u.assay_anchor THEN CAST(1 AS DOUBLE) END AS in_m0, -- complaints
    CASE WHEN (thumbs_down) AND f.assay_at < u.assay_first THEN CAST(1 AS DOUBLE) END AS in_m1 -- complaints
  FROM facts AS f
  JOIN assay_links_owner AS l
    ON l.assay_from = f."conversation_id"
  JOIN assay_units AS u
    ON u.assay_unit = l.assay_to
    AND f.assay_at >= u.assay_first - 604800000000 /* 7d */
    AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */
  WHERE u.assay_stratum >= 0
    AND f.assay_at < 1774872000000000 /* 2026-03-30 12:00:00Z */
),
cells AS ( -- one row per unit
  SELECT
    assay_unit,
    assay_stratum,
    MAX(assay_slice_1) AS assay_slice_1,
    MAX(assay_slice_2) AS assay_slice_2,
    MAX(assay_at) AS assay_newest,
    SUM(in_m0) AS m0,
    SUM(in_m1) AS m1
  FROM counted
  GROUP BY assay_unit, assay_stratum
)
SELECT *
FROM cells

-- === facts of feedback: moments of all metrics of feedback
-- Purpose: moments of complaints from one scan of feedback.
-- Rows: one per stratum, over the units that have such a fact;
--   besides, the same for each slice of one dimension (assay_slice_1: platform, assay_slice_2: plan; -1: all of them);
--   units without one are counted by the summary and enter as zeros.
-- Numbers: *_n units, *_any units with a value other than zero, *_mean, *_var (sample variance),
--   *_den_* of the denominator, *_co (sample covariance); newest in microseconds since 1970 UTC;
--   not_finite facts with a value that is NaN, infinite or of a size of 1e80 and more, which counts as no value.
--   *_pre_* of the covariate: the same value before first exposure.
SELECT
  CAST(c.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(-1 AS BIGINT) AS assay_class,
  CAST(CASE WHEN GROUPING(c.assay_slice_1) = 1 THEN -1 ELSE c.assay_slice_1 END AS BIGINT) AS assay_slice_1,
  CAST(CASE WHEN GROUPING(c.assay_slice_2) = 1 THEN -1 ELSE c.assay_slice_2 END AS BIGINT) AS assay_slice_2,
  CAST(COUNT(c.assay_newest) AS BIGINT) AS units,
  CAST(MAX(c.assay_newest) AS BIGINT) AS newest,
  CAST(0 AS BIGINT) AS not_finite
FROM assay_cells_1 AS c
GROUP BY GROUPING SETS (
  (c.assay_stratum),
  (c.assay_stratum, c.assay_slice_1),
  (c.assay_stratum, c.assay_slice_2)
)
ORDER BY 1, 2, 3, 4

-- === ratios of feedback over events: moments of the ratios of both
-- Purpose: moments of complaints: of what feedback come to for a unit over what events do.
-- Rows: one per stratum, over the units that have a fact in either.
-- Numbers: as those of one source; a part that is missing is zero.
WITH above AS ( -- feedback
  SELECT
    assay_unit,
    assay_stratum,
    m0 AS above_0,
    m1 AS above_0_pre
  FROM assay_cells_1
),
below AS ( -- events
  SELECT
    assay_unit,
    assay_stratum,
    m0 AS below_0,
    m1 AS below_0_pre
  FROM assay_cells_2
  WHERE assay_group = -1
),
both_sources AS (
  SELECT
    COALESCE(a.assay_stratum, b.assay_stratum) AS assay_stratum,
    a.above_0,
    a.above_0_pre,
    b.below_0,
    b.below_0_pre
  FROM above AS a
  FULL JOIN below AS b
    ON b.assay_unit = a.assay_unit
)
SELECT
  CAST(c.assay_stratum AS BIGINT) AS assay_stratum,
  CAST(-1 AS BIGINT) AS assay_class,
  CAST(COUNT(COALESCE(above_0, 0 * below_0, 0 * above_0_pre, 0 * below_0_pre)) AS BIGINT) AS above_0_below_0_above_0_pre_below_0_pre_n,
  CAST(COUNT(CASE WHEN above_0 <> 0 THEN 1 END) AS BIGINT) AS above_0_below_0_above_0_pre_below_0_pre_any,
  CAST(AVG(COALESCE(above_0, 0 * below_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_mean,
  CAST(VAR_SAMP(COALESCE(above_0, 0 * below_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_var,
  CAST(AVG(COALESCE(below_0, 0 * above_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_den_mean,
  CAST(VAR_SAMP(COALESCE(below_0, 0 * above_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_den_var,
  CAST(COVAR_SAMP(COALESCE(above_0, 0 * below_0, 0 * above_0_pre, 0 * below_0_pre), COALESCE(below_0, 0 * above_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_co,
  CAST(AVG(COALESCE(above_0_pre, 0 * above_0, 0 * below_0, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_mean,
  CAST(VAR_SAMP(COALESCE(above_0_pre, 0 * above_0, 0 * below_0, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_var,
  CAST(AVG(COALESCE(below_0_pre, 0 * above_0, 0 * below_0, 0 * above_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_den_mean,
  CAST(VAR_SAMP(COALESCE(below_0_pre, 0 * above_0, 0 * below_0, 0 * above_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_den_var,
  CAST(COVAR_SAMP(COALESCE(above_0_pre, 0 * above_0, 0 * below_0, 0 * below_0_pre), COALESCE(below_0_pre, 0 * above_0, 0 * below_0, 0 * above_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_co,
  CAST(COVAR_SAMP(COALESCE(above_0_pre, 0 * above_0, 0 * below_0, 0 * below_0_pre), COALESCE(above_0, 0 * below_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_value,
  CAST(COVAR_SAMP(COALESCE(above_0_pre, 0 * above_0, 0 * below_0, 0 * below_0_pre), COALESCE(below_0, 0 * above_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_den,
  CAST(COVAR_SAMP(COALESCE(below_0_pre, 0 * above_0, 0 * below_0, 0 * above_0_pre), COALESCE(above_0, 0 * below_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_of_value,
  CAST(COVAR_SAMP(COALESCE(below_0_pre, 0 * above_0, 0 * below_0, 0 * above_0_pre), COALESCE(below_0, 0 * above_0, 0 * above_0_pre, 0 * below_0_pre)) AS DOUBLE) AS above_0_below_0_above_0_pre_below_0_pre_pre_of_den
FROM both_sources AS c
GROUP BY c.assay_stratum
ORDER BY 1

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
FROM assay_exposed AS u
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

-- === alignment of activation: whether the identifiers of feedback meet the exposed units
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
  JOIN assay_exposed AS u
    ON u.assay_unit = l.assay_to
    AND f.assay_at >= u.assay_anchor + 3600000000 /* 1h */
    AND f.assay_at < u.assay_anchor + 90000000000 /* 1d1h */
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
  LEFT JOIN assay_exposed AS u
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

-- === shapes of activation: what the identifiers of feedback look like
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
  FROM assay_exposed AS u
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

-- === alignment of events: whether the identifiers of events meet the exposed units
-- Purpose: do the identifiers of events meet the exposed units at all?
-- Rows: one. Numbers: rows; identifiers of events and how many of them meet a unit;
--   in_window units with any row inside the widest window, whatever the metrics count; newest in microseconds since 1970 UTC.
WITH assay_source AS ( -- events
  SELECT user_id, ts AS timestamp, event_id, event, amount, is_error
  FROM events
  WHERE ts >= TIMESTAMP '2026-03-13 12:00:00.000000' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000'
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
    AND f.assay_at < u.assay_anchor + 604800000000 /* 7d */
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
  WHERE ts >= TIMESTAMP '2026-03-13 12:00:00.000000' AND ts < TIMESTAMP '2026-03-30 12:00:00.000000'
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
    AND f.assay_at < u.assay_anchor + 259200000000 /* 3d */
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

