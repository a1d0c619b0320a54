// What every operation of the mint works with; made once by the api, outlives all requests.
#pragma once
#include "common/base/random.h"
#include "mint/authentication/authentication.h"
#include "mint/authorization/engines.h"
#include "mint/configuration/configuration.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/ledger.h"
#include "mint/pipeline/reply.h"
#include "mint/pipeline/reservations.h"
#include "mint/quotes/melt_payments.h"
#include "mint/quotes/melt_quotes.h"
#include "mint/quotes/mint_quotes.h"
#include "mint/quotes/workers.h"

namespace manastr::mint {

struct Parts {
  const Keysets* keysets = nullptr;  ///< now() once at the start of each operation
  Ledger* ledger = nullptr;
  MintQuotes* mint_quotes = nullptr;
  MeltPayments* melt_payments = nullptr;
  Engines* engines = nullptr;
  Authentication* authentication = nullptr;  ///< null: no endpoint is protected
  Reservations* reservations = nullptr;
  Workers* crypto =
      nullptr;  ///< every operation runs here; nothing in them waits for anything but the processor
  Workers* lightning = nullptr;  ///< what waits for a Lightning node
  const Clock* clock = nullptr;
  Random* random = nullptr;
  LimitsConfiguration limits;
  MeltQuoteRules melt_quote_rules;
  bool pays_parts = false;  ///< the Lightning node does (NUT-15)
  /// The ledger was restored then, and its operator has not said yet that the backup was complete: nothing
  /// of before is continued (docs/operating.md).
  std::optional<UnixSeconds> held_before;
};

/// `unavailable` for what was made at `created_at` and is held.
Status check_held(const Parts& parts, UnixSeconds created_at);
/// Why what a restored ledger holds is not taken.
std::unexpected<Error> held();

}  // namespace manastr::mint
