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
{{- if .Covariates}}
--   *_pre_* of the covariate: the same value before first exposure.
{{- end}}
{{- if .Quantiles}}
--   *_at a quantile, *_lower and *_upper those 1.96 standard errors of its share below and above.
{{- end}}
{{- if .Caps}}
--   *_cap* the value that a percentile cap has.
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
    {{.Newest}} AS assay_at,
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
    AND f.assay_at >= {{.Opens}}
{{- if .Closes}}
    AND f.assay_at < u.assay_anchor{{.Closes}}
{{- end}}
  WHERE u.assay_stratum >= 0
    AND f.assay_at < {{.Limit}}
{{- if .Since}}
    AND f.assay_at >= {{.Since}}
{{- end}}
{{- if .Latest}}
    AND u.assay_anchor <= {{.Latest}}
{{- end}}
{{- if .Filter}}
    AND ({{.Filter}})
{{- end}}
),
{{- if .Places}}
ranked_facts AS ( -- in the order of their values in their stratum
  SELECT
    counted.*,
{{- range $i, $c := .FactRanks}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.FactRanks)}}{{if $c.Metrics}} -- {{$c.Metrics}}{{end}}
{{- end}}
  FROM counted
),
placed_facts AS ( -- beside the positions of the quantiles
  SELECT
    ranked_facts.*,
{{- range $i, $c := .FactPositions}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.FactPositions)}}
{{- end}}
  FROM ranked_facts
),
compared_facts AS ( -- beside the quantiles
  SELECT
    placed_facts.*,
{{- range $i, $c := .Places}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Places)}}
{{- end}}
  FROM placed_facts
),
{{- end}}
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
  FROM {{if .Places}}compared_facts{{else}}counted{{end}}
{{- if .Classes}}
  GROUP BY GROUPING SETS ((assay_unit, assay_stratum, assay_class), (assay_unit, assay_stratum))
{{- if .Unclassed}}
  HAVING GROUPING(assay_class) = 1 OR assay_class IS NOT NULL
{{- end}}
{{- else}}
  GROUP BY assay_unit, assay_stratum
{{- end}}
)
{{- if .Ranks}},
ranked AS ( -- in the order of their values
  SELECT
    cells.*,
{{- range $i, $c := .Ranks}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Ranks)}}
{{- end}}
  FROM cells
),
placed AS ( -- beside the positions of quantiles and the percentiles of all units
  SELECT
    ranked.*,
{{- range $i, $c := .Beside}}
    {{$c.Expression}} AS {{$c.Name}}{{comma $i (len $.Beside)}}
{{- end}}
  FROM ranked
)
{{- end}}
SELECT
  CAST(c.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST({{if .Classes}}c.assay_group{{else}}-1{{end}} AS {{.D.Integer}}) AS assay_class,
  CAST(COUNT({{if .Covariates}}c.assay_newest{{else}}*{{end}}) AS {{.D.Integer}}) AS units,
  CAST(MAX(c.assay_newest) AS {{.D.Integer}}) AS newest,
  CAST({{if .Lost}}SUM(c.assay_lost){{else}}0{{end}} AS {{.D.Integer}}) AS not_finite,
{{- range $i, $o := .Outputs}}
  CAST({{$o.Expression}} AS {{if $o.Whole}}{{$.D.Integer}}{{else}}{{$.D.Float}}{{end}}) AS {{$o.Name}}{{comma $i (len $.Outputs)}}
{{- end}}
FROM {{if .Ranks}}placed{{else}}cells{{end}} AS c
GROUP BY c.assay_stratum{{if .Classes}}, c.assay_group{{end}}
ORDER BY 1, 2
