-- Purpose: which undeclared variations does {{.Experiment}} log?
-- Rows: one per name, the ten commonest. Numbers: exposures in rows.
WITH assignment AS (
{{.SQL}}
)
SELECT
  CAST(a.variation_id AS {{.D.Text}}) AS variation,
  CAST(COUNT(*) AS {{.D.Integer}}) AS exposures
FROM assignment AS a
WHERE CAST(a.experiment_id AS {{.D.Text}}) = {{.ID}}
  AND {{.At}} >= {{.Start}}
  AND {{.At}} < {{.End}}
  AND (a.variation_id IS NULL
    OR CAST(a.variation_id AS {{.D.Text}}) NOT IN ({{range $i, $arm := .Arms}}{{if $i}}, {{end}}{{$arm}}{{end}}))
GROUP BY CAST(a.variation_id AS {{.D.Text}})
ORDER BY COUNT(*) DESC, 1
LIMIT 10
