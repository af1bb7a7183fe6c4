-- Purpose: the one row that says how far the ledger has come and who may write, where it is missing.
-- One statement: of two that are run at once only one makes the row.
CREATE TABLE IF NOT EXISTS {{.Head}} AS
SELECT
  CAST(0 AS {{.D.Integer}}) AS {{.Seq}},
  CAST('' AS {{.D.Text}}) AS {{.Hash}},
  CAST(0 AS {{.D.Integer}}) AS {{.Token}},
  CAST('' AS {{.D.Text}}) AS {{.Owner}},
  CAST(0 AS {{.D.Integer}}) AS {{.Expires}}
