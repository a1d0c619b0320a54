#include "mint/ledger/sqlite_origins.h"

namespace manastr::mint {

using storage::Database;
using storage::Query;
using storage::Transaction;

Result<std::vector<Origin>> read_origins(Database& database) {
  TRY(Query row, database.query("SELECT kind, at, detail, settled_at FROM origins ORDER BY number"));
  std::vector<Origin> out;
  for (;;) {
    TRY(const bool found, row.next());
    if (!found) return out;
    out.push_back({kind_of_origin(row.text(0)), unix_seconds(row.integer(1)), std::string(row.text(2)),
                   !row.is_null(3)});
  }
}

Status add_origin(Database& database, const Origin& origin) {
  TRY(Transaction transaction, Transaction::begin(database));
  TRY_STATUS(database.run("INSERT INTO origins(kind, at, detail) VALUES(?, ?, ?)", name_of(origin.kind),
                          count(origin.at), origin.detail));
  if (origin.kind == Origin::Kind::restored) TRY_STATUS(database.run("UPDATE keysets SET held = 1"));
  return transaction.commit();
}

Status settle_origins(Database& database, UnixSeconds now) {
  TRY(Transaction transaction, Transaction::begin(database));
  TRY_STATUS(database.run("UPDATE origins SET settled_at = ? WHERE settled_at IS NULL", count(now)));
  TRY_STATUS(database.run("UPDATE keysets SET held = 0"));
  return transaction.commit();
}

}  // namespace manastr::mint
