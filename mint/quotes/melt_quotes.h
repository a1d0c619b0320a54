// Melt quotes (NUT-05, NUT-23, NUT-25): what paying an invoice or an offer costs in a unit. Called by the
// pipeline.
#pragma once
#include <string>

#include "common/base/random.h"
#include "lightning/bolt11.h"
#include "mint/keysets/keyset_ring.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

struct MeltQuoteRequest {
  Method method = Method::bolt11;
  std::string request;  ///< BOLT11 or BOLT12
  cashu::Unit unit;
  std::optional<Msat> amount_msat;  ///< options.amountless
  std::optional<Msat> part_msat;    ///< options.mpp (NUT-15), of an invoice alone
};

struct MeltQuoteRules {
  Seconds expiry{600};
  lightning::Network network = lightning::Network::regtest;  ///< the node's: offers say where they are paid
  bool offers = false;                                       ///< whether the node pays them (NUT-25)
};

/// 11013 unknown unit, one that can't be melted, or an offer in another currency, 11006 outside the unit's
/// limits, 11011 amountless without an amount, or a part of one, 11012 another amount than the invoice's, or
/// a part above it, 20007 expired; no code: no invoice, no offer, or one that the node does not pay. No I/O.
Result<MeltQuote> make_melt_quote(const MeltQuoteRequest& request, const KeysetRing& ring,
                                  const MeltQuoteRules& rules, UnixMillis now, Random& random);

}  // namespace manastr::mint
