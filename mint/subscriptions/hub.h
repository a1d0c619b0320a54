// Who waits for which quotes and proofs (NUT-17), and tells them: the current state at once, then each change
// after its commit. One thread does all of it and reads the states from the ledger, told by keys alone; so it
// makes no difference which process wrote a change, and what told of it (the ledger's commits here, a
// database's notifications, look_again() by the clock). While nobody waits, the commits cost nothing.
//
// Bounds: subscriptions and filters per session and in all, messages not yet answered; who reads too slowly
// is cut off by the outlet.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "common/base/inbox.h"
#include "mint/keysets/keysets.h"
#include "mint/ledger/ledger.h"
#include "mint/subscriptions/rpc.h"

namespace manastr::mint {

/// Where a session's messages go. Thread-safe.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// Doesn't block; a slow reader is cut off.
  virtual void send(std::string text) = 0;
  /// RFC 6455 section 7.4 codes.
  virtual void close(std::uint16_t code, std::string reason) = 0;
};

struct HubLimits {
  std::size_t subscriptions = 100;    ///< of a session
  std::size_t filters = 5'000;        ///< of a session
  std::size_t all_filters = 200'000;  ///< of all sessions
  std::size_t messages = 32;          ///< of a session, not yet answered; above, closed with 1008
  std::size_t queue = 10'000;         ///< of all sessions and commits
  std::size_t bytes = 32 << 20;       ///< of all messages in the queue; above, who sends is closed with 1013
  /// How often to look_again() while someone waits, for a ledger that other processes write too; 0: never.
  /// Looking takes a tenth of the time at most.
  Millis look_every{0};
};

class Hub final : public ChangeListener {
 public:
  /// Called when someone begins to wait for what the Lightning node may know more of than the ledger. On the
  /// hub's thread; must not block.
  struct Interest {
    std::function<void(const MintQuote&)> payable;
    std::function<void(const MeltQuote&)> pending;
  };
  /// `ring` and `ledger` outlive this; it listens to the ledger until it ends.
  Hub(const Keysets& keysets, Ledger& ledger, Interest interest = {}, HubLimits limits = {},
      const Clock& clock = system_clock());
  ~Hub() override;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  struct Session;
  std::shared_ptr<Session> connect(std::shared_ptr<Outlet> outlet);
  /// A whole text message. Doesn't block.
  void received(const std::shared_ptr<Session>& session, std::string text);
  void disconnected(const std::shared_ptr<Session>& session);

  bool wanted() const override { return filters_ > 0; }
  void changed(Changes changes) override;
  /// Everything that is waited for is read anew: for what nobody told of.
  void look_again() override;

  /// Filters waited for, of all sessions.
  std::size_t filters() const { return filters_; }

 private:
  struct Subscription;
  struct Subscriber {
    Session* session = nullptr;
    const Subscription* subscription = nullptr;
    bool operator==(const Subscriber&) const = default;
  };
  template <class State>
  struct Watch {
    State last{};
    std::vector<Subscriber> subscribers;
  };
  /// A quote's state as far as it changes.
  struct Issued {
    cashu::Amount paid = 0;
    cashu::Amount issued = 0;
    bool operator==(const Issued&) const = default;
  };
  struct Message {
    std::shared_ptr<Session> session;
    std::string text;
  };
  struct Gone {
    std::shared_ptr<Session> session;
  };
  struct LookAgain {};
  using Event = std::variant<Message, Gone, Changes, LookAgain>;

  void run();
  std::deque<Event> next_events();
  void look();
  void handle(Message& message);
  void handle(Gone& gone);
  void handle(Changes& changes);
  void handle(LookAgain& look);
  void subscribe(Session& session, RpcRequest& request);
  void unsubscribe(Session& session, const RpcRequest& request);
  Status fill(Session& session, Subscription& subscription, std::vector<std::string>& initial);
  Status fill_proofs(Subscriber who, std::vector<std::string>& initial);
  Status fill_mint_quotes(Subscriber who, std::vector<std::string>& initial);
  Status fill_melt_quotes(Subscriber who, std::vector<std::string>& initial);
  void drop(Session& session, const Subscription& subscription);
  template <class Watches, class Key>
  void leave(Watches& watches, const Key& key, Subscriber who);

  Status refresh_proofs(const std::vector<PointBytes>& ys);
  Status refresh_mint_quote(const std::string& id);
  Status refresh_melt_quote(const std::string& id);
  void see(const PointBytes& y, const ProofState& state);
  void see(const MintQuote& quote);
  void see(const MeltQuote& quote);
  static void tell(const std::vector<Subscriber>& subscribers, const std::string& payload);
  void missed(const Status& read);

  const Keysets* keysets_;
  Ledger* ledger_;
  const Interest interest_;
  const HubLimits limits_;
  const Clock* clock_;
  std::atomic<std::size_t> filters_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
  std::atomic<bool> missed_ = false;  // a change could not be queued or read
  Inbox<Event> inbox_;

  // Of the hub's thread alone. Ordered, since clients choose the keys.
  std::map<PointBytes, Watch<ProofState::State>> proofs_;
  std::set<PointBytes> pending_;  // those of proofs_ that a melt had locked
  std::map<std::string, Watch<Issued>, std::less<>> mint_quotes_;
  std::map<std::string, Watch<MeltQuote::State>, std::less<>> melt_quotes_;
  Monotonic look_at_{};
  std::thread thread_;
};

}  // namespace manastr::mint
