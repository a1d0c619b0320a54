// `manastr-mint resolve-melt`: a melt that was pending when its mint was imported is ended by the operator,
// who alone can find out at the Lightning node what became of it.
#pragma once
#include <optional>
#include <string>

#include "mint/configuration/configuration.h"

namespace manastr::mint {

struct MeltEnd {
  std::string quote;
  bool paid = false;  ///< else failed: its inputs are free again
  /// What it cost, fee included. Without: all that was held for it.
  std::optional<std::uint64_t> paid_msat;
  std::optional<Hash32> preimage;
};

/// Refuses a melt that this mint has begun itself: it finds out by itself. With SQLite the mint must be
/// stopped.
Status resolve_melt(const Configuration& configuration, const std::string& directory, const MeltEnd& end);

}  // namespace manastr::mint
