-- Purpose: which slices does each unit belong to: of {{.Names}}, the {{.Values}} values with most units, and the rest?
-- Rows: those of {{.Table}}. Numbers: assay_slice_*, 0 for the largest, {{.Values}} for the rest.
{{.Create}}
WITH
{{- range $i, $s := .Slices}}
largest_{{$s.Number}} AS ( -- {{note $s.Name}}
  SELECT
    {{$s.Alias}} AS assay_value,
    ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, {{$s.Alias}}) - 1 AS assay_code
  FROM {{$.Table}}
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
FROM {{.Table}} AS u
{{- range .Slices}}
LEFT JOIN largest_{{.Number}} AS l{{.Number}}
  ON l{{.Number}}.assay_value = u.{{.Alias}}
{{- end}}
