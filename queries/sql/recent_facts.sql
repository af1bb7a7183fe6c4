-- Purpose: what facts of {{.Source}}{{if .Through}} since {{.Through}}, and those around newer units,{{end}} come to for each unit, from one scan of it.
-- Rows: one per unit{{if .Classes}}, class of its facts (-1: all of them){{end}} and side of the instant up to which this look keeps them
--   (assay_late 1: after it).
CREATE TEMP TABLE {{.Recent}} AS
{{template "counted" .}}
cells AS (
  SELECT
    assay_unit,
    assay_low,
    assay_anchor,
    assay_late,
{{- if .Classes}}
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE assay_class END AS assay_group,
{{- end}}
    MAX(assay_at) AS assay_newest,
{{- if .Lost}}
    COUNT(CASE WHEN {{.Lost}} THEN 1 END) AS assay_lost,
{{- end}}
{{- range $i, $c := .Stored}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Stored)}}
{{- end}}
  FROM counted
{{- if .Classes}}
  GROUP BY GROUPING SETS (
    (assay_unit, assay_low, assay_anchor, assay_late, assay_class),
    (assay_unit, assay_low, assay_anchor, assay_late)
  )
{{- if .Unclassed}}
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
{{- end}}
{{- else}}
  GROUP BY assay_unit, assay_low, assay_anchor, assay_late
{{- end}}
)
SELECT *
FROM cells
