// The clock of a machine whose owner has not set it.
#pragma once
#include <atomic>

#include "common/base/clock.h"

namespace manastr::test {

class SkewedClock final : public Clock {
 public:
  SkewedClock(const Clock& clock, Millis skew) : clock_(clock), skew_(skew) {}
  UnixMillis now() const override { return clock_.now() + skew_ + ahead_.load() + set_.load(); }
  Monotonic monotonic() const override { return clock_.monotonic() + ahead_.load(); }
  /// As if so much time had passed at once.
  void advance(Millis time) { ahead_ = ahead_.load() + time; }
  /// As if somebody had set it, so far from the right time: no time has passed.
  void set(Millis wrong_by) { set_ = wrong_by; }

 private:
  const Clock& clock_;
  const Millis skew_;
  std::atomic<Millis> ahead_{Millis{0}};
  std::atomic<Millis> set_{Millis{0}};
};

}  // namespace manastr::test
