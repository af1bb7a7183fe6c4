-- Purpose: moments of {{.Names}}: of what {{.AboveName}} come to for a unit over what {{.BelowName}} do.
-- Rows: one per stratum, over the units that have a fact in either.
-- Numbers: as those of one source; a part that is missing is zero.
WITH above AS ( -- {{.AboveName}}
  SELECT
    assay_unit,
    assay_stratum,
{{- range $i, $c := .AboveColumns}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.AboveColumns)}}
{{- end}}
  FROM {{.AboveTable}}
{{- if .AboveOf}}
  WHERE {{.AboveOf}}
{{- end}}
),
below AS ( -- {{.BelowName}}
  SELECT
    assay_unit,
    assay_stratum,
{{- range $i, $c := .BelowColumns}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.BelowColumns)}}
{{- end}}
  FROM {{.BelowTable}}
{{- if .BelowOf}}
  WHERE {{.BelowOf}}
{{- end}}
),
both_sources AS (
  SELECT
    COALESCE(a.assay_stratum, b.assay_stratum) AS assay_stratum,
{{- range .AboveColumns}}
    a.{{.Name}},
{{- end}}
{{- range $i, $c := .BelowColumns}}
    b.{{$c.Name}}{{comma $i (len $.BelowColumns)}}
{{- end}}
  FROM above AS a
  FULL JOIN below AS b
    ON b.assay_unit = a.assay_unit
)
SELECT
  CAST(c.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(-1 AS {{.D.Integer}}) AS assay_class,
{{- range $i, $o := .Outputs}}
  CAST({{$o.Expression}} AS {{if $o.Whole}}{{$.D.Integer}}{{else}}{{$.D.Float}}{{end}}) AS {{$o.Name}}{{comma $i (len $.Outputs)}}
{{- end}}
FROM both_sources AS c
GROUP BY c.assay_stratum
ORDER BY 1
