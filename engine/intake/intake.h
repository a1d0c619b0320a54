// From the relays to the match writers: what has the shape of a party's event for this engine goes to the
// writer of its match, the rest is counted and dropped. Ids and signatures were verified by the courier. Runs
// on the courier's thread; a full writer makes it wait, and so the relays.
#pragma once
#include "common/resilience/rate_limiter.h"
#include "common/telemetry/metrics.h"
#include "engine/match/match_writer.h"
#include "relay-client/courier.h"

namespace manastr::engine {

class Intake {
 public:
  struct Options {
    crypto::XOnlyKey engine;
    std::vector<std::uint32_t> kinds;                                  ///< of 31000..31005
    resilience::RateLimit challenges{.per_second = 10, .burst = 100};  ///< of one author
  };
  Intake(Options options, MatchWriters& writers, const ChallengeSlots& slots, const Clock& clock,
         telemetry::Metrics& metrics);

  /// Challenges made since `challenges_since` and everything else since `others_since` come in, and whatever
  /// is new.
  void subscribe(relay::Courier& courier, UnixSeconds challenges_since, UnixSeconds others_since);
  void unsubscribe(relay::Courier& courier);

  /// One verified event, as the courier hands it over.
  void take(const nostr::Event& event);

 private:
  void take_deletion(const nostr::Event& event);
  bool is_ours(const nostr::Event& event) const;

  const Options options_;
  const std::string engine_hex_;
  MatchWriters& writers_;
  const ChallengeSlots& slots_;
  const Clock& clock_;
  resilience::RateLimiter challenges_;
  telemetry::Counter& accepted_;
  telemetry::Counter& malformed_;
  telemetry::Counter& too_many_;
  std::vector<relay::SubscriptionId> subscriptions_;
};

}  // namespace manastr::engine
