-- Purpose: how long after its assignment was the first exposure of each unit of {{.Experiment}} logged?
-- Rows: one per stratum (epoch x {{len .Arms}} + variation) and lag (-1 before it, 0 within an hour, 1 within a day, 2
--   later; NULL without an assignment). Numbers: units; the longest lag in microseconds.
WITH assay_assignment AS ( -- {{.Assignment}}
{{.SQL}}
),
exposures AS (
  SELECT
    {{.Unit}} AS assay_id,
    {{.At}} AS assay_at,
    {{.AssignedAt}} AS assay_assigned
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
),
assigned AS (
  SELECT
    assay_id,
    MIN(assay_at) AS assay_first,
    MIN(assay_assigned) AS assay_assigned
  FROM exposures
  WHERE assay_at >= {{.Start}}
    AND assay_at < {{.End}}
  GROUP BY assay_id
),
lags AS (
  SELECT
    u.assay_stratum,
    a.assay_first - a.assay_assigned AS assay_lag
  FROM {{.Exposed}} AS u
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
  CAST(assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(assay_place AS {{.D.Integer}}) AS lag,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(MAX(assay_lag) AS {{.D.Integer}}) AS longest
FROM placed
GROUP BY assay_stratum, assay_place
ORDER BY 1, 2
