#!/usr/bin/env bash
# replicas.sh BUILD [MOST]: one, two, ... MOST (3) of our mints on one PostgreSQL under one load, each request sent to whichever mint its
# connection goes to. Called by ./dev bench replicas. On one machine they share its cores: what it shows is what sharing costs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/.." && pwd)
build=$(cd "$1" && pwd) most=${2:-3}
work=$(mktemp -d "${TMPDIR:-/tmp}/manastr-replicas-XXXXXX")
. "$here/postgres.sh"
. "$root/tools/set.sh"
. "$root/tests/interop/wallets/install.sh"
. "$here/mints.sh"
mints=()
stop_all() { local pid; for pid in "${mints[@]}"; do stop_mint "$pid"; done; mints=(); }
trap 'stop_all; stop_postgres; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
requests=${MANASTR_BENCH_REQUESTS:-40000} runs=${MANASTR_BENCH_RUNS:-3}

start_postgres
echo "bound $(bound)/s"
for ((n = 1; n <= most; n++)); do
  arguments=()
  for ((i = 1; i <= n; i++)); do
    mkdir -p "$work/mint$i"
    if [ "$i" -gt 1 ]; then cp "$work/mint1/mnemonic" "$work/mint$i/"; fi  # one mint's keys
    start_ours "$work/mint$i" "$postgres_url"
    mints+=("$mint_pid")
    arguments+=(--mint "$mint_url" --pid "$mint_pid")
  done
  json=$("$build/bench/mint-load" "${arguments[@]}" --server "$postgres_pid" --requests "$requests" --runs "$runs" --json) || true
  stop_all
  printf '%s mints: %s swaps/s, p50 %s ms, p99 %s ms; CPU a swap: mints %s us, server %s us; %s failed\n' "$n" "$(figure per_second <<<"$json")" \
    "$(figure p50_ms <<<"$json")" "$(figure p99_ms <<<"$json")" "$(figure mint_cpu_us <<<"$json")" "$(figure server_cpu_us <<<"$json")" \
    "$(figure failed <<<"$json")"
done
echo "bound $(bound)/s, load average $(cut -d ' ' -f 1 /proc/loadavg)"
