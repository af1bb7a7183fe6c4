-- Purpose: writes what looks found: one row a look, metric and variation.
INSERT INTO {{.Table}} (
{{- range $i, $c := .Columns}}
  {{$c.Name}}{{comma $i (len $.Columns)}}
{{- end}}
)
{{.Rows}}
