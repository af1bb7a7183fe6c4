-- Purpose: which of the ledger's two tables are there?
-- Rows: one. Numbers: whether each is there, 1 or 0.
SELECT
  CAST(COUNT(CASE WHEN LOWER(table_name) = {{.LinesName}} THEN 1 END) AS {{.D.Integer}}) AS has_lines,
  CAST(COUNT(CASE WHEN LOWER(table_name) = {{.HeadName}} THEN 1 END) AS {{.D.Integer}}) AS has_head
FROM {{.Catalog}}
