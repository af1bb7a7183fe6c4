-- Purpose: which record is number {{.Number}}?
-- Rows: one, or none.
SELECT
  {{.Hash}} AS digest
FROM {{.Table}}
WHERE {{.Seq}} = {{.Number}}
