-- Makes the warehouse of this example: 3,000 users who are exposed over seven days, with twelve responses each from the
-- week before exposure to the week after it. A user's costs before and after go together.
CREATE OR REPLACE TABLE exposures AS
SELECT
  'u' || i AS user_id,
  TIMESTAMP '2026-11-01' + INTERVAL (i * 163 % 9900) MINUTE AS exposed_at,
  'kinds' AS experiment_id,
  CASE WHEN i % 2 = 0 THEN 'control' ELSE 'treatment' END AS variation_id,
  ['ios', 'android', 'web'][1 + i // 2 % 3] AS platform
FROM range(3000) AS t(i);

CREATE OR REPLACE TABLE responses AS
SELECT
  e.user_id,
  e.exposed_at + INTERVAL ((k - 6) * 1440 + (k * 7919 + i * 104729) % 1440) MINUTE AS ts,
  i * 12 + k AS response_id,
  (i * 31 + k * 17) % 23 = 0 AS failed,
  200 + (i * 7919 + k * 6271) % 900 + CASE WHEN e.variation_id = 'treatment' THEN 40 ELSE 0 END AS latency_ms,
  (1 + i % 7) * (1 + (k * 37 + i) % 5) / 4.0 AS cost,
  'topic ' || ((i + k * k) % 9) AS topic,
  CASE WHEN (i + k) % 41 = 0 THEN 'Sorry, I cannot answer that.' ELSE '{"answer": ' || (i * k) || '}' END AS body
FROM (SELECT *, CAST(SUBSTR(user_id, 2) AS BIGINT) AS i FROM exposures) AS e
CROSS JOIN range(12) AS t(k)
WHERE (i + k) % 5 <> 0;

CREATE OR REPLACE TABLE accounts AS
SELECT 'u' || i AS user_id, 'plan ' || (i // 2 % 30) AS plan
FROM range(2900) AS t(i);

CREATE OR REPLACE TABLE tickets AS
SELECT user_id, ts + INTERVAL 1 HOUR AS opened_at
FROM responses
WHERE failed;

-- Rows that were loaded twice: the source names a key, so that they count once.
INSERT INTO responses SELECT * FROM responses WHERE response_id % 50 = 0;
