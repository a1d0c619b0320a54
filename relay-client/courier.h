// Many relays as one courier: what the engine and the player see of Nostr. RelayPool (relay_pool.h) is the
// real one; a simulation substitutes a network in memory. Promises: every event handed over has a right id
// and signature and matches the filters that asked for it; each is handed over once per subscription (twice
// at most after 65 536 others); subscriptions outlive every disconnection and refusal; what happened during a
// gap is fetched. It does not promise order or completeness: a relay is only a courier. Callbacks come one at
// a time from a thread of the courier, never from within a call to it, and may call it. One that blocks makes
// the courier stop reading its relays (that is the back pressure); publishing goes on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/nostr/event.h"
#include "common/nostr/filter.h"

namespace manastr::relay {

/// Signs NIP-42 answers. Called from a thread of the courier.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual nostr::Event sign(const nostr::Draft& draft) = 0;
};

using SubscriptionId = std::uint64_t;

/// A wish that stands until unsubscribe(): kept up on every relay, whatever it does.
struct Subscription {
  /// Without `limit`: the courier pages. At least one filter, at most 10. `since` bounds the first catching
  /// up.
  std::vector<nostr::Filter> filters;
  /// `relay` is the URL it came from first; see Courier::seen_on for the others.
  std::function<void(const nostr::Event& event, std::string_view relay)> on_event;
  /// A quorum of relays has sent all that it had (or timed out once, and another answered). Called once,
  /// after the stored events were handed over. May be empty.
  std::function<void()> on_caught_up;
};

enum class Delivery {
  waiting,   ///< not answered yet, or to be tried again
  accepted,  ///< OK true, or it has it already
  refused,   ///< this relay will not have it; `message` is what it said
};
struct RelayDelivery {
  std::string relay;
  Delivery state = Delivery::waiting;
  std::string message;
};
struct PublishProgress {
  nostr::EventId id{};
  std::size_t quorum = 0;
  std::vector<RelayDelivery> relays;
  std::size_t accepted() const { return tally(Delivery::accepted); }
  std::size_t refused() const { return tally(Delivery::refused); }
  bool quorum_reached() const { return accepted() >= quorum; }
  /// So many relays refuse it that the quorum can't be reached. It is still sent to those that have not
  /// answered.
  bool quorum_impossible() const { return relays.size() - refused() < quorum; }
  bool settled() const { return accepted() + refused() == relays.size(); }

 private:
  std::size_t tally(Delivery wanted) const {
    std::size_t out = 0;
    for (const RelayDelivery& each : relays) out += each.state == wanted;
    return out;
  }
};

struct Publication {
  nostr::Event event;
  std::size_t quorum = 0;  ///< relays that must accept; 0: the courier's own quorum
  /// Ask each relay for the event by id after its OK, and count only those that return it: relays answer OK
  /// true to a version of an addressable event that lost.
  bool read_back = false;
  /// Each time a relay's answer changes the picture; the last time when settled(). None starts after
  /// withdraw(). May be empty.
  std::function<void(const PublishProgress&)> on_progress;
};

/// One question to all relays.
struct Fetch {
  std::vector<nostr::Filter> filters;  ///< without `limit`, or with one: then no paging
  Millis timeout{5000};
  std::size_t quorum = 0;  ///< relays that must have answered for `complete`; 0: the courier's own quorum
  /// Called exactly once: after the quorum has answered and the others had a moment more
  /// (Options::straggler_wait), or at the timeout.
  std::function<void(struct Fetched)> on_done;
};
struct Fetched {
  std::vector<nostr::Event> events;  ///< verified, each once, newest first, at most 20 000
  std::size_t answered = 0;          ///< relays that sent all they had
  bool complete = false;             ///< answered >= quorum
};

struct RelayStatus {
  std::string url;
  bool connected = false;
  /// Connected, and every subscription in force (its stored events are in).
  bool live = false;
  std::string trouble;  ///< the last one, a sentence; empty if none
};
struct CourierStatus {
  std::vector<RelayStatus> relays;
  std::size_t quorum = 0;
  std::size_t live() const {
    std::size_t out = 0;
    for (const RelayStatus& each : relays) out += each.live;
    return out;
  }
  bool has_quorum() const { return live() >= quorum; }
};

class Courier {
 public:
  virtual ~Courier() = default;

  virtual SubscriptionId subscribe(Subscription subscription) = 0;
  /// A callback under way may still finish; no other starts.
  virtual void unsubscribe(SubscriptionId id) = 0;

  /// Sends to every relay, and again with backoff until each accepted or refused it. Never waits. The error
  /// is `unavailable` if the outbox is full, `invalid` if the event is longer than any relay takes. The same
  /// id again replaces the callback and sends to those relays that have not accepted.
  virtual Status publish(Publication publication) = 0;
  /// Stop trying. Nothing happens if it is unknown or settled.
  virtual void withdraw(const nostr::EventId& id) = 0;

  virtual void fetch(Fetch request) = 0;

  /// Relays from which the event has come, as far as the courier still knows (the last 65 536 events).
  virtual std::vector<std::string> seen_on(const nostr::EventId& id) const = 0;

  virtual CourierStatus status() const = 0;
  /// Called at once with the present state, then at every change. One observer; an empty function takes it
  /// away.
  virtual void on_status(std::function<void(const CourierStatus&)> observer) = 0;
};

/// For programs that do one thing at a time. Not to be called from a callback.
/// The events of `filters`; `complete` says whether the quorum answered.
Fetched fetch_and_wait(Courier& courier, std::vector<nostr::Filter> filters, Millis timeout,
                       std::size_t quorum = 0);
/// Waits until the quorum accepted (the value) or can't be reached, or for `timeout` (`unavailable`; the
/// event stays in the outbox).
Result<PublishProgress> publish_and_wait(Courier& courier, nostr::Event event, Millis timeout,
                                         std::size_t quorum = 0);
/// Waits for has_quorum().
bool wait_for_quorum(Courier& courier, Millis timeout);

}  // namespace manastr::relay
