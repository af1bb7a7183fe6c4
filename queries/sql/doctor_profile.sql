-- Purpose: how the identifiers of the two sides are written: signs that tell which rewritings are worth a try.
-- Rows: one per side. Numbers: identifiers, and how many of them show each sign; lengths in characters.
{{- range $i, $side := .Sides}}
{{- if $i}}
UNION ALL
{{- end}}
SELECT
  '{{$side.Name}}' AS side,
  CAST(COUNT(*) AS {{$.D.Integer}}) AS n,
  CAST(COALESCE(MIN({{$.Digits}}), 0) AS {{$.D.Integer}}) AS fewest_digits,
  CAST(COALESCE(MAX({{$.Digits}}), 0) AS {{$.D.Integer}}) AS most_digits
{{- range $.Signs}},
  CAST(COALESCE(SUM(CASE WHEN {{.Condition}} THEN 1 ELSE 0 END), 0) AS {{$.D.Integer}}) AS {{.Name}}
{{- end}}
FROM {{$side.Table}}
{{- end}}
ORDER BY 1
