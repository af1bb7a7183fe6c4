{{define "kept_units"}}assay_unit, assay_low, assay_high, assay_anchor, assay_newest, assay_exposures
{{- range .Dimensions}}, {{.Alias}}{{end}}{{end}}

{{define "first_units"}}CREATE OR REPLACE TABLE {{.Table}} AS
SELECT {{template "kept_units" .}}
FROM assay_recent
WHERE NOT assay_late{{end}}

{{define "copy_units"}}CREATE TEMP TABLE assay_all AS
SELECT *
FROM {{.Table}}{{end}}

{{define "more_exposures"}}MERGE INTO {{.Into}} AS k
USING (
  SELECT *
  FROM assay_recent
  WHERE {{if not .Late}}NOT {{end}}assay_late
) AS r
ON r.assay_unit IS NOT DISTINCT FROM k.assay_unit
  AND CASE WHEN r.assay_unit IS NULL THEN r.assay_low END IS NOT DISTINCT FROM CASE WHEN k.assay_unit IS NULL THEN k.assay_low END
-- All that can change: the first exposure of a unit that is there is before these.
WHEN MATCHED THEN UPDATE SET
  assay_low = LEAST(k.assay_low, r.assay_low),
  assay_high = GREATEST(k.assay_high, r.assay_high),
  assay_newest = r.assay_newest,
  assay_exposures = k.assay_exposures + r.assay_exposures
WHEN NOT MATCHED THEN INSERT ({{template "kept_units" .}})
  VALUES (r.assay_unit, r.assay_low, r.assay_high, r.assay_anchor, r.assay_newest, r.assay_exposures
{{- range .Dimensions}}, r.{{.Alias}}{{end}}){{end}}
