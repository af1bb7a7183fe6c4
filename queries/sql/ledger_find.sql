-- Purpose: which record is number {{.Number}}?
-- Rows: one, or none.
SELECT
  {{.Hash}} AS hash
FROM {{.Table}}
WHERE {{.Seq}} = {{.Number}}
