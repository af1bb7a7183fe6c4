{{define "results"}}{{- if .Ranks}},
ranked AS ( -- in the order of their values
  SELECT
    cells.*,
{{- range $i, $c := .Ranks}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Ranks)}}
{{- end}}
  FROM cells
),
placed AS ( -- beside the positions of quantiles and the percentiles of all units
  SELECT
    ranked.*,
{{- range $i, $c := .Beside}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Beside)}}
{{- end}}
  FROM ranked
)
{{- end}}
{{- if .Keep}}
SELECT *
FROM {{if .Ranks}}placed{{else}}cells{{end}}
{{- else}}
{{template "moments" .}}
{{- end}}{{end}}
