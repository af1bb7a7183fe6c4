-- Purpose: has the table of results all its columns?
-- Rows: none.
SELECT
  CAST(COUNT(*) AS {{.D.Integer}}) AS n
FROM (
  SELECT
{{- range $i, $c := .Columns}}
    {{$c.Name}}{{comma $i (len $.Columns)}}
{{- end}}
  FROM {{.Table}}
  WHERE 1 = 0
) AS probed
