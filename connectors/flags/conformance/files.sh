#!/usr/bin/env bash
# Flag files, as assay writes them, by the evaluators that serve them: flagd's for
# JavaScript and for Python, and go-feature-flag's. Installs them where they are
# missing.
set -euo pipefail
here=$(cd "$(dirname "$0")/files" && pwd)
tools=${XDG_CACHE_HOME:-$HOME/.cache}/assay-conformance-files

mkdir -p "$tools"
if ! cmp -s "$here/package-lock.json" "$tools/package-lock.json" || [ ! -d "$tools/node_modules/@openfeature/flagd-core" ]; then
  cp "$here/package.json" "$here/package-lock.json" "$tools/"
  (cd "$tools" && npm ci --silent --no-audit --no-fund)
fi
if ! cmp -s "$here/requirements.txt" "$tools/requirements.txt"; then
  python3 -m venv "$tools/venv"
  "$tools/venv/bin/pip" install --quiet -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$tools/"
fi
cp "$here/flagd.mjs" "$tools/"

cd "$here/../../../.."
ASSAY_CONFORMANCE_FILES=$tools ${GO:-go} test ./connectors/flags -run 'TestFilesServe' -count=1 -v -timeout 30m
