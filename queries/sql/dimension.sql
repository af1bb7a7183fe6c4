-- Purpose: does the split hold for every {{.Name}}?
-- Rows: one per value (the twenty with most units) and stratum. Numbers: units.
SELECT
  u.{{.Alias}} AS value,
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units
FROM assay_units AS u
JOIN (
  SELECT {{.Alias}} AS assay_value
  FROM assay_units
  WHERE assay_stratum >= 0
  GROUP BY {{.Alias}}
  ORDER BY COUNT(*) DESC, {{.Alias}}
  LIMIT 20
) AS largest
  ON largest.assay_value = u.{{.Alias}}
WHERE u.assay_stratum >= 0
GROUP BY u.{{.Alias}}, u.assay_stratum
ORDER BY 1, 2
