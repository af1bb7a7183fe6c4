-- Purpose: lengthens the lease of token {{.Number}}, or ends it with 0.
UPDATE {{.Head}}
SET
  {{.Expires}} = {{.D.Now}} + {{.Micros}}
WHERE {{.Token}} = {{.Number}} AND {{.Owner}} = {{.By}}
