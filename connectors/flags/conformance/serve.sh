#!/usr/bin/env bash
# Real clients against assay flags serve: GrowthBook's for JavaScript and Python,
# and flagd's evaluator. Installs them, pinned, into a cache folder.
set -euo pipefail
cd "$(dirname "$0")/../../.."

for tool in node npm python3; do
  command -v "$tool" >/dev/null || { echo "serve.sh needs $tool" >&2; exit 1; }
done
cache=${XDG_CACHE_HOME:-$HOME/.cache}/assay-sdks
pins="@growthbook/growthbook@1.8.0 @openfeature/flagd-core@4.0.1 growthbook==4.0.0"
if [ "$(cat "$cache/pins" 2>/dev/null)" != "$pins" ]; then
  rm -rf "$cache"
  mkdir -p "$cache"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$cache" @growthbook/growthbook@1.8.0 @openfeature/flagd-core@4.0.1
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install -q growthbook==4.0.0
  echo "$pins" >"$cache/pins"
fi
ASSAY_SDKS=$cache ASSAY_REQUIRE_SDKS=1 "${GO:-go}" test ./connectors/flags/serve -run 'TestOtherClients|TestFlagdClient' -count=1 -timeout 15m
