// What is in a mint's ledger, counted row by row by another program than the mint, and what the fake node's
// book says.
#pragma once
#include <map>
#include <string>

#include "tests/integration/mint_house.h"

namespace manastr::crash {

struct LedgerCount {
  std::map<std::string, std::int64_t> outstanding;  ///< by unit: signed less spent
  std::int64_t pending_melts = 0;
  std::int64_t orphans = 0;         ///< proofs locked and outputs reserved by no melt that is under way
  std::int64_t overissued = 0;      ///< quotes of which more was issued than paid
  std::int64_t unclaimed_msat = 0;  ///< paid for and not issued, at the prices
  std::int64_t credit_msat = 0;     ///< of matches
  std::int64_t received_msat = 0;
  std::int64_t paid_out_msat = 0;
  std::int64_t unknown_invoices_msat = 0;  ///< paid at the node, of quotes that the ledger never had
  std::int64_t unheard_invoices = 0;  ///< paid at the node, and the ledger has the quote but not the payment
};
/// While the mint is quiet. Throws if it can't be read.
LedgerCount count_ledger(const test::MintHouse& mint);

/// Whether the fake node has a payment of this invoice in its book, however that stands.
bool node_knows_payment(const test::MintHouse& mint, const Hash32& payment_hash);

/// The sum of a metric's samples; throws if there is none.
double metric(test::MintHouse& mint, const std::string& name);

}  // namespace manastr::crash
