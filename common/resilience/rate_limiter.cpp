#include "common/resilience/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace manastr::resilience {

RateLimiter::RateLimiter(RateLimit limit, const Clock& clock, std::size_t max_keys)
    : limit_(limit), clock_(&clock), max_keys_(std::max<std::size_t>(max_keys, 1)) {}

std::optional<Millis> RateLimiter::admit(std::string_view key, double cost) {
  return admit(key, limit_, cost);
}

RateLimiter::Bucket& RateLimiter::bucket_of(std::string_view key, const RateLimit& limit) {
  const Monotonic now = clock_->monotonic();
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
  } else {
    if (buckets_.size() >= max_keys_) {
      buckets_.erase(recent_.back().key);
      recent_.pop_back();
    }
    recent_.push_front({std::string(key), limit.burst, now, 0});
    buckets_.emplace(recent_.front().key, recent_.begin());
  }
  Bucket& bucket = recent_.front();
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.at).count());
  bucket.tokens = std::min(limit.burst, bucket.tokens + seconds * limit.per_second);
  bucket.at = now;
  return bucket;
}

std::optional<Millis> RateLimiter::admit(std::string_view key, const RateLimit& limit, double cost) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(key, limit);
  if (bucket.tokens >= cost) {
    bucket.tokens -= cost;
    bucket.used += cost;
    return std::nullopt;
  }
  const double missing = std::min(cost, limit.burst) - bucket.tokens;
  const double millis = std::ceil(missing / limit.per_second * 1000);
  return Millis{static_cast<std::int64_t>(std::clamp(millis, 1.0, 86'400'000.0))};
}

void RateLimiter::charge(std::string_view key, const RateLimit& limit, double cost) {
  const std::lock_guard lock(mutex_);
  Bucket& bucket = bucket_of(key, limit);
  bucket.tokens = std::max(bucket.tokens - cost, -kMostOwed * limit.burst);
}

std::vector<RateLimiter::Use> RateLimiter::take_uses(std::size_t most) {
  const std::lock_guard lock(mutex_);
  std::vector<Use> out;
  for (Bucket& bucket : recent_) {
    if (bucket.at < uses_taken_ || out.size() >= most) break;
    if (bucket.used > 0) out.push_back({bucket.key, std::exchange(bucket.used, 0)});
  }
  uses_taken_ = clock_->monotonic();
  return out;
}

std::size_t RateLimiter::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace manastr::resilience
