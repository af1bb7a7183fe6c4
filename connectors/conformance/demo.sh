#!/usr/bin/env bash
# The demo on DuckDB, and again by the clients of BigQuery and Snowflake against
# servers of ours on this machine, which run their SQL on DuckDB through sqlglot:
# the same decisions from the same numbers. ASSAY_EMULATED_DAYS are its days.
set -euo pipefail
cd "$(dirname "$0")/../.."
. connectors/conformance/sqlglot.bash

export ASSAY_EMULATED_DAYS=${ASSAY_EMULATED_DAYS:-14}
"${GO:-go}" test ./cmd/assay -run TestDemoEmulated -count=1 -timeout 60m -v
