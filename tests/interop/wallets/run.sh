#!/usr/bin/env bash
# run.sh BUILD [NAME]: other people's wallets live a whole life each against a mint of ours, on SQLite and on PostgreSQL. Called by
# ./dev interop wallets [NAME]; NAME picks those whose name contains it (cashu-ts, nutshell, cdk-cli, import, sqlite, postgresql).
# The last line is `N passed, N failed[, N skipped]`. ../README.md tells what they do.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../../.." && pwd)
build=$(cd "$1" && pwd) only=${2:-}
work=$root/build/wallets
rm -rf "$work"; mkdir -p "$work"
. "$here/install.sh"
. "$here/../npm.sh"
. "$root/bench/postgres.sh"
npm=$peers_cache/interop/npm
passed=0 failed=0 skipped=0
trap stop_postgres EXIT
trap 'exit 130' INT TERM

say() { printf '%s\n' "$*" >&2; }

# wanted NAME: whether any of its runs is.
wanted() { case "$1-sqlite $1-postgresql" in *"$only"*) ;; *) return 1 ;; esac; }

# run_life NAME DATABASE-KIND DATABASE-URL
run_life() {
  local name=$1-$2 rc=0 ok bad started=$SECONDS
  case $name in *"$only"*) ;; *) return 0 ;; esac
  local log=$work/$name.log
  (cd "$npm/wallets" && MINT_PROGRAM=$build/manastr-mint MINT_FOLDER=$work/$name MINT_DATABASE=$3 NUTSHELL=$nutshell_bin CDK=$cdk_bin \
    timeout 600 "$npm/node_modules/.bin/node" --test --test-reporter=tap "$1.test.mjs") >"$log" 2>&1 || rc=$?
  ok=$(sed -n 's/^# pass //p' "$log"); bad=$(sed -n 's/^# fail //p' "$log")
  passed=$((passed + ${ok:-0})); failed=$((failed + ${bad:-0}))
  if [ "$rc" != 0 ] && [ "${bad:-0}" = 0 ]; then failed=$((failed + 1)); fi
  if [ "$rc" != 0 ]; then grep -E '^ *not ok|error:|expected:|actual:|Error' "$log" | head -n 30 >&2 || tail -n 10 "$log" >&2; fi
  say "$name: ${ok:-0} passed, ${bad:-0} failed, $((SECONDS - started)) s"
}

# life NAME [INSTALL...]: both databases, if INSTALL has what it takes.
life() {
  local name=$1 problem rc=0; shift
  wanted "$name" || return 0
  if [ $# -gt 0 ]; then problem=$("$@") || rc=$?; fi
  case $rc in
    0) ;;
    2) say "skipped $name: $problem"; skipped=$((skipped + 1)); return 0 ;;
    *) say "failed $name: $problem"; failed=$((failed + 1)); return 0 ;;
  esac
  run_life "$name" sqlite sqlite:mint.sqlite
  "$postgres_bin/createdb" -h "$postgres_folder" -U manastr "${name//-/_}"
  run_life "$name" postgresql "postgresql://manastr@/${name//-/_}?host=$postgres_folder"
}

command -v npm >/dev/null || { say "skipped: npm is not installed (apt-get install npm)"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
problem=$(npm_install "$npm" "$here/../package.json") || { say "$problem"; echo "0 passed, 1 failed"; exit 1; }
mkdir -p "$npm/wallets"; cp "$here"/../*.mjs "$npm/"; cp "$here"/*.mjs "$npm/wallets/"
start_postgres
life cashu-ts
life nutshell install_nutshell
life cdk-cli install_cdk cdk-cli
life import-nutshell install_nutshell
install_both() { install_nutshell && install_cdk cdk-mintd; }  # its wallet is nutshell's
life import-cdk install_both

line="$passed passed, $failed failed"
if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
echo "$line"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
