#!/usr/bin/env bash
# demo.sh BUILD DIR [--keep]: two players, two processes with folders of their own, play a duel on a running set; then the winner's
# loot pays an invoice. Called by ./dev demo.
set -euo pipefail
build=$1 dir=$2 keep=${3:-}
root=$(cd "$(dirname "$0")/.." && pwd)
export MANASTR_PASSPHRASE=demo
player() { local who=$1; shift; "$build/manastr-player" --home "$dir/$who" "$@"; }
field() { grep -o "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }
say() { printf '%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }
# balances WHO: "  400 mana   195 loot"
balances() {
  player "$1" --json balance | sed -n 's/.*"unit":"\([a-z]*\)","available":\([0-9]*\).*/\1 \2/p' |
    awk '{ have[$1] = $2 } END { printf "%5d mana %5d loot", have["mana"], have["loot"] }'
}
cleanup() { local rc=$?; kill $(jobs -p) 2>/dev/null || true; [ -n "$keep" ] && [ "$rc" = 0 ] || "$root/dev" down --dir "$dir"; }

"$root/dev" down --dir "$dir"
rm -rf "$dir"; mkdir -p "$dir"
trap cleanup EXIT
start=$(date +%s%N)
say "starting three relays, the mint and the engine (logs in build/demo)"
"$root/dev" up --dir "$dir" --json >"$dir/up.json"
mint=$(field mint <"$dir/up.json"); engine=$(field engine_pubkey <"$dir/up.json")
relays=$(sed 's/.*"relays": \[\([^]]*\)\].*/\1/; s/[",]/ /g' "$dir/up.json")

for who in alice bob; do
  player $who init --mint "$mint" --engine "$engine" $(printf -- '--relay %s ' $relays) >"$dir/$who.words"
  player $who mint 500 --unit mana >"$dir/$who.mint"
  say "$who has bought 500 mana for 100 sat over Lightning"
done
before_alice=$(balances alice) before_bob=$(balances bob)

player alice --json challenge --stake 100 >"$dir/alice.play" 2>"$dir/alice.errors" &
alice=$!
for ((i = 0; i < 200; i++)); do
  grep -q '"what":"challenge","sequence"' "$dir/alice.play" 2>/dev/null && break
  kill -0 $alice 2>/dev/null || die "alice's challenge failed: $(tail -n 1 "$dir/alice.errors")"
  sleep 0.05
done
match=$(sed -n 's/.*"match":"\([0-9a-f]\{64\}\)".*/\1/p' "$dir/alice.play" | head -n 1)
[ -n "$match" ] || die "the engine did not receipt the challenge; see $dir/engine.log"
say "alice challenges for 100 mana: match ${match:0:12}…"
: >"$dir/bob.play"
player bob accept "$match" --yes >"$dir/bob.play" 2>"$dir/bob.errors" &
bob=$!
tail -n +1 -f --pid=$bob "$dir/bob.play" 2>/dev/null | sed -u -e '/^ *\(commitment\|reveal\|funding\|seed\|settled\)$/d' -e 's/^ */  bob sees: /' &
wait $bob || die "bob's match failed: $(tail -n 1 "$dir/bob.errors")"
wait $alice || die "alice's match failed: $(tail -n 1 "$dir/alice.errors")"
sleep 0.1

winner=alice loser=bob
if grep -q 'finished: won' "$dir/bob.play"; then winner=bob loser=alice; fi
player alice transcript "$match" --out "$dir/transcript.json" >/dev/null
verdict=$(player alice verify "$dir/transcript.json")
after_alice=$(balances alice) after_bob=$(balances bob)
loot=$(echo "$([ $winner = alice ] && echo "$after_alice" || echo "$after_bob")" | awk '{print $3}')
paid="nothing to melt after a draw"
if [ "${loot:-0}" -gt 0 ]; then
  sats=$((loot * 200 / 1000))
  invoice=$(player $winner --json invoice "$sats" | field invoice)
  paid=$(player $winner melt "$invoice" --unit loot)
fi
seconds=$((($(date +%s%N) - start) / 1000000))
say ""
say "result   $(if [ "${loot:-0}" -gt 0 ]; then echo "$winner won"; else echo "a draw"; fi)"
sed -n 's/^ *\(round [0-9].*\)/         \1 (as bob sees it)/p' "$dir/bob.play"
say "verdict  recomputed from the transcript alone: $verdict"
say "before   alice $before_alice    bob $before_bob"
say "after    alice $after_alice    bob $after_bob"
say "fee      $(if [ "${loot:-0}" -gt 0 ]; then echo "$((200 - loot)) loot of the loser's stake are the engine's rake (5 %)"; else echo "no rake on a draw"; fi); mint fees 0"
say "melt     $paid"
say "then     alice $(balances alice)    bob $(balances bob)"
say "files    transcript in build/demo/transcript.json, logs in build/demo/*.log"
say "took     $((seconds / 1000)).$((seconds / 100 % 10)) s"
if [ -n "$keep" ]; then
  say ""
  say "still running. By hand, each in a terminal of its own:"
  say "  export MANASTR_PASSPHRASE=demo"
  say "  $build/manastr-player --home $dir/alice challenge --stake 50 --ask"
  say "  $build/manastr-player --home $dir/bob challenges"
  say "  $build/manastr-player --home $dir/bob accept MATCH --ask"
  say "  ./dev down --dir $dir"
fi
