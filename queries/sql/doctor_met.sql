-- Purpose: every identifier of {{.Source}}, and the exposed unit that it meets{{if .Link}} through {{.Join}}{{end}}.
-- Rows: one per identifier. assay_raw its text; assay_unit the text of the unit; assay_linked 1 where a join is
--   needed and there is one. Numbers: rows; of them inside the unit's widest window, before its first exposure,
--   and at or after as-of; oldest and newest in microseconds since 1970 UTC.
{{.Create}}
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
  f.assay_raw,
  CAST(u.assay_raw AS {{.D.Text}}) AS assay_unit,
  u.assay_arm,
{{- if .Link}}
  CASE WHEN l.assay_from IS NOT NULL THEN 1 ELSE 0 END AS assay_linked,
{{- else}}
  1 AS assay_linked,
{{- end}}
  MAX(CASE WHEN f.assay_id IS NULL THEN 0 ELSE 1 END) AS assay_read,
  COUNT(*) AS assay_rows,
  SUM(CASE WHEN f.assay_at >= u.assay_anchor{{.Opens}} AND f.assay_at < {{.Limit}}
{{- if .Closes}} AND f.assay_at < u.assay_anchor{{.Closes}}{{end}} THEN 1 ELSE 0 END) AS assay_inside,
  SUM(CASE WHEN f.assay_at < u.assay_anchor THEN 1 ELSE 0 END) AS assay_before,
  SUM(CASE WHEN f.assay_at >= {{.AsOf}} THEN 1 ELSE 0 END) AS assay_future,
  MIN(f.assay_at) AS assay_oldest,
  MAX(f.assay_at) AS assay_newest
FROM facts AS f
{{- if .Link}}
LEFT JOIN {{.Link}} AS l
  ON l.assay_from = f.assay_id
{{- end}}
LEFT JOIN assay_doctor_units AS u
  ON {{.On}}
GROUP BY f.assay_raw, u.assay_raw, u.assay_arm, 4
