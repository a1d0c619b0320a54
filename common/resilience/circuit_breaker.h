// Spares a failing neighbour (a mint, a Lightning node) calls that would fail, and its callers the wait.
#pragma once
#include <mutex>

#include "common/base/clock.h"

namespace manastr::resilience {

struct CircuitOptions {
  unsigned failures = 5;    ///< in a row, that open it
  Millis open_for{10'000};  ///< before one call is let through to try
  Millis cap{300'000};      ///< open_for doubles at each failed try, up to this
};

/// Thread-safe. closed: calls pass. open: they don't. half-open: one passes, and its outcome decides; a try
/// that never reports is given up after open_for.
class CircuitBreaker {
 public:
  enum class State { closed, open, half_open };
  CircuitBreaker(CircuitOptions options, const Clock& clock)
      : options_(options), clock_(&clock), wait_(options.open_for) {}

  /// True if a call may be made now; its outcome must be reported then.
  bool allow();
  void success();
  void failure();
  State state() const;
  /// How long until allow() can be true again; 0 if it can now.
  Millis retry_after() const;

 private:
  const CircuitOptions options_;
  const Clock* clock_;
  mutable std::mutex mutex_;
  State state_ = State::closed;
  unsigned failed_ = 0;
  Millis wait_;
  Monotonic until_{};
};

}  // namespace manastr::resilience
