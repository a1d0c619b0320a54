// What the ledger already knows of a request's proofs and outputs: nothing (the usual case, answered from
// memory), that this very request was done before, or that it can't be done any more.
#pragma once
#include <optional>
#include <vector>

#include "mint/ledger/ledger.h"
#include "mint/pipeline/funds.h"

namespace manastr::mint {

struct Known {
  /// Set: `operation` was done; the signatures it was answered with, in the order of the outputs.
  std::optional<std::vector<StoredSignature>> done;
};
/// 11001 or 11002 for an input, 11003 or 11004 for an output. `ys` may be empty (no inputs). `surely`:
/// outputs are looked for in the ledger whatever the memory says, where no write would find what another mint
/// on the same database has signed.
Result<Known> look_up(Ledger& ledger, const Hash32& operation, std::span<const PointBytes> ys,
                      const Outputs& outputs, bool surely = false);

}  // namespace manastr::mint
