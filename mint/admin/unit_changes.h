// The rules of changing units, pure: what a call makes of a unit, or why it may not. operations.cpp carries
// it out.
#pragma once
#include "mint/admin/requests.h"
#include "mint/keysets/keyset_plan.h"
#include "mint/ledger/administration.h"

namespace manastr::mint {

/// What does not change while the mint runs.
struct UnitRules {
  std::vector<CurrencyConfiguration> of_file;
  Seconds melt_quotes_live{600};
  int id_version = 2;                ///< of fresh keysets
  std::uint32_t denominations = 32;  ///< of fresh keysets
  Seconds overlap{0};                ///< how long their predecessors sign on
  Seconds lifetime{0};               ///< until the final expiry of those that have no other; 0: none
  std::optional<KeysetPlan> tokens;  ///< of blind tokens (NUT-22), if there is authentication
};

struct UnitChange {
  UnitRecord record;
  std::optional<PriceChange> price;
  /// A fresh keyset takes over, with this fee and expiry.
  struct Keys {
    std::uint64_t input_fee_ppk = 0;
    std::optional<UnixSeconds> final_expiry;
  };
  std::optional<Keys> keys;
};

/// Errors are sentences for the operator; where the file is the master, they name its key.
Result<UnitChange> change_unit(const AdminRequest& request, const std::vector<UnitRecord>& units,
                               const UnitRules& rules, UnixSeconds now);

}  // namespace manastr::mint
