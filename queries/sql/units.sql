-- Purpose: one row per unit of {{.Experiment}} with its first exposure and variation.
-- Rows: assay_unit; assay_stratum (epoch x {{len .Arms}} + variation; -1 several variations,
--   -2 undeclared variation, -3 first exposed while a change settled, -4 no identifier).
-- Numbers: assay_anchor, assay_newest in microseconds since 1970 UTC; assay_exposures in rows.
{{.Create}}
WITH assignment AS (
{{.SQL}}
),
exposures AS (
  SELECT
    {{.Unit}} AS assay_unit,
    {{.At}} AS assay_at,
    CAST(CASE CAST(a.variation_id AS {{.D.Text}})
{{- range $i, $arm := .Arms}}
      WHEN {{$arm}} THEN {{$i}}
{{- end}}
      ELSE {{len .Arms}} END AS {{.D.Small}}) AS assay_arm
{{- range .Dimensions}},
    CONCAT({{$.Order}}, COALESCE(CAST(a.{{.Column}} AS {{$.D.Text}}), '')) AS {{.Alias}}
{{- end}}
  FROM assignment AS a
  WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
    AND {{.At}} >= {{.Start}}
    AND {{.At}} < {{.End}}
),
units AS (
  SELECT
    assay_unit,
    MIN(assay_arm) AS assay_low,
    MAX(assay_arm) AS assay_high,
    MIN(assay_at) AS assay_anchor,
    MAX(assay_at) AS assay_newest,
    COUNT(*) AS assay_exposures
{{- range .Dimensions}},
    SUBSTR(MIN({{.Alias}}), 21) AS {{.Alias}}
{{- end}}
  FROM exposures
  GROUP BY assay_unit
)
SELECT
  assay_unit,
  CAST(CASE
    WHEN assay_unit IS NULL THEN -4
    WHEN assay_low <> assay_high THEN -1
    WHEN assay_low = {{len .Arms}} THEN -2
{{- range .Bounds}}
    WHEN assay_anchor < {{.Before}} THEN {{.Code}}
{{- end}}
    ELSE {{.Last}}
  END AS {{.D.Small}}) AS assay_stratum,
  assay_anchor,
  assay_newest,
  assay_exposures
{{- range .Dimensions}},
  {{.Alias}}
{{- end}}
FROM units
