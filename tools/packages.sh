# Sourced by ./dev: which Debian 12 packages each purpose needs, and installing what is missing.

packages_build="g++ cmake ninja-build ccache mold pkg-config ca-certificates nlohmann-json3-dev libboost1.74-dev
  libspdlog-dev libfmt-dev libsodium-dev libcurl4-openssl-dev libsqlite3-dev libssl-dev libtomlplusplus-dev
  libsecp256k1-dev libwebsockets-dev libcli11-dev libpq-dev"
packages_test="libgtest-dev librapidcheck-dev postgresql-15 pgbouncer"
packages_postgres="postgresql-15"
packages_sqlite="sqlite3"
packages_clang="clang-19 clang-tidy-19 libclang-rt-19-dev lld-19 wasi-libc libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
  libclang-rt-19-dev-wasm32"
packages_format="clang-format-19"

# ensure_packages PURPOSE...: returns when all of them are installed; says in one line what is missing otherwise.
ensure_packages() {
  local purpose name missing=
  for purpose in "$@"; do
    name=packages_$purpose
    for p in ${!name}; do
      case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true) in
        "install ok installed") ;;
        *) missing="$missing $p" ;;
      esac
    done
  done
  [ -n "$missing" ] || return 0
  local system=unknown
  [ -r /etc/os-release ] && system=$(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}")
  [ "$system" = debian-12 ] ||
    die "this is $system; the packages are Debian 12's. Run it there (or in a Debian 12 container), or install by hand:$missing"
  [ "$(id -u)" = 0 ] || die "packages are missing and you are not root; run: apt-get install --no-install-recommends$missing"
  say "installing $(echo "$missing" | wc -w) Debian packages"
  mkdir -p "$ROOT/build"
  local log=$ROOT/build/packages.log
  export DEBIAN_FRONTEND=noninteractive
  { [ -n "$(ls /var/lib/apt/lists/*_Packages* 2>/dev/null)" ] || apt-get update -qq; } >"$log" 2>&1 ||
    die "apt-get update failed: $(tail -n 1 "$log")"
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >>"$log" 2>&1 ||
    die "apt-get install failed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log") (whole log: $log)"
}
