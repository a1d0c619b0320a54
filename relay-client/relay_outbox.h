// The way of published events to one relay: sent, answered, sent again with backoff, authenticated for, read
// back. A pure state machine without sockets: the session asks it what to send and tells it what was heard.
// One thread.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/resilience/backoff.h"
#include "relay-client/courier.h"
#include "relay-client/relay_message.h"

namespace manastr::relay {

/// An event ready to send, shared by the outboxes of all relays.
struct Letter {
  nostr::EventId id{};
  std::string message;  ///< ["EVENT",{...}]
  std::size_t tags = 0;
  std::size_t content_characters = 0;
  bool read_back = false;
};
std::size_t utf8_characters(std::string_view text);

class RelayOutbox {
 public:
  struct Outcome {
    nostr::EventId id{};
    Delivery state = Delivery::waiting;
    std::string message;
  };
  struct Policy {
    Millis answer_timeout{10'000};
    Millis retry_first{500};
    Millis retry_most{60'000};
    unsigned error_attempts = 8;  ///< so often "error:" and silence count as "try again", then as a refusal
    std::size_t in_flight = 256;
    bool can_authenticate = false;  ///< if not, auth-required is a refusal
  };

  RelayOutbox(Policy policy, Random& random) : policy_(policy), random_(&random) {}

  /// An id known already is left as it is.
  void add(std::shared_ptr<const Letter> letter);
  void remove(const nostr::EventId& id);
  std::size_t size() const { return items_.size(); }

  /// What to send next, or nullopt: an EVENT or a read-back's REQ. Counts as sent.
  std::optional<std::string> next(Monotonic now);
  bool has_next() const;

  void answered(const std::optional<nostr::EventId>& id, bool accepted, const std::string& text,
                Monotonic now);
  /// The answer to a read-back: an event, or nullopt at the end of what the relay has. `number` as in the
  /// "b0.N" of the request.
  void read_back(std::uint64_t number, const std::optional<nostr::EventId>& found);
  /// Timeouts; not to be called while the socket is not read.
  void tick(Monotonic now);
  /// Everything unanswered goes again on the next connection.
  void disconnected();
  void authenticated();
  void authentication_refused(const std::string& text);
  bool wants_authentication() const { return wants_authentication_; }
  void set_limits(const RelayLimits& limits) { limits_ = limits; }

  /// What became final since the last call; items reported here are gone.
  std::deque<Outcome> take_outcomes() { return std::exchange(outcomes_, {}); }

 private:
  enum class State { ready, flying, resting, unauthenticated, reading };
  struct Item {
    std::shared_ptr<const Letter> letter;
    State state = State::ready;
    std::optional<resilience::Backoff> backoff;
    unsigned errors = 0;
    std::uint64_t number = 0;  // of the read-back
    bool sent_back = false;    // the read-back's request is out
    std::multimap<Monotonic, nostr::EventId>::iterator timer;
    bool timed = false;
  };
  using Items = std::unordered_map<nostr::EventId, Item, UniformBytesHash>;

  void finish(Items::iterator item, Delivery state, std::string message);
  void make_ready(Item& item);
  void rest(Item& item, Monotonic now);
  void start_timer(Item& item, Monotonic at);
  void stop_timer(Item& item);
  std::optional<std::string> too_large(const Letter& letter) const;

  Policy policy_;
  Random* random_;
  RelayLimits limits_;
  Items items_;
  std::deque<nostr::EventId> ready_;
  std::multimap<Monotonic, nostr::EventId> timers_;
  std::unordered_map<std::uint64_t, nostr::EventId> reading_;
  std::deque<Outcome> outcomes_;
  std::uint64_t next_number_ = 1;
  std::size_t flying_ = 0;
  bool wants_authentication_ = false;
};

}  // namespace manastr::relay
