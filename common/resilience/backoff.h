// How long to wait before trying again: exponential, capped, with jitter so that many clients don't come back
// at once.
#pragma once
#include <cstdint>
#include <functional>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/random.h"

namespace manastr::resilience {

struct BackoffPolicy {
  Millis first{200};      ///< the longest first wait, at least 1 ms
  Millis cap{30'000};     ///< no wait is longer
  unsigned attempts = 0;  ///< retry() gives up after so many calls; 0: never
};

/// One series of waits. Wait n is uniform in [d/2, d], d = min(cap, first × 2^n).
class Backoff {
 public:
  Backoff(BackoffPolicy policy, Random& random) : policy_(policy), random_(&random) {}
  Millis next();
  /// After a success: the next wait is the first again.
  void reset() { step_ = 0; }
  unsigned steps() const { return step_; }

 private:
  BackoffPolicy policy_;
  Random* random_;
  unsigned step_ = 0;
};

/// Calls `attempt` until it succeeds or fails with anything but ErrorKind::unavailable, or the policy's
/// attempts are used up (the last error is returned). `wait` sleeps; it returns false to give up (a daemon
/// that drains).
template <class T>
Result<T> retry(BackoffPolicy policy, Random& random, const std::function<bool(Millis)>& wait,
                const std::function<Result<T>()>& attempt) {
  Backoff backoff(policy, random);
  while (true) {
    auto result = attempt();
    if (result || result.error().kind != ErrorKind::unavailable) return result;
    if (policy.attempts != 0 && backoff.steps() + 1 >= policy.attempts) return result;
    if (!wait(backoff.next())) return result;
  }
}

}  // namespace manastr::resilience
