-- Purpose: when units were first exposed.
-- Rows: one per hour (UTC) and stratum. Numbers: hour in microseconds since 1970 UTC; units.
SELECT
  CAST(u.assay_anchor - MOD(u.assay_anchor, 3600000000) AS {{.D.Integer}}) AS hour,
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units
FROM {{.Exposed}} AS u
WHERE u.assay_stratum >= 0
GROUP BY 1, 2
ORDER BY 1, 2
