-- Purpose: how many facts of {{.Source}} are there in every hour, of whomever?
-- Rows: one per hour (UTC). Numbers: hour in microseconds since 1970 UTC; rows.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT {{.At}} AS assay_at
  FROM assay_source AS f
)
SELECT
  CAST(assay_at - MOD(assay_at, 3600000000) AS {{.D.Integer}}) AS hour,
  CAST(COUNT(*) AS {{.D.Integer}}) AS n
FROM facts
WHERE assay_at >= {{.From}}
  AND assay_at < {{.Until}}
GROUP BY 1
ORDER BY 1
