# Sourced by run.sh and bench/compare: other people's mints and wallets, from their registries, into the user's cache folder, once.
# Each install_… prints one line of why it can't and returns 1 (failed), or 2 (a tool that it needs is not installed).

peers_cache=${XDG_CACHE_HOME:-$HOME/.cache}/manastr
nutshell_version=0.21.0 nutshell_bin=$peers_cache/nutshell/venv/bin
cdk_version=0.18.3 cdk_bin=$peers_cache/cdk/bin

# nutshell (PyPI): its wallet `cashu` and its mint `mint`. Its own list of requirements asks for a breez-sdk-spark that is gone, and leaves open
# versions of others with which it doesn't start.
install_nutshell() {
  local dir=$peers_cache/nutshell log=$peers_cache/nutshell/install.log
  if [ "$(cat "$dir/version" 2>/dev/null)" = "$nutshell_version" ]; then return 0; fi
  command -v python3 >/dev/null || { echo "python3 is not installed (apt-get install python3-venv)"; return 2; }
  echo "installing nutshell $nutshell_version (half a minute)" >&2
  rm -rf "$dir"; mkdir -p "$dir"
  python3 -m venv "$dir/venv" >"$log" 2>&1 || { echo "pip is not installed (apt-get install python3-venv)"; return 2; }
  local pip="$dir/venv/bin/pip --quiet --disable-pip-version-check"
  {
    $pip download --no-deps "cashu==$nutshell_version" -d "$dir/wheel" &&
      python3 -c 'import glob, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + "/*.whl")[0])
metadata = wheel.read(next(n for n in wheel.namelist() if n.endswith("METADATA"))).decode()
for line in metadata.splitlines():
    if line.startswith("Requires-Dist: ") and "extra ==" not in line:
        wanted = line[15:].split(";")[0].replace("(", "").replace(")", "").replace(" ", "")
        if not wanted.startswith(("breez", "SQLAlchemy", "click")): print(wanted)' "$dir/wheel" >"$dir/requirements.txt" &&
      printf '%s\n' 'limits<5' 'marshmallow<4' 'SQLAlchemy[asyncio]==2.0.37' 'click<8.2' >>"$dir/requirements.txt" &&
      $pip install -r "$dir/requirements.txt" &&
      $pip install --no-deps "cashu==$nutshell_version" breez-sdk-spark==0.18.0
  } >>"$log" 2>&1 || { echo "pip could not install nutshell: $(grep -m 1 ERROR "$log" || tail -n 1 "$log")"; return 1; }
  echo "$nutshell_version" >"$dir/version"
}

# install_cdk PROGRAM: cdk-cli or cdk-mintd (crates.io). The first of them compiles for a quarter of an hour on two cores.
install_cdk() {
  local dir=$peers_cache/cdk program=$1 log=$peers_cache/cdk/$1.log features=
  if [ -x "$cdk_bin/$program" ] && "$cdk_bin/$program" --version 2>/dev/null | grep -qF "$cdk_version"; then return 0; fi
  command -v cargo >/dev/null || { echo "cargo is not installed (https://rustup.rs)"; return 2; }
  if [ "$program" = cdk-mintd ] && ! command -v protoc >/dev/null; then
    echo "protoc is not installed (apt-get install protobuf-compiler)"; return 2
  fi
  echo "compiling $program $cdk_version (12 to 20 minutes; $log tells how far it is)" >&2
  if [ "$program" = cdk-mintd ]; then features="--no-default-features --features fakewallet,sqlite,postgres"; fi
  mkdir -p "$dir"
  # shellcheck disable=SC2086
  CARGO_TARGET_DIR=$dir/target nice cargo install "$program" --version "$cdk_version" --locked --root "$dir" $features >"$log" 2>&1 ||
    { echo "cargo could not install $program: $(grep -m 1 '^error' "$log" || tail -n 1 "$log")"; return 1; }
}
