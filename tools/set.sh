# Sourced by ./dev: a set of daemons for development and scripts: three relays, the mint (SQLite, fake Lightning), the engine.
# Everything of a set is in one folder, so that several run side by side. Ports are chosen by the kernel.

# http_get HOST:PORT PATH: the body, if the status is 200.
http_get() {
  local host=${1%%:*} port=${1##*:} line status
  exec 3<>"/dev/tcp/$host/$port" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  read -r -t 5 status <&3 || { exec 3>&-; return 1; }
  while read -r -t 5 line <&3 && [ "${line%$'\r'}" != "" ]; do :; done
  timeout 5 cat <&3
  exec 3>&-
  case $status in *" 200 "*) ;; *) return 1 ;; esac
}

# start_one DIR NAME PROGRAM...: in a session of its own, output to DIR/NAME.log, pid in DIR/pids.
start_one() {
  local dir=$1 name=$2; shift 2
  setsid "$@" >"$dir/$name.log" 2>&1 </dev/null 9>&- &
  echo "$name $!" >>"$dir/pids"
}

# wait_for_port DIR NAME DATA: the bound port, once the daemon has written it; or the daemon's last word.
wait_for_port() {
  local dir=$1 name=$2 file=$3/port pid i
  pid=$(sed -n "s/^$name //p" "$dir/pids")
  for ((i = 0; i < 400; i++)); do
    if [ -s "$file" ]; then cat "$file"; return 0; fi
    kill -0 "$pid" 2>/dev/null || die "$name did not start: $(tail -n 1 "$dir/$name.log")"
    sleep 0.025
  done
  die "$name has not written $file after 10 s: $(tail -n 1 "$dir/$name.log")"
}

wait_for_health() {
  local dir=$1 name=$2 port=$3 i
  for ((i = 0; i < 400; i++)); do
    if (http_get "127.0.0.1:$port" /health >/dev/null) 2>/dev/null; then return 0; fi
    sleep 0.05
  done
  die "$name does not answer /health with 200: $(tail -n 1 "$dir/$name.log")"
}

write_relay_config() {
  cat >"$1" <<'TOML'
[network]
address = "127.0.0.1"
port = 0
TOML
}

write_mint_config() {
  cat >"$1" <<'TOML'
[server]
host = "127.0.0.1"
port = 0
requests_per_minute = 0

[lightning]
backend = "fake"
invoice_delay_ms = 50

[currencies.sat]
unit = "sat"
max_amount = 10000000
price_msat = 1000
fee_reserve = 0.0

[currencies.mana]
unit = "mana"
max_amount = 10000000
price_msat = 200
fee_reserve = 0.0

[currencies.loot]
unit = "loot"
max_amount = 10000000
price_msat = 200
fee_reserve = 0.0
issued_by = ["engine"]

[limits]
max_inputs = 1000
max_outputs = 1000

[authorization]
auth_config_file = "game-engine-auth.toml"
TOML
}

write_auth_config() {
  cat >"$1" <<TOML
[[authorized_game_engines]]
name = "development engine"
nostr_pubkey_hex = "$2"
active = true

[authorized_game_engines.permissions]
can_burn_mana = true
can_query_spent_status = true
can_mint_loot = true
max_tokens_per_request = 1000000
TOML
}

