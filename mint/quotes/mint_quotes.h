// Mint quotes (NUT-04, NUT-23, NUT-25): invoices and offers out, payments in. Called by the pipeline; hears
// of payments from the node.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/base/random.h"
#include "lightning/lightning.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/ledger.h"

namespace manastr::mint {

struct MintQuoteRequest {
  Method method = Method::bolt11;
  cashu::Unit unit;
  std::optional<cashu::Amount> amount;  ///< bolt12 alone can do without
  std::string description;
  std::optional<crypto::PublicKey> pubkey;  ///< NUT-20; bolt12 can't do without
};

struct MintQuotesOptions {
  Seconds invoice_expiry{3'600};
  Seconds offer_expiry{365 * 86'400};
};

class MintQuotes {
 public:
  /// All must outlive this.
  MintQuotes(const Keysets& keysets, Ledger& ledger, lightning::Node& node, MintQuotesOptions options,
             const Clock& clock, Random& random);
  ~MintQuotes();
  MintQuotes(const MintQuotes&) = delete;
  MintQuotes& operator=(const MintQuotes&) = delete;

  /// 11013 unknown unit, 20003 not issued by Lightning, 11006 amount outside the unit's limits, 20009 bolt12
  /// without a pubkey; no code: the node has no offers. No I/O.
  Status check(const MintQuoteRequest& request) const;
  /// Blocks for the node and the ledger. `request` has passed check(); `token` is spent with it. 31002.
  Result<MintQuote> create(const MintQuoteRequest& request,
                           const std::optional<TokenSpend>& token = std::nullopt);

  /// Asks the node for each quote that may have been paid while the mint was stopped. Blocks.
  void catch_up();
  /// True if the node should be asked about a quote now: it awaits payment, and was not asked for within a
  /// second.
  bool ask_due(const MintQuote& quote);
  /// Asks the node what was paid for a quote, and returns the quote as it stands then. Blocks.
  Result<MintQuote> ask(const MintQuote& quote);

 private:
  struct Incoming {
    Hash32 payment_hash{};
    Msat received = 0;
  };
  Result<MintQuote> create_at_node(const MintQuoteRequest& request);
  void heard(const Hash32& node_key, const Incoming& payment);
  /// Logs what was not credited; its quote or the next start asks the node again.
  static void note(const Incoming& payment, const Status& credited);
  Status credit(const std::string& quote, const Incoming& payment);
  Result<std::vector<Incoming>> payments_of(const MintQuote& quote);
  Status check_cap(const CurrencyConfiguration& currency, cashu::Amount amount) const;

  const Keysets* keysets_;
  Ledger* ledger_;
  lightning::Node* node_;
  const MintQuotesOptions options_;
  const Clock* clock_;
  Random* random_;
  // Payments heard of while quotes are made: one may be paid before it is in the ledger.
  std::mutex early_mutex_;
  std::size_t being_made_ = 0;
  std::multimap<Hash32, Incoming> early_;
  std::mutex asked_mutex_;
  std::unordered_map<std::string, Monotonic> asked_;
};

}  // namespace manastr::mint
