-- Purpose: would the rows of {{.Source}} fall inside the windows if its clock were set otherwise?
-- Rows: one per shift, in half hours. Numbers: units of the sample with a row inside the window, were all
--   rows that much later.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT
    {{.Key}} AS assay_id,
    {{.At}} AS assay_at
  FROM assay_source AS f
),
lags AS (
  SELECT DISTINCT
    u.assay_raw,
    f.assay_at - u.assay_anchor AS assay_lag
  FROM facts AS f
{{- if .Link}}
  JOIN {{.Link}} AS l
    ON l.assay_from = f.assay_id
{{- end}}
  JOIN assay_doctor_units AS u
    ON {{.On}}
  JOIN {{.Sample}} AS s
    ON s.assay_raw = u.assay_raw
)
SELECT
  CAST(k.n AS {{.D.Integer}}) AS half_hours,
  CAST(COUNT(DISTINCT assay_raw) AS {{.D.Integer}}) AS in_window
FROM lags
CROSS JOIN ({{range $j, $n := .Shifts}}{{if $j}} UNION ALL {{end}}SELECT {{$n}}{{if not $j}} AS n{{end}}{{end}}) AS k
WHERE assay_lag + CAST(k.n AS {{.D.Integer}}) * 1800000000 >= 0{{.Opens}}
{{- if .Closes}}
  AND assay_lag + CAST(k.n AS {{.D.Integer}}) * 1800000000 < 0{{.Closes}}
{{- end}}
GROUP BY k.n
ORDER BY 1
