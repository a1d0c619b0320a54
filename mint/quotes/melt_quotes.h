// Melt quotes (NUT-05, NUT-23): what paying an invoice costs in a unit. Called by the pipeline.
#pragma once
#include <string>

#include "common/base/random.h"
#include "mint/keysets/keyset_ring.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

struct MeltQuoteRequest {
  std::string request;  ///< BOLT11
  cashu::Unit unit;
  std::optional<Msat> amount_msat;  ///< options.amountless
  std::optional<Msat> part_msat;    ///< options.mpp (NUT-15)
};

/// 11013 unknown unit, 11006 outside the unit's limits, 11011 amountless without an amount, or a part of
/// one, 11012 another amount than the invoice's, or a part above it, 20007 expired invoice; no code: the unit
/// can't be melted, no invoice. No I/O.
Result<MeltQuote> make_melt_quote(const MeltQuoteRequest& request, const KeysetRing& ring, Seconds expiry,
                                  UnixMillis now, Random& random);

}  // namespace manastr::mint
