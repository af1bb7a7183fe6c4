-- Purpose: when did each unit of {{.Experiment}} first show {{note .Metric}} after its first exposure? Its windows begin there.
-- Rows: those of assay_exposed; assay_stratum -10 - s for a unit of stratum s that has not been activated.
-- Numbers: assay_first, first exposure, and assay_anchor, activation, in microseconds since 1970 UTC.
{{.Create}}
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
activations AS (
  SELECT
    u.assay_unit,
    MIN(f.assay_at) AS assay_activated
  FROM {{if .Key}}once{{else}}facts{{end}} AS f
{{- if .Link}}
  JOIN {{.Link}} AS l
    ON l.assay_from = {{.FactKey}}
{{- end}}
  JOIN assay_exposed AS u
    ON u.assay_unit = {{if .Link}}l.assay_to{{else}}{{.FactKey}}{{end}}
    AND f.assay_at >= u.assay_anchor{{.Opens}}
{{- if .Closes}}
    AND f.assay_at < u.assay_anchor{{.Closes}}
{{- end}}
  WHERE u.assay_stratum >= 0
    AND f.assay_at < {{.Limit}}
{{- if .Filter}}
    AND ({{.Filter}})
{{- end}}
  GROUP BY u.assay_unit
)
SELECT
  u.assay_unit,
  CAST(CASE
    WHEN u.assay_stratum >= 0 AND a.assay_activated IS NULL THEN -10 - u.assay_stratum
    ELSE u.assay_stratum
  END AS {{.D.Small}}) AS assay_stratum,
  COALESCE(a.assay_activated, u.assay_anchor) AS assay_anchor,
  u.assay_anchor AS assay_first,
  u.assay_newest,
  u.assay_exposures
{{- range .Dimensions}},
  u.{{.Alias}}
{{- end}}
FROM assay_exposed AS u
LEFT JOIN activations AS a
  ON a.assay_unit = u.assay_unit
