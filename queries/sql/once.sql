{{define "once"}}once AS ( -- a fact that repeats, at its earliest time
  SELECT *
  FROM facts AS f
  WHERE f.assay_at < {{.Limit}}
  QUALIFY {{.Key}} IS NULL
    OR ROW_NUMBER() OVER (
      PARTITION BY {{.Key}}
      ORDER BY f.assay_at,
        -- Of repeats at one instant any will do, but always the same one.
        {{.Ties}}
    ) = 1
){{end}}
