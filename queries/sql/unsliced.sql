-- Purpose: the units without their slices, which could not be told: all are in the rest.
-- Rows: those of {{.Table}}.
{{.Create}}
SELECT
  u.*,
{{- range $i, $s := .Slices}}
  CAST({{$.Values}} AS {{$.D.Small}}) AS {{$s.Column}}{{comma $i (len $.Slices)}}
{{- end}}
FROM {{.Table}} AS u
