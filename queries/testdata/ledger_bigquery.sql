-- === ledger lines: makes the table of the ledger's lines where it is missing
-- Purpose: the table that keeps the lines of the ledger, where it is missing.
CREATE TABLE IF NOT EXISTS `my-project`.`ops`.`assay_ledger` (
  `seq` INT64 NOT NULL,
  `hash` STRING NOT NULL,
  `prev` STRING NOT NULL,
  `experiment` STRING NOT NULL,
  `kind` STRING NOT NULL,
  `written_at` TIMESTAMP NOT NULL,
  `line` STRING NOT NULL,
  PRIMARY KEY (`seq`) NOT ENFORCED
)
CLUSTER BY `seq`

-- === ledger head: makes the row of the ledger's head where it is missing
-- Purpose: the one row that says how far the ledger has come and who may write, where it is missing.
-- One statement: of two that are run at once only one makes the row.
CREATE TABLE IF NOT EXISTS `my-project`.`ops`.`assay_ledger_head` AS
SELECT
  CAST(0 AS INT64) AS `seq`,
  CAST('' AS STRING) AS `hash`,
  CAST(0 AS INT64) AS `token`,
  CAST('' AS STRING) AS `owner`,
  CAST(0 AS INT64) AS `expires_us`

-- === ledger tables: whether the ledger's tables are there
-- Purpose: which of the ledger's two tables are there?
-- Rows: one. Numbers: whether each is there, 1 or 0.
SELECT
  CAST(COUNT(CASE WHEN LOWER(table_name) = 'assay_ledger' THEN 1 END) AS INT64) AS has_lines,
  CAST(COUNT(CASE WHEN LOWER(table_name) = 'assay_ledger_head' THEN 1 END) AS INT64) AS has_head
FROM `my-project`.`ops`.INFORMATION_SCHEMA.TABLES

-- === ledger lease: takes the lease where it is free
-- Purpose: takes the lease where nobody has it or it has run out; the token goes up, and older ones count no longer.
UPDATE `my-project`.`ops`.`assay_ledger_head`
SET
  `token` = `token` + 1,
  `owner` = 'build-1\'s, process 4711 #k\\\'3',
  `expires_us` = UNIX_MICROS(CURRENT_TIMESTAMP()) + 600000000
WHERE `expires_us` <= UNIX_MICROS(CURRENT_TIMESTAMP())

-- === ledger state: how far the ledger has come, and who may write
-- Purpose: how far has the ledger come, who may write, and what time is it in the warehouse?
-- Rows: one, of the head. Numbers: last record, fencing token, end of the lease and now in microseconds since 1970 UTC.
SELECT
  `seq` AS seq,
  `hash` AS digest,
  `token` AS token,
  `owner` AS owner,
  `expires_us` AS expires,
  CAST(UNIX_MICROS(CURRENT_TIMESTAMP()) AS INT64) AS now_us
FROM `my-project`.`ops`.`assay_ledger_head`

-- === ledger extent: how many records there are
-- Purpose: how many records are there, and from where to where do they go?
-- Rows: one. Numbers: records, first and last number.
SELECT
  CAST(COUNT(*) AS INT64) AS n,
  MIN(`seq`) AS first_seq,
  MAX(`seq`) AS last_seq
FROM `my-project`.`ops`.`assay_ledger`

-- === ledger page: reads records
-- Purpose: the records from 1 to 200.
-- Rows: one a record, in any order: engines sort long texts slowly. Numbers: its number, and when it was written in microseconds since 1970 UTC.
SELECT
  `seq` AS seq,
  `hash` AS digest,
  `prev` AS prev,
  `experiment` AS experiment,
  `kind` AS kind,
  UNIX_MICROS(CAST(`written_at` AS TIMESTAMP)) AS written_us,
  `line` AS line
FROM `my-project`.`ops`.`assay_ledger`
WHERE `seq` BETWEEN 1 AND 200

-- === ledger lease renewed: lengthens the lease
-- Purpose: lengthens the lease of token 7, or ends it with 0.
UPDATE `my-project`.`ops`.`assay_ledger_head`
SET
  `expires_us` = UNIX_MICROS(CURRENT_TIMESTAMP()) + 600000000
WHERE `token` = 7 AND `owner` = 'build-1\'s, process 4711 #k\\\'3'

-- === begin: begins a transaction
BEGIN TRANSACTION
-- === ledger advance: moves the head, for the holder of the lease
-- Purpose: moves the head from record 11 to the next one, for the holder of the lease only, and lengthens the lease.
UPDATE `my-project`.`ops`.`assay_ledger_head`
SET
  `seq` = 12,
  `hash` = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
  `expires_us` = UNIX_MICROS(CURRENT_TIMESTAMP()) + 600000000
WHERE `seq` = 11 AND `hash` = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' AND `token` = 7 AND `owner` = 'build-1\'s, process 4711 #k\\\'3'

-- === ledger append: writes a record
-- Purpose: writes record 12, where the head is at it and nobody else's has that number.
INSERT INTO `my-project`.`ops`.`assay_ledger` (`seq`, `hash`, `prev`, `experiment`, `kind`, `written_at`, `line`)
SELECT
  12,
  'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  'answer-v2',
  'look',
  TIMESTAMP '2026-03-20 12:00:00.123456+00:00',
  '{"seq":12,"body":{"text":"it\'s \\"a\\\\b\\" <\\u2028> \'x\' -- no"}}'
FROM `my-project`.`ops`.`assay_ledger_head`
WHERE `seq` = 12 AND `hash` = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb' AND `token` = 7 AND `owner` = 'build-1\'s, process 4711 #k\\\'3'
  AND NOT EXISTS (SELECT 1 FROM `my-project`.`ops`.`assay_ledger` AS written WHERE written.`seq` = 12)

-- === commit: makes a transaction count
COMMIT
-- === ledger advance: moves the head, for the holder of the lease
-- Purpose: moves the head from record 0 to the next one, for the holder of the lease only, and lengthens the lease.
UPDATE `my-project`.`ops`.`assay_ledger_head`
SET
  `seq` = 1,
  `hash` = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
  `expires_us` = UNIX_MICROS(CURRENT_TIMESTAMP()) + 600000000
WHERE `seq` = 0 AND `hash` = '' AND `token` = 7 AND `owner` = 'build-1\'s, process 4711 #k\\\'3'

-- === ledger record: which record has a number
-- Purpose: which record is number 12, and who may write?
-- Rows: one, or none. token of the lease and its owner, as the head has them.
SELECT
  l.`hash` AS digest,
  h.`token` AS token,
  h.`owner` AS owner
FROM `my-project`.`ops`.`assay_ledger` AS l
CROSS JOIN `my-project`.`ops`.`assay_ledger_head` AS h
WHERE l.`seq` = 12

-- === rollback: ends a transaction that failed
ROLLBACK
-- === ledger reseal: accepts the records as they are
-- Purpose: sets the head to the last record of a chain that a person has restored.
UPDATE `my-project`.`ops`.`assay_ledger_head`
SET
  `seq` = 12,
  `hash` = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb'
WHERE `token` = 7 AND `owner` = 'build-1\'s, process 4711 #k\\\'3'

-- === ledger lease given back: ends the lease
-- Purpose: lengthens the lease of token 7, or ends it with 0.
UPDATE `my-project`.`ops`.`assay_ledger_head`
SET
  `expires_us` = UNIX_MICROS(CURRENT_TIMESTAMP()) + 0
WHERE `token` = 7 AND `owner` = 'build-1\'s, process 4711 #k\\\'3'

