-- Purpose: which {{.ToName}} does each {{.FromName}} belong to? The {{if .At}}earliest link{{else}}smallest {{.ToName}}{{end}} wins.
-- Rows: one per {{.FromName}}. Numbers: assay_fanned 1 where several {{.ToName}}s were linked.
{{.Create}}
WITH assay_join AS ( -- {{.Join}}
{{.SQL}}
),
pairs AS (
  SELECT
    {{.From}} AS assay_from,
    {{.To}} AS assay_to
{{- if .At}},
    {{.At}} AS assay_at
{{- end}}
  FROM assay_join AS j
)
{{- if .At}}
SELECT
  assay_from,
  assay_to,
  CASE
    WHEN MIN(assay_to) OVER (PARTITION BY assay_from) <> MAX(assay_to) OVER (PARTITION BY assay_from) THEN 1
    ELSE 0
  END AS assay_fanned
FROM pairs
WHERE assay_from IS NOT NULL
  AND assay_to IS NOT NULL
  AND assay_at < {{.AsOf}}
QUALIFY ROW_NUMBER() OVER (PARTITION BY assay_from ORDER BY assay_at, assay_to) = 1
{{- else}}
SELECT
  assay_from,
  MIN(assay_to) AS assay_to,
  CASE WHEN MIN(assay_to) <> MAX(assay_to) THEN 1 ELSE 0 END AS assay_fanned
FROM pairs
WHERE assay_from IS NOT NULL
  AND assay_to IS NOT NULL
GROUP BY assay_from
{{- end}}
