-- Purpose: sets the head to the last record of a chain that a person has restored.
UPDATE {{.Head}}
SET
  {{.Seq}} = {{.Number}},
  {{.Hash}} = {{.Digest}}
WHERE {{.Token}} = {{.Fence}} AND {{.Owner}} = {{.By}}
