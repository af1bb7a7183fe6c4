-- Purpose: do the identifiers of {{.Source}} meet the exposed units at all?
-- Rows: one. Numbers: rows; identifiers; newest in microseconds since 1970 UTC.
WITH source AS (
{{.SQL}}
),
identifiers AS (
  SELECT
    {{.ID}} AS assay_id,
    COUNT(*) AS assay_rows,
    MAX({{.At}}) AS assay_newest
  FROM source AS f
{{- if .Link}}
  LEFT JOIN {{.Link}} AS l
    ON l.assay_from = {{.FactKey}}
{{- end}}
  WHERE {{.At}} < {{.AsOf}}
  GROUP BY {{.ID}}
)
SELECT
  CAST(COALESCE(SUM(i.assay_rows), 0) AS {{.D.Integer}}) AS fact_rows,
  CAST(COALESCE(SUM(CASE WHEN i.assay_id IS NULL THEN i.assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS null_rows,
  CAST(COUNT(i.assay_id) AS {{.D.Integer}}) AS identifiers,
  CAST(COUNT(u.assay_unit) AS {{.D.Integer}}) AS matched,
  CAST(MAX(i.assay_newest) AS {{.D.Integer}}) AS newest
FROM identifiers AS i
LEFT JOIN assay_units AS u
  ON CAST(u.assay_unit AS {{.D.Text}}) = i.assay_id
