-- Purpose: how many identifiers the exposures of {{.Experiment}} have, and which of them name nobody.
-- Rows: one. Numbers: units identifiers that can be compared; exposures in rows, of them without identifier
--   (null, empty, a placeholder) and of the commonest identifier; unread identifiers that are not of the declared type.
SELECT
  CAST(COUNT(assay_unit) AS {{.D.Integer}}) AS units,
  CAST(COALESCE(SUM(assay_rows), 0) AS {{.D.Integer}}) AS all_rows,
  CAST(COALESCE(SUM(CASE WHEN {{.Blank}} = 1 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS null_rows,
  CAST(COALESCE(SUM(CASE WHEN {{.Blank}} = 2 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS empty_rows,
  CAST(COALESCE(SUM(CASE WHEN {{.Blank}} = 3 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS placeholder_rows,
  CAST(COALESCE(MAX(CASE WHEN {{.Blank}} = 0 THEN assay_rows ELSE 0 END), 0) AS {{.D.Integer}}) AS top_rows,
  CAST(COALESCE(SUM(CASE WHEN assay_raw IS NOT NULL AND assay_unit IS NULL THEN 1 ELSE 0 END), 0) AS {{.D.Integer}}) AS unread,
  CAST(MIN(assay_anchor) AS {{.D.Integer}}) AS oldest,
  CAST(MAX(assay_newest) AS {{.D.Integer}}) AS newest
FROM assay_doctor_units
