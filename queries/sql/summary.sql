-- Purpose: how many units and exposures there are, and how many windows have closed.
-- Rows: one per stratum. Numbers: newest in microseconds since 1970 UTC; closed_*: units whose
--   window of that length has closed at as-of.
SELECT
  CAST(assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(SUM(assay_exposures) AS {{.D.Integer}}) AS exposures,
  CAST(MAX(assay_newest) AS {{.D.Integer}}) AS newest
{{- range .Horizons}},
  CAST(SUM(CASE WHEN assay_anchor <= {{.Latest}} THEN 1 ELSE 0 END) AS {{$.D.Integer}}) AS {{.Column}}
{{- end}}
FROM assay_units
GROUP BY assay_stratum
ORDER BY assay_stratum
