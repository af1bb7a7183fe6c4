{{- if .Keep}}-- Purpose: what the facts of {{.Source}} come to for each unit, from one scan of it; {{.Names}} are made of them.
-- Rows: one per unit{{if .Classes}} and class of its facts (-1: all of them){{end}} that has such a fact
{{- if .Days}};
--   besides, one for each of the unit's days (assay_on) that has such a fact; -1: all of them
{{- end}}.
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
cells AS ( -- one row per unit{{if .Classes}} and class of its facts, and one per unit over all of them{{end}}{{if .Days}}; the same for each of its days{{end}}
  SELECT
{{- if .Keep}}
    assay_unit,
{{- end}}
    assay_stratum,
{{- if .Classes}}
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE assay_class END AS assay_group,
{{- end}}
{{- if .Days}}
    CASE WHEN GROUPING(assay_day) = 1 THEN -1 ELSE assay_day END AS assay_on,
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
{{- if .Days}}
  GROUP BY GROUPING SETS (
    (assay_unit, assay_stratum),
    (assay_unit, assay_stratum, assay_day){{if .Classes}},
    (assay_unit, assay_stratum, assay_class),
    (assay_unit, assay_stratum, assay_class, assay_day)
{{- end}}
  )
  HAVING (GROUPING(assay_day) = 1 OR assay_day IS NOT NULL)
{{- if and .Classes .Unclassed}}
    AND (GROUPING(assay_class) = 1 OR assay_class IS NOT NULL)
{{- end}}
{{- else if .Classes}}
  GROUP BY GROUPING SETS ((assay_unit, assay_stratum, assay_class), (assay_unit, assay_stratum))
{{- if .Unclassed}}
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
{{- end}}
{{- else}}
  GROUP BY assay_unit, assay_stratum
{{- end}}
)
{{- template "results" .}}
