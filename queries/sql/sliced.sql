-- Purpose: which slices does each unit belong to: of {{note .Names}}, the {{.Values}} values with most units, and the rest?
-- Rows: those of {{.Table}}. Numbers: assay_slice_*, 0 for the largest, {{.Values}} for the rest.
{{.Create}}
WITH
{{- range .Traits}}
{{.Alias}}_trait AS ( -- {{note .Name}}
{{.SQL}}
),
{{.Alias}}_of AS (
  SELECT
    {{.Key}} AS assay_id,
    MAX(CAST({{.Value}} AS {{$.D.Text}})) AS assay_value
  FROM {{.Alias}}_trait AS t
  WHERE {{.Key}} IS NOT NULL
  GROUP BY {{.Key}}
),
{{- end}}
units AS (
  SELECT
    u.*
{{- range .Traits}},
    COALESCE({{.Alias}}_of.assay_value, '') AS {{.Alias}}
{{- end}}
  FROM {{.Table}} AS u
{{- range .Traits}}
  LEFT JOIN {{.Alias}}_of
    ON {{.Alias}}_of.assay_id = u.assay_unit
{{- end}}
),
{{- range $i, $s := .Slices}}
largest_{{$s.Number}} AS ( -- {{note $s.Name}}
  SELECT
    {{$s.Alias}} AS assay_value,
    ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, {{$s.Alias}}) - 1 AS assay_code
  FROM units
  WHERE assay_stratum >= 0
  GROUP BY {{$s.Alias}}
  QUALIFY ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, {{$s.Alias}}) <= {{$.Values}}
){{comma $i (len $.Slices)}}
{{- end}}
SELECT
  u.*,
{{- range $i, $s := .Slices}}
  CAST(COALESCE(l{{$s.Number}}.assay_code, {{$.Values}}) AS {{$.D.Small}}) AS {{$s.Column}}{{comma $i (len $.Slices)}}
{{- end}}
FROM units AS u
{{- range .Slices}}
LEFT JOIN largest_{{.Number}} AS l{{.Number}}
  ON l{{.Number}}.assay_value = u.{{.Alias}}
{{- end}}
