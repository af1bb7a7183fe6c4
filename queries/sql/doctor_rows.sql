-- Purpose: how many rows does {{.Of}} give over the span that is looked at?
-- Rows: one. Numbers: rows.
SELECT
  CAST(COUNT(*) AS {{.D.Integer}}) AS n
FROM (
{{.SQL}}
) AS counted
