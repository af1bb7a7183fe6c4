-- Purpose: would the identifiers of the two sides meet if they were written otherwise?
-- Rows: one per try. Numbers: matched identifiers of the sample that then are among those of the other side;
--   merged identifiers of the sample that could no longer be told apart.
{{- range $i, $try := .Tries}}
{{- if $i}}
UNION ALL
{{- end}}
SELECT -- {{note $try.Name}}
  CAST({{$i}} AS {{$.D.Integer}}) AS try,
  CAST(COUNT(*) AS {{$.D.Integer}}) AS matched,
  CAST((SELECT COUNT(*) - COUNT(DISTINCT {{$try.Left}}) FROM {{$.Left}}) AS {{$.D.Integer}}) AS merged
FROM {{$.Left}}
WHERE {{$try.Left}} IN (SELECT {{$try.Right}} FROM {{$.Right}})
{{- end}}
ORDER BY 1
