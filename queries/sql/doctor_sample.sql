-- Purpose: {{.What}}: at most {{.Most}} identifiers, the same ones whenever it is asked.
-- Rows: one per identifier that may name somebody. assay_raw its text.
{{.Create}}
SELECT assay_raw
FROM (
  SELECT DISTINCT {{.Column}} AS assay_raw
  FROM {{.From}}
) AS t
WHERE {{.Blank}} = 0
ORDER BY {{.Order}}
LIMIT {{.Most}}
