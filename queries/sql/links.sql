-- Purpose: which {{.ToName}} does each {{.FromName}} belong to? The {{.Rule}} wins.
-- Rows: one per {{.FromName}}. Numbers: assay_fanned 1 where several {{.ToName}}s were linked.
{{.Create}}
WITH links AS (
{{.SQL}}
)
SELECT
  {{.From}} AS assay_from,
  {{.To}} AS assay_to,
  CASE WHEN MIN({{.To}}) OVER (PARTITION BY {{.From}}) <> MAX({{.To}}) OVER (PARTITION BY {{.From}}) THEN 1 ELSE 0 END AS assay_fanned
FROM links AS l
WHERE {{.From}} IS NOT NULL
  AND {{.To}} IS NOT NULL
{{- if .At}}
  AND {{.At}} < {{.AsOf}}
{{- end}}
QUALIFY ROW_NUMBER() OVER (PARTITION BY {{.From}} ORDER BY {{if .At}}{{.At}}, {{end}}{{.To}}) = 1
