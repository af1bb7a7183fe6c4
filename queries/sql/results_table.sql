-- Purpose: the table of what looks found, where it is missing: one row a look, metric and variation.
CREATE TABLE IF NOT EXISTS {{.Table}} (
{{- range $i, $c := .Columns}}
  {{$c.Name}} {{$c.Type}}{{comma $i (len $.Columns)}}
{{- end}}
)
