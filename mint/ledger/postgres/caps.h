// The most that may be in circulation of a unit, exact with any number of mints: a batch that issues locks
// the rows of the caps of its units, and adds up what is out there while it has them. Units without a cap
// have no such row, and what never adds to the circulation (swaps, melts) looks at none.
#pragma once
#include <map>
#include <span>

#include "common/postgres/connection.h"
#include "mint/ledger/accounts.h"
#include "mint/ledger/writes.h"

namespace manastr::mint {

class Caps {
 public:
  /// Adds the units that this write brings into circulation: what is minted, issued against a match's credit,
  /// or paid out in another unit than the stakes'.
  static void add_units_of(const Write& write, const Catalog& catalog, std::vector<std::string_view>& units);

  /// Queues the statement that locks the rows of these units; false if there is nothing to lock. Its answer
  /// goes to read().
  static bool queue_lock(postgres::Connection& connection, std::span<const std::string_view> units);
  /// Asks for the sums if any of them has a cap. In the transaction that holds the locks.
  postgres::Outcome<void> read(postgres::Connection& connection, const postgres::Rows& locked,
                               const std::string& replica, const Catalog& catalog);
  /// 11006 if a write that adds this, after those that were taken before it, would go above; else it is
  /// taken.
  Status take(const Tally& tally, const Catalog& catalog);

 private:
  struct Cap {
    cashu::Amount most = 0;
    Wide outstanding = 0;
  };
  std::map<std::string, Cap, std::less<>> caps_;
};

}  // namespace manastr::mint
