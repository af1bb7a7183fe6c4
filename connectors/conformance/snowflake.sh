#!/usr/bin/env bash
# Snowflake's own driver against a server of ours on this machine, which runs
# Snowflake's SQL on DuckDB through sqlglot, and, where ASSAY_SNOWFLAKE_CONNECTION
# names a connection of connections.toml, against the service.
set -euo pipefail
cd "$(dirname "$0")/../.."
. connectors/conformance/sqlglot.bash

# The tests of the driver, and of the table its entries.
"${GO:-go}" test ./connectors -run '^TestSnowflake|/^snowflake' -skip '^Test(BigQuery|DuckDB)' -count=1 -timeout 10m
"${GO:-go}" test ./ledger -run TestTableOfSnowflake -count=1 -timeout 10m
# The doctor and the checkup, with the findings that they have on DuckDB.
ASSAY_EMULATED_ALL=1 ASSAY_REQUIRE_SQLGLOT=1 "${GO:-go}" test ./job -run '^Test(Doctor|Checkup)OfSnowflake' -count=1 -timeout 20m
