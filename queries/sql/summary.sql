-- Purpose: how many units and exposures there are, and how many windows have closed.
-- Rows: one per stratum{{if .Activation}} (-10 - s: units of stratum s that were not activated){{end}}. Numbers: newest in microseconds since 1970 UTC; closed_*: units whose
--   window has closed at as-of, which it does that long after {{if .Activation}}activation{{else}}their first exposure{{end}}.
--   rows_mean, rows_var and rows_third: moments of a unit's exposures, of which a hundred count at the most, so that
--   no robot decides; the third is the mean of the cubed number.
SELECT
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(SUM(u.assay_exposures) AS {{.D.Integer}}) AS exposures,
  CAST(MAX(u.assay_newest) AS {{.D.Integer}}) AS newest,
  CAST(AVG(LEAST(u.assay_exposures, 100)) AS {{.D.Float}}) AS rows_mean,
  CAST(VAR_SAMP(LEAST(u.assay_exposures, 100)) AS {{.D.Float}}) AS rows_var,
  CAST(AVG(LEAST(u.assay_exposures, 100) * LEAST(u.assay_exposures, 100) * LEAST(u.assay_exposures, 100)) AS {{.D.Float}}) AS rows_third{{if or .Activation .Horizons}},{{end}}
{{- if .Activation}}
  CAST(MAX(u.assay_anchor) AS {{.D.Integer}}) AS activated{{if .Horizons}},{{end}} -- the newest activation
{{- end}}
{{- range $i, $h := .Horizons}}
  CAST(SUM(CASE WHEN u.assay_anchor <= {{$h.Latest}} THEN 1 ELSE 0 END) AS {{$.D.Integer}}) AS {{$h.Column}}{{comma $i (len $.Horizons)}} -- {{$h.Closes}}
{{- end}}
FROM assay_units AS u
GROUP BY u.assay_stratum
ORDER BY 1
