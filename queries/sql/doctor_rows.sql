-- Purpose: how much does {{.Of}} give over the span that is looked at?
-- Rows: one. Numbers: rows; bytes of their identifiers, as texts, and timestamps.
SELECT
  CAST(COUNT(*) AS {{.D.Integer}}) AS n,
  CAST(COALESCE(SUM(8 + COALESCE({{.Bytes}}, 0)), 0) AS {{.D.Integer}}) AS bytes
FROM (
{{.SQL}}
) AS counted
