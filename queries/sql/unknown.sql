-- Purpose: which undeclared variations does {{.Experiment}} log?
-- Rows: one per name, the ten commonest. Numbers: exposures in rows; first_exposure in microseconds since 1970 UTC.
WITH assay_assignment AS ( -- {{.Assignment}}
{{.SQL}}
),
exposures AS (
  SELECT
    CAST(a.variation_id AS {{.D.Text}}) AS assay_variation,
    {{.At}} AS assay_at
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
)
SELECT
  assay_variation AS variation,
  CAST(COUNT(*) AS {{.D.Integer}}) AS exposures,
  CAST(MIN(assay_at) AS {{.D.Integer}}) AS first_exposure
FROM exposures
WHERE assay_at >= {{.Start}}
  AND assay_at < {{.End}}
  AND (assay_variation IS NULL OR assay_variation NOT IN ({{range $i, $arm := .Arms}}{{if $i}}, {{end}}{{$arm}}{{end}}))
GROUP BY assay_variation
ORDER BY COUNT(*) DESC, assay_variation
LIMIT 10
