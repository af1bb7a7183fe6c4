-- Purpose: adds a column to a table of results that an older version made.
ALTER TABLE {{.Table}} ADD COLUMN IF NOT EXISTS {{.Column.Name}} {{.Column.Type}}
