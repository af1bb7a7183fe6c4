-- Purpose: how far has the ledger come, who may write, and what time is it in the warehouse?
-- Rows: one, of the head. Numbers: last record, fencing token, end of the lease and now in microseconds since 1970 UTC.
SELECT
  {{.Seq}} AS seq,
  {{.Hash}} AS digest,
  {{.Token}} AS token,
  {{.Owner}} AS owner,
  {{.Expires}} AS expires,
  CAST({{.D.Now}} AS {{.D.Integer}}) AS now_us
FROM {{.Head}}
