// Mint quotes (NUT-04, NUT-23): invoices out, payments in. Called by the pipeline; hears of payments from the
// node.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/base/random.h"
#include "lightning/lightning.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

struct MintQuoteRequest {
  cashu::Unit unit;
  cashu::Amount amount = 0;
  std::string description;
  std::optional<crypto::PublicKey> pubkey;  ///< NUT-20
};

class MintQuotes {
 public:
  /// All must outlive this.
  MintQuotes(const Keysets& keysets, Ledger& ledger, lightning::Node& node, Seconds expiry,
             const Clock& clock, Random& random);
  ~MintQuotes();
  MintQuotes(const MintQuotes&) = delete;
  MintQuotes& operator=(const MintQuotes&) = delete;

  /// 11013 unknown unit, 20003 not issued by Lightning, 11006 amount outside the unit's limits. No I/O.
  Status check(const MintQuoteRequest& request) const;
  /// Blocks for the node and the ledger. `request` has passed check().
  Result<MintQuote> create(const MintQuoteRequest& request);

  /// Asks the node for each quote that was unpaid when the mint stopped. Blocks.
  void catch_up();
  /// True if the node should be asked about an unpaid quote now (once a second for each at most).
  bool ask_due(const MintQuote& quote);
  /// Asks the node whether an unpaid quote is paid, and returns the quote as it stands then. Blocks.
  Result<MintQuote> ask(const MintQuote& quote);

 private:
  Status check_cap(const CurrencyConfiguration& currency, cashu::Amount amount) const;
  Status credit(const Hash32& payment_hash, Msat received);

  const Keysets* keysets_;
  Ledger* ledger_;
  lightning::Node* node_;
  const Seconds expiry_;
  const Clock* clock_;
  Random* random_;
  std::mutex asked_mutex_;
  std::unordered_map<std::string, Monotonic> asked_;
};

}  // namespace manastr::mint
