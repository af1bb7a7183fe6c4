-- Purpose: the records from {{.From}} to {{.To}}.
-- Rows: one a record, in any order: engines sort long texts slowly. Numbers: its number, and when it was written in microseconds since 1970 UTC.
SELECT
  {{.Seq}} AS seq,
  {{.Hash}} AS digest,
  {{.Prev}} AS prev,
  {{.Experiment}} AS experiment,
  {{.Kind}} AS kind,
  {{.WrittenMicros}} AS written_us,
  {{.Line}} AS line
FROM {{.Table}}
WHERE {{.Seq}} BETWEEN {{.From}} AND {{.To}}
