-- Purpose: how many records are there, and from where to where do they go?
-- Rows: one. Numbers: records, first and last number.
SELECT
  CAST(COUNT(*) AS {{.D.Integer}}) AS n,
  MIN({{.Seq}}) AS first_seq,
  MAX({{.Seq}}) AS last_seq
FROM {{.Table}}
