# Sourced by ./dev: configuring, building quietly, running the tests.

# configure DIR [cmake options...]
configure() {
  local dir=$1; shift
  mkdir -p "$dir"
  cmake -S "$ROOT" -B "$dir" -G Ninja "$@" >"$dir/configure.log" 2>&1 ||
    die "cmake failed: $(grep -m 1 -A 2 'CMake Error' "$dir/configure.log" | tr '\n' ' ') (whole log: $dir/configure.log)"
}

# ninja_quietly DIR TARGET...: nothing if it is quick; one line every 20 s while it builds; the first error when it fails.
ninja_quietly() {
  local dir=$1 log=$1/build.log ticks=0 pid; shift
  NINJA_STATUS='[%f/%t] ' ninja -C "$dir" -j "$JOBS" "$@" >"$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.1
    ticks=$((ticks + 1))
    if [ "$ticks" = 30 ]; then say "building on $JOBS cores (some minutes if nothing is built yet)"; fi
    if [ $((ticks % 200)) = 0 ]; then say "  $(grep -a '^\[' "$log" | tail -n 1 | cut -c1-100)"; fi
  done
  wait "$pid" || build_failed "$log"
}

build_failed() {
  grep -aE -m 5 'error|undefined reference|No space' "$1" >&2 || tail -n 5 "$1" >&2
  die "the build failed (whole log: $1)"
}

# shellcheck disable=SC2086
build_programs() { configure "$BUILD"; ninja_quietly "$BUILD" $PROGRAMS; }
build_tests() { local dir=$1; shift; configure "$dir" "$@"; ninja_quietly "$dir" all; }

# run_tests DIR [NAME]: all tests in parallel; the last line is `N passed, N failed[, N skipped]`.
run_tests() {
  local dir=$1 name=${2:-} log=$1/test.log rc=0
  say "running the tests"
  ctest --test-dir "$dir" -j "$JOBS" --output-on-failure ${name:+-R "$name"} >"$log" 2>&1 || rc=$?
  local failed skipped total passed
  sed -i '/Not Run (Disabled)/d' "$log"  # children that a test starts by itself
  total=$(grep -acE '^ *[0-9]+/[0-9]+ Test +#[0-9]+:' "$log" || true)
  skipped=$(grep -acE 'Test +#[0-9]+:.*\*\*\*(Skipped|Not Run)' "$log" || true)
  passed=$(grep -acE 'Test +#[0-9]+:.* Passed' "$log" || true)
  failed=$((total - passed - skipped))
  if [ "$failed" -gt 0 ]; then
    grep -aE 'Failure$|^/.*: Failure|\*\*\*(Failed|Timeout|Exception)' "$log" | head -n 40 >&2 || true
    say "whole log: $log"
  fi
  if [ "$total" -eq 0 ]; then say "no test ran: $(tail -n 1 "$log")"; failed=1 rc=1; fi
  if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  local line="$passed passed, $failed failed"
  if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
  echo "$line"
  [ "$failed" -eq 0 ]
}

# The ten slowest translation units of the last build, in seconds.
slowest_units() {
  awk -F'\t' 'NR>1 && $4 ~ /\.o$/ {t[$4]=($2-$1)/1000} END {for (o in t) printf "%6.1f s  %s\n", t[o], o}' "$BUILD/.ninja_log" |
    sort -rn | head -n 10
}
