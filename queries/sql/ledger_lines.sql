-- Purpose: the table that keeps the lines of the ledger, where it is missing.
CREATE TABLE IF NOT EXISTS {{.Table}} (
  {{.Seq}} {{.D.Integer}} NOT NULL,
  {{.Hash}} {{.D.Text}} NOT NULL,
  {{.Prev}} {{.D.Text}} NOT NULL,
  {{.Experiment}} {{.D.Text}} NOT NULL,
  {{.Kind}} {{.D.Text}} NOT NULL,
  {{.Written}} {{.D.Timestamp}} NOT NULL,
  {{.Line}} {{.D.Text}} NOT NULL,
  {{printf .D.Key .Seq}}
){{printf .D.Cluster .Seq}}
