#!/usr/bin/env bash
# run.sh BUILD [crypto|mint|mint-postgresql|duel]: the load generators against a set of their own. Called by ./dev bench. bench/README.md explains the figures.
# compare, spent and replicas are scripts of their own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/.." && pwd)
build=$1 only=${2:-}
case $only in compare | spent | replicas) exec "$here/$only.sh" "$build" "${@:3}" ;; esac
dir=$root/build/bench
. "$here/postgres.sh"
trap '"$root/dev" down --dir "$dir" >/dev/null 2>&1 || true; stop_postgres' EXIT
wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }
number() { sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" | head -n 1; }
up() { "$root/dev" up --dir "$dir" --json >"$root/build/bench.json"; }
field() { grep -o "\"$1\": *\"[^\"]*\"" "$root/build/bench.json" | head -n 1 | cut -d "\"" -f 4; }

if wants crypto; then "$build/bench/crypto-bound"; fi

load() { "$build/bench/mint-load" --mint "$(field mint)" --pid "$(number mint <"$root/build/bench.json")" --json "$@"; }

if wants mint; then
  up
  before=$("$build/bench/crypto-bound" --json | number bound_swaps_per_s)
  load >"$root/build/mint-load.json"
  after=$("$build/bench/crypto-bound" --json | number bound_swaps_per_s)
  median=$(sed 's/.*"median"//' "$root/build/mint-load.json")
  rate=$(echo "$median" | number per_second)
  awk -v b="$before" -v a="$after" -v r="$rate" -v tool="$(echo "$median" | number client_cpu_us)" -v cores="$(nproc)" 'BEGIN {
    bound = (a + b) / 2; left = bound * (1 - r * tool / 1e6 / cores)
    printf "crypto bound %.0f/s before, %.0f/s after; swaps %.0f/s = %.1f %% of it, %.1f %% of it less what the load tool used\n", b, a, r, 100 * r / bound, 100 * r / left }'
  half=$(awk -v r="$rate" 'BEGIN { printf "%.0f", r / 2 }')
  echo "at half that load ($half/s):"
  load --rate "$half" --runs 1 >"$root/build/mint-load-half.json"
  for kind in mint melt check restore; do
    echo "$kind:"
    load --kind "$kind" --requests 5000 >"$root/build/mint-load-$kind.json"
  done
  "$root/dev" down --dir "$dir"
fi

if wants mint-postgresql; then
  start_postgres
  MANASTR_SET_DATABASE=$postgres_url up
  before=$("$build/bench/crypto-bound" --json | number bound_swaps_per_s)
  load --server "$postgres_pid" >"$root/build/mint-load-postgresql.json"
  after=$("$build/bench/crypto-bound" --json | number bound_swaps_per_s)
  median=$(sed 's/.*"median"//' "$root/build/mint-load-postgresql.json")
  figure() { echo "$median" | number "$1"; }
  awk -v b="$before" -v a="$after" -v r="$(figure per_second)" -v mint="$(figure mint_cpu_us)" -v cores="$(nproc)" \
    -v server="$(figure server_cpu_us)" -v tool="$(figure client_cpu_us)" 'BEGIN { bound = (a + b) / 2
      left = bound * (1 - r * (tool + server) / 1e6 / cores)
      printf "PostgreSQL: crypto bound %.0f/s before, %.0f/s after; swaps %.0f/s = %.1f %% of it, %.1f %% of it less what server and load tool used\n", b, a, r, 100 * r / bound, 100 * r / left
      printf "CPU a swap: mint %.0f us, server %.0f us, load tool %.0f us\n", mint, server, tool }'
  rate=$(figure per_second)
  half=$(awk -v r="$rate" 'BEGIN { printf "%.0f", r / 2 }')
  echo "at half that load ($half/s):"
  load --rate "$half" --runs 1 >"$root/build/mint-load-postgresql-half.json"
  "$root/dev" down --dir "$dir"
  stop_postgres
fi

if wants duel; then
  for think in 5:15 0:0; do
    up
    echo "1000 duels, thinking $think s"
    "$build/bench/duel-load" --mint "$(field mint)" --engine "$(field engine_pubkey)" \
      $(sed 's/.*"relays": \[\([^]]*\)\].*/\1/; s/[",]/ /g; s/ws:/--relay ws:/g' "$root/build/bench.json") --duels 1000 --think "$think"
    "$root/dev" down --dir "$dir"
  done
fi
