-- Purpose: moments of {{.Names}} from one scan of {{.Source}}.
-- Rows: one per stratum{{if .Classes}} and class of facts (-1: all of them){{end}}, over the units that have such a fact;
--   units without one are counted by the summary and enter as zeros.
-- Numbers: *_n units, *_any units with a value other than zero, *_mean, *_var (sample variance),
--   *_co (sample covariance); newest in microseconds since 1970 UTC.
WITH source AS (
{{.SQL}}
),
facts AS (
  SELECT s.*, {{.At}} AS assay_at
  FROM {{if .Key}}(
    SELECT * FROM source
    QUALIFY ROW_NUMBER() OVER (PARTITION BY {{.Key}} ORDER BY {{.Timestamp}}) = 1
  ){{else}}source{{end}} AS s
),
counted AS (
  SELECT
    u.assay_unit,
    u.assay_stratum,
    f.assay_at
{{- if .Classes}},
    CAST(CASE {{.ClassColumn}}
{{- range .Classes}}
      WHEN {{.Literal}} THEN {{.Number}}
{{- end}}
      END AS {{.D.Small}}) AS assay_class
{{- end}}
{{- range .Inputs}},
    {{.Expression}} AS {{.Name}}
{{- end}}
  FROM facts AS f
{{- if .Link}}
  JOIN {{.Link}} AS l
    ON l.assay_from = {{.FactKey}}
{{- end}}
  JOIN assay_units AS u
    ON u.assay_unit = {{if .Link}}l.assay_to{{else}}{{.FactKey}}{{end}}
    AND f.assay_at >= u.assay_anchor{{.Opens}}
{{- if .Closes}}
    AND f.assay_at < u.assay_anchor{{.Closes}}
{{- end}}
  WHERE u.assay_stratum >= 0
    AND f.assay_at < {{.Limit}}
{{- if .Latest}}
    AND u.assay_anchor <= {{.Latest}}
{{- end}}
{{- if .Filter}}
    AND ({{.Filter}})
{{- end}}
),
cells AS (
  SELECT
    assay_stratum,
{{- if .Classes}}
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE COALESCE(assay_class, -2) END AS assay_group,
{{- end}}
    MAX(assay_at) AS assay_newest
{{- range .Aggregates}},
    {{.Expression}} AS {{.Name}}
{{- end}}
  FROM counted
  GROUP BY {{if .Classes}}GROUPING SETS ((assay_unit, assay_stratum, assay_class), (assay_unit, assay_stratum)){{else}}assay_unit, assay_stratum{{end}}
)
SELECT
  CAST(assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST({{if .Classes}}assay_group{{else}}-1{{end}} AS {{.D.Integer}}) AS assay_class,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(MAX(assay_newest) AS {{.D.Integer}}) AS newest
{{- range .Outputs}},
  CAST({{.Expression}} AS {{if .Whole}}{{$.D.Integer}}{{else}}{{$.D.Float}}{{end}}) AS {{.Name}}
{{- end}}
FROM cells
GROUP BY assay_stratum{{if .Classes}}, assay_group{{end}}
ORDER BY 1, 2
