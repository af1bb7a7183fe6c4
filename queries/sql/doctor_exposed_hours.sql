-- Purpose: the units of which hours of first exposure are found in {{.Source}}?
-- Rows: one per hour. hour in microseconds since 1970 UTC. Numbers: identifiers first exposed in the hour, and those
--   of them that have any row.
SELECT
  CAST(u.assay_anchor - MOD(u.assay_anchor, {{.Step}}) AS {{.D.Integer}}) AS hour,
  CAST(COUNT(DISTINCT u.assay_raw) AS {{.D.Integer}}) AS identifiers,
  CAST(COUNT(DISTINCT m.assay_unit) AS {{.D.Integer}}) AS matched
FROM assay_doctor_units AS u
LEFT JOIN {{.Met}} AS m
  ON m.assay_unit = u.assay_raw
WHERE u.assay_raw IS NOT NULL
GROUP BY 1
ORDER BY 1
