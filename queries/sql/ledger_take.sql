-- Purpose: takes the lease where nobody has it or it has run out; the token goes up, and older ones count no longer.
UPDATE {{.Head}}
SET
  {{.Token}} = {{.Token}} + 1,
  {{.Owner}} = {{.By}},
  {{.Expires}} = {{.D.Now}} + {{.Micros}}
WHERE {{.Expires}} <= {{.D.Now}}
