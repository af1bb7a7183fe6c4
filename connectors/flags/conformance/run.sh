#!/usr/bin/env bash
# Runs the conformance table of flag stores against the real thing where it can
# be had: Unleash's own server, from npm, on Debian's PostgreSQL. Everything
# lives in a folder of its own and is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

UNLEASH_VERSION=${UNLEASH_VERSION:-7.5.1} # the newest that runs on Node 20
GO=${GO:-go}
dir=$(mktemp -d)
server=
psql_as() { runuser_if_root psql -q -h "$dir/db" -U unleash -v ON_ERROR_STOP=1 "$@"; }

# PostgreSQL refuses to run as root.
user=$(id -un)
if [ "$(id -u)" = 0 ]; then user=${CONFORMANCE_USER:-nobody}; fi
runuser_if_root() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- "$@"; else "$@"; fi
}

clean() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  if [ -f "$dir/db/data/postmaster.pid" ]; then runuser_if_root "$pg/pg_ctl" -D "$dir/db/data" -m immediate -w stop >/dev/null 2>&1 || true; fi
  rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM

step() { printf '== %s (%ss)\n' "$1" "$SECONDS"; }

step "tools"
find_pg() { dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -1 || true)" 2>/dev/null; }
missing=()
[ -x "$(find_pg)/initdb" ] || missing+=(postgresql)
command -v npm >/dev/null || missing+=(nodejs npm)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "missing: ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi
pg=$(dirname "$(readlink -f "$(find_pg)/initdb")")
node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || { echo "Node 20 or newer is needed" >&2; exit 1; }

step "Unleash $UNLEASH_VERSION"
mkdir "$dir/unleash" "$dir/db"
(cd "$dir/unleash" && npm init -y >/dev/null && npm install --no-audit --no-fund --ignore-scripts --loglevel=error "unleash-server@$UNLEASH_VERSION" >/dev/null)

step "PostgreSQL, $("$pg/postgres" --version | grep -o '[0-9.]*' | head -1)"
chmod 711 "$dir"
chown "$user" "$dir/db"
runuser_if_root "$pg/initdb" -D "$dir/db/data" -A trust -U unleash >/dev/null
runuser_if_root "$pg/pg_ctl" -D "$dir/db/data" -o "-c listen_addresses= -k $dir/db" -l "$dir/db/log" -w start >/dev/null
psql_as -d postgres -c 'CREATE DATABASE unleash'

step "the server"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
admin='*:*.conformance-admin'
DATABASE_HOST=$dir/db DATABASE_USERNAME=unleash DATABASE_PASSWORD=none DATABASE_NAME=unleash DATABASE_SSL=false \
  HTTP_HOST=127.0.0.1 HTTP_PORT=$port CHECK_VERSION=false SEND_TELEMETRY=false LOG_LEVEL=error INIT_ADMIN_API_TOKENS=$admin \
  SIMPLE_LOGIN_LIMIT_PER_MINUTE=100 CREATE_USER_RATE_LIMIT_PER_MINUTE=100 \
  node "$dir/unleash/node_modules/unleash-server/dist/server.js" >"$dir/unleash/log" 2>&1 &
server=$!
base=http://127.0.0.1:$port
for _ in $(seq 120); do
  if curl -sf "$base/health" >/dev/null; then break; fi
  kill -0 "$server" 2>/dev/null || { cat "$dir/unleash/log" >&2; exit 1; }
  sleep 0.5
done
curl -sf "$base/health" >/dev/null

step "somebody who may not skip change requests, where they are on"
call() { curl -sSf -H 'Content-Type: application/json' "$@"; }
password=Conformance-1-$RANDOM$RANDOM$RANDOM
call -o /dev/null -H "Authorization: $admin" "$base/api/admin/user-admin" \
  -d "{\"username\":\"assay\",\"email\":\"assay@example.org\",\"name\":\"assay\",\"password\":\"$password\",\"rootRole\":2,\"sendEmail\":false}"
call -o /dev/null -c "$dir/cookies" "$base/auth/simple/login" -d "{\"username\":\"assay\",\"password\":\"$password\"}"
editor=$(call -b "$dir/cookies" "$base/api/admin/user/tokens" -d '{"description":"assay","expiresAt":"2099-01-01T00:00:00.000Z"}' |
  node -e 'let s = ""; process.stdin.on("data", d => s += d).on("end", () => console.log(JSON.parse(s).secret))')
psql_as -d unleash -c "INSERT INTO change_request_settings (project, environment, required_approvals) VALUES ('default', 'production', 1)"

step "the table"
ASSAY_UNLEASH_URL=$base ASSAY_UNLEASH_TOKEN=$admin ASSAY_UNLEASH_EDITOR=$editor \
  $GO test -count=1 -timeout 10m -run 'TestConformance|TestUnleash' -v . |
  { grep -E '^ *--- .*[Uu]nleash|^(ok|FAIL|PASS|panic)|_test.go:' || true; }
