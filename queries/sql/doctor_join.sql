-- Purpose: would {{.Join}} bring the identifiers of {{.Source}} to the exposed units?
-- Rows: one. Numbers: matched units of the sample; links pairs; linked identifiers of {{.FromName}}, and those of
--   them that are linked to several; exposed pairs whose {{.ToName}} is an exposed unit.
SELECT
  CAST((SELECT COUNT(DISTINCT s.assay_raw)
    FROM {{.Pairs}} AS p
    JOIN {{.Right}} AS r
      ON r.assay_raw = p.assay_from
    JOIN {{.Left}} AS s
      ON s.assay_raw = p.assay_to) AS {{.D.Integer}}) AS matched,
  CAST((SELECT COUNT(*) FROM {{.Pairs}}) AS {{.D.Integer}}) AS links,
  CAST((SELECT COUNT(DISTINCT assay_from) FROM {{.Pairs}}) AS {{.D.Integer}}) AS linked,
  CAST((SELECT COUNT(*) FROM (
    SELECT assay_from FROM {{.Pairs}} GROUP BY assay_from HAVING COUNT(DISTINCT assay_to) > 1) AS f) AS {{.D.Integer}}) AS fanned_out,
  CAST((SELECT COUNT(DISTINCT p.assay_to)
    FROM {{.Pairs}} AS p
    JOIN assay_doctor_units AS u
      ON u.assay_raw = p.assay_to) AS {{.D.Integer}}) AS exposed
