-- Purpose: do the identifiers of {{.Source}} meet the exposed units at all?
-- Rows: one. Numbers: rows; identifiers of {{.Source}} and how many of them meet a unit{{if .Link}} through {{.Join}}{{end}};
--   in_window units with any row inside the widest window, whatever the metrics count; newest in microseconds since 1970 UTC.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT
    {{.FactKey}} AS assay_id,
    {{.At}} AS assay_at
  FROM assay_source AS f
),
identifiers AS (
  SELECT
    assay_id,
    COUNT(*) AS assay_rows,
    MAX(assay_at) AS assay_newest
  FROM facts
  WHERE assay_at < {{.AsOf}}
  GROUP BY assay_id
),
inside AS (
  SELECT COUNT(DISTINCT u.assay_unit) AS assay_units_in_window
  FROM facts AS f
{{- if .Link}}
  JOIN {{.Link}} AS l
    ON l.assay_from = f.assay_id
{{- end}}
  JOIN {{.Units}} AS u
    ON u.assay_unit = {{if .Link}}l.assay_to{{else}}f.assay_id{{end}}
    AND f.assay_at >= u.assay_anchor{{.Opens}}
{{- if .Closes}}
    AND f.assay_at < u.assay_anchor{{.Closes}}
{{- end}}
  WHERE u.assay_stratum >= 0
    AND f.assay_at < {{.Limit}}
),
totals AS (
  SELECT
    COALESCE(SUM(i.assay_rows), 0) AS fact_rows,
    COALESCE(SUM(CASE WHEN i.assay_id IS NULL THEN i.assay_rows ELSE 0 END), 0) AS null_rows,
    COUNT(i.assay_id) AS identifiers,
    COUNT(u.assay_unit) AS matched,
    MAX(i.assay_newest) AS newest
  FROM identifiers AS i
{{- if .Link}}
  LEFT JOIN {{.Link}} AS l
    ON l.assay_from = i.assay_id
{{- end}}
  LEFT JOIN {{.Units}} AS u
    ON u.assay_unit = {{if .Link}}l.assay_to{{else}}i.assay_id{{end}}
)
SELECT
  CAST(t.fact_rows AS {{.D.Integer}}) AS fact_rows,
  CAST(t.null_rows AS {{.D.Integer}}) AS null_rows,
  CAST(t.identifiers AS {{.D.Integer}}) AS identifiers,
  CAST(t.matched AS {{.D.Integer}}) AS matched,
  CAST(w.assay_units_in_window AS {{.D.Integer}}) AS in_window,
  CAST(t.newest AS {{.D.Integer}}) AS newest
FROM totals AS t
CROSS JOIN inside AS w
