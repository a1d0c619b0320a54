// What the ledger remembers of a unit: of one that an operator made, everything; of one of mint.toml, what
// has been set beside the file (cap, retirement). Each unit has one master for its name, price, limits, fee
// and issuers: the file or the ledger, never both. Written by mint/admin, read wherever the units are put
// together.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mint/configuration/configuration.h"

namespace manastr::mint {

struct UnitRecord {
  cashu::Unit unit;
  /// Of a unit that an operator made; absent: mint.toml has them.
  std::optional<CurrencyConfiguration> terms;
  std::optional<cashu::Amount> cap;  ///< most that may be in circulation
  std::optional<UnixSeconds>
      final_expiry;  ///< of its newest keyset; after that nothing of it is worth anything
  std::optional<UnixSeconds> retired_at;  ///< since then no quotes to mint it, and no engine issues it
  bool operator==(const UnitRecord&) const = default;
};

/// All units in force: those of the file, in its order, then those of the ledger, each with its cap and
/// expiry; a retired one has no issuers left. A unit that both define is an error in one line that says what
/// to do.
Result<std::vector<CurrencyConfiguration>> units_in_force(std::vector<CurrencyConfiguration> of_file,
                                                          const std::vector<UnitRecord>& records);

/// UnitRecord::terms as one line of JSON, for a column.
std::string terms_to_text(const CurrencyConfiguration& terms);
Result<CurrencyConfiguration> terms_from_text(std::string_view unit, std::string_view text);

}  // namespace manastr::mint
