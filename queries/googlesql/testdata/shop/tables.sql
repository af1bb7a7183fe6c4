-- The user's tables, in BigQuery's words. Some are named like the steps of the
-- statements: exposures, facts, units.
CREATE TABLE exposures (
  user_id STRING, exposed_at TIMESTAMP, experiment_id STRING, variation_id STRING,
  platform STRING, app_version INT64, beta BOOL
);
CREATE TABLE units (account INT64, wall_clock DATETIME, experiment STRING, arm INT64, region STRING, drawn_at DATETIME);
CREATE TABLE `my-project.log.daily` (user_id STRING, day DATE, experiment_id STRING, variation_id STRING);
CREATE TABLE log.conversations (conversation_id STRING, user_id STRING, started_at DATETIME);
CREATE TABLE log.households (account STRING, user_id STRING);
CREATE TABLE log.plans (user_id STRING, account INT64, plan STRING, seats INT64);
CREATE TABLE facts (
  user_id STRING, ts TIMESTAMP, event_id INT64, event STRING, amount NUMERIC, latency_ms INT64,
  score FLOAT64, is_error BOOL, answer STRING, payload JSON, item STRING, tags ARRAY<STRING>
);
CREATE TABLE feedback (conversation_id STRING, ts DATETIME, thumbs_down BOOL, stars INT64);
CREATE TABLE `my-project.billing.bills` (bill STRING, account INT64, day DATE, total BIGNUMERIC, currency STRING);
