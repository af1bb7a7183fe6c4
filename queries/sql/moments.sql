{{define "moments_header"}}-- Purpose: moments of {{.Names}} from one scan of {{.Source}}.
-- Rows: one per stratum{{if .Classes}} and class of facts (-1: all of them){{end}}, over the units that have such a fact;
{{- if .Slices}}
--   besides, the same for each slice of one dimension ({{range $i, $s := .Slices}}{{if $i}}, {{end}}{{$s.Column}}: {{note $s.Name}}{{end}}; -1: all of them);
{{- end}}
{{- if .Days}}
--   besides, the same for each day since first {{.Anchor}} (assay_day: where it begins, in microseconds; -1: all of them),
--   among the units for which it was over;
{{- end}}
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
{{end}}

{{define "moments"}}SELECT
  CAST(c.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST({{if .Classes}}c.assay_group{{else}}-1{{end}} AS {{.D.Integer}}) AS assay_class,
{{- if .Days}}
  CAST(c.assay_on AS {{.D.Integer}}) AS assay_day,
{{- end}}
{{- range .Slices}}
  CAST(CASE WHEN GROUPING(c.{{.Column}}) = 1 THEN -1 ELSE c.{{.Column}} END AS {{$.D.Integer}}) AS {{.Column}},
{{- end}}
  CAST(COUNT({{if .Covariates}}c.assay_newest{{else}}*{{end}}) AS {{.D.Integer}}) AS units,
  CAST(MAX(c.assay_newest) AS {{.D.Integer}}) AS newest,
  CAST({{if .Lost}}SUM(c.assay_lost){{else}}0{{end}} AS {{.D.Integer}}) AS not_finite{{if .Outputs}},{{end}}
{{- range $i, $o := .Outputs}}
  CAST({{$o.Expression}} AS {{if $o.Whole}}{{$.D.Integer}}{{else}}{{$.D.Float}}{{end}}) AS {{$o.Name}}{{comma $i (len $.Outputs)}}
{{- end}}
FROM {{.From}} AS c
GROUP BY {{if .Slices}}GROUPING SETS (
  (c.assay_stratum{{if .Classes}}, c.assay_group{{end}}{{if .Days}}, c.assay_on{{end}})
{{- range .Slices}},
  (c.assay_stratum{{if $.Classes}}, c.assay_group{{end}}{{if $.Days}}, c.assay_on{{end}}, c.{{.Column}})
{{- end}}
)
{{- if .Days}}
HAVING c.assay_on = -1 -- a slice is not told by day
  OR ({{range $i, $s := .Slices}}{{if $i}} AND {{end}}GROUPING(c.{{$s.Column}}) = 1{{end}})
{{- end}}
ORDER BY 1, 2{{if .Days}}, 3{{end}}{{range $i, $s := .Slices}}, {{if $.Days}}{{add $i 4}}{{else}}{{add $i 3}}{{end}}{{end}}
{{- else}}c.assay_stratum{{if .Classes}}, c.assay_group{{end}}{{if .Days}}, c.assay_on{{end}}
ORDER BY 1, 2{{if .Days}}, 3{{end}}{{end}}{{end}}
