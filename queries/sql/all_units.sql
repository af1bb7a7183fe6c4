-- Purpose: one row per unit of {{.Experiment}} with its first exposure and variation.
-- Rows: assay_unit; assay_stratum (epoch x {{len .Arms}} + variation; -1 several variations,
--   -2 undeclared variation, -3 first exposed while a change settled, -4 no identifier).
-- Numbers: assay_anchor and assay_newest, first and last exposure in microseconds since 1970 UTC;
--   assay_exposures in rows; assay_low and assay_high, the first and the last of its variations.
CREATE TEMP VIEW {{.Exposed}} AS
SELECT
  assay_unit,
  {{template "stratum" .}} AS assay_stratum,
  assay_anchor,
  assay_newest,
  assay_exposures,
  assay_low,
  assay_high
{{- range .Dimensions}},
  {{.Alias}}
{{- end}}
FROM assay_all
