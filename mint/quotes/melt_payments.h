// Pays melts that the ledger has journaled (BeginMelt), and carries each to its end: paid, or failed for
// good. What is unknown stays pending and is asked for until it is known, also after a restart; nothing but a
// lookup that says failed (or a payment that was never sent) frees the inputs. No payment under way holds a
// thread, however long it takes.
#pragma once
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <string_view>
#include <thread>

#include "lightning/lightning.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/ledger.h"
#include "mint/quotes/workers.h"

namespace manastr::mint {

struct MeltPaymentsOptions {
  std::size_t threads = 32;      ///< payments sent, and asked for, at once
  std::size_t queue = 1'000;     ///< payments not yet sent
  Millis answer_within{60'000};  ///< a payment under way for longer is answered as pending
};

class MeltPayments {
 public:
  /// The quote as it stands: paid with its change, or still pending. An error: it failed (20004, 20006),
  /// inputs are free again.
  using Done = std::move_only_function<void(Result<MeltQuote>)>;

  MeltPayments(const Keysets& keysets, Ledger& ledger, lightning::Node& node, MeltPaymentsOptions options,
               const Clock& clock = system_clock());
  ~MeltPayments();

  /// Takes up the melts that were pending when the mint stopped. Before the first melt is journaled: one that
  /// this process is about to send must not pass for one that never was. They are asked for in the
  /// background.
  Status recover();
  /// True if pay() would begin soon; asked before a melt is journaled.
  bool has_room() const { return workers_.queued() < options_.queue; }
  /// `quote` is journaled as pending. Returns at once; `done` (may be empty) is called from a thread that may
  /// block.
  void pay(MeltQuote quote, Done done);
  /// `quote` may have been journaled as pending, but the ledger could not say: if it turns out to be, it is
  /// followed up. Nobody will pay() it.
  void find_out(MeltQuote quote);
  /// Someone wants to know how this melt stands: the node is asked soon, though not within a second of the
  /// last time.
  void ask_soon(std::string_view quote);
  /// Payments without a known end.
  std::size_t pending() const;
  /// Nobody waits any longer for a payment under way: who does is answered with pending now, also in future.
  void stop_waiting();
  /// Ends the threads; payments under way are left pending for the next start.
  void stop();

 private:
  struct Followed {
    MeltQuote quote;
    Done done;              ///< empty once answered
    Monotonic answer_by{};  ///< when `done` hears that it is pending
    Monotonic asked_at{};
    Monotonic ask_at{};
    Millis wait{0};  ///< between the last two questions
    bool asking = false;
  };

  void send(MeltQuote quote, Done done);
  Result<lightning::Payment> pay_at_node(const MeltQuote& quote);
  lightning::Payment look_up(const MeltQuote& quote);
  void ask(std::list<Followed>::iterator entry);
  /// What the client hears at the end; nothing: it isn't known yet, or could not be booked now.
  using End = std::optional<Result<MeltQuote>>;
  End settle(const MeltQuote& quote, const lightning::Payment& payment);
  Result<MeltQuote> finish(const MeltQuote& quote, const lightning::Payment& payment);
  End release(const MeltQuote& quote, Error why);
  /// `was_sending`: 1 if it is one of sending_.
  void follow(MeltQuote quote, Done done, int was_sending = 0);
  void count_sending(int change);
  void adopt();
  void settle_doubts();
  void follow_loop();
  static Monotonic due(const Followed& entry);

  const Keysets* keysets_;
  Ledger* ledger_;
  lightning::Node* node_;
  const Clock* clock_;
  const MeltPaymentsOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Followed> followed_;
  int sending_ = 0;  ///< from pay() until it has ended or is followed
  Monotonic adopt_at_{};
  struct Doubt {
    std::string quote;
    std::uint64_t attempt = 0;
    Monotonic until{};  ///< no commit that was under way can be made any more
  };
  std::vector<Doubt> doubts_;
  Monotonic doubts_at_{};
  bool nobody_waits_ = false;
  bool stopping_ = false;
  Workers workers_;
  std::thread follower_;
};

}  // namespace manastr::mint
