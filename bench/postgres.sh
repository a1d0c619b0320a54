# Sourced by run.sh: a PostgreSQL cluster of a benchmark's own, with Debian's defaults but for its memory: all durability on,
# a Unix socket in its folder, gone with stop_postgres. MANASTR_BENCH_POSTGRES: more of the server's arguments.

postgres_bin=/usr/lib/postgresql/15/bin

# start_postgres: sets postgres_folder, postgres_url and postgres_pid.
start_postgres() {
  postgres_folder=$(mktemp -d "${TMPDIR:-/tmp}/manastr-bench-pg-XXXXXX")
  local as=
  if [ "$(id -u)" = 0 ]; then  # the server refuses to run as root
    chown postgres: "$postgres_folder"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups"
  fi
  (cd / && $as "$postgres_bin/initdb" -D "$postgres_folder/data" -U manastr -A trust --encoding=UTF8 --locale=C >/dev/null)
  (cd / && exec setsid $as "$postgres_bin/postgres" -D "$postgres_folder/data" -c listen_addresses= \
    -c unix_socket_directories="$postgres_folder" -c shared_buffers="${MANASTR_BENCH_BUFFERS:-256MB}" \
    -c max_wal_size=4GB ${MANASTR_BENCH_POSTGRES:-} >"$postgres_folder/log" 2>&1 </dev/null) &
  local i
  for ((i = 0; i < 1200; i++)); do
    "$postgres_bin/pg_isready" -q -h "$postgres_folder" && break
    sleep 0.05
  done
  "$postgres_bin/createdb" -h "$postgres_folder" -U manastr manastr
  postgres_pid=$(head -n 1 "$postgres_folder/data/postmaster.pid")
  postgres_url="postgresql://manastr@/manastr?host=$postgres_folder"
}

stop_postgres() {
  [ -n "${postgres_folder:-}" ] || return 0
  local pid; pid=$(head -n 1 "$postgres_folder/data/postmaster.pid" 2>/dev/null || true)
  if [ -n "$pid" ]; then
    kill -INT "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  fi
  rm -rf "$postgres_folder"; postgres_folder=
}
