-- Purpose: which exposures of {{.Experiment}} lie outside of its dates?
-- Rows: one per side (before, after) and variation ({{len .Arms}}: undeclared). Numbers: exposures in rows; units;
--   first and last exposure in microseconds since 1970 UTC.
{{template "exposures" .}}
sided AS (
  SELECT
    exposures.*,
    CASE WHEN assay_at < {{.Start}} THEN 'before' ELSE 'after' END AS assay_side
  FROM exposures
  WHERE assay_at < {{.Until}}
    AND (assay_at < {{.Start}} OR assay_at >= {{.End}})
)
SELECT
  assay_side AS side,
  CAST(assay_arm AS {{.D.Integer}}) AS arm,
  CAST(COUNT(*) AS {{.D.Integer}}) AS exposures,
  CAST(COUNT(DISTINCT assay_unit) AS {{.D.Integer}}) AS units,
  CAST(MIN(assay_at) AS {{.D.Integer}}) AS first_exposure,
  CAST(MAX(assay_at) AS {{.D.Integer}}) AS last_exposure
FROM sided
GROUP BY assay_side, assay_arm
ORDER BY 1, 2
