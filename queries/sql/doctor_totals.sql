-- Purpose: how the identifiers of {{.Source}} and the exposed units meet, from the side of {{.Source}}.
-- Rows: one. Numbers: rows, and those without identifier (null, empty, a placeholder) or of the commonest one;
--   identifiers, those that are exposed units, that need a link and have none, that are not of the declared type;
--   rows before first exposure; oldest and newest in microseconds since 1970 UTC.
SELECT
  CAST(COALESCE(SUM(assay_rows), 0) AS {{.D.Integer}}) AS all_rows,
  CAST(COALESCE(SUM(CASE WHEN {{.Blank}} = 1 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS null_rows,
  CAST(COALESCE(SUM(CASE WHEN {{.Blank}} = 2 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS empty_rows,
  CAST(COALESCE(SUM(CASE WHEN {{.Blank}} = 3 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS placeholder_rows,
  CAST(COALESCE(MAX(CASE WHEN {{.Blank}} = 0 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS top_rows,
  CAST(COUNT(DISTINCT assay_raw) AS {{.D.Integer}}) AS identifiers,
  CAST(COUNT(DISTINCT CASE WHEN assay_unit IS NOT NULL THEN assay_raw END) AS {{.D.Integer}}) AS matched,
  CAST(COUNT(DISTINCT CASE WHEN assay_linked = 0 THEN assay_raw END) AS {{.D.Integer}}) AS orphans,
  CAST(COUNT(DISTINCT CASE WHEN assay_read = 0 THEN assay_raw END) AS {{.D.Integer}}) AS unread,
  CAST(COALESCE(SUM(assay_before), 0) AS {{.D.Integer}}) AS before_rows,
  CAST(COALESCE(SUM(assay_future), 0) AS {{.D.Integer}}) AS future_rows,
  CAST(MIN(assay_oldest) AS {{.D.Integer}}) AS oldest,
  CAST(MAX(assay_newest) AS {{.D.Integer}}) AS newest
FROM {{.Met}}
