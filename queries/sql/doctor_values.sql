-- Purpose: which environments the rows of {{.Source}} come from.
-- Rows: the ten commonest values of {{.Column}}. Numbers: rows.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
)
SELECT
  SUBSTR(CAST({{.Value}} AS {{.D.Text}}), 1, 40) AS value,
  CAST(COUNT(*) AS {{.D.Integer}}) AS n
FROM assay_source AS f
WHERE {{.Value}} IS NOT NULL
GROUP BY 1
ORDER BY 2 DESC, 1
LIMIT 10
