-- Purpose: from which {{note .Name}} come exposures of {{.Experiment}} without an identifier?
-- Rows: one per value (the twenty with most of them) and variation ({{len .Arms}}: undeclared). Numbers: exposures and
--   those without an identifier in rows; the first of these in microseconds since 1970 UTC.
{{template "exposures" .}}
counted AS (
  SELECT
    {{.Alias}}_value AS assay_value,
    assay_arm,
    COUNT(*) AS n,
    SUM(CASE WHEN assay_unit IS NULL THEN 1 ELSE 0 END) AS missing,
    MIN(CASE WHEN assay_unit IS NULL THEN assay_at END) AS first_missing
  FROM exposures
  WHERE assay_at >= {{.Start}}
    AND assay_at < {{.End}}
  GROUP BY {{.Alias}}_value, assay_arm
),
worst AS (
  SELECT assay_value
  FROM counted
  GROUP BY assay_value
  ORDER BY SUM(missing) DESC, assay_value
  LIMIT {{.Values}}
)
SELECT
  c.assay_value AS value,
  CAST(c.assay_arm AS {{.D.Integer}}) AS arm,
  CAST(c.n AS {{.D.Integer}}) AS exposures,
  CAST(c.missing AS {{.D.Integer}}) AS missing,
  CAST(c.first_missing AS {{.D.Integer}}) AS first_missing
FROM counted AS c
JOIN worst AS w
  ON w.assay_value = c.assay_value
ORDER BY 1, 2
