#!/usr/bin/env bash
# Holds the examples of this folder to the tools that read them: systemd, the
# schemas of Kubernetes, Airflow itself. What is missing is installed from PyPI into
# the cache; where it cannot be, or systemd is not there, that part is left out,
# and with ASSAY_REQUIRE_EXAMPLES=1 it fails. The argument is the binary; without
# it one is built.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%-14s %s\n' "$1" "$2"; }

left_out() {
  say "$1" "left out: $2"
  if [ "${ASSAY_REQUIRE_EXAMPLES:-0}" = 1 ]; then exit 1; fi
}

# venv FOLDER PACKAGE ... makes an environment of Python once.
venv() {
  local dir=$1
  shift
  if [ -f "$dir/whole" ]; then return; fi
  rm -rf "$dir"
  python3 -m venv "$dir" && timeout 1200 "$dir/bin/pip" install -q "$@" && touch "$dir/whole"
}

mkdir -p "$work/bin"
if [ $# -gt 0 ]; then
  cp "$1" "$work/bin/assay"
else
  (cd "$root" && go build -o "$work/bin/assay" ./cmd/assay)
fi

# project FOLDER makes a project with a day of data.
project() {
  mkdir -p "$1/experiments"
  cat >"$1/assay.yaml" <<'YAML'
version: 1
warehouse: {type: duckdb, files: {exposures: exposures.csv, responses: responses.csv}}
identifiers:
  user_id: {}
assignments:
  exposures: {identifier: user_id, sql: "SELECT user_id, happened AS timestamp, experiment_id, variation_id FROM exposures"}
facts:
  responses: {identifiers: [user_id], sql: "SELECT user_id, happened AS timestamp, failed FROM responses"}
metrics:
  error_rate: {kind: proportion, source: responses, where: failed, direction: down, window: 6h, base_rate: 0.05}
YAML
  cat >"$1/experiments/tone.yaml" <<'YAML'
name: tone
type: rollout
assignment: exposures
start: 2026-11-01
duration: 8d
cadence: 1h
variations: [{id: control, known_good: true}, {id: treatment}]
guardrails: [{metric: error_rate, mde: 100%, margin: 50%}]
YAML
  awk -v exposures="$1/exposures.csv" -v responses="$1/responses.csv" 'BEGIN {
    print "user_id,happened,experiment_id,variation_id" > exposures
    print "user_id,happened,failed" > responses
    for (i = 0; i < 400; i++) {
      printf "u%d,2026-11-01 %02d:00:00,tone,%s\n", i, i % 20, i % 2 ? "control" : "treatment" > exposures
      printf "u%d,2026-11-01 %02d:30:00,%s\n", i, i % 20, i % 19 ? "false" : "true" > responses
    }
  }'
}

systemd() {
  if ! command -v systemd-analyze >/dev/null; then
    left_out systemd "there is no systemd-analyze"
    return
  fi
  local unit complaints
  mkdir -p "$work/units"
  for unit in "$here"/*.service "$here"/*.timer; do
    sed "s|/usr/local/bin/assay|$work/bin/assay|" "$unit" >"$work/units/$(basename "$unit")"
  done
  complaints=$(systemd-analyze verify "$work"/units/assay.timer "$work"/units/*.service 2>&1 | grep -E 'assay(-schedule)?\.(service|timer)' || true)
  if [ -n "$complaints" ]; then
    say systemd "$complaints"
    exit 1
  fi
  systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$here/assay.timer")" >/dev/null
  say systemd "$(systemd-analyze --version | head -1): units verified"
}

kubernetes() {
  if ! venv "$cache/assay-kubernetes" kubernetes-validate==1.37.0; then
    left_out kubernetes "kubernetes-validate cannot be installed"
    return
  fi
  "$cache/assay-kubernetes/bin/kubernetes-validate" --strict --quiet "$here/cronjob.yaml" "$here/deployment.yaml"
  # The strict schema refuses what it does not know.
  sed 's/concurrencyPolicy/concurencyPolicy/' "$here/cronjob.yaml" >"$work/misspelt.yaml"
  if "$cache/assay-kubernetes/bin/kubernetes-validate" --strict --quiet "$work/misspelt.yaml" >/dev/null 2>&1; then
    say kubernetes "a misspelt key is not found"
    exit 1
  fi
  say kubernetes "CronJob and Deployment fit the schemas"
}

airflow() {
  if ! venv "$cache/assay-airflow-3.3.2" apache-airflow==3.3.2 apache-airflow-providers-standard==1.21.0 \
    apache-airflow-providers-cncf-kubernetes==10.25.0; then
    left_out airflow "it cannot be installed; the DAGs are compiled by Python only"
    python3 -m py_compile "$here"/airflow_*.py
    return
  fi
  project "$work/project"
  mkdir -p "$work/airflow/dags"
  for dag in "$here"/airflow_*.py; do
    sed "s|/srv/assay|$work/project|" "$dag" >"$work/airflow/dags/$(basename "$dag")"
  done
  (
    export AIRFLOW_HOME=$work/airflow AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__LOGGING__LOGGING_LEVEL=ERROR
    export AIRFLOW__CORE__DAGS_FOLDER=$work/airflow/dags AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False PATH=$work/bin:$PATH
    "$cache/assay-airflow-3.3.2/bin/airflow" db migrate >"$work/airflow/migrate.log" 2>&1
    timeout 300 "$cache/assay-airflow-3.3.2/bin/python" "$here/check_dags.py" "$work/airflow/dags"
  )
  grep -q '"kind":"look"' "$work/project/ledger.jsonl"
  say airflow "both DAGs parsed, and the BashOperator's run by Airflow"
}

systemd
kubernetes
airflow
