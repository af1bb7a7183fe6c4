{{define "exposures"}}WITH assay_assignment AS ( -- {{.Assignment}}
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
      ELSE {{len .Arms}}
    END AS {{.D.Small}}) AS assay_arm
{{- range .Dimensions}},
    COALESCE(CAST(a.{{.Column}} AS {{$.D.Text}}), '') AS {{.Alias}}_value
{{- end}}
  FROM assay_assignment AS a
  WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
),{{end}}
