# Sourced by compare.sh, spent.sh and replicas.sh: one mint at a time, ours or another, on SQLite or PostgreSQL, as it would be run for real (all
# durability on) but for a Lightning node of play money. Callers set `build` and `work`, and source postgres.sh,
# tools/set.sh and tests/interop/wallets/install.sh.
# Each start_… sets mint_url and mint_pid, and returns 1 with a line on standard error if the mint doesn't serve.

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
}

# await_mint LOG: until it answers /v1/info.
await_mint() {
  local i
  for ((i = 0; i < 1200; i++)); do
    if (http_get "${mint_url#http://}" /v1/info >/dev/null) 2>/dev/null; then return 0; fi
    kill -0 "$mint_pid" 2>/dev/null || break
    sleep 0.05
  done
  echo "it does not serve: $(tail -n 1 "$1")" >&2
  return 1
}

# start_ours DIR DATABASE-URL: DIR is made if it isn't there.
start_ours() {
  local dir=$1 port=$1/port
  mkdir -p "$dir"; rm -f "$port"
  printf '[server]\nport = 0\n[lightning]\nbackend = "fake"\ninvoice_delay_ms = 50\n[currencies.sat]\nmax_amount = 10000000\n' >"$dir/mint.toml"
  DATABASE_URL=$2 setsid "$build/manastr-mint" --config "$dir/mint.toml" --data "$dir" >>"$dir/log" 2>&1 </dev/null &
  mint_pid=$!
  local i
  for ((i = 0; i < 2400; i++)); do
    if [ -s "$port" ]; then break; fi
    kill -0 "$mint_pid" 2>/dev/null || break
    sleep 0.05
  done
  mint_url=http://127.0.0.1:$(cat "$port" 2>/dev/null || true)
  await_mint "$dir/log"
}

# start_cdk DIR sqlite|postgres [DATABASE]
start_cdk() {
  local dir=$1 port; port=$(free_port)
  mkdir -p "$dir"
  cat >"$dir/config.toml" <<TOML
[info]
url = "http://127.0.0.1:$port"
listen_host = "127.0.0.1"
listen_port = $port
mnemonic = "env:CDK_MINTD_MNEMONIC"
input_fee_ppk = 0
[info.http_cache]
backend = "memory"
ttl = 0
tti = 0
[database]
engine = "$2"
$(if [ "$2" = postgres ]; then printf '[database.postgres]\nurl = "env:CDK_MINTD_POSTGRES_URL"\n'; fi)
[fake_wallet]
fee_percent = 0.0
reserve_fee_min = 0
min_delay_time = 0
max_delay_time = 0
custom_payment_methods = []
[limits]
max_inputs = 1000
max_outputs = 1000
[[payment_backend]]
backend = "fakewallet"
unit = "sat"
TOML
  mint_url=http://127.0.0.1:$port
  (
    export CDK_MINTD_MNEMONIC="abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
    export CDK_MINTD_DATABASE=$2 CDK_MINTD_POSTGRES_URL="host=${postgres_folder:-} user=manastr dbname=${3:-}"
    "$cdk_bin/cdk-mintd" --work-dir "$dir" config init --new-mint --file "$dir/config.toml" >"$dir/log" 2>&1 &&
      exec setsid "$cdk_bin/cdk-mintd" --work-dir "$dir" >>"$dir/log" 2>&1 </dev/null
  ) &
  mint_pid=$!
  await_mint "$dir/log"
}

# start_nutshell DIR sqlite|postgres [DATABASE]
start_nutshell() {
  local dir=$1 port database; port=$(free_port)
  mkdir -p "$dir/home" "$dir/database"
  database=$dir/database
  if [ "$2" = postgres ]; then database="postgres://manastr@/$3"; fi  # its folder by PGHOST, for nutshell appends an option of its own
  mint_url=http://127.0.0.1:$port
  (
    cd "$dir/home"
    export PGHOST=${postgres_folder:-} HOME=$dir/home MINT_DATABASE=$database MINT_PRIVATE_KEY=benchmark MINT_BACKEND_BOLT11_SAT=FakeWallet FAKEWALLET_BRR=TRUE
    export FAKEWALLET_DELAY_INCOMING_PAYMENT=0.1 MINT_RATE_LIMIT=FALSE MINT_INPUT_FEE_PPK=0
    exec setsid "$nutshell_bin/mint" --host 127.0.0.1 --port "$port" --log-level=warning --access_log=0 >"$dir/log" 2>&1 </dev/null
  ) &
  mint_pid=$!
  await_mint "$dir/log"
}

# stop_mint [PID]
stop_mint() {
  local pid=${1:-${mint_pid:-}} i
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 200; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    if [ "$i" = 190 ]; then kill -9 "$pid" 2>/dev/null || true; fi
    sleep 0.05
  done
  wait "$pid" 2>/dev/null || true
  if [ "$pid" = "${mint_pid:-}" ]; then mint_pid=; fi
}

# figure NAME <JSON: of mint-load's median, or of crypto-bound.
figure() { sed 's/.*"median"//' | sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" | head -n 1; }
bound() { "$build/bench/crypto-bound" --json | figure bound_swaps_per_s; }
