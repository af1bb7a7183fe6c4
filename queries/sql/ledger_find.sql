-- Purpose: which record is number {{.Number}}, and who may write?
-- Rows: one, or none. token of the lease and its owner, as the head has them.
SELECT
  l.{{.Hash}} AS digest,
  h.{{.Token}} AS token,
  h.{{.Owner}} AS owner
FROM {{.Table}} AS l
CROSS JOIN {{.Head}} AS h
WHERE l.{{.Seq}} = {{.Number}}
