-- Purpose: how many identifiers of join {{.Join}} are linked, and how many ambiguously?
-- Rows: one. Numbers: identifiers.
SELECT
  CAST(COUNT(*) AS {{.D.Integer}}) AS links,
  CAST(COALESCE(SUM(assay_fanned), 0) AS {{.D.Integer}}) AS fanned_out
FROM {{.Table}}
