{{- if .Keep}}-- Purpose: what the facts of {{.Source}} come to for each unit; {{.Names}} are made of them.
-- Rows: one per unit{{if .Classes}} and class of its facts (-1: all of them){{end}} that has such a fact.
{{.Create}}
{{else}}{{template "moments_header" .}}{{end -}}
WITH {{template "merged_facts" .}},
{{- if .Through}}
gone AS ( -- units of which what is kept is not the whole
  SELECT assay_unit AS assay_id
  FROM {{.Recent}}
),
several AS ( -- units that count no more
  SELECT assay_unit AS assay_id
  FROM assay_all
  WHERE assay_low <> assay_high
),
{{- end}}
merged AS (
{{- if .Through}}
{{- if .Closes}}
  -- Nothing is new of units whose windows have all closed.
  SELECT {{template "columns" .}}
  FROM {{.Table}} AS k
  ANTI JOIN several
    ON several.assay_id = k.assay_unit
  WHERE k.assay_anchor <={{.ThroughLessCloses}}
  UNION ALL
{{- end}}
  SELECT {{template "columns" .}}
  FROM {{.Table}} AS k
  ANTI JOIN gone
    ON gone.assay_id = k.assay_unit
  ANTI JOIN several
    ON several.assay_id = k.assay_unit
{{- if .Closes}}
  WHERE k.assay_anchor >{{.ThroughLessCloses}}
{{- end}}
  UNION ALL
{{- end}}
  SELECT {{template "columns" .}}
  FROM whole
),
placed_units AS (
  SELECT
    merged.*,
    {{if .Bounds}}CAST(CASE
{{- range .Bounds}}
      WHEN assay_anchor < {{.Before}} THEN {{.Code}}
{{- end}}
      ELSE {{.Last}}
    END AS {{.D.Small}}){{else}}{{.Last}}{{end}} AS assay_stratum
  FROM merged
),
cells AS ( -- one row per unit{{if .Classes}} and class of its facts, and one per unit over all of them{{end}}
  SELECT
{{- if .Keep}}
    p.assay_unit,
{{- end}}
    p.assay_stratum,
{{- if .Classes}}
    p.assay_group,
{{- end}}
{{- range .Slices}}
    u.{{.Column}},
{{- end}}
    p.assay_newest,
{{- if .Lost}}
    p.assay_lost,
{{- end}}
{{- range $i, $c := .Finals}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Finals)}}
{{- end}}
  FROM placed_units AS p
{{- if .Slices}}
  JOIN assay_units AS u
    ON u.assay_unit = p.assay_unit
{{- end}}
  WHERE p.assay_stratum >= 0
{{- if .Latest}}
    AND p.assay_anchor <= {{.Latest}}
{{- end}}
)
{{- template "results" .}}
