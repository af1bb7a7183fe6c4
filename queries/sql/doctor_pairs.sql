-- Purpose: both identifiers of {{.Join}}, as they are written.
-- Rows: one per pair.
{{.Create}}
WITH assay_join AS ( -- {{.Join}}
{{.SQL}}
)
SELECT DISTINCT
  {{.From}} AS assay_from,
  {{.To}} AS assay_to
FROM assay_join AS j
