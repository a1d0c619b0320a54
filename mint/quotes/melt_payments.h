// Pays melts that the ledger has journaled (BeginMelt), and carries each to its end: paid, or failed for
// good. What is unknown stays pending and is asked for until it is known, also after a restart; only a
// definite failure frees the inputs.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "lightning/lightning.h"
#include "mint/keysets/keyset_ring.h"
#include "mint/ledger/ledger.h"
#include "mint/quotes/workers.h"

namespace manastr::mint {

class MeltPayments {
 public:
  /// The quote as it stands: paid with its change, or still pending. An error: it failed (20004, 20006),
  /// inputs are free again.
  using Done = std::move_only_function<void(Result<MeltQuote>)>;

  MeltPayments(const KeysetRing& ring, Ledger& ledger, lightning::Node& node, std::size_t threads,
               std::size_t queue);
  ~MeltPayments();

  /// Takes up the melts that were pending when the mint stopped; returns at once.
  void recover();
  /// True if pay() would begin soon; asked before a melt is journaled.
  bool has_room() const { return workers_.queued() < queue_; }
  /// `quote` is journaled as pending. Returns at once; `done` is called from a thread that may block.
  void pay(MeltQuote quote, Done done);
  std::size_t pending() const;
  /// Ends the threads; payments under way are left pending for the next start.
  void stop();

 private:
  Result<MeltQuote> settle(const MeltQuote& quote, const lightning::Payment& payment);
  Result<MeltQuote> finish(const MeltQuote& quote, const lightning::Payment& payment);
  Error release(const MeltQuote& quote, Error why);
  void follow(MeltQuote quote);
  void follow_loop();

  const KeysetRing* ring_;
  Ledger* ledger_;
  lightning::Node* node_;
  const std::size_t queue_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<MeltQuote> followed_;
  bool stopping_ = false;
  Workers workers_;
  std::thread follower_;
};

}  // namespace manastr::mint
