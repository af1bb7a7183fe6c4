{{define "columns"}}assay_unit, assay_low, assay_anchor{{if .Classes}}, assay_group{{end}}, assay_newest{{if .Lost}}, assay_lost{{end}}
{{- range .Stored}}, {{.Name}}{{end}}{{end}}

{{define "merged_facts"}}parts AS ( -- units with recent facts, with what is kept of them
  SELECT {{template "columns" .}}
  FROM {{.Recent}}
{{- if .Early}}
  WHERE assay_late = 0
{{- end}}
{{- if .Through}}
  UNION ALL
  SELECT {{template "columns" .}}
  FROM {{.Table}} AS k
  SEMI JOIN (SELECT assay_unit AS assay_id FROM {{.Recent}}{{if .Early}} WHERE assay_late = 0{{end}}) AS r
    ON r.assay_id = k.assay_unit
{{- end}}
),
whole AS (
  SELECT
    assay_unit,
    assay_low,
    assay_anchor,
{{- if .Classes}}
    assay_group,
{{- end}}
    MAX(assay_newest) AS assay_newest,
{{- if .Lost}}
    CAST(SUM(assay_lost) AS {{.D.Integer}}) AS assay_lost,
{{- end}}
{{- range $i, $c := .Stored}}
    {{$c.Merge}} AS {{$c.Name}}{{comma $i (len $.Stored)}}
{{- end}}
  FROM parts
  GROUP BY assay_unit, assay_low, assay_anchor{{if .Classes}}, assay_group{{end}}
){{end}}
