# Sourced by run.sh and wallets/run.sh, which set `work` (a folder for logs) and `say`.

# ready STAMP KEY: whether an earlier run has installed what KEY (a file) asks for.
ready() { [ -f "$1" ] && cmp -s "$1" "$2"; }

# npm_install DIR PACKAGE.JSON: prints why it can't.
npm_install() {
  mkdir -p "$1"
  if ready "$1/installed.json" "$2"; then return 0; fi
  say "installing $(grep -c '": "[0-9=]' "$2") npm packages"
  cp "$2" "$1/package.json"
  if (cd "$1" && npm install --no-audit --no-fund --loglevel=error) >"$work/npm.log" 2>&1; then
    cp "$2" "$1/installed.json"
  else
    echo "npm install failed: $(grep -m 1 'npm error' "$work/npm.log" || tail -n 1 "$work/npm.log")"
    return 1
  fi
}
