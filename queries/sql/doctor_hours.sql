-- Purpose: since when do the identifiers of {{.Source}} meet the exposed units, or no longer?
-- Rows: one per hour or day. hour in microseconds since 1970 UTC. Numbers: identifiers with rows in it, and those of
--   them that meet a unit.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT
    {{.Raw}} AS assay_raw,
    {{.Key}} AS assay_id,
    {{.At}} AS assay_at
  FROM assay_source AS f
)
SELECT
  CAST(f.assay_at - MOD(f.assay_at, {{.Step}}) AS {{.D.Integer}}) AS hour,
  CAST(COUNT(DISTINCT f.assay_raw) AS {{.D.Integer}}) AS identifiers,
  CAST(COUNT(DISTINCT CASE WHEN u.assay_raw IS NOT NULL THEN f.assay_raw END) AS {{.D.Integer}}) AS matched
FROM facts AS f
{{- if .Link}}
LEFT JOIN {{.Link}} AS l
  ON l.assay_from = f.assay_id
{{- end}}
LEFT JOIN assay_doctor_units AS u
  ON {{.On}}
WHERE f.assay_at >= {{.Start}}
  AND f.assay_at < {{.AsOf}}
GROUP BY 1
ORDER BY 1
