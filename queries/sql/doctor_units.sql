-- Purpose: every identifier among the exposures of {{.Experiment}}, as it is written and as it is compared.
-- Rows: one per identifier. assay_raw its text; assay_unit what it is compared as; assay_arm its variation.
-- Numbers: assay_anchor first exposure in microseconds since 1970 UTC; assay_rows exposures.
{{.Create}}
WITH assay_assignment AS ( -- {{.Assignment}}
{{.SQL}}
),
exposures AS (
  SELECT
    {{.Raw}} AS assay_raw,
    {{.Unit}} AS assay_unit,
    {{.At}} AS assay_at,
    CAST(CASE CAST(a.variation_id AS {{.D.Text}})
{{- range $i, $arm := .Arms}}
      WHEN {{$arm}} THEN {{$i}}
{{- end}}
      ELSE {{len .Arms}}
    END AS {{.D.Small}}) AS assay_arm
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
)
SELECT
  assay_raw,
  assay_unit,
  MIN(assay_arm) AS assay_arm,
  MIN(assay_at) AS assay_anchor,
  MAX(assay_at) AS assay_newest,
  COUNT(*) AS assay_rows
FROM exposures
WHERE assay_at >= {{.Start}}
  AND assay_at < {{.End}}
GROUP BY assay_raw, assay_unit
