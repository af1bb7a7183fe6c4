WITH assay_assignment AS ( -- {{.Assignment}}
{{.SQL}}
),
exposures AS (
  SELECT
    {{.Raw}} AS assay_unit,
    {{.At}} AS assay_at,
    CAST(a.variation_id AS {{.D.Text}}) AS assay_variation
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
)
SELECT
  assay_unit AS {{.Name}},
  MIN(assay_variation) AS value
FROM exposures
WHERE assay_at >= {{.Start}}
  AND assay_at < {{.End}}
  AND assay_variation IN ({{range $i, $arm := .Arms}}{{if $i}}, {{end}}{{$arm}}{{end}})
GROUP BY assay_unit
HAVING MIN(assay_variation) = MAX(assay_variation)
