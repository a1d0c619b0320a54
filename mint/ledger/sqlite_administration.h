// The rows behind operators' calls in SQLite: units, prices with their promises, the log. The ledger's
// committing thread calls it within a transaction of its own; the reads also from a reader's connection.
#pragma once
#include "common/storage/database.h"
#include "mint/ledger/administration.h"
#include "mint/ledger/books.h"

namespace manastr::mint {

Result<std::vector<UnitRecord>> read_units(storage::Database& database);
Result<std::vector<AuditLine>> read_audit(storage::Database& database, std::uint64_t before,
                                          std::size_t limit);
Result<std::vector<UnitPrice>> read_prices(storage::Database& database);
/// One price changed, in the table and in the books, or an error that says why it can't be.
Status change_price(storage::Database& database, Books& books, const PriceChange& change, UnixSeconds now);
/// What the books have to know of the units.
void set_caps(Books& books, const std::vector<UnitRecord>& units);

class SqliteAdminRows final : public AdminRows {
 public:
  /// `books` are changed with the rows: a copy, for the caller to take over after the commit.
  SqliteAdminRows(storage::Database& database, Books& books) : database_(&database), books_(&books) {}

  Result<bool> use_event(const Hash32& event, UnixSeconds now, UnixSeconds until) override;
  Result<std::optional<Answered>> answered(const Hash32& key) override;
  Result<AdminView> view() override;
  Status apply(const AdminEffect& effect, UnixSeconds now) override;
  Status append(const AdminCall& call, const AdminOutcome& outcome, const std::string* answer) override;

 private:
  storage::Database* database_;
  Books* books_;
};

}  // namespace manastr::mint
