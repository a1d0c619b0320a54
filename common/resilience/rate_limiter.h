// Token bucket per key (an address, a public key) with a bounded table: a flood of new keys can't grow it.
#pragma once
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"

namespace manastr::resilience {

struct RateLimit {
  double per_second = 10;  ///< tokens refilled; > 0
  double burst = 20;       ///< bucket size, at least 1
};

/// Thread-safe.
class RateLimiter {
 public:
  /// At most `max_keys` buckets: a new key beyond takes the place of the one longest unused (which by then is
  /// full again under any normal load).
  RateLimiter(RateLimit limit, const Clock& clock, std::size_t max_keys = 10'000);
  /// Takes `cost` tokens: nullopt. Or takes nothing and says when there will be enough (never, if cost >
  /// burst: then the time of a full bucket).
  std::optional<Millis> admit(std::string_view key, double cost = 1);
  /// As above, under another limit than the limiter's own (limits that differ from key to key).
  std::optional<Millis> admit(std::string_view key, const RateLimit& limit, double cost = 1);
  std::size_t size() const;

  // For a limit that several processes share: each tells the others now and then what it has let through, and
  // they charge it. Between two tellings each may let a burst of its own through; what is too much is owed,
  // so that over minutes they let no more through together than one would.
  struct Use {
    std::string key;
    double cost;
  };
  /// What was let through since the last call, the keys used last first, `most` of them at most.
  std::vector<Use> take_uses(std::size_t most);
  /// Takes tokens for what was let through elsewhere; a bucket may owe up to kMostOwed times its burst.
  void charge(std::string_view key, double cost) { charge(key, limit_, cost); }
  void charge(std::string_view key, const RateLimit& limit, double cost);
  static constexpr double kMostOwed = 16;

 private:
  struct Bucket {
    std::string key;
    double tokens;
    Monotonic at;
    double used = 0;  ///< since take_uses()
  };
  /// Refilled, and the first of recent_.
  Bucket& bucket_of(std::string_view key, const RateLimit& limit);
  const RateLimit limit_;
  const Clock* clock_;
  const std::size_t max_keys_;
  mutable std::mutex mutex_;
  std::list<Bucket> recent_;  // most recently used first
  Monotonic uses_taken_{};
  std::unordered_map<std::string_view, std::list<Bucket>::iterator> buckets_;
};

}  // namespace manastr::resilience
