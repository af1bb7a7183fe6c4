-- Purpose: how the exposed units and {{.Source}} meet, from the side of the units.
-- Rows: one per variation, those that are not declared last. Numbers: units, those with any row of {{.Source}}, those
--   with one inside their widest window, those with rows before first exposure only.
WITH met AS (
  SELECT
    assay_unit,
    SUM(assay_rows) AS assay_rows,
    SUM(assay_inside) AS assay_inside,
    SUM(assay_before) AS assay_before
  FROM {{.Met}}
  WHERE assay_unit IS NOT NULL
  GROUP BY assay_unit
)
SELECT
  CAST(u.assay_arm AS {{.D.Integer}}) AS arm,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units,
  CAST(COUNT(m.assay_unit) AS {{.D.Integer}}) AS matched,
  CAST(SUM(CASE WHEN m.assay_inside > 0 THEN 1 ELSE 0 END) AS {{.D.Integer}}) AS in_window,
  CAST(SUM(CASE WHEN m.assay_before = m.assay_rows THEN 1 ELSE 0 END) AS {{.D.Integer}}) AS only_before
FROM assay_doctor_units AS u
LEFT JOIN met AS m
  ON m.assay_unit = u.assay_raw
WHERE u.assay_raw IS NOT NULL
GROUP BY u.assay_arm
ORDER BY 1
