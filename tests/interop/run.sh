#!/usr/bin/env bash
# run.sh BUILD [NAME]: other people's software, from its registries, against our programs. Called by ./dev interop.
# Each suite gets a set of its own (./dev up). The last line is `N passed, N failed[, N skipped]`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
build=$1 only=${2:-}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/manastr/interop
work=$root/build/interop
rm -rf "$work"; mkdir -p "$cache" "$work"
passed=0 failed=0 skipped=0
trap '"$root/dev" down --dir "$work/set" >/dev/null 2>&1 || true' EXIT

skip() { echo "skipped $1: $2" >&2; skipped=$((skipped + 1)); }

# npm suites: one install in the cache folder, then the scripts run from a copy beside it.
npm_ready() {
  command -v npm >/dev/null || return 1
  [ -n "${npm_done:-}" ] && return 0
  cp "$here"/package.json "$here"/*.mjs "$cache/"
  (cd "$cache" && npm install --no-audit --no-fund --loglevel=error --foreground-scripts=false) >"$work/npm.log" 2>&1 ||
    { echo "npm install failed: $(grep -m 1 'npm error' "$work/npm.log" || tail -n 1 "$work/npm.log")" >&2; failed=$((failed + 1)); return 2; }
  npm_done=1
}

field() { grep -o "\"$1\": *\"[^\"]*\"" "$work/set.json" | head -n 1 | cut -d '"' -f 4; }

run_node() {
  local suite=$1 rc=0 log=$work/$1.log
  npm_ready || { rc=$?; if [ "$rc" = 1 ]; then skip "$suite" "npm is not installed (apt-get install npm)"; fi; return 0; }
  rm -rf "$work/set"
  "$root/dev" up --dir "$work/set" --json >"$work/set.json"
  local relays
  relays=$(tr -d '\n ' <"$work/set.json" | sed 's/.*"relays":\[\([^]]*\)\].*/\1/; s/"//g')
  (cd "$cache" && MINT=$(field mint) RELAYS=$relays ENGINE=$(field engine_pubkey) DIR=$work/set \
    PROTOCOL=$root/docs/protocol.md timeout 240 ./node_modules/.bin/node --test --test-reporter=tap "$suite.test.mjs") >"$log" 2>&1 || rc=$?
  local ok bad
  ok=$(sed -n 's/^# pass //p' "$log"); bad=$(sed -n 's/^# fail //p' "$log")
  passed=$((passed + ${ok:-0})); failed=$((failed + ${bad:-0}))
  if [ "$rc" != 0 ] && [ "${bad:-0}" = 0 ]; then failed=$((failed + 1)); fi
  if [ "$rc" != 0 ]; then grep -E '^not ok|error:|expected:|actual:|Error' "$log" | head -n 20 >&2 || tail -n 10 "$log" >&2; fi
  "$root/dev" down --dir "$work/set" >/dev/null
  echo "$suite: ${ok:-0} passed, ${bad:-0} failed" >&2
}

for suite in "$here"/*.test.mjs; do
  name=$(basename "$suite" .test.mjs)
  case $name in *"$only"*) run_node "$name" ;; esac
done

line="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
echo "$line"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
