-- Purpose: when units were first exposed.
-- Rows: one per day (UTC) and stratum. Numbers: day in microseconds since 1970 UTC; units.
SELECT
  CAST(assay_anchor - MOD(assay_anchor, 86400000000) AS {{.D.Integer}}) AS day,
  CAST(assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units
FROM assay_units
WHERE assay_stratum >= 0
GROUP BY assay_anchor - MOD(assay_anchor, 86400000000), assay_stratum
ORDER BY 1, 2
