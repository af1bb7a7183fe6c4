-- Purpose: moments of {{.Names}} from one scan of {{.Source}}.
-- Rows: one per stratum{{if .Classes}} and class of facts (-1: all of them){{end}}, over the units that have such a fact;
--   units without one are counted by the summary and enter as zeros.
-- Numbers: *_n units, *_any units with a value other than zero, *_mean, *_var (sample variance),
--   *_den_* of the denominator, *_co (sample covariance); newest in microseconds since 1970 UTC;
--   not_finite facts with a value that is NaN, infinite or of a size of 1e80 and more, which counts as no value.
{{- if .Cubes}}
--   *_cube (mean of the cubed value): it tells the skewness, which matters where arms differ in size.
{{- end}}
{{- if .Logs}}
--   *_log_* of the natural logarithm, over the units with a positive value; *_log_off units with another one.
{{- end}}
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT f.*, {{.At}} AS assay_at
  FROM assay_source AS f
),
{{- if .Key}}
once AS ( -- a fact that repeats, at its earliest time
  SELECT *
  FROM facts AS f
  WHERE f.assay_at < {{.Limit}}
  QUALIFY {{.Key}} IS NULL
    OR ROW_NUMBER() OVER (
      PARTITION BY {{.Key}}
      ORDER BY f.assay_at,
        -- Of repeats at one instant any will do, but always the same one.
        {{.Ties}}
    ) = 1
),
{{- end}}
counted AS ( -- one row per fact in the window of its unit
  SELECT
    u.assay_unit,
    u.assay_stratum,
    f.assay_at,
{{- if .Classes}}
    CAST(CASE {{.ClassColumn}}
{{- range .Classes}}
      WHEN {{.Literal}} THEN {{.Number}} -- {{.Metrics}}
{{- end}}
    END AS {{.D.Small}}) AS assay_class,
{{- end}}
{{- range $i, $c := .Inputs}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Inputs)}} -- {{$c.Metrics}}
{{- end}}
  FROM {{if .Key}}once{{else}}facts{{end}} AS f
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
cells AS ( -- one row per unit{{if .Classes}} and class of its facts, and one per unit over all of them{{end}}
  SELECT
    assay_stratum,
{{- if .Classes}}
    CASE WHEN GROUPING(assay_class) = 1 THEN -1 ELSE assay_class END AS assay_group,
{{- end}}
    MAX(assay_at) AS assay_newest,
{{- if .Lost}}
    COUNT(CASE WHEN {{.Lost}} THEN 1 END) AS assay_lost,
{{- end}}
{{- range $i, $c := .Aggregates}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Aggregates)}}
{{- end}}
  FROM counted
{{- if .Classes}}
  GROUP BY GROUPING SETS ((assay_unit, assay_stratum, assay_class), (assay_unit, assay_stratum))
{{- if .Unclassed}}
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
{{- end}}
{{- else}}
  GROUP BY assay_unit, assay_stratum
{{- end}}
)
SELECT
  CAST(c.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST({{if .Classes}}c.assay_group{{else}}-1{{end}} AS {{.D.Integer}}) AS assay_class,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(MAX(c.assay_newest) AS {{.D.Integer}}) AS newest,
  CAST({{if .Lost}}SUM(c.assay_lost){{else}}0{{end}} AS {{.D.Integer}}) AS not_finite,
{{- range $i, $o := .Outputs}}
  CAST({{$o.Expression}} AS {{if $o.Whole}}{{$.D.Integer}}{{else}}{{$.D.Float}}{{end}}) AS {{$o.Name}}{{comma $i (len $.Outputs)}}
{{- end}}
FROM cells AS c
GROUP BY c.assay_stratum{{if .Classes}}, c.assay_group{{end}}
ORDER BY 1, 2
