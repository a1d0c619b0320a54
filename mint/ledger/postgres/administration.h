// The rows behind operators' calls in PostgreSQL: units, prices with their promises, the log.
#pragma once
#include "common/postgres/pool.h"
#include "mint/ledger/accounts.h"
#include "mint/ledger/administration.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

Result<std::vector<UnitRecord>> read_units(postgres::Connection& connection);
Result<std::vector<AuditLine>> read_audit(postgres::Connection& connection, std::uint64_t before,
                                          std::size_t limit);

/// In a transaction: from now on until its end nobody else changes prices, units or the log.
postgres::Outcome<void> lock_administration(postgres::Connection& connection);
/// One price changed, in the table and in `catalog`, or an error that says why it can't be. Waits until no
/// batch that depends on prices is under way.
Status change_price(postgres::Connection& connection, const std::string& replica, Catalog& catalog,
                    const PriceChange& change, UnixSeconds now);

class PostgresAdminRows final : public AdminRows {
 public:
  /// Within a transaction that holds lock_administration(). `catalog` is changed with the rows.
  PostgresAdminRows(postgres::Connection& connection, std::string replica, Catalog& catalog)
      : connection_(&connection), replica_(std::move(replica)), catalog_(&catalog) {}

  Result<bool> use_event(const Hash32& event, UnixSeconds now, UnixSeconds until) override;
  Result<std::optional<Answered>> answered(const Hash32& key) override;
  Result<AdminView> view() override;
  Status apply(const AdminEffect& effect, UnixSeconds now) override;
  Status append(const AdminCall& call, const AdminOutcome& outcome, const std::string* answer) override;

 private:
  postgres::Connection* connection_;
  const std::string replica_;
  Catalog* catalog_;
};

}  // namespace manastr::mint
