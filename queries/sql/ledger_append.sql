-- Purpose: writes record {{.Number}}, where the head is at it and nobody else's has that number.
INSERT INTO {{.Table}} ({{.Seq}}, {{.Hash}}, {{.Prev}}, {{.Experiment}}, {{.Kind}}, {{.Written}}, {{.Line}})
SELECT
  {{.Number}},
  {{.Digest}},
  {{.Follows}},
  {{.Name}},
  {{.Of}},
  {{.At}},
  {{.Text}}
FROM {{.Head}}
WHERE {{.Seq}} = {{.Number}} AND {{.Hash}} = {{.Digest}} AND {{.Token}} = {{.Fence}} AND {{.Owner}} = {{.By}}
  AND NOT EXISTS (SELECT 1 FROM {{.Table}} AS written WHERE written.{{.Seq}} = {{.Number}})
