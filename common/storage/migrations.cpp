#include "common/storage/migrations.h"

#include <string>

namespace manastr::storage {
namespace {

Result<std::int64_t> read_number(Database& database, std::string_view pragma) {
  TRY(Query query, database.query(pragma));
  TRY(const bool row, query.next());
  return row ? query.integer(0) : 0;
}

Result<bool> is_empty(Database& database) {
  TRY(Query query, database.query("SELECT 1 FROM sqlite_schema LIMIT 1"));
  TRY(const bool row, query.next());
  return !row;
}

}  // namespace

Status migrate(Database& database, std::int32_t application_id, std::span<const Migration> migrations) {
  const auto known = static_cast<std::int64_t>(migrations.size());
  TRY(Transaction transaction, Transaction::begin(database));
  TRY(const std::int64_t owner, read_number(database, "PRAGMA application_id"));
  TRY(const std::int64_t version, read_number(database, "PRAGMA user_version"));
  TRY(const bool empty, is_empty(database));
  const bool fresh = owner == 0 && version == 0 && empty;
  if (!fresh && owner != application_id) {
    return invalid(database.path() + " belongs to another program; choose another file or data folder");
  }
  if (version > known) {
    return invalid(database.path() + " was written by a newer version (schema " + std::to_string(version) +
                   ", this one knows " + std::to_string(known) + "); use that version");
  }
  // One transaction for all: a file is either at the old schema or at the new one.
  for (std::int64_t next = version; next < known; ++next) {
    const Migration& migration = migrations[static_cast<std::size_t>(next)];
    if (const Status applied = database.execute(migration.script); !applied) {
      Error error = applied.error();
      error.message = "migration " + std::to_string(next + 1) + " (" + std::string(migration.what) +
                      ") failed: " + error.message;
      return std::unexpected(std::move(error));
    }
  }
  if (!fresh && version == known) return {};
  TRY_STATUS(database.execute("PRAGMA user_version = " + std::to_string(known)));
  TRY_STATUS(database.execute("PRAGMA application_id = " + std::to_string(application_id)));
  return transaction.commit();
}

}  // namespace manastr::storage
