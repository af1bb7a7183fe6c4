-- Purpose: which columns of {{.Source}} hold the identifiers of the other side?
-- Rows: one per column that holds any. Numbers: matched identifiers of the other side's sample; identifiers in
--   the rows that hold them.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
cells AS (
  SELECT
    k.n AS assay_column,
    {{.Identifier}} AS assay_id,
    CASE k.n
{{- range $i, $c := .Columns}}
      WHEN {{$i}} THEN {{$c}}
{{- end}}
    END AS assay_value
  FROM assay_source AS f
  CROSS JOIN ({{range $i, $c := .Columns}}{{if $i}} UNION ALL {{end}}SELECT {{$i}}{{if not $i}} AS n{{end}}{{end}}) AS k
)
SELECT
  CAST(c.assay_column AS {{.D.Integer}}) AS assay_column,
  CAST(COUNT(DISTINCT s.assay_raw) AS {{.D.Integer}}) AS matched,
  CAST(COUNT(DISTINCT c.assay_id) AS {{.D.Integer}}) AS identifiers
FROM cells AS c
JOIN {{.Sample}} AS s
  ON s.assay_raw = c.assay_value
GROUP BY c.assay_column
ORDER BY 1
