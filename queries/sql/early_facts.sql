-- Purpose: what the facts of {{.Source}} before the instant up to which this look keeps them come to for each unit.
-- Rows: one per unit{{if .Classes}} and class of its facts{{end}} that has such a fact.
{{.Create}}
WITH {{template "merged_facts" .}}
SELECT *
FROM whole
