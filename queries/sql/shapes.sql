-- Purpose: what do the identifiers of the exposures and of {{.Source}} look like?
-- Rows: the commonest shape of each side (letters as A and a, digits as 9), with its first and last
--   identifier, of which only the common beginning is kept. Numbers: identifiers.
WITH source AS (
{{.SQL}}
),
sides AS (
  SELECT DISTINCT 'facts' AS side, CAST({{.FactKey}} AS {{.D.Text}}) AS id
  FROM source AS f
  WHERE {{.At}} < {{.AsOf}}
  UNION ALL
  SELECT 'units' AS side, CAST(assay_unit AS {{.D.Text}}) AS id
  FROM assay_units
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
  FROM sides
  WHERE id IS NOT NULL
  GROUP BY 1, 2
)
SELECT side, shape, first_id, last_id, CAST(n AS {{.D.Integer}}) AS n
FROM shapes
QUALIFY ROW_NUMBER() OVER (PARTITION BY side ORDER BY n DESC, shape) = 1
ORDER BY side
