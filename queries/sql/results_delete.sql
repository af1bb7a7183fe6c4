-- Purpose: takes out what the table of results has of the looks that are written next.
DELETE FROM {{.Table}}
WHERE {{.Look}} IN ({{.Looks}})
