#!/usr/bin/env bash
# compare.sh BUILD [PERCENT]: our mint, cdk-mintd and nutshell, each alone on SQLite and on PostgreSQL, under the same load from the same tool in one
# run on one machine. Called by ./dev bench compare; prints the table for README.md. PERCENT of the requests (100 takes less than 8
# minutes once all is installed; 5 tries whether it works). A mint that can't be had is left out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/.." && pwd)
build=$(cd "$1" && pwd) percent=${2:-100}
work=$(mktemp -d "${TMPDIR:-/tmp}/manastr-compare-XXXXXX")
. "$here/postgres.sh"
. "$root/tools/set.sh"
. "$root/tests/interop/wallets/install.sh"
. "$here/mints.sh"
mint_pid=
trap 'stop_mint; stop_postgres; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
say() { printf '%s\n' "$*" >&2; }
count() { echo $(($1 * percent / 100 > 50 ? $1 * percent / 100 : 50)); }

rows=()
# measure NAME DATABASE REQUESTS RUNS CONNECTIONS START...: one mint, from its start to its end.
measure() {
  local name=$1 database=$2 requests runs=$4 connections=$5 json log ok server=(); shift 2
  requests=$(count "$1"); shift 3
  log=$work/$name-$database
  if [ "$database" = PostgreSQL ]; then server=(--server "$postgres_pid"); fi
  say "$name on $database"
  if ! "$@"; then rows+=("| $name | $database | did not start | | | | | |"); stop_mint; return 0; fi
  json=$("$build/bench/mint-load" --mint "$mint_url" --pid "$mint_pid" "${server[@]}" --requests "$requests" --runs "$runs" \
    --connections "$connections" --max-outputs 200 --json 2>"$log") || true
  stop_mint
  ok=$(figure succeeded <<<"$json")
  if [ -z "$ok" ]; then rows+=("| $name | $database | $(tail -n 1 "$log" | cut -c1-80) | | | | | |"); return 0; fi
  rows+=("$name|$database|$connections|$(for each in per_second p50_ms p99_ms mint_cpu_us server_cpu_us mint_mb failed succeeded; do
    printf '%s|' "$(figure $each <<<"$json")"; done)")
  say "  $(figure per_second <<<"$json") swaps/s"
}

# A table of what `rows` hold; a line of another kind is passed on.
table() {
  printf '%s\n' "${rows[@]}" | awk -F '|' -v before="$before" -v after="$after" '
    NF < 11 { print; next }
    { printf "| %s | %s | %d | %.0f | %.1f %% | %.1f / %.1f | %.0f | %s | %.0f | %s |\n", $1, $2, $3, $4, 200 * $4 / (before + after), $5, $6, $7,
        ($8 > 0 ? sprintf("%.0f", $8) : "–"), $9, ($10 > 0 ? sprintf("%.1f %%", 100 * $10 / ($10 + $11)) : "0") }'
}

have_cdk=1 have_nutshell=1
install_cdk cdk-mintd >&2 || have_cdk=
install_nutshell >&2 || have_nutshell=
start_postgres
for database in cdk nutshell; do "$postgres_bin/createdb" -h "$postgres_folder" -U manastr "$database"; done

before=$(bound)
say "crypto bound $before/s"
measure manastr-mint SQLite 40000 3 32 start_ours "$work/ours" sqlite:mint.sqlite
measure manastr-mint PostgreSQL 40000 3 32 start_ours "$work/ours-postgres" "$postgres_url"
if [ -n "$have_cdk" ]; then
  measure "cdk-mintd $cdk_version" SQLite 6000 3 32 start_cdk "$work/cdk" sqlite
  measure "cdk-mintd $cdk_version" PostgreSQL 2500 3 32 start_cdk "$work/cdk-postgres" postgres cdk
fi
if [ -n "$have_nutshell" ]; then
  measure "nutshell $nutshell_version" SQLite 500 3 8 start_nutshell "$work/nutshell" sqlite
  measure "nutshell $nutshell_version" PostgreSQL 500 3 8 start_nutshell "$work/nutshell-postgres" postgres nutshell
fi
after=$(bound)

echo "$(date +%F), $(nproc) cores ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)) shared by mint, load tool and PostgreSQL $("$postgres_bin/postgres" --version | grep -o '[0-9.]*' | head -n 1);"
echo "2-in 2-out swaps with DLEQ, durable; the median of three runs. The bound was $before/s before and $after/s after; load average $(cut -d ' ' -f 1 /proc/loadavg)."
echo
echo '| mint | ledger | connections | swaps/s | of the bound | p50 / p99 ms | CPU a swap, µs | of the server, µs | memory, MB | refused |'
echo '|---|---|---|---|---|---|---|---|---|---|'
table
