-- Purpose: would {{.Join}} bring the identifiers of {{.Source}} to the exposed units?
-- Rows: one. Numbers: matched units of the sample; links pairs; linked identifiers of {{.FromName}}, and those of
--   them that are linked to several; exposed units that have a pair.
WITH brought AS (
  SELECT COUNT(DISTINCT s.assay_raw) AS n
  FROM {{.Pairs}} AS p
  JOIN {{.Right}} AS r
    ON r.assay_raw = p.assay_from
  JOIN {{.Left}} AS s
    ON s.assay_raw = p.assay_to
),
partners AS (
  SELECT
    assay_from,
    COUNT(*) AS assay_pairs,
    COUNT(DISTINCT assay_to) AS assay_partners
  FROM {{.Pairs}}
  GROUP BY assay_from
),
links AS (
  SELECT
    COALESCE(SUM(assay_pairs), 0) AS pairs,
    COUNT(assay_from) AS linked,
    COALESCE(SUM(CASE WHEN assay_partners > 1 THEN 1 ELSE 0 END), 0) AS fanned_out
  FROM partners
),
exposed AS (
  SELECT COUNT(DISTINCT p.assay_to) AS n
  FROM {{.Pairs}} AS p
  JOIN assay_doctor_units AS u
    ON u.assay_raw = p.assay_to
)
SELECT
  CAST(b.n AS {{.D.Integer}}) AS matched,
  CAST(l.pairs AS {{.D.Integer}}) AS links,
  CAST(l.linked AS {{.D.Integer}}) AS linked,
  CAST(l.fanned_out AS {{.D.Integer}}) AS fanned_out,
  CAST(e.n AS {{.D.Integer}}) AS exposed
FROM brought AS b
CROSS JOIN links AS l
CROSS JOIN exposed AS e
