-- Purpose: the exposures that fit no stratum of {{.Experiment}}: of which variations, since when, and around which change of weights?
-- Rows: one per kind (assay_stratum -1 several variations, -2 undeclared variation, -4 no identifier; 0 all
--   the units that do fit, to compare with) and, but for those, the first and the last of the variations
--   ({{len .Arms}}: undeclared). Numbers: units; exposures in rows; first and last exposure and the earliest last one of
--   a unit, in microseconds since 1970 UTC; across_*: units first exposed before a change of weights and seen after it.
SELECT
  CAST(CASE WHEN u.assay_stratum = -3 OR u.assay_stratum >= 0 THEN 0 ELSE u.assay_stratum END AS {{.D.Integer}}) AS kind,
  CAST(CASE WHEN u.assay_stratum IN (-1, -2, -4) THEN u.assay_low ELSE -1 END AS {{.D.Integer}}) AS low,
  CAST(CASE WHEN u.assay_stratum IN (-1, -2, -4) THEN u.assay_high ELSE -1 END AS {{.D.Integer}}) AS high,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(SUM(u.assay_exposures) AS {{.D.Integer}}) AS exposures,
  CAST(MIN(u.assay_anchor) AS {{.D.Integer}}) AS first_exposure,
  CAST(MAX(u.assay_newest) AS {{.D.Integer}}) AS last_exposure,
  CAST(MIN(u.assay_newest) AS {{.D.Integer}}) AS earliest_last
{{- range .Changes}},
  CAST(SUM(CASE WHEN u.assay_anchor < {{.At}} AND u.assay_newest >= {{.At}} THEN 1 ELSE 0 END) AS {{$.D.Integer}}) AS {{.Column}}
{{- end}}
FROM {{.Exposed}} AS u
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
