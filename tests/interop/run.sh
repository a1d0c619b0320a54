#!/usr/bin/env bash
# run.sh BUILD [NAME]: other people's software, from its registries, against our programs. Called by ./dev interop. `wallets` is another script.
# Each suite gets a set of its own (./dev up). The last line is `N passed, N failed[, N skipped]`. README.md tells the suites.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
only=${2:-}
if [ "$only" = wallets ]; then exec "$here/wallets/run.sh" "$1" "${@:3}"; fi  # long: by name alone
cache=${XDG_CACHE_HOME:-$HOME/.cache}/manastr/interop
work=$root/build/interop
rm -rf "$work"; mkdir -p "$cache" "$work"
passed=0 failed=0 skipped=0
foreign_pids=() foreign_urls=() cargo_pid=
export MANASTR_BUILD=$1
. "$here/npm.sh"

stop_foreign() {
  local pid
  for pid in "${foreign_pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  for pid in "${foreign_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  foreign_pids=() foreign_urls=()
}
clean_up() {
  "$root/dev" down --dir "$work/set" >/dev/null 2>&1 || true
  if [ -n "$cargo_pid" ]; then kill -- "-$cargo_pid" 2>/dev/null || true; fi
  stop_foreign
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say() { printf '%s\n' "$*" >&2; }
skip() { say "skipped $1: $2"; skipped=$((skipped + 1)); }
fail() { say "failed $1: $2"; failed=$((failed + 1)); }

field() { grep -o "\"$1\": *\"[^\"]*\"" "$work/set.json" | head -n 1 | cut -d '"' -f 4; }

# run_node SUITE [FILE]: FILE.test.mjs (else SUITE.test.mjs) against a fresh set.
run_node() {
  local suite=$1 file=${2:-$1}.test.mjs rc=0 log=$work/$1.log problem relays ok bad
  command -v npm >/dev/null || { skip "$suite" "npm is not installed (apt-get install npm)"; return 0; }
  problem=$(npm_install "$cache/npm" "$here/package.json") || { fail "$suite" "$problem"; return 0; }
  cp "$here"/*.mjs "$cache/npm/"
  "$root/dev" up --dir "$work/set" --json >"$work/set.json" || { fail "$suite" "the set did not start"; return 0; }
  relays=$(tr -d '\n ' <"$work/set.json" | sed 's/.*"relays":\[\([^]]*\)\].*/\1/; s/"//g')
  (cd "$cache/npm" && MINT=$(field mint) RELAYS=$relays ENGINE=$(field engine_pubkey) PROTOCOL=$root/docs/protocol.md \
    timeout 240 ./node_modules/.bin/node --test --test-reporter=tap "$file") >"$log" 2>&1 || rc=$?
  ok=$(sed -n 's/^# pass //p' "$log"); bad=$(sed -n 's/^# fail //p' "$log")
  passed=$((passed + ${ok:-0})); failed=$((failed + ${bad:-0}))
  if [ "$rc" != 0 ] && [ "${bad:-0}" = 0 ]; then failed=$((failed + 1)); fi
  if [ "$rc" != 0 ]; then grep -E '^ *not ok|error:|expected:|actual:|Error' "$log" | head -n 20 >&2 || tail -n 10 "$log" >&2; fi
  "$root/dev" down --dir "$work/set" >/dev/null
  say "$suite: ${ok:-0} passed, ${bad:-0} failed"
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'; }

# start_foreign NAME PORT PROGRAM...: joins foreign_urls once it listens.
start_foreign() {
  local name=$1 port=$2 i; shift 2
  setsid "$@" >"$work/$name.log" 2>&1 </dev/null &
  local pid=$!
  foreign_pids+=("$pid")
  for ((i = 0; i < 400; i++)); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then foreign_urls+=("ws://127.0.0.1:$port"); return 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  fail "relay $name" "$(tail -n 1 "$work/$name.log")"
}

# The Rust relay is built while the other suites run.
begin_cargo() {
  command -v cargo >/dev/null || return 0
  mkdir -p "$cache/builder"; cp -r "$here"/relays/builder/* "$cache/builder/"
  setsid nice cargo build --release --quiet --manifest-path "$cache/builder/Cargo.toml" --target-dir "$cache/builder/target" \
    >"$work/cargo.log" 2>&1 </dev/null &
  cargo_pid=$!
}

relay_builder() {
  [ -n "$cargo_pid" ] || { skip "relay nostr-relay-builder" "cargo is not installed (https://rustup.rs)"; return 0; }
  local i rc=0 port
  for ((i = 0; i < 240; i++)); do
    kill -0 "$cargo_pid" 2>/dev/null || break
    [ $((i % 30)) != 1 ] || say "building nostr-relay-builder (a minute or two if it is cold)"
    sleep 1
  done
  if [ "$i" = 240 ]; then
    fail "relay nostr-relay-builder" "cargo was not done after 4 minutes; the next run goes on from there"
    return 0
  fi
  wait "$cargo_pid" || rc=$?
  cargo_pid=
  if [ "$rc" != 0 ]; then fail "relay nostr-relay-builder" "$(grep -m 1 '^error' "$work/cargo.log" || tail -n 1 "$work/cargo.log")"; return 0; fi
  port=$(free_port)
  start_foreign nostr-relay-builder "$port" "$cache/builder/target/release/relay-builder" "$port"
}

relay_node() {
  local problem port
  problem=$(npm_install "$cache/relays" "$here/relays/package.json") || { fail "relay @nostr-relay" "$problem"; return 0; }
  cp "$here/relays/node-relay.mjs" "$cache/relays/"
  port=$(free_port)
  start_foreign node-relay "$port" node "$cache/relays/node-relay.mjs" "$port"
}

relay_python() {
  command -v python3 >/dev/null || { skip "relay nostr-relay" "python3 is not installed (apt-get install python3-venv)"; return 0; }
  local venv=$cache/python port
  if [ ! -x "$venv/bin/nostr-relay" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >"$work/pip.log" 2>&1 ||
      { skip "relay nostr-relay" "pip is not installed (apt-get install python3-venv)"; return 0; }
    say "installing nostr-relay from PyPI"
    "$venv/bin/pip" install --quiet --disable-pip-version-check nostr-relay==1.14 >"$work/pip.log" 2>&1 ||
      { fail "relay nostr-relay" "$(grep -m 1 ERROR "$work/pip.log" || tail -n 1 "$work/pip.log")"; return 0; }
  fi
  port=$(free_port); mkdir -p "$work/python"
  sed "s#PORT#$port#; s#DIR#$work/python#" "$here/relays/python.yaml" >"$work/python/relay.yaml"
  start_foreign python-relay "$port" "$venv/bin/nostr-relay" -c "$work/python/relay.yaml" serve
}

# The duel once more, over relays of other make at once.
run_foreign_relays() {
  command -v npm >/dev/null || { skip foreign-relays "npm is not installed (apt-get install npm)"; return 0; }
  relay_builder; relay_node; relay_python
  [ ${#foreign_urls[@]} -gt 0 ] || { fail foreign-relays "none of them runs"; return 0; }
  MANASTR_SET_RELAYS=$(IFS=,; echo "${foreign_urls[*]}") run_node foreign-relays duel
  stop_foreign
}

case foreign-relays in *"$only"*) begin_cargo ;; esac
for suite in "$here"/*.test.mjs; do
  name=$(basename "$suite" .test.mjs)
  case $name in *"$only"*) run_node "$name" ;; esac
done
case foreign-relays in *"$only"*) run_foreign_relays ;; esac

line="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
echo "$line"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
