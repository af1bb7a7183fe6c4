-- Purpose: units of {{.Experiment}} with what a flag may have hashed, to draw their variation again.
-- Rows: one per unit, {{.Limit}} at the most. Numbers: stratum (epoch x {{len .Arms}} + variation).
SELECT
  CAST(u.assay_unit AS {{.D.Text}}) AS unit_id,
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum
{{- range .Dimensions}},
  u.{{.Alias}}
{{- end}}
FROM {{.Exposed}} AS u
WHERE u.assay_stratum >= 0
-- An order that every run repeats and that has nothing to do with what identifiers begin with, which may be a platform:
-- the instant of the first exposure, scattered by two primes, then the identifier from its end.
ORDER BY MOD(MOD(u.assay_anchor, 999983) * 7919, 999983), REVERSE(CAST(u.assay_unit AS {{.D.Text}}))
LIMIT {{.Limit}}
