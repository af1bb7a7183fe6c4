#!/usr/bin/env bash
# BigQuery's own client against a server of ours on this machine, which runs
# BigQuery's SQL on DuckDB through sqlglot, and, where ASSAY_BIGQUERY_PROJECT names
# a project, against the service. ASSAY_EMULATED_DAYS are the days of the demo.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v python3 >/dev/null || { echo "bigquery.sh needs python3" >&2; exit 1; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/assay-sqlglot
if ! "$cache/bin/python" -c 'import sqlglot; assert sqlglot.__version__ == "30.30.0"' 2>/dev/null; then
  python3 -m venv "$cache"
  "$cache/bin/pip" install -q sqlglot==30.30.0
fi
export ASSAY_SQLGLOT=$cache/bin/python ASSAY_EMULATED_DAYS=${ASSAY_EMULATED_DAYS:-14}
"${GO:-go}" test ./connectors -count=1 -timeout 10m
"${GO:-go}" test ./ledger -run TestTableOfBigQuery -count=1 -timeout 10m
"${GO:-go}" test ./cmd/assay -run TestDemoEmulated/bigquery -count=1 -timeout 40m -v
