-- Purpose: for how many of their days since first {{.Anchor}}, up to {{.Most}}, have units been there?
-- Rows: one per stratum and number of days that were over at {{.DaysUntil}}. Numbers: units.
SELECT
  CAST(s.assay_stratum AS {{.D.Integer}}) AS assay_stratum,
  CAST((s.assay_since - MOD(s.assay_since, {{.Micros}})) / {{.Micros}} AS {{.D.Integer}}) AS days,
  CAST(COUNT(*) AS {{.D.Integer}}) AS units
FROM (
  SELECT
    u.assay_stratum,
    GREATEST(0, LEAST({{.DaysUntil}} - u.assay_anchor, {{.Longest}})) AS assay_since
  FROM assay_units AS u
  WHERE u.assay_stratum >= 0
) AS s
GROUP BY 1, 2
ORDER BY 1, 2
