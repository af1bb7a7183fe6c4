-- Purpose: moves the head from record {{.Before}} to the next one, for the holder of the lease only, and lengthens the lease.
UPDATE {{.Head}}
SET
  {{.Seq}} = {{.Number}},
  {{.Hash}} = {{.Digest}},
  {{.Expires}} = {{.D.Now}} + {{.Micros}}
WHERE {{.Seq}} = {{.Before}} AND {{.Hash}} = {{.Follows}} AND {{.Token}} = {{.Fence}} AND {{.Owner}} = {{.By}}
