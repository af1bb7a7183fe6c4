#!/usr/bin/env bash
# BigQuery's own client against a server of ours on this machine, which runs
# BigQuery's SQL on DuckDB through sqlglot, and, where ASSAY_BIGQUERY_PROJECT names
# a project, against the service.
set -euo pipefail
cd "$(dirname "$0")/../.."
. connectors/conformance/sqlglot.bash

# The tests of the client, and of the table its entries.
"${GO:-go}" test ./connectors -run '^TestBigQuery|/^bigquery' -skip '^Test(Snowflake|DuckDB)' -count=1 -timeout 10m
"${GO:-go}" test ./ledger -run TestTableOfBigQuery -count=1 -timeout 10m
# The doctor and the checkup, with the findings that they have on DuckDB.
ASSAY_EMULATED_ALL=1 ASSAY_REQUIRE_SQLGLOT=1 "${GO:-go}" test ./job -run '^Test(Doctor|Checkup)OfBigQuery$' -count=1 -timeout 20m
