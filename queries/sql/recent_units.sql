-- Purpose: the exposures of {{.Experiment}}{{if .Through}} since {{.Through}}{{end}}, which is all that is scanned of them.
-- Rows: one per unit and side of the instant up to which this look keeps them (assay_late: after it).
-- Numbers: assay_low and assay_high, the first and the last of its variations; assay_anchor and
--   assay_newest, first and last exposure in microseconds since 1970 UTC; assay_exposures in rows.
CREATE TEMP TABLE assay_recent AS
{{template "exposures" .}}
sided AS (
  SELECT
    exposures.*,
    assay_at >= {{.Until}} AS assay_late
  FROM exposures
  WHERE assay_at >= {{.Start}}
    AND assay_at < {{.End}}
{{- if .Through}}
    AND assay_at >= {{.Through}}
{{- end}}
)
SELECT
  assay_unit,
  assay_late,
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
FROM sided
-- Without an identifier, variations are kept apart.
GROUP BY assay_unit, assay_late, CASE WHEN assay_unit IS NULL THEN assay_arm END