write_engine_config() {
  cat >"$1" <<TOML
[server]
host = "127.0.0.1"
port = 0

[nostr]
relay_urls = [$(printf '"%s", ' ${3//,/ } | sed 's/, $//')]

[mint]
primary_url = "$2"

[validation]
max_concurrent_matches = 5000

[announcement]
rake_ppm = 50000
max_stake = 1000000
TOML
}

# set_up [--dir DIR] [--json]. MANASTR_SET_RELAYS=URL,URL,...: use these relays instead of starting three.
# MANASTR_SET_DATABASE=postgresql://...: the mint's ledger is there.
set_up() {
  local dir=$ROOT/build/set json=
  while [ $# -gt 0 ]; do
    case $1 in
      --dir) dir=${2:-}; [ -n "$dir" ] || die "--dir needs a folder"; shift 2 ;;
      --json) json=1; shift ;;
      *) die "up knows --dir DIR and --json, not $1" ;;
    esac
  done
  if [ -s "$dir/pids" ] && still_running "$dir"; then die "a set is running in $dir; ./dev down --dir $dir stops it"; fi
  mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
  rm -rf "$dir"/{relay1,relay2,relay3,mint,engine,pids,set.json} "$dir"/*.log
  local ok=
  trap '[ -n "$ok" ] || set_down --dir "$dir" >/dev/null 2>&1' RETURN EXIT
  local n relays=${MANASTR_SET_RELAYS:-} port mint_port engine_port engine_key
  if [ -z "$relays" ]; then
    for n in 1 2 3; do
      mkdir -p "$dir/relay$n"; write_relay_config "$dir/relay$n/relay.toml"
      start_one "$dir" "relay$n" "$BUILD/manastr-relay" --config "$dir/relay$n/relay.toml" --data "$dir/relay$n"
    done
    for n in 1 2 3; do
      port=$(wait_for_port "$dir" "relay$n" "$dir/relay$n")
      relays=${relays:+$relays,}ws://127.0.0.1:$port
    done
  fi
  mkdir -p "$dir/mint" "$dir/engine"
  write_mint_config "$dir/mint/mint.toml"
  write_engine_config "$dir/engine/game-engine.toml" "http://127.0.0.1:1" "$relays"
  engine_key=$("$BUILD/manastr-engine" pubkey --config "$dir/engine/game-engine.toml" --data "$dir/engine" 2>"$dir/engine.log") ||
    die "the engine has no key: $(tail -n 1 "$dir/engine.log")"
  write_auth_config "$dir/mint/game-engine-auth.toml" "$engine_key"
  start_one "$dir" mint env ${MANASTR_SET_DATABASE:+DATABASE_URL="$MANASTR_SET_DATABASE"} "$BUILD/manastr-mint" --config "$dir/mint/mint.toml" --data "$dir/mint"
  mint_port=$(wait_for_port "$dir" mint "$dir/mint")
  wait_for_health "$dir" mint "$mint_port"
  write_engine_config "$dir/engine/game-engine.toml" "http://127.0.0.1:$mint_port" "$relays"
  start_one "$dir" engine "$BUILD/manastr-engine" --config "$dir/engine/game-engine.toml" --data "$dir/engine"
  engine_port=$(wait_for_port "$dir" engine "$dir/engine")
  wait_for_health "$dir" engine "$engine_port"
  {
    printf '{"mint": "http://127.0.0.1:%s", "relays": [%s], "engine_pubkey": "%s", "dir": "%s", "pids": {%s}}\n' \
      "$mint_port" "$(printf '"%s", ' ${relays//,/ } | sed 's/, $//')" "$engine_key" "$dir" \
      "$(sed 's/\(.*\) \(.*\)/"\1": \2/' "$dir/pids" | paste -sd, | sed 's/,/, /g')"
  } >"$dir/set.json"
  ok=1
  trap - RETURN EXIT
  if [ -n "$json" ]; then cat "$dir/set.json"; else say "running in $dir: mint http://127.0.0.1:$mint_port, engine $engine_key, relays $relays"; fi
}

still_running() {
  local name pid
  while read -r name pid; do
    if kill -0 "$pid" 2>/dev/null; then return 0; fi
  done <"$1/pids"
  return 1
}

set_down() {
  local dir=$ROOT/build/set name pid i
  while [ $# -gt 0 ]; do
    case $1 in
      --dir) dir=${2:-}; [ -n "$dir" ] || die "--dir needs a folder"; shift 2 ;;
      *) die "down knows --dir DIR, not $1" ;;
    esac
  done
  [ -s "$dir/pids" ] || return 0
  while read -r name pid; do kill "$pid" 2>/dev/null || true; done <"$dir/pids"
  for ((i = 0; i < 400; i++)); do
    still_running "$dir" || break
    if [ "$i" = 300 ]; then while read -r name pid; do kill -9 "$pid" 2>/dev/null || true; done <"$dir/pids"; fi
    sleep 0.025
  done
  rm -f "$dir/pids"
}
