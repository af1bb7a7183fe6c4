-- Names that look like quotes and comments, or are reserved.
CREATE TABLE `a-b.c.select` (
  `group` INT64, ts TIMESTAMP, exp STRING, var STRING, `order` STRING, `plat'f"orm` STRING, `back\\slash --` FLOAT64
);
CREATE TABLE `a-b.c.from` (`group` INT64, ts DATETIME, `k"ey` BYTES, `where` STRING, `sum` FLOAT64);
