#!/usr/bin/env bash
# wasm.sh OUT: compiles the rules and the protocol core for a browser, so that they never stop building there.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1; mkdir -p "$out"
for source in common/game/*.cpp common/match/*.cpp; do
  clang++-19 --target=wasm32-wasi -std=c++23 -O1 -mbulk-memory -fno-exceptions -fno-rtti -Wall -Wextra -Wno-missing-field-initializers -Werror -I. \
    -c "$source" -o "$out/$(echo "$source" | tr / -).o"
done
echo "wasm: $(find "$out" -name '*.o' | wc -l) units compile" >&2
