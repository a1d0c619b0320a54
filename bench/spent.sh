#!/usr/bin/env bash
# spent.sh BUILD [sqlite|postgresql]: our mint with ten million spent proofs: what they take on disk, how long the start takes, and the
# load of compare.sh before and after. Called by ./dev bench spent. The proofs are made up (prefill.sql, prefill-postgresql.sql).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/.." && pwd)
build=$(cd "$1" && pwd) only=${2:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/manastr-spent-XXXXXX")
. "$here/postgres.sh"
. "$root/tools/set.sh"
. "$root/tests/interop/wallets/install.sh"
. "$here/mints.sh"
mint_pid=
trap 'stop_mint; stop_postgres; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
say() { printf '%s\n' "$*" >&2; }
requests=${MANASTR_BENCH_REQUESTS:-40000} runs=${MANASTR_BENCH_RUNS:-3}

# load TITLE [--server PID]: all that goes, then half of it
load() {
  local title=$1; shift
  run_load "$title" "$@"
  run_load "$title, at half that load" "$@" --rate "$(awk -v all="$(figure per_second <<<"$json")" 'BEGIN { print int(all / 2) }')"
}
# run_load TITLE [ARGUMENT…]: leaves what mint-load says in $json
run_load() {
  local title=$1; shift
  json=$("$build/bench/mint-load" --mint "$mint_url" --pid "$mint_pid" --requests "$requests" --runs "$runs" --json "$@") || true
  printf '%s: %s swaps/s, p50 %s ms, p99 %s ms, %s MB, %s us of the mint, %s of the server, %s of the load tool, %s failed\n' "$title" "$(figure per_second <<<"$json")" "$(figure p50_ms <<<"$json")" \
    "$(figure p99_ms <<<"$json")" "$(figure mint_mb <<<"$json")" \
    "$(figure mint_cpu_us <<<"$json")" "$(figure server_cpu_us <<<"$json")" "$(figure client_cpu_us <<<"$json")" "$(figure failed <<<"$json")"
}
seconds() { awk -v a="$1" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }'; }

sqlite() {
  local size
  start_ours "$work/sqlite" sqlite:mint.sqlite
  load "SQLite, empty"
  stop_mint
  rm -rf "$work/sqlite"; start_ours "$work/sqlite" sqlite:mint.sqlite; stop_mint
  size=$(stat -c %s "$work/sqlite/mint.sqlite")
  say "making ten million spent proofs (a minute)"
  sqlite3 "$work/sqlite/mint.sqlite" <"$here/prefill.sql" >/dev/null
  size=$(($(stat -c %s "$work/sqlite/mint.sqlite") - size))
  echo "SQLite: $((size / 10000000)) bytes for a spent proof and its signature, indices included"
  sqlite3 "$work/sqlite/mint.sqlite" "SELECT name, sum(pgsize) / 10000000 FROM dbstat GROUP BY name HAVING sum(pgsize) > 1e7 ORDER BY 2 DESC" 2>/dev/null |
    sed 's/^\(.*\)|\(.*\)/  \1: \2 bytes a row/' || true
  local begun; begun=$(date +%s.%N)
  start_ours "$work/sqlite" sqlite:mint.sqlite
  echo "SQLite: serves $(seconds "$begun") s after its start"
  load "SQLite, ten million"
  stop_mint
}

postgresql() {
  local psql="$postgres_bin/psql -h" begun
  # As docs/scaling.md has it for a large ledger.
  MANASTR_BENCH_BUFFERS=${MANASTR_BENCH_BUFFERS:-1GB} \
    MANASTR_BENCH_POSTGRES="-c wal_compression=lz4 -c max_wal_size=16GB -c checkpoint_timeout=30min" start_postgres
  psql="$postgres_bin/psql -X -q -v ON_ERROR_STOP=1 -h $postgres_folder -U manastr manastr"
  start_ours "$work/postgresql" "$postgres_url"
  load "PostgreSQL, empty" --server "$postgres_pid"
  stop_mint
  say "making ten million spent proofs (a minute or two)"
  $psql -c 'TRUNCATE mint.proofs, mint.signatures'
  $psql <"$here/prefill-postgresql.sql"
  $psql -At -c "SELECT format('PostgreSQL: %s: %s bytes a row, %s of them the index', relname, pg_total_relation_size(oid) / 10000000,
    pg_indexes_size(oid) / 10000000) FROM pg_class WHERE relnamespace = 'mint'::regnamespace AND relname IN ('proofs', 'signatures')"
  begun=$(date +%s.%N)
  start_ours "$work/postgresql" "$postgres_url"
  echo "PostgreSQL: serves $(seconds "$begun") s after its start"
  load "PostgreSQL, ten million" --server "$postgres_pid"
  stop_mint
}

echo "bound $(bound)/s"
case $only in '' | sqlite) sqlite ;; esac
case $only in '' | postgresql) postgresql ;; esac
echo "bound $(bound)/s, load average $(cut -d ' ' -f 1 /proc/loadavg)"
