// One relay as the pool keeps it: subscriptions, outbox and NIP-42 on one connection. Pure: it is told what
// was heard and asked what to say. One thread.
#pragma once
#include <optional>
#include <string>

#include "relay-client/relay_outbox.h"
#include "relay-client/subscription_keeper.h"

namespace manastr::relay {

class Session {
 public:
  Session(std::string url, const SubscriptionKeeper::Policy& subscriptions, RelayOutbox::Policy publications,
          Signer* signer, Random& random);

  SubscriptionKeeper& subscriptions() { return keeper_; }
  RelayOutbox& outbox() { return outbox_; }

  void opened(Moment now);
  void closed(UnixSeconds last_heard);
  /// OK, CLOSED, NOTICE, AUTH; others have no effect.
  void heard(const RelayMessage& message, Moment now);
  void stored_events_end(const SubscriptionName& name, const Tally& tally, Moment now);
  /// A verified event came in answer to a read-back.
  void read_back(const SubscriptionName& name, const nostr::EventId& id);
  /// Timeouts; not to be called while the socket is not read.
  void tick(Moment now);
  void set_limits(const RelayLimits& limits);

  /// What to send next. Events wait until `allow_events` (the relay's limits are known, or will not be).
  std::optional<std::string> next(Moment now, bool allow_events);
  bool has_next(bool allow_events) const;
  bool live() const { return open_ && keeper_.all_in_force(); }
  std::optional<std::string> take_trouble();

 private:
  void authenticate_if_wanted(Moment now);

  std::string url_;
  Signer* signer_;
  SubscriptionKeeper keeper_;
  RelayOutbox outbox_;
  std::deque<std::string> outgoing_;
  bool open_ = false;
  std::optional<std::string> challenge_;
  std::optional<nostr::EventId> authenticating_;
  Monotonic not_before_{};  // of the next AUTH
  std::optional<std::string> trouble_;
};

}  // namespace manastr::relay
