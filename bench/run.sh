#!/usr/bin/env bash
# run.sh BUILD [crypto|mint|duel]: the load generators against a set of their own. Called by ./dev bench. bench/README.md explains the figures.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/.." && pwd)
build=$1 only=${2:-}
dir=$root/build/bench
trap '"$root/dev" down --dir "$dir" >/dev/null 2>&1 || true' EXIT
wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }
number() { sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" | head -n 1; }
up() { "$root/dev" up --dir "$dir" --json >"$root/build/bench.json"; }
field() { grep -o "\"$1\": *\"[^\"]*\"" "$root/build/bench.json" | head -n 1 | cut -d "\"" -f 4; }

if wants crypto; then "$build/bench/crypto-bound"; fi

if wants mint; then
  up
  load() { "$build/bench/mint-load" --mint "$(field mint)" --pid "$(number mint <"$root/build/bench.json")" --json "$@"; }
  before=$("$build/bench/crypto-bound" --json | number bound_swaps_per_s)
  load >"$root/build/mint-load.json"
  after=$("$build/bench/crypto-bound" --json | number bound_swaps_per_s)
  rate=$(number per_second <"$root/build/mint-load.json")
  awk -v b="$before" -v a="$after" -v r="$rate" \
    'BEGIN { bound = (a + b) / 2; printf "crypto bound %.0f/s before, %.0f/s after; swaps %.0f/s = %.1f %% of it\n", b, a, r, 100 * r / bound }'
  half=$(awk -v r="$rate" 'BEGIN { printf "%.0f", r / 2 }')
  echo "at half that load ($half/s):"
  load --rate "$half" --runs 1 >"$root/build/mint-load-half.json"
  for kind in mint melt check restore; do
    echo "$kind:"
    load --kind "$kind" --requests 5000 >"$root/build/mint-load-$kind.json"
  done
  "$root/dev" down --dir "$dir"
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
