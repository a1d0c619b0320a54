#include "mint/backup/backup.h"

#include <unistd.h>

#include <filesystem>

#include "common/postgres/client_program.h"
#include "common/storage/durable_file.h"
#include "common/storage/live_copy.h"
#include "mint/backup/snapshot.h"
#include "mint/ledger/postgres/schema.h"

namespace manastr::mint {
namespace {

/// Into `part`.
Result<Inventory> copy_sqlite(const std::string& ledger, const std::string& part) {
  std::error_code error;
  if (!std::filesystem::exists(ledger, error)) return invalid("there is no ledger " + ledger + " to back up");
  TRY_STATUS(storage::copy_live(ledger, part));
  // Of the copy, since the ledger has gone on.
  TRY(storage::Database copy, storage::Database::open(part, {.create = false, .read_only = true}));
  return inventory_of(copy);
}

Result<Inventory> dump_postgres(const Configuration& configuration, const std::string& part) {
  TRY(const postgres::Address address,
      postgres::Address::parse(crypto::SecretText(configuration.database.secret_text()),
                               "manastr-mint backup"));
  TRY(const Snapshot snapshot, Snapshot::take(address));
  TRY_STATUS(check_restored(*snapshot.connection));
  TRY(Inventory inventory, inventory_of(*snapshot.connection));
  const std::vector<std::string> arguments{"--format=custom",
                                           "--compress=1",
                                           "--schema=mint",
                                           "--no-owner",
                                           "--no-privileges",
                                           "--no-password",
                                           "--snapshot=" + snapshot.name,
                                           "--file=" + part};
  TRY_STATUS(storage::make_file(part));
  TRY_STATUS(postgres::run_client_program(address, snapshot.server_major, "pg_dump", arguments));
  TRY_STATUS(storage::sync_file(part));
  return inventory;
}

/// Whoever goes first makes the other wait for it: a name without its manifest is no backup.
Status publish(const std::string& part, const std::string& to, const Manifest& manifest) {
  TRY_STATUS(storage::write_file(manifest_path(to), to_json(manifest).dump() + "\n"));
  Status named = storage::name_file(part, to);
  if (!named) storage::remove_file(manifest_path(to));
  return named;
}

}  // namespace

Result<Manifest> back_up(const Configuration& configuration, const std::string& directory,
                         const std::string& to, const Clock& clock) {
  std::error_code error;
  for (const std::string& name : {to, manifest_path(to)}) {
    if (std::filesystem::exists(name, error))
      return invalid(name + " is there already, and nothing is written over");
  }
  const std::string part = to + ".part";
  storage::remove_file(part);
  Manifest out;
  out.postgresql = configuration.database.is_postgresql();
  const auto work = [&]() -> Status {
    TRY(out.inventory, out.postgresql ? dump_postgres(configuration, part)
                                      : copy_sqlite(configuration.sqlite_file(directory), part));
    out.taken_at = clock.now_seconds();
    TRY(const FileDigest digest, digest_of(part));
    out.bytes = digest.bytes;
    out.sha256 = digest.sha256;
    return publish(part, to, out);
  };
  const Status done = work();
  for (const char* left : {"", "-wal", "-shm"}) storage::remove_file(part + left);
  if (!done) return std::unexpected(done.error());
  return out;
}

}  // namespace manastr::mint
