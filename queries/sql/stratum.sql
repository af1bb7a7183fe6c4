{{define "stratum"}}CAST(CASE
    WHEN assay_unit IS NULL THEN -4
    WHEN assay_low <> assay_high THEN -1
    WHEN assay_low = {{len .Arms}} THEN -2
{{- range .Bounds}}
    WHEN assay_anchor < {{.Before}} THEN {{.Code}}
{{- end}}
    ELSE {{.Last}}
  END AS {{.D.Small}}){{end}}
