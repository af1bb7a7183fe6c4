-- Purpose: how many units are in each slice of {{note .Name}}?
-- Rows: one per slice and stratum. Numbers: assay_slice as in assay_units, value its name (none for the rest);
--   units; closed_* those whose window has closed at as-of.
SELECT
  CAST(u.{{.Column}} AS {{.D.Integer}}) AS assay_slice,
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CASE WHEN u.{{.Column}} < {{.Values}} THEN MAX(u.{{.Alias}}) END AS value,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units{{if .Horizons}},{{end}}
{{- range $i, $h := .Horizons}}
  CAST(SUM(CASE WHEN u.assay_anchor <= {{$h.Latest}} THEN 1 ELSE 0 END) AS {{$.D.Integer}}) AS {{$h.Column}}{{comma $i (len $.Horizons)}} -- {{$h.Closes}}
{{- end}}
FROM assay_units AS u
WHERE u.assay_stratum >= 0
GROUP BY u.{{.Column}}, u.assay_stratum
ORDER BY 1, 2
