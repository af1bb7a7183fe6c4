-- Purpose: when did units of {{.Experiment}} first show a second variation, and which?
-- Rows: one per hour (UTC) and pair of the first and the second variation ({{len .Arms}}: undeclared). Numbers: hour in
--   microseconds since 1970 UTC; units.
{{template "exposures" .}}
arms AS (
  SELECT assay_unit, assay_arm, MIN(assay_at) AS assay_since
  FROM exposures
  WHERE assay_at >= {{.Start}}
    AND assay_at < {{.End}}
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
  CAST(assay_before AS {{.D.Integer}}) AS arm_before,
  CAST(assay_arm AS {{.D.Integer}}) AS arm_after,
  CAST(assay_since - MOD(assay_since, 3600000000) AS {{.D.Integer}}) AS hour,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units
FROM ordered
WHERE assay_place = 2
GROUP BY 1, 2, 3
ORDER BY 3, 1, 2
