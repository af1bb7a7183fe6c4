-- Purpose: which looks has the table of results, and of which record of the ledger?
-- Rows: one a look. Numbers: the record.
SELECT
  {{.Look}} AS look,
  MAX({{.Record}}) AS record_seq
FROM {{.Table}}
GROUP BY {{.Look}}
