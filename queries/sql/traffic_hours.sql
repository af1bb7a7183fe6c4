-- Purpose: how many exposures of {{.Experiment}} are there in every hour?
-- Rows: one per hour (UTC). Numbers: hour in microseconds since 1970 UTC; rows.
{{template "exposures" .}}
inside AS (
  SELECT assay_at
  FROM exposures
  WHERE assay_at >= {{.Start}}
    AND assay_at < {{.End}}
)
SELECT
  CAST(assay_at - MOD(assay_at, 3600000000) AS {{.D.Integer}}) AS hour,
  CAST(COUNT(*) AS {{.D.Integer}}) AS n
FROM inside
GROUP BY 1
ORDER BY 1
