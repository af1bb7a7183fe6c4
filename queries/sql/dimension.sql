-- Purpose: does the split hold for every {{note .Name}}?
-- Rows: one per value at first exposure (the twenty with most units) and stratum. Numbers: units.
WITH largest AS (
  SELECT {{.Alias}} AS assay_value
  FROM {{.Exposed}}
  WHERE assay_stratum >= 0
  GROUP BY {{.Alias}}
  ORDER BY COUNT(*) DESC, {{.Alias}}
  LIMIT {{.Values}}
)
SELECT
  u.{{.Alias}} AS value,
  CAST(u.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units
FROM {{.Exposed}} AS u
JOIN largest AS l
  ON l.assay_value = u.{{.Alias}}
WHERE u.assay_stratum >= 0
GROUP BY u.{{.Alias}}, u.assay_stratum
ORDER BY 1, 2
