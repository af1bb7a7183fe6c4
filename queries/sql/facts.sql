{{- if .Keep}}-- Purpose: what the facts of {{.Source}} come to for each unit, from one scan of it; {{.Names}} are made of them.
-- Rows: one per unit{{if .Classes}} and class of its facts (-1: all of them){{end}} that has such a fact.
{{.Create}}
{{else}}{{template "moments_header" .}}{{end -}}
{{template "counted" .}}
{{- if .Places}}
ranked_facts AS ( -- in the order of their values in their stratum
  SELECT
    counted.*,
{{- range $i, $c := .FactRanks}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.FactRanks)}}{{if $c.Metrics}} -- {{$c.Metrics}}{{end}}
{{- end}}
  FROM counted
),
placed_facts AS ( -- beside the positions of the quantiles
  SELECT
    ranked_facts.*,
{{- range $i, $c := .FactPositions}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.FactPositions)}}
{{- end}}
  FROM ranked_facts
),
compared_facts AS ( -- beside the quantiles
  SELECT
    placed_facts.*,
{{- range $i, $c := .Places}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Places)}}
{{- end}}
  FROM placed_facts
),
{{- end}}
cells AS ( -- one row per unit{{if .Classes}} and class of its facts, and one per unit over all of them{{end}}
  SELECT
{{- if .Keep}}
    assay_unit,
{{- end}}
    assay_stratum,
{{- if .Classes}}
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE assay_class END AS assay_group,
{{- end}}
{{- range .Slices}}
    MAX({{.Column}}) AS {{.Column}},
{{- end}}
    MAX(assay_at) AS assay_newest,
{{- if .Lost}}
    COUNT(CASE WHEN {{.Lost}} THEN 1 END) AS assay_lost,
{{- end}}
{{- range $i, $c := .Aggregates}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Aggregates)}}
{{- end}}
  FROM {{if .Places}}compared_facts{{else}}counted{{end}}
{{- if .Classes}}
  GROUP BY GROUPING SETS ((assay_unit, assay_stratum, assay_class), (assay_unit, assay_stratum))
{{- if .Unclassed}}
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
{{- end}}
{{- else}}
  GROUP BY assay_unit, assay_stratum
{{- end}}
)
{{- template "results" .}}
