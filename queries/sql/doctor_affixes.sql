-- Purpose: what most identifiers of a side begin and end with.
-- Rows: per side, end and length the commonest affix, where at least {{.Least}} and half of the identifiers have it.
{{- range $i, $side := .Sides}}
{{- if $i}}
UNION ALL
{{- end}}
SELECT
  '{{$side.Name}}' AS side,
  CAST({{$side.AtEnd}} AS {{$.D.Integer}}) AS at_end,
  CAST(assay_length AS {{$.D.Integer}}) AS length,
  affix
FROM (
  SELECT assay_length, affix, COUNT(*) AS assay_n
  FROM (
    SELECT
      k.n AS assay_length,
      {{$side.Affix}} AS affix
    FROM {{$side.Table}}
    CROSS JOIN ({{range $j, $n := $.Lengths}}{{if $j}} UNION ALL {{end}}SELECT {{$n}}{{if not $j}} AS n{{end}}{{end}}) AS k
    WHERE {{$.Length}} > k.n
  ) AS affixes
  GROUP BY assay_length, affix
) AS common
WHERE assay_n >= {{$.Least}}
  AND 2 * assay_n > (SELECT COUNT(*) FROM {{$side.Table}})
{{- end}}
ORDER BY 1, 2, 3
