-- Purpose: one row per unit of {{.Experiment}} with its first exposure and variation.
-- Rows: assay_unit; assay_stratum (epoch x {{len .Arms}} + variation; -1 several variations,
--   -2 undeclared variation, -3 first exposed while a change settled, -4 no identifier).
-- Numbers: assay_anchor and assay_newest, first and last exposure in microseconds since 1970 UTC;
--   assay_exposures in rows; assay_low and assay_high, the first and the last of its variations.
{{.Create}}
{{template "exposures" .}}
units AS (
  SELECT
    assay_unit,
    MIN(assay_arm) AS assay_low,
    MAX(assay_arm) AS assay_high,
    MIN(assay_at) AS assay_anchor,
    MAX(assay_at) AS assay_newest,
    COUNT(*) AS assay_exposures
{{- if .Dimensions}},
    -- Values at the first exposure: sixteen digits of time sort them to the front.
{{- end}}
{{- range $i, $d := .Dimensions}}
    SUBSTR(MIN(CONCAT(LPAD(CAST(assay_at AS {{$.D.Text}}), 16, '0'), {{$d.Alias}}_value)), 17) AS {{$d.Alias}}{{comma $i (len $.Dimensions)}}
{{- end}}
  FROM exposures
  WHERE assay_at >= {{.Start}}
    AND assay_at < {{.End}}
  -- Without an identifier, variations are kept apart.
  GROUP BY assay_unit, CASE WHEN assay_unit IS NULL THEN assay_arm END
)
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
FROM units
