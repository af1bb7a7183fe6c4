-- Purpose: what do the identifiers of the exposures and of {{.Source}} look like?
-- Rows: the commonest shape of each side (letters as A and a, digits as 9), with its first and last
--   identifier, of which only the common beginning is kept. Numbers: identifiers.
WITH assay_source AS ( -- {{.Source}}
{{.SQL}}
),
facts AS (
  SELECT
    {{.FactKey}} AS assay_id,
    {{.At}} AS assay_at
  FROM assay_source AS f
),
identifiers AS (
{{- if .Link}}
  -- What {{.Join}} makes of an identifier, or the identifier itself where it is not linked.
  SELECT DISTINCT 'facts' AS side, COALESCE(CAST(l.assay_to AS {{.D.Text}}), CAST(f.assay_id AS {{.D.Text}})) AS id
  FROM facts AS f
  LEFT JOIN {{.Link}} AS l
    ON l.assay_from = f.assay_id
{{- else}}
  SELECT DISTINCT 'facts' AS side, CAST(f.assay_id AS {{.D.Text}}) AS id
  FROM facts AS f
{{- end}}
  WHERE f.assay_at < {{.AsOf}}
  UNION ALL
  SELECT 'units' AS side, CAST(u.assay_unit AS {{.D.Text}}) AS id
  FROM {{.Units}} AS u
),
shapes AS (
  SELECT
    side,
    TRANSLATE(SUBSTR(id, 1, 64),
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
      'AAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaaaaaaaaaaaa9999999999') AS shape,
    COUNT(*) AS n,
    MIN(id) AS first_id,
    MAX(id) AS last_id
  FROM identifiers
  WHERE id IS NOT NULL
  GROUP BY 1, 2
)
SELECT
  side,
  shape,
  first_id,
  last_id,
  CAST(n AS {{.D.Integer}}) AS n
FROM shapes
WHERE n > 0
QUALIFY ROW_NUMBER() OVER (PARTITION BY side ORDER BY n DESC, shape) = 1
ORDER BY side
