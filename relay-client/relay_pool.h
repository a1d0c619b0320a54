// The courier over real relays: one thread for all sockets, workers that parse and verify, one thread that
// calls back. Used by engine and player. How an event comes in: size cap and token bucket before any JSON, a
// bounded inbox per relay (when full, that socket is not read), fair turns among relays, id hashed, dropped
// if already among the verified, signature verified once, matched against the filters, handed over.
#pragma once
#include <memory>

#include "common/base/random.h"
#include "relay-client/courier.h"

namespace manastr::relay {

struct PoolOptions {
  std::vector<std::string> urls;  ///< ws:// or wss://, 1..32, each once
  std::size_t quorum = 0;         ///< relays that must be live; 0: more than half of urls
  Signer* signer = nullptr;  ///< for relays that ask for NIP-42; outlives the pool; without it they refuse us

  Millis connect_timeout{10'000};
  Millis ping_interval{30'000};   ///< a ping unanswered for as long is a dead connection
  Millis reconnect_first{1'000};  ///< doubled at each failure up to reconnect_most, with jitter
  Millis reconnect_most{60'000};
  Millis answer_timeout{10'000};   ///< for EOSE and OK
  Millis audit_interval{300'000};  ///< every subscription is asked for anew, for relays that forget
  Millis straggler_wait{300};      ///< how long a fetch waits for the rest once the quorum answered
  Seconds overlap{7'200};  ///< how far before the last contact the repair of a gap begins (skewed clocks)

  std::size_t message_bytes = 256 * 1024;  ///< a longer one is not read: the connection is closed
  std::size_t inbox_messages = 512;        ///< per relay
  double events_per_second = 5'000;        ///< per relay, token bucket
  double events_burst = 20'000;
  std::size_t outbox_events = 50'000;
  std::size_t verify_workers = 0;  ///< 0: one less than the cores, at least one
  /// Loopback, tests and demos: reconnect at 0.2 s.
  static PoolOptions for_loopback(std::vector<std::string> urls);
};

/// What an operator looks at, summed over all relays since the start.
struct PoolFigures {
  std::uint64_t received = 0, duplicates = 0, bad_events = 0, unasked = 0, delivered = 0, paused = 0,
                reconnects = 0, published = 0, gaps_repaired = 0;
  std::size_t outbox = 0;
};

/// The error names what is no relay's URL, or says that there are none, too many, or one twice.
Status check_urls(const std::vector<std::string>& urls);

class RelayPool final : public Courier {
 public:
  /// Connects in the background. The error names a URL that is none, or the missing library feature.
  static Result<std::unique_ptr<RelayPool>> start(PoolOptions options, const Clock& clock = system_clock(),
                                                  Random& random = system_random());
  /// Sends what is in the sockets' buffers, closes, joins all threads. No callback comes after it.
  ~RelayPool() override;

  SubscriptionId subscribe(Subscription subscription) override;
  void unsubscribe(SubscriptionId id) override;
  Status publish(Publication publication) override;
  void withdraw(const nostr::EventId& id) override;
  void fetch(Fetch request) override;
  std::vector<std::string> seen_on(const nostr::EventId& id) const override;
  CourierStatus status() const override;
  void on_status(std::function<void(const CourierStatus&)> observer) override;

  PoolFigures figures() const;

 private:
  class Impl;
  explicit RelayPool(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace manastr::relay
