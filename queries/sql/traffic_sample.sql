-- Purpose: units of {{.Experiment}} with what a flag may have hashed, to draw their variation again.
-- Rows: one per unit, the first {{.Limit}} in the order of their identifiers. Numbers: stratum (epoch x {{len .Arms}} + variation).
SELECT
  CAST(u.assay_unit AS {{.D.Text}}) AS unit_id,
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum
{{- range .Dimensions}},
  u.{{.Alias}}
{{- end}}
FROM {{.Exposed}} AS u
WHERE u.assay_stratum >= 0
ORDER BY u.assay_unit
LIMIT {{.Limit}}
