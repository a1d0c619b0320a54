#include "mint/backup/snapshot.h"

namespace manastr::mint {
namespace {

using postgres::Statement;

constexpr Statement kExport{
    "export_snapshot", "SELECT pg_export_snapshot(), current_setting('server_version_num')::int8 / 10000"};

}  // namespace

Result<Snapshot> Snapshot::take(const postgres::Address& address) {
  Snapshot out;
  TRY(out.connection, postgres::Connection::open(address));
  // It waits for pg_dump, which may take its time.
  TRY_STATUS(
      out.connection->execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; "
                              "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  TRY(const postgres::Rows row, out.connection->ask(kExport));
  out.name = row.text(0, 0);
  out.server_major = static_cast<int>(row.integer(0, 1));
  return out;
}

}  // namespace manastr::mint
