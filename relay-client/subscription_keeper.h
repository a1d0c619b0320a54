// Keeps the wished subscriptions in force on one relay: asks on connect, after AUTH, after CLOSED, after
// silence and from time to time anew, always under a new name; pages through what a relay's limit cut off;
// repairs the gap of a broken connection. A refusal never removes a wish. A pure state machine without
// sockets, used by the session; one thread.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/resilience/backoff.h"
#include "relay-client/relay_message.h"
#include "relay-client/wish.h"

namespace manastr::relay {

/// Both clocks at one moment: spans are measured on one, `since` is told in the other.
struct Moment {
  Monotonic steady;
  UnixSeconds wall;
};

class SubscriptionKeeper {
 public:
  struct Policy {
    Millis answer_timeout{10'000};
    Millis retry_first{1'000};
    Millis retry_most{60'000};
    Millis audit_interval{300'000};
    Seconds overlap{7'200};
    std::uint32_t limit = 500;  ///< asked for per filter, if the relay's NIP-11 allows
    std::uint32_t clamp = 100;  ///< relays cut off silently; from so many events on there may be more
    std::uint32_t largest_limit = 5'000;
    unsigned most_pages = 1'000;
  };

  SubscriptionKeeper(Policy policy, Random& random) : policy_(policy), random_(&random) {}

  void add(std::shared_ptr<const Wish> wish, Moment now);
  void remove(std::uint64_t wish);

  void connected(Moment now);
  /// `last_heard`: when the connection last said anything; up to then nothing was missed.
  void disconnected(UnixSeconds last_heard);
  /// All events up to the EOSE of that name have been counted.
  void stored_events_end(const SubscriptionName& name, const Tally& tally, Moment now);
  void closed(const SubscriptionName& name, const std::string& text, Moment now);
  void authenticated(Moment now);
  /// Timeouts; not to be called while the socket is not read.
  void tick(Moment now);
  void set_limits(const RelayLimits& limits) { limits_ = limits; }

  /// Connected, and the stored events of every standing wish are in.
  bool all_in_force() const;
  bool wants_authentication() const { return wants_authentication_; }
  bool has_next() const { return !outgoing_.empty(); }
  std::optional<std::string> next();
  /// Wishes whose stored events came in completely since the last call.
  std::vector<std::uint64_t> take_finished() { return std::exchange(finished_, {}); }
  std::optional<std::string> take_trouble() { return std::exchange(trouble_, std::nullopt); }
  std::uint64_t gaps_repaired() const { return gaps_repaired_; }

 private:
  enum class State { waiting, asked, paging, settled, unauthenticated };
  struct Page {
    std::size_t filter;
    std::int64_t until;
    std::uint32_t limit;
  };
  struct Kept {
    std::shared_ptr<const Wish> wish;
    State state = State::waiting;
    Monotonic due{};                        // next attempt, answer deadline or audit, by state
    std::uint64_t asked = 0;                // number of the request under way
    std::uint64_t page = 0;                 // number of the page under way
    std::optional<std::uint64_t> in_force;  // number of the request that is live
    std::optional<UnixSeconds> watermark;   // nothing was missed up to here
    UnixSeconds asked_at{};
    bool repairing = false;
    std::vector<std::optional<UnixSeconds>> since;  // of the request under way, by filter
    std::deque<Page> pages;
    unsigned pages_done = 0;
    resilience::Backoff backoff;
  };

  void ask(Kept& kept, Moment now);
  void go_on(Kept& kept, Moment now);
  void fail(Kept& kept, Moment now, std::string trouble);
  std::uint32_t limit() const;

  Policy policy_;
  Random* random_;
  RelayLimits limits_;
  bool connected_ = false;
  bool wants_authentication_ = false;
  std::map<std::uint64_t, Kept> kept_;
  std::deque<std::string> outgoing_;
  std::vector<std::uint64_t> finished_;
  std::optional<std::string> trouble_;
  std::uint64_t next_number_ = 1;
  std::uint64_t gaps_repaired_ = 0;
};

}  // namespace manastr::relay
