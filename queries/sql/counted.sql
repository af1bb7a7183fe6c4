{{define "counted"}}WITH assay_source AS ( -- {{.Source}}
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
{{- if .State}}
    u.assay_low,
    u.assay_anchor,
    CASE WHEN f.assay_at >= {{.Until}} OR u.assay_anchor >= {{.Until}} THEN 1 ELSE 0 END AS assay_late,
{{- else}}
    u.assay_stratum,
{{- range .Slices}}
    u.{{.Column}},
{{- end}}
{{- end}}
    {{.Newest}} AS assay_at,
{{- if .Days}}
    {{.Day}} AS assay_day, -- since first {{.Anchor}}, where it was over at {{.DaysUntil}}
{{- end}}
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
  WHERE {{if .State}}u.assay_low = u.assay_high
    AND u.assay_low < {{.Arms}}{{else}}u.assay_stratum >= 0{{end}}
{{- if .Through}}
    AND (f.assay_at >= {{.Through}} OR u.assay_anchor >= {{.Through}})
{{- if .Closes}}
    AND u.assay_anchor >{{.ThroughLessCloses}}
{{- end}}
{{- end}}
    AND f.assay_at < {{.Limit}}
{{- if .Since}}
    AND f.assay_at >= {{.Since}}
{{- end}}
{{- if and .Latest (not .State)}}
    AND u.assay_anchor <= {{.Latest}}
{{- end}}
{{- if .Filter}}
    AND ({{.Filter}})
{{- end}}
),{{end}}
