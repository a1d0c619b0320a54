// The ring that an operation works with.
#pragma once
#include <span>

#include "mint/pipeline/parts.h"

namespace manastr::mint {

/// read(ring) with the ring in force; if that lacks a keyset, once more with what the ledger has by then, for
/// another mint on it may have made the keyset just now. `ring` is the one that `read` had last.
template <class Read>
auto with_ring(const Parts& parts, const KeysetRing*& ring, Read read) -> decltype(read(*ring)) {
  ring = parts.keysets->now();
  auto out = read(*ring);
  if (out || out.error().code != cashu::kKeysetUnknown) return out;
  const Result<const KeysetRing*> newer = parts.keysets->look();
  if (!newer) return std::unexpected(newer.error());
  if (*newer == ring) return out;
  ring = *newer;
  return read(*ring);
}

}  // namespace manastr::mint
