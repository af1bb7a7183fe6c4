{{- if .Keep}}-- Purpose: what the facts of {{.Source}} come to for each unit, from one scan of it; {{.Names}} are made of them.
-- Rows: one per unit{{if .Classes}} and class of its facts (-1: all of them){{end}} that has such a fact.
{{.Create}}
{{else}}{{template "moments_header" .}}{{end -}}
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT f.*, {{.At}} AS assay_at
  FROM assay_source AS f
),
{{- if .Key}}
{{template "once" .}},
{{- end}}
counted AS ( -- one row per fact in the window of its unit
  SELECT
    u.assay_unit,
    u.assay_stratum,
{{- range .Slices}}
    u.{{.Column}},
{{- end}}
    {{.Newest}} AS assay_at,
{{- if .Classes}}
    CAST(CASE {{.ClassColumn}}
{{- range .Classes}}
      WHEN {{.Literal}} THEN {{.Number}} -- {{.Metrics}}
{{- end}}
    END AS {{.D.Small}}) AS assay_class,
{{- end}}
{{- range $i, $c := .Inputs}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Inputs)}} -- {{$c.Metrics}}
{{- end}}
  FROM {{if .Key}}once{{else}}facts{{end}} AS f
{{- if .Link}}
  JOIN {{.Link}} AS l
    ON l.assay_from = {{.FactKey}}
{{- end}}
  JOIN assay_units AS u
    ON u.assay_unit = {{if .Link}}l.assay_to{{else}}{{.FactKey}}{{end}}
    AND f.assay_at >= {{.Opens}}
{{- if .Closes}}
    AND f.assay_at < u.assay_anchor{{.Closes}}
{{- end}}
  WHERE u.assay_stratum >= 0
    AND f.assay_at < {{.Limit}}
{{- if .Since}}
    AND f.assay_at >= {{.Since}}
{{- end}}
{{- if .Latest}}
    AND u.assay_anchor <= {{.Latest}}
{{- end}}
{{- if .Filter}}
    AND ({{.Filter}})
{{- end}}
),
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
{{- if .Ranks}},
ranked AS ( -- in the order of their values
  SELECT
    cells.*,
{{- range $i, $c := .Ranks}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Ranks)}}
{{- end}}
  FROM cells
),
placed AS ( -- beside the positions of quantiles and the percentiles of all units
  SELECT
    ranked.*,
{{- range $i, $c := .Beside}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Beside)}}
{{- end}}
  FROM ranked
)
{{- end}}
{{- if .Keep}}
SELECT *
FROM {{if .Ranks}}placed{{else}}cells{{end}}
{{- else}}
{{template "moments" .}}
{{- end}}
